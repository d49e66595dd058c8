"""What the practice exams said of each row, with the loss: what every look at the errors starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import DataProblem
from engine.evaluation.bench import Bench
from engine.evaluation.crossval import read_out_of_fold
from engine.models.fitting import decide


@dataclass(frozen=True)
class Answers:
    """What the exams said of each development row: the first answer, and the losses averaged over repeats.

    positions: (m,) into the table, rising.  scores: (m, K) or (m,).  fold: (m,) the exam of that answer.
    loss: (m,) log loss, or the error as the metric sees it.  off: (m,) said minus true, of the second of two classes or
    of a number; None for several classes.
    """

    positions: np.ndarray
    scores: np.ndarray
    fold: np.ndarray
    loss: np.ndarray
    loss_name: str
    off: np.ndarray | None

    def said(self, bench: Bench) -> np.ndarray:
        """(m,) codes of the classes that it decided for."""
        return decide(self.scores, bench.table.labels, bench.recipe.get("threshold"))


def read_answers(bench: Bench, content: bytes) -> Answers:
    """The stored out-of-fold predictions with their losses.  Raises DataProblem when they are of other data."""
    stored = read_out_of_fold(content)
    positions, scores = stored["positions"], stored["scores"]
    wanted = 2 if bench.classifies else 1
    fits = scores.ndim == wanted and (wanted == 1 or scores.shape[1] == len(bench.table.labels))
    if not len(positions) or positions.max() >= len(bench.table.y) or not fits:
        raise DataProblem("The stored answers do not belong to this data; run the practice exams again.")
    loss, name = _losses(bench, positions, scores)
    once, first, place = np.unique(positions, return_index=True, return_inverse=True)
    counts = np.bincount(place)
    y, off = bench.table.y[positions], None
    if not bench.classifies or len(bench.table.labels) == 2:
        off = np.bincount(place, weights=(scores[:, 1] if bench.classifies else scores) - y) / counts
    mean_loss = np.bincount(place, weights=loss) / counts
    return Answers(once, scores[first], stored["fold"][first], mean_loss, name, off)


def _losses(bench: Bench, positions: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, str]:
    y, steps = bench.table.y[positions], bench.table.steps
    if bench.classifies:
        given = np.clip(scores[np.arange(len(y)), y], 1e-15, 1.0)
        return -np.log(given), "log loss"
    if bench.metric in ("rmse", "r2"):
        return (scores - y) ** 2, "squared error"
    if steps is not None and len(steps.names) > 1:  # so that a series counts by how well it is told, not by its size
        unit = steps.change[positions]
        usual = np.where(np.nan_to_num(unit) > 0, unit, np.nanmedian(unit) or 1.0)
        return np.abs(scores - y) / usual, "absolute error over the usual change"
    return np.abs(scores - y), "absolute error"
