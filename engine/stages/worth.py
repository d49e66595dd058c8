"""What better than no model means in the person's own units: figures for the table, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.effects import Conversation, Measure
from engine.metrics import BY_NAME, figure
from engine.records import Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.ladder import Candidate, interval

PER = "1,000 rows"
COLUMN = {
    "errors": "errors avoided in 1,000",
    "money": "saved in 1,000 rows",
    "found": "more found in 1,000",
    "found_at_k": "more found in 1,000",
    "closer": "closer by",
}


def measure_worth(s: Session, floors: Sequence[Candidate], others: Sequence[Candidate]) -> Conversation:
    """Evidence of the trial *worth* for these candidates, against the best way of using no model; None without any."""
    asked = [c for c in others if c.ok and c.name not in {f.name for f in floors}]
    if not asked:
        return None
    params = {"recipe": s.recipe(), "floors": len(floors), "names": [c.name for c in asked]}
    keys = tuple(c.exams.key for c in (*floors, *asked))
    trial = Trial("worth", params, s.data, uses=keys, label="what it brings over no model")
    (found,) = yield Measure((trial,), "In your own units", optional=True)
    return found if found.ok else None


def rows_of(found: Evidence | None, name: str) -> Mapping[str, Mapping[str, Json]]:
    """What was measured of one candidate, by unit."""
    return {} if found is None else found.value["worth"].get(name) or {}


def main_unit(s: Session, rows: Mapping[str, Json]) -> str:
    """The unit that says most: money where costs are known, those found where a list is ranked, else errors."""
    ranked = s.metric in ("roc_auc", "average_precision", "recall_at_k")
    order = ("money", *(("found_at_k", "found", "errors") if ranked else ("errors", "found_at_k", "found")), "closer")
    return next((unit for unit in order if unit in rows), "")


def worth_sentence(s: Session, floors: Sequence[Candidate], found: Evidence | None, name: str) -> str:
    """What one candidate brings, in one or two sentences; empty where nothing was measured."""
    rows = rows_of(found, name)
    units = dict.fromkeys((main_unit(s, rows), *_beside(s, rows)))
    return " ".join(_said(s, unit, rows[unit], floors) for unit in units if unit)


def _beside(s: Session, rows: Mapping[str, Json]) -> tuple[str, ...]:
    """Errors are said beside what ranks: a list that finds more may still call no row by the right name."""
    return ("errors",) if "errors" in rows and main_unit(s, rows) in ("found", "found_at_k") else ()


def _said(s: Session, unit: str, row: Mapping[str, Json], floors: Sequence[Candidate]) -> str:
    floor = floors[int(row["by"])].title
    gain, before, after = row["gain"], figure(row["floor"]), figure(row["with"])
    better = gain > 0
    ends = _ends(row["low"], row["high"]) if better else _ends(_less(row["high"]), _less(row["low"]))
    match unit:
        case "errors":
            if after == before:
                return f"Of {PER} it calls as many wrong as “{floor}”: {before}."
            verb = "avoids" if better else "adds"
            text = f"Of {PER} {before} are called wrong by “{floor}” and {after} by it: it {verb} {figure(abs(gain))}"
            return f"{text}{ends}."
        case "money":
            verb = "saves" if better else "costs"
            more = "" if better else " more"
            return (
                f"In {PER} it {verb} {figure(abs(gain))}{more}{ends}, in the unit of your costs: {after} for {before}."
            )
        case "found":
            more = f"{figure(abs(gain))} {'more' if better else 'fewer'} than by luck{ends}"
            return f"Of the {figure(row['of'])} in {PER} that it ranks first {after} are “{_positive(s)}”, {more}."
        case "found_at_k":
            more = f"{figure(abs(gain))} {'more' if better else 'fewer'} than no model{ends}"
            return f"Among those you can act on in {PER} it finds {after} “{_positive(s)}”, {more}."
    verb = "closer to" if better else "farther from"
    said = f"It misses “{s.target}” by {after} on average, “{floor}” by {before}"
    return f"{said}: {figure(abs(gain))} {verb} the truth{ends}."


def _ends(low: float | None, high: float | None) -> str:
    """The interval as it is said; nothing where there is none, or where it is narrower than the figures."""
    if low is None or high is None or figure(low) == figure(high):
        return ""
    return f" (95 % interval {interval(low, high)})"


def _less(end: float | None) -> float | None:
    """A loss is said as a number above zero, so its interval turns with it."""
    return None if end is None else -end


def _positive(s: Session) -> str:
    return str(s.choice("problem.positive", default="positive"))


def with_worth(option: Option, s: Session, found: Evidence | None) -> Option:
    """The row of the table with what the model brings."""
    rows = rows_of(found, str(option.key))
    unit = main_unit(s, rows)
    if not unit:
        return option
    row = rows[unit]
    ends = f" ({interval(row['low'], row['high'])})" if row["low"] is not None else ""
    return replace(option, figures={**option.figures, COLUMN[unit]: f"{figure(row['gain'])}{ends}"})


def no_model(s: Session, floors: Sequence[Candidate]) -> str:
    """How good no model is in the person's own units, in one sentence; from the exams of the floors alone."""
    name, best = _best(s, floors)
    if best is None:
        return ""
    value, low, high = best.exams.value["intervals"][name]
    if name == "accuracy":
        ends = _ends(*(None if end is None else 1000 * (1 - end) for end in (high, low)))
        return f"At its best no model calls {figure(1000 * (1 - value))} of {PER} wrong{ends}: “{best.title}”."
    if name == "expected_cost":
        ends = _ends(*(None if end is None else 1000 * end for end in (low, high)))
        return f"The cheapest without looking at a row is “{best.title}”: {figure(1000 * value)} for {PER}{ends}."
    return f"No model misses “{s.target}” by {figure(value)} on average{_ends(low, high)}: “{best.title}”."


def _best(s: Session, floors: Sequence[Candidate]) -> tuple[str, Candidate | None]:
    name = "mae" if not s.classifies else "expected_cost" if s.costs is not None else "accuracy"
    known = [c for c in floors if c.ok and ((c.exams.value.get("intervals") or {}).get(name) or [None])[0] is not None]
    if not known:
        return name, None

    m = BY_NAME[name]

    def promised(c: Candidate) -> float:
        return min(m.oriented(end) for end in c.exams.value["intervals"][name] if end is not None)

    return name, min(known, key=lambda c: (-promised(c), c.exams.value["parameters"]))
