"""The work bench that every measuring trial starts from: the table of a recipe, its splits, and how scores are taken.

Reading a table and drawing its splits is done once per process for a recipe: a dozen trials of one round share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.splitting import lockbox_and_plan
from engine.data.table import load
from engine.evaluation.metrics import score_all
from engine.records import Json, digest
from engine.trials import Context

PARTS = ("read", "target", "task", "positive", "types", "marks", "group", "time", "keep_together", "split", "plan")
KEPT = 4  # tables with their splits held in memory


@dataclass(frozen=True)
class Bench:
    """A table, the splits drawn from it, and the recipe that asked for both."""

    recipe: Mapping[str, Json]
    table: Any
    splits: Any

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
    path = ctx.source()
    state = path.stat()
    drawn_from = {part: recipe.get(part) for part in PARTS}
    table, splits = _drawn(str(path), state.st_mtime_ns, state.st_size, digest(drawn_from), _Quiet(drawn_from))
    return Bench(recipe, table, splits)


class _Quiet(dict):
    """The recipe beside its digest: carried along, but no part of the cache's key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Quiet)


@lru_cache(maxsize=KEPT)
def _drawn(path: str, mtime: int, size: int, key: str, recipe: _Quiet) -> tuple[Any, Any]:
    table = load(Path(path), dict(recipe))
    return table, lockbox_and_plan(table, dict(recipe))
