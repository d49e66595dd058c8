"""What several exports say in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from engine.conductor import SETTLED
from engine.data.settings import in_words
from engine.errors import DataProblem
from engine.export.dossier import Dossier
from engine.metrics import figure, title_of
from engine.models.catalogue import spec_of
from engine.records import Check, Decision, Json
from engine.session import Rung, Session
from engine.views import Table

STAGE_TITLES = {
    "define": "The problem",
    "prepare": "The data",
    "baseline": "Without a model",
    "simple": "The simple model",
    "deep": "The deep model",
    "present": "The final exam",
}
AUTHORS = {"engine": "the guide", "plan": "the plan", "person": "a person"}
LONGEST_CHOICE = 300
REACHED = {
    "shown": "and it is reached, the interval included",
    "likely": "and it is reached, though not by the whole interval",
    "not_met": "and it is not reached",
}


def author_of(decision: Decision) -> str:
    return AUTHORS.get(decision.author, "somebody")


def span(low: float | None, high: float | None) -> str:
    """An interval, "" where there is none."""
    return "" if low is None or high is None else f"{figure(low)} … {figure(high)}"


def choice_text(choice: Json) -> str:
    """A choice on one line."""
    if choice is None or (isinstance(choice, Mapping | list) and not choice):
        return "—"
    text = _in_words(choice)
    return text if len(text) <= LONGEST_CHOICE or isinstance(choice, str) else text[: LONGEST_CHOICE - 1] + "…"


def _in_words(choice: Json) -> str:
    """Lists and settings as a person would write them; what is not set is not said."""
    if isinstance(choice, bool):
        return "yes" if choice else "no"
    if isinstance(choice, float):
        return figure(choice)
    if isinstance(choice, Mapping):
        said = {key: value for key, value in choice.items() if value not in (None, "", [], {})}
        return "; ".join(f"{str(key).replace('_', ' ')}: {_nested(value)}" for key, value in said.items())
    if isinstance(choice, list):
        return ", ".join(map(_nested, choice))
    return str(choice)


def _nested(choice: Json) -> str:
    return f"({_in_words(choice)})" if isinstance(choice, Mapping) else _in_words(choice)


def labelled(decision: Decision) -> str:
    """A choice in the words it was offered in, where it was one of several; how a file is read in a few words."""
    if decision.question == "data.load" and isinstance(decision.choice, Mapping) and decision.choice:
        with suppress(DataProblem):  # of a stranger's store: settings that cannot be are told as they stand
            return in_words(decision.choice)
    return offered(decision, decision.choice)


def offered(decision: Decision, choice: Json) -> str:
    """Any answer to a question in the words that it was offered in; several, one after the other."""
    if isinstance(choice, list) and choice:
        return ", ".join(offered(decision, one) for one in choice)
    for option in decision.options:
        if option.key == choice and isinstance(option.key, bool) == isinstance(choice, bool):
            return option.text
    return choice_text(choice)


def measured(check: Check) -> str:
    """What was measured, with its interval and what it is held against."""
    said = f"{title_of(check.metric)} {figure(check.value)}" if check.value is not None else title_of(check.metric)
    if check.low is not None and check.high is not None:
        said += f" ({span(check.low, check.high)})"
    if check.reference is not None:
        said += f", against {figure(check.reference)}"
    return said


def exam_of(check: Check) -> str:
    """The final exam's figure, with the line that it was to reach."""
    line = f"; the line to reach was {figure(check.reference)}" if check.reference is not None else ""
    return measured(replace(check, reference=None)) + line


def name_of(rung: Rung) -> str:
    return spec_of(rung.described).title


def ladder_table(s: Session, title: str = "") -> Table:
    """The rungs in words, with their intervals and what they take."""
    rows = [
        (
            name_of(r),
            STAGE_TITLES.get(r.stage, r.stage),
            figure(r.value),
            span(r.low, r.high),
            r.details.get("parameters"),
            figure(ms) if isinstance(ms := r.details.get("latency_ms"), int | float) else "",
        )
        for r in s.rungs
    ]
    return Table(title, ("model", "from", title_of(s.metric), "95 % interval", "learned figures", "ms a row"), rows)


def baseline_of(s: Session) -> Rung | None:
    """The rung without a model that the others are held against."""
    return next((rung for rung in reversed(s.rungs) if rung.stage == "baseline"), None)


def told_decisions(decisions: Sequence[Decision]) -> list[Decision]:
    """Without those that only confirm what was taken for a person."""
    return [d for d in decisions if d.question != SETTLED.id]


def flag_in_words(flag: str) -> str:
    """“M23: the exam lies outside what practice led to expect”, as a review calls it."""
    from engine.review.catalogue import FLAGS

    titles = {f.id: f.title for f in FLAGS}
    return f"{flag}: {titles[flag]}" if flag in titles else flag


def examined(s: Session) -> str:
    """What the final exam said, for who was not there; "" before it."""
    result = s.decision("present.result")
    check = result.check if result is not None else None
    if result is None or check is None or check.value is None:
        return ""
    title, spread = title_of(check.metric), span(check.low, check.high)
    rows = check.details.get("rows")
    if s.locked:
        what = "values" if s.material == "series" else "rows"
        where = f"{int(rows):,} {what} that" if rows else f"{what.capitalize()} that"
        said = f"{where} were locked away from the start, and taken for no choice, gave {title} {figure(check.value)}"
    else:
        said = f"No rows were locked away; practice exams with fresh draws gave {title} {figure(check.value)}"
    said = said[:1].upper() + said[1:]
    said += f", with a 95 % interval of {spread}" if spread else ""
    base = baseline_of(s)
    floor = check.details.get("baseline")
    said += (
        f". Without a model ({name_of(base)}) it was {figure(floor)}" if base is not None and floor is not None else ""
    )
    if check.reference is not None:
        reached = REACHED.get(str(result.choice), "")
        said += f". The line to reach was set at {figure(check.reference)} before any score was seen, {reached}"
    if looks(s) > 1:
        said += f". The locked rows were looked at {looks(s)} times: the score is optimistic"
    return said + "."


def spent_by_stage(d: Dossier) -> dict[str, float]:
    """Seconds of computing behind the decisions, by the stage that first cited it."""
    seen: set[str] = set()
    found: dict[str, float] = {}
    for decision in d.journal:
        for key in decision.evidence:
            evidence = d.evidence(key) if key not in seen else None
            seen.add(key)
            if evidence is not None:
                found[decision.stage] = found.get(decision.stage, 0.0) + evidence.seconds
    return found


def looks(s: Session) -> int:
    """How often locked rows of this data had been looked at, this exam included; 0 before it."""
    result = s.decision("present.result")
    return int(result.check.details.get("looks") or 1) if result is not None and result.check is not None else 0
