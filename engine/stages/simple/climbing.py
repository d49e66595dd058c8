"""The climb: examine the candidates, compare them tier by tier, hold them to the limits of the person."""

from __future__ import annotations

from collections.abc import Sequence

from engine.conductor import needed
from engine.effects import Conversation, Measure
from engine.metrics import figure
from engine.models.catalogue import ModelSpec
from engine.session import Session
from engine.stages.baseline import floors, ruled
from engine.stages.ladder import Candidate, about_model, best, compare, examine, metric, model

READABLE_TIERS = ("T0", "T1", "T2", "T3")


def climb(s: Session, names: Sequence[str]) -> Conversation:
    """Examine the candidates and compare them tier by tier (2.8).

    Returns the baseline that they started from, the candidates with their verdicts, and the one that R1 takes.
    """
    floor, _ = yield from floors(s)
    rule = yield from ruled(s, floor)
    start: Candidate = rule if rule is not None and rule.verdict and rule.verdict["accepted"] else floor

    models = [model(s, name) for name in names]
    exams = yield Measure(tuple(examine(s, what) for what in models), "Practice exams", optional=True)
    speeds = tuple(about_model(s, "latency", what, "speed") for what in models)
    timings = yield Measure(speeds, "Timing predictions", optional=True)
    runners = [Candidate(w, e, t) for w, e, t in zip(models, exams, timings, strict=True)]
    delta = s.choice("problem.smallest_gain", default=0.0)

    champion, judged = start, []
    for tier in sorted({c.spec.tier for c in runners}):
        round_ = [c for c in runners if c.spec.tier == tier and c.ok]
        judged += [c for c in runners if c.spec.tier == tier and not c.ok]
        if not round_:
            continue
        (verdicts,) = yield Measure((compare(s, champion, round_, delta),))
        rows = needed([verdicts])[0]["rows"]
        compared = [
            Candidate(c.model, c.exams, c.latency, row, champion.title) for c, row in zip(round_, rows, strict=True)
        ]
        judged += compared
        passed = [c for c in compared if c.verdict and c.verdict["accepted"] and not broken_limit(s, c)]
        if passed:
            champion = best(metric(s), passed)
    return start, judged, champion


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
