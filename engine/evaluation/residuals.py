"""View 4 of the errors: what is missed against what is said, over time, and by how far ahead."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.figures import histogram
from engine.evaluation.answers import Answers
from engine.evaluation.bench import Bench
from engine.evaluation.calibration import reliability
from engine.records import Json

BINS, BLOCKS = 10, 8
FEWEST = 100  # rows from which bins of them mean something


def residual_views(bench: Bench, answers: Answers) -> dict[str, Json]:
    """residuals (numbers), reliability (classes), over_time (rows in time order); what does not apply is left out."""
    found: dict[str, Json] = {}
    if len(answers.positions) < FEWEST:
        return found
    if bench.classifies:
        y, two = bench.table.y[answers.positions], len(bench.table.labels) == 2
        p = answers.scores[:, 1] if two else answers.scores.max(axis=1)
        happened = y == 1 if two else answers.scores.argmax(axis=1) == y
        found["reliability"] = reliability(p, happened.astype(float))
    else:
        found["residuals"] = _residuals(bench.table.y[answers.positions], answers.scores)
    return found | _over_time(bench, answers)


def _residuals(y: np.ndarray, said: np.ndarray) -> dict[str, Json]:
    """True − said, in bins of equal count of what was said: mean, and the 10th and 90th percentile; their spread as a
    histogram; grows: Spearman of |true − said| and what was said."""
    from scipy.stats import spearmanr

    missed = y - said
    edges = np.unique(np.quantile(said, np.linspace(0, 1, BINS + 1)))
    place = np.clip(np.searchsorted(edges, said, side="right") - 1, 0, max(0, len(edges) - 2))
    bins = []
    for i in np.unique(place):
        inside = place == i
        low, high = np.quantile(missed[inside], [0.1, 0.9])
        bins.append({"said": float(said[inside].mean()), "mean": float(missed[inside].mean()), "low": float(low),
                     "high": float(high), "rows": int(inside.sum())})  # fmt: skip
    grows = None
    if np.ptp(said) > 0 and np.ptp(np.abs(missed)) > 0:
        ranked: Any = spearmanr(np.abs(missed), said)
        grows = float(ranked.statistic)
    return {"bins": bins, "histogram": histogram(*np.unique(missed, return_counts=True)), "grows": grows,
            "mean": float(missed.mean())}  # fmt: skip


def _over_time(bench: Bench, answers: Answers) -> dict[str, Json]:
    """Mean loss in blocks of equal count from the earliest rows to the latest, each with its 95 % interval."""
    times = bench.table.times
    if times is None:
        return {}
    at = times[answers.positions]
    known = np.flatnonzero(np.isfinite(at))
    if len(known) < FEWEST:
        return {}
    order = known[np.argsort(at[known], kind="stable")]
    rows = []
    for part in np.array_split(order, BLOCKS):
        loss = answers.loss[part]
        half = 1.96 * float(loss.std(ddof=1)) / np.sqrt(len(loss))
        mean = float(loss.mean())
        rows.append({"when": _when(bench, float(at[part[0]])), "rows": len(part), "loss": mean, "low": mean - half,
                     "high": mean + half})  # fmt: skip
    return {"over_time": rows}


def _when(bench: Bench, at: float) -> str:
    """Where a block begins: its date; of a series the number of the step."""
    if bench.table.steps is not None:
        return f"step {at:,.0f}"
    return str(np.datetime64(round(at), "s"))[:10]
