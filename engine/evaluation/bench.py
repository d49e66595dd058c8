"""The work bench that every measuring trial starts from: the table of a recipe, its splits, and how scores are taken.

Tables and splits are kept by the modules that make them: a dozen trials of one round share both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data.splitting import Splits, lockbox_and_plan
from engine.data.table import Table, load
from engine.evaluation.metrics import Units, score_all
from engine.records import Json
from engine.trials import Context


@dataclass(frozen=True)
class Bench:
    """A table, the splits drawn from it, and the recipe that asked for both."""

    recipe: Mapping[str, Json]
    table: Table
    splits: Splits

    @property
    def classifies(self) -> bool:
        return self.table.is_classification

    @property
    def metric(self) -> str:
        return str(self.recipe["metric"])

    def score(self, positions: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
        """Every metric of the task on these rows, in its own unit.  scores: (n, K) probabilities, or (n,) values."""
        return score_all(*self.scored(positions, scores), **self.cuts(positions))

    def scored(self, positions: np.ndarray, scores: np.ndarray) -> tuple[Any, ...]:
        """The leading arguments of `score_all` and `weighted_metrics` for these rows."""
        given = (scores, None) if self.classifies else (None, scores)
        y = self.table.y[positions]
        return (self.recipe["task"], self.table.labels or [], 1, y, *given, self.recipe.get("costs"))

    def cuts(self, positions: np.ndarray) -> dict[str, Any]:
        """Their keyword arguments: where probabilities are cut, and what errors of a forecast are measured in."""
        steps = self.table.steps
        if steps is not None:
            return {"units": Units(steps.series, steps.change, steps.change_rms)[positions]}
        return {"capacity": self.recipe.get("capacity"), "threshold": self.recipe.get("threshold")}


def bench_of(recipe: Mapping[str, Json], table: Table) -> Bench:
    """The bench of a table that was loaded by this recipe.  Raises DataProblem when it cannot be split as it says.

    A forecast learns from rows that were cut out of the series: its bench carries the recipe of those.
    """
    return Bench({**recipe, **table.of_rows}, table, lockbox_and_plan(table, recipe))


def open_bench(params: Mapping[str, Json], ctx: Context) -> Bench:
    """The bench for a trial's recipe.  Raises DataProblem when the data cannot be read or split as it says."""
    recipe = params["recipe"]
    return bench_of(recipe, load(ctx.source(), recipe))
