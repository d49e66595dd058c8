"""Two sessions, or two branches of one, side by side: where they parted, what each measured, and which is better.

Light until a paired difference is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.conductor import SETTLED
from engine.metrics import title_of as metric_title
from engine.records import Decision, Evidence, Json
from engine.review.record import Record, model_of, title_of
from engine.review.review import Step, steps

Stand = Literal["same", "differs", "only a", "only b"]


@dataclass(frozen=True)
class Aligned:
    """One question as both answered it; a or b is None where it was not asked there."""

    place: tuple[str, str]
    a: Decision | None
    b: Decision | None

    @property
    def name(self) -> str:
        d = self.a or self.b
        return d.name if d else ""

    @property
    def stand(self) -> Stand:
        if self.a is None or self.b is None:
            return "only b" if self.a is None else "only a"
        return "same" if self.a.choice == self.b.choice else "differs"

    @property
    def measured(self) -> bool:
        """Whether both held the answer against the same figure."""
        a, b = (d.check if d else None for d in (self.a, self.b))
        return a is not None and b is not None and None not in (a.value, b.value) and a.metric == b.metric


@dataclass(frozen=True)
class Paired:
    """B's model minus A's on the same exams; positive where B is better.  lower, upper: 90 % interval."""

    a: str
    b: str
    metric: str
    exams: int
    diff: float
    se: float | None
    lower: float | None
    upper: float | None
    p: float | None
    verdict: str
    detectable: float | None


@dataclass(frozen=True)
class SideBySide:
    """rows: every question, in the order of A, B's own where they were asked.  paired: None where refused says why."""

    rows: tuple[Aligned, ...]
    ladders: tuple[tuple[Step, ...], tuple[Step, ...]]
    paired: Paired | None
    refused: str

    @property
    def parted(self) -> Aligned | None:
        """The first question that they answered differently."""
        return next((row for row in self.rows if row.stand == "differs"), None)

    def count(self, stand: Stand) -> int:
        return sum(row.stand == stand for row in self.rows)


def side_by_side(a: Record, b: Record, *, measure: bool = True) -> SideBySide:
    """Compare two journals; a paired difference is computed only where that is fair.

    measure: False leaves that to somebody who may load what computes: then neither it nor a refusal is there.
    """
    refused = _unfair(a, b)
    paired = None
    if not refused:
        exams = (_exams(a), _exams(b))
        if exams[0] is None or exams[1] is None:
            refused = f"the exams of {'A' if exams[0] is None else 'B'}'s model are not in the store"
        elif exams[0].key == exams[1].key:
            refused = "both ended with the same model on the same exams: there is no difference to measure"
        elif measure:
            paired, refused = _difference(a, b, exams[0], exams[1])
    return SideBySide(tuple(_aligned(a, b)), (steps(a), steps(b)), paired, refused)


def _aligned(a: Record, b: Record) -> Iterator[Aligned]:
    """The questions of A in their order; those that only B asked stand after the one they followed there."""
    ours, theirs = ({d.place: d for d in r.in_force if d.question != SETTLED.id} for r in (a, b))
    after: dict[tuple[str, str] | None, list[tuple[str, str]]] = {}
    last: tuple[str, str] | None = None
    for place in theirs:
        if place in ours:
            last = place
        else:
            after.setdefault(last, []).append(place)
    for place in (None, *ours):
        if place is not None:
            yield Aligned(place, ours[place], theirs.get(place))
        for own in after.get(place, ()):
            yield Aligned(own, None, theirs[own])


def _unfair(a: Record, b: Record) -> str:
    """Why the scores of the two cannot be compared; "" where they can."""
    if not a.rungs or not b.rungs:
        return f"{'A' if not a.rungs else 'B'} has no model on its ladder yet"
    if a.data != b.data:
        return "they are about different data"
    for question, what in (
        ("problem.target", "predict different columns"),
        ("problem.task", "answer different kinds of question"),
        ("problem.positive", "call different classes positive"),
        ("problem.metric", "are decided by different metrics"),
    ):
        ours, theirs = (r.session.choice(question) for r in (a, b))
        if ours != theirs:
            return f"they {what} ({_short(ours)}, {_short(theirs)})"
    plans = [_drawn(r) for r in (a, b)]
    if None in plans or plans[0] != plans[1]:
        return "their models took different exams (the rows were parted otherwise)"
    return ""


def _short(choice: Json) -> str:
    text = "none" if choice is None else str(choice)
    return text if len(text) <= 40 else text[:39] + "…"


def _drawn(r: Record) -> tuple[Json, Json] | None:
    drawn = r.about("split.drawn")
    details = drawn.check.details if drawn and drawn.check else {}
    return (details["plan_hash"], details.get("lockbox_hash")) if details.get("plan_hash") else None


def _exams(r: Record) -> Evidence | None:
    """The practice exams of the model on the last rung."""
    top = r.rungs[-1]
    wanted = model_of(top)
    found = [e for d in r.in_force for e in r.cited(d, "cross_validate") if e.ok and e.value.get("scores")]
    exact = [e for e in found if e.value.get("model") == wanted]
    return exact[-1] if exact else None


def _difference(a: Record, b: Record, ours: Evidence, theirs: Evidence) -> tuple[Paired | None, str]:
    from engine.evaluation.comparison import Exams, difference  # the only step that computes: numpy and scipy

    metric = a.metric
    if metric is None:
        return None, f"the metric {_short(a.session.metric)} is not known to this version"
    first, second = Exams.read(ours.value), Exams.read(theirs.value)
    shared = min(len(first.n_test), len(second.n_test))
    if first.plan != second.plan or list(first.n_test[:shared]) != list(second.n_test[:shared]):
        return None, "their models took different exams"
    found = difference(metric, first, second, float(a.session.choice("problem.smallest_gain", default=0.0) or 0.0))
    if not found.exams:
        return None, f"no exam has a {metric_title(metric.name)} of both"
    drawn = a.about("split.drawn")
    tiny = bool(drawn and drawn.check and drawn.check.details.get("tiny"))
    verdict = "unclear" if tiny and found.verdict != "identical" else found.verdict
    ours_, theirs_ = (title_of(model_of(r.rungs[-1])) for r in (a, b))
    figures = (found.diff, found.se, found.lower, found.upper, found.p, verdict, found.detectable)
    return Paired(ours_, theirs_, metric.name, found.exams, *figures), ""


def as_json(found: SideBySide, a: Record, b: Record) -> dict[str, Json]:
    """The comparison as JSON; the shape that scripts may rely on."""

    def side(d: Decision | None) -> dict[str, Json] | None:
        if d is None:
            return None
        check = d.check
        figures = None if check is None else {"metric": check.metric, "value": check.value, "low": check.low,
                                              "high": check.high, "verdict": check.verdict}  # fmt: skip
        return {"seq": d.seq, "choice": d.choice, "why": d.why, "author": d.author, "check": figures}

    parted = found.parted
    return {
        "a": {"session": a.name, "branch": a.branch},
        "b": {"session": b.name, "branch": b.branch},
        "parted": parted.name if parted else None,
        "counts": {stand: found.count(stand) for stand in ("same", "differs", "only a", "only b")},
        "questions": [
            {"question": row.name, "stand": row.stand, "a": side(row.a), "b": side(row.b)} for row in found.rows
        ],
        "ladders": {name: [vars(s) for s in ladder] for name, ladder in zip("ab", found.ladders, strict=True)},
        "paired": vars(found.paired) if found.paired else None,
        "refused": found.refused or None,
    }
