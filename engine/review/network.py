"""Flags about networks and ideas: a gate passed by force, machinery that was not checked, work without a hypothesis,
figures that do not come out again."""

from __future__ import annotations

from collections.abc import Iterator

from engine.metrics import figure
from engine.review.flag import Finding, Flag
from engine.review.record import Record, comparison
from engine.words import short

STRICT_ALPHA = 0.01  # a fifth of 0.05


def _through_the_gate(r: Record) -> Iterator[Finding]:
    gate, net = r.about("deep.gate"), r.about("deep.compare")
    trained = net if net is not None else r.about("deep.sanity")
    if gate is None or trained is None:
        return
    if gate.level == "hold":
        passed = f"{figure(gate.check.value or 0)} of {figure(gate.check.reference or 0)} checks" if gate.check else "?"
        yield Finding(f"A network was trained though the gate held ({passed} passed).", gate)
    alpha = comparison(net).get("alpha") if net is not None else None
    due = gate.choice == "strict" or (gate.check is not None and gate.check.verdict == "strict")
    if net is not None and due and alpha is not None and alpha > STRICT_ALPHA * (1 + 1e-9):
        yield Finding(
            f"Strict proof was due (α ≤ {STRICT_ALPHA}); the network was compared at α = {figure(alpha)}.", net
        )


def _luck_of_seeds(r: Record) -> Iterator[Finding]:
    net = r.about("deep.compare")
    if net is None or net.choice != "accept" or net.check is None:
        return
    sd, gain = net.check.details.get("seed_sd"), comparison(net).get("diff")
    if isinstance(sd, int | float) and isinstance(gain, int | float) and sd > gain / 2:
        yield Finding(f"Seeds alone move its score by {figure(sd)}; the gain it was taken for is {figure(gain)}.", net)


def _unchecked(r: Record) -> Iterator[Finding]:
    net, sane = r.about("deep.compare"), r.about("deep.sanity")
    if net is None:
        return
    if sane is None or sane.choice != "passed":
        yield Finding("The network was compared though its machinery had not passed its checks.", net)
        return
    checked = {e.environment for e in r.cited(sane, "sanity")}
    trained = {e.environment for e in r.cited(net, "cross_validate") if e.value.get("net")}
    if checked and trained and not trained <= checked:
        yield Finding("The machinery was checked with other versions than the network was trained with.", net)


def _no_idea(r: Record) -> Iterator[Finding]:
    net, idea = r.about("deep.compare"), r.about("deep.hypothesis")
    if net is not None and (idea is None or not idea.choice or idea.author == "engine"):
        lacks = "no hypothesis" if idea is None or not idea.choice else "no hypothesis but the guide's own words"
        yield Finding(f"A network was trained with {lacks}.", idea or net)
    for d in r.of("data.features"):
        if d.choice == "keep" and (d.why_author == "engine" or d.why_verdict != "ok"):
            yield Finding(f"“{d.subject}” was computed and kept; what it should bring was not said.", d)


def _drifts(r: Record) -> Iterator[Finding]:
    for what in r.drifted or ():
        yield Finding(short(what, 300))


FLAGS = (
    Flag(
        "M08", "red", "A network was trained against the gate",
        "trained with an open hold of deep.gate, or compared at the usual α where strict proof was due",
        "The gate says that a network is unlikely to pay here; then luck is the likeliest winner.",
        "Close the open items first, or compare at a fifth of the error budget.",
        "Decision catalogue 5.1", _through_the_gate,
    ),
    Flag(
        "M15", "amber", "The gain may be the luck of a seed",
        "the spread over seeds is more than half of the gain that was accepted",
        "Trained once more with another seed, the network may well lose.",
        "Train it with more seeds and take the mean, or keep the model before.",
        "Bouthillier et al. 2021", _luck_of_seeds,
    ),
    Flag(
        "M20", "amber", "Work without an idea behind it",
        "a network, or a computed column that was kept, without a hypothesis of one's own",
        "A reason first, then a measurement; the other way round every result has a story.",
        "Write down which errors it should mend, and by how much, before trying the next one.",
        "S002: hypothesis before complexity", _no_idea,
    ),
    Flag(
        "M26", "red", "A network was judged before its machinery was checked",
        "deep.compare without deep.sanity passed, or checked with other versions",
        "A network with a wiring fault still learns something, and hides it.",
        "Run the checks with the versions that it is trained with, then compare again.",
        "Karpathy 2019", _unchecked,
    ),
    Flag(
        "M29", "red", "Figures do not come out again",
        "computed afresh, a figure differs by more than its tolerance (`rungwise review NAME --rerun`)",
        "What cannot be repeated cannot be checked, and was perhaps never true.",
        "Find out what changed (data, versions, device, threads); `rungwise replay NAME --rerun` says what differs.",
        "Decision catalogue 8", _drifts,
    ),
)  # fmt: skip
