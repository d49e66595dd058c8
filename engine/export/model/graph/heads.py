"""Models made of others: what a head makes of the answers of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.export.model.graph.columns import Columns
from engine.export.model.graph.models import said_by
from engine.export.model.graph.nodes import Graph, held, placed, two
from engine.export.model.terms import NoForm
from engine.models.calibrators import CLIP
from engine.models.composed import LEAST_SHARE


def said_by_any(fitted: Any, columns: Columns) -> str:
    """Probabilities (n, K) in the order of the labels, or values (n, 1).  Raises NoForm, saying why."""
    parts = getattr(fitted, "parts", None)
    if not parts:
        return said_by(fitted, columns)
    return _joined(fitted, [said_by_any(part, columns) for part in parts], columns.graph)


def _joined(fitted: Any, said: Sequence[str], g: Graph) -> str:
    """What a head makes of the answers of the parts."""
    head = fitted.head
    kind = type(head).__name__
    if kind == "Average":
        total = said[0]
        for more in said[1:]:
            total = g.op("Add", total, more)
        return g.op("Div", total, g.const([[float(len(said))]]))
    if kind == "Calibrated":
        return _calibrated(head, said[0], g)
    if kind == "Stack":
        return _stacked(fitted, head, said, g)
    if len(said) == 1 and head is None:
        return said[0]
    raise NoForm(f"{fitted.spec.title} has no ONNX form here; take --to model.")


def _calibrated(head: Any, said: str, g: Graph) -> str:
    if head.method == "temperature":
        logs = g.op("Log", held(said, CLIP, np.inf, g))
        return g.op("Softmax", g.op("Mul", logs, g.const([[head.b]])), axis=1)
    p = g.op("Gather", said, g.const([1], np.int64), axis=1)
    if head.method == "sigmoid":
        inside = held(p, CLIP, 1 - CLIP, g)
        odds = g.op("Log", g.op("Div", inside, g.op("Sub", g.const([[1.0]]), inside)))
        z = g.op("Add", g.op("Mul", odds, g.const([[head.b]])), g.const([[head.a]]))
        return two(g.op("Sigmoid", z), g)
    total = g.const([[head.ys[0]]])  # straight lines between corners: each adds its rise, as far as p has come
    for x0, x1, y0, y1 in zip(head.xs, head.xs[1:], head.ys, head.ys[1:], strict=False):
        way = held(g.op("Sub", p, g.const([[x0]])), 0.0, x1 - x0, g)
        total = g.op("Add", total, g.op("Mul", way, g.const([[(y1 - y0) / (x1 - x0)]])))
    return two(g.op("Add", total, g.op("Mul", p, g.const([[0.0]]))), g)


def _stacked(fitted: Any, head: Any, said: Sequence[str], g: Graph) -> str:
    inputs = []
    for one in said:
        if not fitted.labels:
            inputs.append(one)
            continue
        logs = g.op("Log", held(one, LEAST_SHARE, 1.0, g))
        if len(fitted.labels) == 2:
            first, second = (g.op("Gather", logs, g.const([i], np.int64), axis=1) for i in (0, 1))
            logs = g.op("Sub", second, first)
        inputs.append(logs)
    X = g.op("Concat", *inputs, axis=1) if len(inputs) > 1 else inputs[0]
    z = g.op("Add", g.op("MatMul", X, g.const(head.weights.T)), g.const(head.intercepts))
    if not head.of:
        return z
    if len(head.classes) == 1:
        raise NoForm("This stack met one class only and says nothing else; take --to model.")
    shares = two(g.op("Sigmoid", z), g) if len(head.classes) == 2 else g.op("Softmax", z, axis=1)
    return placed(shares, np.array(head.classes, dtype=int), head.of, g)
