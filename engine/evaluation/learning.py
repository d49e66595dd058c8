"""The trial *learning_curve*: more data, or a better model?  (Decision catalogue, improve.learning_curve.)"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.errors import DataProblem
from engine.evaluation.bench import open_bench
from engine.evaluation.crossval import score_interval
from engine.evaluation.exams import Exam, exams_of
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
    done = 0

    def told(i: int, j: int, values: int, scores: tuple[float | None, ...]) -> None:
        nonlocal done
        done += 1
        rows[i, j] = values
        u[i, j], in_training[i, j] = map(_or_nan, scores)
        point = {"rows": rows[i, j], metric.name: u[i, j]} if np.isfinite(u[i, j]) else {}
        ctx.report(Progress(done, len(folds) * len(SHARES), "fit", point=point))

    known = whole.get("J", 0)
    for j in range(min(known, len(folds))):
        scores = tuple(_of_exam(whole[name], metric.name, j) for name in ("scores", "train_scores"))
        told(len(SHARES) - 1, j, whole["n_train"][j], scores)
    places = [(i, j) for j in range(len(folds)) for i, share in enumerate(SHARES) if share < 1.0 or j >= known]
    what = {"recipe": params["recipe"], "model": params["model"]}
    wanted = [what | {"fold": j} | ({"share": SHARES[i]} if SHARES[i] < 1.0 else {}) for i, j in places]

    def taken(place: int, exam: Exam) -> None:
        scores = (exam.measured.get(metric.name), exam.measured_in_training.get(metric.name))
        told(*places[place], bench.table.values(exam.train), scores)

    exams_of(ctx, bench, wanted, taken)
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


def _sentence(judged: dict[str, Json], title: str, delta: float) -> str:
    expected = judged["expected_doubling"]
    said = f"Doubling the rows would bring about {figure(expected)} {title}"
    match judged["advice"]:
        case "more rows":
            return f"{said}, more than the {figure(delta)} that matters: more rows are the surest way on."
        case "simplify":
            gap = figure(judged["training_gap"])
            return f"{said}; on its own training rows it scores {gap} better: simplify, regularise or clean the labels."
        case _ if judged["training_gap"] is None:  # an average is not asked about the rows that its parts learned from
            return f"{said}: better features or another family of models are the way on."
        case _:
            return f"{said}, and it hardly overfits: better features or another family of models are the way on."


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
