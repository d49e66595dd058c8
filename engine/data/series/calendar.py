"""The steps of a series: from times to whole numbers (ticks) and back, and what is known of any time in advance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import DataProblem

UNITS = ("years", "quarters", "months", "weeks", "business days", "days", "hours", "minutes", "seconds", "steps")
_SECONDS = {"weeks": 7 * 86_400, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_MONTHS = {"years": 12, "quarters": 3, "months": 1}
_DAY, _MONTH, _SECOND = np.dtype("M8[D]"), np.dtype("M8[M]"), np.dtype("M8[s]")

# What one season may be, in steps of one unit, the likeliest first; a step of several units has as many fewer.
SEASONS: Mapping[str, tuple[int, ...]] = {
    "quarters": (4,),
    "months": (12,),
    "weeks": (52,),
    "business days": (5,),
    "days": (7, 365),
    "hours": (24, 168),
    "minutes": (60, 1_440),
    "seconds": (60, 3_600),
}
_MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_NAMES = {
    "month": np.array(["", *_MONTH_NAMES], dtype=object),
    "weekday": np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], dtype=object),
    "hour": np.array([f"{hour:02d}" for hour in range(24)], dtype=object),
    "quarter": np.array(["", "Q1", "Q2", "Q3", "Q4"], dtype=object),
}
_PARTS: Mapping[str, tuple[str, ...]] = {
    "quarters": ("quarter",),
    "months": ("month",),
    "weeks": ("month",),
    "business days": ("weekday", "month"),
    "days": ("weekday", "month"),
    "hours": ("hour", "weekday"),
    "minutes": ("hour", "weekday"),
    "seconds": ("hour", "weekday"),
}


@dataclass(frozen=True)
class Calendar:
    """Equal steps from an anchor on.

    unit: of UNITS.  every: how many units one step is.  anchor: the time of tick 0, microseconds since 1970 for dates,
    else the number itself.  at_end: dates lie at the end of their month.
    """

    unit: str
    every: int
    anchor: int
    at_end: bool = False

    @property
    def frequency(self) -> str:
        """As a recipe carries it: "months", "15 minutes", "steps"."""
        return self.unit if self.every == 1 else f"{self.every} {self.unit}"

    @property
    def step(self) -> str:
        """One step in words: "1 month", "15 minutes"."""
        return f"1 {self.unit[:-1]}" if self.every == 1 else f"{self.every} {self.unit}"

    @property
    def dated(self) -> bool:
        return self.unit != "steps"

    def ticks(self, times: np.ndarray) -> np.ndarray:
        """times: (n,) datetime64[us], or float64 numbers; none missing.  Returns (n,) int64, the step each lies in."""
        if not self.dated:
            return np.floor((times - self.anchor) / self.every).astype(np.int64)
        if self.unit in _MONTHS:
            months = times.astype(_MONTH).astype(np.int64) - self._anchor.astype(_MONTH).astype(np.int64)
            return months // (self.every * _MONTHS[self.unit])
        if self.unit == "business days":
            start, days = self._anchor.astype(_DAY), times.astype(_DAY)
            return np.busday_count(start, np.busday_offset(days, 0, "backward")) // self.every
        seconds = (times - self._anchor).astype("m8[us]").astype(np.int64) // 1_000_000
        return seconds // (self.every * _SECONDS[self.unit])

    def times(self, ticks: np.ndarray) -> np.ndarray:
        """The time each step begins at (of months at their end: the last day): datetime64[us], or float64."""
        ticks = np.asarray(ticks, dtype=np.int64)
        if not self.dated:
            return (self.anchor + ticks * self.every).astype(np.float64)
        if self.unit in _MONTHS:
            start = self._anchor.astype(_MONTH) + ticks * (self.every * _MONTHS[self.unit])
            length = (start + 1).astype(_DAY) - start.astype(_DAY)
            day = (self._anchor.astype(_DAY) - self._anchor.astype(_MONTH).astype(_DAY)).astype(np.int64)
            inside = length.astype(np.int64) - 1 if self.at_end else np.minimum(day, length.astype(np.int64) - 1)
            clock = self._anchor - self._anchor.astype(_DAY)
            return (start.astype(_DAY) + inside).astype("M8[us]") + clock
        if self.unit == "business days":
            days = np.busday_offset(self._anchor.astype(_DAY), ticks * self.every, "forward")
            return days.astype("M8[us]") + (self._anchor - self._anchor.astype(_DAY))
        return self._anchor + (ticks * (self.every * _SECONDS[self.unit])).astype("m8[s]")

    def parts(self, ticks: np.ndarray, season: int) -> dict[str, np.ndarray]:
        """What the calendar says of each time, (n,) object arrays of str: month, weekday, hour; known for any future.

        Numbered steps have a place in their season.
        """
        if not self.dated:
            if season <= 1:
                return {}
            place = (np.asarray(ticks) + self.anchor // self.every) % season
            return {"place in season": np.array([str(i + 1) for i in range(season)], dtype=object)[place]}
        times: Any = self.times(ticks)
        days = times.astype(_DAY)
        months = days.astype(_MONTH).astype(np.int64) % 12 + 1
        codes = {
            "month": months,
            "quarter": (months + 2) // 3,
            "weekday": (days.astype(np.int64) + 3) % 7,  # 1 January 1970 was a Thursday
            "hour": (times.astype(_SECOND).astype(np.int64) // 3_600) % 24,
        }
        return {name: _NAMES[name][codes[name]] for name in self.part_names(season)}

    def part_names(self, season: int) -> tuple[str, ...]:
        if not self.dated:
            return ("place in season",) if season > 1 else ()
        return _PARTS.get(self.unit, ())

    def seasons(self) -> list[int]:
        """What a season may be by the calendar, in steps, the likeliest first."""
        found = [m / self.every for m in SEASONS.get(self.unit, ())]
        if self.unit == "minutes":  # an hour of quarters is no season, a day of them is
            found = [1_440 / self.every, 60 / self.every]
        return [int(m) for m in found if m == int(m) and m >= 2]

    @property
    def _anchor(self) -> np.datetime64:
        return np.datetime64(self.anchor, "us")


def infer(times: np.ndarray) -> tuple[Calendar, bool]:
    """The calendar that times follow, and whether they do not really: fewer than half of its steps would have one.

    times: (n,) datetime64[us], or float64 numbers, none missing.  Times off any step get that of the median gap
    between them.  Raises DataProblem for fewer than three different times, or numbers that are not whole.
    """
    distinct = np.unique(times)
    if len(distinct) < 3:
        raise DataProblem(
            f"There are {len(distinct)} different times: a series needs at least three. Check the column."
        )
    if np.issubdtype(distinct.dtype, np.number):
        return _numbered(distinct)
    for calendar in _candidates(distinct):
        if len(distinct) >= 0.5 * (int(calendar.ticks(distinct[-1:])[0]) + 1):
            return calendar, False
    gap = float(np.median(np.diff(distinct).astype("m8[s]").astype(np.int64)))
    usual = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800, "months": 2_629_746}
    unit = min(usual, key=lambda name: abs(np.log(max(gap, 1) / usual[name])))
    return of(unit, times), True


def _numbered(distinct: np.ndarray) -> tuple[Calendar, bool]:
    if (distinct != np.round(distinct)).any():
        odd = distinct[distinct != np.round(distinct)][0]
        raise DataProblem(f"The times are no dates and no whole numbers ({odd:g}): give dates, or number the steps.")
    every = int(np.gcd.reduce(np.diff(distinct).astype(np.int64)))
    calendar = Calendar("steps", every, int(distinct[0]))
    return calendar, len(distinct) < 0.5 * (int(calendar.ticks(distinct[-1:])[0]) + 1)


def _candidates(distinct: np.ndarray) -> list[Calendar]:
    """Calendars that hold every one of these dates, the coarsest first."""
    anchor = int(distinct[0].astype("M8[us]").astype(np.int64))
    days = distinct.astype(_DAY)
    clocks = (distinct - days).astype("m8[us]").astype(np.int64)
    found: list[Calendar] = []
    if (clocks == clocks[0]).all():
        months = days.astype(_MONTH)
        place = (days - months.astype(_DAY)).astype(np.int64)
        at_end = bool(((days + 1).astype(_MONTH) != months).all())
        if at_end or (place == place[0]).all():
            g = int(np.gcd.reduce(np.diff(months.astype(np.int64))))
            for unit in ("years", "quarters", "months"):
                if g and g % _MONTHS[unit] == 0:
                    found.append(Calendar(unit, g // _MONTHS[unit], anchor, at_end))
                    break
        g = int(np.gcd.reduce(np.diff(days.astype(np.int64))))
        if g % 7 == 0:
            found.append(Calendar("weeks", g // 7, anchor))
        elif g == 1 and len(days) >= 5 and np.is_busday(days).all():
            found.append(Calendar("business days", 1, anchor))
        else:
            found.append(Calendar("days", g, anchor))
        return found
    if (clocks % 1_000_000).any():
        return []
    g = int(np.gcd.reduce(np.diff(distinct).astype("m8[us]").astype(np.int64) // 1_000_000))
    for unit in ("hours", "minutes", "seconds"):
        if g % _SECONDS[unit] == 0:
            return [Calendar(unit, g // _SECONDS[unit], anchor)]
    return []


_FREQUENCY = re.compile(r"(?:(\d+) )?(" + "|".join(UNITS) + r")$")


def of(frequency: str, times: np.ndarray) -> Calendar:
    """The calendar of that frequency through these times, which need not lie on its steps.

    Raises DataProblem for a frequency that there is none of, or that does not fit the times.
    """
    match = _FREQUENCY.match(frequency.strip())
    if match is None or match[1] == "0":
        raise DataProblem(f"There is no frequency {frequency!r}; say one of {', '.join(UNITS)}, or such as 15 minutes.")
    every, unit = int(match[1] or 1), match[2]
    first = times.min()
    dated = not np.issubdtype(times.dtype, np.number)
    if dated != (unit != "steps"):
        kind = "dates, which do not come in 'steps'" if dated else f"numbers, which do not come in '{unit}'"
        raise DataProblem(f"The times are {kind}: choose another frequency.")
    if not dated:
        return Calendar(unit, every, int(np.floor(first)))
    if unit in _MONTHS:
        days = np.unique(times.astype(_DAY))
        at_end = bool(((days + 1).astype(_MONTH) != days.astype(_MONTH)).all())
        places = (days - days.astype(_MONTH).astype(_DAY)).astype(np.int64)
        start = first if at_end or (places == places[0]).all() else first.astype(_MONTH)
        return Calendar(unit, every, int(start.astype("M8[us]").astype(np.int64)), at_end)
    start = first
    clocks = (times - times.astype(_DAY)).astype(np.int64)
    if unit in ("weeks", "days", "business days") and (clocks != clocks[0]).any():
        start = first.astype(_DAY)
    if unit == "business days":
        start = np.busday_offset(start.astype(_DAY), 0, "backward")
    if unit in ("hours", "minutes"):
        seconds = first.astype(_SECOND).astype(np.int64)
        off = (times.astype(_SECOND).astype(np.int64) - seconds) % (every * _SECONDS[unit])
        if off.any():  # off its steps: begin at a whole hour or minute
            start = np.datetime64(int(seconds // _SECONDS[unit] * _SECONDS[unit]), "s")
    return Calendar(unit, every, int(start.astype("M8[us]").astype(np.int64)))
