"""The pictures of how well a model sorts, against rows whose answer is known by heart."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.cuts import _figures
from engine.stages.simple.threshold import sorting


def measured(p: list[float], y: list[bool]) -> dict[str, object]:
    """What the trial `cuts` keeps of these probabilities and answers."""
    said, true = np.array(p), np.array(y)
    curve = [_figures(said >= cut, true, None) | {"cut": float(cut)} for cut in sorted(set(p))]
    return {"curve": curve, "rows": len(y), "positives": int(true.sum()), "share": float(true.mean())}


def test_a_model_that_sorts_without_a_mistake_runs_along_the_corner() -> None:
    roc, pr = sorting(measured([0.1, 0.2, 0.3, 0.8, 0.9], [False, False, False, True, True]), 0.8)
    assert (0.0, 1.0) in roc.series["the model"]
    assert roc.series["the cut"] == [(0.0, 0.0), (0.0, 1.0)]
    assert dict(pr.series["the model"])[0.5] == 1.0
    assert pr.series["by luck"] == [(0.0, pytest.approx(0.4)), (1.0, pytest.approx(0.4))]


def test_one_mistake_stands_where_it_was_made() -> None:
    # from the top: right, wrong, right, wrong: at half of the false alarms all are caught
    roc, pr = sorting(measured([0.9, 0.8, 0.7, 0.1], [True, False, True, False]), 0.7)
    assert roc.series["the model"] == [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]
    assert roc.series["the cut"] == [(0.5, 0.0), (0.5, 1.0)]
    assert pr.series["the cut"] == [(1.0, 0.0), (1.0, pytest.approx(2 / 3))]
    assert not roc.ends


def test_one_class_cannot_be_sorted() -> None:
    assert sorting(measured([0.2, 0.8], [True, True]), 0.5) == []
