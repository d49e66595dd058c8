"""The best single column: one column cut into a few groups, and for each group what its rows said.

Holte (1993) found that such one-level rules come close to far larger models on most common data sets: what one column
knows is the least that a model must know better.  Which column, and how finely a number is cut, is chosen inside the
rows that it learns from, by the error of each row under what the others of its group said (leave one out), so that a
column with a level for every row gains nothing by it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from engine.models.setting import Setting

EMPTY, REST = "empty", "others"  # groups beside those of values


def one_column(setting: Setting) -> Any:
    s = setting.settings
    if setting.classifies:
        return ColumnClasses(len(setting.labels), list(s["groups"]), s["most_levels"], s["prior_rows"])
    return ColumnNumbers(s["quantile"], list(s["groups"]), s["most_levels"], s["prior_rows"])


class _OneColumn(BaseEstimator):
    """groups: how many groups of equal size a number or date is cut into, each tried.  most_levels: of a category that
    have a group of their own, the most frequent; the others share one.  prior_rows: so many rows like the average are
    added to each group.

    column_: its name; edges_: (k,) inner cuts of a number, or levels_: the levels in their groups' order.  table_:
    (groups, …) what each group says; the last two groups are other levels and empty cells.
    """

    groups: list[int]
    most_levels: int
    prior_rows: float

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """X: (n, columns) typed cells, as engine.data.table holds them; y: (n,)."""
        y = np.asarray(y)
        best: tuple[float, int, str, Any, Any] | None = None
        for name in X.columns:
            column: Any = X[name]
            for groups in self.groups if _is_number(column) else (0,):
                edges, levels = _cut(column, groups, self.most_levels)
                codes = _codes(column, edges, levels)
                loss = self._left_out(codes, int(codes.max(initial=0)) + 1, y)
                if best is None or loss < best[0] - 1e-12 * abs(best[0]):  # of equals the first, and the coarser cut
                    best = (loss, groups, str(name), edges, levels)
        if best is None:
            raise ValueError("there is no column to learn from")
        _, _, self.column_, self.edges_, self.levels_ = best
        count = (len(self.edges_) + 1 if self.edges_ is not None else len(self.levels_)) + 2
        self.table_ = self._said(_codes(X.loc[:, self.column_], self.edges_, self.levels_), count, y)
        self.parameters_ = int(self.table_.size + (0 if self.edges_ is None else len(self.edges_)))
        return self

    def groups_of(self, X: pd.DataFrame) -> np.ndarray:
        """(n,) the group of each row, a row of table_."""
        return _codes(X.loc[:, self.column_], self.edges_, self.levels_)

    @property
    def told(self) -> list[str]:
        """What a person is told of the choice: the column."""
        return [f"“{self.column_}”"]

    def names(self) -> list[str]:
        """The groups, named."""
        if self.edges_ is None:
            return [*self.levels_, REST, EMPTY]
        cuts = [f"{cut:.6g}" for cut in self.edges_]
        if not cuts:
            return ["any value", REST, EMPTY]
        inner = [f"{low} … {high}" for low, high in pairwise(cuts)]
        return [f"below {cuts[0]}", *inner, f"{cuts[-1]} and more", REST, EMPTY]

    def _left_out(self, codes: np.ndarray, count: int, y: np.ndarray) -> float:
        raise NotImplementedError

    def _said(self, codes: np.ndarray, count: int, y: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class ColumnClasses(ClassifierMixin, _OneColumn):
    """For each group of one column the shares of the classes; chosen by log loss."""

    def __init__(self, labels: int, groups: list[int], most_levels: int = 50, prior_rows: float = 5.0) -> None:
        self.labels = labels
        self.groups = groups
        self.most_levels = most_levels
        self.prior_rows = prior_rows

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        self.classes_ = np.arange(self.labels)
        return super().fit(X, y)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """(n, classes)."""
        return self.table_[self.groups_of(X)]

    def _counts(self, codes: np.ndarray, count: int, y: np.ndarray) -> tuple[Any, Any]:
        flat = np.bincount(codes * self.labels + y, minlength=count * self.labels)
        counts = flat.reshape(count, self.labels)
        return counts, counts.sum(axis=0) / counts.sum()

    def _left_out(self, codes: np.ndarray, count: int, y: np.ndarray) -> float:
        counts, shares = self._counts(codes, count, y)
        others = counts.sum(axis=1, keepdims=True) - 1
        p = (np.maximum(counts - 1, 0) + self.prior_rows * shares) / np.maximum(others + self.prior_rows, 1e-9)
        return float(-(counts * np.log(np.clip(p, 1e-12, 1))).sum() / counts.sum())

    def _said(self, codes: np.ndarray, count: int, y: np.ndarray) -> np.ndarray:
        counts, shares = self._counts(codes, count, y)
        return (counts + self.prior_rows * shares) / (counts.sum(axis=1, keepdims=True) + self.prior_rows)


class ColumnNumbers(RegressorMixin, _OneColumn):
    """For each group of one column the mean of its rows, or a quantile; chosen by the squared error."""

    def __init__(
        self, quantile: float | None, groups: list[int], most_levels: int = 50, prior_rows: float = 5.0
    ) -> None:
        self.quantile = quantile
        self.groups = groups
        self.most_levels = most_levels
        self.prior_rows = prior_rows

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """(n,)."""
        return self.table_[self.groups_of(X)]

    def _left_out(self, codes: np.ndarray, count: int, y: np.ndarray) -> float:
        n, total = np.bincount(codes, minlength=count), np.bincount(codes, y, minlength=count)
        others = (total[codes] - y + self.prior_rows * y.mean()) / (n[codes] - 1 + self.prior_rows)
        return float(np.mean((y - others) ** 2))

    def _said(self, codes: np.ndarray, count: int, y: np.ndarray) -> np.ndarray:
        n, total = np.bincount(codes, minlength=count), np.bincount(codes, y, minlength=count)
        if self.quantile is None:
            return (total + self.prior_rows * y.mean()) / (n + self.prior_rows)
        all_rows = float(np.quantile(y, self.quantile))
        found = [float(np.quantile(y[codes == g], self.quantile)) if n[g] else all_rows for g in range(count)]
        return (n * np.array(found) + self.prior_rows * all_rows) / (n + self.prior_rows)


def _is_number(column: pd.Series) -> bool:
    return column.dtype.kind in "fiubM"


def _cut(column: pd.Series, groups: int, most: int) -> tuple[list[float] | None, list[str] | None]:
    """Inner edges for a number or date, levels for anything else."""
    if groups:
        values = _numbers(column)
        values = values[np.isfinite(values)]
        if not len(values):
            return [], None
        cuts = np.unique(np.quantile(values, np.arange(1, groups) / groups))
        return [float(cut) for cut in cuts if cut > values.min()], None
    levels = column.dropna().astype(str).value_counts()
    frequent = sorted(levels.index, key=lambda level: (-levels[level], level))[:most]
    return None, [str(level) for level in frequent]


def _codes(column: pd.Series, edges: list[float] | None, levels: list[str] | None) -> np.ndarray:
    """(n,) group of each cell."""
    if edges is not None:
        values = _numbers(column)
        codes = np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="right")
        codes[~np.isfinite(values)] = len(edges) + 2
        return codes
    known = {level: i for i, level in enumerate(levels or ())}
    rest, empty = len(known), len(known) + 1
    if len(column) == 1:  # one cell: pandas would take fifty times as long
        cell = column.iloc[0]
        return np.array([empty if cell is None or cell != cell else known.get(str(cell), rest)])
    places, found = pd.factorize(column)
    table = np.array([known.get(str(level), rest) for level in found] + [empty])
    return table[places]


def _numbers(column: pd.Series) -> np.ndarray:
    if column.dtype.kind == "M":
        values = column.to_numpy(dtype="datetime64[s]")
        return np.where(np.isnat(values), np.nan, values.astype(np.int64).astype(np.float64))
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
