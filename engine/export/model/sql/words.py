"""Small words of SQL, as trees of sqlglot: what differs between databases, quoting included, is left to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlglot import exp
from sqlglot.expressions.core import Expr

from engine.export.model.terms import NoForm

STEEPEST = 700.0  # EXP of more is beyond a double


def num(value: float) -> Expr:
    """A number as it stands in the model, to the last digit."""
    if not math.isfinite(value):
        raise NoForm("The model holds a figure that is no number, which SQL cannot write; take --to model.")
    literal = exp.Literal.number(repr(abs(float(value))))
    return exp.Neg(this=literal) if value < 0 else literal


def place(number: int) -> Expr:
    """A whole number that stands for something: a leaf, a rule, a group."""
    return exp.Literal.number(int(number))


def lit(value: str) -> Expr:
    return exp.Literal.string(value)


def col(name: str) -> Expr:
    return exp.column(exp.to_identifier(name, quoted=True))


def case(pairs: Sequence[tuple[Expr, Expr]], otherwise: Expr, of: Expr | None = None) -> Expr:
    """CASE over conditions, or over the values of one expression."""
    if not pairs:
        return otherwise
    made = exp.Case() if of is None else exp.Case(this=of.copy())
    for when, then in pairs:
        made = made.when(when.copy(), then.copy())
    return made.else_(otherwise.copy())


def times(a: Expr, b: Expr) -> Expr:
    return exp.Mul(this=_of_sums(a), expression=_grouped(b))


def over(a: Expr, b: Expr) -> Expr:
    return exp.Div(this=_of_sums(a), expression=_grouped(b), typed=True)  # of doubles: nothing is cut off


def plus(parts: Sequence[Expr]) -> Expr:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=_of_sums(part))
    return total


def less(a: Expr, b: Expr) -> Expr:
    return exp.Sub(this=a, expression=_of_sums(b))


def minus(a: Expr, value: float) -> Expr:
    """a − value, without two signs in a row, and nothing where it is 0."""
    if value == 0:
        return a
    return plus([a, num(-value)]) if value < 0 else less(a, num(value))


def negative(a: Expr) -> Expr:
    return exp.Neg(this=_grouped(a))


def _of_sums(part: Expr) -> Expr:
    """In brackets where a product would otherwise take only its end; a product stands as it is."""
    return exp.paren(part) if isinstance(part, exp.Binary) and not isinstance(part, (exp.Mul, exp.Div)) else part


def _grouped(part: Expr) -> Expr:
    return exp.paren(part) if isinstance(part, exp.Binary) else part


def holding(x: Expr, low: float, high: float) -> Expr:
    """x between the two; what is empty stays empty."""
    pairs = []
    if math.isfinite(low):
        pairs.append((exp.LT(this=x, expression=num(low)), num(low)))
    if math.isfinite(high):
        pairs.append((exp.GT(this=x, expression=num(high)), num(high)))
    return case(pairs, x)


def logistic(z: str, sign: int = 1) -> Expr:
    """1 / (1 + e^(−sign · z)) of a named column, for which no database refuses its EXP."""
    steep, flat = (num(0.0), num(1.0)) if sign > 0 else (num(1.0), num(0.0))
    grown = exp.Exp(this=negative(col(z)) if sign > 0 else col(z))
    return case(
        [
            (exp.LT(this=col(z), expression=num(-STEEPEST)), steep),
            (exp.GT(this=col(z), expression=num(STEEPEST)), flat),
        ],
        over(num(1.0), plus([num(1.0), grown])),
    )


def as_double(x: Expr) -> Expr:
    return exp.cast(x, "DOUBLE")


def as_text(x: Expr) -> Expr:
    return exp.cast(x, "TEXT")


def is_empty(x: Expr) -> Expr:
    return exp.Is(this=x, expression=exp.null())


def is_one_of(x: Expr, levels: Sequence[str]) -> Expr:
    if len(levels) == 1:
        return exp.EQ(this=x.copy(), expression=lit(levels[0]))
    return exp.In(this=x.copy(), expressions=[lit(level) for level in levels])
