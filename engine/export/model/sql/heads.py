"""Models made of others: a tuned one is the one inside; averages and calibration are arithmetic on top of the parts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlglot import exp
from sqlglot.expressions.core import Expr

from engine.export.model.sql.models import Said, probas, said_by, softmax
from engine.export.model.sql.prepared import Prepared
from engine.export.model.sql.words import as_double, case, col, holding, less, logistic, num, over, plus, times
from engine.export.model.terms import NoForm
from engine.models.calibrators import CLIP


def said_by_any(fitted: Any, prepared: Prepared, prefix: str = "") -> Said:
    """Put a model on layers, its parts first.  Raises NoForm, saying why, for one that has no SQL form."""
    parts = getattr(fitted, "parts", None)
    if not parts:
        return said_by(fitted, prepared, prefix)
    head = fitted.head
    if len(parts) == 1 and head is None:
        return said_by_any(parts[0], prepared, prefix)
    kind = type(head).__name__
    if kind not in ("Average", "Calibrated"):
        raise NoForm(f"{fitted.spec.title} has no SQL form here; take --to model.")
    called = ["raw"] if len(parts) == 1 else [f"part_{i}" for i in range(1, len(parts) + 1)]
    said = [said_by_any(part, prepared, f"{prefix}{name}_") for part, name in zip(parts, called, strict=True)]
    return (
        _averaged(fitted, said, prepared, prefix)
        if kind == "Average"
        else _calibrated(fitted, said[0], prepared, prefix)
    )


def _averaged(fitted: Any, said: Sequence[Said], prepared: Prepared, prefix: str) -> Said:
    depth = max(each.depth for each in said)
    names = probas(fitted, prefix) if fitted.labels else [f"{prefix}value"]
    means = [over(plus([col(each.names[k]) for each in said]), num(float(len(said)))) for k in range(len(names))]
    found = [prepared.layers.add(depth, "averaged", n, mean) for n, mean in zip(names, means, strict=True)]
    return Said(depth + 1, tuple(found))


def _calibrated(fitted: Any, said: Said, prepared: Prepared, prefix: str) -> Said:
    head, layers, depth = fitted.head, prepared.layers, said.depth
    names = probas(fitted, prefix)
    if head.method == "temperature":
        logs = [times(exp.Ln(this=holding(col(name), CLIP, np.inf)), num(head.b)) for name in said.names]
        scaled = [
            layers.add(depth, "calibrated", f"{prefix}calibrated_{label}", log)
            for label, log in zip(fitted.labels, logs, strict=True)
        ]
        depth, shares = softmax(scaled, fitted.labels, depth + 1, layers, prefix)
    elif head.method == "sigmoid":
        held = holding(col(said.names[1]), CLIP, 1 - CLIP)
        odds = exp.Ln(this=over(held, less(num(1.0), held.copy())))
        z = layers.add(depth, "calibrated", f"{prefix}log_odds", plus([num(head.a), times(odds, num(head.b))]))
        depth, shares = depth + 1, [logistic(z, -1), logistic(z)]
    else:
        high = _between(col(said.names[1]), head.xs, head.ys)
        low = _between(col(said.names[1]), head.xs, [1.0 - y for y in head.ys])
        shares = [low, high]
    found = [layers.add(depth, "calibrated", name, p) for name, p in zip(names, shares, strict=True)]
    return Said(depth + 1, tuple(found))


def _between(x: Expr, xs: Sequence[float], ys: Sequence[float]) -> Expr:
    """Straight lines between corners, level beyond the ends."""
    corners = list(zip(xs, ys, strict=True))
    pairs = [(exp.LTE(this=x, expression=num(xs[0])), num(ys[0]))]
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        rise = times(less(x.copy(), num(x0)), num((y1 - y0) / (x1 - x0)))
        pairs.append((exp.LTE(this=x, expression=num(x1)), plus([num(y0), rise])))
    return as_double(case(pairs, num(ys[-1])))
