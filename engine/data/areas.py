"""Drawing a line of pixels smaller, or larger, so that no light is lost."""

from __future__ import annotations

import numpy as np


def areas(large: int, small: int) -> np.ndarray:
    """(small, large) float64: which share of each old line falls into a new one; every row sums to 1."""
    edges = np.linspace(0, large, small + 1)
    low, high = np.maximum.outer(edges[:-1], np.arange(large)), np.minimum.outer(edges[1:], np.arange(large) + 1)
    return np.clip(high - low, 0, None) * small / large
