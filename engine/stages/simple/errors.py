"""Where the champion is wrong: by class, by slice, and the worst rows."""

from __future__ import annotations

from engine.effects import Ask, Conversation, Measure
from engine.metrics import figure
from engine.questions import Judgement, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import Session
from engine.stages.columns import counted
from engine.stages.ladder import Candidate, about_model, interval
from engine.views import Table, View

ERRORS = Question(
    "improve.errors",
    "Where is it wrong?",
    options=(Option("accept", "Seen; go on with these errors"),),
    source="S002: paranoia, per class and in groups; Benjamini & Hochberg 1995",
    whys=(
        Why("Why look?", "One terrible prediction costs trust.", "S002"),
        Why("Which slices are weak?", "{reason}"),
        Why("What is a weak slice?", "Its loss is at least 1.25 times that of the rest, and no accident at q = 0.10."),
    ),
)

QUESTIONS = (ERRORS,)


def errors(s: Session, champion: Candidate) -> Conversation:
    trial = about_model(s, "errors", champion.model, "errors", uses=(champion.exams,))
    (seen,) = yield Measure((trial,), "Looking at the errors", optional=True)
    if not seen.ok:
        return
    weak = [row for row in seen.value["slices"] if row["weak"]]
    worst = max(weak, key=lambda row: row["ratio"] or 0, default=None)
    why = (
        f"{counted(len(weak), 'weak slice')}, the worst “{worst['slice']}” ({counted(worst['rows'], 'row')}) with "
        f"{worst['ratio']:.2f} times the loss of the rest."
        if worst
        else f"No slice is measurably worse than the rest; {counted(len(seen.value['slices']), 'slice')} looked at."
        if seen.value["slices"]
        else "There are too few rows to look at any slice of them."
    )
    yield Ask(
        ERRORS,
        recommended="accept",
        reason=why,
        evidence=(seen,),
        shows=_error_views(seen),
        judge=lambda _: Judgement(
            check=Check("weak slices", len(weak), protocol="out of fold, q = 0.10, ratio ≥ 1.25")
        ),
    )


def _error_views(seen: Evidence) -> tuple[View, ...]:
    v = seen.value
    views: list[View] = []
    if rows := v.get("per_class"):
        cells = [
            (
                r["label"],
                *(_with_interval(r, name) for name in ("precision", "recall")),
                figure(r["f1"] or 0),
                r["support"],
            )
            for r in rows
        ]
        views.append(Table("Per class, 95 % Wilson", ("class", "precision", "recall", "f1", "rows"), cells))
    if slices := v.get("slices"):
        top = sorted(slices, key=lambda r: (not r["weak"], -(r["ratio"] or 0)))[:20]
        cells = [
            (r["slice"], r["rows"], figure(r["loss"]), figure(r["rest"]), "weak" if r["weak"] else "") for r in top
        ]
        views.append(Table("Slices", ("slice", "rows", "loss", "rest", ""), cells))
    if steps := v.get("by_step"):
        cells = [(r["step"], r["rows"], figure(r["loss"]), figure(r["bias"])) for r in steps]
        views.append(Table("By how far it looks ahead", ("step", "rows", v["loss"], "bias"), cells))
    if worst := v.get("worst"):
        cells = [(r["row"] + 1, str(r["label"]), str(r["prediction"]), figure(r["loss"])) for r in worst]
        views.append(Table("Worst rows", ("row", "label", "said", "loss"), cells))
    return tuple(views)


def _with_interval(row: dict[str, Json], name: str) -> str:
    if row.get(name) is None:
        return ""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return figure(row[name]) + (f" ({interval(low, high)})" if low is not None else "")
