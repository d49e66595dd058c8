"""What a builder may know when it makes a model: sizes and the seed, never the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.records import Json


@dataclass(frozen=True)
class Setting:
    """The situation a model is built for.

    n_rows: rows of the training part.  n_columns: columns after preparation.  categorical: positions, after
    preparation, of the columns that hold category codes.  labels: the classes; none for regression.
    """

    task: str
    settings: Mapping[str, Json]
    n_rows: int
    n_columns: int = 0
    labels: tuple[str, ...] = ()
    categorical: tuple[int, ...] = ()
    seed: int = 0

    @property
    def classifies(self) -> bool:
        return self.task in ("binary", "multiclass")
