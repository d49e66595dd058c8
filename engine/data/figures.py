"""Figures of sorted distinct values that occur so often each: as of all values, at the cost of the distinct ones."""

from __future__ import annotations

import math

import numpy as np

from engine.data.kinds import quantiles
from engine.records import Json

BINS = 20
FENCE = 3  # quartile ranges from the quartiles, beyond which a value lies far out


def moments(values: np.ndarray, counts: np.ndarray) -> dict[str, Json]:
    """Mean, spread, quartiles and skew; and the share beyond 5 standard deviations of the mean.

    values: (k,) float64, finite, sorted; counts: (k,) how often each occurs.  Nothing for no values.
    """
    n = counts.sum()
    if n == 0:
        return {}
    scale = float(max(abs(values[0]), abs(values[-1]))) or 1.0  # against overflow of squares and cubes
    x = values / scale
    mean = float((x * counts).sum() / n)
    d = x - mean
    square = d * d
    second = float((square * counts).sum())
    third = float((square * d * counts).sum() / n)
    q1, median, q3 = quantiles(values, counts, (0.25, 0.5, 0.75))
    spread = math.sqrt(second / n)
    return {
        "min": _finite(values[0]),
        "max": _finite(values[-1]),
        "mean": _finite(mean * scale),
        "sd": _finite(math.sqrt(second / (n - 1)) * scale) if n > 1 else None,
        "median": _finite(median),
        "q1": _finite(q1),
        "q3": _finite(q3),
        "skew": _finite(third / spread**3) if spread > 1e-12 else None,
        "beyond_5sd": _beyond(d, counts, 5 * spread) / float(n) if spread > 1e-12 else 0.0,
    }


def _beyond(d: np.ndarray, counts: np.ndarray, far: float) -> float:
    """How many of sorted values lie further than so much from 0."""
    below, above = np.searchsorted(d, -far, side="left"), np.searchsorted(d, far, side="right")
    return float(counts[:below].sum() + counts[above:].sum())


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def fences(q1: float, q3: float) -> tuple[float, float]:
    """Three quartile ranges below the first quartile and above the third, as far as floats go."""
    step, most = FENCE * (q3 - q1), float(np.finfo(float).max)
    return max(q1 - step, -most), min(q3 + step, most)


def outliers(values: np.ndarray, counts: np.ndarray) -> dict[str, Json] | None:
    """How many lie beyond three quartile ranges from the quartiles, and these fences; None where half the values are
    one, as all others would be outliers then (`data.outliers`).  Takes what `moments` takes."""
    if not len(values):
        return None
    q1, q3 = quantiles(values, counts, (0.25, 0.75))
    if q3 <= q1:
        return None
    low, high = fences(q1, q3)
    first, last = np.searchsorted(values, low, side="left"), np.searchsorted(values, high, side="right")
    count, n = int(counts[:first].sum() + counts[last:].sum()), int(counts.sum())
    return {"count": count, "share": count / n, "low": low, "high": high}


def histogram(values: np.ndarray, counts: np.ndarray) -> dict[str, Json] | None:
    """Edges and counts of 20 bins within three quartile ranges of the middle, the first and the last holding what lies
    beyond; a bin for each of a few whole numbers.  Takes what `moments` takes; None for no values."""
    if not len(values):
        return None
    least, most, n = float(values[0]), float(values[-1]), int(counts.sum())
    low, high = fences(*quantiles(values, counts, (0.25, 0.75)))
    low, high = max(least, low), min(most, high)
    if low == high:
        low, high = least, most
    if high <= low:
        return {"edges": [low, low + max(1.0, 1e-9 * abs(low))], "counts": [n]}
    whole = len(values) <= BINS and high - low < BINS and np.all(values == np.floor(values))
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.arange(low, high + 2) - 0.5 if whole else np.linspace(low, high, BINS + 1)
        if not (edges[1:] > edges[:-1]).all():  # ends too near, or too far apart, for 20 steps of a float between them
            return {"edges": [low, high], "counts": [n]}
    before = np.concatenate([[0], np.cumsum(counts)])
    ends = before[np.searchsorted(values, edges[1:-1], side="left")]
    bins = np.diff(np.concatenate([[0], ends, before[-1:]]))
    return {"edges": [float(edge) for edge in edges], "counts": [int(count) for count in bins]}


def rare_levels(counts: np.ndarray, least: int = 10) -> dict[str, Json]:
    """How many levels have fewer rows than that, and how many rows they have together (`data.rare`)."""
    few = counts[counts < least]
    return {"rare": len(few), "rare_rows": int(few.sum())}
