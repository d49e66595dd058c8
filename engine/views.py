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
    """Lines over a common x axis, e.g. the loss of a network.  series: name to (x, y) points."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)


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
