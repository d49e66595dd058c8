"""A series that goes on: its step and season, what may be known ahead, and exams that follow each other in time."""

from __future__ import annotations

from collections.abc import Mapping

from engine import plans
from engine.conductor import needed
from engine.effects import Ask, Conversation, Measure
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.columns import Profile, counted, listed
from engine.stages.define.series import shape_of
from engine.stages.prepare import columns, exams
from engine.stages.prepare.look import look
from engine.views import Curves, Table

GAPS = ("interpolate", "carry", "zero")
TOGETHER = ("sum", "mean", "last")  # what becomes of several values of a series at one time

SERIES = Question(
    "data.series",
    "How does the series go on, and how far back may the forecast look?",
    Form.TABLE,
    whys=(
        Why("Why a season?", "{season_why}", "Hyndman & Athanasopoulos, Forecasting: principles and practice"),
        Why("Why this window?", "Two seasons or three horizons back, at most a quarter of the series.", "FPP"),
        Why("What about gaps?", "{gaps_why}"),
    ),
    source="Hyndman & Athanasopoulos, Forecasting; decision catalogue, data.series",
)
KNOWN = Question(
    "data.known_ahead",
    "Which inputs are known for the steps that are forecast, when the forecast is made?",
    Form.CHOICES,
    asks="person",
    default=[],
    fact=True,
    whys=(
        Why("Why ask?", "Tomorrow's weather is not known tonight; tomorrow's weekday and price list are.", "KN L3.1"),
        Why("What of the others?", "They are used up to the last step before the forecast, never beyond."),
        Why("What does a wrong answer cost?", "A model that shines here and has an empty column in use."),
    ),
    source="Kapoor & Narayanan 2023, L3.1; Hyndman & Athanasopoulos",
)
QUESTIONS = (SERIES, KNOWN)


def series(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    """The prepare stage of a forecast.

    Leaks are not looked for: what comes after an origin is out of its rows by construction, and an input that is not
    known ahead is read up to the origin only.
    """
    yield from columns.types(s, profile, seen)
    named = s.choice("problem.series", default={})
    trial = Trial(
        "series",
        {
            "read": s.choice("data.load"),
            "target": s.target,
            "time": named.get("time"),
            "id": named.get("id"),
            "types": s.input_types() if shape_of(named) else s.choice("data.types"),
            "horizon": s.choice("problem.horizon"),
            **shape_of(named),
        },
        s.data,
        label="looking at the series",
    )
    (found,) = yield Measure((trial,), "Looking at the series")
    value = needed([found])[0]
    yield _ask_series(value, found)
    if value["exogenous"]:
        yield _ask_known(s, value, found)

    yield exams.ask_split_series(s, found)
    yield _ask_horizons(s, value, found)
    yield _ask_plan(s, value, found)
    yield from exams.drawn(s)
    yield from look(s)


def _ask_series(value: Mapping[str, Json], found: Evidence) -> Ask:
    best = {
        "frequency": value["frequency"],
        "season": value["season"],
        "window": value["window"],
        "gaps": "interpolate",
        "shape": value.get("shape", "long"),
        **({"duplicated": value["together"]} if value["together"] else {}),
    }

    def read(choice: Json) -> Json:
        for name, given in choice.items():
            if name not in best:
                raise InvalidAnswer(f"data.series: there is no setting {name!r}; there are {listed(best)}.")
            whole = isinstance(given, int) and not isinstance(given, bool)
            if name in ("season", "window") and not (whole and 1 <= given <= 10_000):
                raise InvalidAnswer(f"data.series: {name} is a whole number of steps, e.g. {best[name]}.")
            if name == "gaps" and given not in GAPS:
                raise InvalidAnswer(f"data.series: gaps takes one of {', '.join(GAPS)}.")
            if name == "duplicated" and given not in TOGETHER:
                raise InvalidAnswer(f"data.series: duplicated takes one of {', '.join(TOGETHER)}.")
        return {**best, **choice}

    seasons = value["seasons"]
    strongest = next((r for m, r in seasons if m == value["season"]), None)
    many = f"{counted(value['series'], 'series', 'series')} of " if value["series"] != 1 else ""
    said = f"Every {value['step_words']}, {many}{value['length']['median']:,} steps. "
    said += (
        f"A step is like the one {value['season']} before it (autocorrelation {strongest:.2f})."
        if value["season"] > 1 and strongest is not None
        else "No season shows: each step is compared with the one before."
    )
    if value["together"]:
        twice = counted(value["duplicated"], "row shares", "rows share")
        said += f" {twice} a time with others: put together by their {value['together']}."
    gaps = value["gaps"]
    gaps_why = (
        f"{counted(gaps, 'step is', 'steps are')} missing: filled for the inputs from what was before, never scored."
        if gaps
        else "There are none here; should one come in use, it is filled from what came before."
    )

    def judge(choice: Json) -> Judgement:
        check = Check("autocorrelation at the season", strongest, reference=0.3, protocol="all steps for practice")
        if choice["season"] > 1 and choice["season"] > value["length"]["min"] / 2:
            return Judgement((Objection(Level.HOLD, "The series holds less than two such seasons."),), check)
        return Judgement(check=check)

    lines = {name: [(float(x), float(y)) for x, y in points] for name, points in value["plot"].items()}
    shows = [Curves("The series", "step", "value", lines)] if lines else []
    rows = [(m, round(r, 2)) for m, r in seasons]
    return Ask(
        SERIES,
        recommended=best,
        reason=said,
        facts={"season_why": said, "gaps_why": gaps_why},
        evidence=(found,),
        shows=(*shows, Table("Seasons", ("steps", "autocorrelation"), rows)),
        read=read,
        judge=judge,
    )


def _ask_known(s: Session, value: Mapping[str, Json], found: Evidence) -> Ask:
    calendar = [
        c for c in value["exogenous"] if any(w in c.casefold() for w in ("holiday", "weekday", "month", "promo"))
    ]
    return Ask(
        KNOWN,
        options=tuple(Option(name) for name in value["exogenous"]),
        recommended=calendar,
        reason=f"{listed(f'“{c}”' for c in calendar)} can be planned."
        if calendar
        else "Nothing says that one is known.",
        evidence=(found,),
        judge=lambda choice: Judgement(
            check=Check("inputs known ahead", len(choice), reference=len(value["exogenous"]))
        ),
    )


def _ask_horizons(s: Session, value: Mapping[str, Json], found: Evidence) -> Ask:
    length, horizon = value["length"]["median"], int(s.choice("problem.horizon", default=1))
    advice = plans.forecast_lockbox(length, horizon)
    most = max(1, length // horizon - 1)

    def read(choice: Json) -> Json:
        if not float(choice).is_integer() or not 0 <= choice <= most:
            raise InvalidAnswer(
                f"split.horizons: of a series a whole number of horizons is locked away, from 0 to {most}."
            )
        return int(choice)

    def judge(choice: Json) -> Judgement:
        check = Check("steps locked away", choice * horizon, reference=length, protocol="the latest of each series")
        if not choice:
            return Judgement(
                (Objection(Level.HOLD, "Without locked steps the final number is not independent."),), check
            )
        if choice * horizon < 30:
            words = "Fewer than 30 steps: the final interval will be very wide."
            return Judgement((Objection(Level.NOTE, words),), check)
        return Judgement(check=check)

    return Ask(
        exams.HORIZONS,
        recommended=advice.horizons,
        reason=advice.reason,
        facts={"rows": counted(advice.rows, "step")},
        evidence=(found,),
        read=read,
        judge=judge,
    )


def _ask_plan(s: Session, value: Mapping[str, Json], found: Evidence) -> Ask:
    horizon, told = int(s.choice("problem.horizon", default=1)), s.choice("data.series")
    left = value["length"]["median"] - int(s.choice("split.horizons", default=0)) * horizon
    return exams.ask_plan(plans.forecast_plan(left, horizon, told["season"], told["window"]), found)
