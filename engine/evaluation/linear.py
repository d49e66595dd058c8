"""The trial *linear*: what a straight line says of each column, in its own units, and how sure that is.

Coefficients with a bootstrap of the rows (Efron, 1979): each draw is a weight per row, from which the coefficients
follow by two Newton steps from those of all rows (for least squares exactly); the preparation and the penalty stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.intervals import resample_weights
from engine.models.fitting import Fitted, as_learned, fit
from engine.models.pipeline import features
from engine.records import Json, Progress
from engine.trials import Context

DRAWS, FEWER, FEWEST = 200, 100, 50
MUCH, TOO_MUCH = 5e7, 2e8  # multiplications of one step from which fewer draws are taken
MOST_COLUMNS = 300  # prepared columns, times classes, up to which they are drawn: more are words, and nobody reads them
SURE = 0.95  # of the draws that must have the sign
SHOWN = 60
STEPS = 2

Draw = Callable[[np.ndarray], np.ndarray]


def linear(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Fit a linear model to the development rows, and read it.

    params: recipe, model (logistic or ridge).  columns: per input how much of the prediction it moves (the standard
    deviation of its part over the rows, for the class where that is largest), strongest first.  rows: one an effect:
    name, source, kind, class, effect with its 95 % interval, per_unit, sure (at least 95 % of the draws have its sign).
    Effects are in log-odds, in the target's unit, or in its logarithm (`unit`): of a number per standard deviation, of
    a level against the average row, of yes against no.
    """
    bench = open_bench(params, ctx)
    dev = bench.splits.dev
    ctx.report(Progress(0, 2, "step", "fitting"))
    fitted = fit(params["model"], bench.recipe, bench.table, dev, ctx.seed)
    X, fitted.prepared = fitted.prepared, None
    named = features(fitted.prepare)
    weights = _weights_of(fitted)
    draws, B = _drawn(bench, fitted, X, weights, ctx)
    ctx.report(Progress(1, 2, "step", "reading it"))
    frame = bench.table.frame.iloc[dev]
    labels = [None] if len(weights) == 1 else [fitted.labels[int(k)] for k in fitted.estimator.classes_]
    rows: list[dict[str, Any]] = []
    strength: dict[str, float] = {}
    for k, label in enumerate(labels):
        for source, places in _by_source(named).items():
            part = _product(X[:, places], weights[k, places])
            strength[source] = max(strength.get(source, 0.0), float(part.std()))
            rows += _effects(
                source, places, named, X, weights[k], None if draws is None else draws[:, k], frame, fitted, label
            )
    order = sorted(strength, key=lambda source: -strength[source])
    rows.sort(key=lambda row: (order.index(row["source"]), -abs(row["effect"])))
    ctx.report(Progress(2, 2, "step"))
    return {
        "model": dict(params["model"]),
        "unit": "log-odds" if fitted.labels else "log" if fitted.most is not None else "",
        "columns": [{"source": s, "strength": strength[s]} for s in order],
        "rows": rows[:SHOWN],
        "effects": len(rows),
        "draws": B,
        "n": len(dev),
        "parameters": fitted.parameters,
    }


def _weights_of(fitted: Fitted) -> np.ndarray:
    return np.atleast_2d(np.asarray(fitted.estimator.coef_, dtype=float))


def _by_source(named: list[tuple[str, str]]) -> dict[str, list[int]]:
    """The prepared columns of each input; those of no input in particular stand for themselves."""
    found: dict[str, list[int]] = {}
    for place, (source, name) in enumerate(named):
        found.setdefault(source or name, []).append(place)
    return found


def _effects(
    source: str,
    places: list[int],
    named: list[tuple[str, str]],
    X: Any,
    weights: np.ndarray,
    draws: np.ndarray | None,
    frame: pd.DataFrame,
    fitted: Fitted,
    label: str | None,
) -> list[dict[str, Any]]:
    """What each prepared column of one input does.  draws: (B, columns) or None."""
    block = _dense(X[:, places])
    levels = [i for i, place in enumerate(places) if named[place][1].startswith(f"{source} = ")]
    one_hot = len(levels) > 1
    shares = block[:, levels].mean(axis=0) if one_hot else np.zeros(0)
    at = [places[i] for i in levels]
    middle = float(shares @ weights[at]) if one_hot else 0.0
    middles = draws[:, at] @ shares if one_hot and draws is not None else 0.0
    found = []
    for i, place in enumerate(places):
        name, spread = named[place][1], float(block[:, i].std())
        level = i in levels
        scale = 1.0 if level else spread
        effect = weights[place] - middle if level and one_hot else weights[place] * scale
        each = None
        if draws is not None:
            each = draws[:, place] - middles if level and one_hot else draws[:, place] * scale
        low, high, sure = _interval(float(effect), each)
        kind = "level" if level and one_hot else "yes" if level else "number" if name == source else "other"
        per_unit = _per_unit(source, weights, frame, fitted) if kind == "number" else None
        found.append({"name": name, "source": source, "kind": kind, "class": label, "effect": float(effect),
                      "low": low, "high": high, "sure": sure, "per_unit": per_unit})  # fmt: skip
    return found


def _interval(effect: float, draws: np.ndarray | None) -> tuple[float | None, float | None, bool | None]:
    if draws is None:
        return None, None, None
    low, high = np.quantile(draws, [0.025, 0.975])
    same = float(np.mean(np.sign(draws) == np.sign(effect)))
    return float(low), float(high), bool(same >= SURE)


def _per_unit(source: str, weights: np.ndarray, frame: pd.DataFrame, fitted: Fitted) -> float | None:
    """What one more of a number does, by asking the preparation itself; None where it bends the number."""
    if source not in frame.columns or not pd.api.types.is_numeric_dtype(frame[source]):
        return None
    values = frame[source].to_numpy(dtype=float)
    known = np.flatnonzero(np.isfinite(values))
    step = float(np.std(values[known])) if len(known) else 0.0
    if not np.isfinite(step) or step == 0:
        return None
    middle = known[np.argsort(values[known])[len(known) // 2]]
    probe = pd.concat([frame.iloc[[middle]]] * 3, ignore_index=True)
    probe[source] = values[middle] + step * np.array([-0.5, 0.0, 0.5])
    said = _product(fitted.transform(probe), weights)
    first, second = said[1] - said[0], said[2] - said[1]
    if abs(first - second) > 1e-6 * max(abs(first), abs(second), 1e-12):
        return None
    return float((first + second) / step)


# --- the draws -------------------------------------------------------------------------------------------------------


def _drawn(bench: Bench, fitted: Fitted, X: Any, weights: np.ndarray, ctx: Context) -> tuple[np.ndarray | None, int]:
    """(B, classes, columns) coefficients of resampled rows, and B; None where there are too many of them to read."""
    n, p = X.shape
    if p * len(weights) > MOST_COLUMNS:
        return None, 0
    import scipy.sparse as sp

    some: Any = X if sp.issparse(X) else np.asarray(X, dtype=float)
    filled = (some.nnz if sp.issparse(some) else np.count_nonzero(some)) / n
    matrix: Any = sp.csr_matrix(some) if filled < 0.3 * p else _dense(some)
    work = n * (min(p, filled) if sp.issparse(matrix) else p) ** 2 * len(weights) ** 2
    B = DRAWS if work <= MUCH else FEWER if work <= TOO_MUCH else FEWEST
    dev = bench.splits.dev
    y, _ = as_learned(bench.recipe, fitted.spec, bench.table.y[dev])
    base = _balanced(bench, y)
    make = _logistic(matrix, y, fitted, weights) if fitted.labels else _ridge(matrix, y, float(fitted.estimator.alpha_))
    groups = None if bench.table.groups is None else bench.table.groups[dev]
    classes = y if fitted.labels else None
    found = []
    for W in resample_weights(n, seed=ctx.seed, B=B, classes=classes, groups=groups):
        for w in W:
            found.append(make(w * base))
            if len(found) % 20 == 0:
                ctx.report(Progress(len(found), B, "draw"))
    return np.array(found), B


def _balanced(bench: Bench, y: np.ndarray) -> np.ndarray:
    if (bench.recipe.get("prepare") or {}).get("weights") != "balanced" or not bench.classifies:
        return np.ones(len(y))
    from sklearn.utils.class_weight import compute_sample_weight

    return compute_sample_weight("balanced", y)


def _ridge(X: Any, y: np.ndarray, alpha: float) -> Draw:
    """Least squares with a penalty on all but the intercept: exact for each draw."""

    def draw(w: np.ndarray) -> np.ndarray:
        total = float(w.sum())
        mean, target = np.asarray(X.T @ w).ravel() / total, float(w @ y) / total
        gram = _gram(X, w) - total * np.outer(mean, mean)
        right = np.asarray(X.T @ (w * (y - target))).ravel() - mean * float(w @ (y - target))
        return np.linalg.solve(gram + alpha * np.eye(len(mean)), right)[None, :]

    return draw


def _logistic(X: Any, y: np.ndarray, fitted: Fitted, weights: np.ndarray) -> Draw:
    """Two Newton steps on the penalised likelihood, from the coefficients of all rows.  Two classes, or several."""
    inverse = 1.0 / float(fitted.settings["C"]) if fitted.settings.get("C") else 0.0
    start = np.column_stack([np.asarray(fitted.estimator.intercept_, dtype=float), weights])
    n, p, k = X.shape[0], X.shape[1], len(start)
    ones = _with_ones(X)
    penalty = np.tile(np.r_[1e-8 * n, np.full(p, max(inverse, 1e-8))], k)
    if k == 1:
        wanted = (y == fitted.estimator.classes_[1]).astype(float)[:, None]
    else:
        wanted = (y[:, None] == fitted.estimator.classes_).astype(float)
    held = np.zeros(k * (p + 1))
    held[:: p + 1] = start[:, 0]  # intercepts are held where they were, not at 0

    def draw(w: np.ndarray) -> np.ndarray:
        theta = start.copy()
        for _ in range(STEPS):
            z = np.asarray(ones @ theta.T)
            if k == 1:
                said = 0.5 * (1.0 + np.tanh(0.5 * z))
            else:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                said = e / e.sum(axis=1, keepdims=True)
            gradient = np.asarray(ones.T @ (w[:, None] * (said - wanted))).T.ravel() + penalty * (theta.ravel() - held)
            theta = theta - np.linalg.solve(_hessian(ones, w, said) + np.diag(penalty), gradient).reshape(theta.shape)
        return theta[:, 1:]

    return draw


def _hessian(X: Any, w: np.ndarray, said: np.ndarray) -> np.ndarray:
    """(k·p, k·p); blocks X'·diag(w·p_a·(1{a=b} − p_b))·X."""
    k = said.shape[1]
    if k == 1:
        return _gram(X, w * said[:, 0] * (1 - said[:, 0]))
    rows = []
    for a in range(k):
        rows.append([_gram(X, w * said[:, a] * ((a == b) - said[:, b])) for b in range(k)])
    return np.block(rows)


def _gram(X: Any, w: np.ndarray) -> np.ndarray:
    """X'·diag(w)·X as (p, p)."""
    if hasattr(X, "multiply"):
        return np.asarray((X.T @ X.multiply(w[:, None]).tocsr()).toarray())
    return X.T @ (w[:, None] * X)


def _with_ones(X: Any) -> Any:
    import scipy.sparse as sp

    ones = np.ones((X.shape[0], 1))
    return sp.hstack([ones, X]).tocsr() if sp.issparse(X) else np.hstack([ones, X])


def _product(X: Any, weights: np.ndarray) -> np.ndarray:
    return np.asarray(X @ weights, dtype=float).ravel()


def _dense(X: Any) -> np.ndarray:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float)
