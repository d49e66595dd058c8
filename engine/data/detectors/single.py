"""LK2 and LK4: one column, or the fact that it is empty, tells the target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.data.detectors.base import Detector, Finding, NotRun, Rows
from engine.data.detectors.scoring import column_score

RED = {"roc_auc": 0.9875, "balanced_accuracy": 0.99, "r2": 0.98}
AMBER = {"roc_auc": 0.925, "balanced_accuracy": 0.95, "r2": 0.90}
WORDS = {"roc_auc": "an AUC of", "balanced_accuracy": "a balanced accuracy of", "r2": "an R² of"}


def near_perfect(rows: Rows) -> Iterator[Finding]:
    """LK2: one column alone, by a tree of depth 4 with ≥ 5 rows a leaf (levels: cross-fitted target encoding).

    Red from AUC .9875, balanced accuracy .99 or R² .98; amber from AUC .925, balanced accuracy .95 or R² .90.  A good
    measurement can reach amber honestly (the largest perimeter of a tumour: .963), so amber asks and red objects.
    """
    rows.enough()
    for column in rows.columns:
        rows.tick(column)
        if column in rows.copies:  # LK1 has said it, and more strongly
            continue
        score = column_score(rows, column, AMBER[rows.metric])
        if score >= AMBER[rows.metric]:
            level = "red" if score >= RED[rows.metric] else "amber"
            yield Finding(
                "LK2",
                level,
                column,
                f"{column} alone reaches {WORDS[rows.metric]} {score:.3f} for {rows.target} on rows it has not seen"
                + (": few honest columns do." if level == "red" else ": good for one column; is it known in time?"),
                score=score,
                metric=rows.metric,
            )


def missing_tells(rows: Rows) -> Iterator[Finding]:
    """LK4: being empty alone has AUC ≥ .90, or is so in ≥ 99% of one class and ≤ 1% of another.

    With more than two classes, the AUC of one class against the rest.
    """
    if rows.regression:
        raise NotRun("the target is a number; what empty cells tell of it is part of LK2")
    rows.enough()
    n = np.bincount(rows.y, minlength=len(rows.labels))
    for column in rows.columns:
        empty = rows.frame[column].isna().to_numpy()
        if not empty.any() or empty.all():
            continue
        k = np.bincount(rows.y, weights=empty, minlength=len(rows.labels))
        share, rest = k / n, (k.sum() - k) / (n.sum() - n)
        area = 0.5 + np.abs(share - rest) / 2
        best = int(area.argmax())
        if area[best] < 0.90 and not (share.max() >= 0.99 and share.min() <= 0.01):
            continue
        high, low = int(share.argmax()), int(share.argmin())
        yield Finding(
            "LK4",
            "red",
            column,
            f"{column} is empty in {share[high]:.1%} of the rows with {rows.target} = {rows.labels[high]} and in "
            f"{share[low]:.1%} of those with {rows.labels[low]}: whether it was filled in gives the answer away.",
            score=float(area[best]),
            metric="roc_auc",
        )


NEAR_PERFECT = Detector("LK2", "near-perfect single column", "L2", near_perfect)
MISSING_TELLS = Detector("LK4", "missing tells", "L2", missing_tells)
