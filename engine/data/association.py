"""How strongly two columns go together, on one scale from 0 (not at all) to 1 (one says what the other says)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from engine.records import Json


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """|Spearman's ρ| of two numbers, over the rows that have both; 0 where one of them does not vary.  (n,) each."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3:
        return 0.0
    return _pearson(rankdata(a[both]), rankdata(b[both]))


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    if x.std() == 0 or y.std() == 0:
        return 0.0
    return float(min(1.0, abs(np.corrcoef(x, y)[0, 1])))


def correlation_ratio(codes: np.ndarray, values: np.ndarray) -> float:
    """η of the ranks: the share of a number's spread that lies between groups, as a root.

    codes: (n,) int, -1 where missing.  values: (n,) float, NaN where missing.  On ranks, so that no far value decides;
    corrected for chance as ε² (Kelley 1935): groups that say nothing give about 0, however many there are.
    """
    both = (codes >= 0) & np.isfinite(values)
    return _ratio(codes[both], rankdata(values[both]))


def _ratio(group: np.ndarray, x: np.ndarray) -> float:
    n = len(x)
    counts = np.bincount(group) if n else np.zeros(0)
    k = int((counts > 0).sum())
    total = float(((x - x.mean()) ** 2).sum()) if n else 0.0
    if n <= k or k < 2 or total == 0:
        return 0.0
    means = np.bincount(group, weights=x) / np.maximum(counts, 1)
    within = float(((x - means[group]) ** 2).sum())
    share = 1 - (within / (n - k)) / (total / (n - 1))
    return float(np.sqrt(min(1.0, max(0.0, share))))


def cramers_v(a: np.ndarray, b: np.ndarray, *, both_ways: bool = False) -> float:
    """Cramér's V of two categories, corrected for chance (Bergsma 2013).  a, b: (n,) int codes, -1 where missing.

    It is 1 when the column of more levels says which level of the other a row has; both_ways: only when each says it of
    the other (Tschuprow's normalisation by the larger number of levels).
    """
    both = (a >= 0) & (b >= 0)
    n = int(both.sum())
    if n < 2:
        return 0.0
    x, y = a[both].astype(np.int64), b[both].astype(np.int64)
    each, other = np.bincount(x), np.bincount(y)
    r, k = int((each > 0).sum()), int((other > 0).sum())
    if r < 2 or k < 2:
        return 0.0
    # χ²/n is Σ n_ij² / (n_i n_j) − 1, in which pairs of levels that never meet are nothing: no table of all pairs
    met, times = np.unique(x * len(other) + y, return_counts=True)
    phi2 = float((times.astype(float) ** 2 / (each[met // len(other)] * other[met % len(other)])).sum()) - 1
    phi2 = max(0.0, phi2 - (k - 1) * (r - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    least = (max if both_ways else min)(rows, columns) - 1
    return float(min(1.0, np.sqrt(phi2 / least))) if least > 0 else 0.0


def between(first: Mapping[str, Json], second: Mapping[str, Json], *, both_ways: bool = False) -> tuple[str, float]:
    """The measure that fits two columns, and its value.  A column: {"values": (n,) float} or {"codes": (n,) int}.

    A number without missing values may bring its "ranks": (n,) float, which saves ranking it for every pair.
    """
    if "values" in first and "values" in second:
        if "ranks" in first and "ranks" in second:
            return "|Spearman|", _pearson(first["ranks"], second["ranks"])
        return "|Spearman|", spearman(first["values"], second["values"])
    if "codes" in first and "codes" in second:
        return "Cramér's V", cramers_v(first["codes"], second["codes"], both_ways=both_ways)
    codes, values = (first, second) if "codes" in first else (second, first)
    if "ranks" in values and (codes["codes"] >= 0).all():
        return "correlation ratio", _ratio(codes["codes"], values["ranks"])
    return "correlation ratio", correlation_ratio(codes["codes"], values["values"])
