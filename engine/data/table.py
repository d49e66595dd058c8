"""The table as models see it: typed input columns, target, groups and times, made from a file by a recipe."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.data.address import stamp
from engine.data.cells import to_texts
from engine.data.computed import columns_to_read, with_computed
from engine.data.hashing import row_hashes
from engine.data.naming import quoted, shown
from engine.data.read import Raw, ReadSettings, chunks, columns_of, examine, no_column, read
from engine.data.target import check_target
from engine.errors import DataProblem
from engine.records import Json, digest

if TYPE_CHECKING:
    from engine.data.series.rows import Steps

TYPES = ("number", "category", "yes_no", "date", "text")
KEPT = 3  # tables kept in this process


@dataclass(frozen=True, eq=False)
class Table:
    """The labelled rows of a file.  Shared between trials: do not write into its arrays.

    frame: (n, columns) number float64 with NaN; category, yes_no and text object of str with None; date datetime64[us].
    y: (n,) int64 codes into `labels`, or float64 for regression.  labels: binary [negative, positive].
    rows: (n,) 0-based position among the data rows of the file.  groups: (n,) int64 codes or None; a row without an
    entity is one of its own.  times: (n,) float64, seconds since 1970 for dates, -inf where empty, or None.
    """

    frame: pd.DataFrame
    y: np.ndarray
    labels: list[str]
    rows: np.ndarray
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    unlabelled: int = 0
    bad_lines: int = 0
    unparsed: dict[str, dict[str, int]] = field(default_factory=dict)  # column → texts read as missing, counted
    key: str = ""  # the same for equal file and recipe parts
    steps: Steps | None = None  # of a forecast: where its rows stand
    of_rows: Mapping[str, Json] = field(default_factory=dict)  # what replaces parts of the recipe for these rows
    plain: pd.DataFrame | None = None  # the inputs as they were read, where cells were emptied or columns computed

    @property
    def is_classification(self) -> bool:
        return bool(self.labels)

    def __len__(self) -> int:
        return len(self.y)

    def values(self, positions: np.ndarray) -> int:
        """How many values of the target these rows ask for: as many as rows, but for a forecast, which asks for a
        value from several origins."""
        return len(positions) if self.steps is None else self.steps.values(positions)

    @cached_property
    def copies(self) -> np.ndarray:
        """(n,) int64: rows whose inputs are all equal share a number.

        As they were read: what is emptied or computed later draws no new lockbox.
        """
        read = self.frame if self.plain is None else self.plain
        return np.unique(row_hashes(read), return_inverse=True)[1].astype(np.int64)


_cache: OrderedDict[str, Table] = OrderedDict()
_lock = threading.Lock()


def load(path: Path | str, recipe: Mapping[str, Json]) -> Table:
    """Read a file into a Table by a recipe (see `Table`); kept in this process until the file or the recipe changes.

    Rows without a label are left out and counted.  Raises DataProblem for a file or a target that cannot be used.
    """
    path = Path(path)
    key = _key(path, recipe)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    table = _load(path, recipe, key)
    with _lock:
        _cache[key] = table
        while len(_cache) > KEPT:
            _cache.popitem(last=False)
    return table


def _key(path: Path, recipe: Mapping[str, Json]) -> str:
    parts = {
        k: recipe.get(k) for k in ("read", "target", "task", "positive", "rare", "types", "marks", "group", "time")
    }
    parts["order"] = list(recipe.get("types") or {})
    parts["computed"] = [recipe.get(k) for k in ("features", "impossible", "beside")]
    if recipe.get("material") == "series":
        parts["series"] = [recipe.get(k) for k in ("series", "split", "plan")]
    try:
        size, changed = stamp(path)
    except (OSError, DataProblem):
        return digest([str(path), parts])  # reading says what is wrong
    return digest([str(path.resolve()), changed, size, parts])


def _load(path: Path, recipe: Mapping[str, Json], key: str) -> Table:
    if recipe.get("material") == "series":
        return _load_series(path, recipe, key)
    settings = ReadSettings.from_dict(recipe["read"]) if recipe.get("read") else examine(path).settings
    target, task, marks = str(recipe["target"]), str(recipe["task"]), recipe.get("marks") or {}
    types = columns_to_read(recipe)
    group, time = recipe.get("group"), recipe.get("time")
    wanted = [target, *types, *(name for name in (group, time) if name)]
    raw = read(path, settings, columns=wanted)
    y, labels, kept = check_target(raw, target, task, marks.get(target, []), recipe.get("positive"), recipe.get("rare"))
    frame, unparsed = typed(raw, types, marks, settings)
    plain, frame = frame, with_computed(frame, recipe)
    plain = None if plain is frame else plain.loc[:, [name for name in frame.columns if name in plain.columns]]
    groups = times = None
    if group:
        groups = pd.factorize(to_texts(raw.cells(group), marks.get(group)))[0].astype(np.int64)
        alone = groups < 0
        groups[alone] = groups.max(initial=-1) + 1 + np.arange(alone.sum())
    if time:
        times = _times(raw, time, settings, marks.get(time, []), types.get(time))
    rows = np.flatnonzero(kept)
    if len(rows) < raw.rows:
        frame = frame.iloc[rows].reset_index(drop=True)
        plain = None if plain is None else plain.iloc[rows].reset_index(drop=True)
        groups = None if groups is None else groups[rows]
        times = None if times is None else times[rows]
    return Table(frame, y, labels, rows, groups, times, raw.rows - len(rows), raw.bad_lines, unparsed, key, plain=plain)


def _load_series(path: Path, recipe: Mapping[str, Json], key: str) -> Table:
    """Rows that ask, at an origin, for the value some steps ahead; their recipe names these columns as the inputs."""
    from engine.data.series.rows import table_rows

    rows, panel, setup = table_rows(path, recipe)
    series = {**recipe["series"], **setup.as_dict(), "frequency": panel.calendar.frequency}
    of_rows = {"types": rows.types, "inputs": dict(recipe["types"]), "series": series}
    return Table(
        rows.frame, rows.y, [], rows.file_rows, None, rows.steps.target.astype(np.float64), panel.gaps(),
        panel.bad_lines, panel.unparsed, key, rows.steps, of_rows,
    )  # fmt: skip


def typed(
    raw: Raw, types: Mapping[str, str], marks: Mapping[str, Sequence[str]], settings: ReadSettings
) -> tuple[pd.DataFrame, dict[str, dict[str, int]]]:
    """The raw cells as typed columns, in the order of `types`; and per column the texts that became missing because
    they do not fit its type, counted."""
    columns: dict[str, np.ndarray] = {}
    unparsed: dict[str, dict[str, int]] = {}
    for name, kind in types.items():
        missing = list(marks.get(name) or [])
        bad: dict[str, int] = {}
        if kind == "number":
            columns[name], bad = raw.numbers(name, missing)
        elif kind == "date":
            columns[name], bad = raw.dates(name, missing)
        elif kind in TYPES:
            columns[name] = to_texts(raw.cells(name), missing)
        else:
            raise DataProblem(f"Column {quoted(name)} is said to be {quoted(kind)}; types are {', '.join(TYPES)}.")
        if bad:
            unparsed[name] = bad
    rows = pd.RangeIndex(raw.rows)  # and each column with its own dtype: pandas would search texts for a better one
    frame = pd.DataFrame({name: pd.Series(v, index=rows, dtype=v.dtype, copy=False) for name, v in columns.items()})
    return frame, unparsed


def _times(raw: Raw, name: str, settings: ReadSettings, marks: Sequence[str], kind: str | None) -> np.ndarray:
    if kind != "date" and name not in settings.dates:
        numbers, bad = raw.numbers(name, marks)
        if not bad and np.isfinite(numbers).any():
            return np.where(np.isnan(numbers), -np.inf, numbers)
    dates, bad = raw.dates(name, marks)
    if np.isnat(dates).mean() > 0.5:
        raise DataProblem(f"{raw.path}: {quoted(name)} is no time column, it holds for example {shown(list(bad), 3)}.")
    return np.where(np.isnat(dates), -np.inf, dates.astype("int64") / 1e6)


def load_features(
    path: Path | str,
    recipe: Mapping[str, Json],
    chunksize: int | None = None,
    unread: dict[str, int] | None = None,
) -> Iterator[pd.DataFrame]:
    """The input columns of a new file, in training order and cleaned as in training; frames of `chunksize` rows, or
    one frame.  Their index is the 0-based row of the file.

    The file may have its columns in another order, further columns, no target, another separator or encoding.  Texts
    that training never saw are kept as they are.  unread: takes, by column and as the frames come, how many cells do
    not fit its type and count as missing.  Raises DataProblem at once when input columns are missing, and on reaching
    a line with more or fewer cells than the header (left out, it would shift the predictions).
    """
    path = Path(path)
    types = columns_to_read(recipe)
    settings = settings_for_new(path, ReadSettings.from_dict(recipe.get("read") or {}))
    names = columns_of(path, settings)
    missing = [name for name in types if name not in names]
    if len(missing) == 1:
        raise DataProblem(no_column(path, missing[0], names) + " The model was trained with it.")
    if missing:
        raise DataProblem(
            f"{path} lacks {len(missing)} of the {len(types)} columns that the model was trained with: "
            f"{shown(missing)}. Its columns are {shown(names)}."
        )
    return _features(path, types, recipe, settings, chunksize, {} if unread is None else unread)


def settings_for_new(path: Path, trained: ReadSettings) -> ReadSettings:
    """As the new file is found to be, with what the old one was told beyond its form: dates, marks, and its notation
    of numbers where it is written in the same way."""
    found = examine(path, trained).settings
    same = (found.format, found.separator) == (trained.format, trained.separator)
    return replace(
        found,
        decimal=trained.decimal if same else found.decimal,
        thousands=trained.thousands if same else found.thousands,
        header=trained.header if found.format == trained.format else found.header,
        dates=trained.dates,
        missing=trained.missing,
        blanks=trained.blanks,
    )


def _features(
    path: Path,
    types: Mapping[str, str],
    recipe: Mapping[str, Json],
    settings: ReadSettings,
    size: int | None,
    unread: dict[str, int],
) -> Iterator[pd.DataFrame]:
    def typed_part(raw: Raw) -> pd.DataFrame:
        frame, bad = typed(raw, types, recipe.get("marks") or {}, settings)
        for column, texts in bad.items():
            if texts:
                unread[column] = unread.get(column, 0) + sum(texts.values())
        return with_computed(frame, recipe)

    start = 0
    if size is None:
        yield typed_part(read(path, settings, columns=list(types), strict=True))
        return
    held: list[pd.DataFrame] = []
    for raw in chunks(path, settings, list(types)):
        frame = typed_part(raw)
        frame.index = pd.RangeIndex(start, start + len(frame))
        start += len(frame)
        held.append(frame)
        while sum(map(len, held)) >= size:
            joined = pd.concat(held) if len(held) > 1 else held[0]
            yield joined.iloc[:size]
            held = [joined.iloc[size:]]
    if held and sum(map(len, held)):
        yield pd.concat(held) if len(held) > 1 else held[0]
    elif start == 0:
        raise DataProblem(f"{path} has a header but no rows: nothing to predict.")
