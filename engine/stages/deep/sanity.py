"""Does the machinery work?  The checks of the catalogue, in its order, before anything is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import figure
from engine.questions import Option, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.stages.deep.situation import Net, Situation
from engine.views import Table

SANITY = Question(
    "deep.sanity",
    "Does the machinery work?",
    options=(Option("passed", "All checks passed"), Option("failed", "A check failed")),
    source="Karpathy 2019; S002: test inputs, outputs, functions alone, then together",
    whys=(
        Why("Why before any comparison?", "A network with a wiring fault still learns something, and hides it."),
        Why("Why in this order?", "Each check rests on those before it: the first that fails names the fault."),
        Why("What if one fails?", "Then nothing is compared: what the net scores would say nothing about its idea."),
    ),
)

QUESTIONS = (SANITY,)


def sanity(at: Situation, net: Net) -> Conversation:
    """Run the checks with the very settings that are trained with; the decision, or None where they cannot run."""
    trial = Trial("sanity", {"recipe": at.s.recipe(), "model": net.model(at.s)}, at.s.data,
                  label="checking that the machinery works")  # fmt: skip
    (sane,) = yield Measure((trial,), "Checking that the machinery works", optional=True)
    return (yield decide_sanity(sane))


def decide_sanity(sane: Evidence) -> Ask:
    """Checks that could not run have not been passed."""
    if not sane.ok:
        check = Check("checks passed", 0, protocol="training part of exam 1", verdict="failed")
        return Decide(SANITY, "failed", f"The checks could not run: {sane.error}", check=check)
    checks: Sequence[Mapping[str, Json]] = sane.value["checks"]
    failed = [c for c in checks if not c["passed"]]
    rows = [(c["id"], c["title"], "✓" if c["passed"] else "✗", _cell(c["value"]), _cell(c["expected"]), c["hint"])
            for c in checks]  # fmt: skip
    why = f"{len(checks) - len(failed)} of {len(checks)} passed"
    if failed:
        first = failed[0]
        why += (
            f"; first failure: {first['id']} ({first['title']}), {_cell(first['value'])} against "
            f"{_cell(first['expected'])}, usually caused by: {first['hint']}. Nothing is compared before it is mended"
        )
    return Decide(
        SANITY,
        "failed" if failed else "passed",
        f"{why}.",
        evidence=(sane,),
        check=Check(
            "checks passed", len(checks) - len(failed), reference=len(checks), protocol="training part of exam 1",
            verdict="failed" if failed else "passed",
            details={"failed": [c["id"] for c in failed], "net": str(sane.value.get("network", ""))},
        ),
        shows=(Table("Sanity", ("", "check", "", "measured", "expected", "if it fails"), rows),),
    )  # fmt: skip


def _cell(value: Json) -> str:
    return "" if value is None else figure(value) if isinstance(value, int | float) else str(value)
