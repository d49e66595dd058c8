"""What a linear model says, column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from engine.models.fitting import Fitted
from engine.records import Json


def coefficients(fitted: Fitted, frame: pd.DataFrame) -> list[dict[str, Json]]:
    """The coefficients of a linear model, largest effect first; an empty list for any other model,
    and for a forecast, which has coefficients of its own for every step.

    frame: rows to measure a column's spread on, usually those it learned from.  Each entry: name (of the prepared
    column), class (for more than two classes), coefficient (per unit of the prepared column), per_sd (per standard
    deviation of it): in log-odds for classes, in the target's unit for regression.
    """
    model = fitted.estimator
    if fitted.prepare is None or fitted.own_scale or not hasattr(model, "coef_"):
        return []
    spread = _spread(fitted.transform(frame))
    weights = np.atleast_2d(np.asarray(model.coef_, dtype=float))
    binary = len(weights) == 1
    rows = [
        {
            "name": name,
            "class": None if binary else fitted.labels[int(model.classes_[k])],
            "coefficient": float(weight),
            "per_sd": float(weight * sd),
        }
        for k, row in enumerate(weights)
        for name, weight, sd in zip(fitted.names(), row, spread, strict=True)
    ]
    return sorted(rows, key=lambda row: -abs(row["per_sd"]))


def intercepts(fitted: Fitted) -> list[float]:
    """The intercept per class; one for two classes or regression."""
    return [float(value) for value in np.atleast_1d(getattr(fitted.estimator, "intercept_", []))]


def _spread(X: Any) -> np.ndarray:
    """Standard deviation of each column; X may be sparse."""
    if hasattr(X, "multiply"):
        mean = np.asarray(X.mean(axis=0)).ravel()
        return np.sqrt(np.maximum(np.asarray(X.multiply(X).mean(axis=0)).ravel() - mean**2, 0))
    return np.asarray(X, dtype=float).std(axis=0)
