"""Where the champion is wrong: by class, by slice, row by row, over time; and what is done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.data.naming import is_protected
from engine.effects import Ask, Conversation, Measure
from engine.metrics import figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import INPUT_TYPES, Session
from engine.stages.columns import counted, percent
from engine.stages.ladder import Candidate, about_model
from engine.stages.simple.error_views import error_views

ACTIONS = (
    Option("accept", "Seen; go on with these errors"),
    Option("data_fix", "Mend the data", "labels, empty cells, or more rows of this kind"),
    Option("feature", "Give the model a column that tells", "it leans to one side there: something is missing"),
    Option("slice_note", "Say it on the model card", "harder rows, without a lean: whoever uses it must know"),
)
ERRORS = Question(
    "improve.errors",
    "Where is it wrong?",
    options=ACTIONS,
    source="S002: paranoia, per class and in groups; Benjamini & Hochberg 1995; Northcutt et al. 2021",
    whys=(
        Why("Why look?", "One terrible prediction costs trust.", "S002"),
        Why("What was found?", "{reason}"),
        Why("What is a weak slice?", "Its loss is at least 1.25 times that of the rest, and no accident at q = 0.10."),
        Why("When is it the label?", "When models of every kind, none of which saw the row, all say something else."),
    ),
)
SLICE = replace(
    ERRORS,
    prompt="It is weak where {subject}: what is done about it?",
    whys=(
        Why("What was measured?", "{reason}"),
        Why("Why must it end in something?", "A finding that nobody acts on is found again by those it hurts.", "S002"),
        Why("How would a column help?", "The answers lean to one side there: the model lacks what tells these apart."),
        Why("What does noting it do?", "The slice stands on the model card, with its loss beside that of the rest."),
    ),
)
ASKED = 3  # weak slices that are asked about; protected ones always
LEANS = 0.1  # of the mean miss, from which answers of numbers lean to one side enough to speak of
MANY_DOUBTS = 5  # labels that no model believes, from which it is worth looking at them

QUESTIONS = (ERRORS,)


def errors(s: Session, champion: Candidate, runners: Sequence[Candidate] = ()) -> Conversation:
    """The four views; then the worst of the weak slices, one by one, of which only the first stops a quick person."""
    aside = {"aside": more} if (more := _protected_aside(s)) else {}
    looking = about_model(s, "errors", champion.model, "errors", uses=(champion.exams,), **aside)
    trials = [looking, *_why(s, champion), *_doubts(s, runners)]
    seen, *others = yield Measure(tuple(trials), "Looking at the errors", optional=True)
    if not seen.ok:
        return None
    more = {e.kind: e for e in others if e.ok}
    weak = [row for row in seen.value["slices"] if row["weak"]]
    best, why = _findings(seen.value, weak, more.get("doubts"))
    yield Ask(
        ERRORS,
        recommended=best,
        reason=why,
        evidence=(seen, *more.values()),
        shows=error_views(s, seen, more),
        judge=lambda _: Judgement(
            check=Check("weak slices", len(weak), protocol="out of fold, q = 0.10, ratio ≥ 1.25")
        ),
    )
    if champion.spec.tier == "T0":  # a constant is wrong wherever the others are: no slice of it says anything
        return seen
    for n, row in enumerate(asked_about(weak)):
        yield _ask_slice(row, seen, first=n == 0)
    return seen


def _protected_aside(s: Session) -> dict[str, str]:
    """Protected columns that were left out of the inputs: nobody may be treated worse by them all the same."""
    inputs = s.input_types()
    types = s.choice("data.types", default={})
    return {
        c: t for c, t in types.items() if is_protected(c) and t in INPUT_TYPES and c not in inputs and c != s.target
    }


def _why(s: Session, champion: Candidate) -> list[Trial]:
    """Reasons of the worst rows; a constant and a rule have none, of pictures a pixel is none, of series neither."""
    if champion.spec.tier in ("T0", "T1") or s.material in ("image", "series"):
        return []
    return [about_model(s, "reasons", champion.model, "why the worst rows", uses=(champion.exams,))]


def _doubts(s: Session, runners: Sequence[Candidate]) -> list[Trial]:
    models = [c for c in runners if c.ok and c.spec.tier not in ("T0", "T1")]
    if len(models) < 2 or s.material == "series":
        return []
    params = {"recipe": s.recipe(), "names": [c.name for c in models]}
    keys = tuple(c.exams.key for c in models)
    return [Trial("doubts", params, s.data, uses=keys, label="labels that no model believes")]


# --- what is said ----------------------------------------------------------------------------------------------------


def _findings(v: Mapping[str, Json], weak: Sequence[Mapping[str, Json]], doubts: Evidence | None) -> tuple[str, str]:
    """What is advised about all that was seen, and why."""
    worst = max(weak, key=lambda row: row["ratio"] or 0, default=None)
    if worst:
        said = [
            f"{counted(len(weak), 'weak slice')}, the worst “{worst['slice']}” ({counted(worst['rows'], 'row')}) with "
            f"{worst['ratio']:.2f} times the loss of the rest."
        ]
    elif v["slices"]:
        said = [f"No slice is measurably worse than the rest; {counted(len(v['slices']), 'slice')} looked at."]
    elif v.get("slices_looked_at") == 0 and v.get("worst"):
        said = ["There is no slice of at least 30 rows to look at."]
    else:
        said = ["There are too few rows to look at any slice of them."]
    best = action_of(worst)[0] if worst else "accept"
    if grows := _grows(v):
        said.append(grows)
    if doubts is not None and doubts.value["wrong"]:
        d = doubts.value
        said.append(_doubted(d, "label" if v["per_class"] else "value"))
        if beyond_chance(d):
            best = "data_fix"
    return best, " ".join(said)


def _doubted(d: Mapping[str, Json], what: str) -> str:
    text = f"All {d['models']} models get {counted(d['wrong'], 'row')} wrong"
    if what == "value":
        return _far(d)
    if not d["suspects"]:
        return f"{text}, none of them with a label that all give less than 5 %."
    said = f"{text}; of {d['suspects']:,} of these every model gives the label less than 5 %"
    expected = d.get("expected")
    if expected is not None and not beyond_chance(d):
        return f"{said}, where {figure(expected)} would be so if every label were right."
    asked = "is it labelled right?" if d["suspects"] == 1 else "are they labelled right?"
    than = "" if expected is None else f", where {figure(expected)} would be so if every label were right"
    return f"{said}{than}: {asked}"


def _far(d: Mapping[str, Json]) -> str:
    said = (
        f"All {d['models']} models miss {counted(d['wrong'], 'row')} by more than four times what is usual there, to "
        "one side"
    )
    expected = d.get("expected")
    if expected is None:
        return f"{said}: is the value right?"
    if not d["suspects"]:
        return f"{said}; none by more than eight times."
    said = f"{said}; {d['suspects']:,} by more than eight times, where misses with heavy tails leave {figure(expected)}"
    if not beyond_chance(d):
        return f"{said}."
    return f"{said}: {'is the value' if d['suspects'] == 1 else 'are the values'} right?"


def beyond_chance(d: Mapping[str, Json]) -> bool:
    """Whether so many labels are doubted that chance does not explain it: more than the models themselves expect, by
    two standard deviations of a Poisson count (Northcutt et al. 2021 hold doubts against the expected noise, too)."""
    expected = d.get("expected")
    least = MANY_DOUBTS if expected is None else max(MANY_DOUBTS, expected + 2 * expected**0.5)
    return bool(d["suspects"] > least) or (expected is None and d["suspects"] >= least)


def _grows(v: Mapping[str, Json]) -> str:
    grows = (v.get("residuals") or {}).get("grows")
    if grows is None or grows < 0.3:
        return ""
    return f"It misses by more where it says more (rank correlation {grows:.2f}): the logarithm of the target may help."


def asked_about(weak: Sequence[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    """Protected slices first, then those that cost most in all: rows × loss beyond the rest's."""

    def cost(row: Mapping[str, Json]) -> float:
        return float(row["rows"] * (row["loss"] - row["rest"]))

    ranked = sorted(weak, key=lambda row: (not row.get("protected"), -cost(row)))
    return [row for n, row in enumerate(ranked) if n < ASKED or row.get("protected")]


def action_of(row: Mapping[str, Json]) -> tuple[str, str]:
    """What is advised about a weak slice, and why: by what its errors look like."""
    off, se = float(row.get("off") or 0.0), row.get("off_se")
    leans = bool(se) and abs(off) > 1.96 * float(se or 0.0)
    relative = row.get("relative")
    if relative is not None and abs(off) < LEANS * float(row["loss"]):  # sure, for there are many rows, but slight
        leans = False
    if row.get("kind") == "missing":
        return "data_fix", "The cells are empty there: find out why, and whether they can be had."
    if leans:
        side = "too high" if off > 0 else "too low"
        size = f"{100 * abs(off):.1f} points" if row.get("relative") is None else figure(abs(off))
        return "feature", f"Its answers are {side} there, by {size} on average: a column is missing that tells why."
    if row.get("protected"):
        return (
            "data_fix",
            "It does not lean there, so no column is missing: more rows, or better labels, of this group.",
        )
    if relative is not None and relative < 1.25:
        return (
            "accept",
            f"The values are larger there; for their size it is off {relative:.2f} times as much as elsewhere.",
        )
    return "slice_note", "It does not lean to one side there: the rows are harder, and whoever uses it must know."


def _ask_slice(row: Mapping[str, Json], seen: Evidence, first: bool) -> Ask:
    best, advice = action_of(row)
    ratio, share = row["ratio"], row["rows"] / max(1, _rows(seen))
    why = (
        f"{counted(row['rows'], 'row')} ({percent(share)}) with {ratio:.2f} times the {seen.value['loss']} of the rest "
        f"({figure(row['loss'])} against {figure(row['rest'])}). {advice}"
    )
    check = Check(
        seen.value["loss"], row["loss"], None, None, row["rest"], "out of fold, against the rest of the rows", "weak",
        {k: row.get(k) for k in ("slice", "column", "rows", "ratio", "q", "off", "protected")},
    )  # fmt: skip

    def judge(choice: Json) -> Judgement:
        if row.get("protected") and choice in ("accept", "slice_note"):
            message = (
                f"“{row['column']}” is an attribute by which people must not be treated worse, and where "
                f"{row['slice']} the model is: say why that may stand, or mend it."
            )
            return Judgement((Objection(Level.HOLD, message, "M22"),), check)
        return Judgement(check=check)

    question = SLICE if not first else replace(SLICE, asks="person")
    return Ask(
        question,
        subject=row["slice"],
        recommended=best,
        reason=why,
        evidence=(seen,),
        judge=judge,
    )


def _rows(seen: Evidence) -> int:
    if "rows" in seen.value:
        return int(seen.value["rows"])
    per_class = seen.value.get("per_class") or []
    if per_class:
        return sum(row["support"] for row in per_class)
    return max((row["rows"] for row in seen.value["slices"]), default=1)
