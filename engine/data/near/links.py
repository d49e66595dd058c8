"""Who belongs together: rows that a signature brings next to each other, once they were held against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

Alike = Callable[[np.ndarray, np.ndarray], np.ndarray]

ALL_PAIRS = 300  # rows of one key up to which each is held against each; beyond it against those that follow next
NEXT = 30
PIECE = 1 << 18  # pairs at a time


def linked(n: int, keys: Iterable[np.ndarray], alike: Alike) -> np.ndarray:
    """(n,) int64: rows that are alike, or alike to one that is, share a number; numbers go up from 0.

    keys: (n,) each; rows with equal keys are candidates.  alike: ((k,), (k,)) positions → (k,) bool, whether the two
    really are.  First each is held against the first row of its key, then those that are still apart against each
    other: many copies of one thing cost no more than a few of many.
    """
    label = np.arange(n, dtype=np.int64)
    for key in keys:
        order = np.argsort(key, kind="stable")
        start = np.flatnonzero(np.r_[True, key[order][1:] != key[order][:-1]])
        size = np.diff(np.r_[start, n])
        first, rest = np.repeat(order[start], size), order
        label = _joined(label, [(first, rest)], alike)
        label = _joined(label, _pairs(order, start[size > 2], size[size > 2]), alike)
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def together(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n,) int64: rows that share a number in a or in b share one, and so on along the chain."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = int(a.max(initial=-1)) + 1
    nodes = first + int(b.max(initial=-1)) + 1
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b + first)), shape=(nodes, nodes))
    return connected_components(links, directed=False)[1][a].astype(np.int64)


def _joined(label: np.ndarray, pairs: Iterable[tuple[np.ndarray, np.ndarray]], alike: Alike) -> np.ndarray:
    for left, right in pairs:
        for begin in range(0, len(left), PIECE):
            a, b = left[begin : begin + PIECE], right[begin : begin + PIECE]
            apart = label[a] != label[b]
            a, b = a[apart], b[apart]
            if not len(a):
                continue
            same = alike(a, b)
            if same.any():
                label = _merged(label, a[same], b[same])
    return label


def _merged(label: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(label)
    links = coo_array((np.ones(len(a), dtype=np.int8), (label[a], label[b])), shape=(n, n))
    return connected_components(links, directed=False)[1][label].astype(np.int64)


def _pairs(order: np.ndarray, start: np.ndarray, size: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs within groups of three and more, the groups of one size at a time; without those of a group's first."""
    for k in np.unique(size):
        begins = start[size == k]
        if k <= ALL_PAIRS:
            i, j = np.triu_indices(k - 1, 1)
        else:
            i = np.repeat(np.arange(k - 1), NEXT)
            j = i + np.tile(np.arange(1, NEXT + 1), k - 1)
            i, j = i[j < k - 1], j[j < k - 1]
        some = max(1, PIECE // max(1, len(i)))
        for at in range(0, len(begins), some):
            base = begins[at : at + some, None] + 1
            yield order[(base + i).ravel()], order[(base + j).ravel()]
