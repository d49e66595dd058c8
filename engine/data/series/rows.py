"""From series to rows of a table: one row asks, at an origin, for the value so many steps ahead.

All that a row holds was known at its origin, or is known of any time in advance; so a table of such rows can be parted,
prepared, fitted and asked like any other.  Nothing here is learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.data.naming import quoted, shown
from engine.data.series.panel import Panel, empty_of, read_panel
from engine.errors import DataProblem
from engine.plans import forecast_window
from engine.records import Json

GAPS = ("interpolate", "zero", "carry")
MOST_ROWS = 300_000  # beyond it, origins between the exams' are thinned, then the oldest are left out
LEAST_HORIZONS = 20  # of history that are kept however many rows they make: the exams and what they learn from
MANY_SERIES = 40  # up to so many their name is an input

# Types of columns that only the rows of a forecast have; see engine.models.pipeline.WINDOW.
STEP, CHANGE, LAG, LEVEL, SLOPE = "step", "change", "lag", "level", "slope"


@dataclass(frozen=True)
class Setup:
    """What `series` of a recipe says, with what follows where it says nothing.

    horizon: h, the steps asked for.  season: m, 1 for none.  window: W, the values a row looks back over.
    known: inputs that are known in advance.
    """

    horizon: int
    season: int
    window: int
    gaps: str
    known: tuple[str, ...]

    @classmethod
    def of(cls, recipe: Mapping[str, Json], length: int) -> Setup:
        """length: steps of the series.  Raises DataProblem for what cannot be."""
        said = recipe.get("series") or {}
        horizon, season = int(said.get("horizon") or 1), int(said.get("season") or 1)
        gaps = str(said.get("gaps") or "interpolate")
        if gaps not in GAPS:
            raise DataProblem(f"Gaps are filled by {', '.join(GAPS)}, not by {gaps!r} (data.series).")
        window = said.get("window") or forecast_window(length, horizon, season)
        for name, value in (("horizon", horizon), ("season", season), ("window", int(window))):
            if value < 1:
                raise DataProblem(f"The {name} is a number of steps from 1 on, not {value}.")
        return cls(horizon, season, int(window), gaps, tuple(said.get("known") or ()))

    def as_dict(self) -> dict[str, Json]:
        """As `series` of a recipe says it."""
        return {**asdict(self), "known": list(self.known)}

    @property
    def history(self) -> int:
        """Values that an origin must have behind it, its own included."""
        return max(self.window, self.season)


@dataclass(frozen=True, eq=False)
class Steps:
    """Where the rows of a forecast stand.  All arrays (n,): codes of the series, int64 origin and step (1 … horizon);
    the asked value lies at origin + step.

    change, change_rms: mean and root mean square of y_t − y_{t−m} of the row's series up to its origin, what MASE and
    RMSSE measure by.  length: T, the steps up to the last value of any series.  points: values there are.
    """

    names: list[str]
    series: np.ndarray
    origin: np.ndarray
    step: np.ndarray
    change: np.ndarray
    change_rms: np.ndarray
    horizon: int
    season: int
    length: int
    gaps: int
    together: int
    untimed: int
    short: int  # series too short for a single row

    @property
    def target(self) -> np.ndarray:
        return self.origin + self.step

    def values(self, rows: np.ndarray) -> int:
        """How many values of the series these rows ask for: one is asked for from several origins."""
        return len(np.unique(self.series[rows] * (self.length + self.horizon + 1) + self.target[rows]))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table with their answers, NaN where nobody knows them yet; types: of the columns."""

    frame: pd.DataFrame
    types: dict[str, str]
    y: np.ndarray
    file_rows: np.ndarray
    steps: Steps


def table_rows(path: Path | str, recipe: Mapping[str, Json]) -> tuple[Rows, Panel, Setup]:
    """Every row of a recipe's series that can be learned from or examined.

    Raises DataProblem when the file cannot be read as series, or they are too short for a single row.
    """
    panel = read_panel(path, recipe)
    setup = Setup.of(recipe, panel.length)
    origins = chosen_origins(panel, setup, recipe)
    rows = make_rows(panel, setup, origins)
    answered = np.flatnonzero(~np.isnan(rows.y))
    if len(answered) < 4:
        raise DataProblem(
            f"{path}: the longest series has {_longest(panel):,} values; looking back over {setup.history} and ahead "
            f"by {setup.horizon} leaves nothing to learn from. Forecast fewer steps, or look back less (data.series)."
        )
    one = rows.y[answered[0]]
    if np.all(rows.y[answered] == one):
        raise DataProblem(f"{path}: {quoted(str(recipe['target']))} is {one:g} all along: nothing to predict.")
    return _at(rows, answered), panel, setup


def _longest(panel: Panel) -> int:
    first, last = panel.ends()
    return int((last - first + 1).max())


def _at(rows: Rows, kept: np.ndarray) -> Rows:
    s = rows.steps
    if len(kept) == len(rows.y):
        return rows
    steps = Steps(
        s.names, s.series[kept], s.origin[kept], s.step[kept], s.change[kept], s.change_rms[kept], s.horizon, s.season,
        s.length, s.gaps, s.together, s.untimed, s.short,
    )  # fmt: skip
    return Rows(rows.frame.iloc[kept].reset_index(drop=True), rows.types, rows.y[kept], rows.file_rows[kept], steps)


# --- origins ---------------------------------------------------------------------------------------------------------


def locked_origins(length: int, horizon: int, horizons: int) -> np.ndarray:
    """The origins of the lockbox: from each the next horizon is asked for, the last of which ends the series."""
    return length - 1 - horizon * np.arange(horizons, 0, -1, dtype=np.int64)


def exam_origins(length: int, horizon: int, plan: Mapping[str, Json]) -> np.ndarray:
    """The origins of the practice exams, earliest first.  length: steps outside the lockbox.  Those before the first
    step are left out."""
    count, step = int(plan.get("origins") or 0), int(plan.get("step") or horizon)
    found = length - 1 - horizon - step * np.arange(count - 1, -1, -1, dtype=np.int64)
    return found[found >= 0]


def chosen_origins(panel: Panel, setup: Setup, recipe: Mapping[str, Json]) -> np.ndarray:
    """The steps from which rows are made: all, or where that made too many, every so many and those of the exams."""
    T, h = panel.length, setup.horizon
    everywhere = np.arange(setup.history - 1, T - 1, dtype=np.int64)
    split, plan = recipe.get("split") or {}, recipe.get("plan") or {}
    horizons = int(split.get("lockbox") or 0) if split.get("kind") == "origins" else 0
    asked = np.r_[exam_origins(T - horizons * h, h, plan), locked_origins(T, h, horizons)]
    each = h * len(panel.names)
    stride = 1
    while len(everywhere[::stride]) * each > MOST_ROWS and stride < h:
        stride += 1
    kept = everywhere[::-1][::stride]  # counted from the end, where they matter most
    most = max(MOST_ROWS // each, LEAST_HORIZONS * h // stride)
    return np.unique(np.r_[kept[:most], asked[np.isin(asked, everywhere)]])


# --- the columns -----------------------------------------------------------------------------------------------------


def next_rows(panel: Panel, setup: Setup) -> Rows:
    """The rows that ask for what comes after the last value of each series.  Raises DataProblem for a short series."""
    first, last = panel.ends()
    known = last - first + 1
    short = [name or "the series" for name, n in zip(panel.names, known, strict=True) if n < setup.history]
    if short:
        raise DataProblem(
            f"The model looks back over {setup.history} values, and these are shorter: {shown(short)} (the shortest "
            f"has {int(known.min()):,}). Give a longer history of each, or leave them out."
        )
    parts = [make_rows(panel, setup, np.array([end]), only=np.array([k])) for k, end in enumerate(last)]
    if len(parts) == 1:
        return parts[0]
    steps = parts[0].steps
    joined = {
        name: np.concatenate([getattr(part.steps, name) for part in parts])
        for name in ("series", "origin", "step", "change", "change_rms")
    }
    whole = Steps(
        names=steps.names, **joined, horizon=steps.horizon, season=steps.season, length=steps.length, gaps=steps.gaps,
        together=steps.together, untimed=steps.untimed, short=0,
    )  # fmt: skip
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    y = np.concatenate([part.y for part in parts])
    return Rows(frame, parts[0].types, y, np.concatenate([part.file_rows for part in parts]), whole)


def make_rows(panel: Panel, setup: Setup, origins: np.ndarray, only: np.ndarray | None = None) -> Rows:
    """The rows of these origins, series by series, origin by origin, step by step.  only: of these series.

    A series has rows from the origin on that has enough history behind it, until its own last value.
    """
    h, m = setup.horizon, setup.season
    first, last = panel.ends()
    pieces: list[dict[str, Any]] = []
    short = 0
    for k in range(len(panel.names)) if only is None else only.tolist():
        mine = origins[(origins >= first[k] + setup.history - 1) & (origins <= last[k])]
        short += not len(mine)
        if len(mine):
            pieces.append(_of_series(panel, setup, k, int(first[k]), mine))
    if not pieces:
        pieces.append(_of_series(panel, setup, 0, 0, origins[:0]))
    made: dict[str, Any] = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    series, origin, step = made.pop("series"), made.pop("origin"), made.pop("step")
    y, file_rows = made.pop("y"), made.pop("file_rows")
    window, change, rms = made.pop("window"), made.pop("change"), made.pop("change_rms")
    names, kinds = window_columns(setup)
    frame = pd.DataFrame(np.column_stack([step.astype(np.float64), change, window]), columns=names)
    more, more_kinds = _beside(panel, setup, series, origin, step, made)
    rows = pd.RangeIndex(len(frame))
    extra = {name: pd.Series(v, index=rows, dtype=v.dtype, copy=False) for name, v in more.items()}
    frame = pd.concat([frame, pd.DataFrame(extra, index=rows)], axis=1) if extra else frame
    steps = Steps(
        panel.names, series, origin, step, change, rms, h, m, panel.length, panel.gaps(), panel.together,
        panel.untimed, short,
    )  # fmt: skip
    return Rows(frame, dict(zip(names, kinds, strict=True)) | more_kinds, y, file_rows, steps)


def window_columns(setup: Setup) -> tuple[list[str], list[str]]:
    """Names and types of the columns that come from the series itself."""
    names, kinds = ["step", "usual change"], [STEP, CHANGE]
    names += [f"lag {i}" for i in range(1, setup.window + 1)]  # lag 1 is the value at the origin
    kinds += [LAG] * setup.window
    if setup.season > 1:
        names.append("one season before")
        kinds.append(LEVEL)
    return [*names, "mean so far", "drift so far"], [*kinds, LEVEL, SLOPE]


def _of_series(panel: Panel, setup: Setup, k: int, first: int, origins: np.ndarray) -> dict[str, Any]:
    """The parts of the rows of one series, (n, …) arrays with n = origins × steps.  first: its first step."""
    h, W = setup.horizon, setup.window
    values, known = panel.values[k], panel.known[k]
    if setup.gaps == "zero":
        begin, end = np.flatnonzero(known)[[0, -1]] if known.any() else (0, -1)
        values = values.copy()
        values[begin : end + 1] = np.nan_to_num(values[begin : end + 1])
        known = ~np.isnan(values)
    as_of = AsOf(values, known, interpolate=setup.gaps == "interpolate")
    window = as_of.at(origins[:, None] - np.arange(W)[None, :], origins[:, None])
    steps = np.arange(1, h + 1)
    columns = [np.repeat(window, h, axis=0)]
    if setup.season > 1:
        back = origins[:, None] + steps - setup.season * -(-steps // setup.season)
        columns.append(as_of.at(back, origins[:, None]).reshape(-1, 1))
    mean, slope, change, rms = _so_far(values, known, as_of, first, setup.season, origins)
    columns += [np.repeat(part, h)[:, None] for part in (mean, slope)]
    target = (origins[:, None] + steps).ravel()
    inside = target < len(values)
    y = np.full(len(target), np.nan)
    file_rows = np.full(len(target), -1, dtype=np.int64)
    y[inside] = values[target[inside]]
    file_rows[inside] = _row_at(panel.rows[k])[target[inside]]
    return {
        "series": np.full(len(target), k, dtype=np.int64),
        "origin": np.repeat(origins, h),
        "step": np.tile(steps, len(origins)).astype(np.int64),
        "y": y,
        "file_rows": file_rows,
        "window": np.concatenate(columns, axis=1),
        "change": np.repeat(change, h),
        "change_rms": np.repeat(rms, h),
        **_inputs_of_series(panel, setup, k, np.repeat(origins, h), target),
    }


class AsOf:
    """A series as it was known at a moment: a gap between two values is bridged once the second is known, and until
    then holds the value before it.  values: (A,), NaN where not known."""

    def __init__(self, values: np.ndarray, known: np.ndarray, interpolate: bool) -> None:
        places = np.arange(len(values))
        before = np.maximum.accumulate(np.where(known, places, -1)) if len(values) else places
        self.carried = np.where(before >= 0, values[np.maximum(before, 0)], np.nan)
        self.next_known = np.full(len(values), len(values))
        self.bridged = self.carried
        if interpolate and known.any():
            after = np.minimum.accumulate(np.where(known, places, len(values))[::-1])[::-1]
            self.next_known = after
            self.bridged = np.interp(places, places[known], values[known])

    def at(self, places: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """What was known at `moment` of the steps `places`, none of them later; NaN before the first value."""
        places, moment = np.broadcast_arrays(places, moment)
        inside = np.maximum(places, 0)
        seen = np.where(self.next_known[inside] <= moment, self.bridged[inside], self.carried[inside])
        return np.where(places >= 0, seen, np.nan)


def _so_far(
    values: np.ndarray, known: np.ndarray, as_of: AsOf, first: int, m: int, origins: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Of each origin: the mean of the values so far, the slope from the first to the last of them, and the mean and
    root mean square of y_t − y_{t−m}; (n,) each."""
    if not len(origins):
        return (np.empty(0),) * 4
    count = np.cumsum(known)
    mean = np.cumsum(np.nan_to_num(values))[origins] / np.maximum(count[origins], 1)
    passed = np.maximum(origins - first, 1)
    slope = (as_of.carried[origins] - values[first]) / passed
    changes = np.full(len(values), np.nan)
    changes[m:] = values[m:] - values[:-m]
    pairs = np.cumsum(~np.isnan(changes))[origins]
    absolute, squares = np.nan_to_num(np.abs(changes)), np.nan_to_num(changes**2)
    none = np.where(pairs > 0, 1.0, np.nan)
    change = none * np.cumsum(absolute)[origins] / np.maximum(pairs, 1)
    rms = none * np.sqrt(np.cumsum(squares)[origins] / np.maximum(pairs, 1))
    return mean, slope, change, rms


def _row_at(rows: np.ndarray) -> np.ndarray:
    """The row of the file each value stands in; of a step that the file leaves out, that of the value before."""
    places = np.maximum.accumulate(np.where(rows >= 0, np.arange(len(rows)), 0))
    return np.maximum(rows[places], 0)


def _inputs_of_series(panel: Panel, setup: Setup, k: int, origin: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """What else is known: of every input its last value at the origin, of those known in advance that at the target."""
    found: dict[str, Any] = {}
    for name, cells in panel.inputs.items():
        row = cells[k]
        there = ~np.asarray(pd.isna(row))
        before = np.maximum.accumulate(np.where(there, np.arange(len(row)), 0))
        found[f"{name} (at the origin)"] = row[before[origin]]
        if name in setup.known:
            beyond = target >= len(row)
            ahead = row[np.minimum(target, len(row) - 1)]
            ahead[beyond] = empty_of(ahead.dtype)
            found[f"{name} (ahead)"] = ahead
    return found


def _beside(
    panel: Panel, setup: Setup, series: np.ndarray, origin: np.ndarray, step: np.ndarray, inputs: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The columns that do not come from the series: its name, the calendar at the target, other inputs."""
    made: dict[str, np.ndarray] = {}
    kinds: dict[str, str] = {}
    if 1 < len(panel.names) <= MANY_SERIES:
        made["series"], kinds["series"] = np.array(panel.names, dtype=object)[series], "category"
    for name, texts in panel.calendar.parts(origin + step, setup.season).items():
        made[name], kinds[name] = texts, "category"
    for name, cells in inputs.items():
        made[name], kinds[name] = cells, panel.types[name.rpartition(" (")[0]]
    return made, kinds
