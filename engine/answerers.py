"""Who may answer besides the person at the terminal: the pace, a plan, the recommendation, an older branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.questions import Level
from engine.records import Answer, Decision, Json
from engine.session import Session

Answerer = Callable[[Ask, Session], Answer | None]


def recommended(ask: Ask) -> Answer:
    """The recommendation, in the engine's words; where there is none, the question's default."""
    if ask.recommended is None:
        return Answer(ask.question.default, "Nobody was asked.", "engine", "engine")
    return Answer(ask.recommended, ask.reason, "engine", "engine")


def quick_pace(ask: Ask, session: Session) -> Answer | None:
    """In the quick pace the recommendation answers whatever a person need not know or own."""
    if session.choice("project.pace", default="quick") == "quick" and ask.question.asks == "engine":
        return recommended(ask)
    return None


def accept_recommended(ask: Ask, session: Session) -> Answer | None:
    return recommended(ask)


def from_plan(answers: Mapping[str, Json], whys: Mapping[str, str]) -> Answerer:
    """Answers keyed by question id, or by `id:subject` for a question about one thing.

    A why without an answer speaks for what the guide recommends.
    """

    def answer(ask: Ask, session: Session) -> Answer | None:
        why = whys.get(ask.name, whys.get(ask.question.id, ""))
        for key in (ask.name, ask.question.id):
            if key in answers:
                return Answer(answers[key], why, "plan", "plan")
        return replace(recommended(ask), why=why, why_author="plan") if why else None

    return answer


def carried_over(decisions: Iterable[Decision]) -> Answerer:
    """The answers of the branch that this one left, where exactly the same is asked again on the same evidence.

    One that the guide would object to now (an earlier answer set a limit that it breaks) is asked again.
    """
    by_place = {(d.question, d.subject): d for d in decisions}

    def answer(ask: Ask, session: Session) -> Answer | None:
        old = by_place.get(ask.place)
        if old is None or old.asked != ask.asked or _about_another(old, ask) or not _stands(old, ask):
            return None
        guides = old.why_author == "engine" and old.why == old.reason  # today's words: the figures in them may differ
        return Answer(old.choice, ask.reason if guides else old.why, old.why_author, old.author)

    return answer


def _about_another(old: Decision, ask: Ask) -> bool:
    """Whether a question that names something (“{model}: this is the one?”) names another thing now."""
    return "{" in ask.question.prompt and old.prompt != ask.prompt


def _stands(old: Decision, ask: Ask) -> bool:
    try:
        level = ask.judge(ask.accept(old.choice)).level
    except InvalidAnswer:
        return False
    held = level is Level.HOLD and old.author != "engine" and old.why_verdict != "ok"
    return level is not Level.BLOCK and not held
