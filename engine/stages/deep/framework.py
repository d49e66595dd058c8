"""Keras or plain torch: what the layers of the net are quickest in."""

from __future__ import annotations

from engine.effects import Ask
from engine.models.networks.layers import Network, has_form
from engine.questions import Judgement, Option, Question, Why
from engine.records import Check, Evidence
from engine.stages.deep.device import milliseconds
from engine.stages.deep.situation import Situation, offered
from engine.views import Table

FRAMEWORK = Question(
    "deep.framework",
    "Keras or plain torch?",
    options=(
        Option("keras", "Keras, on torch", "quicker to write; works with scikit-learn"),
        Option("torch", "Plain torch", "full control, at a steeper start"),
    ),
    source="S001; S003; S004",
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue, deep.framework"),
        Why(
            "What is different?",
            "Dense layers, convolutions over pictures and averaged words have a form in Keras and leave as its file; "
            "counted words, windows of a series, recurrent layers, RealMLP and TabM are torch modules: Keras has none "
            "of their form, and its LSTM on torch took 14 times as long as torch's, its GRU 3 times.",
            "measured for the decision catalogue",
        ),
        Why(
            "Does it change the training?",
            "No: both are stepped by the same torch loop, with the same checks, to the same weights.",
        ),
    ),
)

QUESTIONS = (FRAMEWORK,)


def framework_of(at: Situation, network: Network) -> str:
    """What it can be written in: keras where Keras has all of its layers and takes what enters it."""
    return "keras" if has_form(network, at.inputs(network)) else "torch"


def ask_framework(at: Situation, network: Network, timed: Evidence) -> Ask:
    best = framework_of(at, network)
    ms = milliseconds(timed)
    check = Check("ms per step", ms, protocol="a training step on the chosen path") if ms is not None else None
    rows = [(n.title, framework_of(at, n)) for n in offered(at.s)]
    return Ask(
        FRAMEWORK,
        recommended=best,
        reason=f"{network.title}: "
        + ("Keras has every layer of it, and is quicker to write." if best == "keras" else _why_torch(network)),
        evidence=(timed,) if timed.ok else (),
        shows=(Table("What there is", ("network", "written in"), rows),),
        judge=lambda _: Judgement(check=check),
    )


def _why_torch(network: Network) -> str:
    if network.takes == "terms":
        return "Keras would multiply thousands of zeros for each text, torch only what is there."
    if any(layer.kind in ("gru", "lstm") for layer in network.layers):
        return "torch trains its recurrent layers several times as fast."
    return "Keras lacks one of its layers in this form; torch has them all."
