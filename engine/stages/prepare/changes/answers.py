"""The target and the rows: its logarithm, and classes of unequal size."""

from __future__ import annotations

from engine.effects import Ask
from engine.questions import Judgement, Question, Why
from engine.records import Check, Option
from engine.session import Session
from engine.stages.columns import percent
from engine.stages.prepare.changes.change import Change, Known, chosen_words, inputs

TARGET = Question(
    "data.target_transform",
    "Predict the value, or its logarithm?",
    options=(
        Option("value", "The value"),
        Option("log1p", "Its logarithm", "log(1 + y), turned back; scores stay on the value's own scale"),
    ),
    whys=(
        Why("Why the logarithm?", "{reason}"),
        Why("What is the catch?", "Turned back, a mean of logarithms is too low: the bias is guarded."),
        Why("How is it compared?", "On the value's own scale; scores on two scales say nothing about each other."),
    ),
    source="scikit-learn, TransformedTargetRegressor; decision catalogue, data.target_transform",
)


def _ask_target(s: Session, known: Known) -> Ask | None:
    column = known.profile.columns[s.target]
    skew, low = column.get("skew") or 0.0, column.get("min")
    if s.task != "regression" or low is None or low < 0 or skew <= 2:
        return None
    return Ask(
        TARGET,
        recommended="log1p",
        reason=f"“{s.target}” is never below 0 and its skew is {skew:.1f}: few large values outweigh the rest.",
        evidence=(known.seen,),
        judge=lambda choice: Judgement(check=Check("skew", skew, reference=2.0, protocol="all rows")),
    )


IMBALANCE = Question(
    "data.imbalance",
    "The rarest class is {share} of the rows. Rebalance?",
    options=(
        Option("nothing", "No: move the cut later", "the probabilities stay true"),
        Option("weights", "Weigh the classes evenly", "probabilities then no longer mean what they say"),
    ),
    whys=(
        Why(
            "Why not?",
            "Rebalancing distorts probabilities and brings no better ranking; moving the cut does the same job.",
            "van den Goorbergh et al. 2022",
        ),
        Why("What does the cut do?", "It is set from the costs once the model stands: {reason}"),
        Why("And if I do?", "Then calibrating becomes compulsory, for “30 %” no longer happens in 30 of 100 cases."),
    ),
    source="van den Goorbergh et al. 2022; scikit-learn; S004 class imbalance",
)


def _ask_imbalance(s: Session, known: Known) -> Ask | None:
    if not s.classifies:
        return None
    shares = known.profile.shares(s.target)
    rarest = min(shares, key=lambda c: shares[c])
    if shares[rarest] >= (0.2 if len(shares) == 2 else 0.5 / len(shares)):  # half of its even share
        return None
    return Ask(
        IMBALANCE,
        recommended="nothing",
        reason=f"“{rarest}” has {percent(shares[rarest])} of the rows; a ranking needs no weights, and the cut moves.",
        facts={"share": percent(shares[rarest])},
        evidence=(known.seen,),
        judge=lambda choice: Judgement(check=Check("rarest class", shares[rarest], reference=0.2, protocol="all rows")),
    )


def _first_inputs(s: Session, known: Known) -> list[str]:
    return inputs(s, known)[:3]


LOGARITHM = Change(TARGET, "value", _ask_target, _first_inputs, chosen_words("the target's logarithm"))
WEIGHTS = Change(IMBALANCE, "nothing", _ask_imbalance, _first_inputs, chosen_words("classes weighed evenly"))
