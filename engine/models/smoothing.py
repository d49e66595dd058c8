"""Exponential smoothing with a damped trend and a season, over the values that a row of a forecast looks back on.

In the innovations form (Hyndman, Koehler, Ord & Snyder 2008): with the error e = y − (level + φ·trend + season),

    level ← level + φ·trend + α·e        trend ← φ·trend + β·e        season ← season + γ·e

and i steps ahead level + (φ + … + φⁱ)·trend + the season of that step.  Additive, or additive on logarithms: a season
that grows with its series.  One set of α, β, γ, φ is learned for all series and origins of the training part, by the
errors of the forecasts that were asked for; level, trend and season start from the row's own first values.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

from engine.models.setting import Setting

DAMPED = (0.8, 0.98)  # φ: below it a trend is no trend, above it it is hardly damped (Hyndman & Athanasopoulos, 8.2)
TREND_FROM = 10  # values that a trend without a season starts from, at most


def smoothing(setting: Setting) -> Any:
    s = setting.settings
    return Smoothing(int(s["season"]), int(s["most_rows"]), setting.seed)


def smooth(
    values: np.ndarray, start: tuple[np.ndarray, np.ndarray, np.ndarray], weights: tuple[float, float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(level, trend, season) after the values, oldest first.

    values: (n, W).  start: level (n,), trend (n,) and season (n, m) before the first value, the season of the first
    value first.  weights: α, β, γ, φ.  The season returned begins with that of the next step.
    """
    alpha, beta, gamma, phi = weights
    level, trend, season = (part.copy() for part in start)
    m = season.shape[1]
    for t in range(values.shape[1]):
        place = t % m
        carried = phi * trend
        expected = level + carried
        error = values[:, t] - expected - season[:, place]
        level = expected + alpha * error
        trend = carried + beta * error
        if gamma:
            season[:, place] += gamma * error
    return level, trend, np.roll(season, -(values.shape[1] % m), axis=1)


def ahead(state: tuple[np.ndarray, np.ndarray, np.ndarray], step: np.ndarray, phi: float) -> np.ndarray:
    """(n,) the value so many steps ahead of each row.  step: (n,) int from 1."""
    level, trend, season = state
    damping = np.cumsum(phi ** np.arange(1, int(step.max(initial=1)) + 1))
    place = (step - 1) % season.shape[1]
    return level + damping[step - 1] * trend + season[np.arange(len(level)), place]


def begin(values: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level, trend and season before the first value, from the first values themselves; (n,), (n,), (n, m).

    With two seasons: the trend between their means, and the season as the mean distance from that line (Holt & Winters'
    way).  With less than two: no trend.  Without a season: the line through the first ten values.
    """
    n, W = values.shape
    if 1 < m <= W:
        first = values[:, :m].mean(axis=1)
        twice = 2 * m <= W
        trend = (values[:, m : 2 * m].mean(axis=1) - first) / m if twice else np.zeros(n)
        level = first - trend * (m + 1) / 2
        times = np.arange(1, (2 if twice else 1) * m + 1)
        off = values[:, : len(times)] - level[:, None] - trend[:, None] * times
        return level, trend, off.reshape(n, -1, m).mean(axis=1)
    k = min(W, TREND_FROM)
    times = np.arange(1, k + 1) - (k + 1) / 2
    middle = values[:, :k].mean(axis=1)
    trend = values[:, :k] @ times / (times @ times) if k > 1 else np.zeros(n)
    return middle - trend * (k + 1) / 2, trend, np.zeros((n, 1))


class Smoothing(RegressorMixin, BaseEstimator):
    """Damped exponential smoothing of the window that each row holds.

    season: m, 1 for none.  most_rows: rows of the training part that the weights are learned from, drawn at random
    beyond.  It takes the columns as engine.data.series.rows makes them.
    """

    def __init__(self, season: int = 1, most_rows: int = 2_000, seed: int = 0) -> None:
        self.season = season
        self.most_rows = most_rows
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """X: (n, columns); y: (n,)."""
        lags = sorted((int(c[4:]) for c in X.columns if str(c).startswith("lag ")), reverse=True)
        self.lags_ = [f"lag {i}" for i in lags]
        m = self.season if self.season <= len(lags) else 1
        kept = np.arange(len(y))
        if len(kept) > self.most_rows:
            kept = np.sort(np.random.default_rng(self.seed).choice(kept, self.most_rows, replace=False))
        values, step = self._values(X.iloc[kept]), X["step"].to_numpy(dtype=np.int64)[kept]
        usual = np.nan_to_num(X["usual change"].to_numpy(dtype=np.float64)[kept])
        unit = np.where(usual > 0, usual, np.maximum(values.std(axis=1), 1e-12 + 1e-9 * np.abs(y[kept])))
        forms = [False, True] if min(values.min(initial=1), y[kept].min(initial=1)) > 0 else [False]
        found = [(*self._learned(values, step, y[kept], unit, m, logs), logs) for logs in forms]
        loss, weights, logs = min(found, key=lambda one: one[0])
        self.loss_, self.weights_, self.logs_, self.m_ = loss, list(weights), logs, m
        self.parameters_ = 4 if m > 1 else 3
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """(n,) float64."""
        return self._said(self._values(X), X["step"].to_numpy(dtype=np.int64), tuple(self.weights_), self.logs_)

    def _values(self, X: pd.DataFrame) -> np.ndarray:
        """(n, W) the window, oldest first; what lies before the first value of a series is its first value."""
        values = X.loc[:, self.lags_].to_numpy(dtype=np.float64)
        if np.isnan(values).any():
            values = pd.DataFrame(values).bfill(axis=1).ffill(axis=1).fillna(0.0).to_numpy()
        return values

    def _said(self, values: np.ndarray, step: np.ndarray, weights: Any, logs: bool, m: int | None = None) -> np.ndarray:
        logged = values
        if logs:
            logged = np.log(np.maximum(values, 1e-3 * values.mean(axis=1, keepdims=True).clip(1e-12)))
        said = ahead(smooth(logged, begin(logged, m or self.m_), weights), step, weights[3])
        return np.exp(np.minimum(said, logged.max(axis=1) + np.log(10.0))) if logs else said

    def _learned(
        self, values: np.ndarray, step: np.ndarray, y: np.ndarray, unit: np.ndarray, m: int, logs: bool
    ) -> tuple[float, tuple[float, float, float, float]]:
        """(mean absolute error in units of the usual change, α, β, γ, φ).

        β < α and γ < 1 − α, as is usual: what is searched are α, β/α, γ/(1 − α) and φ.
        """
        from scipy.optimize import minimize

        def weights(at: np.ndarray) -> tuple[float, float, float, float]:
            alpha, trend, season, phi = map(float, at)
            return alpha, alpha * trend, (1 - alpha) * season if m > 1 else 0.0, phi

        def loss(at: np.ndarray) -> float:
            return float(np.mean(np.abs(self._said(values, step, weights(at), logs, m) - y) / unit))

        small, large = 1e-4, 1 - 1e-4
        bounds = [(small, large), (small, large), (small, large), DAMPED]
        starts = [np.array([0.3, 0.1, 0.1, 0.95]), np.array([0.8, 0.1, 0.3, 0.9])]
        start = min(starts, key=loss)
        options = {"maxfev": 200, "xatol": 1e-3, "fatol": 1e-5}
        found = minimize(loss, start, method="Nelder-Mead", bounds=bounds, options=options)
        return float(found.fun), weights(found.x)
