"""What enters the first layer: its shape, type and range, and the first rows read back from it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.effects import Ask, Conversation, Measure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.stages.columns import counted
from engine.stages.deep.situation import Net, Situation
from engine.views import Samples, Table, View

SHAPE = Question(
    "deep.shape",
    "This is exactly what enters the first layer.",
    options=(Option("confirm", "It is what it should be"), Option("wrong", "Something is not right")),
    source="S003 format and dimensionality; Karpathy 2019: visualise just before the net",
    whys=(
        Why(
            "Why look here?",
            "The one place where data cannot lie about itself: just before the net, after all that was done to it.",
            "Karpathy 2019",
        ),
        Why("What do the sides mean?", "{sides}", "S003 format and dimensionality"),
        Why("How was it checked?", "{reason}"),
    ),
)

QUESTIONS = (SHAPE,)


def shape(at: Situation, net: Net) -> Conversation:
    """Show what enters, and ask; the decision, or None where it could not be looked at."""
    what = {"name": net.name, "settings": net.model(at.s)["settings"]}
    trial = Trial("shape", {"recipe": at.s.recipe(), "model": what}, at.s.data, label="what enters the first layer")
    (seen,) = yield Measure((trial,), "Looking at what enters the first layer", optional=True)
    if not seen.ok:
        return None
    return (yield _ask_shape(seen))


def _ask_shape(seen: Evidence) -> Ask:
    v = seen.value
    wrong = [c for c in v["checks"] if not c["passed"]]
    check = Check("checks passed", len(v["checks"]) - len(wrong), reference=len(v["checks"]), protocol="split 1")

    def judge(choice: Json) -> Judgement:
        if choice == "confirm" and wrong:
            return Judgement((Objection(Level.BLOCK, f"{wrong[0]['title']}: {wrong[0]['found']}."),), check)
        if choice == "wrong":
            message = "Then nothing that is trained on it can be trusted: go back and mend the preparation."
            return Judgement((Objection(Level.NOTE, message),), check)
        return Judgement(check=check)

    said = f"{len(v['checks']) - len(wrong)} of {counted(len(v['checks']), 'check')} passed"
    said += f": {wrong[0]['title']}, {wrong[0]['found']}." if wrong else ": " + _passed(v) + "."
    return Ask(
        SHAPE,
        recommended="wrong" if wrong else "confirm",
        reason=said,
        facts={"sides": v["sides"]},
        evidence=(seen,),
        shows=views(v),
        judge=judge,
    )


def _passed(v: Mapping[str, Json]) -> str:
    return ", ".join(c["found"] for c in v["checks"])


def views(v: Mapping[str, Json]) -> tuple[View, ...]:
    """The spec table, the checks, and the rows read back."""
    spec = [(r["what"], r["shape"], r["type"], r["low"], r["high"], r["means"]) for r in v["spec"]]
    checks = [("✓" if c["passed"] else "✗", c["title"], c["found"]) for c in v["checks"]]
    return (
        Table("What enters, one batch", ("", "shape", "type", "from", "to", "what it is"), spec),
        Table("Checked", ("", "check", "found"), checks),
        Samples("The first rows, read back from what enters", v["rows_digest"], ("read back",)),
    )
