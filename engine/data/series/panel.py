"""Series as a file holds them: read, set on equal steps of time, with what else is known of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.data.cells import to_texts
from engine.data.computed import columns_to_read, with_computed
from engine.data.naming import quoted, shown
from engine.data.read import Raw, ReadSettings, columns_of, examine, read
from engine.data.series.calendar import Calendar, infer, of
from engine.data.series.shapes import steps_in_names, times_in_names
from engine.errors import DataProblem
from engine.records import Json

SHAPES = ("long", "wide", "rows")
TOGETHER = ("sum", "mean", "last")  # what to do with several values of one series at one time
UNREADABLE = 0.05  # of the times; more is no time column


@dataclass(frozen=True, eq=False)
class Panel:
    """One or several series on the same steps of time.

    names: of the k series; [""] for one that has no name.  values: (k, A) float64, NaN where nothing is known; step a
    lies at calendar.times(a).  rows: (k, A) int64, the 0-based row of the file that a value stands in, -1 for none.
    inputs: column -> (k, A) of what else the file says, with NaN, None or NaT; it may reach beyond the last value.
    length: T, the steps up to the last value of any series.  stamp: how times are written in the file.
    """

    calendar: Calendar
    names: list[str]
    values: np.ndarray
    rows: np.ndarray
    inputs: dict[str, np.ndarray]
    types: dict[str, str]
    length: int
    irregular: bool = False
    together: int = 0  # values that were put together with others of the same time
    untimed: int = 0  # rows left out for want of a readable time
    unparsed: dict[str, dict[str, int]] = field(default_factory=dict)
    bad_lines: int = 0
    file_rows: int = 0
    stamp: str = ""

    @cached_property
    def known(self) -> np.ndarray:
        """(k, A) bool."""
        return ~np.isnan(self.values)

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """(k,) first and last step with a value; (A, -1) for a series without any."""
        known, steps = self.known, self.values.shape[1]
        some = known.any(axis=1)
        first = np.where(some, known.argmax(axis=1), steps)
        last = np.where(some, steps - 1 - known[:, ::-1].argmax(axis=1), -1)
        return first, last

    def gaps(self) -> int:
        """Steps without a value between the first and the last of their series."""
        first, last = self.ends()
        return int((last - first + 1).clip(min=0).sum() - self.known.sum())


def read_panel(path: Path | str, recipe: Mapping[str, Json], *, new: ReadSettings | None = None) -> Panel:
    """The series of a recipe: `series` says the time column, the id column (long: one row a value), or shape "wide"
    (a column a series) or "rows" (a row a series, a column a step).

    The frequency is the recipe's, else found.  new: how a file to predict from is read; it may lack values.
    Raises DataProblem when the columns are not there, times cannot be read, or a series has two values at one time and
    nobody said how to put them together.
    """
    path = Path(path)
    said = recipe.get("series") or {}
    shape = said.get("shape") or "long"
    if shape not in SHAPES:
        raise DataProblem(f"Series come as {', '.join(SHAPES)}, not as {shape!r}.")
    settings = new or (ReadSettings.from_dict(recipe["read"]) if recipe.get("read") else examine(path).settings)
    if shape == "long":
        return _long(path, recipe, settings, strict=new is not None)
    return _wide(path, recipe, settings, strict=new is not None, rows=shape == "rows")


def _long(path: Path, recipe: Mapping[str, Json], settings: ReadSettings, strict: bool) -> Panel:
    said, target, marks = recipe["series"], str(recipe["target"]), recipe.get("marks") or {}
    time, who = said.get("time"), said.get("id")
    if not time:
        raise DataProblem("A series needs the column that says when: answer problem.series.")
    types = {c: t for c, t in columns_to_read(recipe).items() if c not in (target, time, who)}
    wanted = [time, *([who] if who else []), target, *types]
    raw = read(path, settings, columns=list(dict.fromkeys(wanted)), strict=strict)
    values, bad = raw.numbers(target, list(marks.get(target) or []))
    _is_number(raw, target, bad)
    times, stamp = times_of(raw, time, marks.get(time) or [])
    names, codes = _who(raw, who, marks)
    from engine.data.table import typed

    frame, unparsed = typed(raw, types, marks, settings)
    frame = with_computed(frame, recipe)
    kept = np.flatnonzero(~_missing(times) & (codes >= 0))
    untimed = raw.rows - len(kept)
    if untimed > UNREADABLE * max(1, raw.rows):
        raise DataProblem(f"{path}: {quoted(time)} cannot be read as a time in {untimed:,} of {raw.rows:,} rows.")
    inputs = frame.iloc[kept] if len(frame.columns) else None
    where = f"{path}: {quoted(target)}"
    panel = _placed(times[kept], codes[kept], values[kept], kept, names, inputs, said, where)
    of_inputs = {c: recipe["types"][c] for c in panel.inputs}
    return _with(panel, raw, stamp, untimed=untimed, unparsed=unparsed, types=of_inputs)


def _wide(path: Path, recipe: Mapping[str, Json], settings: ReadSettings, strict: bool, rows: bool) -> Panel:
    said, marks = recipe["series"], recipe.get("marks") or {}
    time, who, target = said.get("time"), said.get("id"), recipe.get("target")
    there = columns_of(path, settings)
    inputs = [c for c, kind in (recipe.get("types") or {}).items() if kind == "number" and c not in (time, who)]
    chosen = [c for c in there if c in {*inputs, target} and c not in (time, who)]
    missing = [c for c in inputs if c not in there]
    if rows and strict and times_in_names([*inputs, *([target] if target else [])]) is not None:
        chosen, missing = steps_in_names([c for c in there if c != who]), []  # the columns of another stretch of time
    if missing or not chosen:
        raise DataProblem(f"{path} lacks the columns of the series {shown(missing or inputs)}; it has {shown(there)}.")
    beside = [c for c in (None if rows else time, who if rows else None) if c]
    raw = read(path, settings, columns=[*beside, *chosen], strict=strict)
    table = np.empty((raw.rows, len(chosen)))
    for j, column in enumerate(chosen):
        table[:, j], bad = raw.numbers(column, list(marks.get(column) or []))
        _is_number(raw, column, bad)
    if rows:
        names, codes = _who(raw, who, marks) if who else ([str(i + 1) for i in range(raw.rows)], np.arange(raw.rows))
        times, stamp = _times_of_names(chosen)
        k, n = raw.rows, len(chosen)
        at = np.repeat(np.arange(k), n)
        return _with(
            _placed(np.tile(times, k), codes[at], table.ravel(), at, names, None, said, where=str(path)), raw, stamp
        )
    if not time:
        raise DataProblem("A series needs the column that says when: answer problem.series.")
    times, stamp = times_of(raw, time, marks.get(time) or [])
    kept = np.flatnonzero(~_missing(times))
    k, n = len(chosen), len(kept)
    at = np.tile(kept, k)
    panel = _placed(
        times[at], np.repeat(np.arange(k), n), table[kept].T.ravel(), at, chosen, None, said, where=str(path)
    )
    return _with(panel, raw, stamp, untimed=raw.rows - n)


def _is_number(raw: Raw, column: str, bad: Mapping[str, int]) -> None:
    if sum(bad.values()) > 0.05 * max(1, raw.rows):
        raise DataProblem(
            f"{raw.path}: {quoted(column)} holds texts such as {shown(list(bad), 3)}, so it is no series of numbers: "
            "choose another column."
        )


def _who(raw: Raw, who: str | None, marks: Mapping[str, Sequence[str]]) -> tuple[list[str], np.ndarray]:
    """Names of the series, and each row's series; -1 for a row that names none."""
    if not who:
        return [""], np.zeros(raw.rows, dtype=np.int64)
    codes, found = pd.factorize(to_texts(raw.cells(who), list(marks.get(who) or [])))
    order = np.argsort(np.asarray(found, dtype=str), kind="stable")  # so that a series keeps its place among files
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(order)), -1
    return [str(found[i]) for i in order], place[codes]


def times_of(raw: Raw, name: str, marks: Sequence[str] = ()) -> tuple[np.ndarray, str]:
    """The times of a column, datetime64[us] or float64 numbers, NaT or NaN where unreadable; and one as it is written.

    Whole numbers such as 202103 are months, 20210314 days, where all of them are.
    """
    cells = to_texts(raw.cells(name), list(marks))
    stamp = next((text for text in cells if text), "")
    if name not in raw.settings.dates:
        numbers, bad = raw.numbers(name, list(marks))
        if not bad and np.isfinite(numbers).any():
            return _packed(numbers), stamp
    dates, _ = raw.dates(name, list(marks))
    return dates, stamp


def _packed(numbers: np.ndarray) -> np.ndarray:
    """Numbers that are written dates, as dates; others as they are."""
    some = numbers[np.isfinite(numbers)]
    for low, high, fmt in ((180_001, 220_012, "%Y%m"), (18_000_101, 22_001_231, "%Y%m%d")):
        if some.min() >= low and some.max() <= high and (some == np.round(some)).all() and len(np.unique(some)) > 2:
            texts = pd.Series(numbers).map(lambda v: "" if np.isnan(v) else str(int(v)))
            dates = pd.to_datetime(texts, format=fmt, errors="coerce").to_numpy(dtype="datetime64[us]")
            if not np.isnat(dates[np.isfinite(numbers)]).any():
                return dates
    return numbers


def _times_of_names(names: Sequence[str]) -> tuple[np.ndarray, str]:
    """Columns that are steps: times where their names are, else their place."""
    times = times_in_names(names)
    if times is None:
        return np.arange(1, len(names) + 1, dtype=np.float64), "1"
    return times, names[0].strip()


def _missing(times: np.ndarray) -> np.ndarray:
    return np.isnan(times) if times.dtype.kind == "f" else np.isnat(times)


def _placed(
    times: np.ndarray, codes: np.ndarray, values: np.ndarray, rows: np.ndarray, names: list[str],
    frame: pd.DataFrame | None, said: Mapping[str, Json], where: str,
) -> Panel:  # fmt: skip
    """Every value on its step.  times, codes, values, rows: (n,), without missing times."""
    if not len(times):
        raise DataProblem(f"{where}: there is no row with a time that can be read.")
    calendar, irregular = infer(times) if not said.get("frequency") else (of(str(said["frequency"]), times), False)
    ticks = calendar.ticks(times)
    steps, k = int(ticks.max()) + 1, len(names)
    if steps * k > 200_000_000:
        raise DataProblem(
            f"{where}: {k:,} series over {steps:,} steps of {calendar.step} are too many to hold. Choose a longer "
            "step, or fewer series."
        )
    cell = codes * steps + ticks
    values, kept, together = _one_each(cell, values, times, names, codes, said.get("duplicated"), where)
    grid = np.full(k * steps, np.nan)
    file_rows = np.full(k * steps, -1, dtype=np.int64)
    grid[cell[kept]], file_rows[cell[kept]] = values, rows[kept]
    grid, file_rows = grid.reshape(k, steps), file_rows.reshape(k, steps)
    file_rows[np.isnan(grid)] = -1
    known = ~np.isnan(grid)
    if not known.any():
        raise DataProblem(f"{where} is empty in all rows: choose another column, or fill it.")
    length = int(np.flatnonzero(known.any(axis=0))[-1]) + 1
    inputs = {}
    for column in () if frame is None else frame.columns:
        given: Any = frame[column].to_numpy()  # pyright: ignore[reportOptionalSubscript]
        spread = np.full(k * steps, empty_of(given.dtype), dtype=given.dtype)
        spread[cell[kept]] = given[kept]
        inputs[str(column)] = spread.reshape(k, steps)
    return Panel(calendar, names, grid, file_rows, inputs, {}, length, irregular, together)


def empty_of(dtype: np.dtype) -> Any:
    """What stands for nothing among values of that type."""
    return {"M": np.datetime64("NaT", "us"), "f": np.nan}.get(dtype.kind)


def _one_each(
    cell: np.ndarray, values: np.ndarray, times: np.ndarray, names: list[str], codes: np.ndarray, way: Json, where: str
) -> tuple[np.ndarray, np.ndarray, int]:
    """One value a cell: (values, positions that stand for their cell, how many values were put together)."""
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(cell[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    last = order[starts + sizes - 1]
    if (sizes == 1).all():
        return values[last], last, 0
    if way not in TOGETHER:
        at = int(np.flatnonzero(sizes > 1)[0])
        i = int(order[starts[at]])
        name = names[int(codes[i])]
        of_series = f" of series {quoted(name)}" if name else ""
        when = str(times[i]).replace(".000000", "").replace("T00:00:00", "")
        raise DataProblem(
            f"{where} has {sizes[at]} values{of_series} at {when}, and so at {int((sizes > 1).sum()):,} times in all: "
            "name the column that tells series apart (problem.series), or say how to put them together "
            f"(data.series, duplicated: {', '.join(TOGETHER)})."
        )
    if way == "last":
        return values[last], last, int(sizes.sum() - len(sizes))
    known = np.add.reduceat(~np.isnan(values[order]), starts)
    total = np.add.reduceat(np.nan_to_num(values[order]), starts)
    total = np.divide(total, known, out=np.full(len(total), np.nan), where=known > 0) if way == "mean" else total
    return np.where(known > 0, total, np.nan), last, int(sizes.sum() - len(sizes))


def _with(panel: Panel, raw: Raw, stamp: str, **more: Any) -> Panel:
    return replace(panel, bad_lines=raw.bad_lines, file_rows=raw.rows, stamp=stamp, **more)
