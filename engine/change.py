"""Whether a change of the preparation stays: R2 and R5 of the catalogue, read from the rows of a probe.  Light.

A probe tries a change with a linear model and with boosting (`engine.evaluation.probe`), one row each.  Which of them
will be the champion is not known yet, and no absolute score may be looked at to guess it.  So a change counts as better
when it is better with one and worse with neither, and as worse when it is worse with any: what helps one kind of model
and harms the other would be paid for by whichever comes to be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.metrics import figure
from engine.questions import Level
from engine.records import Json

FAMILIES: Mapping[str, str] = {"linear": "linear model", "boosting": "boosted trees"}

Rows = Sequence[Mapping[str, Json]]


@dataclass(frozen=True)
class Verdict:
    """keep: whether the change is recommended to stay.  level: how firmly the guide objects to keeping it, None where
    it does not.  sentence: why, with the figures."""

    keep: bool
    level: Level | None
    sentence: str


def verdict_r2(rows: Rows, metric: str) -> Verdict:
    """R2, do no harm: a repair stays unless it is worse.  rows: of one change; metric: as it is called on screen."""
    if harmed := _worse(rows):
        return Verdict(False, Level.BLOCK, f"{_said(harmed, metric)}: worse, so it is left as it was.")
    if guarded := _guarded(rows):
        return Verdict(False, Level.HOLD, guarded)
    if better := [row for row in rows if row["verdict"] == "better"]:
        return Verdict(True, None, f"{_said(better, metric)}: measurably better.")
    return Verdict(True, None, f"{_said(rows, metric)}: no measurable harm, and it is a repair.")


def verdict_r5(rows: Rows, metric: str) -> Verdict:
    """R5, optional: a change stays only if it is better.  Arguments as for `verdict_r2`."""
    better = [row for row in rows if row["verdict"] == "better"]
    harmed = _worse(rows)
    if harmed and better:
        said = f"{_said(rows, metric)}: it helps one kind of model and harms the other."
        return Verdict(False, Level.HOLD, said)
    if harmed:
        return Verdict(False, Level.BLOCK, f"{_said(harmed, metric)}: worse, and a kept change must not be.")
    if guarded := _guarded(rows):
        return Verdict(False, Level.HOLD, guarded)
    if better:
        return Verdict(True, None, f"{_said(better, metric)}: measurably better.")
    return Verdict(False, Level.HOLD, f"{_said(rows, metric)}: {_no_difference(rows, metric)}")


def _worse(rows: Rows) -> list[Mapping[str, Json]]:
    return [row for row in rows if row["verdict"] == "worse"]


def _guarded(rows: Rows) -> str:
    """What a guard says against it, in a sentence; empty when none does."""
    for row in rows:
        for guard in row.get("guards") or ():
            if guard["verdict"] == "worse":
                name = FAMILIES.get(row["family"], row["family"])
                return (
                    f"With {name} {guard['metric'].replace('_', ' ')}, a guard, gets worse by {figure(-guard['diff'])}."
                )
    return ""


def _said(rows: Rows, metric: str) -> str:
    parts = []
    for row in rows:
        name = FAMILIES.get(row["family"], row["family"])
        if row["diff"] is None:
            parts.append(f"{name} not measured")
        elif row["verdict"] == "identical":
            parts.append(f"{name} no change")
        else:
            span = "" if row["lower"] is None else f" ({_signed(row['lower'])} … {_signed(row['upper'])})"
            parts.append(f"{name} {_signed(row['diff'])}{span}")
    return f"{metric}: {', '.join(parts)}"


def _no_difference(rows: Rows, metric: str) -> str:
    if all(row["verdict"] == "identical" for row in rows):
        return "no difference at all, so it is left out."
    if all(row["verdict"] in ("equivalent", "identical") for row in rows):
        return "as good as the same, so the simpler way stays."
    seen = [row["detectable"] for row in rows if row.get("detectable") is not None]
    usual = f" These exams would usually see a gain of {figure(min(seen))} {metric}." if seen else ""
    return f"that may be luck, so it is left out.{usual} No difference found is not the same as no difference."


def _signed(value: float) -> str:
    """Two significant digits are enough to tell luck by."""
    size = abs(value)
    rounded = float(f"{size:.2g}")
    return ("+" if value >= 0 else "−") + figure(rounded)
