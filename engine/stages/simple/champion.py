"""Which model has earned its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.effects import Ask, Conversation
from engine.metrics import BY_NAME, Metric, figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Evidence, Json, Option
from engine.session import Session
from engine.stages.baseline import claimed_today, floors
from engine.stages.ladder import Candidate, ladder_view, per_class_view
from engine.stages.simple.climbing import broken_limit
from engine.stages.simple.costs import costs_view
from engine.stages.worth import measure_worth, with_worth, worth_sentence
from engine.views import View

TOO_GOOD = 0.99  # AUC, accuracy or R² from which a score wants an explanation (LK13)

CHAMPION = Question(
    "simple.champion",
    "Which model should the session carry forward?",
    asks="person",
    why_required=True,
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue 2.5, R1"),
        Why(
            "Why not the highest score?", "Of two equally good models the higher mean is luck half of the time: {luck}"
        ),
        Why("Why is simple better?", "Complexity adds knobs that break, and readers who give up.", "S000; S002"),
    ),
    source="S002; S000 “the simplest model that works”; Godbole et al. 2023",
)

QUESTIONS = (CHAMPION,)


@dataclass(frozen=True)
class Worth:
    """What each model brings over the best way of using none, in the person's own units."""

    floors: tuple[Candidate, ...]
    found: Evidence | None = None

    def sentence(self, s: Session, c: Candidate) -> str:
        return worth_sentence(s, self.floors, self.found, c.name)


def in_own_units(s: Session, start: Candidate, runners: Sequence[Candidate]) -> Conversation:
    """Measure what the models bring over no model."""
    _, rivals = yield from floors(s)
    found = yield from measure_worth(s, rivals, (start, *runners))
    return Worth(rivals, found)


def ask_champion(
    s: Session, m: Metric, start: Candidate, runners: Sequence[Candidate], winner: Candidate, worth: Worth
) -> Ask:
    choices = [start, *(c for c in runners if c.ok)]
    stopped = [c for c in runners if c.stopped]
    failed = [c for c in runners if not c.ok and not c.stopped]

    def judge(choice: Json) -> Judgement:
        if behind := next((c for c in stopped if c.name == choice), None):
            message = f"{behind.stopped} Go back to simple.candidates to let it run without the one that stopped it."
            return Judgement((Objection(Level.BLOCK, message),))
        c = next(c for c in choices if c.name == choice)
        check = c.check(m, start.value, rung=c is not start)  # the baseline stands on the ladder already
        limit = broken_limit(s, c)
        if limit:
            return Judgement((Objection(Level.BLOCK, limit),), check)
        if c.spec.tier > winner.spec.tier:
            message = f"{(c.verdict or {}).get('sentence', 'It has not earned its complexity.')}"
            return Judgement((Objection(Level.HOLD, message, "M03"),), check)
        found = [Objection(Level.FLAG, good, "M25")] if (good := too_good(s, c)) else []
        if c.name != winner.name:
            message = f"{winner.title} is measurably better: {(winner.verdict or {}).get('sentence', '')}"
            found.append(Objection(Level.FLAG, message))
        return Judgement(tuple(found), check)

    beaten = [c for c in runners if c.ok and c.name != winner.name and c.verdict and c.spec.tier > winner.spec.tier]
    barred = {c.name: limit for c in choices if (limit := broken_limit(s, c))}
    earned = [c for c in beaten if c.name in barred and c.verdict and c.verdict["accepted"]]
    if winner.verdict and winner is not start:
        why = [winner.verdict["sentence"]]
    else:
        why = [f"No model {'within your limits ' if earned else ''}beat {start.title}."]
    for c in beaten:
        if c in earned:
            why.append(f"{c.title} earns it on score, but breaks a limit.")
        elif c.verdict:
            why.append(c.verdict["sentence"])
    why += barred.values()
    if told := worth.sentence(s, winner):
        why.append(f"{winner.title}: {told[0].lower()}{told[1:]}")
    if stopped:
        why.append(" ".join(c.stopped for c in stopped))
    why += [f"{c.title} could not be examined: {c.exams.error}" for c in failed]
    views: list[View | None] = [
        ladder_view(m, choices, s.choice("problem.success"), claimed_today(s)),
        *(per_class_view(c.exams) for c in choices if c.name == winner.name),
        costs_view(choices),
    ]
    return Ask(
        CHAMPION,
        options=(
            *(with_worth(c.option(m), s, worth.found) for c in choices),
            *(_stopped_option(c, m) for c in stopped),
        ),
        recommended=winner.name,
        reason=" ".join(why),
        facts={"luck": "the corrected test accepts one in about twenty, the plain one about one in four."},
        evidence=(*(c.exams for c in choices), *([worth.found] if worth.found else [])),
        shows=tuple(v for v in views if v is not None),
        judge=judge,
    )


def _stopped_option(c: Candidate, m: Metric) -> Option:
    """The row of one that was stopped: what its first exams showed, marked as such; it cannot be chosen."""
    option = c.option(m)
    return replace(
        option, label=f"{c.title}, stopped", note=c.stopped, figures={**option.figures, "exams": c.exams.value["J"]}
    )


def too_good(s: Session, c: Candidate) -> str:
    """LK13: a score that is seldom honest, in a sentence; empty where there is none (4.2.1).

    The AUC speaks for two classes only: of each of ten against the other nine it is near 1 for any fair model.
    """
    intervals = c.exams.value.get("intervals") or {}
    for name in (*(("roc_auc",) if s.task == "binary" else ()), "accuracy", "r2"):
        mean = (intervals.get(name) or [None])[0]
        if mean is not None and mean >= TOO_GOOD:
            said = f"{BY_NAME[name].title} {figure(mean)} is rarely honest"
            return f"{said}: say in the why what makes the problem so easy, or look for a column that knows the answer."
    return ""
