"""Models of series: what must be beaten, and how the rows of a forecast reach the others.  (Catalogue, 4.5.1 and 7.)

A row of a forecast holds the values up to its origin.  Whatever level and spread they have, the model sees them as
steps from the last value in units of their spread, learns the answer on that same scale, and its answers are put back.
Level and spread are the row's own, so that nothing is learned from other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin

from engine.models.pipeline import WINDOW
from engine.models.setting import Setting

FLAT = 0.1  # of the usual change: a window that moves less than that is measured by it


class OnOwnScale(TransformerMixin, BaseEstimator):
    """The columns of a window on the row's own scale: its level (the last value), its spread, then the step as a share
    of the horizon and every other column as (value − level) / spread.

    kinds: of WINDOW, one a column in their order.  Columns in: (n, columns) float64.
    """

    def __init__(self, kinds: Sequence[str] = (), horizon: int = 1) -> None:
        self.kinds = kinds
        self.horizon = horizon

    def fit(self, X: Any, y: Any = None) -> Self:
        self.names_ = list(map(str, X.columns))
        return self

    def transform(self, X: Any) -> np.ndarray:
        values = np.asarray(X, dtype=np.float64)
        of = {kind: [i for i, k in enumerate(self.kinds) if k == kind] for kind in WINDOW}
        lags = np.ascontiguousarray(values[:, of["lag"]])  # so that one row adds up in the same order as many
        level, change = lags[:, :1], values[:, of["change"]]
        spread = np.maximum(lags.std(axis=1, keepdims=True), FLAT * np.nan_to_num(change))
        spread[~(spread > 0)] = 1.0
        towards = [(values[:, of[kind]] - level) / spread for kind in ("lag", "level")]
        towards[0] = towards[0][:, 1:]  # the last value itself is where the scale begins
        slope = values[:, of["slope"]] / spread
        return np.column_stack([level, spread, values[:, of["step"]] / self.horizon, *towards, slope])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        of = {kind: [name for name, k in zip(self.names_, self.kinds, strict=True) if k == kind] for kind in WINDOW}
        return np.array(["level", "spread", *of["step"], *of["lag"][1:], *of["level"], *of["slope"]], dtype=object)


class StepRidge(RegressorMixin, BaseEstimator):
    """Ridge regression of its own for each step ahead, one penalty for all: the one whose leave-one-out errors over
    all steps are smallest.  The first column says the step."""

    def __init__(self, alphas: Any = (1.0,)) -> None:
        self.alphas = alphas

    def fit(self, X: Any, y: Any) -> Self:
        """X: (n, 1 + features), dense.  y: (n,)."""
        from sklearn.linear_model import Ridge, RidgeCV

        self.steps_ = np.unique(X[:, 0])
        alphas, parts = np.asarray(self.alphas, dtype=float), [X[:, 0] == step for step in self.steps_]
        losses = np.zeros(len(alphas))
        for part in parts:
            if part.sum() > 2:
                tried = RidgeCV(alphas=alphas, store_cv_results=True).fit(X[part, 1:], y[part])
                losses += np.sum(np.asarray(tried.cv_results_), axis=0)
        self.alpha_ = float(alphas[int(np.argmin(losses))])
        fitted = [Ridge(self.alpha_).fit(X[part, 1:], y[part]) for part in parts]
        self.coef_ = np.array([model.coef_ for model in fitted])
        self.intercept_ = np.array([float(model.intercept_) for model in fitted])  # pyright: ignore[reportArgumentType]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n,); a step that was not learned is answered as the nearest that was."""
        after = np.searchsorted(self.steps_, X[:, 0]).clip(0, len(self.steps_) - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.abs(self.steps_[before] - X[:, 0]) < np.abs(self.steps_[after] - X[:, 0])
        place = np.where(nearer, before, after)
        return np.einsum("ij,ij->i", X[:, 1:], self.coef_[place]) + self.intercept_[place]


class FromHistory(RegressorMixin, BaseEstimator):
    """What needs no learning: one column of the row, or the last value carried on by its slope.  (Hyndman &
    Athanasopoulos, simple forecasting methods.)

    way: "last", "season", "drift" or "mean".  percent: by so much every answer is raised, or lowered.
    """

    def __init__(self, way: str = "last", percent: float = 0.0) -> None:
        self.way = way
        self.percent = percent

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        self.parameters_ = 0
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """X: the columns as engine.data.series.rows makes them.  (n,) float64."""
        said = self._said(X)
        return said * (1 + self.percent / 100) if self.percent else said

    def _said(self, X: pd.DataFrame) -> np.ndarray:
        last = X["lag 1"].to_numpy(dtype=np.float64)
        if self.way == "season" and "one season before" in X:
            return X["one season before"].to_numpy(dtype=np.float64)
        if self.way == "drift":
            return last + X["step"].to_numpy(dtype=np.float64) * X["drift so far"].to_numpy(dtype=np.float64)
        return X["mean so far"].to_numpy(dtype=np.float64) if self.way == "mean" else last


def from_history(setting: Setting) -> Any:
    return FromHistory(setting.settings["way"], float(setting.settings.get("percent") or 0.0))
