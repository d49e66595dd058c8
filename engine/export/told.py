"""What several exports say in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from engine.conductor import SETTLED
from engine.metrics import figure, title_of
from engine.models.catalogue import spec_of
from engine.records import Check, Decision, Json
from engine.session import Rung, Session

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


def span(low: float | None, high: float | None) -> str:
    """An interval, "" where there is none."""
    return "" if low is None or high is None else f"{figure(low)} … {figure(high)}"


def choice_text(choice: Json) -> str:
    """A choice on one line."""
    if choice is None:
        return "—"
    if isinstance(choice, Mapping | list):
        text = json.dumps(choice, ensure_ascii=False)
        return text if len(text) <= LONGEST_CHOICE else text[: LONGEST_CHOICE - 1] + "…"
    return str(choice)


def labelled(decision: Decision) -> str:
    """A choice in the words it was offered in, where it was one of several."""
    for option in decision.options:
        if option.key == decision.choice and isinstance(option.key, bool) == isinstance(decision.choice, bool):
            return option.text
    return choice_text(decision.choice)


def measured(check: Check) -> str:
    """What was measured, with its interval and what it is held against."""
    said = f"{title_of(check.metric)} {figure(check.value)}" if check.value is not None else title_of(check.metric)
    if check.low is not None and check.high is not None:
        said += f" ({span(check.low, check.high)})"
    if check.reference is not None:
        said += f", against {figure(check.reference)}"
    return said


def name_of(rung: Rung) -> str:
    return spec_of(rung.described).title


def baseline_of(s: Session) -> Rung | None:
    """The rung without a model that the others are held against."""
    return next((rung for rung in reversed(s.rungs) if rung.stage == "baseline"), None)


def told_decisions(decisions: Sequence[Decision]) -> list[Decision]:
    """Without those that only confirm what was taken for a person."""
    return [d for d in decisions if d.question != SETTLED.id]


def looks(s: Session) -> int:
    """How often locked rows of this data had been looked at, this exam included; 0 before it."""
    result = s.decision("present.result")
    return int(result.check.details.get("looks") or 1) if result is not None and result.check is not None else 0
