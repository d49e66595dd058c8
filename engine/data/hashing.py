"""Equal rows by equal hashes, over a million rows in a moment and the same in every process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array as _hash_array

_hash: Any = _hash_array  # typed as an object by pandas


def text_hashes(texts: Sequence[str] | np.ndarray | pd.Index) -> np.ndarray:
    """(k,) uint64 hashes of texts."""
    return _hash(np.asarray(texts, dtype=object), categorize=False)


def row_hashes(frame: pd.DataFrame) -> np.ndarray:
    """(n,) uint64: equal rows have equal hashes, the same in every process; a chance meeting among a million rows has
    probability 3e-8."""
    total = np.full(len(frame), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for name in frame.columns:
        values = frame[name].to_numpy()
        if values.dtype == object:
            codes, words = pd.factorize(values)
            known = text_hashes(words)
            hashed = np.concatenate([known, np.ones(1, dtype=np.uint64)])[codes]  # missing has code -1: the last
        elif np.issubdtype(values.dtype, np.datetime64):
            hashed = values.astype("datetime64[us]").view(np.uint64)
        else:
            clean = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, one zero
            hashed = clean.view(np.uint64)
        total = mixed_hashes(total, hashed)
    return total


def mixed_hashes(total: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(n,) uint64 hashes of rows, with one more column taken in."""
    return _mix(total ^ _mix(column + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(3))


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64: spreads every bit over all (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
