"""What is left once a net stands: both together, if that earns it, and whether it is fast enough for real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import figure
from engine.questions import Judgement, Level, Objection, Option, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.stages.deep.comparing import alpha, ask_place
from engine.stages.deep.situation import Situation
from engine.stages.ladder import Candidate, about_model, asked_by, compare, examine, ladder_view
from engine.stages.simple.blending import ALIKE
from engine.views import Table

BLEND = Question(
    "deep.blend",
    "The net and {champion} together?",
    options=(Option("try", "Average their answers"), Option("no", "No: one model is enough")),
    source="S001 ensemble; Karpathy 2019; decision catalogue, improve.ensemble",
    whys=(
        Why("Why these two?", "{reason}", "Decision catalogue, improve.ensemble"),
        Why("Why would it help?", "Where two models err in different places, what they agree on is steadier.", "S001"),
        Why("What does it cost?", "Two models to keep alive, to explain and to wait for: the times add up."),
    ),
)
BLENDED = Question(
    "deep.blended",
    "Has the blend earned the place of {champion}?",
    asks="person",
    why_required=True,
    options=(Option("accept", "Take both"), Option("reject", "Keep {champion}")),
    source="Decision catalogue 2.5, R1, and 2.8, T8",
    whys=(
        Why("Why this verdict?", "{reason}", "Decision catalogue 2.5, R1"),
        Why("What does it cost?", "{price}"),
        Why("Why is it held to that?", "It is the most complex there is here: a net and another model, blended."),
    ),
)
FINAL = Question(
    "deep.final_latency",
    "Fast enough for real?",
    options=(
        Option("fast", "Within the limit"),
        Option("slow", "Over the limit"),
        Option("no_limit", "No limit is set"),
    ),
    source="S000; decision catalogue 5.3",
    whys=(
        Why(
            "How is it timed?",
            "One raw row in, one decision out, one thread, 1,000 calls; the worst p95 of 3 rounds, in time that the "
            "processor worked for it.",
        ),
        Why(
            "Is it the trained net?",
            "One of the same layers, trained for one epoch: what it has learned changes no step of an answer.",
        ),
        Why("What if it is over?", "Then it does not leave: the model that stood before it stands again."),
    ),
)

QUESTIONS = (BLEND, BLENDED, FINAL)


# -- both together -------------------------------------------------------------------------------------------------


def blend(at: Situation, net: Candidate, standing: Candidate, strict: bool, round_: int) -> Conversation:
    """Average the net and the best simple model where they are equally good and err in different places; what stands
    then.  standing: the one of the two that stands now."""
    if at.s.choice("problem.interpretability") == "readable" or at.champion.spec.tier in ("T0", "T1"):
        return standing
    other = at.champion if standing is net else net
    params = {"metric": at.s.metric, "names": [standing.name, other.name]}
    uses = (standing.exams.key, other.exams.key)
    trial = Trial("agreement", params, at.s.data, uses=uses, label="how far the two say the same")
    (found,) = yield Measure((trial,), optional=True)
    if not found.ok:
        return standing
    row = found.value["rows"][0]
    if not _differ(row):
        return standing
    if (yield _ask_blend(at, standing, other, row, found)).choice == "no":
        return standing
    what: dict[str, Json] = {"name": "average", "settings": {"of": [dict(at.champion.model), dict(net.model)]}}
    exams, speed = yield Measure(
        (examine(at.s, what, at.exams()), about_model(at.s, "latency", what, "speed")), "Both together", optional=True
    )
    at.purse.paid(exams)
    both = Candidate(what, exams, speed, asks=asked_by(what, (at.champion, net)))
    if not both.ok:
        return standing
    comparing = compare(at.s, standing, [both], at.delta, alpha=alpha(strict), round_=round_)
    (verdicts,) = yield Measure((comparing,), optional=True)
    if not verdicts.ok:
        return standing
    both = replace(both, verdict=verdicts.value["rows"][0], against=standing.title)
    accepted = (yield _ask_blended(at, standing, both)).choice == "accept"
    return both if accepted else standing


def _differ(row: Mapping[str, Json]) -> bool:
    """Equally good, within a standard error, and not saying the same."""
    if row["diff"] is None or row["se"] is None or row["correlation"] is None:
        return False
    return -row["diff"] <= row["se"] and row["correlation"] < ALIKE


def _ask_blend(at: Situation, standing: Candidate, other: Candidate, row: Mapping[str, Json], found: Evidence) -> Ask:
    """Whether to measure both together; blocked where they would answer too late, or training both is not payable."""
    check = Check("correlation of answers", row["correlation"], reference=ALIKE, protocol="out of fold")
    limit = at.s.choice("problem.latency")
    total = (standing.p95 or 0.0) + (other.p95 or 0.0)
    over = (
        f"The two need {figure(total)} ms an answer; your limit is {figure(limit)} ms."
        if limit and total > limit
        else at.purse.lacks(at.trainings() * (standing.seconds() + other.seconds()) / 60)
    )

    def judge(choice: Json) -> Judgement:
        if choice == "try" and over:
            return Judgement((Objection(Level.BLOCK, over),), check)
        return Judgement(check=check)

    return Ask(
        BLEND,
        recommended="no" if over else "try",
        reason=over
        or f"{standing.title} and {other.title} are within one standard error, and their answers out of fold "
        f"correlate with {row['correlation']:.2f} only: worth one comparison, which the blend must win.",
        facts={"champion": at.champion.title},
        evidence=(found,),
        shows=(ladder_view(at.m, (standing, other), at.s.choice("problem.success")),),
        judge=judge,
    )


def _ask_blended(at: Situation, standing: Candidate, both: Candidate) -> Ask:
    return ask_place(
        BLENDED,
        at,
        both,
        standing,
        "Take both",
        f"Keep {standing.title}",
        evidence=(both.exams, standing.exams),
        shows=(ladder_view(at.m, (standing, both), at.s.choice("problem.success")),),
    )


# -- fast enough ---------------------------------------------------------------------------------------------------


def decide_latency(at: Situation, net: Candidate) -> Ask | None:
    """What the timing of the trained net says; over the limit, what stood before it stands again."""
    if net.latency is None or not net.latency.ok:
        return None
    limit, v, before = at.s.choice("problem.latency"), net.timing, at.champion
    words = f"{before.title} needs {figure(before.p95)} ms" if before.p95 else f"{before.title} was not timed"
    rows = [("p50", v.get("p50_ms")), ("p95", v.get("p95_ms")), ("p99", v.get("p99_ms"))]
    shows = (
        Table("One prediction, milliseconds", ("", net.title), [(name, ms) for name, ms in rows if ms is not None]),
    )
    device = str((net.model.get("settings") or {}).get("device") or "cpu")
    over = limit is not None and (net.p95 or 0.0) > limit
    check = Check(
        "p95 ms",
        net.p95,
        reference=limit,
        protocol=f"1,000 calls × 3, {device}",
        verdict="worse" if over else "measured",
    )
    if over:
        back = before.check(at.m, net.value, verdict="limit")
        check = replace(check, metric=back.metric, value=back.value, low=back.low, high=back.high, details=back.details)
    said = (
        f"p95 {figure(net.p95 or 0.0)} ms"
        + (f", budget {figure(limit)} ms" if limit is not None else "")
        + f"; {words}."
    )
    if over:
        said += f" {net.title} does not leave: {before.title} stands again."
    choice = "no_limit" if limit is None else "slow" if over else "fast"
    return Decide(FINAL, choice, said, evidence=(net.latency,), check=check, shows=shows)
