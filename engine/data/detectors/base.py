"""What a leak detector is, what it may look at, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal, cast

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from engine.records import Json

FOLDS = 5
ENOUGH = 20  # rows that the rarest class needs before a score of it means anything
MONEY = r"[^\d.eE+-]"  # what is cut from "$1,300" before it is read as a number


@dataclass(frozen=True)
class Finding:
    """One suspicion.  `column` is what the person is asked about; "" when it is about the rows, not about a column.

    exact: the column is the target under another name, so that keeping it is refused rather than discouraged.
    """

    detector: str
    level: Literal["red", "amber"]
    column: str
    sentence: str
    columns: tuple[str, ...] = ()
    exact: bool = False
    score: float | None = None
    metric: str = ""

    def as_dict(self) -> dict[str, Json]:
        score = None if self.score is None or not np.isfinite(self.score) else round(float(self.score), 6)
        columns = list(self.columns or ((self.column,) if self.column else ()))
        return {**asdict(self), "columns": columns, "score": score}


class NotRun(Exception):
    """A detector has nothing to go on here; the message says why."""


@dataclass
class Rows:
    """The development rows as the detectors see them, with what they share computed once.

    frame: inputs (n rows); y: int codes into `labels`, or float64 when `labels` is empty (regression);
    whole: the inputs of all rows of the file, without the target, for the one rule that is about the whole file.
    """

    frame: pd.DataFrame
    y: np.ndarray
    labels: tuple[str, ...]
    target: str
    types: dict[str, str]
    row: np.ndarray  # position of each row in the file
    whole: pd.DataFrame
    positive: str | None = None
    groups: np.ndarray | None = None
    times: np.ndarray | None = None  # float64, -inf where missing
    group: str = ""
    time: str = ""
    time_is_date: bool = False  # then `times` are seconds since 1970, as `values` of a date are
    kind: str = "random"  # how the plan splits
    cluster: np.ndarray | None = None  # int (n,), equal for rows with equal inputs
    folds_of_plan: Sequence[tuple[np.ndarray, np.ndarray]] = ()
    seed: int = 0
    tick: Callable[[str], None] = lambda _: None  # called with the name of the column being looked at
    copies: set[str] = field(default_factory=set)  # columns that are the target itself: left out later
    _values: dict[str, np.ndarray] = field(default_factory=dict)
    _codes: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    _folds: list[tuple[np.ndarray, np.ndarray]] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def columns(self) -> list[str]:
        return list(self.frame.columns)

    @property
    def regression(self) -> bool:
        return not self.labels

    @property
    def metric(self) -> str:
        return "r2" if self.regression else "roc_auc" if len(self.labels) == 2 else "balanced_accuracy"

    @property
    def number_target(self) -> np.ndarray | None:
        """The target as numbers: its own for regression; for three or more classes the labels, if all are numbers."""
        if self.regression:
            return self.y.astype(float)
        try:
            values = np.array([float(label) for label in self.labels])
        except ValueError:
            return None
        return values[self.y] if len(values) > 2 and np.isfinite(values).all() else None

    def is_number(self, column: str) -> bool:
        return pd.api.types.is_numeric_dtype(self.frame[column]) and not pd.api.types.is_bool_dtype(self.frame[column])

    def is_date(self, column: str) -> bool:
        return pd.api.types.is_datetime64_any_dtype(self.frame[column])

    def values(self, column: str) -> np.ndarray:
        """The column as float64 (n,), NaN where missing; dates as seconds; all NaN when it is no quantity."""
        if column not in self._values:
            self._values[column] = as_numbers(cast(pd.Series, self.frame[column]))
        return self._values[column]

    def quantities(self) -> list[str]:
        """The columns that are numbers, dates apart; two numbers (a toll of 0 or 5.5) are numbers, too."""
        return [c for c in self.columns if self.is_number(c) or self._two_numbers(c)]

    def _two_numbers(self, column: str) -> bool:
        return self.types.get(column) == "yes_no" and bool(np.isfinite(self.values(column)).any())

    def codes(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """The column as int codes (n,), -1 where missing, and its levels."""
        if column not in self._codes:
            codes, levels = pd.factorize(self.frame[column], use_na_sentinel=True)
            self._codes[column] = codes, np.asarray(levels, dtype=object)
        return self._codes[column]

    def enough(self) -> None:
        """Raises NotRun when the target has too few rows for anything out-of-fold to mean something."""
        if self.regression:
            if len(self) < ENOUGH:
                raise NotRun(f"only {len(self)} rows; {ENOUGH} are needed")
            return
        counts = np.bincount(self.y, minlength=len(self.labels))
        rarest = int(counts.argmin())
        if counts[rarest] < ENOUGH:
            rows = f"{counts[rarest]} row{'' if counts[rarest] == 1 else 's'}"
            raise NotRun(f"class {self.labels[rarest]} has {rows}; {ENOUGH} are needed")

    def folds(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Five (train, test) position pairs: stratified, and whole groups where a group column is known."""
        if self._folds is None:
            grouped = self.groups is not None and len(np.unique(self.groups)) >= FOLDS
            options = {"n_splits": FOLDS, "shuffle": True, "random_state": self.seed}
            if self.regression:
                maker = GroupKFold(**options) if grouped else KFold(**options)
            else:
                maker = StratifiedGroupKFold(**options) if grouped else StratifiedKFold(**options)
            blank = np.zeros((len(self), 1))
            self._folds = list(maker.split(blank, self.y, self.groups if grouped else None))
        return self._folds


@dataclass(frozen=True)
class Detector:
    """One rule of the catalogue: `look` yields its findings, or raises NotRun with the reason."""

    id: str
    title: str
    source: str  # the leak's kind after Kapoor & Narayanan 2023
    look: Callable[[Rows], Iterable[Finding]]


def as_numbers(column: pd.Series) -> np.ndarray:
    """float64 (n,), NaN where missing.  Text counts as numbers when ≥ 95% of it reads so once "$" and "," are cut."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return (column - pd.Timestamp(0, tz=column.dt.tz)).dt.total_seconds().to_numpy(dtype=float, na_value=np.nan)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    codes, levels = pd.factorize(column)
    text = pd.Series([str(level) for level in levels], dtype=object)
    numbers = np.array(pd.to_numeric(text.str.replace(MONEY, "", regex=True), errors="coerce"), dtype=float)
    digits = text.str.count(r"\d").to_numpy(dtype=float) / np.maximum(text.str.len().to_numpy(dtype=float), 1)
    numbers[digits < 0.4] = np.nan  # "room 7" is no quantity
    values = np.append(numbers, np.nan)[codes]
    present = codes >= 0
    if not present.any() or np.isfinite(values[present]).mean() < 0.95:
        return np.full(len(column), np.nan)
    return values


def plain(value: object) -> str:
    """A level as text, one spelling per value: 1, 1.0 and "1.0" are "1"."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value).strip()


def words(text: str) -> frozenset[str]:
    """The words of a list that reads better as a line."""
    return frozenset(text.split())


def quote(levels: Iterable[str], limit: int = 6) -> str:
    """Some levels in words, cut to what a line holds."""
    listed = [level if len(level) <= 24 else level[:23] + "…" for level in levels]
    return ", ".join(listed[:limit]) + (f" and {len(listed) - limit} more" if len(listed) > limit else "")
