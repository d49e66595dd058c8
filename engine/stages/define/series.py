"""A series: which column is its time, which names it, and how far ahead is asked."""

from __future__ import annotations

from collections.abc import Mapping

from engine.data.naming import closest
from engine.effects import Ask, Conversation, Measure
from engine.errors import InvalidAnswer
from engine.plans import default_horizon
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.session import INPUT_TYPES, Session
from engine.stages.columns import Profile, counted, listed

SERIES = Question(
    "problem.series",
    "Which column is the time, and which one names the series, if there are several?",
    Form.TABLE,
    whys=(
        Why("Why the time?", "A forecast may know what was before its moment, and nothing after.", "KN L3.1"),
        Why("Why these?", "{reason}"),
        Why(
            "Which shapes are read?",
            "long: a row a value; wide: a column a series; rows: a row a series, a column a step.",
        ),
        Why("And several series?", "Each is forecast from its own past; what they share is learned together."),
    ),
    source="Hyndman & Athanasopoulos, Forecasting: principles and practice; Kapoor & Narayanan 2023, L3.1",
)
HORIZON = Question(
    "problem.horizon",
    "How many steps ahead is the forecast asked for?",
    Form.NUMBER,
    asks="person",
    low=1,
    high=10_000,
    unit="steps",
    default=1,
    fact=True,
    whys=(
        Why("Why ask?", "The farther ahead, the less can be known: a score is of one horizon."),
        Why("Why this many?", "{reason}"),
        Why("What follows from it?", "The exams and the lockbox are counted in horizons."),
    ),
    source="Decision catalogue, problem.horizon; Hyndman & Athanasopoulos",
)
SHAPES = ("long", "wide", "rows")  # a row a value, a column a series, a row a series
QUESTIONS = (SERIES, HORIZON)


def series(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    named = (yield _ask_series(s, profile, seen)).choice
    trial = Trial(
        "series",
        {
            "read": s.choice("data.load"),
            "target": s.target,
            "time": named["time"],
            "id": named["id"],
            "types": inputs_of(profile, s.target, named),
            "horizon": None,
            **shape_of(named),
        },
        s.data,
        label="looking at the series",
    )
    (found,) = yield Measure((trial,), "Looking at the series")
    yield _ask_horizon(profile, found)


def shape_of(named: Mapping[str, Json]) -> dict[str, Json]:
    """How series lie in the file, where it is not a value a row."""
    return {"shape": named["shape"]} if named.get("shape", "long") != "long" else {}


def inputs_of(profile: Profile, target: str, named: dict[str, Json]) -> dict[str, str]:
    """The other columns that a forecast may use, with their types; of series side by side those that are series."""
    out = {target, named["time"], named["id"]}
    beside = profile.value.get("side_by_side")
    if shape_of(named):
        alike = beside["columns"] if beside else profile.of_type("number")
        return {n: "number" for n in alike if n not in out}
    return {n: c["type"] for n, c in profile.columns.items() if n not in out and c["type"] in INPUT_TYPES}


def _ask_series(s: Session, profile: Profile, seen: Evidence) -> Ask:
    columns = [name for name in profile.columns if name != s.target]
    guess = profile.value.get("time_guess")
    dates = profile.of_type("date")
    time = guess or next(iter(dates), None) or next((n for n in columns if profile.columns[n].get("sorted")), None)
    groups = [g["column"] for g in profile.value.get("group_guess", []) if g["column"] not in (s.target, time)]
    repeats = time is not None and profile.columns[time]["distinct"] < 0.9 * profile.rows
    names = [n for n in columns if profile.columns[n]["type"] in ("category", "id") and n != time]
    entity = next(iter([*groups, *names]), None) if repeats else None

    beside = profile.value.get("side_by_side")
    best: dict[str, Json] = {"time": time, "id": entity}
    if beside and s.target in beside["columns"]:
        best = {"time": None if beside["shape"] == "rows" else time, "id": beside["id"], "shape": beside["shape"]}

    def read(choice: Json) -> Json:
        told = {**best, **choice}
        shape = told.get("shape") or "long"
        if shape not in SHAPES:
            raise InvalidAnswer(f"problem.series: shape is one of {', '.join(SHAPES)}, not {shape!r}.")
        for part, column in told.items():
            if part == "shape":
                continue
            if part not in ("time", "id"):
                raise InvalidAnswer(f"problem.series: it takes time, id and shape, not {part!r}.")
            if column in (None, "", "none") and (part == "id" or shape == "rows"):
                told[part] = None
            elif column not in columns:
                near = closest(str(column), columns)
                hint = f"did you mean {near[0]}?" if near else f"there are {listed(columns)}."
                raise InvalidAnswer(f"problem.series: there is no column {column!r} for the {part}; {hint}")
        return {part: given for part, given in told.items() if part != "shape" or given != "long"}

    why = f"“{time}” is the column that goes with the time" if time else "No column looks like a time"
    if "shape" in best:
        why = _side_by_side(profile, time)
    elif repeats and entity:
        why += f"; each time stands in several rows, and “{entity}” tells them apart"

    def judge(choice: Json) -> Judgement:
        check = Check("rows", profile.rows, protocol="all series together")
        if repeats and not choice["id"] and not shape_of(choice):
            message = "Each time stands in several rows: without a name for the series they cannot be told apart."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    recommended = best if time or "shape" in best else None
    return Ask(SERIES, recommended=recommended, reason=f"{why}.", evidence=(seen,), read=read, judge=judge)


def _side_by_side(profile: Profile, time: str | None) -> str:
    beside = profile.value["side_by_side"]
    columns = beside["columns"]
    ends = f"“{columns[0]}” to “{columns[-1]}”"
    if beside["shape"] == "wide":
        return f"“{time}” goes with the time, and the {len(columns):,} columns {ends} are named alike: a series each"
    named = f", named by “{beside['id']}”" if beside["id"] else ""
    rows = counted(profile.rows, "row is a series", "rows are a series each")
    return f"The {len(columns):,} columns {ends} are times: they are the steps, and {rows}{named}"


def _ask_horizon(profile: Profile, found: Evidence) -> Ask:
    v = found.value
    length, season = v["length"]["median"], v["season"]
    best = v["horizon"] or default_horizon(length, season)
    said = f"{counted(length, 'step')} of the past" + (f", a season of {season}" if season > 1 else "")

    def read(choice: Json) -> Json:
        if not isinstance(choice, int):
            raise InvalidAnswer(f"problem.horizon: a whole number of steps is needed, e.g. {best}.")
        return choice

    def judge(choice: Json) -> Judgement:
        check = Check("steps ahead", choice, reference=length, protocol=f"steps of {v['step_words']}")
        if choice > length / 5:
            message = f"{choice} steps ahead from {length:,} of the past: there is little to examine a forecast on."
            return Judgement((Objection(Level.FLAG, message),), check)
        return Judgement(check=check)

    return Ask(
        HORIZON,
        recommended=best,
        reason=f"{said[0].upper()}{said[1:]}: the smaller of 12, one season and a tenth of the length.",
        evidence=(found,),
        read=read,
        judge=judge,
    )
