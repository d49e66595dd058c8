"""Columns computed from others, row by row: an SQL expression, checked as it is typed.  Light: nothing but sqlite3.

A formula follows the grammar of a rule's condition (`conditions`): the columns of one row, a few harmless functions, no
other row, no clock, no chance.  What it computes on a table is in `computed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal

from engine.data.conditions import PIECE, Condition, fold, quoted, validate_condition, values_of
from engine.data.naming import tokens
from engine.errors import InvalidAnswer
from engine.records import Json

EXAMPLE = "TotalCharges / NULLIF(tenure, 0)"
MOST_IDEAS = 4
ARITHMETIC = frozenset("+-*/%")
# Made-up cells by type, to see what kind of value an expression gives.
TRIED: Mapping[str, tuple[object, ...]] = {"number": (2.0, 0.5, -3.0), "date": ("2024-02-29", "2025-01-01 08:30:00")}
TEXTS = ("a", "12", None)


@dataclass(frozen=True)
class Formula:
    """An expression that compiles: its text, the columns it reads, and the type of the column that it makes."""

    text: str
    columns: tuple[str, ...]
    type: Literal["number", "category"]


@dataclass(frozen=True)
class Suggestion:
    """A column that is often worth computing.  why: the idea, in a few words."""

    name: str
    formula: str
    why: str


def read_formula(text: object, types: Mapping[str, str], target: str = "") -> Formula:
    """Read one expression over these columns (name → type as in a recipe).

    A comparison makes 1 or 0.  Raises InvalidAnswer: what is wrong, where, and what there is.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidAnswer(f"A formula is missing: write one such as {EXAMPLE}.")
    try:
        read = validate_condition(text, types)
    except InvalidAnswer as problem:
        if target and target not in types and _names(text, target):
            raise InvalidAnswer(
                f"“{target}” is the target: it is not known when the prediction is made, so nothing may use it."
            ) from None
        raise InvalidAnswer(_as_formula(str(problem))) from None
    if not read.columns:
        raise InvalidAnswer(
            f"The formula names no column, so it is the same for every row: write one such as {EXAMPLE}."
        )
    _check_arithmetic(read, types)
    return Formula(read.text, read.columns, _type_of(read, types))


def affinity(kind: str) -> str:
    """The SQLite type that a column of this type is computed with."""
    return "REAL" if kind == "number" else "TEXT"


def _names(text: str, column: str) -> bool:
    pieces = [m.group().strip('"[]`') for m in PIECE.finditer(text) if m.lastgroup in ("word", "name")]
    return fold(column) in map(fold, pieces)


def _as_formula(sentence: str) -> str:
    for old, new in (
        ("tenure < 12 AND Contract = 'Month-to-month'", EXAMPLE),
        ("tenure < 12 AND Contract = 'Yes'", EXAMPLE),
        ("a condition", "a formula"),
        ("A condition", "A formula"),
        ("The condition", "The formula"),
        ("the condition", "the formula"),
        ("one condition", "one formula"),
        ("compare columns with values", "compute from the columns of one row"),
        ("write one comparison, without it", "write one expression, without it"),
    ):
        sentence = sentence.replace(old, new)
    return sentence


def _check_arithmetic(read: Condition, types: Mapping[str, str]) -> None:
    """Text beside + or / would count as 0 in silence, and a date as its year."""
    pieces = [m for m in PIECE.finditer(read.text) if m.lastgroup != "space"]
    folded = {fold(name): name for name in read.columns}
    for i, match in enumerate(pieces):
        name = folded.get(fold(match.group().strip('"[]`'))) if match.lastgroup in ("word", "name") else None
        kind = types.get(name or "", "number")
        if name is None or kind == "number":
            continue
        beside = [pieces[j].group() for j in (i - 1, i + 1) if 0 <= j < len(pieces)]
        if not ARITHMETIC.isdisjoint(beside):
            way = (
                f"julianday({quoted(name)}) is its day" if kind == "date" else "CASE WHEN … THEN 1 ELSE 0 END counts it"
            )
            raise InvalidAnswer(f"“{name}” is no number but {_article(kind)}, so it cannot be computed with: {way}.")


def _article(kind: str) -> str:
    return {"yes_no": "a yes or no", "text": "a text", "date": "a date"}.get(kind, f"a {kind}")


def _type_of(read: Condition, types: Mapping[str, str]) -> Literal["number", "category"]:
    """What kind of value comes out, tried on made-up rows."""
    kinds = [types.get(name, "number") for name in read.columns]
    rows = list(product(*[TRIED.get(kind, TEXTS) for kind in kinds[:4]]))
    rows = [(*row, *(TRIED.get(kind, TEXTS)[0] for kind in kinds[4:])) for row in rows]
    affinities = {name: affinity(kind) for name, kind in zip(read.columns, kinds, strict=True)}
    try:
        found = values_of(read, affinities, rows, list(types))
    except InvalidAnswer as problem:
        raise InvalidAnswer(_as_formula(str(problem))) from None
    return "category" if any(isinstance(value, str) for value in found) else "number"


# --- ideas ------------------------------------------------------------------------------------------------------------

TOTALS = frozenset(("total", "sum", "amount", "revenue", "spent", "balance", "charges", "cost", "sales"))
SPANS = frozenset(
    ("tenure", "months", "days", "years", "visits", "orders", "count", "quantity", "nights", "trips", "hours")
)
LENGTHS = frozenset(("length", "width", "height", "depth", "size"))
FAMILY = frozenset(("sibsp", "parch", "children", "siblings", "spouses", "parents", "kids", "adults"))


def suggest(columns: Mapping[str, Mapping[str, Json]], target: str) -> list[Suggestion]:
    """At most four columns that are often worth computing; none where nothing in names and ranges speaks for one.

    columns: the profile's description of each input, by name.  Rules of thumb, not measurements: each is tried before
    it is kept.
    """
    numbers = {n: c for n, c in columns.items() if c.get("type") == "number" and n != target and not c.get("pixel")}
    positive = {n: c for n, c in numbers.items() if (low := c.get("min")) is not None and low >= 0}
    ideas: list[Suggestion] = []
    dates = [n for n, c in columns.items() if c.get("type") == "date"]
    if len(dates) >= 2:
        a, b = dates[:2]
        formula = f"julianday({quoted(b)}) - julianday({quoted(a)})"
        ideas.append(Suggestion(f"days from {a} to {b}", formula, "the time between two dates, in days"))
    totals = [n for n, c in positive.items() if _named(n, TOTALS) and not c.get("integer") and not _named(n, SPANS)]
    spans = [n for n, c in positive.items() if _named(n, SPANS) and c.get("integer")]
    if totals and spans:
        total = next((n for n in totals if "total" in _words(n)), totals[0])
        formula = f"{quoted(total)} / NULLIF({quoted(spans[0])}, 0)"
        ideas.append(Suggestion(f"{total} per {spans[0]}", formula, "an amount per unit tells more than its sum"))
    family = [n for n, c in positive.items() if _named(n, FAMILY) and c.get("integer")]
    if len(family) >= 2:
        formula = " + ".join(quoted(n) for n in family[:4]) + " + 1"
        ideas.append(Suggestion("people together", formula, "small counts of people add up to a group"))
    sides = _box(positive)
    if sides:
        ideas.append(Suggestion("volume", " * ".join(map(quoted, sides)), "three lengths make a volume"))
    lengths = [n for n in positive if _named(n, LENGTHS) and n not in sides]
    for a, b in pairwise(lengths):
        if _words(a) - LENGTHS and _words(a) - LENGTHS == _words(b) - LENGTHS:  # of the same thing: its shape
            formula = f"{quoted(a)} / NULLIF({quoted(b)}, 0)"
            ideas.append(Suggestion(f"{a} to {b}", formula, "a shape, whatever the size"))
            break
    return ideas[:MOST_IDEAS]


def _words(name: str) -> frozenset[str]:
    return frozenset(tokens(name))


def _named(name: str, words: frozenset[str]) -> bool:
    return not words.isdisjoint(_words(name))


def _box(columns: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """Three lengths of one thing: x, y and z, or length, width and height."""
    for three in (("x", "y", "z"), ("length", "width", "height"), ("length", "width", "depth")):
        found = [next((n for n in columns if fold(n) == part), "") for part in three]
        if all(found):
            return found
    return []
