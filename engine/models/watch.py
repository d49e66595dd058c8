"""Which rows of a file a person should see, by what was agreed on in `present.guard`: one line of words a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from engine.evaluation.guard import MANY, sureness
from engine.models.persist import Artifact
from engine.records import Json


def watch_of(artifact: Artifact, cut: float | None) -> Callable[[pd.DataFrame, pd.DataFrame], list[str]]:
    """A function from inputs and what was predicted of them to a line a row, "" for rows that need nobody.

    cut: how sure an answer must be, as the guard measured it; None where only strange rows are stopped.
    """
    labels, columns = artifact.fitted.labels, artifact.schema["columns"]

    def watched(frame: pd.DataFrame, told: pd.DataFrame) -> list[str]:
        strange = sum((_unusual(c, frame.loc[:, c["name"]]) for c in columns), np.zeros(len(frame), dtype=np.int64))
        unsure = np.zeros(len(frame), dtype=bool)
        if labels and cut is not None:
            scores = told[[f"proba_{label}" for label in labels]].to_numpy(dtype=np.float64)
            unsure = sureness(scores, artifact.threshold) < cut
        words = []
        for few, many in zip(unsure, strange, strict=True):
            parts = ["not sure"] * bool(few) + [f"{many} inputs out of the usual"] * bool(many >= MANY)
            words.append("; ".join(parts))
        return words

    return watched


def _unusual(known: Mapping[str, Json], cells: pd.Series) -> np.ndarray:
    """(n,) 1 where a cell lies outside the usual range of training, or is of a level that it did not have."""
    if known.get("usual"):
        values = cells.to_numpy(dtype=np.float64)
        with np.errstate(invalid="ignore"):
            return ((values < known["usual"][0]) | (values > known["usual"][1])).astype(np.int64)
    if known.get("levels"):
        return (cells.notna() & ~cells.isin(list(known["levels"]))).to_numpy(dtype=np.int64)
    return np.zeros(len(cells), dtype=np.int64)
