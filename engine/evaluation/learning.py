"""The trial *learning_curve*: more data, or a better model?  (Decision catalogue, improve.learning_curve.)"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.errors import DataProblem
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.crossval import score_interval, take_exam
from engine.evaluation.paired import difference_of
from engine.evaluation.trend import trend
from engine.metrics import BY_NAME, Metric, figure
from engine.plans import default_delta
from engine.records import Json, Progress
from engine.trials import Context

SHARES = (0.125, 0.25, 0.5, 1.0)
MOST_EXAMS = 10
MANY_ROWS, ENOUGH_EXAMS = 10_000, 5  # from so many rows on, fewer exams show the trend as well
FEWEST_ROWS = 200


def learning_curve(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Fit on nested 1/8, 1/4, 1/2 and all of each training part, and judge what doubling the rows would bring.

    params: recipe, model, delta (the smallest gain that matters; the default of 2.7 when missing).  Gains are oriented:
    positive is better.  Where the trial uses the model's own exams, the fits to all rows are taken from there: they are
    the same to the bit.  Raises DataProblem with fewer than 200 development rows.
    """
    bench = open_bench(params, ctx)
    n = len(bench.splits.dev)
    if n < FEWEST_ROWS:
        raise DataProblem(f"A learning curve needs {FEWEST_ROWS} development rows; here are {n}. Collect more first.")
    metric = BY_NAME[bench.metric]
    whole = ctx.evidence(ctx.uses[0]) if ctx.uses else {}
    folds = bench.splits.folds[: ENOUGH_EXAMS if n >= MANY_ROWS else MOST_EXAMS]
    u = np.full((len(SHARES), len(folds)), np.nan)
    in_training = np.full_like(u, np.nan)
    rows = np.zeros_like(u)
    for j, (train, test) in enumerate(folds):
        order = nested_order(bench, train, ctx.seed + j)
        for i, share in enumerate(SHARES):
            if share == 1.0 and j < whole.get("J", 0):
                rows[i, j] = whole["n_train"][j]
                scores = (_of_exam(whole[name], metric.name, j) for name in ("scores", "train_scores"))
            else:
                part = train if share == 1.0 else np.sort(order[: round(share * len(order))])
                exam = take_exam(bench, params["model"], j, part, test, ctx.seed)
                rows[i, j] = bench.table.values(part)
                scores = (e.get(metric.name) for e in (exam.measured, exam.measured_in_training))
            u[i, j], in_training[i, j] = map(_or_nan, scores)
            step = j * len(SHARES) + i + 1
            point = {"rows": rows[i, j], metric.name: u[i, j]} if np.isfinite(u[i, j]) else {}
            ctx.report(Progress(step, len(folds) * len(SHARES), "fit", point=point))
    rho = float(np.mean([bench.table.values(test) / bench.table.values(train) for train, test in folds]))
    intervals = [score_interval(metric.name, list(row), rho, bench.splits.ordered) for row in u]
    delta = float(params.get("delta") or default_delta(metric, intervals[-1][0] or 0.0, intervals[-1][0] or 0.0))
    judged = judge(metric.oriented(u), metric.oriented(in_training), rho, bench.splits.ordered, delta)
    return {
        "metric": metric.name,
        "shares": list(SHARES),
        "rows": [int(r) for r in rows.mean(axis=1)],
        "values": [interval[0] for interval in intervals],
        "lows": [interval[1] for interval in intervals],
        "highs": [interval[2] for interval in intervals],
        "train_values": [_or_none(_mean(row)) for row in in_training],
        "J": len(folds),
        "delta": delta,
        **judged,
        "trend": expected(metric, rows.mean(axis=1), u, rho),
        "sentence": _sentence(judged, metric.title, delta),
    }


def expected(metric: Metric, rows: np.ndarray, u: np.ndarray, rho: float) -> dict[str, Json] | None:
    """The score to be expected of twice and of ten times the rows, in the metric's own unit, each with the 95 %
    interval of an extrapolation; None where the curve has too few points."""
    found = trend(rows, np.asarray(metric.oriented(u), dtype=float), rho, [2 * rows[-1], 10 * rows[-1]])
    if found is None or metric.best == "zero":
        return None
    forecasts = []
    for forecast in found.forecasts:
        ends = sorted(float(metric.oriented(end)) for end in (forecast.low, forecast.high))
        low, high = (min(max(end, metric.low), metric.high) for end in ends)
        value = min(max(float(metric.oriented(forecast.value)), metric.low), metric.high)
        forecasts.append({"rows": round(forecast.rows), "value": value, "low": low, "high": high})
    return {"power": found.power, "forecasts": forecasts}


def _of_exam(scores: Mapping[str, Json], metric: str, exam: int) -> float | None:
    values = scores.get(metric) or []
    return values[exam] if exam < len(values) else None


def judge(u: np.ndarray, in_training: np.ndarray, rho: float, ordered: bool, delta: float) -> dict[str, Json]:
    """What the curve says.  u, in_training: (shares, exams), oriented, smallest share first, NaN where undefined.

    gain: from half the rows to all; gain_low: its lower bound at 95 %; expected_doubling: the gain, shrunk by how fast
    gains have been falling.
    """
    last = u[-1] - u[-2]
    g = difference_of(last[np.isfinite(last)], rho, ordered=ordered, delta=delta, scale=float(np.nanmax(np.abs(u))))
    before = _mean(u[-2] - u[-3])
    slowing = 1.0 if not before > 0 else min(1.0, max(0.0, g.diff / before))
    expected = g.diff * slowing
    gap = _mean(in_training[-1]) - _mean(u[-1])
    if g.lower is not None and g.lower > 0 and expected >= delta:
        advice = "more rows"
    elif gap >= 2 * delta:
        advice = "simplify"
    else:
        advice = "features"
    return {
        "gain": g.diff,
        "gain_low": g.lower,
        "expected_doubling": float(expected),
        "training_gap": _or_none(gap),
        "advice": advice,
    }


def nested_order(bench: Bench, train: np.ndarray, seed: int) -> np.ndarray:
    """The training part in such an order that its beginnings are smaller training parts of the plan's own kind.

    By time: the latest rows first, for a shorter history ends where the longer one does.  By group: whole groups in
    random order.  Else at random, each class spread evenly over the order.
    """
    rng = np.random.default_rng(seed)
    table, kind = bench.table, bench.recipe["split"]["kind"]
    if kind in ("time", "origins") and table.times is not None:
        return train[np.argsort(-table.times[train], kind="stable")]
    shuffled = rng.permutation(train)
    if kind == "group" and table.groups is not None:
        groups = table.groups[shuffled]
        turn = dict(zip(rng.permutation(np.unique(groups)).tolist(), range(len(groups)), strict=False))
        return shuffled[np.argsort([turn[g] for g in groups.tolist()], kind="stable")]
    if not bench.classifies:
        return shuffled
    y = table.y[shuffled]
    place = np.empty(len(y))
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return shuffled[np.argsort(place, kind="stable")]


def _sentence(judged: dict[str, Json], title: str, delta: float) -> str:
    expected = judged["expected_doubling"]
    said = f"Doubling the rows would bring about {figure(expected)} {title}"
    match judged["advice"]:
        case "more rows":
            return f"{said}, more than the {figure(delta)} that matters: more rows are the surest way on."
        case "simplify":
            gap = figure(judged["training_gap"])
            return f"{said}; on its own training rows it scores {gap} better: simplify, regularise or clean the labels."
        case _:
            return f"{said}, and it hardly overfits: better features or another family of models are the way on."


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
