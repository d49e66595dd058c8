"""A fitted preparation as plain arithmetic: for each prepared column, what it makes of one column of the table.

This is the common ground of the exports that run elsewhere: SQL and ONNX each write these few terms in their own way.
They are read off the fitted steps, and held against what the steps themselves say before anything leaves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from engine.data.settings import ReadSettings
from engine.errors import DataProblem, UsageProblem
from engine.models.fitting import Fitted
from engine.models.pipeline import parts_of
from engine.records import Json

STRANGER = "\0 never seen"


class NoForm(UsageProblem):
    """A model, or a step of its preparation, that cannot be written in the form wanted."""


@dataclass(frozen=True)
class Fill:
    """An empty cell becomes this."""

    value: float


@dataclass(frozen=True)
class Hold:
    """Values are held between these; either may be infinite."""

    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """(x − middle) / unit; an infinite unit makes all values 0."""

    middle: float
    unit: float

    @property
    def slope(self) -> float:
        return 1.0 / self.unit

    @property
    def shift(self) -> float:
        return -self.middle / self.unit


@dataclass(frozen=True)
class Bend:
    """Yeo-Johnson with this power (engine.models.columns.Power)."""

    power: float


@dataclass(frozen=True)
class Squash:
    """Bent smoothly into −limit … limit: x / √(1 + (x / limit)²)."""

    limit: float


Operation = Fill | Hold | Line | Bend | Squash


X = TypeVar("X")


class Arithmetic(Protocol[X]):
    """How a form writes the operations on a value: one method each."""

    def fill(self, x: X, value: float) -> X: ...
    def hold(self, x: X, low: float, high: float) -> X: ...
    def line(self, x: X, by: Line) -> X: ...
    def squash(self, x: X, limit: float) -> X: ...
    def bend(self, x: X, power: float) -> X: ...


def worked(operations: Sequence[Operation], x: X, how: Arithmetic[X]) -> X:
    """A value after these operations, one after the other."""
    for operation in operations:
        match operation:
            case Fill(value):
                x = how.fill(x, value)
            case Hold(low, high):
                x = how.hold(x, low, high)
            case Line():
                x = how.line(x, operation)
            case Squash(limit):
                x = how.squash(x, limit)
            case Bend(power):
                x = how.bend(x, power)
    return x


@dataclass(frozen=True)
class Number:
    """A number column after these operations; empty where the cell is and nothing fills it."""

    column: str
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True)
class Levels:
    """A figure for each level of a column, for an empty cell, and for a level that is not named.  NaN is missing."""

    column: str
    figures: Mapping[str, float] = field(default_factory=dict)
    missing: float = 0.0
    other: float = 0.0


@dataclass(frozen=True)
class IsMissing:
    """1 where the cell is empty, else 0."""

    column: str


@dataclass(frozen=True)
class Within:
    """1 where low ≤ x < high, else 0, of a number column after these operations; the ends may be infinite."""

    column: str
    operations: tuple[Operation, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Always:
    """The same for every row."""

    column: str
    value: float


Term = Number | Levels | IsMissing | Within | Always


def marks_of(recipe: Mapping[str, Json], column: str) -> list[str]:
    """The cells of a column that mean missing: its own marks, then those of the whole file."""
    own = list((recipe.get("marks") or {}).get(column) or ())
    return own + list(ReadSettings.from_dict(recipe.get("read") or {}).missing)


def as_number(mark: str) -> float | None:
    """A mark as the number it is in a column of numbers, None where it is none."""
    try:
        value = float(mark)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def terms_of(fitted: Fitted) -> list[Term]:
    """One term for each column after preparation, in their order.  Raises NoForm for a step that is no arithmetic of
    single cells: texts, pictures, dates, windows of a series."""
    if fitted.prepare is None:
        return []
    made, kept = parts_of(fitted.prepare)
    found: list[Term] = []
    for name, step, columns in made.transformers_:
        if name != "remainder" and len(columns):
            found += _terms(name, step, list(columns))
    return found if kept is None else [found[place] for place in kept]


def _terms(block: str, step: Any, columns: list[str]) -> list[Term]:
    from sklearn.preprocessing import (
        FunctionTransformer,
        KBinsDiscretizer,
        OneHotEncoder,
        OrdinalEncoder,
        TargetEncoder,
    )

    from engine.models.columns import MissingFlags, YesNo, Zeros

    inner = _chain(step)
    first, last = inner[0], inner[-1]
    if isinstance(first, (OneHotEncoder, OrdinalEncoder, TargetEncoder, YesNo)):
        return _by_level(step, first, columns)
    if isinstance(first, MissingFlags):
        return [IsMissing(column) for column in columns]
    if isinstance(first, Zeros):
        return [Always(column, 0.0) for column in columns]
    if isinstance(first, FunctionTransformer):
        if first.func is not None:
            raise _no_form(block, columns)
        return [Number(column) for column in columns]
    if isinstance(last, KBinsDiscretizer):
        operations = _operations(block, inner[:-1], columns)
        return [
            Within(column, before, low, high)
            for column, before, edges in zip(columns, operations, last.bin_edges_, strict=True)
            for low, high in _bins(edges)
        ]
    return [Number(column, before) for column, before in zip(columns, _operations(block, inner, columns), strict=True)]


def _chain(step: Any) -> list[Any]:
    """The steps within a step, without those that do nothing; a column passed through stands for itself."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    if isinstance(step, str):
        return [FunctionTransformer()]
    if isinstance(step, Pipeline):
        return [inner for _, part in step.steps if part != "passthrough" for inner in _chain(part)]
    return [step]


def _bins(edges: np.ndarray) -> list[tuple[float, float]]:
    """The bins between these edges; the outer ones take all that lies beyond."""
    cuts = [-np.inf, *map(float, edges[1:-1]), np.inf]
    return list(itertools.pairwise(cuts))


def _operations(block: str, steps: Sequence[Any], columns: list[str]) -> list[tuple[Operation, ...]]:
    made = [_operation(block, step, columns) for step in steps]
    return [tuple(operation for of in made for operation in of[j]) for j in range(len(columns))]


def _operation(block: str, step: Any, columns: list[str]) -> list[tuple[Operation, ...]]:
    """What a step does, for each of its columns."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler
    from skrub import SquashingScaler

    from engine.models.columns import FARTHEST, Capped, Power, Robust

    each = range(len(columns))
    if isinstance(step, SimpleImputer):
        filled = np.nan_to_num(np.asarray(step.statistics_, dtype=np.float64))
        return [(Fill(float(filled[j])),) for j in each]
    if isinstance(step, Capped):
        return [(Hold(float(step.low_[j]), float(step.high_[j])),) for j in each]
    if isinstance(step, Power):
        return [
            (Line(float(step.zero_[j]), float(step.unit_[j])), Hold(-FARTHEST, FARTHEST), Bend(float(step.lambdas_[j])))
            for j in each
        ]
    if isinstance(step, (StandardScaler, Robust)):
        middle: Any = step.mean_ if isinstance(step, StandardScaler) else step.center_
        unit: Any = step.scale_
        return [(Line(float(middle[j]), float(unit[j])),) for j in each]
    if isinstance(step, SquashingScaler):
        return [(*of, Squash(float(step.max_absolute_value))) for of in _squashed(step, len(columns))]
    raise _no_form(block, columns)


def _squashed(step: Any, columns: int) -> list[tuple[Operation, ...]]:
    """Where skrub's squashing scaler puts each column before it bends it."""
    found: list[tuple[Operation, ...]] = [(Line(0.0, np.inf),)] * columns
    if step.robust_scaler_ is not None:
        robust = step.robust_scaler_
        for j, middle, unit in zip(np.flatnonzero(step.robust_cols_), robust.center_, robust.scale_, strict=True):
            found[j] = (Line(float(middle), float(unit)),)
    if step.minmax_scaler_ is not None:
        spread = step.minmax_scaler_
        for j, middle, unit in zip(np.flatnonzero(step.minmax_cols_), spread.median_, spread.scale_, strict=True):
            found[j] = (Line(float(middle), 1.0 / float(unit)),)
    return found


def _by_level(step: Any, first: Any, columns: list[str]) -> list[Term]:
    """A step that looks each level up: asked once for every level, for none, and for one never seen."""
    known = first.levels_ if hasattr(first, "levels_") else first.categories_
    asked = [[level for level in levels if level is not None and level == level] for levels in known]
    longest = max(map(len, asked)) + 2
    rows = {
        name: pd.Series([*levels, *[None] * (longest - 1 - len(levels)), STRANGER], dtype=object)
        for name, levels in zip(columns, asked, strict=True)
    }
    table = step.transform(pd.DataFrame(rows))
    table = np.asarray(table.toarray() if hasattr(table, "toarray") else table, dtype=np.float64)
    widths = _widths(first, table.shape[1], len(columns))
    found: list[Term] = []
    place = 0
    for column, levels, width in zip(columns, asked, widths, strict=True):
        for _ in range(width):
            figures = table[:, place]
            named = {level: float(figures[i]) for i, level in enumerate(levels)}
            found.append(Levels(column, named, float(figures[len(levels)]), float(figures[-1])))
            place += 1
    return found


def _widths(first: Any, made: int, columns: int) -> list[int]:
    from sklearn.preprocessing import OneHotEncoder

    return [int(n) for n in first._n_features_outs] if isinstance(first, OneHotEncoder) else [made // columns] * columns


def _no_form(block: str, columns: list[str]) -> NoForm:
    of = {"dates": "dates", "text": "texts", "pixels": "pixels", "window": "the window of a series"}.get(block, block)
    return NoForm(
        f"The preparation of {of} ({', '.join(columns[:3])}{' …' if len(columns) > 3 else ''}) is no arithmetic of "
        "single cells, so this model cannot be written in that form; take --to model or --to script."
    )


# -- the same in numpy, to hold every other form against --------------------------------------------------------------


def values(terms: Sequence[Term], frame: pd.DataFrame) -> np.ndarray:
    """What the terms make of a frame of inputs: (n, len(terms)) float64."""
    return (
        np.column_stack([_value(term, frame.loc[:, term.column]) for term in terms])
        if terms
        else np.zeros((len(frame), 0))
    )


def _value(term: Term, column: pd.Series) -> np.ndarray:
    match term:
        case Number():
            return _computed(term.operations, column)
        case Within():
            x = _computed(term.operations, column)
            return ((x >= term.low) & (x < term.high)).astype(np.float64)
        case Levels():
            cells = column.to_numpy(dtype=object)
            empty = column.isna().to_numpy()
            told = [term.missing if no else term.figures.get(cell, term.other)
                    for cell, no in zip(cells, empty, strict=True)]  # fmt: skip
            return np.array(told, dtype=np.float64)
        case IsMissing():
            return column.isna().to_numpy(dtype=np.float64)
        case Always():
            return np.full(len(column), term.value)


class _Numpy:
    def fill(self, x: np.ndarray, value: float) -> np.ndarray:
        return np.where(np.isnan(x), value, x)

    def hold(self, x: np.ndarray, low: float, high: float) -> np.ndarray:
        return np.clip(x, low, high)

    def line(self, x: np.ndarray, by: Line) -> np.ndarray:
        return (x - by.middle) / by.unit

    def squash(self, x: np.ndarray, limit: float) -> np.ndarray:
        return x / np.sqrt(1 + (x / limit) ** 2)

    def bend(self, x: np.ndarray, power: float) -> np.ndarray:
        up, down = np.maximum(x, 0), np.maximum(-x, 0)
        right = np.log1p(up) if power == 0 else (np.power(up + 1, power) - 1) / power
        left = -np.log1p(down) if power == 2 else -(np.power(down + 1, 2 - power) - 1) / (2 - power)
        return np.where(x >= 0, right, left)


def _computed(operations: Sequence[Operation], column: pd.Series) -> np.ndarray:
    return worked(operations, column.to_numpy(dtype=np.float64), _Numpy())


def hold_against(fitted: Fitted, frame: pd.DataFrame, allowed: float = 1e-9) -> None:
    """Raises DataProblem when the terms say anything else than the preparation itself on these rows."""
    if fitted.prepare is None:
        return
    terms = terms_of(fitted)
    wanted = fitted.prepare.transform(frame.loc[:, fitted.columns])
    wanted = np.asarray(wanted.toarray() if hasattr(wanted, "toarray") else wanted, dtype=np.float64)
    found = values(terms, frame)
    unlike = ~np.isclose(found, wanted, rtol=allowed, atol=allowed, equal_nan=True)
    if unlike.any():
        place = int(unlike.any(axis=0).argmax())
        raise DataProblem(
            f"The preparation of {terms[place].column} reads {found[unlike[:, place], place][0]:g} here and "
            f"{wanted[unlike[:, place], place][0]:g} in the model; nothing was written.  Please report this."
        )
