"""How fast it should learn: the rate at which the loss falls fastest, measured."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

from engine.effects import Ask, Conversation, Measure
from engine.errors import InvalidAnswer
from engine.metrics import figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.stages.deep.situation import Net, Situation
from engine.views import Curves

LOW, HIGH = 1e-4, 1e-2  # what a suggestion is held to
USUAL, NEAR = 1e-3, 3.0  # a suggestion within so many times of it keeps the rate of the net's row in table 5.5

RATE = Question(
    "deep.lr",
    "How fast should it learn?",
    other=True,
    source="S000 rate and momentum; Smith 2017; Godbole et al. 2023; Karpathy 2019",
    whys=(
        Why("Why measure?", "{guess} is a guess; the loss itself says where it falls fastest.", "Smith 2017"),
        Why("How?", "From 0.000001 to 1 in 100 steps, from fresh weights: it ends where the loss is 4 times its best."),
        Why("Why this rate?", "{reason}", "Decision catalogue, deep.lr"),
        Why(
            "Why no schedule?",
            "A constant rate first; a schedule is a later step, one change at a time. RealMLP's is part of it.",
            "Decision catalogue, deep.lr",
        ),
    ),
)

QUESTIONS = (RATE,)


def range_test(at: Situation, net: Net) -> Conversation:
    """Evidence of the range test, or None where it was not to be had."""
    trial = Trial("rate", {"recipe": at.s.recipe(), "model": net.model(at.s)}, at.s.data,
                  label=f"{net.title}: at which rate it learns fastest")  # fmt: skip
    (found,) = yield Measure((trial,), "Looking for the learning rate", optional=True)
    return found if found.ok else None


def advised(net: Net, found: Evidence | None) -> tuple[float, str]:
    """The rate, and why: the suggestion held to 0.0001 … 0.01; the net's own where that is within 3 times of 0.001.

    A net whose rate belongs to its form (RealMLP's schedule) keeps it.
    """
    own = net.network.training.learning_rate
    if net.network.training.schedule != "constant":
        return own, f"{net.network.title} brings its rate of {figure(own)} and the schedule that belongs to it."
    suggested = None if found is None else found.value.get("suggested")
    if found is None or suggested is None:
        lacking = "The range test found no rate at which the loss falls" if found is not None else "It was not measured"
        return own, f"{lacking}: {figure(own)} is the usual rate of {net.network.title}."
    held = min(HIGH, max(LOW, float(suggested)))
    said = f"The loss falls fastest near {figure(float(suggested))}"
    if USUAL / NEAR <= held <= USUAL * NEAR:
        return (
            own,
            f"{said}, within {NEAR:.0f} times of {figure(USUAL)}: {net.network.title} keeps its rate of {figure(own)}.",
        )
    bound = "" if held == suggested else f", held to {figure(held)}"
    return _rounded(held), f"{said}{bound}; {figure(own)}, the usual rate, is {_times(own, held)}."


def _times(own: float, held: float) -> str:
    return f"{figure(own / held)} times too high" if own > held else f"{figure(held / own)} times too low"


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")


def ask_rate(at: Situation, net: Net, found: Evidence | None) -> Ask:
    own = net.network.training.learning_rate
    best, why = advised(net, found)
    v: Mapping[str, Json] = {} if found is None else found.value
    diverged = v.get("diverged")
    options = {best: "Measured" if best != own else "The usual rate of this net"}
    options.setdefault(own, "The usual rate of this net")
    if v.get("suggested") is not None:
        options.setdefault(_rounded(float(v["suggested"])), "Where the loss falls fastest")
    options.setdefault(USUAL, "The usual rate of most nets")

    def read(choice: Json) -> Json:
        try:
            rate = float(choice)
        except (TypeError, ValueError):
            raise InvalidAnswer(f"deep.lr: {choice!r} is no rate; say for instance {best}.") from None
        if not 0 < rate <= 1:
            raise InvalidAnswer(f"deep.lr: a rate lies above 0 and is at most 1, not {rate:g}.")
        return rate

    def judge(choice: Json) -> Judgement:
        check = Check("rate", choice, reference=v.get("suggested"), protocol="range test, split 1",
                      verdict="measured" if found is not None else "default")  # fmt: skip
        if diverged is not None and choice >= diverged and net.network.training.schedule == "constant":
            message = f"From {figure(float(diverged))} on the loss was no number any more, or four times its best."
            return Judgement((Objection(Level.BLOCK, message),), check)
        if choice != best:
            message = f"{figure(max(choice, best) / min(choice, best))} times from what was measured."
            return Judgement((Objection(Level.FLAG, message),), check)
        return Judgement(check=check)

    edge = " The lowest loss lay at the end of the range, which was widened once." if v.get("widened") else ""
    return Ask(
        RATE,
        options=tuple(Option(rate, f"{figure(rate)}: {label}") for rate, label in options.items()),
        recommended=best,
        reason=why + edge,
        facts={"guess": figure(own)},
        evidence=() if found is None else (found,),
        shows=curves(v, best),
        judge=judge,
        read=read,
    )


def curves(v: Mapping[str, Json], chosen: float) -> tuple[Curves, ...]:
    """The loss over the rate, on a scale of powers of ten, with the suggestion and the rate that is taken."""
    points = [
        (_power(float(rate)), float(loss)) for rate, loss in v.get("curve") or () if loss is not None and rate > 0
    ]
    if not points:
        return ()
    low, high = min(y for _, y in points), max(y for _, y in points)
    marks = {"falls fastest": v.get("suggested"), "taken": chosen}
    lines = {
        f"{name}: {figure(float(rate))}": [(_power(float(rate)), low), (_power(float(rate)), high)]
        for name, rate in marks.items()
        if rate
    }
    return (Curves("Range test", "rate, as a power of ten: −3 is 0.001", "loss, smoothed", {"loss": points, **lines},
                   ends=False),)  # fmt: skip


def _power(rate: float) -> float:
    return round(log10(rate), 6)
