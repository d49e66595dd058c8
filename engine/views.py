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


View = Table | Intervals | Bars | Curves | Words
