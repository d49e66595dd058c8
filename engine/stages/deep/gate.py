"""The gate: has a network earned a try?"""

from __future__ import annotations

from collections.abc import Sequence

from engine.counts import linear
from engine.effects import Ask
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.stages.columns import counted
from engine.stages.deep.checks import Gate
from engine.stages.deep.situation import Net, Situation
from engine.views import Table, View

MARKS = {"pass": "✓", "amber": "~", "fail": "✗"}
WHERE = {  # the question whose answer holds it shut
    "G1": "simple.candidates",
    "G2": "data.leaks",
    "G3": "problem.interpretability",
    "G9": "problem.latency",
    "G10": "problem.training_cost",
    "G11": "problem.rows_per_parameter",
}
ORDER = ("pass", "amber", "fail")  # what holds the gate shut stands first on the screen

ENTER = Question(
    "deep.enter",
    "Shall I measure whether a network has earned a try?",
    options=(Option("try", "Yes, look at the gate"), Option("skip", "No, leave it at the simple model")),
    source="S004: no carbon bike for the supermarket",
    whys=(
        Why("Why ask?", "For most work skip deep learning; for some it is the point. The gate measures which.", "S000"),
        Why("What does looking cost?", "{reason}"),
        Why("Does it train a network?", "No: it times a few steps of one, and counts. Training comes after the gate."),
    ),
)
GATE = Question(
    "deep.gate",
    "Has a network earned a try?",
    asks="person",
    options=(
        Option("open", "Open"),
        Option("strict", "Open, with strict proof", "a fifth of the usual error budget"),
        Option("not_yet", "Not yet"),
    ),
    whys=(
        Why("Why a gate?", "A net is a racing bike: buy it when you know there is a race.", "S004"),
        Why("What is open?", "{reason}"),
        Why(
            "What is strict proof?",
            "A fifth of the error budget, three seeds on every exam, and the mean of them counts: where a sign is "
            "missing, luck must be ruled out more firmly.",
            "Decision catalogue 5.1 and 2.6",
        ),
        Why(
            "Why are tables held up?",
            "Trees stay ahead on tables of about 10,000 rows; well-made networks draw level from 1,000 on. So a net is "
            "allowed there, never assumed.",
            "Grinsztajn et al. 2022; Holzmüller et al. 2024",
        ),
        Why(
            "May I go in all the same?", "Past a hold, yes, with a why, and the review will show it; past a block, no."
        ),
    ),
    source="S000; S002; S004; Grinsztajn et al. 2022; van der Ploeg et al. 2014",
)

QUESTIONS = (ENTER, GATE)


def ask_enter() -> Ask:
    return Ask(
        ENTER,
        recommended="try",
        reason="The gate costs seconds, and its reasons are worth having either way.",
    )


def advised(checks: Sequence[Gate]) -> str:
    """Any fail, or three ambers: not yet.  One or two ambers: with strict proof.  None: open."""
    fails = [g for g in checks if g.state == "fail"]
    ambers = [g for g in checks if g.state == "amber"]
    return "not_yet" if fails or len(ambers) >= 3 else "strict" if ambers else "open"


def ask_gate(at: Situation, net: Net, checks: Sequence[Gate], timed: Evidence) -> Ask:
    fails = [g for g in checks if g.state == "fail"]
    ambers = [g for g in checks if g.state == "amber"]
    passed = len(checks) - len(fails) - len(ambers)
    best = advised(checks)
    blocks = [g for g in fails if g.level is Level.BLOCK]
    failed, open_ = (". ".join(f"{g.id}, {g.what}: {g.found}" for g in found) for found in (fails, [*fails, *ambers]))
    billed = next((g for g in checks if g.id == "G10" and g.state == "pass"), None)
    price = f" Training takes {billed.found}; what the budget does not pay is not trained." if billed else ""
    details = {"states": {g.id: g.state for g in checks}, "net": net.name}
    check = Check("checks passed", passed, reference=len(checks), protocol="gate G1–G12", verdict=best, details=details)

    def judge(choice: Json) -> Judgement:
        if choice == "not_yet":
            return Judgement(check=check)
        if blocks:
            shut = blocks[0]
            mend = f" Go back to {WHERE[shut.id]} to change that." if shut.id in WHERE else ""
            return Judgement((Objection(Level.BLOCK, f"{shut.what} is not met: {shut.found}.{mend}"),), check)
        if fails:
            return Judgement(
                (Objection(Level.HOLD, f"{counted(len(fails), 'check')} failed: {failed}.", "M08"),), check
            )
        if len(ambers) >= 3:
            return Judgement((Objection(Level.HOLD, f"{len(ambers)} checks are doubtful: {open_}.", "M08"),), check)
        if choice == "open" and ambers:
            return Judgement((Objection(Level.HOLD, f"Strict proof is due: {open_}.", "M08"),), check)
        return Judgement(check=check)

    rows = [(g.id, g.what, MARKS[g.state], g.found) for g in sorted(checks, key=lambda g: -ORDER.index(g.state))]
    return Ask(
        GATE,
        recommended=best,
        reason=f"{passed} of {len(checks)} checks passed." + (f" Open: {open_}." if open_ else "") + price,
        evidence=(timed,) if timed.ok else (),
        shows=(Table("The gate", ("", "check", "", "measured"), rows), *layers_views(net, at)),
        judge=judge,
    )


def layers_views(net: Net, at: Situation) -> tuple[View, View]:
    """The network layer by layer, as it is counted before anything is built: shapes and parameters, and purposes."""
    lines = net.described(at)
    total, simple = net.count(at).parameters, linear(at.features, at.outputs(net.network))
    sizes = [(line["layer"], line["parameters"] or None, line["shape"]) for line in lines]
    sizes.append(("in all", total, f"a linear model has {simple:,}"))
    purposes = [(line["layer"], line["purpose"]) for line in lines]
    return (
        Table(net.network.title, ("layer", "parameters", "shape of a batch after it"), sizes),
        Table("What each layer is there for", ("layer", "purpose"), purposes),
    )
