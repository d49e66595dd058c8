"""Pictures as numbers: columns of pixels, brought to 0 … 1, smaller where that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from engine.data.areas import areas
from engine.data.pixels import layout


class Pixels(TransformerMixin, BaseEstimator):
    """Pixels divided by the largest of the training part, and averaged over areas to `side` pixels a side.

    side: None leaves the size.  components: principal components to keep, of the training part; 0 for the pixels
    themselves.  An empty cell is the darkest there is.
    """

    def __init__(self, side: int | None = None, components: int = 0, seed: int = 0) -> None:
        self.side = side
        self.components = components
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any = None) -> Pixels:
        """X: (n, pixels), in the file's order."""
        values = np.nan_to_num(np.asarray(X, dtype=np.float64))
        self.columns_ = [str(c) for c in X.columns]
        self.largest_ = float(values.max(initial=0.0)) or 1.0
        found = layout(self.columns_)
        self.shape_ = [found.height, found.width, found.channels] if found else []
        if self.components:
            from sklearn.decomposition import PCA

            small = self._drawn(values)
            most = min(self.components, small.shape[0] - 1, small.shape[1])
            self.pca_ = PCA(max(1, most), random_state=self.seed, svd_solver="full").fit(small)
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """(n, numbers) float64."""
        small = self._drawn(np.nan_to_num(np.asarray(X, dtype=np.float64)))
        return self.pca_.transform(small) if self.components else small

    def _drawn(self, values: np.ndarray) -> np.ndarray:
        values = values / self.largest_
        if not self.side or not self.shape_ or self.side >= self.shape_[0]:
            return values
        height, width, channels = self.shape_
        pictures = values.reshape(len(values), height, width, channels)
        rows, columns = areas(height, self.side), areas(width, self.side)
        return np.einsum("ih,nhwc,jw->nijc", rows, pictures, columns, optimize=True).reshape(len(values), -1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        if self.components:
            return np.asarray([f"shape {k + 1}" for k in range(self.pca_.n_components_)], dtype=object)
        if not self.side or not self.shape_ or self.side >= self.shape_[0]:
            return np.asarray(self.columns_, dtype=object)
        names = ("_r", "_g", "_b") if self.shape_[2] == 3 else ("",)
        made = [f"pixel_{r}_{c}{k}" for r in range(self.side) for c in range(self.side) for k in names]
        return np.asarray(made, dtype=object)

    def sources(self) -> list[int]:
        """For each made number the column that it stands in the place of; a shape is made of all."""
        return [min(j, len(self.columns_) - 1) for j in range(len(self.get_feature_names_out()))]
