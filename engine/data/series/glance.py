"""The trial *series*: what a file's series are like, and what follows for season, horizon and window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data.naming import shown
from engine.data.series.panel import Panel, read_panel
from engine.data.series.rows import AsOf
from engine.data.table import TYPES
from engine.errors import DataProblem
from engine.plans import default_horizon, forecast_lockbox, forecast_plan, forecast_window
from engine.records import Json, Progress
from engine.trials import Context

SEASONAL = 0.3  # autocorrelation at one season from which there is one (data.series)
NEAR = 0.8  # of the highest peak; a wave that is so high, and fits into it, is the season itself
LISTENED = 50  # of many series, the longest speak for all when a season is looked for
NAMED, DRAWN, POINTS = 20, 6, 200


def series(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Read the series, and say what the guide makes of them.

    params: read, target, time, id, types (of the other inputs; ids and dropped columns are left aside), horizon (None:
    the usual one), and shape, frequency, duplicated, marks where they were said.  The season is looked for, and the
    plot drawn, without what the lockbox will hold.  Several values of a series at one time are looked at as their
    mean, and `together` says how they are best put together, where nobody said so.  Raises DataProblem when the series
    cannot be read (see read_panel).
    """
    said = {k: params.get(k) for k in ("time", "id", "frequency", "shape") if params.get(k)}
    said["duplicated"] = params.get("duplicated") or "mean"
    types = {c: kind for c, kind in (params.get("types") or {}).items() if kind in TYPES}
    recipe = {"read": params.get("read"), "target": params["target"], "types": types}
    recipe |= {"marks": params.get("marks") or {}, "series": said}
    ctx.report(Progress(0, 2, "step", "reading the series"))
    panel = read_panel(ctx.source(), recipe)
    ctx.report(Progress(1, 2, "step", "looking for a season"))
    first, last = panel.ends()
    lengths = (last - first + 1)[last >= 0]
    length = int(np.median(lengths))
    locked = forecast_lockbox(length, params.get("horizon") or default_horizon(length)).rows
    seasons, season = find_season(panel, panel.length - locked)
    horizon = int(params.get("horizon") or default_horizon(length, season))
    try:
        window, too_short = forecast_window(length, horizon, season), ""
    except DataProblem as problem:
        window, too_short = 1, str(problem)
    if not too_short:
        length_dev = length - forecast_lockbox(length, horizon).rows
        plan = forecast_plan(length_dev, horizon, season, window)
        too_short = plan.reason[0].upper() + plan.reason[1:] + "." if plan.tiny else ""
    ctx.report(Progress(2, 2, "step"))
    return {
        "frequency": panel.calendar.frequency,
        "step_words": panel.calendar.step,
        "series": len(panel.names),
        "length": {"min": int(lengths.min()), "median": length, "max": int(lengths.max())},
        "steps": panel.length,
        "gaps": panel.gaps(),
        "duplicated": panel.together,
        "together": params.get("duplicated") or _way(panel) if panel.together else None,
        "irregular": panel.irregular,
        "seasons": seasons,
        "season": season,
        "horizon": horizon,
        "window": window,
        "shape": said.get("shape") or "long",
        "names": panel.names[:NAMED],
        "plot": _plot(panel, panel.length - locked),
        "exogenous": list(panel.inputs),
        "warnings": [*_warnings(panel, lengths, season, window, horizon), *([too_short] if too_short else [])],
    }


# --- the season ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wave:
    """How alike a detrended series is to itself m steps before; half: half a season before, where a season of that
    length is least like itself, while what only moves slowly is more."""

    m: int
    value: float
    half: float

    @property
    def seasonal(self) -> bool:
        return self.value >= SEASONAL and self.value > self.half


def find_season(panel: Panel, until: int) -> tuple[list[list[float]], int]:
    """([[m, autocorrelation]] of the likeliest, the one that holds or 1), from the steps before `until`.

    The calendar's seasons come first, then peaks of the autocorrelation: of the mean over the longest series.
    """
    r = autocorrelation(panel, until)
    named = [w for m in panel.calendar.seasons() if (w := _wave(r, m)) is not None]
    peaks = [
        w
        for m in range(2, len(r) - 1)
        if r[m] >= max(r[m - 1], r[m + 1]) and (w := _wave(r, m)) is not None and w.seasonal
    ]
    peaks.sort(key=lambda w: -w.value)
    chosen = next((w.m for w in named if w.seasonal), None) or _root(r, peaks)
    every = {w.m: w.value for w in [*named, *peaks[:4]]}
    return [[m, round(value, 4)] for m, value in every.items()], chosen


def _root(r: np.ndarray, peaks: list[Wave]) -> int:
    """The shortest wave that the highest peak is a multiple of: what comes back after 7 steps does after 28, and one
    of the two is higher by chance.  1 where there is no peak."""
    if not peaks:
        return 1
    top = peaks[0]
    parts = (m for m in range(2, top.m) if top.m % m == 0 and r[m] >= max(r[m - 1], r[m + 1], NEAR * top.value))
    return next((m for m in parts if (w := _wave(r, m)) is not None and w.value > w.half), top.m)


def _wave(r: np.ndarray, m: int) -> Wave | None:
    if m >= len(r):
        return None
    half = max(r[m // 2], r[(m + 1) // 2]) if m > 2 else r[1]
    return Wave(m, float(r[m]), float(half))


def autocorrelation(panel: Panel, until: int) -> np.ndarray:
    """Of the detrended series, at lags 0 … T/3: the mean over the longest of them; (lags,) float64.

    A gap is bridged by a straight line; a series that never leaves its trend says nothing.
    """
    first, last = panel.ends()
    end = np.minimum(last, until - 1)
    order = np.argsort(-(end - first), kind="stable")[:LISTENED]
    lags = max(2, int((end - first + 1).max()) // 3 + 1)
    found = []
    for k in order:
        values = panel.values[k, first[k] : end[k] + 1]
        if len(values) < 4 or lags > len(values):
            continue
        filled = AsOf(values, ~np.isnan(values), interpolate=True).bridged
        at = np.arange(len(filled))
        rest = filled - np.polyval(np.polyfit(at, filled, 1), at)
        power = float(rest @ rest)
        if power > 1e-12 * float(filled @ filled):
            spectrum = np.abs(np.fft.rfft(rest, 2 * len(rest))) ** 2
            found.append(np.fft.irfft(spectrum)[:lags] / power)
    return np.mean(found, axis=0) if found else np.zeros(2)


# --- words and points ------------------------------------------------------------------------------------------------


def _warnings(panel: Panel, lengths: np.ndarray, season: int, window: int, horizon: int) -> list[str]:
    _, last = panel.ends()
    found = []
    if panel.irregular:
        found.append(
            f"The times follow no regular step: each is taken to the {panel.calendar.step} that it lies in, and those "
            "that fall together have to be put together (data.series, duplicated)."
        )
    if panel.together:
        found.append(
            f"{panel.together:,} rows come at a time that their series already has: they have to be put together, "
            "unless another column tells series apart."
        )
    gaps = panel.gaps()
    if gaps:
        share = gaps / max(1, gaps + int(panel.known.sum()))
        found.append(
            f"{gaps:,} steps ({100 * share:.1f} %) have no value; they are filled as inputs, and never scored."
        )
    if panel.untimed:
        found.append(f"{panel.untimed:,} rows have no time that can be read, and are left out.")
    short = int((lengths < max(window, season) + horizon).sum())
    if short:
        found.append(
            f"{short:,} of {len(lengths):,} series are shorter than the {max(window, season) + horizon:,} values that "
            "a look back and a horizon take: nothing is learned from them."
        )
    early = last < panel.length - horizon
    if early.any():
        names = [name for name, ended in zip(panel.names, early, strict=True) if ended]
        found.append(
            f"{len(names):,} series end before the others, and are not examined to the last: {shown(names, 3)}."
        )
    if season > 1 and int(np.median(lengths)) < 2 * season:
        found.append(f"Fewer than two seasons of {season}: the season can hardly be learned.")
    return found


def _way(panel: Panel) -> str:
    """Whole numbers are counts, which add up; others are measured, and have a mean."""
    known = panel.values[panel.known]
    return "sum" if (known >= 0).all() and (known * 2 == np.round(known * 2)).mean() > 0.9 else "mean"


def _plot(panel: Panel, until: int) -> dict[str, list[list[float]]]:
    """Name to [[step, value]] of a few series, thinned to 200 points each."""
    drawn: dict[str, Any] = {}
    for k in range(min(DRAWN, len(panel.names))):
        places = np.flatnonzero(panel.known[k, :until])
        places = places[np.unique(np.linspace(0, len(places) - 1, min(POINTS, len(places))).round().astype(int))]
        drawn[panel.names[k] or "value"] = [[int(i), float(panel.values[k, i])] for i in places]
    return drawn
