"""Half precision, where a graphics card gains from it: kept where the score does not fall (decision catalogue, R2)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.effects import Ask, Conversation, Decide
from engine.metrics import figure
from engine.questions import Option, Question, Why
from engine.records import Check, Evidence
from engine.stages.deep.purse import minutes_of
from engine.stages.deep.situation import Net, Situation
from engine.stages.deep.training import deviation, first_split, mean
from engine.views import Table

FULL, HALF = "float32", "bf16"

PRECISION = Question(
    "deep.precision",
    "Half precision or full?",
    options=(Option(FULL, "Full (float32)"), Option(HALF, "Half (bf16)", "multiplies in 16 bits, keeps in 32")),
    source="S002 lower precision; decision catalogue, deep.device and R2",
    whys=(
        Why("Why half?", "{speed}", "S002 lower precision"),
        Why("What may it cost?", "Three digits instead of seven in every product; sums and weights keep all seven."),
        Why("How is that measured?", "{reason}", "Decision catalogue 2.5, R2: keep unless worse"),
    ),
)

QUESTIONS = (PRECISION,)


def precision(at: Situation, net: Net, timed: Evidence, firsts: Sequence[Evidence]) -> Conversation:
    """The net in half precision where its device gains from that and its seeds on split 1 do no worse, with their
    evidence; else as it came.  timed: of the device it trains on.  firsts: its seeds in full precision.
    """
    v = timed.value if timed.ok else {}
    if v.get("precision") != HALF or net.network.training.device != v["chosen"] or not firsts:
        return net, tuple(firsts)
    speed = next(t for t in v["timings"] if t["device"] == v["chosen"])
    said = (
        f"A step takes {figure(speed['ms_per_step'])} ms in bf16, {figure(speed['ms_of_float32'])} ms in float32: "
        f"{figure(speed['ms_of_float32'] / max(speed['ms_per_step'], 1e-9))}× as fast."
    )
    if poor := at.purse.lacks(minutes_of(firsts)):
        yield Decide(PRECISION, FULL, f"{said} {poor}", evidence=(timed,), facts={"speed": said})
        return net, tuple(firsts)
    narrow = net.but(precision=HALF)
    seen = yield from first_split(at, narrow)
    choice = (yield _decide(at, said, timed, firsts, seen)).choice
    return (narrow, seen) if choice == HALF else (net, tuple(firsts))


def _decide(at: Situation, said: str, timed: Evidence, firsts: Sequence[Evidence], seen: Sequence[Evidence]) -> Ask:
    """Kept unless its mean score is lower by more than a standard error of the seeds' differences."""
    full, half = ([e.value["scores"][at.s.metric][0] for e in found] for found in (firsts, seen))
    pairs = [
        (at.m.oriented(b) - at.m.oriented(a), a, b)
        for a, b in zip(full, half, strict=False)
        if a is not None and b is not None
    ]
    if not pairs:
        return Decide(PRECISION, FULL, f"{said} It could not be scored in bf16.", evidence=(timed, *firsts, *seen),
                      facts={"speed": said})  # fmt: skip
    gains = [gain for gain, _, _ in pairs]
    gain, noise = mean(gains), deviation(gains) / len(gains) ** 0.5
    kept = len(pairs) == len(firsts) and gain >= -noise
    words = f"Its score on split 1 changes by {gain:+.2g} ± {noise:.1g} {at.m.title} (mean of {len(pairs)} seeds, one "
    words += "standard error): " + ("it does no worse, and is kept." if kept else "it falls, so float32 stays.")
    rows = [(f"seed {i + 1}", round(a, 5), round(b, 5)) for i, (_, a, b) in enumerate(pairs)]
    check = Check("gain", gain, reference=-noise, protocol="paired, seeds of split 1",
                  verdict="no worse" if kept else "worse")  # fmt: skip
    return Decide(
        PRECISION,
        HALF if kept else FULL,
        f"{said} {words}",
        evidence=(timed, *firsts, *seen),
        check=check,
        shows=(Table("Split 1, seed by seed", ("", f"{at.m.title}, float32", "bf16"), rows),),
        facts={"speed": said},
    )
