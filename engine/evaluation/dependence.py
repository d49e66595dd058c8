"""How a prediction changes with one column, all others as they are: partial dependence, and how far rows differ in it.

Friedman (2001); Goldstein et al. (2015) for the single rows.  It asks about rows that may not exist where columns go
together, so it is drawn, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.evaluation.bench import Bench
from engine.models.fitting import Fitted
from engine.models.pipeline import WINDOW
from engine.records import Json

ROWS = 300
POINTS = 15
MOST_LEVELS = 12
BAND = (0.1, 0.9)


def dependences(bench: Bench, fitted: Fitted, asked: np.ndarray, columns: Sequence[str]) -> list[dict[str, Json]]:
    """Of each column what is said, on average and at the 10th and 90th percentile of the rows, along its values.

    asked: positions of test rows, of which at most 300 are used.  Of two classes the second's probability; of several
    that of each class in turn is too much to draw: the class that is said most.  Dates and texts are left out.
    """
    some = asked[np.linspace(0, len(asked) - 1, min(ROWS, len(asked))).astype(int)]
    frame = bench.table.frame.iloc[some].reset_index(drop=True)
    k, about = _class(fitted, frame)
    found = []
    for column in columns:
        values = _along(bench.table.frame[column].iloc[bench.splits.dev], bench.recipe["types"][column])
        if len(values) < 2:
            continue
        many = pd.concat([frame] * len(values), ignore_index=True)
        dtype = frame[column].dtype
        many[column] = pd.Series(np.repeat(np.asarray(values, dtype=dtype), len(frame)), index=many.index, dtype=dtype)
        said = _one(fitted.scores(many), k).reshape(len(values), len(frame))
        low, high = np.quantile(said, BAND, axis=1)
        found.append(
            {
                "column": column,
                "kind": "number" if isinstance(values[0], float) else "level",
                "about": about,
                "points": [
                    [v, float(mean), float(a), float(b)]
                    for v, mean, a, b in zip(values, said.mean(axis=1), low, high, strict=True)
                ],
            }
        )
    return found


def _class(fitted: Fitted, frame: pd.DataFrame) -> tuple[int, str]:
    if not fitted.labels:
        return 0, ""
    if len(fitted.labels) == 2:
        return 1, fitted.labels[1]
    k = int(fitted.scores(frame).mean(axis=0).argmax())
    return k, fitted.labels[k]


def _one(scores: np.ndarray, k: int) -> np.ndarray:
    return scores[:, k] if scores.ndim == 2 else scores


def _along(column: Any, kind: str) -> list[Any]:
    """The values to ask about: 15 quantiles of a number between the 2nd and the 98th percentile, the common levels."""
    if kind == "number" or kind in WINDOW:
        known = column.to_numpy(dtype=float)
        known = known[np.isfinite(known)]
        return np.unique(np.quantile(known, np.linspace(0.02, 0.98, POINTS))).tolist() if len(known) else []
    if kind in ("category", "yes_no"):
        return column.value_counts().index[:MOST_LEVELS].tolist()
    return []
