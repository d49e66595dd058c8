"""What a recipe changes in the cells of a typed frame, row by row: values that cannot be true, and computed columns.

Nothing is learned here, so training and predicting go through the very same door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from engine.data.conditions import Condition, matching, validate_condition, values_of
from engine.data.formulas import affinity
from engine.errors import DataProblem, InvalidAnswer
from engine.records import Json

CHUNK = 100_000  # rows in memory as Python objects at a time


def columns_to_read(recipe: Mapping[str, Json]) -> dict[str, str]:
    """The columns of the file that a recipe's inputs are made from, with their types: the inputs that are not
    computed, then those that only a formula or a condition names."""
    made = {feature["name"] for feature in recipe.get("features") or ()}
    types = {name: kind for name, kind in recipe["types"].items() if name != recipe.get("target") and name not in made}
    return {**types, **{name: kind for name, kind in (recipe.get("beside") or {}).items() if name not in types}}


def with_computed(frame: pd.DataFrame, recipe: Mapping[str, Json]) -> pd.DataFrame:
    """The frame with impossible cells emptied and computed columns added, its columns in the order of the inputs.

    frame: the columns of `columns_to_read`, typed.  A computed number that is none (a division by zero, a text) is NaN.
    Conditions see the cells as they were read; formulas see them with the impossible ones empty.
    Raises DataProblem when a condition or formula does not fit the columns.
    """
    impossible, features = recipe.get("impossible") or {}, recipe.get("features") or ()
    if not impossible and not features:
        return frame
    types = columns_to_read(recipe)
    known = {name: kind for name, kind in types.items() if name in frame.columns}
    try:
        emptied = {c: matching_rows(frame, text, known) for c, text in impossible.items() if c in frame.columns}
        out = frame.copy(deep=False)
        for column, rows in emptied.items():
            out[column] = _emptied(out[column], rows)
        for feature in features:
            read = _read(feature["formula"], tuple(known.items()))
            out[feature["name"]] = _column(_values(out, read, known), feature["type"])
    except InvalidAnswer as problem:
        raise DataProblem(f"A formula of this session does not fit the table: {problem}") from None
    wanted = [name for name in recipe["types"] if name in out.columns]
    return out.loc[:, wanted]


def matching_rows(frame: pd.DataFrame, text: str, types: Mapping[str, str]) -> np.ndarray:
    """Positions (k,) of the rows for which an SQL condition holds.  Raises InvalidAnswer."""
    condition = _read(text, tuple(types.items()))
    affinities = {name: affinity(types[name]) for name in condition.columns}
    found: list[int] = []
    for start in range(0, len(frame), CHUNK):
        cells = _cells(frame.iloc[start : start + CHUNK], condition.columns, types)
        found += [start + row for row in matching(condition, affinities, cells, list(types))]
    return np.asarray(found, dtype=np.int64)


@lru_cache(maxsize=256)
def _read(text: str, types: tuple[tuple[str, str], ...]) -> Condition:
    """Checked once for many rows: a served model answers one at a time."""
    return validate_condition(text, dict(types))


def _values(frame: pd.DataFrame, read: Condition, types: Mapping[str, str]) -> list[Any]:
    affinities = {name: affinity(types[name]) for name in read.columns}
    found: list[Any] = []
    for start in range(0, len(frame), CHUNK):
        found += values_of(
            read, affinities, _cells(frame.iloc[start : start + CHUNK], read.columns, types), list(types)
        )
    return found


def _cells(frame: pd.DataFrame, columns: Sequence[str], types: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """The cells as SQLite takes them, and as a rule sees them: numbers, texts, dates as 2026-11-20, with the time of
    day behind where there is one; None where empty."""
    made: list[list[Any]] = []
    for name in columns:
        column = frame[name]
        if types[name] == "number":
            values: Any = column.to_numpy(dtype=np.float64)
            cells = values.astype(object)
            cells[~np.isfinite(values)] = None
            made.append(list(cells))
        elif types[name] == "date":
            times = column.to_numpy(dtype="datetime64[s]")
            texts = np.datetime_as_string(times, unit="s").tolist()
            made.append([None if t == "NaT" else t.removesuffix("T00:00:00").replace("T", " ") for t in texts])
        else:
            made.append(column.where(column.notna(), None).astype(object).tolist())
    return list(zip(*made, strict=True))


def _emptied(column: Any, rows: np.ndarray) -> pd.Series:
    if not len(rows):
        return column
    empty: Any = np.datetime64("NaT") if pd.api.types.is_datetime64_any_dtype(column) else None
    values = column.to_numpy(copy=True)
    values[rows] = np.nan if values.dtype.kind == "f" else empty
    return pd.Series(values, index=column.index, name=column.name, dtype=column.dtype)


def _column(values: list[Any], kind: str) -> Any:
    if kind == "number":
        found = np.array([v if isinstance(v, int | float) else np.nan for v in values], dtype=np.float64)
        return np.where(np.isfinite(found), found, np.nan)
    return np.array([None if v is None else str(v) for v in values], dtype=object)
