"""Keras or plain torch: what the layers of the net are quickest in."""

from __future__ import annotations

from engine.effects import Ask
from engine.models.networks.layers import Network
from engine.questions import Judgement, Option, Question, Why
from engine.records import Check, Evidence
from engine.stages.deep.device import milliseconds
from engine.stages.deep.situation import Situation, offered
from engine.views import Table

KERAS_LAYERS = frozenset(
    ("dense", "dropout", "head", "conv1d", "conv2d", "pool", "flatten", "average", "gather", "last", "embedding",
     "masked_average", "masked_max", "beside", "batchnorm", "residual")
)  # fmt: skip

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
            "Dense, convolution and text-convolution nets are Keras modules; recurrent layers, RealMLP and TabM are "
            "torch modules inside one, as Keras' LSTM on torch took 14 times as long as torch's, its GRU 3 times.",
            "measured for the decision catalogue",
        ),
        Why(
            "Does it change the training?",
            "No: both are stepped by the same torch loop, with the same checks, and leave as the same kind of file.",
        ),
    ),
)

QUESTIONS = (FRAMEWORK,)


def framework_of(network: Network) -> str:
    """What its layers are written in."""
    return "keras" if all(layer.kind in KERAS_LAYERS for layer in network.layers) else "torch"


def ask_framework(at: Situation, network: Network, timed: Evidence) -> Ask:
    best = framework_of(network)
    ms = milliseconds(timed)
    check = Check("ms per step", ms, protocol="a training step on the chosen path") if ms is not None else None
    kinds = ", ".join(dict.fromkeys(layer.kind for layer in network.layers))
    rows = [(n.title, framework_of(n)) for n in offered(at.s)]
    return Ask(
        FRAMEWORK,
        recommended=best,
        reason=f"{network.title} is made of {kinds}: "
        + ("Keras has them all, and is quicker to write." if best == "keras" else "torch is faster at these."),
        evidence=(timed,) if timed.ok else (),
        shows=(Table("What there is", ("network", "written in"), rows),),
        judge=lambda _: Judgement(check=check),
    )
