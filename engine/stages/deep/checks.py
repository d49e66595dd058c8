"""The twelve checks of the gate, each with what was measured.  (Decision catalogue, 5.1 and 5.2.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.conductor import needed
from engine.counts import linear, rows_per_parameter
from engine.effects import Conversation, Measure
from engine.metrics import figure
from engine.questions import Level
from engine.records import Evidence, Json, Trial
from engine.stages.columns import Profile, counted, listed
from engine.stages.deep.device import milliseconds
from engine.stages.deep.situation import Net, Situation, arithmetic
from engine.stages.ladder import Candidate, about_model, compare

TABLE_ROWS = 1_000
TEXTS, TEXTS_A_WORD = 1_000, 1_500  # a net that reads words in their order: texts / median words
PICTURES = 100  # of each class
WINDOWS, SEASONS = 500, 3
LONG = 1_000  # values from which on a single series holds many nuances
ENOUGH = 10  # rows per parameter
SEEDS = 3


@dataclass(frozen=True)
class Gate:
    """One check of the gate.  state: pass, amber or fail; level: how firmly a fail is held."""

    id: str
    what: str
    state: str
    found: str
    level: Level = Level.HOLD


@dataclass(frozen=True)
class Bill:
    """What training costs at most.  minutes: of computing, one training after the other; said: with its factors."""

    minutes: float
    said: str


def measure(at: Situation, net: Net, timed: Evidence) -> Conversation:
    """Measure the checks for the start net; they are computed afresh whenever they are asked for."""
    checks: list[Gate] = [ladder_done(at), clean(at), readable(at), understood(at), still_needed(at), cheaper(at)]
    checks.append((yield from kind_of_data(at)))
    checks.append((yield from enough_rows(at)))
    checks.append((yield from in_time(at, net)))
    checks.append(parameters(at, net))
    checks.append(Gate("G12", "there is a hypothesis", "pass", "asked next; without one the net is not trained",
                       Level.BLOCK))  # fmt: skip
    strict = any(c.state == "amber" for c in checks)
    checks.insert(9, training_bill(at, net, timed, strict))
    return checks


def ladder_done(at: Situation) -> Gate:
    ran = [c for c in at.runners if c.ok or c.stopped]
    tiers = {c.spec.tier for c in ran} | {at.champion.spec.tier}
    complete = "T2" in tiers and "T4" in tiers
    done = f"{listed(['the baseline', *(c.title for c in ran)])} examined"
    if not complete:
        missing = [what for tier, what in (("T2", "a linear model"), ("T4", "trees")) if tier not in tiers]
        done += f"; {listed(missing)} not"
    return Gate("G1", "the ladder is done", "pass" if complete else "fail", done, Level.BLOCK)


def clean(at: Situation) -> Gate:
    s = at.s
    kept = [column for column, choice in s.about("data.leaks").items() if choice == "keep"]
    red = [c for c in kept if (d := s.decision("data.leaks", c)) and d.check and d.check.verdict == "red"]
    split = s.decision("split.kind")
    unsuited = bool(split and "M10" in split.flags)
    state = "fail" if red else "amber" if kept or unsuited else "pass"
    said = f"{listed(red or kept)} kept" if kept else "no leak open"
    if unsuited:
        said += "; the split does not suit how it will be used"
    return Gate("G2", "the evidence is clean", state, said, Level.BLOCK)


def readable(at: Situation) -> Gate:
    must = at.s.choice("problem.interpretability") == "readable"
    said = "an inspector must read the model" if must else "no inspector needs to read it"
    return Gate("G3", "interpretability allows it", "fail" if must else "pass", said, Level.BLOCK)


def understood(at: Situation) -> Gate:
    """An expert, or a study of one's own with three drivers.  What a text or a picture shows has no drivers that
    could be listed, and its reader is the expert: nobody need have been asked (the review says so all the same).
    """
    s = at.s
    domain, drivers = s.choice("problem.domain", default="nobody"), s.choice("problem.drivers", default={})
    what = "the problem is understood"
    if domain not in ("nobody", ""):
        named = f"; {counted(len(drivers), 'driver')} named" if drivers else ""
        return Gate("G4", what, "pass", f"{domain}{named}")
    if len(drivers) >= 3:
        return Gate("G4", what, "pass", f"{counted(len(drivers), 'driver')} named")
    if s.material in ("text", "image"):
        seen = "picture shows" if s.material == "image" else "text says"
        return Gate("G4", what, "pass", f"nobody was asked, but what a {seen} its reader sees without being told")
    return Gate("G4", what, "fail", "nobody was asked")


def still_needed(at: Situation) -> Gate:
    """The person's line, and the headroom: what a model without any error would still gain."""
    s, m, champion = at.s, at.m, at.champion
    what, v = "it is still needed", champion.exams.value
    headroom = _headroom(at)
    if headroom is not None and headroom < at.delta:
        said = f"a model without any error would gain {figure(headroom)}, less than your smallest gain"
        return Gate("G5", what, "fail", f"{said}, {figure(at.delta)}")
    room = f"; up to {figure(headroom)} is left to gain" if headroom is not None and m.bounded else ""
    line, decided = s.choice("problem.success"), s.decision("problem.success")
    if line is None or v["low"] is None:
        return Gate("G5", what, "pass", f"no success line was set{room}")
    ends = sorted((m.oriented(v["low"]), m.oriented(v["high"])))
    reached = ends[0] >= m.oriented(line)
    if reached and decided is not None and decided.author == "engine":
        said = f"nobody set a line ({figure(line)} is only the guide's), and {champion.title} is above it"
        return Gate("G5", what, "pass", f"{said}{room}")
    if reached:
        return Gate("G5", what, "fail", f"{champion.title} reaches your line of {figure(line)} with its whole interval:"
                    " ship it")  # fmt: skip
    if ends[1] >= m.oriented(line):
        return Gate("G5", what, "amber", f"{champion.title} may already reach {figure(line)}{room}")
    return Gate("G5", what, "pass", f"{champion.title} stays below your line of {figure(line)}{room}")


def _headroom(at: Situation) -> float | None:
    """What is missing to the best value there can be; None where a metric has no such end, or nobody can reach it."""
    if at.m.bounded:
        return 1.0 - at.champion.value
    return at.champion.value if at.m.best == "low" else None


def cheaper(at: Situation) -> Gate:
    """Learning curve and errors looked at, and what they ask for done or known not to be had."""
    s, what = at.s, "cheaper steps are done"
    curve, errors = s.decision("improve.learning_curve"), s.decision("improve.errors")
    learns = at.champion.spec.tier not in ("T0", "T1") and at.dev >= 200
    if errors is None or (curve is None and learns):
        missing = ["learning curve"] * (curve is None and learns) + ["errors"] * (errors is None)
        return Gate("G6", what, "fail", f"{listed(missing)} not looked at")
    mend = [slice_ or "everywhere" for slice_, choice in s.about("improve.errors").items() if choice == "data_fix"]
    told = "data" in s.about("improve.next").values()  # the guide said so, and the person went on
    if mend:
        return Gate("G6", what, "amber", f"the data was to be mended: {listed(mend)}")
    if curve is None:
        return Gate("G6", what, "pass", "errors looked at; too few rows for a learning curve")
    rising = curve.choice == "more rows"
    more = f"twice the rows would bring about {figure(curve.check.value)}" if curve.check and curve.check.value else ""
    if rising and s.choice("data.more") != "no" and not told:
        return Gate("G6", what, "amber", f"the learning curve is still rising: {more or 'more rows would bring more'}")
    if rising:
        return Gate("G6", what, "pass", f"the learning curve is still rising ({more or 'more rows help'}), but no more "
                    "are to be had now")  # fmt: skip
    return Gate("G6", what, "pass", f"learning curve and errors looked at{f'; {more}' if more else ''}")


# -- what the data are ---------------------------------------------------------------------------------------------


def kind_of_data(at: Situation) -> Conversation:
    """Raw material with many nuances, or a table in which trees found something that a line does not see."""
    s, what = at.s, "the data suits a net"
    if s.material in ("text", "image"):
        raw = "pictures" if s.material == "image" else "texts"
        return Gate("G7", what, "pass", f"{raw} are raw: many small nuances that no column names")
    if s.material == "series":
        known, count, length = yield from _series(at)
        if count > 1 or known or length >= LONG:
            why = f"{counted(count, 'series', 'series')} of {length:,} values"
            why += f", with {listed(known)} known ahead" if known else ""
            return Gate("G7", what, "pass", why)
    line, trees = at.runner("T2"), at.runner("T4")
    if not (line and trees):
        return Gate("G7", what, *_left_behind(at, trees))
    (verdicts,) = yield Measure((compare(s, line, [trees], at.delta),))
    row = needed([verdicts])[0]["rows"][0]
    gain = f" ({at.m.title} {_moved(at, row['diff'])})" if row.get("diff") is not None else ""
    if row["accepted"]:
        return Gate("G7", what, "amber", f"{trees.title} beat {line.title}{gain}: something is not linear")
    nothing = "nothing beyond trend and season" if s.material == "series" else "nothing that is not linear"
    return Gate("G7", what, "fail", f"{trees.title} did not beat {line.title}{gain}: {nothing} was found")


def _left_behind(at: Situation, trees: Candidate | None) -> tuple[str, str]:
    """(state, what was found) where the first exams stopped the linear model or the trees: whoever is stopped is behind
    by more than luck, so that a linear model left behind says the same as one that was beaten."""
    slow = {c.spec.tier: c for c in reversed(at.runners) if c.stopped}
    if trees is None and at.runner("T2") is not None and "T4" in slow:
        return "fail", f"{slow['T4'].stopped.rstrip('.')}: nothing that is not linear was found"
    if "T2" in slow and (trees is not None or "T4" in slow):
        return "amber", f"{slow['T2'].stopped.rstrip('.')}: something is not linear"
    return "fail", "a linear model and boosted trees were not both examined"


def _moved(at: Situation, gain: float) -> str:
    """A gain, which is above 0 where it is better, as the metric moved: “0.0039 lower”."""
    return f"{figure(abs(gain))} {'higher' if (gain > 0) == at.m.higher_is_better else 'lower'}"


def enough_rows(at: Situation) -> Conversation:
    s, what = at.s, "there are enough rows"
    match s.material:
        case "image" if at.rarest is not None:
            said = f"{at.rarest:,} pictures of the rarest class; {PICTURES} are wanted"
            return Gate("G8", what, _state(at.rarest, PICTURES), said)
        case "text":
            words = yield from median_words(at)
            said = f"{at.dev:,} texts for practice; {TEXTS:,} are wanted"
            if words:
                ratio = at.dev / words
                reads = (
                    "enough for" if ratio >= TEXTS_A_WORD else f"a net that reads words in order wants {TEXTS_A_WORD:,}"
                )
                said += f"; {ratio:,.0f} texts for each of the {words:,.0f} words of a usual text: {reads}"
                said += " a net that reads words in order" if ratio >= TEXTS_A_WORD else ""
            return Gate("G8", what, _state(at.dev, TEXTS), said)
        case "series":
            _, count, length = yield from _series(at)
            form = s.choice("data.series", default={})
            window, season = int(form.get("window") or 1), int(form.get("season") or 1)
            horizon = int(s.choice("problem.horizon", default=1))
            windows = count * max(0, length - window - horizon + 1)
            state = _state(windows, WINDOWS)
            said = f"{windows:,} windows ({WINDOWS} are wanted)"
            if season > 1:
                seasons = length / season
                state = max(state, _state(seasons, SEASONS), key=("pass", "amber", "fail").index)
                said += f" and {figure(seasons)} seasons ({SEASONS} are wanted)"
            return Gate("G8", what, state, said)
    return Gate("G8", what, _state(at.dev, TABLE_ROWS), f"{at.dev:,} rows for practice; a table wants {TABLE_ROWS:,}")


def _state(found: float, wanted: float) -> str:
    return "pass" if found >= wanted else "amber" if found >= wanted / 2 else "fail"


def _profile(at: Situation) -> Conversation:
    """The profile of the table, as *prepare* read it; None where it is not to be had."""
    settings = at.s.choice("data.load")
    for read in (None, settings):
        (seen,) = yield Measure((Trial("profile", {"read": read}, at.s.data),), optional=True)
        if seen.ok and seen.value["read"] == settings:
            return Profile(seen.value)
    return None


def median_words(at: Situation) -> Conversation:
    """Words of a usual text; 0 where it cannot be told."""
    profile = yield from _profile(at)
    if profile is None:
        return 0.0
    texts = [c for c, kind in at.s.input_types().items() if kind == "text"]
    return max((float(profile.columns[c].get("words") or 0.0) for c in texts if c in profile.columns), default=0.0)


def _series(at: Situation) -> Conversation:
    """(columns known ahead, how many series, values of each for practice)."""
    s = at.s
    named = s.choice("problem.series", default={})
    shape = (s.choice("data.series", default={})).get("shape", "long")
    count = 1
    if named.get("id") or shape != "long":
        profile = yield from _profile(at)
        if profile is not None:
            first = profile.columns.get(str(named.get("id")), {})
            count = int(first.get("distinct") or 1) if shape == "long" else profile.rows if shape == "rows" else 1
    return list(s.choice("data.known_ahead", default=[])), count, at.dev // max(1, count)


# -- what it would cost --------------------------------------------------------------------------------------------


def in_time(at: Situation, net: Net) -> Conversation:
    s, what = at.s, "it answers in time"
    limit = s.choice("problem.latency")
    if limit is None:
        return Gate("G9", what, "pass", "no limit was set", Level.BLOCK)
    hardly = {**net.model(s)["settings"], "epochs": 1}
    untrained: dict[str, Json] = {"name": net.name, "settings": hardly}
    (speed,) = yield Measure((about_model(s, "latency", untrained, "speed, hardly trained"),), optional=True)
    if not speed.ok:
        return Gate("G9", what, "fail", f"could not be timed: {speed.error}", Level.BLOCK)
    p95 = speed.value["p95_ms"]
    said = f"p95 {figure(p95)} ms against {figure(limit)} ms, hardly trained"
    return Gate("G9", what, "pass" if p95 <= limit else "fail", said, Level.BLOCK)


def bill(at: Situation, net: Net, ms: float, seeds: int) -> Bill:
    """Seconds per step × steps × J × seeds, as if no training stopped early."""
    epochs, steps, exams = net.network.training.epochs, net.steps(at), at.trainings()
    minutes = ms / 60_000 * steps * epochs * exams * seeds
    said = (
        f"at most {_lasting(minutes)}: {figure(ms)} ms a step × {counted(steps, 'step')} × {epochs} epochs × "
        f"{counted(exams, 'exam')}"
    )
    return Bill(minutes, said + (f" × {seeds} seeds" if seeds > 1 else ""))


def _lasting(minutes: float) -> str:
    return f"{figure(minutes)} minutes" if minutes >= 1 else f"{figure(60 * minutes)} seconds"


def training_bill(at: Situation, net: Net, timed: Evidence, strict: bool) -> Gate:
    what = "the training bill fits"
    if not timed.ok:
        return Gate("G10", what, "fail", timed.error, Level.BLOCK)
    ms = milliseconds(timed)
    if ms is None:
        return Gate("G10", what, "fail", timed.value["why"], Level.BLOCK)
    left = at.purse.left
    owed = bill(at, net, ms, SEEDS if strict else 1)
    if not strict and left / 2 < owed.minutes <= left:  # amber asks for strict proof, and that for more seeds
        owed = bill(at, net, ms, SEEDS)
    state = "fail" if owed.minutes > left else "amber" if owed.minutes > left / 2 else "pass"
    return Gate("G10", what, state, f"{owed.said}; {at.purse.said}", Level.BLOCK)


def parameters(at: Situation, net: Net) -> Gate:
    counted_ = net.count(at)
    ratio, limit = ratio_of(at, net), at.s.choice("problem.rows_per_parameter")
    rarest = _rarest(at)
    counts = ""
    if rarest is not None and 2 * rarest < at.rows:
        counts = f", counted as twice the {rarest:,} of the rarer class"
    said = f"{arithmetic(net, at)} for {at.rows:,} rows{counts}: {figure(ratio)} rows each"
    if counted_.embeddings and at.s.material == "text":
        said += f" ({counted_.embeddings:,} parameters are embeddings, which are not counted here)"
    said += f"; a linear model has {linear(at.features, at.outputs(net.network)):,}"
    what = "rows per parameter"
    if limit and ratio < limit:
        return Gate("G11", what, "fail", f"{said}; your minimum is {figure(limit)}", Level.BLOCK)
    return Gate("G11", what, "pass" if ratio >= ENOUGH else "amber", said)


def ratio_of(at: Situation, net: Net) -> float:
    """Training rows of an exam for each parameter; of two classes twice the rarer, and embeddings left out."""
    counted_ = net.count(at)
    held = max(1, counted_.parameters - (counted_.embeddings if at.s.material == "text" else 0))
    return rows_per_parameter(at.rows, held, _rarest(at))


def _rarest(at: Situation) -> int | None:
    """Rows of the rarer of two classes in the training part of an exam."""
    if at.s.task != "binary" or at.rarest is None or not at.dev:
        return None
    return round(at.rarest * at.rows / at.dev)


def blocks(checks: Sequence[Gate]) -> list[Gate]:
    return [g for g in checks if g.state == "fail" and g.level is Level.BLOCK]
