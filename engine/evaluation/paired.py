"""The paired difference of two models on the same exams, and its verdict.  (Decision catalogue, 2.3, 2.4 and 9.)

Exams that share training rows are not independent, so the plain paired t-test is far too sure of itself.  The variance
used here counts the overlap: Nadeau & Bengio (2003), as recommended by Bouckaert & Frank (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["better", "worse", "equivalent", "unclear", "identical"]

ALPHA = 0.05  # of the verdicts
POWER = 0.80  # at which a detectable gain would be seen


@dataclass(frozen=True)
class Difference:
    """Challenger minus champion, oriented so that positive is better, in the metric's unit.

    lower and upper are one-sided bounds at 1 − alpha each; p is one-sided, for "the challenger is better".
    se and what follows from it are None when the exams show no spread at all, or when there are fewer than two.
    """

    diff: float
    se: float | None
    lower: float | None
    upper: float | None
    p: float | None
    detectable: float | None
    exams: int
    verdict: Verdict


def overlap(n_train: np.ndarray, n_test: np.ndarray) -> float:
    """ρ: mean of n_test / n_train over the exams."""
    return float(np.mean(n_test / n_train))


def corrected_variance(values: np.ndarray, rho: float, ordered: bool = False) -> float:
    """Variance of the mean of J correlated values: (1/J + ρ)·s², and for exams in time order at least (s² + 2γ₁)/J."""
    J = len(values)
    residual = values - values.mean()
    v = float(residual @ residual) / (J - 1)
    variance = (1 / J + rho) * v
    if ordered:
        gamma = float(residual[1:] @ residual[:-1]) / (J - 1)
        variance = max(variance, (v + 2 * gamma) / J)
    return variance


def paired_difference(
    challenger: np.ndarray,
    champion: np.ndarray,
    rho: float,
    *,
    ordered: bool = False,
    delta: float = 0.0,
    alpha: float = ALPHA,
    least_se: float = 0.0,
) -> Difference:
    """Compare oriented scores (J,) of the same exams, exam by exam; those that either lacks (NaN) are left out.

    rho: n_test / n_train of the exams (see `overlap`).  ordered: the exams follow each other in time.
    delta: the smallest gain that matters, for *equivalent*.  least_se: a standard error found another way, of which the
    larger holds: that over series (2.3).  Raises ValueError when the lengths differ.
    """
    a, b = np.asarray(challenger, dtype=float), np.asarray(champion, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"scores of the same exams are needed; got {a.shape} and {b.shape}")
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    scale = float(np.max(np.abs([a, b]), initial=0.0))
    return difference_of(a - b, rho, ordered=ordered, delta=delta, alpha=alpha, scale=scale, least_se=least_se)


def difference_of(
    d: np.ndarray,
    rho: float,
    *,
    ordered: bool = False,
    delta: float = 0.0,
    alpha: float = ALPHA,
    scale: float = 0.0,
    least_se: float = 0.0,
) -> Difference:
    """As `paired_difference`, from the differences themselves.  scale: size of the scores, to tell rounding."""
    from scipy.stats import t

    d = np.asarray(d, dtype=float)
    J = len(d)
    if J == 0:
        return Difference(0.0, None, None, None, None, None, 0, "unclear")
    noise = 1e-12 * max(scale, float(np.abs(d).max()))  # what rounding alone can make of equal scores
    if np.abs(d).max() <= noise:
        return Difference(0.0, None, None, None, None, None, J, "identical" if J > 1 else "unclear")
    mean = float(d.mean())
    if J < 2 or np.abs(d - mean).max() <= noise:
        return Difference(mean, None, None, None, None, None, J, "unclear")  # no spread, no test: inspect
    se = max(float(np.sqrt(corrected_variance(d, rho, ordered))), least_se)
    q = float(t.ppf(1 - alpha, J - 1))
    lower, upper = mean - q * se, mean + q * se
    return Difference(
        diff=mean,
        se=se,
        lower=lower,
        upper=upper,
        p=float(t.sf(mean / se, J - 1)),
        detectable=(q + float(t.ppf(POWER, J - 1))) * se,
        exams=J,
        verdict=verdict_of(lower, upper, delta),
    )


def verdict_of(lower: float, upper: float, delta: float) -> Verdict:
    """*better* and *worse* come first: a difference can be both real and too small to matter."""
    if lower > 0:
        return "better"
    if upper < 0:
        return "worse"
    if -delta < lower and upper < delta:
        return "equivalent"
    return "unclear"
