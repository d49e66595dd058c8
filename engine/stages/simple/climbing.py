"""The climb: examine the candidates, stop those that cannot win any more, compare the others tier by tier, hold them to
the limits of the person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.conductor import needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import Metric, figure
from engine.models.catalogue import MOST_AVERAGED, ModelSpec
from engine.questions import Form, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.baseline import floors, highest, ruled, single
from engine.stages.columns import counted
from engine.stages.ladder import Candidate, about_model, best, compare, examine, guards, metric, model, too_few

READABLE_TIERS = ("T0", "T1", "T2", "T3")
AVERAGE = "average"  # of the candidates: made of them, when they have taken their exams
BOOSTED = ("boosting", "boosting_mean", "lightgbm", "catboost")
DRAWS = 3  # of boosting, in one average

STOPPED = Question(
    "simple.stopped",
    "Which candidates cannot win any more?",
    Form.CHOICES,
    whys=(
        Why("Why stop them?", "Their other exams cost time, and could not change the result."),
        Why(
            "How sure is it?",
            "Over all candidates together, one that is not behind is stopped less than once in a hundred.",
            "Nadeau & Bengio 2003; Bonferroni",
        ),
        Why("Behind whom?", "A candidate of its own tier or a simpler one, by more than your smallest gain."),
    ),
    source="Decision catalogue 2.3 and 2.8; racing: Maron & Moore 1994",
)

QUESTIONS = (STOPPED,)

ENOUGH_WINS = 5  # exams that all must be won where no verdict is possible


def climb(s: Session, names: Sequence[str]) -> Conversation:
    """Examine the candidates and compare them tier by tier (2.8).

    Returns the baseline that they started from, the candidates with their verdicts (those that were stopped say so),
    and the one that R1 takes.
    """
    m = metric(s)
    floor, _ = yield from floors(s)
    column = yield from single(s, floor)
    rule = yield from ruled(s, floor)
    start: Candidate = highest(m, floor, column, rule)

    runners = yield from _examined(s, start, [model(s, name) for name in names if name != AVERAGE])
    delta = s.choice("problem.smallest_gain", default=0.0)
    champion, judged = start, []
    for tier in sorted({c.spec.tier for c in runners}):
        round_ = [c for c in runners if c.spec.tier == tier and c.ok]
        judged += [c for c in runners if c.spec.tier == tier and not c.ok]
        if not round_:
            continue
        (verdicts,) = yield Measure((compare(s, champion, round_, delta),))
        rows = needed([verdicts])[0]["rows"]
        compared = [replace(c, verdict=row, against=champion.title) for c, row in zip(round_, rows, strict=True)]
        judged += compared
        passed = [c for c in compared if c.verdict and c.verdict["accepted"] and not broken_limit(s, c)]
        if passed:
            champion = best(m, passed)
    if AVERAGE in names:
        made = yield from _averages(s, champion, judged)
        judged += made
        if passed := [c for c in made if c.verdict and c.verdict["accepted"] and not broken_limit(s, c)]:
            champion = best(m, passed)
    if champion is start and (standing := stands_in(s, start, judged)):
        judged = [standing if c.name == standing.name else c for c in judged]
        champion = standing
    return start, judged, champion


def _averages(s: Session, champion: Candidate, judged: Sequence[Candidate]) -> Conversation:
    """The averages of the candidates, with their verdicts, in a round of their own as any tier (2.8).

    What they are made of follows from a rule that was said before any was scored, so that they are challengers like any
    other: R1.
    """
    made = averages(metric(s), champion, judged)
    if not made:
        return []
    exams = yield Measure(tuple(examine(s, what) for what, _ in made), "Averages of the candidates", optional=True)
    found = [Candidate(what, e, asks=parts, summed=True) for (what, parts), e in zip(made, exams, strict=True)]
    ran = [c for c in found if c.ok]
    if not ran:
        return found
    (verdicts,) = yield Measure((compare(s, champion, ran, least_gain(s, champion)),))
    rows = {row["name"]: row for row in needed([verdicts])[0]["rows"]}
    return [replace(c, verdict=rows[c.name], against=champion.title) if c.ok else c for c in found]


def least_gain(s: Session, champion: Candidate) -> float:
    """What an average must bring over the model that stands, beside being measurably better.

    Nobody can read it: where what stands can be read, where reasons are owed, or where an answer has to be quick, it is
    the smallest gain (R1).  Where trees stand that nobody reads either, only computing is paid: nothing more (R5).
    """
    free = s.choice("problem.interpretability") == "none" and s.choice("problem.latency") is None
    if free and champion.spec.tier not in READABLE_TIERS:
        return 0.0
    return float(s.choice("problem.smallest_gain", default=0.0))


Averaged = tuple[dict[str, Json], tuple[Candidate, ...]]  # a model, and the candidates that it asks, in turn


def averages(m: Metric, champion: Candidate, judged: Sequence[Candidate]) -> list[Averaged]:
    """What is averaged of those that ran to the end: boosting over several draws of the rows that it stops by, which
    evens out its luck; and one of each kind, as they err in different places.

    Of each kind it is the one that promises most, and of too many kinds the most promising.  Lines are one kind; each
    other family is one.  A small tree is left out: a forest holds hundreds.  So is who scores below the interval of the
    model that stands: a line that boosting left far behind pulls an average down (bikes lent: a miss of 75 and of 24).
    """
    ends = [m.oriented(champion.exams.value[end]) for end in ("low", "high") if champion.exams.value[end] is not None]
    least = min(ends, default=-math.inf)
    kinds: dict[str, list[Candidate]] = {}
    for c in judged:
        near = c.ok and m.oriented(c.value) >= least
        if near and c.name != "tree" and c.spec.tier not in ("T0", "T1"):
            kinds.setdefault("line" if c.spec.tier == "T2" else c.name, []).append(c)
    firsts = [best(m, of) for of in kinds.values()]
    chosen: list[Candidate] = []
    while firsts and len(chosen) < MOST_AVERAGED:
        chosen.append(best(m, firsts))
        firsts.remove(chosen[-1])
    boosted = next((c for c in chosen if c.name in BOOSTED), None)
    members = {c.name: dict(c.model) for c in chosen}
    made: list[Averaged] = []
    if boosted is not None:
        members[boosted.name] = drawn = _of([_draw(boosted.model, n) for n in range(DRAWS)])
        made.append((drawn, (boosted,) * DRAWS))
    if len(chosen) > 1:
        parts = [c for c in judged if c in chosen]
        asked = (one for c in parts for one in ((c,) * DRAWS if c is boosted else (c,)))
        made.append((_of([members[c.name] for c in parts]), tuple(asked)))
    return made


def _of(members: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    return {"name": AVERAGE, "settings": {"of": [dict(member) for member in members]}}


def _draw(what: Mapping[str, Json], n: int) -> dict[str, Json]:
    """The model again, with luck of its own; the first is the model as it is, whose exams are taken."""
    settings = dict(what.get("settings") or {})
    return {"name": what["name"], "settings": settings | ({"draw": n} if n else {})}


def stands_in(s: Session, start: Candidate, judged: Sequence[Candidate]) -> Candidate | None:
    """The simplest candidate that forecasts a series better than the floor in each of its exams, where those are too
    few or overlap too much for any verdict.

    Nothing is proved then, of the floor no more than of the model; but of two methods without proof the one that was
    closer every time is the better bet (with exams that were independent, five of five come by luck in 1 of 32 cases:
    the sign test).  It must be closer by the smallest gain on average, and break no limit.  None where there is none.
    """
    m, delta = metric(s), float(s.choice("problem.smallest_gain", default=0.0))
    if not too_few(s) or s.material != "series" or start.exams.value["J"] < ENOUGH_WINS:
        return None
    floor = start.exams.value["scores"][m.name]

    def wins(c: Candidate) -> bool:
        pairs = zip(c.exams.value["scores"][m.name], floor, strict=True)
        closer = all(None not in pair and m.oriented(pair[0]) > m.oriented(pair[1]) for pair in pairs)
        return closer and m.oriented(c.value) - m.oriented(start.value) >= delta and not broken_limit(s, c)

    better = [c for c in judged if c.ok and c.verdict is not None and c.exams.value["J"] == len(floor) and wins(c)]
    if not better:
        return None
    first = best(m, [c for c in better if c.spec.tier == min(c.spec.tier for c in better)])
    said = (
        f"{first.title} was better than {start.title} in all {len(floor)} exams, by "
        f"{figure(abs(first.value - start.value))} {m.title} on average. They are too few, or overlap too much, for "
        f"proof; but {start.title} has less to say for itself, so {first.title} stands until there are more values."
    )
    return replace(first, verdict={**(first.verdict or {}), "sentence": said})


def _examined(s: Session, start: Candidate, models: Sequence[Mapping[str, Json]]) -> Conversation:
    """The candidates with their exams and their speed; those that fall behind take only the first exams."""
    timed: dict[str, Evidence] = {}
    limited = s.choice("problem.latency") is not None
    if limited:  # who breaks a limit of the person must not stop another
        timed = yield from _timed(s, models)
    stopped = yield from _race(s, start, models, timed)
    left = [what for what in models if what["name"] not in stopped]
    exams = yield Measure(tuple(examine(s, what) for what in left), "Practice exams", optional=True)
    if not limited:
        timed = yield from _timed(s, left)
    ran = {what["name"]: Candidate(what, e, timed.get(what["name"])) for what, e in zip(left, exams, strict=True)}
    return [stopped.get(what["name"]) or ran[what["name"]] for what in models]


def _timed(s: Session, models: Sequence[Mapping[str, Json]]) -> Conversation:
    speeds = tuple(about_model(s, "latency", what, "speed") for what in models)
    timings = yield Measure(speeds, "Timing predictions", optional=True)
    return {what["name"]: e for what, e in zip(models, timings, strict=True)}


# -- the race ------------------------------------------------------------------------------------------------------


def looks(s: Session) -> tuple[int, ...]:
    """After how many exams somebody may be stopped: one repeat, and two of five; three of five exams; else never.

    Exams in the order of time learn from ever more rows, so the first say little about the last: none is stopped there.
    """
    plan = s.choice("split.plan", default={})
    folds, repeats = int(plan.get("folds") or 0), int(plan.get("repeats") or 0)
    if too_few(s) or s.choice("split.kind") == "time" or s.material == "series" or folds < 2:
        return ()
    if repeats == 1:
        return (3,) if folds >= 5 else ()
    first = max(folds, 3)
    return tuple(k for k in ((first, 2 * first) if repeats >= 5 else (first,)) if k < folds * repeats)


def _race(
    s: Session, start: Candidate, models: Sequence[Mapping[str, Json]], timed: Mapping[str, Evidence]
) -> Conversation:
    """Those that cannot win any more, by name; none in a session that was recorded before there was a race."""
    stopped: dict[str, Candidate] = {}
    for k in looks(s):
        left = [what for what in models if what["name"] not in stopped]
        if len(left) < 2:
            break
        seen = yield Measure(tuple(examine(s, what, k) for what in left), f"The first {k} exams", optional=True)
        ran = [Candidate(what, e, timed.get(what["name"])) for what, e in zip(left, seen, strict=True)]
        ran = [c for c in ran if c.ok and c.exams.value["J"] == k]
        if len(ran) < 2:
            break
        (found,) = yield Measure((_race_trial(s, (start, *ran)),), "Who can still win", optional=True)
        if not found.ok:
            break
        for row in found.value["stopped"]:
            c = next(c for c in ran if c.name == row["name"])
            leader = next(r for r in (start, *ran) if r.name == row["leader"])
            why = _why_stopped(s, c, leader, row, start.exams.value["J"])
            stopped[c.name] = replace(c, stopped=why, against=leader.title, race=found)
    return stopped


def _race_trial(s: Session, candidates: Sequence[Candidate]) -> Trial:
    params = {
        "metric": s.metric,
        "higher": metric(s).higher_is_better,
        "delta": s.choice("problem.smallest_gain", default=0.0),
        "guards": guards(s, candidates),
        "names": [c.name for c in candidates],
        "tiers": [c.spec.tier for c in candidates],
        "leads": [not broken_limit(s, c) for c in candidates],
        "looks": len(looks(s)),
    }
    keys = tuple(c.exams.key for c in candidates)
    return Trial("race", params, s.data, uses=keys, label=f"who of {len(candidates)} can still win")


def _why_stopped(s: Session, c: Candidate, leader: Candidate, row: Mapping[str, Json], total: int) -> str:
    m = metric(s)
    turned = "lower" if m.higher_is_better else "farther from 0" if m.best == "zero" else "higher"
    return (
        f"{c.title} was stopped after {row['exams']} of {total} exams: {m.title} {turned} by {figure(-row['diff'])} "
        f"than {leader.title}, at least by {figure(-row['upper'])}."
    )


def decide_stopped(s: Session, runners: Sequence[Candidate]) -> Ask | None:
    """What the journal says of the race; None where nobody was stopped."""
    stopped = [c for c in runners if c.stopped]
    if not stopped:
        return None
    m = metric(s)
    races = list({c.race.key: c.race for c in stopped if c.race is not None}.values())
    check = Check(
        m.name,
        float(len(stopped)),
        protocol=f"candidates stopped, by the first {counted(max(c.exams.value['J'] for c in stopped), 'exam')}",
        verdict="worse",
        details={"alpha": races[0].value["alpha"]} if races else {},
    )
    return Decide(
        STOPPED,
        [c.name for c in stopped],
        " ".join(c.stopped for c in stopped),
        options=tuple(Option(c.name, c.title, c.spec.why) for c in runners),
        check=check,
        evidence=[*races, *(c.exams for c in stopped)],
    )


# -- limits --------------------------------------------------------------------------------------------------------


def broken_limit(s: Session, c: Candidate) -> str:
    """Which of the person's own limits this model breaks, in one sentence; "" when none."""
    limit = s.choice("problem.latency")
    if limit is not None and c.p95 is not None and c.p95 > limit:
        return f"{c.title} needs {figure(c.p95)} ms a prediction (p95); your limit is {figure(limit)} ms."
    if s.choice("problem.interpretability") == "readable" and not allowed_to_read(c.spec):
        return f"{c.title} cannot be read whole by an inspector; you said the model must be."
    rows = s.choice("problem.rows_per_parameter")
    drawn = s.decision("split.drawn")
    if rows and drawn and drawn.check and c.spec.tier in ("T6", "T7", "T8"):
        per = drawn.check.details["dev"] / max(c.exams.value["parameters"], 1)
        if per < rows:
            return f"{c.title} has {figure(per)} rows per parameter; your minimum is {figure(rows)}."
    return ""


def allowed_to_read(spec: ModelSpec) -> bool:
    return spec.tier in READABLE_TIERS and spec.readable
