"""A short path of two stages, for tests of what drives it."""

from __future__ import annotations

from engine.conductor import Stage, needed
from engine.effects import Ask, Conversation, Measure
from engine.errors import DataProblem
from engine.questions import Form, Judgement, Level, Objection, Question
from engine.records import Check, Option, Trial
from engine.session import Session

TARGET = Question("problem.target", "Which column?", asks="person")
METRIC = Question(
    "problem.metric",
    "Which number?",
    asks="person",
    options=(Option("roc_auc"), Option("accuracy"), Option("log_loss")),
)
LATENCY = Question("problem.latency", "How fast?", Form.NUMBER, low=0.001, high=1000.0)
ENTER = Question("deep.enter", "Train a network?", options=(Option("try"), Option("skip")))
ACCEPT = Question("simple.champion", "Which model?", asks="person")


def first(s: Session) -> Conversation:
    (doubled,) = yield Measure((Trial("double", {"n": 1}, s.data, label="doubling"),), "Doubling")
    value = needed([doubled])[0]["value"]
    target = yield Ask(
        TARGET, options=(Option("a"), Option("b"), Option("none")), recommended="a", reason=f"Seen {value}."
    )
    if target.choice == "none":
        raise DataProblem("The target has one value only; choose another column.")
    yield Ask(
        METRIC,
        recommended="roc_auc",
        reason="It ranks.",
        evidence=(doubled,),
        judge=lambda c: Judgement(
            (Objection(Level.HOLD, "Accuracy is blind here.", "M27"),) if c == "accuracy" else (),
            Check(str(c), 0.5, 0.4, 0.6, protocol="test", details={"rung": "prior"}),
        ),
    )
    yield Ask(LATENCY)


def second(s: Session) -> Conversation:
    trials = tuple(Trial("double", {"n": n}, s.data, label=f"model {n}") for n in (2, 3))
    found = yield Measure((*trials, Trial("breaks", {}, s.data, label="a broken one")), "Models", optional=True)
    good = [e for e in found if e.ok]
    yield Ask(
        ACCEPT,
        options=tuple(Option(str(e.value["value"])) for e in good),
        recommended="4",
        reason="Small.",
        evidence=tuple(good),
    )
    yield Ask(ENTER, recommended="try", reason="Why not.")


STAGES = (
    Stage("define", "Define", first, (TARGET, METRIC, LATENCY)),
    Stage("simple", "Simple", second, (ACCEPT, ENTER)),
)
