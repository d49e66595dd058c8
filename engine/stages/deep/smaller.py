"""Is a smaller net as good?  Half of every width, and one layer fewer, on the same exams: size bears the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.effects import Ask, Conversation, Decide
from engine.metrics import figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Json, Option
from engine.stages.deep import rate
from engine.stages.deep.comparing import cited, held_to, limit_of
from engine.stages.deep.situation import Net, Situation
from engine.stages.deep.training import Taken, minutes_again, train
from engine.stages.ladder import ladder_view

ROUNDS = 2  # the first, and once more from the smaller one

HALF = Question(
    "deep.half",
    "Is a smaller net as good?",
    options=(Option("full", "Keep the larger"), Option("smaller", "Take the smaller")),
    source="S002 “I consistently test smaller networks”; decision catalogue 2.5, R3",
    whys=(
        Why("Why try it?", "What a smaller net does as well, the larger one only seemed to need.", "S002"),
        Why(
            "Who bears the proof?",
            "The larger one: it must beat each smaller one by R1, else the smallest stays.",
            "R3",
        ),
        Why("What was measured?", "{reason}"),
    ),
)

QUESTIONS = (HALF,)


@dataclass(frozen=True)
class Smaller:
    """A smaller net as it was measured.  way: what was taken away; beaten: the larger one beats it by R1; earned: it
    beats the best simple model itself."""

    way: str
    taken: Taken
    row: dict[str, Json]
    earned: bool

    @property
    def beaten(self) -> bool:
        return bool(self.row.get("accepted"))


def smaller(at: Situation, net: Taken, strict: bool) -> Conversation:
    """Rounds of smaller nets, until none is kept; the one that stands then.  What the budget does not pay is not
    trained, and that is said."""
    for n in range(1, ROUNDS + 1):
        subject = "" if n == 1 else "again"
        if (poor := _too_dear(at, net)) and ways(net.net):
            if n == 1:
                yield Decide(HALF, "full", f"No smaller net was tried: {poor[:1].lower()}{poor[1:]}", subject=subject)
            return net
        found = yield from _measured(at, net, strict)
        if not found:
            return net
        kept = _smallest(at, found)
        choice = (yield _ask(at, net, found, kept, subject)).choice
        if choice != "smaller" or kept is None:
            return net
        net = kept.taken
    return net


def _too_dear(at: Situation, net: Taken) -> str:
    """Whether what is left of the budget pays for none of the smaller nets, in a sentence; "" where it does."""
    minutes = [minutes_again(at, net, less) for _, less in ways(net.net)]
    return at.purse.lacks(min(minutes)) if minutes else ""


def ways(net: Net) -> list[tuple[str, Net]]:
    """What can be taken away of a net: half of every width, and its last hidden layer."""
    widths = list(net.network.widths)
    found = []
    if widths and max(widths) > 1:
        found.append(("half of every width", net.but(widths=[max(1, w // 2) for w in widths])))
    if len(widths) > 1:
        found.append(("one layer fewer", net.but(widths=widths[:-1])))
    return [(way, replace(less, way=way)) for way, less in found]


def _measured(at: Situation, net: Taken, strict: bool) -> Conversation:
    """The smaller ones, the smallest first; once one is kept, a larger of them would not be taken any more."""
    found = []
    for way, less in sorted(ways(net.net), key=lambda pair: pair[1].count(at).parameters):
        if at.purse.lacks(minutes_again(at, net, less)):
            continue
        tested = yield from rate.range_test(at, less)
        if tested is not None:
            less = less.but(learning_rate=rate.advised(less, tested)[0])
        taken = yield from train(at, less, strict)
        if taken is None:
            continue
        against = yield from held_to(at, taken.candidate, net, strict)  # the larger one bears the proof
        itself = yield from held_to(at, at.champion, taken, strict)
        if against is None or itself is None:
            continue
        row = dict(against.candidate.verdict or {})
        earned = bool((itself.candidate.verdict or {}).get("accepted")) and not limit_of(at, itself.candidate)
        found.append(Smaller(way, itself, row, earned))
        if _smallest(at, found) is not None:
            break
    return found


def _smallest(at: Situation, found: Sequence[Smaller]) -> Smaller | None:
    """The smallest that the larger one does not beat, and that has earned its own place; None where there is none."""
    kept = [x for x in found if not x.beaten and x.earned]
    return min(kept, key=lambda x: x.taken.net.count(at).parameters, default=None)


def _ask(at: Situation, net: Taken, found: Sequence[Smaller], kept: Smaller | None, subject: str) -> Ask:
    m, full = at.m, net.candidate
    said = " ".join(_sentence(at, net, x) for x in found)

    def judge(choice: Json) -> Judgement:
        if choice == "smaller":
            if kept is None:
                return Judgement(
                    (Objection(Level.BLOCK, "No smaller net is as good and better than the simple model."),)
                )
            return Judgement(check=kept.taken.candidate.check(m, full.value))
        check = full.check(m, kept.taken.candidate.value if kept else None, rung=False)
        if kept is not None:
            message = (
                f"{kept.way[:1].upper() + kept.way[1:]} is as good by the rule; the larger net did not earn its size."
            )
            return Judgement((Objection(Level.HOLD, message, "M03"),), check)
        return Judgement(check=check)

    options = [Option("full", f"Keep {full.title}, {full.exams.value['parameters']:,} parameters", "",
                      full.option(m).figures)]  # fmt: skip
    if kept is not None:
        c = kept.taken.candidate
        options.append(Option("smaller", f"Take {kept.way}, {c.exams.value['parameters']:,} parameters", "",
                              c.option(m).figures))  # fmt: skip
    evidence = {e.key: e for x in found for e in cited(x.taken, full)}
    return Ask(
        HALF,
        subject=subject,
        options=tuple(options),
        recommended="smaller" if kept is not None else "full",
        reason=said,
        evidence=tuple(evidence.values()),
        shows=(
            ladder_view(
                m, (at.champion, full, *(x.taken.candidate for x in found)), names=("", "", *(x.way for x in found))
            ),
        ),
        judge=judge,
    )


def _sentence(at: Situation, net: Taken, x: Smaller) -> str:
    """“Half of every width: accuracy 0.003 lower, 2.1× faster to train, a quarter of the parameters; …”"""
    gain, less = x.row.get("diff"), x.taken.candidate
    faster = net.candidate.seconds() / max(less.seconds(), 1e-9)
    pace = f"{figure(faster)}× as fast" if faster >= 1 else f"{figure(1 / faster)}× as long"
    share = less.exams.value["parameters"] / max(net.candidate.exams.value["parameters"], 1)
    moved = f"{at.m.title} not comparable" if gain is None else f"{at.m.title} {_moved(at, gain)}"
    how = "the larger one earns its size" if x.beaten else "the larger one is not proven better"
    if not x.beaten and x.row.get("verdict") == "equivalent":
        how = "the two are equivalent"
    if not x.beaten and not x.earned:
        how += f", but the smaller one has not earned the place of {at.champion.title}"
    size = f"{figure(100 * share)} % of the parameters"
    return f"{x.way[:1].upper() + x.way[1:]}: {moved}, {pace} to train with {size}: {how}."


def _moved(at: Situation, gain: float) -> str:
    """What the larger gains, as the metric of the smaller reads: “0.0039 lower, which is worse”."""
    if not gain:
        return "the same"
    higher = (gain < 0) == at.m.higher_is_better
    return f"{figure(abs(gain))} {'higher' if higher else 'lower'}, which is {'worse' if gain > 0 else 'better'}"
