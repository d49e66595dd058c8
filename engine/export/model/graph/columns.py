"""The inputs of a graph, and the fitted preparation over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import TensorProto

from engine.export.model.graph.nodes import ML, Graph, held
from engine.export.model.terms import (
    Always,
    IsMissing,
    Levels,
    Line,
    NoForm,
    Number,
    Term,
    Within,
    as_number,
    marks_of,
    worked,
)
from engine.records import Json


@dataclass
class Columns:
    """The inputs of the graph; marks that mean missing are emptied inside it."""

    graph: Graph
    recipe: Mapping[str, Json]
    known: dict[str, str] = field(default_factory=dict)

    def kind(self, name: str) -> str:
        return str(self.recipe["types"][name])

    def number(self, name: str) -> str:
        if name not in self.known:
            g = self.graph
            x = g.input(name, TensorProto.DOUBLE)
            for mark in marks_of(self.recipe, name):
                value = as_number(mark)
                if value is not None:
                    x = g.op("Where", g.op("Equal", x, g.const([[value]])), g.const([[np.nan]]), x)
            self.known[name] = x
        return self.known[name]

    def text(self, name: str) -> str:
        if name not in self.known:
            self.known[name] = self.graph.input(name, TensorProto.STRING)
        return self.known[name]


def prepared(terms: Sequence[Term], columns: Columns) -> str:
    """(n, len(terms)) doubles."""
    g = columns.graph
    parts: list[str] = []
    order: list[int] = []
    by_column: dict[str, list[tuple[int, Levels]]] = {}
    for place, term in enumerate(terms):
        if columns.kind(term.column) == "number":
            parts.append(_of_number(term, columns))
            order.append(place)
        else:
            by_column.setdefault(term.column, []).append((place, _as_levels(term)))
    for column, found in by_column.items():
        parts.append(_looked_up([term for _, term in found], columns.text(column), marks_of(columns.recipe, column), g))
        order += [place for place, _ in found]
    whole = g.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    back = np.argsort(np.array(order))
    return whole if list(back) == list(range(len(back))) else g.op("Gather", whole, g.const(back, np.int64), axis=1)


def _as_levels(term: Term) -> Levels:
    match term:
        case Levels():
            return term
        case IsMissing(column):
            return Levels(column, {}, 1.0, 0.0)
        case Always(column, value):
            return Levels(column, {}, value, value)
    raise NoForm(f"Column {term.column} is no number, and is used as one; take --to model.")


def _looked_up(terms: Sequence[Levels], text: str, marks: Sequence[str], g: Graph) -> str:
    """A row of a table for each level, one for any other, one for an empty cell."""
    levels = list(dict.fromkeys(level for term in terms for level in term.figures))
    table = np.array(
        [[term.figures.get(level, term.other) for term in terms] for level in levels]
        + [[term.other for term in terms], [term.missing for term in terms]]
    )
    other, missing = len(levels), len(levels) + 1
    keys = {level: place for place, level in enumerate(levels)} | dict.fromkeys(["", *marks], missing)
    place = g.op(
        "LabelEncoder",
        text,
        domain=ML,
        keys_strings=list(keys),
        values_int64s=list(keys.values()),
        default_int64=other,
    )
    rows = g.op("Gather", g.const(table), place, axis=0)  # (n, 1, k)
    return g.op("Reshape", rows, g.const([-1, len(terms)], np.int64))


def _of_number(term: Term, columns: Columns) -> str:
    g = columns.graph
    x = columns.number(term.column)
    match term:
        case Number(_, operations):
            return worked(operations, x, _Onnx(g))
        case IsMissing():
            return g.op("Cast", g.op("IsNaN", x), to=TensorProto.DOUBLE)
        case Always(_, value):
            return g.op("Where", g.op("IsNaN", x), g.const([[value]]), g.const([[value]]))
        case Within(_, operations, low, high):
            at = worked(operations, x, _Onnx(g))
            above = g.op("GreaterOrEqual", at, g.const([[low]]))
            inside = g.op("And", above, g.op("Less", at, g.const([[high]])))
            return g.op("Cast", inside, to=TensorProto.DOUBLE)
    raise NoForm(f"Column {term.column} is a number, and is used as levels; take --to model.")


@dataclass(frozen=True)
class _Onnx:
    """Each operation as nodes."""

    g: Graph

    def fill(self, x: str, value: float) -> str:
        return self.g.op("Where", self.g.op("IsNaN", x), self.g.const([[value]]), x)

    def hold(self, x: str, low: float, high: float) -> str:
        return held(x, low, high, self.g)

    def line(self, x: str, by: Line) -> str:
        moved = self.g.op("Sub", x, self.g.const([[by.middle]]))
        return self.g.op("Div", moved, self.g.const([[by.unit]]))

    def squash(self, x: str, limit: float) -> str:
        g = self.g
        share = g.op("Div", x, g.const([[limit]]))
        return g.op("Div", x, g.op("Sqrt", g.op("Add", g.op("Mul", share, share), g.const([[1.0]]))))

    def bend(self, x: str, power: float) -> str:
        g = self.g
        none, one = g.const([[0.0]]), g.const([[1.0]])
        up = g.op("Add", held(x, 0.0, np.inf, g), one)
        down = g.op("Add", held(g.op("Neg", x), 0.0, np.inf, g), one)

        def raised(base: str, to: float) -> str:
            if to == 0:
                return g.op("Log", base)
            return g.op("Div", g.op("Sub", g.op("Pow", base, g.const([[to]])), one), g.const([[to]]))

        left = g.op("Neg", raised(down, 2.0 - power))
        return g.op("Where", g.op("GreaterOrEqual", x, none), raised(up, power), left)
