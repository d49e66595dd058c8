"""The fair second look at a champion of few distinct scores: who catches more among the rows that it would flag?

A rule or a small tree cannot order its rows finely, and ranking metrics reward fine order.  Such a champion is only
replaced by a challenger that is not worse in recall at the champion's own flagged share.  (Decision catalogue, 2.2.)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.evaluation.metrics import recall_at_share

RANKING = ("roc_auc", "average_precision")
FEW = 10  # distinct scores
NAME = "recall_at_k"


def has_few_scores(score: np.ndarray, fold: np.ndarray) -> bool:
    """Whether the scores (m,) of the positive class take fewer than ten values in the typical exam."""
    return float(np.median([len(np.unique(score[fold == j])) for j in np.unique(fold)])) < FEW


def recalls(
    y: np.ndarray, champion: Mapping[str, np.ndarray], challenger: Mapping[str, np.ndarray], exams: int
) -> tuple[np.ndarray, np.ndarray]:
    """Recall of both at the share that the champion flags, exam by exam: two arrays (exams,), NaN where undefined.

    y: (n,) whether a row of the table is positive.  champion, challenger: positions, fold and scores, as
    cross_validate keeps them, of the same exams.  Flagged: a probability of 0.5 or more.
    """
    results = np.full((2, exams), np.nan)
    for j in range(exams):
        theirs, ours = (_exam(answers, j) for answers in (champion, challenger))
        if theirs is None or ours is None or not np.array_equal(theirs[0], ours[0]):
            continue
        actual = y[theirs[0]]
        share = float(np.mean(theirs[1] >= 0.5))
        if 0 < share < 1:
            ones = np.ones((1, len(actual)))
            results[:, j] = [recall_at_share(actual, score, share)(ones)[0] for score in (theirs[1], ours[1])]
    return results[0], results[1]


def positive_scores(answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """(m,) score of the positive class, which is the last column where there are two."""
    scores = answers["scores"]
    return scores[:, -1] if scores.ndim == 2 else scores


def _exam(answers: Mapping[str, np.ndarray], j: int) -> tuple[np.ndarray, np.ndarray] | None:
    taken = answers["fold"] == j
    if not taken.any():
        return None
    positions, scores = answers["positions"][taken], positive_scores(answers)[taken]
    order = np.argsort(positions, kind="stable")
    return positions[order], scores[order]
