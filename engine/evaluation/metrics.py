"""Scoring: every metric as a function of row weights, so that a plain score and a bootstrap are one piece of code.

A metric is prepared once for its rows (sorted, compared) and then answers for many weightings at a time: with all
weights 1 it is the metric, with the counts of a resample it is the metric of that resample, without sorting again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.metrics import cost_matrix, quantile_of
from engine.records import Json

Weighted = Callable[[np.ndarray], np.ndarray]  # weights (b, n) -> scores (b,), NaN where undefined


@dataclass(frozen=True, eq=False)
class Units:
    """What the errors of a forecast are measured in, row by row, known when the forecast is made.

    series: (n,) int64 codes.  change, change_rms: (n,) float64 mean and root mean square of y_t − y_{t−m} of the row's
    series up to its origin; 0 or NaN where it never changed, or is too short to tell.
    """

    series: np.ndarray
    change: np.ndarray
    change_rms: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Units:
        return Units(self.series[rows], self.change[rows], self.change_rms[rows])


def score_all(
    task: str,
    labels: Sequence[str],
    positive_index: int,
    y_true: np.ndarray,
    proba: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
    costs: Json = None,
    *,
    capacity: float | None = None,
    threshold: float | None = None,
    units: Units | None = None,
) -> dict[str, float | None]:
    """Every metric of the task on these rows, in the metric's own unit; None where it is undefined.

    The arguments are those of `weighted_metrics`.
    """
    ones = np.ones((1, len(y_true)))
    prepared = weighted_metrics(
        task,
        labels,
        positive_index,
        y_true,
        proba,
        prediction,
        costs,
        capacity=capacity,
        threshold=threshold,
        units=units,
    )
    scores = {name: float(of(ones)[0]) if len(y_true) else np.nan for name, of in prepared.items()}
    return {name: value if np.isfinite(value) else None for name, value in scores.items()}


def weighted_metrics(
    task: str,
    labels: Sequence[str],
    positive_index: int,
    y_true: np.ndarray,
    proba: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
    costs: Json = None,
    *,
    capacity: float | None = None,
    threshold: float | None = None,
    units: Units | None = None,
) -> dict[str, Weighted]:
    """Every metric of the task, prepared for these rows.

    y_true: (n,) int codes into labels, or float64 for regression.  proba: (n, K) in the order of labels, or (n,) of
    the positive class.  prediction: (n,) codes or values; taken from proba when not given: the most probable class,
    or positive from `threshold` on.  A model that only predicts is ranked by its prediction and has no log loss.
    costs: as `problem.costs`.  capacity: the share of rows that can be acted on, for recall_at_k.  units: what a
    forecast is measured in; without them it is scored as one series, and has no MASE and no RMSSE.
    """
    if task in ("regression", "forecast"):
        if prediction is None:
            raise ValueError("numbers are scored by predictions")
        if task == "forecast":
            return _forecast(np.asarray(y_true, float), np.asarray(prediction, float), costs, units)
        return _regression(np.asarray(y_true, float), np.asarray(prediction, float), costs)
    y = np.asarray(y_true, dtype=np.intp)
    p = None if proba is None else _as_matrix(np.asarray(proba, dtype=np.float64), positive_index)
    if prediction is None:
        if p is None:
            raise ValueError("a classification is scored by probabilities or predictions")
        if threshold is not None and len(labels) == 2:
            codes = np.where(p[:, positive_index] >= threshold, positive_index, 1 - positive_index)
        else:
            codes = p.argmax(axis=1)
    else:
        codes = np.asarray(prediction, dtype=np.intp)
    metrics = _confusion(y, codes, len(labels), positive_index)
    score = None
    if task == "binary":
        score = (codes == positive_index).astype(float) if p is None else p[:, positive_index]
        metrics |= _ranking(y == positive_index, score)
        if capacity is not None:
            metrics["recall_at_k"] = recall_at_share(y == positive_index, score, capacity)
    elif p is not None:
        metrics["roc_auc"] = _one_against_rest(y, p)
    if p is not None:
        metrics |= _proper(y, p, positive_index if task == "binary" else None)
    matrix = cost_matrix(costs, labels, positive_index)
    if matrix is not None:
        C = np.asarray(matrix)
        actions = codes if p is None else bayes_action(p, C)
        metrics["expected_cost"] = _mean_of(C[y, actions])
    return metrics


def bayes_action(proba: np.ndarray, C: np.ndarray) -> np.ndarray:
    """argmin_a Σ_k p_k·C[k, a], the class to act on.  proba: (n, K).  C: (K, K), actual by predicted.  Ties: the last.

    For two classes that is: positive from t* on (engine.metrics.best_cut).
    """
    expected = proba @ C
    return expected.shape[1] - 1 - np.argmin(np.round(expected[:, ::-1], 12), axis=1)


def recall_at_share(positive: np.ndarray, score: np.ndarray, share: float) -> Weighted:
    """The share of positives among the top `share` of the weighted rows; rows tied at the border count in part."""

    def of(W: np.ndarray) -> np.ndarray:
        tp, fp = curve(W)
        flagged, wanted = tp + fp, share * W.sum(axis=1)
        caught = [np.interp(wanted[i], np.r_[0.0, flagged[i]], np.r_[0.0, tp[i]]) for i in range(len(W))]
        return _ratio(np.asarray(caught), tp[:, -1])

    curve = _curve(positive, score)
    return of


# --- the families ----------------------------------------------------------------------------------------------------


def _as_matrix(p: np.ndarray, positive: int) -> np.ndarray:
    if p.ndim == 2:
        return p
    matrix = np.empty((len(p), 2))
    matrix[:, positive], matrix[:, 1 - positive] = p, 1 - p
    return matrix


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, NaN where b is 0."""
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b != 0)


def _mean_of(loss: np.ndarray) -> Weighted:
    return lambda W: _ratio(W @ loss, W.sum(axis=1))


def _shared(compute: Callable[[np.ndarray], tuple[np.ndarray, ...]]) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """Compute once for metrics that are asked one after another with the very same weights."""
    seen: list[tuple[np.ndarray, tuple[np.ndarray, ...]]] = []

    def once(W: np.ndarray) -> tuple[np.ndarray, ...]:
        if not seen or seen[0][0] is not W:
            seen[:] = [(W, compute(W))]
        return seen[0][1]

    return once


def _confusion(y: np.ndarray, codes: np.ndarray, k: int, positive: int) -> dict[str, Weighted]:
    classes = np.arange(k)
    actual = (y[:, None] == classes).astype(float)  # (n, K)
    predicted = (codes[:, None] == classes).astype(float)

    @_shared
    def counts(W: np.ndarray) -> tuple[np.ndarray, ...]:
        return W @ (actual * predicted), W @ actual, W @ predicted  # hits, support, predicted: (b, K)

    def accuracy(W: np.ndarray) -> np.ndarray:
        return _ratio(counts(W)[0].sum(axis=1), W.sum(axis=1))

    def recalls(W: np.ndarray) -> np.ndarray:
        hits, support, _ = counts(W)
        return _ratio(hits, support)

    def f1s(W: np.ndarray) -> np.ndarray:
        hits, support, said = counts(W)
        return _ratio(2 * hits, support + said)

    metrics: dict[str, Weighted] = {
        "accuracy": accuracy,
        "balanced_accuracy": lambda W: _over_present(np.nanmean, recalls(W)),
        "f1_macro": lambda W: _over_present(np.nanmean, f1s(W)),
        "recall_min": lambda W: _over_present(np.nanmin, recalls(W)),
    }
    if k == 2:
        metrics["recall"] = lambda W: recalls(W)[:, positive]
        metrics["f1"] = lambda W: f1s(W)[:, positive]
    return metrics


def _over_present(reduce: Callable[..., np.ndarray], per_class: np.ndarray) -> np.ndarray:
    """Reduce over the classes that occur, NaN where none does."""
    some = ~np.isnan(per_class).all(axis=1)
    result = np.full(len(per_class), np.nan)
    if some.any():
        result[some] = reduce(per_class[some], axis=1)
    return result


def _curve(positive: np.ndarray, score: np.ndarray) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """Weighted true and false positives at each distinct score, from the highest down: (b, distinct) each."""
    if np.isnan(score).any():
        return lambda W: (np.full((len(W), 1), np.nan), np.full((len(W), 1), np.nan))
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.r_[np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1]
    hit = np.asarray(positive, float)[order]

    def curve(W: np.ndarray) -> tuple[np.ndarray, ...]:
        sorted_weights = W[:, order]
        total = np.cumsum(sorted_weights, axis=1)[:, ends]
        sorted_weights *= hit
        tp = np.cumsum(sorted_weights, axis=1, out=sorted_weights)[:, ends]
        return tp, total - tp

    return _shared(curve)


def _ranking(positive: np.ndarray, score: np.ndarray) -> dict[str, Weighted]:
    curve = _curve(positive, score)

    def roc_auc(W: np.ndarray) -> np.ndarray:
        tp, fp = curve(W)
        area = 0.5 * (np.einsum("bi,bi->b", fp[:, 1:] - fp[:, :-1], tp[:, 1:] + tp[:, :-1]) + fp[:, 0] * tp[:, 0])
        return _ratio(area, tp[:, -1] * fp[:, -1])

    def average_precision(W: np.ndarray) -> np.ndarray:
        tp, fp = curve(W)
        flagged = tp + fp
        precision = np.divide(tp, flagged, out=np.zeros_like(tp), where=flagged != 0)
        gained = np.einsum("bi,bi->b", tp[:, 1:] - tp[:, :-1], precision[:, 1:]) + tp[:, 0] * precision[:, 0]
        return _ratio(gained, tp[:, -1])

    return {"roc_auc": roc_auc, "average_precision": average_precision}


def _one_against_rest(y: np.ndarray, p: np.ndarray) -> Weighted:
    """Mean over the classes of the AUC of each against the rest; undefined where a class does not occur."""
    each = [_ranking(y == k, p[:, k])["roc_auc"] for k in range(p.shape[1])]
    return lambda W: np.mean([auc(W) for auc in each], axis=0)


def _proper(y: np.ndarray, p: np.ndarray, positive: int | None) -> dict[str, Weighted]:
    eps = np.finfo(np.float64).eps
    total = p.sum(axis=1)
    given = np.clip(_ratio(p[np.arange(len(y)), y], total), eps, 1 - eps)
    metrics = {"log_loss": _mean_of(-np.log(given))}
    if positive is not None:
        metrics["brier"] = _mean_of((p[:, positive] - (y == positive)) ** 2)
    return metrics


def _regression(y: np.ndarray, prediction: np.ndarray, costs: Json) -> dict[str, Weighted]:
    error = prediction - y
    centred = y - (y.mean() if len(y) else 0.0)  # keeps the variance exact for large values
    squares = _mean_of(error**2)

    def r2(W: np.ndarray) -> np.ndarray:
        n = W.sum(axis=1)
        mean = _ratio(W @ centred, n)
        variance = _ratio(W @ centred**2, n) - mean**2
        variance[variance <= 1e-14 * np.max(centred**2, initial=0.0)] = 0.0  # constant up to rounding
        return 1 - _ratio(squares(W), variance)

    metrics: dict[str, Weighted] = {
        "mae": _mean_of(np.abs(error)),
        "rmse": lambda W: np.sqrt(squares(W)),
        "r2": r2,
        "bias": _mean_of(error),
    }
    if len(y) and y.min() > -1:
        floor = 0.0 if y.min() >= 0 else -1 + 1e-6  # a prediction below what can happen counts as the least that can
        logs = _mean_of((np.log1p(np.maximum(prediction, floor)) - np.log1p(y)) ** 2)
        metrics["rmsle"] = lambda W: np.sqrt(logs(W))
    q = quantile_of(costs) if isinstance(costs, Mapping) else None
    if q is not None:
        metrics["pinball"] = _mean_of(np.maximum(-q * error, (1 - q) * error))
    return metrics


def by_series(y: np.ndarray, prediction: np.ndarray, costs: Json, units: Units) -> dict[str, np.ndarray]:
    """The metrics of a forecast, series by series, in the order of their codes; NaN where a series has none.

    y, prediction: (n,).  Returns name to (k,) float64, k the series among these rows.
    """
    ones = np.ones((1, len(y)))
    return {name: of(ones)[0] for name, of in _each_series(y, prediction, costs, units).items()}


def _forecast(y: np.ndarray, prediction: np.ndarray, costs: Json, units: Units | None) -> dict[str, Weighted]:
    """MASE and the others; every series counts the same, however many rows it has (WAPE: as much as its volume).

    Rows of a series that never changed before have no MASE and no RMSSE: they are left out there.  (Hyndman & Koehler,
    2006; Makridakis, Spiliotis & Assimakopoulos, 2022.)
    """
    absolute, size = _mean_of(np.abs(prediction - y)), _mean_of(np.abs(y))
    metrics = {name: _over_series(of) for name, of in _each_series(y, prediction, costs, units).items()}
    return metrics | {"wape": lambda W: _ratio(absolute(W), size(W))}


def _each_series(y: np.ndarray, prediction: np.ndarray, costs: Json, units: Units | None) -> dict[str, Weighted]:
    """As `_forecast`, before the mean over the series: weights (b, n) -> (b, series)."""
    error = prediction - y
    series = np.zeros(len(y), dtype=np.int64) if units is None else units.series
    absolute, squares, size = (_by_series(loss, series) for loss in (np.abs(error), error**2, np.abs(y)))
    metrics: dict[str, Weighted] = {
        "mae": absolute,
        "rmse": lambda W: np.sqrt(squares(W)),
        "bias": _by_series(error, series),
        "wape": lambda W: _ratio(absolute(W), size(W)),
    }
    if units is not None:
        metrics["mase"] = _by_series(_over(np.abs(error), units.change), series)
        scaled = _by_series(_over(error**2, units.change_rms**2), series)
        metrics["rmsse"] = lambda W: np.sqrt(scaled(W))
    q = quantile_of(costs) if isinstance(costs, Mapping) else None
    if q is not None:
        metrics["pinball"] = _by_series(np.maximum(-q * error, (1 - q) * error), series)
    return metrics


def _over(loss: np.ndarray, unit: np.ndarray) -> np.ndarray:
    return np.divide(loss, unit, out=np.full(len(loss), np.nan), where=np.nan_to_num(unit) > 0)


def _by_series(loss: np.ndarray, series: np.ndarray) -> Weighted:
    """Weights (b, n) -> the weighted mean of the loss in each series, (b, series); NaN where it has no weight.

    Rows whose loss is NaN are left out.
    """
    codes, place = np.unique(series, return_inverse=True)
    known = np.flatnonzero(~np.isnan(loss))
    order = known[np.argsort(place[known], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(place[order]) != 0]) if len(order) else order

    def of(W: np.ndarray) -> np.ndarray:
        means = np.full((len(W), len(codes)), np.nan)
        if len(order):
            some = W[:, order]
            sums = np.add.reduceat(some * loss[order], starts, axis=1)
            means[:, place[order[starts]]] = _ratio(sums, np.add.reduceat(some, starts, axis=1))
        return means

    return of


def _over_series(by_series: Weighted) -> Weighted:
    """The mean over the series that have a value."""
    return lambda W: _over_present(np.nanmean, by_series(W))
