"""How big, and which net: the smallest of its row first, each layer with its purpose."""

from __future__ import annotations

from collections.abc import Sequence

from engine.effects import Ask
from engine.metrics import figure
from engine.models.networks.layers import Network
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.stages.deep.checks import ratio_of
from engine.stages.deep.framework import framework_of
from engine.stages.deep.gate import layers_views
from engine.stages.deep.situation import Net, Situation, arithmetic, is_full
from engine.views import Table

SIZE = Question(
    "deep.size",
    "How big?",
    options=(
        Option("half", "Half of it", "every width halved"),
        Option("small", "Small", "the start net of its row"),
        Option("full", "Full", "once a small one has earned its place, or is too small to learn it"),
    ),
    source="S000; S002 small tower; van der Ploeg et al. 2014; Holzmüller et al. 2024",
    whys=(
        Why("Why small first?", "A small net that earns its place may be all that is needed.", "S002 small tower"),
        Why("How is it counted?", "{arithmetic}.", "Decision catalogue 5.2"),
        Why(
            "Is that too many?",
            "{reason} Penalties and early stopping make nets usable with fewer rows than parameters; hence strict "
            "proof, not refusal.",
            "Holzmüller et al. 2024",
        ),
    ),
)
ARCHITECTURE = Question(
    "deep.architecture",
    "Which net?",
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue 5.5"),
        Why("Why so small?", "{parameters:,} parameters for {rows:,} rows already; the simple model has {simple:,}."),
        Why("What is each layer for?", "{purposes}", "S002: everything has a purpose"),
        Why("Why a standard one?", "Copied from {source}; do not be a hero.", "Karpathy 2019"),
    ),
    source="S002; Karpathy 2019; Godbole et al. 2023",
)

QUESTIONS = (SIZE, ARCHITECTURE)


def ask_size(at: Situation, start: Net, networks: Sequence[Network]) -> Ask:
    sizes = {o.key: net for o in SIZE.options if (net := sized(str(o.key), start, networks)) is not None}

    def judge(choice: Json) -> Judgement:
        net = sizes[choice]
        check = Check("rows per parameter", ratio_of(at, net), protocol="training part of one exam")
        if block := _below(at, net):
            return Judgement((Objection(Level.BLOCK, block),), check)
        if choice == "full":
            message = f"{net.network.title} before {start.network.title} was tried: start small."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    options = tuple(
        Option(o.key, f"{o.label}: {sizes[o.key].network.title}", o.note,
               {"parameters": sizes[o.key].count(at).parameters, "rows each": figure(ratio_of(at, sizes[o.key]))})
        for o in SIZE.options
        if o.key in sizes
    )  # fmt: skip
    best = "half" if _below(at, start) and "half" in sizes and not _below(at, sizes["half"]) else "small"
    return Ask(
        SIZE,
        options=options,
        recommended=best,
        reason=f"{arithmetic(sizes[best], at)}, {figure(ratio_of(at, sizes[best]))} rows each.",
        facts={"arithmetic": arithmetic(sizes[best], at)},
        judge=judge,
    )


def sized(size: str, start: Net, networks: Sequence[Network]) -> Net | None:
    """The net that a size stands for; None where there is none."""
    match size:
        case "half":
            widths = start.network.widths
            return start.but(widths=[max(1, w // 2) for w in widths]) if widths else None
        case "full":
            larger = next((n for n in networks if is_full(n)), None)
            return None if larger is None else Net(larger.name)
    return start


def _below(at: Situation, net: Net) -> str:
    """Whether it has fewer rows per parameter than the person wants, in a sentence; "" where not."""
    limit, ratio = at.s.choice("problem.rows_per_parameter"), ratio_of(at, net)
    if limit and ratio < limit:
        return f"{figure(ratio)} rows for each parameter; your minimum is {figure(limit)}."
    return ""


def ask_architecture(at: Situation, best: Net, networks: Sequence[Network], start: Net) -> Ask:
    """best: what the size stands for.  networks: those that can be had, smallest first."""
    nets = {n.name: best if n.name == best.name else Net(n.name) for n in networks}
    known = {name: net for name, net in nets.items() if name in at.entering or net.network.takes in ("table", "terms")}
    counted = best.count(at).parameters
    network = best.network

    def judge(choice: Json) -> Judgement:
        net = known[choice]
        check = Check("rows per parameter", ratio_of(at, net), protocol="training part of one exam")
        if block := _below(at, net):
            return Judgement((Objection(Level.BLOCK, block),), check)
        if is_full(net.network) and choice != best.name:
            message = (
                f"{net.network.title} before {start.network.title} was tried: nobody would know what its size is for."
            )
            return Judgement((Objection(Level.HOLD, message),), check)
        written = framework_of(at, net.network)
        if written != at.s.choice("deep.framework", default=written):
            message = f"{net.network.title} is written in {written}: it has layers of its own."
            return Judgement((Objection(Level.NOTE, message),), check)
        return Judgement(check=check)

    options = tuple(
        Option(name, net.network.title, net.network.why,
               {"parameters": net.count(at).parameters, "rows each": figure(ratio_of(at, net)),
                "from": net.network.source})
        for name, net in known.items()
    )  # fmt: skip
    rows = [
        (net.network.title, net.count(at).parameters, " · ".join(layer.purpose for layer in net.network.layers))
        for net in known.values()
    ]
    kind = "the start net" if best.name == start.name else "the larger one"
    return Ask(
        ARCHITECTURE,
        options=options,
        recommended=best.name,
        reason=f"{network.title} is {kind} for {_rows_of(at)}: {counted:,} parameters, "
        f"{figure(ratio_of(at, best))} rows each.",
        facts={
            "parameters": counted,
            "rows": at.rows,
            "simple": at.champion.exams.value["parameters"],
            "purposes": " · ".join(f"{layer.kind}: {layer.purpose}" for layer in network.layers),
            "source": network.source or "the decision catalogue",
        },
        shows=(*layers_views(best, at), Table("What there is", ("network", "parameters", "purposes"), rows)),
        judge=judge,
    )


def _rows_of(at: Situation) -> str:
    return {"image": "pictures", "text": "texts", "series": "series"}.get(at.s.material, "a table")
