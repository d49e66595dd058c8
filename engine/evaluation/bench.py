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
from engine.evaluation.metrics import score_all
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
        return self.recipe["task"] != "regression"

    @property
    def metric(self) -> str:
        return str(self.recipe["metric"])

    def score(self, y: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
        """Every metric of the task, in its own unit.  scores: (n, K) probabilities, or (n,) values."""
        return score_all(*self.scored(y, scores), **self.cuts)  # type: ignore[arg-type]

    def scored(self, y: np.ndarray, scores: np.ndarray) -> tuple[Any, ...]:
        """The leading arguments of `score_all` and `weighted_metrics` for these rows."""
        given = (scores, None) if self.classifies else (None, scores)
        return (self.recipe["task"], self.table.labels or [], 1, y, *given, self.recipe.get("costs"))

    @property
    def cuts(self) -> dict[str, float | None]:
        return {"capacity": self.recipe.get("capacity"), "threshold": self.recipe.get("threshold")}


def open_bench(params: Mapping[str, Json], ctx: Context) -> Bench:
    """The bench for a trial's recipe.  Raises DataProblem when the data cannot be read or split as it says."""
    recipe = params["recipe"]
    table = load(ctx.source(), recipe)
    return Bench(recipe, table, lockbox_and_plan(table, recipe))
