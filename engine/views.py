"""What evidence looks like, as plain data: the terminal, the report and the journal each draw it in their own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """Rows under named columns.  Numbers are right-aligned by whoever draws it; None is an empty cell."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Intervals:
    """Values with their intervals on one scale, e.g. the ladder.  rows: (label, value, low, high)."""

    title: str
    unit: str
    rows: Sequence[tuple[str, float, float | None, float | None]]
    reference: float | None = None


@dataclass(frozen=True)
class Bars:
    """One bar a row, e.g. the classes of a target."""

    title: str
    unit: str
    rows: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Curves:
    """Lines over a common x axis, e.g. the loss of a network.  series: name to (x, y) points.  ends: whether the last
    values are what one wants to know, as of a loss, and not of a diagonal."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    ends: bool = True


@dataclass(frozen=True)
class Words:
    """A few plain sentences."""

    title: str
    text: str


@dataclass(frozen=True)
class Histogram:
    """How often a number falls between two edges.  edges: one more than counts.  marks: (label, x) to point out."""

    title: str
    unit: str
    edges: Sequence[float]
    counts: Sequence[int]
    marks: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True)
class Grid:
    """A value from 0 to 1 for each row and column, e.g. how often two columns are empty together; None where none."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]


@dataclass(frozen=True)
class Samples:
    """Rows of the data itself.  They are kept apart from decisions and evidence: `digest` names the artifact, JSON of
    {part: {"columns": [...], "rows": [[...], ...]}}; parts are shown in the order given, all of them when empty."""

    title: str
    digest: str
    parts: Sequence[str] = ()


View = Table | Intervals | Bars | Curves | Words | Histogram | Grid | Samples


def as_table(view: View) -> Table | None:
    """The figures behind a picture; None for words and for rows that are kept elsewhere."""
    match view:
        case Table():
            return view
        case Intervals(title, unit, rows):
            return Table(title, ("", unit, "low", "high"), rows)
        case Bars(title, unit, rows):
            return Table(title, ("", unit), rows)
        case Curves(title, x, y, series, _):
            points = [(name, a, b) for name, line in series.items() for a, b in line]
            return Table(title, ("line", x, y), points)
        case Histogram(title, unit, edges, counts):
            bins = [(edges[i], edges[i + 1], n) for i, n in enumerate(counts)]
            return Table(title, ("from", "to", unit), bins)
        case Grid(title, rows, columns, values):
            return Table(title, ("", *columns), [(name, *line) for name, line in zip(rows, values, strict=True)])
        case _:
            return None


def samples_as_tables(view: Samples, content: Mapping[str, object]) -> list[Table]:
    """The rows that a `Samples` names, from its artifact's JSON: one table a part that is there."""
    made = []
    for part in view.parts or list(content):
        found = content.get(part)
        if not isinstance(found, Mapping):
            continue
        columns, rows = found.get("columns"), found.get("rows")
        if isinstance(columns, list) and isinstance(rows, list):
            title = view.title if len(view.parts) == 1 else f"{view.title}: {part}"
            fitting = [row for row in rows if isinstance(row, list) and len(row) == len(columns)]
            made.append(Table(title, [str(c) for c in columns], fitting))
    return made
