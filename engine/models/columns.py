"""The few column transformers that scikit-learn and skrub do not have in the form that this method asks for.

Each is an ordinary scikit-learn transformer: it takes some columns of a frame and returns a float array, learns in
`fit` only, and keeps plain data in its attributes, so that it can be stored and read back without running anything.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import PowerTransformer, RobustScaler

UNSURE = 0.5  # a yes/no that is neither
LOPSIDED = 2.0  # times as long as the other half, between the 1 % and 99 % quantiles
STEEPEST = 5.0  # a power beyond this only tells of a column that no power makes even
FARTHEST = 1e9  # units from 0: what lies beyond would not be a number any more after a power
ENOUGH = 20_000  # rows that trees look at to rank columns


class MissingFlags(TransformerMixin, BaseEstimator):
    """1 where a cell is empty, for columns of any type (scikit-learn's MissingIndicator takes one type at a time)."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> MissingFlags:
        self.columns_ = list(X.columns)
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """X: (n, k) frame.  Returns (n, k) float64 of 0 and 1."""
        return X.isna().to_numpy(dtype=np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.asarray([f"{name} is missing" for name in self.columns_], dtype=object)


class Zeros(TransformerMixin, BaseEstimator):
    """0 for every cell: columns that had no value in training, of which nothing could be learned."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Zeros:
        self.columns_ = list(X.columns)
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """X: (n, k).  Returns (n, k) float64."""
        return np.zeros(X.shape)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.asarray(self.columns_, dtype=object)


class YesNo(TransformerMixin, BaseEstimator):
    """Two-valued columns as 0 and 1; a cell that is empty, or a value not met in training, is 0.5.

    1 is the second value in the order of the alphabet, as in a one-hot column of which the first is left out.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> YesNo:
        self.columns_ = list(X.columns)
        self.levels_ = [sorted(map(str, X[c].dropna().unique())) for c in self.columns_]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """X: (n, k) frame of texts or None.  Returns (n, k) float64."""
        out = np.full(X.shape, UNSURE)
        for j, levels in enumerate(self.levels_):
            cells = X.iloc[:, j].to_numpy(dtype=object)
            for value, level in enumerate(levels[:2]):
                out[cells == level, j] = value
        return out

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        named = zip(self.columns_, self.levels_, strict=True)
        return np.asarray([f"{c} = {levels[-1]}" if levels else c for c, levels in named], dtype=object)


_DATES: dict[str, dict[str, Any]] = {
    "date": {"add_weekday": True},
    "cycles": {"add_weekday": True, "periodic_encoding": "circular"},
    "elapsed": {"resolution": None},
}


def _in_words(name: str) -> str:
    return name.replace("_circular_0", " (sine)").replace("_circular_1", " (cosine)")


class _Nothing(TransformerMixin, BaseEstimator):
    """No number for any cell."""

    def fit(self, column: pd.Series, y: Any = None) -> _Nothing:
        return self

    def transform(self, column: pd.Series) -> np.ndarray:
        return np.zeros((len(column), 0))

    def get_feature_names_out(self, input_features: Any = None) -> list[str]:
        return []


class EachColumn(TransformerMixin, BaseEstimator):
    """One of skrub's single-column encoders, fitted to each column by itself.

    kind: "date" (parts and total seconds), "cycles" (the same, with month, day, hour and weekday on circles),
    "elapsed" (total seconds), "strings" (letter n-grams, 30 dimensions).
    An empty date gives empty parts; an empty text counts as a text without words.
    """

    def __init__(self, kind: str, seed: int = 0, dimensions: int = 30) -> None:
        self.kind = kind
        self.seed = seed
        self.dimensions = dimensions

    def _encoder(self) -> Any:
        if self.kind in _DATES:
            from skrub import DatetimeEncoder

            return DatetimeEncoder(**_DATES[self.kind])
        from skrub import StringEncoder

        return StringEncoder(n_components=self.dimensions, random_state=self.seed)

    def _column(self, X: pd.DataFrame, j: int) -> pd.Series:
        column = X.iloc[:, j]
        if self.kind in _DATES:
            return pd.to_datetime(column)
        return column.astype(object).where(column.notna(), "").astype("str")

    def fit(self, X: pd.DataFrame, y: Any = None) -> EachColumn:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **_: Any) -> Any:
        self.encoders_, parts = [], []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "too small for 30 dimensions": it then keeps those there are
            for j in range(X.shape[1]):
                column, encoder = self._column(X, j), self._encoder()
                if self.kind == "strings" and not column.str.strip().any():
                    encoder = _Nothing()  # no text in this training part: no letters to learn
                parts.append(encoder.fit_transform(column))
                self.encoders_.append(encoder)
        self.names_ = [
            f"{column}: {_in_words(str(name).removeprefix(str(column)).lstrip('_'))}"
            for column, encoder in zip(X.columns, self.encoders_, strict=True)
            for name in encoder.get_feature_names_out()
        ]
        return joined(parts)

    def transform(self, X: pd.DataFrame) -> Any:
        """X: (n, k) frame.  Returns (n, features), float64."""
        return joined([encoder.transform(self._column(X, j)) for j, encoder in enumerate(self.encoders_)])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.asarray(self.names_, dtype=object)

    def sources(self) -> list[int]:
        """For each number the place of the column that it was made from."""
        return [j for j, encoder in enumerate(self.encoders_) for _ in encoder.get_feature_names_out()]


def joined(parts: list[Any]) -> Any:
    """Arrays (n, …) beside each other: sparse when any is."""
    import scipy.sparse as sp

    if any(sp.issparse(part) for part in parts):
        return sp.hstack(parts).tocsr()
    return np.hstack([np.asarray(part, dtype=np.float64) for part in parts])


class Capped(TransformerMixin, BaseEstimator):
    """Numbers held between two quantiles of the training part, `share` from either end; empty cells stay empty."""

    def __init__(self, share: float = 0.005) -> None:
        self.share = share

    def fit(self, X: Any, y: Any = None) -> Capped:
        """X: (n, k) numbers, NaN where empty.  A column without a value has no bounds."""
        values = np.asarray(X, dtype=np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a column without a value
            low, high = np.nanquantile(values, [self.share, 1 - self.share], axis=0)
        self.low_ = np.where(np.isnan(low), -np.inf, low)
        self.high_ = np.where(np.isnan(high), np.inf, high)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """(n, k) float64."""
        return np.clip(np.asarray(X, dtype=np.float64), self.low_, self.high_)


class Robust(RobustScaler):
    """Centred on the median, in units of the middle half; of the standard deviation where the middle half is a point.

    (scikit-learn leaves such a column, mostly zeros as a rule, in its own unit.)
    """

    def fit(self, X: Any, y: Any = None) -> Robust:
        super().fit(X, y)
        values = np.asarray(X, dtype=np.float64)
        if len(values):
            low, high = np.nanpercentile(values, [25, 75], axis=0)
            spread = np.nanstd(values, axis=0)
            self.scale_ = np.where((high == low) & (spread > 0), spread, self.scale_)
        return self


class Power(PowerTransformer):
    """Yeo-Johnson, one power a column, on columns that were first put where powers can bend them.

    Yeo-Johnson is straight around 0.  There lies the short end of a lopsided column, in units of a quantile next to it,
    so that the long end reaches to where powers tell; of an even column the middle, in units of the middle half.
    Without this, years around 2000 could not be bent, and amounts in millions not be told apart afterwards.
    Powers and cells are held to what stays a number.
    """

    def __init__(self) -> None:
        super().__init__(method="yeo-johnson", standardize=False)

    def fit(self, X: Any, y: Any = None) -> Power:
        """X: (n, k), no NaN.  A column that no power can be found for stays straight (power 1)."""
        values = np.asarray(X, dtype=np.float64)
        placed = [_straight_part(column) for column in values.T]
        self.zero_ = np.array([zero for zero, _ in placed])
        self.unit_ = np.array([unit for _, unit in placed])
        with np.errstate(all="ignore"):
            super().fit(self._placed(values))
        self.lambdas_ = np.clip(np.where(np.isfinite(self.lambdas_), self.lambdas_, 1.0), -STEEPEST, STEEPEST)
        return self

    def fit_transform(self, X: Any, y: Any = None, **_: Any) -> np.ndarray:
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> np.ndarray:
        return np.asarray(super().transform(self._placed(np.asarray(X, dtype=np.float64))))

    def _placed(self, values: np.ndarray) -> np.ndarray:
        return np.clip(values / self.unit_ - self.zero_ / self.unit_, -FARTHEST, FARTHEST)


def _straight_part(column: np.ndarray) -> tuple[float, float]:
    """Where 0 belongs and what 1 is, for `Power`."""
    low, lower, middle, upper, high = np.quantile(column, (0.01, 0.25, 0.5, 0.75, 0.99))
    right, left = high - middle, middle - low
    if right > LOPSIDED * left:
        zero, steps = low, (lower - low, middle - low, upper - low)
    elif left > LOPSIDED * right:
        zero, steps = high, (high - upper, high - middle, high - lower)
    else:
        zero, steps = middle, (upper - lower,)
    spreads = (*steps, high - low, float(np.ptp(column)))
    return float(zero), next((float(s) for s in spreads if np.isfinite(s) and s > 0), 1.0)


class KeepBest(TransformerMixin, BaseEstimator):
    """The k columns that tell most about the target in the training part, in their old order.

    By the F test of each column alone; with `trees`, for models that are made of them, by what 100 random trees use.
    """

    def __init__(self, k: int = 20, task: str = "binary", trees: bool = False, seed: int = 0) -> None:
        self.k = k
        self.task = task
        self.trees = trees
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray) -> KeepBest:
        """X: (n, columns), sparse or not, NaN only with `trees`; y: (n,) codes or values."""
        if X.shape[1] <= self.k:
            self.kept_ = np.arange(X.shape[1])
            return self
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # columns of one value
            worth = np.nan_to_num(self._by_trees(X, y) if self.trees else self._by_test(X, y), nan=-1.0, posinf=1e300)
        self.kept_ = np.sort(np.argsort(-worth, kind="stable")[: self.k])
        return self

    def _by_test(self, X: Any, y: np.ndarray) -> np.ndarray:
        from sklearn.feature_selection import f_classif, f_regression

        return (f_classif if self.task in ("binary", "multiclass") else f_regression)(X, y)[0]

    def _by_trees(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        rows = np.arange(len(y))
        if len(y) > ENOUGH:
            rows = np.sort(np.random.default_rng(self.seed).choice(len(y), ENOUGH, replace=False))
        kind: Any = ExtraTreesClassifier if self.task in ("binary", "multiclass") else ExtraTreesRegressor
        trees = kind(100, min_samples_leaf=max(5, len(rows) // 200), max_features="sqrt", random_state=self.seed)
        return trees.fit(X[rows], y[rows]).feature_importances_

    def transform(self, X: Any) -> Any:
        """(n, k), sparse where X is."""
        return X[:, self.kept_]
