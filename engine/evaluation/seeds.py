"""The trial *seeds*: the mean of a network's exams over several seeds, where proof is strict.

The mean, never the best, enters the comparison: the best of several draws is higher than any draw can be expected to
be (Bouthillier et al. 2021; decision catalogue, deep.seeds and 5.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.errors import DataProblem, UsageProblem
from engine.evaluation.crossval import score_interval
from engine.records import Json
from engine.trials import Context


def seeds(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """The evidence of *cross_validate* with each exam's mean over the seeds in place of its score.

    uses: the exams with one seed each, the first seed first.  An exam that one seed has no score for has none here.
    Answers, the course of training and parameters are those of the first seed.  Beside these: `seeds`: how many, `sd`:
    the standard deviation over them, mean of the exams, `by_seed`: the mean score of each.
    Raises UsageProblem for fewer than two, DataProblem where they took different exams.
    """
    if len(ctx.uses) < 2:
        raise UsageProblem(f"seeds: the exams of two seeds at least are needed; got {len(ctx.uses)}.")
    found = [ctx.evidence(key) for key in ctx.uses]
    first = found[0]
    if any(e["plan_hash"] != first["plan_hash"] or e["J"] != first["J"] for e in found[1:]):
        raise DataProblem("The seeds took different exams, so that no mean can be taken; train them again.")
    scores = {name: _mean([e["scores"].get(name) for e in found], first["J"]) for name in first["scores"]}
    in_training = {
        name: _mean([e["train_scores"].get(name) for e in found], first["J"]) for name in first["train_scores"]
    }
    intervals = {name: score_interval(name, values, first["rho"], first["ordered"]) for name, values in scores.items()}
    value, low, high = intervals.get(first["metric"], [None, None, None])
    grid = _grid([e["scores"].get(first["metric"]) for e in found], first["J"])
    spread = grid.std(axis=0, ddof=1)
    return {
        **first,
        "value": value,
        "low": low,
        "high": high,
        "scores": scores,
        "train_scores": in_training,
        "intervals": intervals,
        "fit_seconds": [float(np.mean(each)) for each in zip(*(e["fit_seconds"] for e in found), strict=True)],
        "failures": [failure for e in found for failure in e["failures"]],
        "seeds": len(found),
        "sd": _or_none(np.nanmean(spread)) if np.isfinite(spread).any() else None,
        "by_seed": [e["value"] for e in found],
        **_by_series(found),
    }


def _by_series(found: list[dict[str, Json]]) -> dict[str, Json]:
    """Of a forecast of many series, the mean over the seeds for each."""
    names = found[0].get("by_series")
    if not names:
        return {}
    return {"by_series": {n: _mean([e["by_series"][n] for e in found], len(values)) for n, values in names.items()}}


def _grid(values: list[Any], n: int) -> np.ndarray:
    """(seeds, n) with NaN where there is no score."""
    return np.array([[np.nan if v is None else v for v in row or [None] * n] for row in values], dtype=float)


def _mean(values: list[Any], n: int) -> list[float | None]:
    return [_or_none(v) for v in _grid(values, n).mean(axis=0)]


def _or_none(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
