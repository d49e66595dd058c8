"""Values that contradict what their column is called: an age below 0, a percentage above 100, a date far ahead.

Conservative, since a wrong alarm costs more than a missed one: a column where such values are common means something
else by its name (a change, a standardised value), and gives none.
"""

from __future__ import annotations

import numpy as np

from engine.data.naming import tokens
from engine.records import Json

# Words of column names, in the singular and the plural.
AMOUNTS = frozenset(tokens("age ages price prices count counts weight weights height heights length lengths"))
AMOUNTS |= frozenset(tokens("duration durations percent percents percentage percentages pct"))  # all start at 0
PERCENT = frozenset(tokens("percent percents percentage percentages pct"))
SIGNED = frozenset(tokens("change changes changed delta diff difference differences deviation dev error errors"))
SIGNED |= frozenset(tokens("residual residuals return returns growth gain loss margin offset shift trend balance"))
SIGNED |= frozenset(tokens("temperature temp relative rel log ln z zscore score scores norm normalized normalised"))
SIGNED |= frozenset(tokens("standardized standardised scaled centered centred coefficient coef"))
SIGNED |= frozenset(tokens("spot electricity power energy"))  # beside one of these, an amount may be below 0
OTHER_AGES = frozenset(tokens("second seconds minute minutes hour hours day days week weeks month months"))
OTHER_AGES |= frozenset(tokens("building buildings house houses home property tree trees rock rocks fossil star stars"))
OTHER_AGES |= frozenset(tokens("company firm business bridge site stand forest soil"))  # not years, or not of people
OLDEST = 120
SELDOM = 0.05  # at most this share of the values (or one) may be impossible, else the name means something else
RARELY = 0.01  # for an age above 120, which may be counted in weeks or days
AHEAD = 50  # years after the median date


def of_numbers(name: str, values: np.ndarray, counts: np.ndarray) -> list[dict[str, Json]]:
    """What is suspicious in a column of numbers: none or one entry {"column", "what", "count", "condition"}.

    values: (k,) its distinct values without those that mean missing; counts: (k,) how often each occurs.
    condition: SQL that holds where a value cannot be.
    """
    words, n = set(tokens(name)), int(counts.sum())
    if not n or AMOUNTS.isdisjoint(words) or not SIGNED.isdisjoint(words):
        return []
    told = [(values < 0, SELDOM, "below 0", "< 0")]
    if not PERCENT.isdisjoint(words):
        told.append((values > 100, SELDOM, "above 100", "> 100"))
    if words & {"age", "ages"} and OTHER_AGES.isdisjoint(words):
        told.append((values > OLDEST, RARELY, f"above {OLDEST}", f"> {OLDEST}"))
    found = [
        (count, said, sql)
        for which, most, said, sql in told
        if 0 < (count := int(counts[which].sum())) <= max(1, most * n)
    ]
    if not found:
        return []
    column = _identifier(name)
    return [
        {
            "column": name,
            "what": " and ".join(f"{_values(count)} {said}" for count, said, _ in found),
            "count": sum(count for count, _, _ in found),
            "condition": " OR ".join(f"{column} {sql}" for _, _, sql in found),
        }
    ]


def of_dates(name: str, times: np.ndarray) -> list[dict[str, Json]]:
    """As `of_numbers`, for dates more than 50 years after the median one.  times: (n,) datetime64, NaT where empty."""
    known = times[~np.isnat(times)].astype("datetime64[s]")
    if not len(known):
        return []
    middle = np.sort(known)[(len(known) - 1) // 2].astype("datetime64[D]")
    last = (middle.astype("datetime64[M]") + 12 * AHEAD).astype("datetime64[D]")  # the month's first day, 50 years on
    last += middle - middle.astype("datetime64[M]").astype("datetime64[D]")
    count = int((known >= last + 1).sum())
    if not 0 < count <= max(1, SELDOM * len(known)):
        return []
    what = f"{_values(count, 'date')} more than {AHEAD} years after the median date, {middle}"
    return [{"column": name, "what": what, "count": count, "condition": f"{_identifier(name)} >= '{last + 1}'"}]


def _values(count: int, what: str = "value") -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
