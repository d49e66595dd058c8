"""`rungwise compare`: two sessions or branches side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.metrics import figure
from engine.metrics import title_of as metric_title
from engine.records import Decision
from engine.review.compare import Aligned, Paired, as_json, side_by_side
from engine.review.record import Record
from engine.review.review import Step
from engine.words import literal, short
from storage.store import Store
from tui.cli.looking import opened, print_json, table
from tui.figures import answered

SCALE = 34  # characters that the ladders' common scale takes


def compare(path: Path, first: str, second: str, *, as_json_: bool) -> None:
    """Print two journals side by side."""
    with opened(path) as store:
        a, b = _record(store, first), _record(store, second)
        found = side_by_side(a, b)
    if as_json_:
        print_json(as_json(found, a, b))
        return
    for sign, record in (("A", a), ("B", b)):
        print(f"{sign}  {literal(record.name)} · branch {literal(record.branch)} · {len(record.decisions)} decisions")
    parted = found.parted
    if parted is None:
        print("\nEvery question that both were asked has the same answer.")
    else:
        print(f"\nparted at {short(parted.name, 100)}")
    shown = [row for row in found.rows if row.stand != "same"]
    if shown:
        print("\n".join(table(("question", "A", "B"), [_answers(row) for row in shown])))
    print(f"{found.count('same')} answers are the same.")
    _print_measured(found.rows)
    _print_ladders(found.ladders)
    print()
    print(literal(_difference(found.paired)) if found.paired else f"No paired difference: {short(found.refused, 300)}.")


def _record(store: Store, named: str) -> Record:
    """The journal of NAME or NAME@BRANCH; a session's own name may hold an @."""
    name, at, branch = named.rpartition("@")
    if not at or named.casefold() in (n.casefold() for n in store.sessions.names()):
        return store.record(named)
    return store.record(name, branch)


def _answers(row: Aligned) -> tuple[str, str, str]:
    a, b = (short(answered(d), 36) if d else "(not asked)" for d in (row.a, row.b))
    return short(row.name, 40), a, b


def _print_measured(rows: Sequence[Aligned]) -> None:
    """The figures that differ, of the answers that both held against the same one."""
    found = [row for row in rows if row.measured and _value(row.a) != _value(row.b)]
    if found:
        print("\nmeasured")
        cells = [(short(row.name, 40), _measure(row.a), _value(row.a), _value(row.b)) for row in found]
        print("\n".join(table(("question", "figure", "A", "B"), cells)))


def _measure(d: Decision | None) -> str:
    return short(metric_title(d.check.metric), 34) if d and d.check else ""


def _value(d: Decision | None) -> str:
    check = d.check if d else None
    if check is None or check.value is None:
        return ""
    spread = "" if check.low is None or check.high is None else f" ({figure(check.low)} … {figure(check.high)})"
    return figure(check.value) + spread


def _print_ladders(ladders: tuple[Sequence[Step], Sequence[Step]]) -> None:
    metrics = {s.metric for ladder in ladders for s in ladder}
    if not metrics:
        return
    print(f"\nladders, {short(' and '.join(sorted(map(metric_title, metrics))), 80)}")
    everything = [s for ladder in ladders for s in ladder]
    one_scale = len(metrics) == 1
    low = min(s.value if s.low is None else s.low for s in everything)
    high = max(s.value if s.high is None else s.high for s in everything)
    rows = [
        (sign, short(s.title, 34), figure(s.value), bar(s, low, high) if one_scale else short(s.metric, 40))
        for sign, ladder in zip("AB", ladders, strict=True)
        for s in ladder
    ]
    print("\n".join(table(("", "rung", "score", ""), rows)))


def bar(step: Step, low: float, high: float, width: int = SCALE) -> str:
    """A score with its interval on a scale from low to high."""

    def place(value: float) -> int:
        return round((value - low) / (high - low) * (width - 1)) if high > low else width // 2

    ends = (step.value if step.low is None else step.low, step.value if step.high is None else step.high)
    cells = ["·"] * width
    for i in range(place(ends[0]), place(ends[1]) + 1):
        cells[i] = "─"
    cells[place(step.value)] = "●"
    return "".join(cells)


def _difference(p: Paired) -> str:
    more = "better" if p.diff >= 0 else "worse"
    said = (
        f"B's {p.b} is {figure(abs(p.diff))} {metric_title(p.metric)} {more} than A's {p.a} on the same {p.exams} exams"
    )
    if p.lower is not None and p.upper is not None:
        said += f" (90 % interval {p.lower:+.3g} … {p.upper:+.3g})"
    said += f": {p.verdict}."
    if p.verdict == "unclear" and p.detectable is not None:
        said += f" These exams would usually see a difference of {figure(p.detectable)}; none found is not none there."
    return said
