"""Series that stand side by side: a column a series, or a row a series and a column a step of time."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from engine.data.cells import date_format, parse_dates
from engine.records import Json

FEWEST_STEPS = 8  # columns named by times from which they are taken for the steps of series
FEWEST_ALIKE = 3  # columns named alike from which each is taken for a series
MOST_OF = 0.8  # of the number columns must belong to the one form
_YEAR = re.compile(r"\d{4}")


def times_in_names(names: Sequence[str]) -> np.ndarray | None:
    """(n,) datetime64[us] of columns named by a time, `2024-03`, `1 Mar 2024` or `2024`; None where one is not."""
    if all(_YEAR.fullmatch(name.strip()) and 1500 <= int(name) <= 2200 for name in names):
        return np.array([name.strip() for name in names], dtype="datetime64[Y]").astype("datetime64[us]")
    fmt = date_format(list(names), needed=1.0)
    return None if fmt is None else parse_dates(list(names), fmt)


def steps_in_names(names: Sequence[str]) -> list[str]:
    """Those of the names that say a time in the one way that most of them do, in their order."""
    years = [name for name in names if _YEAR.fullmatch(name.strip()) and 1500 <= int(name) <= 2200]
    dates = [name for name in names if date_format([name], needed=1.0) is not None]
    some = max(years, dates, key=len)
    return some if some and times_in_names(some) is not None else []


def side_by_side(numbers: Sequence[str], keys: Sequence[str], time: str | None) -> Json:
    """{"shape": "rows" | "wide", "columns", "id"} where the columns are series, or steps of them; None elsewhere.

    numbers: the columns of numbers, in order.  keys: those whose values are all different.  time: the column
    whose times go up by even steps, if there is one.  Without a time, columns named by times are the steps, one row a
    series.  With one, columns whose names differ by a number or by one word are series.
    """
    steps = steps_in_names(numbers)
    if time is None and len(steps) >= max(FEWEST_STEPS, MOST_OF * len(numbers)) and _rising(steps):
        beside = [name for name in keys if name not in steps]
        return {"shape": "rows", "columns": steps, "id": beside[0] if beside else None}
    alike = _named_alike(numbers) if time is not None else []
    if len(alike) >= max(FEWEST_ALIKE, MOST_OF * len(numbers)):
        return {"shape": "wide", "columns": alike, "id": None}
    return None


def _rising(names: Sequence[str]) -> bool:
    times = times_in_names(names)
    return times is not None and bool((np.diff(times).astype("int64") > 0).all())


def _named_alike(names: Sequence[str]) -> list[str]:
    """The largest set of names that are the same but for a number, or for one of two or more words."""
    forms: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        words = [word for word in re.split(r"[\W_]+|(?<=\D)(?=\d)", name.casefold()) if word]
        for place in range(len(words)) if len(words) > 1 else ():
            forms.setdefault((str(place), *words[:place], "", *words[place + 1 :]), []).append(name)
    return max(forms.values(), key=len, default=[])
