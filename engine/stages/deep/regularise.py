"""How to keep it from memorising: early stopping always, and as much dropout as the gap of three trainings asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.effects import Ask, Conversation
from engine.errors import InvalidAnswer
from engine.metrics import figure
from engine.models.networks.layers import reach
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.stages.columns import counted, percent
from engine.stages.deep.checks import ENOUGH, ratio_of
from engine.stages.deep.purse import minutes_of
from engine.stages.deep.situation import Net, Situation
from engine.stages.deep.training import GAP, LATE, SEEDS, Course, courses, deviation, first_split, mean, otherwise
from engine.views import Table

RATES = (0.0, 0.1, 0.25, 0.5)
LONGER = 2  # times that the epochs may be doubled

REGULARISE = Question(
    "deep.regularise",
    "How to keep it from memorising?",
    other=True,
    source="S000 dropout; Karpathy 2019; Godbole et al. 2023",
    whys=(
        Why(
            "What is done anyway?",
            "It stops when rows of the training part that it does not learn from stop getting better, and goes back to "
            "its best epoch. The exam's own rows decide nothing.",
            "Godbole et al. 2023",
        ),
        Why(
            "What does dropout do?", "It hides some of the units at each step, so that none is relied on alone.", "S000"
        ),
        Why("Why so much?", "{reason}", "Decision catalogue, deep.regularise"),
    ),
)

QUESTIONS = (REGULARISE,)


def regularise(at: Situation, net: Net, strict: bool) -> Conversation:
    """Three trainings on split 1, longer ones where they had not come to an end, three more with more or less dropout
    where their gap asks for it; then the question.  What the budget does not pay is not tried.

    Returns the net with its epochs and dropout, and the evidence of its seeds on split 1.
    """
    firsts = yield from first_split(at, net)
    net, firsts, longer = yield from _to_its_end(at, net, firsts, len(SEEDS) if strict else 1)
    tried = {_dropout(net) or 0.0: (net, firsts)}
    step = _other(net, courses(net, firsts))
    if step is not None and not at.purse.lacks(minutes_of(firsts)):
        changed = net.but(dropout=step)
        tried[step] = (changed, (yield from first_split(at, changed)))
    choice = (yield _ask(at, net, tried, longer)).choice
    if choice in tried:
        return tried[choice]
    return net.but(dropout=choice), ()


def _to_its_end(at: Situation, net: Net, firsts: tuple[Evidence, ...], seeds: int) -> Conversation:
    """Twice the epochs, and again, while the best one lies in the last quarter of those allowed: (net, its evidence,
    what was found, in a sentence).  All the exams must be payable with them."""
    said = ""
    for _ in range(LONGER):
        seen = courses(net, firsts)
        most = net.network.training.epochs
        once = minutes_of(firsts) / max(1, len(firsts))
        minutes = 2 * once * (len(firsts) + at.trainings() * seeds)
        if not seen or mean([c.best_epoch for c in seen]) <= LATE * most or at.purse.lacks(minutes):
            break
        changed = net.but(epochs=2 * most)
        again = yield from first_split(at, changed)
        after = courses(changed, again)
        if not after or mean([c.validation for c in after]) > mean([c.validation for c in seen]):
            said += f" {2 * most} epochs instead of {most} did no better."
            break
        said += f" Its best epoch was {mean([c.best_epoch for c in seen]):.0f} of {most}: it may take {2 * most} now."
        net, firsts = changed, again
    return net, firsts, said.strip()


def _dropout(net: Net) -> float | None:
    """Of the net; None where it has none to turn."""
    rates = [layer.rate for layer in net.network.layers if layer.kind == "dropout"]
    return max(rates) if rates else None


def _other(net: Net, seen: Sequence[Course]) -> float | None:
    """The next higher dropout where it memorises, the next lower where it does not learn; None where neither."""
    now = _dropout(net)
    if not seen or now is None:
        return None
    if mean([c.gap for c in seen]) > GAP:
        return next((r for r in RATES if r > now), None)
    if all(c.train >= c.validation for c in seen) and all(c.late for c in seen):
        return next((r for r in reversed(RATES) if r < now), None)
    return None


def _ask(at: Situation, net: Net, tried: Mapping[float, tuple[Net, tuple[Evidence, ...]]], longer: str) -> Ask:
    seen = {rate: courses(n, firsts) for rate, (n, firsts) in tried.items()}
    has, own = _dropout(net) is not None, _dropout(net) or 0.0
    best = _taken(own, seen)
    course = seen.get(best) or []
    gap = mean([c.gap for c in course]) if course else None
    details: dict[str, Json] = {"dropouts": sorted(tried), "epochs": net.network.training.epochs}
    check = Check("gap", gap, reference=GAP, protocol="(validation − training loss) / validation loss, best epoch of "
                  "split 1, mean of the seeds", verdict="not measured" if gap is None else "measured",
                  details=details)  # fmt: skip

    def read(choice: Json) -> Json:
        try:
            rate = float(choice)
        except (TypeError, ValueError):
            raise InvalidAnswer(f"deep.regularise: {choice!r} is no rate; say one from 0 to 0.9.") from None
        if not 0 <= rate <= 0.9:
            raise InvalidAnswer(f"deep.regularise: dropout hides a share from 0 to 0.9 of the units, not {rate:g}.")
        return rate

    def judge(choice: Json) -> Judgement:
        if choice == 0.0 and best != 0.0 and ratio_of(at, net) < ENOUGH:
            message = (
                f"{figure(ratio_of(at, net))} rows for each parameter, and nothing hidden: it can learn them by heart."
            )
            return Judgement((Objection(Level.FLAG, message),), check)
        return Judgement(check=check)

    rows = [
        (
            f"dropout {rate:g}",
            round(mean([c.train for c in found]), 4),
            round(mean([c.validation for c in found]), 4),
            round(mean([c.gap for c in found]), 4),
            round(mean([c.best_epoch for c in found]), 1),
        )
        for rate, found in seen.items()
        if found
    ]  # fmt: skip
    evidence = [e for _, firsts in tried.values() for e in firsts]
    keys = sorted({*RATES, own, best}) if has else []
    why = _why(net, own, best, seen) if has else f"{net.network.title} has no dropout; it stops at its best epoch."
    none = (Option(0.0, "Early stopping alone"),)
    return Ask(
        REGULARISE if has else replace(REGULARISE, other=False),  # no rate would change a net without dropout
        options=tuple(Option(rate, f"Dropout {rate:g}") for rate in keys) or none,
        recommended=best,
        reason=" ".join(filter(None, (why, longer, otherwise(evidence), _moved(at, net)))),
        evidence=tuple(evidence),
        shows=(
            Table("Split 1, means of the seeds", ("", "training loss", "validation loss", "gap", "best epoch"), rows),
        )
        if rows
        else (),
        judge=judge,
        read=read,
    )


def _taken(own: float, seen: Mapping[float, list[Course]]) -> float:
    """R4: the strongest penalty whose mean validation loss is within one standard error of the lowest."""
    known = {rate: found for rate, found in seen.items() if found}
    if len(known) < 2:
        return own
    means = {rate: mean([c.validation for c in found]) for rate, found in known.items()}
    low = min(means, key=lambda rate: means[rate])
    for rate in sorted(known, reverse=True):
        gaps = [a.validation - b.validation for a, b in zip(known[rate], known[low], strict=False)]
        if means[rate] - means[low] <= deviation(gaps) / max(1, len(gaps)) ** 0.5:
            return rate
    return low


def _why(net: Net, own: float, best: float, seen: Mapping[float, list[Course]]) -> str:
    first = seen.get(own) or []
    if not first:
        return f"The start of {net.network.title}: {own:g}, and it stops at its best epoch."
    gap, epoch = mean([c.gap for c in first]), mean([c.best_epoch for c in first])
    said = f"Dropout {own:g}: {_gap(gap)}; best epoch {epoch:.0f} of {net.network.training.epochs}"
    if any(c.early for c in first):
        said += " (early: the rate may be high, or the net large)"
    elif all(c.late for c in first):
        said += " (late: it might go on learning)"
    if len(seen) > 1 and best != own:
        return f"{said}; with {best:g} the rows that it does not learn from do as well or better."
    if len(seen) > 1:
        return f"{said}; another dropout did no better."
    return f"{said}: nothing asks for another."


def _gap(gap: float) -> str:
    """What the gap says, in words."""
    if gap <= 0:
        return "its loss is no higher on rows apart than on those it learns from"
    return f"its loss is {percent(gap)} lower on the rows it learns from than on rows apart"


def _moved(at: Situation, net: Net) -> str:
    """Of pictures, by how much they are moved while it learns, in a sentence; "" for what is no picture."""
    inputs, share = at.inputs(net.network), net.network.training.shift
    if net.network.takes != "picture" or not share or len(inputs.shape) != 3:
        return ""
    pixels = reach(min(inputs.shape[:2]), share)
    if pixels:
        return f"While it learns, pictures are moved by up to {counted(pixels, 'pixel')}."
    return f"Pictures are not moved about: {percent(share)} of {min(inputs.shape[:2])} pixels is less than one."
