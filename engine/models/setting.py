"""What a builder may know when it makes a model: sizes and the seed, never the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.records import Json


@dataclass(frozen=True)
class Setting:
    """The situation a model is built for.

    n_rows: rows of the training part.  n_columns: columns after preparation.  categorical: positions, after
    preparation, of the columns that hold category codes.  labels: the classes; none for regression.  inner: cuts the
    training part into about so many (train, test) places of the plan's own kind, for what a model chooses inside it.
    """

    task: str
    settings: Mapping[str, Json]
    n_rows: int
    n_columns: int = 0
    labels: tuple[str, ...] = ()
    categorical: tuple[int, ...] = ()
    seed: int = 0
    inner: Callable[[int], list[Any]] | None = field(default=None, compare=False)

    @property
    def classifies(self) -> bool:
        return self.task in ("binary", "multiclass")
