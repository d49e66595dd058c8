"""Where a learning curve is heading: an inverse power law fitted to it, and what it says of more rows than there are.

u(n) = a − b·n^(−c): scores climb towards a ceiling a, ever more slowly (Cortes et al. 1993; Mukherjee et al. 2003;
Viering & Loog 2023 on where it fails).  Four sizes cannot tell the power c, so every power of a grid is fitted, each
counts by how well it fits, and their disagreement is part of the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

POWERS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
LEVEL = 0.95
LEAST_SIZES = 3


@dataclass(frozen=True)
class Forecast:
    """The score expected at a number of rows, with its 95 % interval: an extrapolation, not a measurement."""

    rows: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Trend:
    """The fitted law.  power, ceiling: averages over the powers, weighted by how well each fits."""

    power: float
    ceiling: float
    forecasts: tuple[Forecast, ...]


def trend(rows: np.ndarray, u: np.ndarray, rho: float, at: Sequence[float]) -> Trend | None:
    """Fit the law to a learning curve, and say what it expects at other numbers of rows.

    rows: (sizes,), ascending.  u: (sizes, J) oriented scores, NaN where an exam has none; rho: n_test / n_train of the
    exams, for they share rows and are surer together than they should be (2.3).  None with fewer than three sizes or
    two exams that are whole.
    """
    whole = np.isfinite(u).all(axis=0)
    scores, n = u[:, whole], np.asarray(rows, dtype=float)
    J = scores.shape[1]
    if J < 2 or len(n) < LEAST_SIZES or len(np.unique(n)) < len(n):
        return None
    mean = scores.mean(axis=1)
    noise = np.atleast_2d(np.cov(scores)) * (1 / J + rho)  # of the means, by Nadeau & Bengio's correction
    spread = np.maximum(np.diag(noise), 1e-16 + 1e-12 * float(np.abs(mean).max()) ** 2)
    wanted = np.asarray(at, dtype=float)
    weights, ceilings, values, variances = [], [], [], []
    for power in POWERS:
        hat = _linear(n, power, 1 / spread)  # (2, sizes): [a, −b] = hat @ mean
        a, slope = hat @ mean
        if slope > 0:  # more rows do not make it worse for ever: then it is level, at the weighted mean
            hat = np.vstack([(1 / spread) / (1 / spread).sum(), np.zeros(len(n))])
            a, slope = hat @ mean
        miss = float((((a + slope * n**-power) - mean) ** 2 / spread).sum())
        basis = np.vstack([np.ones(len(wanted)), wanted**-power])  # (2, wanted)
        reach = basis.T @ hat  # (wanted, sizes)
        weights.append(np.exp(-min(miss, 700.0) / 2))
        ceilings.append(a)
        values.append(reach @ mean)
        variances.append(np.einsum("ij,jk,ik->i", reach, noise, reach))
    w = np.asarray(weights) / max(float(np.sum(weights)), 1e-300)
    if not np.isfinite(w).all() or w.sum() <= 0:
        w = np.full(len(POWERS), 1 / len(POWERS))
    V = np.asarray(values)
    expected = w @ V
    variance = w @ np.asarray(variances) + w @ (V - expected) ** 2
    half = float(t.ppf(0.5 + LEVEL / 2, J - 1)) * np.sqrt(np.maximum(variance, 0))
    return Trend(
        float(w @ np.asarray(POWERS)),
        float(w @ np.asarray(ceilings)),
        tuple(
            Forecast(float(x), float(y), float(y - h), float(y + h))
            for x, y, h in zip(wanted, expected, half, strict=True)
        ),
    )


def _linear(n: np.ndarray, power: float, weight: np.ndarray) -> np.ndarray:
    """The weighted least squares of a + s·n^(−power) as a matrix that is applied to the scores: (2, sizes)."""
    X = np.column_stack([np.ones(len(n)), n**-power])
    W = X.T * weight
    return np.linalg.solve(W @ X, W)
