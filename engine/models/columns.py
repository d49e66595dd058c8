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

UNSURE = 0.5  # a yes/no that is neither


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


class EachColumn(TransformerMixin, BaseEstimator):
    """One of skrub's single-column encoders, fitted to each column by itself.

    kind: "date" (parts and total seconds), "strings" (letter n-grams, 30 dimensions), "words" (TF-IDF of words 1-2).
    An empty date gives empty parts; an empty text counts as a text without words.
    """

    def __init__(self, kind: str, seed: int = 0, dimensions: int = 30) -> None:
        self.kind = kind
        self.seed = seed
        self.dimensions = dimensions

    def _encoder(self) -> Any:
        if self.kind == "date":
            from skrub import DatetimeEncoder

            return DatetimeEncoder(add_weekday=True)
        if self.kind == "strings":
            from skrub import StringEncoder

            return StringEncoder(n_components=self.dimensions, random_state=self.seed)
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=20_000, sublinear_tf=True)

    def _column(self, X: pd.DataFrame, j: int) -> pd.Series:
        column = X.iloc[:, j]
        if self.kind == "date":
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
                encoder = self._encoder()
                parts.append(encoder.fit_transform(self._column(X, j)))
                self.encoders_.append(encoder)
        self.names_ = [
            f"{column}: {str(name).removeprefix(str(column)).lstrip('_')}"
            for column, encoder in zip(X.columns, self.encoders_, strict=True)
            for name in encoder.get_feature_names_out()
        ]
        return _joined(parts)

    def transform(self, X: pd.DataFrame) -> Any:
        """X: (n, k) frame.  Returns (n, features), float64, or a sparse matrix for "words"."""
        return _joined([encoder.transform(self._column(X, j)) for j, encoder in enumerate(self.encoders_)])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.asarray(self.names_, dtype=object)


def _joined(parts: list[Any]) -> Any:
    import scipy.sparse as sp

    if any(sp.issparse(part) for part in parts):
        return sp.hstack(parts).tocsr()
    return np.hstack([np.asarray(part, dtype=np.float64) for part in parts])
