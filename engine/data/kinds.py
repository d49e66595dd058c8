"""The rules of data.types, data.ids, data.missing_marks, problem.task and problem.unit, on facts of one column."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.data.cells import SUSPECTS
from engine.data.naming import is_code, is_entity, is_key

PARSES = 0.95  # share of cells that must fit a type
NUMBER_CODES = 20  # integers with at most so many levels may be codes
TEXT_WORDS = 5
CONSTANT_SHARE = 0.995  # from this share of one value on a column is as good as constant
MARK_SHARE = 0.005
BEYOND = 0.001  # at most this share of the other values may lie beyond a mark
ZERO_SHARE = 0.01
USUAL_ZERO = 0.75  # zeros that three of four rows hold are the usual case, not a sign for missing
SENTINEL = re.compile(r"-1|-?(9[789]|([1-9])\2+|10+)")


@dataclass(frozen=True)
class Mark:
    """A value that probably means 'missing'.  always: it is read so in any case; ask: only a person can tell."""

    value: str  # as in the file, stripped
    count: int
    why: str
    always: bool = False
    ask: bool = False


@dataclass
class Column:
    """Facts of one column.  `values` and `counts` are its distinct values, missing ones apart: sorted float64 for
    numbers, an Arrow array of string otherwise, in the order in which they come first."""

    name: str
    rows: int
    missing: int
    values: Any
    counts: np.ndarray  # of int64
    is_number: bool = False
    date_format: str | None = None
    integer: bool = False
    ascending: bool = False  # or descending, in file order
    words: float = 0.0  # median number of words a cell
    marks: list[Mark] = field(default_factory=list)
    unparsed: dict[str, int] = field(default_factory=dict)

    distinct: int = field(init=False)
    present: int = field(init=False)

    def __post_init__(self) -> None:
        self.distinct, self.present = len(self.values), int(self.counts.sum())

    def text(self, place: int) -> str:
        """A distinct value as it stands in the file."""
        return as_text(self.values[place]) if self.is_number else self.values[place].as_py()

    def emptied(self) -> Column:
        """The same facts, without the values: they are many where a table is large."""
        self.values, self.counts = self.values[:0], self.counts[:0]
        return self


def type_of(column: Column) -> tuple[str, str, bool]:
    """The type (number, category, yes_no, date, text), why, and whether a person should be asked (`data.types`)."""
    k, unread = column.distinct, sum(column.unparsed.values())
    rest = f"; {unread:,} cells do not fit and would count as missing" if unread else ""
    if k == 0:
        return "category", "every cell is empty", False
    if k == 1:
        return ("number" if column.is_number else "category"), "it holds one value only", False
    if k == 2:
        return "yes_no", f"two values: {_text(column, 0)} and {_text(column, 1)}", False
    if column.is_number:
        if column.integer and k <= NUMBER_CODES and is_code(column.name):
            return "category", f"whole numbers with {k} levels, and the name says code, type, zip or class", True
        share = column.present / max(1, column.present + unread)
        return (
            "number",
            ("all cells are numbers" if not unread else f"{share:.1%} of its cells are numbers{rest}"),
            False,
        )
    if column.date_format:
        return "date", f"its cells are dates, written {column.date_format}{rest}", False
    if column.words >= TEXT_WORDS and k >= 0.5 * column.present:
        return "text", f"{column.words:.0f} words a cell, and {k / column.present:.0%} of the cells differ", False
    return "category", f"text with {k:,} levels", False


def id_like(column: Column, kind: str) -> str:
    """Which rule of `data.ids` fires: a (text), b (whole numbers), c (by name), or none."""
    unique = column.distinct / max(1, column.rows)
    if column.distinct < 2 or kind == "date":
        return ""
    if not column.is_number and unique >= 0.99 and column.words < TEXT_WORDS:
        return "a"
    if column.is_number and column.integer and unique >= 0.99:
        spread = float(column.values[-1]) - float(column.values[0])
        if column.ascending or spread <= 3 * column.rows or is_key(column.name):
            return "b"
    # A key is never fractional: a 'number density' measured to three digits is not one.
    if is_key(column.name) and unique >= 0.5 and (column.integer or not column.is_number):
        return "c"
    return ""


def may_group(column: Column, kind: str) -> bool:
    """Whether rows may come in groups by this column (`problem.unit`): 1.5 ≤ rows per value ≤ n/5, and its name."""
    if kind == "date" or not column.distinct or (column.is_number and not column.integer):
        return False
    return is_entity(column.name) and 1.5 <= column.present / column.distinct <= column.rows / 5


def task_of(column: Column, kind: str) -> str:
    """binary, multiclass or regression with this column as the target (`problem.task`); "" where it can be none."""
    k = column.distinct
    if k < 2 or kind in ("text", "date"):
        return ""
    if k == 2:
        return "binary"
    if column.is_number and (not column.integer or k > 20):
        return "regression"
    return "multiclass" if k <= 50 else ""


def text_marks(found: dict[str, int]) -> list[Mark]:
    """Texts that usually mean missing, among a column's distinct texts."""
    return [
        Mark(text, int(count), f"'{text}' is a usual sign for 'missing'")
        for text, count in found.items()
        if text.lower() in SUSPECTS
    ]


def number_marks(column: Column) -> list[Mark]:
    """Numbers that probably mean missing (`data.missing_marks`); zeros only ask.

    'Far from every other value' also means that hardly any other lies beyond it: 10 hours of work a week are few, but
    not alone.
    'Far from 0' for zeros means: the 1st percentile of the rest is at least a tenth of its median and five steps of
    the column's own grid.  Rarer zeros ask, too, when nothing else comes near them (a length of 0 among stones of 4 to
    9 mm): the smallest thousandth of the rest is over a third of its median.
    """
    if not column.is_number or column.distinct < 4:
        return []
    values, counts = column.values, column.counts
    marks: list[Mark] = []
    odd = [i for i in np.flatnonzero(counts >= MARK_SHARE * column.rows) if SENTINEL.fullmatch(as_text(values[i]))]
    others = np.ones(len(values), dtype=bool)
    others[odd] = False  # codes come in companies: 97, 98 and 99
    if odd and others.sum() > 1:
        rest, weights = values[others], counts[others]
        q1, q3, first, last = quantiles(rest, weights, (0.25, 0.75, BEYOND, 1 - BEYOND))
        low, high = min(q1 - 3 * (q3 - q1), first), max(q3 + 3 * (q3 - q1), last)
        for i in odd:
            if not low <= values[i] <= high:
                why = f"{as_text(values[i])} is far from every other value (half of them lie from {q1:g} to {q3:g})"
                marks.append(Mark(as_text(values[i]), int(counts[i]), why))
    zero = int(np.searchsorted(values, 0.0))
    if zero < len(values) and values[zero] == 0 and zero == 0:
        rest, weights = values[1:], counts[1:]
        least, low, middle = quantiles(rest, weights, (0.001, 0.01, 0.5))
        share = counts[zero] / column.rows
        step = float(np.diff(rest).min()) if len(rest) > 1 else 0.0
        far = ZERO_SHARE <= share <= USUAL_ZERO and low >= 0.1 * middle and low >= 5 * step
        lonely = share < ZERO_SHARE and counts[zero] > 1 and least >= middle / 3
        if far or lonely:
            why = f"0 stands alone: 99% of the other values are {low:g} or more"
            marks.append(Mark("0", int(counts[zero]), why, ask=True))
    return marks


def quantiles(values: np.ndarray, counts: np.ndarray, at: tuple[float, ...]) -> list[float]:
    """Quantiles (linear, as numpy's) of sorted distinct values that occur `counts` times."""
    ends = np.cumsum(counts)
    last = int(ends[-1]) - 1
    result = []
    for q in at:
        position = q * last
        below = int(np.floor(position))
        a, b = map(float, values[np.searchsorted(ends, [below, min(below + 1, last)], side="right")])
        gap, part = b - a, position - below
        result.append(a + gap * part if np.isfinite(gap) else a * (1 - part) + b * part)
    return result


def as_text(value: float) -> str:
    """A number as it would stand in the file: 3, not 3.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _text(column: Column, i: int) -> str:
    return column.text(i) if column.is_number else f"'{column.text(i)[:40]}'"
