"""The fitted preparation as expressions: short ones where they are used, and what is used twice under a name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlglot import exp
from sqlglot.expressions.core import Expr

from engine.export.model.sql.cells import Cells
from engine.export.model.sql.layers import Layers
from engine.export.model.sql.words import (
    as_double,
    case,
    col,
    holding,
    is_empty,
    is_one_of,
    less,
    lit,
    minus,
    negative,
    num,
    over,
    plus,
    times,
)
from engine.export.model.terms import (
    Always,
    Bend,
    Fill,
    Hold,
    IsMissing,
    Levels,
    Line,
    Number,
    Operation,
    Squash,
    Term,
    Within,
    worked,
)

NEED_A_NAME = (Hold, Squash, Bend)  # they use a value more than once, and read badly within another expression
ENDINGS = {Fill: "filled", Hold: "held", Line: "scaled", Squash: "squashed", Bend: "bent"}


class _Sql:
    """Each operation as an expression; of those that use a value more than once, of its name."""

    def fill(self, x: Expr, value: float) -> Expr:
        return exp.Coalesce(this=x, expressions=[num(value)])

    def hold(self, x: Expr, low: float, high: float) -> Expr:
        return holding(x, low, high)

    def line(self, x: Expr, by: Line) -> Expr:
        if math.isinf(by.unit):
            return times(x, num(0.0))
        moved = minus(x, by.middle)
        return moved if by.unit == 1 else over(moved, num(by.unit))

    def squash(self, x: Expr, limit: float) -> Expr:
        squared = over(times(x.copy(), x.copy()), num(limit**2))
        return over(x, exp.Sqrt(this=plus([num(1.0), squared])))

    def bend(self, x: Expr, power: float) -> Expr:
        right, left = plus([x.copy(), num(1.0)]), less(num(1.0), x.copy())
        if power == 0:
            up: Expr = exp.Ln(this=right)
        else:
            up = over(minus(exp.Pow(this=right, expression=num(power)), 1.0), num(power))
        if power == 2:
            down: Expr = negative(exp.Ln(this=left))
        else:
            raised = minus(exp.Pow(this=left, expression=num(2.0 - power)), 1.0)
            down = over(raised, num(power - 2.0))
        return case([(exp.GTE(this=x.copy(), expression=num(0.0)), up)], down)


@dataclass(frozen=True)
class Ready:
    """An expression, and the layer that it may stand on: all that it names lies below."""

    x: Expr
    depth: int = 0


@dataclass
class Prepared:
    """The prepared columns of one statement: what has a name is named once, however many models take it."""

    cells: Cells
    layers: Layers
    named: dict[tuple[str, tuple[Operation, ...]], Ready] = field(default_factory=dict)

    def cell(self, column: str) -> Ready:
        """A column as it is read, under a name where that takes more than its type."""
        plain = self.cells(column)
        typed_only = isinstance(plain, exp.Cast) and isinstance(plain.this, exp.Column)
        return Ready(plain) if typed_only else self._name(column, (), Ready(plain))

    def value(self, column: str, operations: Sequence[Operation] = (), *, again: bool = False) -> Ready:
        """A number column after these operations; empty where its cell is and nothing fills it.

        again: it is used more than once, so that it gets a name.
        """
        done: tuple[Operation, ...] = ()
        found = Ready(self.cells(column))
        for operation in operations:
            if isinstance(operation, NEED_A_NAME):
                found = self._name(column, done, found)
            found = Ready(worked([operation], found.x.copy(), _Sql()), found.depth)
            done = (*done, operation)
        again = again or isinstance(operations[-1] if operations else None, NEED_A_NAME)
        return self._name(column, done, found) if again else found

    def _name(self, column: str, done: tuple[Operation, ...], found: Ready) -> Ready:
        if isinstance(found.x, exp.Column):
            return found
        if (column, done) not in self.named:
            kind = ENDINGS[type(done[-1])] if done else "read"
            name = self.layers.add(found.depth, kind, f"{column}_{kind}", found.x)
            self.named[column, done] = Ready(col(name), found.depth + 1)
        return self.named[column, done]

    def of(self, term: Term, *, again: bool = False) -> Ready:
        """The prepared column; NULL where it is empty."""
        match term:
            case Number(column, operations):
                return self.value(column, operations, again=again)
            case Within(column, operations, low, high):
                found = self.value(column, operations, again=True)
                inside = []
                if math.isfinite(low):
                    inside.append(exp.GTE(this=found.x.copy(), expression=num(low)))
                if math.isfinite(high):
                    inside.append(exp.LT(this=found.x.copy(), expression=num(high)))
                return Ready(case([(exp.and_(*inside), num(1.0))], num(0.0)) if inside else num(1.0), found.depth)
            case Levels():
                return self.looked_up(term)
            case IsMissing(column):
                cell = self.cell(column)
                return Ready(case([(is_empty(cell.x.copy()), num(1.0))], num(0.0)), cell.depth)
            case Always(_, value):
                return Ready(num(value))

    def looked_up(self, term: Levels) -> Ready:
        """CASE over the levels: those that say the same as any other are not named."""

        def told(value: float) -> Expr:
            return exp.null() if math.isnan(value) else num(value)

        cell = self.cell(term.column)
        by_figure: dict[str, list[str]] = {}
        figures: dict[str, float] = {}
        for level, value in term.figures.items():
            if not _same(value, term.other):
                by_figure.setdefault(repr(value), []).append(level)
                figures[repr(value)] = value
        if _same(term.missing, term.other) and all(len(levels) == 1 for levels in by_figure.values()):
            levels = [(lit(levels[0]), told(figures[key])) for key, levels in by_figure.items()]
            return Ready(case(levels, told(term.other), of=cell.x), cell.depth)
        pairs = [] if _same(term.missing, term.other) else [(is_empty(cell.x.copy()), told(term.missing))]
        pairs += [(is_one_of(cell.x, levels), told(figures[key])) for key, levels in by_figure.items()]
        return Ready(case(pairs, told(term.other)), cell.depth)

    def weighed(self, terms: Sequence[Term], weights: np.ndarray, shift: float, *, again: bool = False) -> Ready:
        """Σ weight · term + shift: one summand for each input column that counts, straight scaling folded in.

        again: other sums take the same terms, too.
        """
        parts: list[Ready] = []
        levels: dict[str, list[tuple[float, Levels]]] = {}
        for term, weight in zip(terms, map(float, weights), strict=True):
            if weight == 0.0:
                continue
            match term:
                case Levels():
                    levels.setdefault(term.column, []).append((weight, term))
                case Always(_, value):
                    shift += weight * value
                case Number(column, operations) if operations and isinstance(operations[-1], Line):
                    last = operations[-1]
                    found = self.value(column, operations[:-1], again=again)
                    parts.append(Ready(times(found.x.copy(), num(weight * last.slope)), found.depth))
                    shift += weight * last.shift
                case IsMissing(column):
                    cell = self.cell(column)
                    parts.append(Ready(case([(is_empty(cell.x.copy()), num(weight))], num(0.0)), cell.depth))
                case _:
                    found = self.of(term, again=again)
                    parts.append(Ready(times(found.x.copy(), num(weight)), found.depth))
        parts += [self.looked_up(_together(column, found)) for column, found in levels.items()]
        depth = max((part.depth for part in parts), default=0)
        return Ready(plus([as_double(num(shift)), *(part.x for part in parts)]), depth)


def _together(column: str, found: Sequence[tuple[float, Levels]]) -> Levels:
    """What all terms of one column add, level by level."""
    figures: Mapping[str, float] = {
        level: sum(w * term.figures.get(level, term.other) for w, term in found)
        for level in dict.fromkeys(level for _, term in found for level in term.figures)
    }
    return Levels(column, figures, sum(w * t.missing for w, t in found), sum(w * t.other for w, t in found))


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))
