"""The cells that read series: their values on equal steps of time, and the rows that ask for what comes next."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.series.calendar import Calendar
from engine.data.series.panel import Panel, read_panel
from engine.data.series.rows import MANY_SERIES
from engine.data.settings import ReadSettings
from engine.export.code.plan import Cell, Plan, value
from engine.export.model.terms import NoForm

_MONTHS = {"years": 12, "quarters": 3, "months": 1}
_PARTS = {
    "month": 'np.array(when.month_name().str[:3], dtype=object)',
    "weekday": 'np.array(when.day_name().str[:3], dtype=object)',
    "hour": 'np.array(when.strftime("%H"), dtype=object)',
    "quarter": 'np.array([f"Q{k}" for k in when.quarter], dtype=object)',
}  # fmt: skip
BORROWED = ("engine.data.series.rows:AsOf", "engine.data.series.rows:_so_far")


def series(plan: Plan) -> Cell:
    """Raises NoForm for series that do not stand one below the other."""
    said = plan.recipe["series"]
    shape = said.get("shape") or "long"
    panel = panel_of(plan)
    if shape == "rows" or (shape == "wide" and panel.together):
        raise NoForm(
            "Series that stand in a row each, or side by side with several rows for one time, do not leave as plain "
            "code so far; put them one below the other, or take --to model."
        )
    season = int(said["season"])
    kinds = '"step": "step", "usual change": "change", **{f"lag {i}": "lag" for i in range(1, LOOKBACK + 1)},'
    further = '"one season before": "level", ' if season > 1 else ""
    who = "series" if shape == "wide" else said.get("id")
    names = ", ".join(f"{name!r}" for name in (said.get("time"), who))
    code = f"""TIME, SERIES = {names}  # the columns that say when, and of which series
HORIZON, SEASON, LOOKBACK = {int(said["horizon"])!r}, {season!r}, {int(said["window"])!r}  # in steps
WINDOW_KINDS = {{
    {kinds}
    {further}"mean so far": "level", "drift so far": "slope",
}}


{_calendar(plan, panel.calendar, panel.stamp, season)}

{_beside(panel.names) if shape == "wide" else _history(panel.together, str(said.get("duplicated") or ""))}

{_rows(plan, str(said["gaps"]), len(panel.names), panel.calendar.part_names(season))}

def next_rows(past: dict[str, Any]) -> pd.DataFrame:
    \"\"\"The steps after the last value of each series.\"\"\"
    ends = [np.flatnonzero(~np.isnan(values))[-1] for values in past["values"]]
    steps = np.arange(1, HORIZON + 1)
    places = np.arange(len(ends))
    asked = {{"series": np.repeat(places, HORIZON), "origin": np.repeat(ends, HORIZON),
             "step": np.tile(steps, len(ends))}}
    return pd.DataFrame(asked)
"""
    return Cell("The rows of a forecast", "A row holds what was known at its origin, and asks for the value so many "
                "steps ahead.", code)  # fmt: skip


def _calendar(plan: Plan, calendar: Calendar, stamp: str, season: int) -> str:
    parts = calendar.part_names(season)
    settings = ReadSettings.from_dict(plan.recipe.get("read") or {})
    name = str(plan.recipe["series"]["time"])
    every = int(calendar.every)
    if not calendar.dated:
        place = f"(ticks + {int(calendar.anchor) // every}) % SEASON"
        said = f'{{"place in season": np.array([str(i + 1) for i in {place}], dtype=object)}}' if parts else "{}"
        return f"""def ticks_of(raw: pd.DataFrame) -> pd.Series:
    \"\"\"The step that each row of the file lies in.\"\"\"
    return (numbers(raw, TIME) - {int(calendar.anchor)}) // {every}


def times_of(ticks: np.ndarray) -> Any:
    return {int(calendar.anchor)} + ticks * {every}


def calendar(ticks: np.ndarray) -> dict[str, np.ndarray]:
    return {said}
"""
    anchor = str(np.datetime64(int(calendar.anchor), "us"))
    form = settings.dates.get(name) or _packed(stamp) or "ISO8601"
    months = every * _MONTHS.get(calendar.unit, 0)
    if months:
        ticks = "(times.dt.year - ANCHOR.year) * 12 + times.dt.month - ANCHOR.month"
        ticks = f"({ticks}) // {months}" if months > 1 else ticks
        step = f"{months} * " if months > 1 else ""
        ends = " + pd.offsets.MonthEnd(0)" if calendar.at_end else ""
        found = f"[ANCHOR + pd.DateOffset(months={step}int(tick)){ends} for tick in ticks]"
    elif calendar.unit == "business days":
        ticks = (f"pd.Series(np.where(times.isna(), np.nan, np.busday_count(ANCHOR.date(), np.busday_offset(\n"
                 f"        times.fillna(ANCHOR).to_numpy(dtype=\"M8[D]\"), 0, \"backward\")) // {every}))")  # fmt: skip
        found = (f"np.busday_offset(ANCHOR.date(), ticks * {every}, \"forward\").astype(\"M8[us]\") "
                 "+ (ANCHOR - ANCHOR.floor(\"D\"))")  # fmt: skip
    else:
        days = 7 if calendar.unit == "weeks" else 1
        unit = "days" if calendar.unit == "weeks" else calendar.unit
        ticks = f"(times - ANCHOR) // pd.Timedelta({every * days}, {unit!r})"
        found = f"ANCHOR + pd.to_timedelta(ticks * {every * days}, {unit!r})"
    known = "".join(f"        {part!r}: {_PARTS[part]}[place],\n" for part in parts)
    said = f"{{\n{known}    }}" if known else "{}"
    return f"""ANCHOR = pd.Timestamp({anchor!r})  # step 0; one step is {calendar.step}


def ticks_of(raw: pd.DataFrame) -> pd.Series:
    \"\"\"The step that each row of the file lies in.\"\"\"
    times = pd.to_datetime(texts(raw, TIME), format={form!r}, errors="coerce")
    return {ticks}


def times_of(ticks: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex({found})


def calendar(ticks: np.ndarray) -> dict[str, np.ndarray]:
    \"\"\"What is known of any time in advance.\"\"\"
    different, place = np.unique(ticks, return_inverse=True)
    when = times_of(different)
    return {said}
"""


def _packed(stamp: str) -> str:
    return {6: "%Y%m", 8: "%Y%m%d", 4: "%Y"}.get(len(stamp), "") if stamp.isdigit() else ""


def form_of_times(plan: Plan) -> str:
    """How times are written, as those of the file: for strftime; "" for numbers."""
    panel = panel_of(plan)
    like = panel.stamp
    if not panel.calendar.dated:
        return ""
    if like.isdigit() and len(like) in (4, 6, 8):
        return _packed(like)
    if len(like) == 7 and like[4:5] == "-" and like[5:].isdigit():
        return "%Y-%m"
    clock = int(panel.calendar.anchor) % 86_400_000_000 or panel.calendar.unit in ("hours", "minutes", "seconds")
    if not clock and len(like) <= 12:
        return "%Y-%m-%d"
    return "%Y-%m-%dT%H:%M:%S" if "T" in like else "%Y-%m-%d %H:%M:%S"


def _beside(names: list[str]) -> str:
    return f'''COLUMNS = {value(list(names))}  # a series each


def history(path: Path) -> dict[str, Any]:
    """The names of the series and their values on equal steps, (series, steps)."""
    raw = table(path)
    when = ticks_of(raw)
    at = when[when.notna()].astype(int).to_numpy()
    values = np.full((len(COLUMNS), at.max() + 1), np.nan)
    for k, name in enumerate(COLUMNS):
        values[k, at] = numbers(raw, name)[when.notna()]
    return {{"names": COLUMNS, "values": values, "inputs": {{}}}}
'''


def panel_of(plan: Plan) -> Panel:
    """The series as the session read them."""
    return read_panel(plan.d.data(), {**plan.recipe, "types": plan.recipe["inputs"]})


def _history(together: int, way: str) -> str:
    values = "numbers(raw, TARGET)"
    joined = ""
    if together and way in ("sum", "mean"):
        more = ", min_count=1" if way == "sum" else ""
        joined = (f"    value[there] = value[there].groupby([place, at]).transform({way!r}{more})"
                  "  # several at one time\n")  # fmt: skip
    return f'''def history(path: Path) -> dict[str, Any]:
    """The names of the series, their values on equal steps, and the inputs beside them, (series, steps) each."""
    raw = table(path)
    when, value = ticks_of(raw), {values}
    who = texts(raw, SERIES) if SERIES else pd.Series("", index=raw.index)
    there = when.notna() & who.notna()
    names = sorted(who[there].unique())
    place = who[there].map({{name: k for k, name in enumerate(names)}}).to_numpy()
    at = when[there].astype(int).to_numpy()
{joined}
    def on_steps(cells: pd.Series) -> np.ndarray:
        kept = cells[there].to_numpy()
        empty = {{"M": np.datetime64("NaT", "us"), "f": np.nan}}.get(kept.dtype.kind)
        grid = np.full((len(names), at.max() + 1), empty, dtype=kept.dtype)
        grid[place, at] = kept
        return grid

    inputs = load(path)
    return {{"names": names, "values": on_steps(value),
            "inputs": {{column: on_steps(inputs[column]) for column in inputs}}}}
'''


def _rows(plan: Plan, gaps: str, many: int, parts: Any) -> str:
    known = [str(name) for name in plan.recipe["series"].get("known") or ()]
    beside = []
    if 1 < many <= MANY_SERIES:
        beside.append(
            '    names = np.array(past["names"], dtype=object)[wanted["series"]]\n'
            '    frame["series"] = pd.Series(names, index=frame.index, dtype=object)\n'
        )
    if parts:
        beside.append('    for name, cells in calendar((wanted["origin"] + wanted["step"]).to_numpy()).items():\n'
                      "        frame[name] = pd.Series(cells, index=frame.index, dtype=object)\n")  # fmt: skip
    inputs = ""
    if plan.file_recipe["types"]:
        inputs = f"""        for name, cells in past["inputs"].items():
            row = cells[k]
            before = np.maximum.accumulate(np.where(~np.asarray(pd.isna(row)), np.arange(len(row)), 0))
            others[f"{{name}} (at the origin)"] = row[before[origin]]
            if name in {value(known)}:
                ahead = row[np.minimum(target, len(row) - 1)]
                ahead[target >= len(row)] = {{"M": np.datetime64("NaT", "us"), "f": np.nan}}.get(row.dtype.kind)
                others[f"{{name}} (ahead)"] = ahead
"""
        beside.append("    frame = pd.concat([frame, pd.concat(found_beside)], axis=1)\n")
    zero = """        inside = np.flatnonzero(known)
        values = values.copy()
        values[inside[0] : inside[-1] + 1] = np.nan_to_num(values[inside[0] : inside[-1] + 1])  # a gap counts as 0
        known = ~np.isnan(values)
""" if gaps == "zero" else ""  # fmt: skip
    season = """        if SEASON > 1:
            back = origin + step - SEASON * -(-step // SEASON)
            made["one season before"] = as_of.at(back, origin)
""" if int(plan.recipe["series"]["season"]) > 1 else ""  # fmt: skip
    others = "        others: dict[str, Any] = {}\n" if inputs else ""
    keep = "        found_beside.append(pd.DataFrame(others, index=mine.index))\n" if inputs else ""
    lists = "found, found_beside, y, squares = [], [], [], []" if inputs else "found, y, squares = [], [], []"
    return f'''def rows(past: dict[str, Any], wanted: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """What was known at each origin, and the values asked for: NaN where nobody knows them yet."""
    {lists}
    for k, mine in wanted.groupby("series"):
        origin, step = mine["origin"].to_numpy(), mine["step"].to_numpy()
        values, target = past["values"][k], origin + step
        known = ~np.isnan(values)
        first = known.argmax()
{zero}        as_of = AsOf(values, known, interpolate={gaps == "interpolate"})
        mean, drift, change, square = _so_far(values, known, as_of, first, SEASON, origin)
        made = {{"step": step.astype(float), "usual change": change}}
        made |= {{f"lag {{i + 1}}": as_of.at(origin - i, origin) for i in range(LOOKBACK)}}
{season}        made |= {{"mean so far": mean, "drift so far": drift}}
{others}{inputs}{keep}        found.append(pd.DataFrame(made, index=mine.index))
        y.append(np.where(target < len(values), values[np.minimum(target, len(values) - 1)], np.nan))
        squares.append(square)
    frame = pd.concat(found)
{"".join(beside)}    wanted["usual change"], wanted["usual square"] = frame["usual change"], np.concatenate(squares)
    return frame, np.concatenate(y)
'''
