"""What no model may break: time, readability, computing, rows per parameter."""

from __future__ import annotations

from engine.effects import Ask, Conversation
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Option
from engine.session import Session
from engine.stages.columns import Profile, listed
from engine.whys import tokens

LATENCY = Question(
    "problem.latency",
    "How long may one prediction take, at most?",
    Form.NUMBER,
    asks="person",
    unit="ms",
    low=0.001,
    high=3_600_000,
    whys=(
        Why(
            "Why ask before any model?",
            "A model that takes seconds is no model for a decision in milliseconds.",
            "S000",
        ),
        Why(
            "What is usual?",
            "A person waiting in an app: 100 ms.  A check in the line of work: 10 ms.  A nightly "
            "batch: no limit, leave it empty.",
        ),
        Why(
            "How is it measured?",
            "One raw row in, one decision out, one thread, 1,000 calls; the 95th percentile counts.",
        ),
    ),
    fact=True,
    source="S000",
)
READABLE = Question(
    "problem.interpretability",
    "Must somebody be able to read the model?",
    asks="person",
    options=(
        Option("none", "No"),
        Option("reasons", "Reasons for each prediction"),
        Option("readable", "The whole model, by an inspector"),
    ),
    whys=(
        Why(
            "Why ask?",
            "In regulated decisions specific, accurate reasons are owed, whatever the technique.",
            "CFPB 2022-03",
        ),
        Why(
            "What does “readable” rule out?",
            "Forests, boosting and networks: linear models, small trees and rules stay.",
        ),
        Why("And “reasons”?", "Any model whose reasons are exact, or an approximation that was validated."),
    ),
    fact=True,
    source="S000 black box; CFPB Circular 2022-03",
)
TRAINING = Question(
    "problem.training_cost",
    "How many minutes of computing may all the training take?",
    Form.NUMBER,
    unit="minutes",
    low=0.1,
    high=100_000,
    default=120,
    whys=(
        Why("Why a budget?", "It is predicted before and measured after; what would break it is refused beforehand."),
        Why(
            "Why {recommended}?",
            "Linear models need seconds and trees minutes; networks are what fills the rest.",
            "S004",
        ),
        Why("No GPU?", "You need none: CPU and GPU are timed on the very network, and the faster one is taken."),
    ),
    fact=True,
    source="S000; S004",
)
ROWS_PER_PARAMETER = Question(
    "problem.rows_per_parameter",
    "Set a hard minimum of rows per trained parameter?",
    Form.NUMBER,
    low=0,
    high=1e9,
    whys=(
        Why(
            "Why would I?",
            "10 inputs → 20 → 10 → 4 classes is 474 parameters; a yes/no logistic regression has 11, a "
            "four-class one 44.",
            "S000",
        ),
        Why("Why not always?", "Penalties and early stopping make networks usable below one row per parameter."),
        Why(
            "What is known?",
            "Logistic regression needs 20 to 50 events per variable to be stable; forests and networks "
            "were still unstable above 200.",
            "van der Ploeg et al. 2014",
        ),
    ),
    source="S000; van der Ploeg, Austin & Steyerberg 2014",
)


PROTECTED = (
    "Protected attributes are among the columns ({}): the guide will measure each of their groups apart, and whoever "
    "uses the answers must look at that."
)


def limits(s: Session, profile: Profile) -> Conversation:
    """Constraints, asked before any model is measured against them."""
    statement = s.choice("problem.statement", default="")
    yield _ask_latency(statement)
    yield _ask_readable(statement, profile)
    yield Ask(
        TRAINING,
        recommended=120,
        reason="Two hours in all: enough for every simple model here; a network has to fit into what is left.",
        facts={"recommended": 120},
    )
    small = profile.rows < 1000 or s.choice("problem.interpretability") == "readable"
    yield Ask(
        ROWS_PER_PARAMETER,
        recommended=1 if small else None,
        reason="Few rows, or a model that must be read: at least one row per parameter." if small else "",
    )


def _ask_latency(statement: str) -> Ask:
    said = tokens(statement or "")
    if said & {"app", "phone", "inline", "author", "transa", "checko"}:
        why = "Your statement speaks of an app or of a check in the line of work: 10 ms is usual there."
        return Ask(LATENCY, recommended=10, reason=why)
    if said & {"websit", "page", "click", "wait", "waitin", "screen"}:
        return Ask(LATENCY, recommended=100, reason="Somebody waits at a screen: 100 ms feels like at once.")
    return Ask(LATENCY, reason="Nothing in your statement says that somebody waits for one prediction.")


def _ask_readable(statement: str, profile: Profile) -> Ask:
    said = tokens(statement or "")
    regulated = {"loan", "credit", "insura", "law", "legal", "hiring", "hire", "health", "patien", "food", "benefi"}
    people = {"person", "people", "custom", "client", "studen", "employ", "applic"}
    protected = [name for name, c in profile.columns.items() if c.get("protected")]
    flags = (Objection(Level.FLAG, PROTECTED.format(listed(f"“{name}”" for name in protected))),) if protected else ()
    best, why = "none", "Nothing in your statement asks for a model that can be read."
    if said & regulated:
        best, why = "readable", "Your statement names a field in which reasons are owed."
    elif said & people:
        best, why = "reasons", "Somebody acts towards people: they may ask why."
    return Ask(READABLE, recommended=best, reason=why, judge=lambda choice: Judgement(flags if said & people else ()))


QUESTIONS = (LATENCY, READABLE, TRAINING, ROWS_PER_PARAMETER)
