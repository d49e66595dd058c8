"""How many practice exams, how large a lockbox, how small a gain matters, how much error a round may spend.

Light: pure arithmetic, so that the conversation can say it before anything is computed.  (Decision catalogue, 2.1, 2.6,
2.7, 2.10 and split.lockbox.)
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass

from engine.errors import DataProblem
from engine.metrics import Metric
from engine.records import Json

BUDGET = 0.10  # false acceptances that one rung of the ladder may cost in all


@dataclass(frozen=True)
class Plan:
    """The practice exams.  folds × repeats, or `blocks` that follow each other in time (folds and repeats are 0 then).

    nets: how many of the exams, from the first, a network takes.  tiny: no verdict above *unclear* (fewer than 100
    rows, or 20 of the rarest class).  too_tiny: only baseline and rule (fewer than 50, or 10).
    """

    folds: int
    repeats: int
    blocks: int
    nets: int
    tiny: bool
    too_tiny: bool
    reason: str

    @property
    def exams(self) -> int:
        """J."""
        return self.blocks or self.folds * self.repeats

    @property
    def ordered(self) -> bool:
        return self.blocks > 0

    def recipe(self, seed: int = 0) -> dict[str, Json]:
        """As a trial's recipe carries it."""
        if self.ordered:
            return {"blocks": self.blocks, "seed": seed}
        return {"folds": self.folds, "repeats": self.repeats, "seed": seed}


def plan(n: int, *, rarest: int | None = None, groups: int | None = None, ordered: bool = False) -> Plan:
    """The plan for n development rows (table 2.1).

    rarest: rows of the rarest class among them, None for regression.  groups: how many entities the rows belong to,
    None when each stands alone.  Raises DataProblem when there is nothing to split.
    """
    tiny = n < 100 or (rarest is not None and rarest < 20)
    too_tiny = n < 50 or (rarest is not None and rarest < 10)
    if n < 2 or (groups is not None and groups < 2):
        what = "row" if n < 2 else "entity"
        raise DataProblem(f"There is only one {what} to learn from; at least two are needed to hold one back.")
    if ordered:
        blocks = min(5 if n < 1_000 else 8, max(1, n // 2))
        reason = f"{n:,} rows in time order: {blocks} exams over the later half, each after all that it learns from"
        return Plan(0, 0, blocks, blocks, tiny, too_tiny, reason)
    folds, repeats = _table(n)
    reason = f"{n:,} rows"
    if rarest is not None:
        fewer = max(2, min(folds, rarest // 10))
        if fewer < folds:
            each = "so that each holds about 10 of them" if rarest >= 20 else "the fewest there can be"
            reason += f", {rarest:,} of the rarest class: {fewer} folds, {each}"
        folds = fewer
    if groups is not None and groups < folds:
        folds, repeats = groups, 1
        reason += f", {groups} groups: each is held back once"
    folds = min(folds, n)
    exams = folds * repeats
    nets = folds if n < 1_000 else 2 * folds if n < 10_000 else exams
    reason += f": {folds} folds × {repeats}, {exams} exams of about {max(1, n // folds):,} rows"
    return Plan(folds, repeats, 0, min(nets, exams), tiny, too_tiny, reason)


def exams_of_net(n: int, folds: int) -> int:
    """How many exams a network takes of a plan with so many folds: whole repeats of it (table 2.1).  n: development
    rows."""
    advised = plan(n)
    return folds * (advised.nets // advised.folds) if advised.folds else advised.nets


def _table(n: int) -> tuple[int, int]:
    if n < 1_000:
        return 10, 5
    if n < 10_000:
        return 5, 5
    if n < 100_000:
        return 5, 2
    return 5, 1


@dataclass(frozen=True)
class Lockbox:
    """Rows to lock away.  share: of all rows; 0: none, and the final number is cross-validated, not independent."""

    rows: int
    share: float
    rarest: int | None  # rows of the rarest class to be expected in it
    half_width: float | None  # to which an accuracy of 80 %, or of numbers the mean miss, is then known
    reason: str


def lockbox(n: int, *, rarest: int | None = None) -> Lockbox:
    """How many of all n labelled rows to lock away for the one final exam.

    rarest: rows of the rarest class of all; None where the answer is a number.
    """
    if n < 500 or (rarest is not None and rarest < 50):
        why = f"{n:,} rows" if n < 500 else f"{rarest} rows of the rarest class"
        return Lockbox(
            0,
            0.0,
            None,
            None,
            f"{why} are too few to lock any away; the final number will be cross-validated with fresh seeds, "
            "and labelled not independent.",
        )
    if n < 10_000:
        rows = round(0.20 * n)
    elif n < 100_000:
        rows = max(2_000, round(0.10 * n))
    else:
        wanted = 10_000 if rarest is None else max(10_000, math.ceil(200 * n / rarest))
        rows = min(wanted, round(0.20 * n))
    more = ""
    if rarest is not None and rows * rarest < 50 * n:
        rows = min(math.ceil(50 * n / rarest), math.floor(0.30 * n))
        more = " (more than usual, for the sake of the rare class)"
    expected = None if rarest is None else round(rows * rarest / n)
    half = half_width(rows) if rarest is not None else miss_half_width(rows)
    known = f"an accuracy of 80 % is known to ± {100 * half:.1f} %."
    if rarest is None:
        known = f"a mean miss is known to about ± {100 * half:.1f} % of itself; less well where a few misses are huge."
    return Lockbox(rows, rows / n, expected, half, f"With {rows:,} rows{more} {known}")


def half_width(rows: int) -> float:
    """To what an accuracy of 80 % is known on so many rows: 1.96·√(.16/k)."""
    return 1.96 * math.sqrt(0.16 / rows)


def miss_half_width(rows: int) -> float:
    """To what share of itself a mean absolute miss is known on so many rows, where errors are normal.

    |e| then has the mean σ·√(2/π) and the variance σ²·(1 - 2/π), so that the share is 1.96·√((π/2 - 1)/k).
    """
    return 1.96 * math.sqrt((math.pi / 2 - 1) / rows)


# --- forecasts -------------------------------------------------------------------------------------------------------

MOST_ORIGINS, ENOUGH_ORIGINS = 12, 5
LONG = 20  # horizons from which on three of them can be locked away


@dataclass(frozen=True)
class ForecastPlan:
    """Practice exams from moments of the past: each asks for the next `horizon` values, knowing nothing after its own.

    origins: J, the last of them so that its horizon ends with the development values.  step: values between two
    origins; less than the horizon where they overlap.  first: values before the first origin, its own included.
    tiny: fewer than five that do not overlap, so that no verdict above *unclear* is given.  too_tiny: not even two.
    """

    origins: int
    step: int
    first: int
    horizon: int
    tiny: bool
    too_tiny: bool
    reason: str

    @property
    def exams(self) -> int:
        return self.origins

    @property
    def nets(self) -> int:
        """Of the exams, those that a network takes: all, as they follow each other in time."""
        return self.origins

    @property
    def ordered(self) -> bool:
        return True

    def recipe(self, seed: int = 0) -> dict[str, Json]:
        """As a trial's recipe carries it; see engine.data.splitting."""
        return {"origins": self.origins, "step": self.step, "seed": seed}


@dataclass(frozen=True)
class ForecastLockbox:
    """The last horizons of the series, locked away.  rows: values of one series.  share: of its length."""

    horizons: int
    rows: int
    share: float
    reason: str


def forecast_lockbox(length: int, horizon: int) -> ForecastLockbox:
    """How many horizons at the end to lock away: three where the length is at least 20 horizons, else one; none where
    the rest could not be learned from.

    length: values from the first to the last, gaps included.  (Decision catalogue, split.lockbox.)
    """
    horizons = 3 if length >= LONG * horizon else 1
    if length - horizon < 2 * horizon + 2:
        return ForecastLockbox(
            0, 0, 0.0, f"{length:,} values are too few to lock the last {horizon} away; the final number is that of "
            "the practice exams, and not independent.",
        )  # fmt: skip
    rows = horizons * horizon
    said = f"the last {horizons} horizons" if horizons > 1 else "the last horizon"
    why = f"{length:,} values are {length // horizon} horizons of {horizon}: {said}, {rows:,} values, are locked away"
    few = ""
    if rows < 30:
        few = "; fewer than 30 values make the interval of the final number very wide"
    return ForecastLockbox(horizons, rows, rows / length, why + few + ".")


def forecast_plan(length: int, horizon: int, season: int = 1, window: int | None = None) -> ForecastPlan:
    """The origins of the practice exams: J = min(12, ⌊(T − T_min)/h⌋), T_min = max(2m, 3h, 24), one horizon apart.

    length: T, development values of a series (the locked ones taken off).  season: m, 1 for none.  window: the values
    that a forecast looks back over, where that was decided before: the first origin must have one, and a horizon to
    learn from.  Too short for five such exams, T_min is max(m + 1, h, 12), or less if need be, and origins may overlap.
    Raises DataProblem where not even one horizon can be learned and another examined.  (Catalogue, split.plan.)
    """
    least = max(2 * season, 3 * horizon, 24)
    shortest = (1 if window is None else window) + horizon  # one window, and the answers to it
    room = length - max(least, shortest)
    origins = min(MOST_ORIGINS, room // horizon) if room > 0 else 0
    if origins >= ENOUGH_ORIGINS:
        reason = f"{length:,} values, {origins} exams of {horizon} each, every one after all that it learns from"
        return ForecastPlan(origins, horizon, length - origins * horizon, horizon, False, False, reason)
    for least in (max(season + 1, horizon, 12), 1):
        room = length - horizon - max(least, shortest)
        if room >= 1 or (least == 1 and room >= 0):
            break
    else:
        back = "" if window is None else f" and a look back over {window}"
        raise DataProblem(
            f"{length:,} values for practice are too few for a horizon of {horizon}{back}: at least "
            f"{shortest + horizon:,} are needed. Forecast fewer steps, or give a longer history."
        )
    step = min(horizon, max(1, room // (ENOUGH_ORIGINS - 1)))
    origins = min(ENOUGH_ORIGINS if step < horizon else MOST_ORIGINS, room // step + 1)
    apart = f"{step} apart, so that they overlap" if step < horizon else "one after the other"
    reason = f"{length:,} values are few for a horizon of {horizon}: {origins} exams {apart}; too short to compare well"
    first = length - horizon - (origins - 1) * step
    return ForecastPlan(origins, step, first, horizon, True, origins < 2, reason)


def forecast_window(length: int, horizon: int, season: int = 1) -> int:
    """How many values a forecast looks back over: W = min(max(2m, 3h), T/4), and at most half of what the first origin
    has before it less a horizon, so that it has windows to learn from; never below 1.  Where that is less than one
    season and five exams are left with one, it is a season: less cannot tell summer from winter.

    length: T, of the whole series.  (Decision catalogue, data.series.)
    """
    locked = forecast_lockbox(length, horizon).rows
    first = forecast_plan(length - locked, horizon, season).first
    window = max(1, min(max(2 * season, 3 * horizon), length // 4, (first - horizon) // 2))
    if window < season <= length // 4:
        with suppress(DataProblem):
            if forecast_plan(length - locked, horizon, season, season).origins >= ENOUGH_ORIGINS:
                return season
    return window


def default_horizon(length: int, season: int = 1) -> int:
    """min(12, one season where there is one, a tenth of the length), at least 1.  (Decision catalogue, 0.)"""
    return max(1, min(12, season if season > 1 else 12, length // 10))


def alpha_of_round(number: int, *, first: float = BUDGET / 2) -> float:
    """What round r of a rung may spend: 0.10/(r(r+1)) = .05, .0167, .0083, …, which sums to 0.10 over all rounds.

    first: what round 1 may spend; a fifth of the usual for strict proof.  Raises ValueError for a round below 1.
    """
    if number < 1:
        raise ValueError(f"rounds are counted from 1; got {number}")
    return 2 * first / (number * (number + 1))


ENOUGH_ROWS, ENOUGH_RARE, MOST_CONFLICTS = 1_000, 100, 0.01  # G8 of the gate; data.more


def rows_advice(n: int, rarest: int | None, conflicts: float) -> tuple[str, str]:
    """(option of `data.more`, why): whether more rows are worth asking for before any model.

    n: labelled rows.  rarest: of the rarest class, None for numbers.  conflicts: share of rows whose inputs also stand
    with another label.  (Decision catalogue, data.more.)
    """
    if rarest is not None and rarest < ENOUGH_RARE:
        return "yes", f"The rarest class has {rarest:,} rows; from {ENOUGH_RARE} on its scores begin to hold still."
    if conflicts > MOST_CONFLICTS:
        return "yes", "Labels contradict each other in more than 1 % of the rows: better labels come before more rows."
    if n < ENOUGH_ROWS:
        return "yes", f"{n:,} rows are few: below {ENOUGH_ROWS:,} most differences between models cannot be seen."
    return "later", f"{n:,} rows are enough to begin with; the learning curve will say what more would bring."


def default_delta(metric: Metric, champion: float, baseline: float) -> float:
    """The smallest gain that matters, when nobody says: min(0.01, a tenth of what is missing to 1), or 1 % of a loss.

    champion: the score to beat.  baseline: the best baseline's, for a loss.  Both in the metric's unit.  Never below
    0.0001 for a score: with 0 every lucky wiggle would count.
    """
    if metric.bounded:
        return max(1e-4, min(0.01, 0.10 * (1 - champion)))
    return 0.01 * abs(baseline)
