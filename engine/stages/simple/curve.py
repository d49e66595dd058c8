"""More data, or a better model?"""

from __future__ import annotations

from collections.abc import Mapping

from engine.effects import Conversation, Decide, Measure
from engine.metrics import Metric, figure
from engine.questions import Question, Why
from engine.records import Check, Json
from engine.session import Session
from engine.stages.ladder import Candidate, about_model, interval, metric
from engine.views import Curves, Table

CURVE = Question(
    "improve.learning_curve",
    "More data or a better model?",
    source="S002: ten times the data; Karpathy 2019; scikit-learn, learning curves",
    whys=(Why("Why measure it?", "Data beats model design, and model design beats tuning.", "S002"),),
)

QUESTIONS = (CURVE,)


def learning_curve(s: Session, champion: Candidate) -> Conversation:
    drawn = s.decision("split.drawn")
    rows = drawn.check.details["dev"] if drawn and drawn.check else 0
    if rows < 200 or champion.spec.tier in ("T0", "T1"):
        return
    delta = s.choice("problem.smallest_gain")
    trial = about_model(s, "learning_curve", champion.model, "learning curve", uses=(champion.exams,), delta=delta)
    (curve,) = yield Measure((trial,), "Learning curve", optional=True)
    if not curve.ok:
        return
    v = curve.value
    points = [(float(n), value) for n, value in zip(v["rows"], v["values"], strict=True) if value is not None]
    training = [(float(n), value) for n, value in zip(v["rows"], v["train_values"], strict=True) if value is not None]
    m = metric(s)
    lines = {"practice exams": points, "training rows": training}
    heading, sentence = _heading(v, m, points)
    view = Curves("Learning curve", "rows", m.title, {**lines, **heading})
    check = Check(
        m.name, v["expected_doubling"], v.get("gain_low"), None, s.choice("problem.smallest_gain"),
        "gain expected of twice the rows", v["advice"],
    )  # fmt: skip
    figures = [
        (n, "measured", value, low, high)
        for n, value, low, high in zip(v["rows"], v["values"], v["lows"], v["highs"], strict=True)
    ]
    figures += [
        (f["rows"], "expected", f["value"], f["low"], f["high"]) for f in (v.get("trend") or {}).get("forecasts", ())
    ]
    table = Table("Figures, 95 % intervals", ("training rows", "", m.title, "low", "high"), figures)
    why = f"{v['sentence']} {sentence}".strip()
    yield Decide(CURVE, v["advice"], why, evidence=(curve,), check=check, shows=(view, table))


def _heading(
    v: Mapping[str, Json], m: Metric, points: list[tuple[float, float]]
) -> tuple[dict[str, list[tuple[float, float]]], str]:
    """Where the curve is heading at twice the rows: lines for the picture, and the sentence."""
    if not v.get("trend") or not points:
        return {}, ""
    twice = v["trend"]["forecasts"][0]
    x, start = float(twice["rows"]), points[-1]
    ends = [(x, float(twice["low"])), start, (x, float(twice["high"]))]
    lines = {"expected": [start, (x, float(twice["value"]))], "95 % interval": ends}
    said = f"{figure(twice['value'])} (95 % interval of the extrapolation {interval(twice['low'], twice['high'])})"
    return lines, f"The curve is heading for {said} at {twice['rows']:,} training rows."
