"""Sharing rows out: each part its share of every class, and no cluster of rows cut."""

from __future__ import annotations

import numpy as np


def assign(y: np.ndarray, clusters: np.ndarray | None, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give every row a part, so that each part has its share of every class and no cluster is cut.

    y: (n,) int64 classes.  clusters: (n,) numbers or None.  shares: (parts,) summing to 1.  Returns (n,) int64 parts.
    Without clusters each part has its share of each class, and of all rows, within one row.  With clusters, those of
    several rows go first, the larger ones earlier, each to the part that lacks its classes most; single rows then fill
    what is missing.  This is the idea of scikit-learn's StratifiedGroupKFold, which allows neither unequal parts nor,
    in reasonable time, tens of thousands of groups (4 s at 30,000; here every row without a copy is one).
    """
    n, parts = len(y), len(shares)
    classes, y = np.unique(y, return_inverse=True)
    want = _quotas(np.bincount(y, minlength=len(classes)), shares, rng)  # (parts, classes)
    part = np.full(n, -1, dtype=np.int64)
    have = np.zeros_like(want)
    if clusters is not None:
        _, number, size = np.unique(clusters, return_inverse=True, return_counts=True)
        _place_clusters(y, number, size, want, have, part, rng)
    for c in range(len(classes)):
        free = rng.permutation(np.flatnonzero((part < 0) & (y == c)))
        lack = np.maximum(want[:, c] - have[:, c], 0)
        if lack.sum() != len(free):  # clusters overfilled some part: share out what there is
            lack = _quotas(np.array([len(free)]), lack / lack.sum() if lack.sum() else shares, rng)[:, 0]
        part[free] = np.repeat(np.arange(parts), lack)
    return part


def _quotas(counts: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(parts, classes) whole numbers next to share × count, adding up to the counts, and to the shares of all rows."""
    parts = len(shares)
    exact = np.outer(shares, counts)
    quota = np.floor(exact + 1e-9).astype(np.int64)
    order = rng.permutation(parts)
    total = np.floor(shares * counts.sum() + 1e-9).astype(np.int64)
    for c in np.argsort(counts):  # the rarest class first
        left = int(counts[c] - quota[:, c].sum())
        if left:
            need = np.where(
                exact[:, c] - quota[:, c] > 1e-9, total - quota.sum(axis=1) + exact[:, c] - quota[:, c], -np.inf
            )
            best = order[np.argsort(-need[order], kind="stable")]
            quota[best[:left], c] += 1
    return quota


def _place_clusters(
    y: np.ndarray, number: np.ndarray, size: np.ndarray, want: np.ndarray, have: np.ndarray, part: np.ndarray,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Put the clusters of several rows into parts, writing `have` and `part`."""
    several = np.flatnonzero(size > 1)
    if not len(several):
        return
    by_cluster = np.argsort(number, kind="stable")
    start = np.concatenate([[0], np.cumsum(size)])
    # Large before small, but only by powers of two: a fixed order would draw nearly the same folds in every repeat.
    shuffled = rng.permutation(several)
    shuffled = shuffled[np.argsort(-np.floor(np.log2(size[shuffled])), kind="stable")]
    target = np.maximum(want, 1e-9).astype(float)
    weight = 1.0 / np.maximum(want.sum(axis=0), 1)  # a rare class counts as much as a common one
    rows_target = target.sum(axis=1)
    n_classes = want.shape[1]
    for cluster in shuffled:
        rows = by_cluster[start[cluster] : start[cluster + 1]]
        adds = np.bincount(y[rows], minlength=n_classes)
        # growth of Σ (have/want)² over classes, plus that of all rows: least where the cluster is lacked most
        fill = ((2 * have + adds) * adds * weight / target).sum(axis=1)
        fill += (2 * have.sum(axis=1) + len(rows)) * len(rows) / rows_target / rows_target.sum()
        best = np.flatnonzero(fill <= fill.min() * (1 + 1e-9))
        j = int(best[0]) if len(best) == 1 else int(rng.choice(best))
        part[rows] = j
        have[j] += adds
