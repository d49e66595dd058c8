"""One step up?  What the errors ask for, one change a round, each held to less error than the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.stages.columns import percent
from engine.stages.deep import rate
from engine.stages.deep.checks import bill, ratio_of
from engine.stages.deep.comparing import ask_place, cited, flags, held_to, spends
from engine.stages.deep.device import milliseconds, time_steps
from engine.stages.deep.regularise import RATES
from engine.stages.deep.situation import Net, Situation, offered
from engine.stages.deep.training import GAP, Taken, courses, mean, minutes_again, otherwise, train, training_views
from engine.stages.ladder import compare, ladder_view

MOST_ROUNDS = 8
MANY_ROUNDS = 5  # from which on the review says so (M13)
LONGER = 2

CHANGES = (
    Option("width", "Twice the width", "it does not learn its own rows: more room"),
    Option("layer", "The next net of its row", "another kind of layer, with a purpose of its own"),
    Option("dropout", "More dropout", "it memorises"),
    Option("longer", "Twice the epochs", "its best epoch was among its last"),
    Option("schedule", "A rate that falls", "the loss still jumps about at the end"),
    Option("augmentation", "Pictures moved about further", "few pictures, and the same thing stands anywhere"),
    Option("stop", "Enough"),
)
GROW = Question(
    "deep.grow",
    "One step up?",
    options=CHANGES,
    source="S002 design process; Karpathy 2019: complexify one at a time",
    whys=(
        Why("Why this step?", "{reason}", "Decision catalogue, deep.grow"),
        Why("Why one at a time?", "Of two changes at once nobody can say which made the difference.", "Karpathy 2019"),
        Why("What must it prove?", "Round {round}: proof needed p ≤ {alpha}.", "Decision catalogue 2.6"),
    ),
)
GROWN = Question(
    "deep.grown",
    "Has the change earned its place?",
    asks="person",
    why_required=True,
    options=(Option("accept", "Take the changed net"), Option("reject", "Keep the net as it was")),
    source="Decision catalogue 2.5, R1, and 2.6",
    whys=(
        Why("Why this verdict?", "{reason}", "Decision catalogue 2.5, R1"),
        Why("What is it held to?", "The last accepted net, and the best simple model: it must beat both."),
        Why("What does it cost?", "{price}"),
    ),
)

QUESTIONS = (GROW, GROWN)


@dataclass(frozen=True)
class Step:
    """A change that could be made.  asked_for: what in the measurements asks for it; "" where nothing does."""

    key: str
    net: Net
    asked_for: str = ""


def grow(at: Situation, net: Taken, strict: bool) -> Conversation:
    """Rounds of one change each, while the line is not reached and somebody wants them; the net that stands then."""
    tried: set[str] = set()
    for n in range(1, MOST_ROUNDS + 1):
        if reached(at, net):
            return net
        steps = [step for step in changes(at, net) if step.key not in tried]
        if not steps:
            return net
        choice = (yield _ask_change(at, net, steps, n, strict)).choice
        if choice == "stop":
            return net
        tried.add(choice)
        step = next(step for step in steps if step.key == choice)
        net = (yield from _round(at, net, step, n, strict)) or net
    return net


def reached(at: Situation, net: Taken) -> bool:
    """Whether the net reaches the line of the person with its whole interval."""
    line, v = at.s.choice("problem.success"), net.candidate.exams.value
    if line is None or v["low"] is None:
        return False
    return min(at.m.oriented(v["low"]), at.m.oriented(v["high"])) >= at.m.oriented(line)


def changes(at: Situation, net: Taken) -> list[Step]:
    """What can be changed of it, with what asks for it."""
    own, how = net.net.network, net.net.network.training
    seen = courses(net.net, net.firsts)
    gap = mean([c.gap for c in seen]) if seen else 0.0
    late = bool(seen) and all(c.late for c in seen)
    behind = _behind_in_training(at, net)
    found = []
    if own.widths:
        found.append(Step("width", net.net.but(widths=[2 * w for w in own.widths]), behind))
    later = [n for n in offered(at.s) if n.first == own.name and n.name != own.name]
    if later:
        found.append(Step("layer", Net(later[0].name, _kept(net.net))))
    rates = [layer.rate for layer in own.layers if layer.kind == "dropout"]
    higher = next((r for r in RATES if rates and r > max(rates)), None)
    if higher is not None:
        found.append(Step("dropout", net.net.but(dropout=higher),
                          f"the gap is {percent(gap)} at the best epoch" if gap > GAP else ""))  # fmt: skip
    longer = "the best epoch lies in the last quarter of those allowed" if late else ""
    found.append(Step("longer", net.net.but(epochs=LONGER * how.epochs), longer))
    if how.schedule == "constant":
        found.append(Step("schedule", net.net.but(schedule="cosine")))
    if how.shift:
        found.append(Step("augmentation", net.net.but(shift=min(0.5, 2 * how.shift))))
    return found


def _kept(net: Net) -> dict[str, Json]:
    return {name: value for name, value in net.settings.items() if name == "device"}


def _behind_in_training(at: Situation, net: Taken) -> str:
    """Whether it knows its own rows worse than the simple model does: then it is too small; in a sentence."""
    name = at.s.metric
    scores = [(c.exams.value.get("train_scores") or {}).get(name) or [None] for c in (net.candidate, at.champion)]
    mine, other = ([v for v in found if v is not None] for found in scores)
    if not mine or not other or at.m.oriented(mean(mine)) >= at.m.oriented(mean(other)):
        return ""
    return f"it scores {figure(mean(mine))} on the rows it learned from, {at.champion.title} {figure(mean(other))}"


def _too_dear(at: Situation, net: Taken, step: Step) -> str:
    """Whether the budget does not pay for a step any more, in a sentence; "" where it does.  Another kind of layer
    costs what only timing can tell, which comes before it is trained."""
    return "" if step.key == "layer" else at.purse.lacks(minutes_again(at, net, step.net))


def _ask_change(at: Situation, net: Taken, steps: Sequence[Step], n: int, strict: bool) -> Ask:
    asked = [step for step in steps if step.asked_for]
    wanted = next((step for step in asked if not _too_dear(at, net, step)), None)
    labels = {o.key: o for o in CHANGES}

    def judge(choice: Json) -> Judgement:
        check = Check("alpha", spends(n + 1, strict), protocol=f"round {n + 1} of this rung")
        if choice == "stop":
            return Judgement(check=check)
        step = next(s for s in steps if s.key == choice)
        found = []
        if poor := _too_dear(at, net, step):
            return Judgement((Objection(Level.BLOCK, poor),), check)
        limit, ratio = at.s.choice("problem.rows_per_parameter"), ratio_of(at, step.net)
        if limit and ratio < limit:
            words = f"{figure(ratio)} rows for each parameter; your minimum is {figure(limit)}."
            return Judgement((Objection(Level.BLOCK, words),), check)
        if not step.asked_for:
            found.append(
                Objection(Level.HOLD, "Nothing that was measured asks for it: say what it should mend.", "M20")
            )
        if n >= MANY_ROUNDS:
            found.append(Objection(Level.FLAG, f"Round {n}: what wins now may be luck.", "M13"))
        return Judgement(tuple(found), check)

    said = (
        f"{wanted.asked_for[:1].upper()}{wanted.asked_for[1:]}."
        if wanted
        else _too_dear(at, net, asked[0])
        if asked
        else "Nothing that was measured asks for more."
    )
    options = tuple(
        Option(step.key, labels[step.key].label, step.asked_for or labels[step.key].note,
               {"parameters": step.net.count(at).parameters})
        for step in steps
    )  # fmt: skip
    return Ask(
        GROW,
        subject=str(n),
        options=(*options, labels["stop"]),
        recommended=wanted.key if wanted else "stop",
        reason=f"{said} Proof needed: p ≤ {figure(spends(n + 1, strict))}.",
        facts={"round": n, "alpha": figure(spends(n + 1, strict))},
        evidence=(net.candidate.exams, *net.firsts),
        judge=judge,
    )


def _round(at: Situation, net: Taken, step: Step, n: int, strict: bool) -> Conversation:
    """Train the changed net and ask whether it takes the place; it, or None."""
    changed = step.net if step.key == "layer" else replace(step.net, way=_label(step).lower())
    if step.key in ("width", "layer"):
        timed = yield from time_steps(at, changed)
        ms = milliseconds(timed)
        poor = "" if ms is None else at.purse.lacks(bill(at, changed, ms, 3 if strict else 1).minutes)
        if poor:
            yield Decide(GROWN, "reject", f"{_label(step)}: not trained. {poor}", subject=str(n))
            return None
        tested = yield from rate.range_test(at, changed)
        changed = changed.but(learning_rate=rate.advised(changed, tested)[0])
    taken = yield from train(at, changed, strict)
    if taken is None:
        return None
    taken = yield from held_to(at, net.candidate, taken, strict, n + 1)
    if taken is None:
        return None
    beats = yield from _beats_simple(at, taken, strict)
    accepted = (yield _ask_grown(at, net, taken, step, n, beats)).choice == "accept"
    return taken if accepted else None


def _beats_simple(at: Situation, taken: Taken, strict: bool) -> Conversation:
    """R1 against the best simple model, in a sentence that says why not; "" where it does."""
    plain = replace(taken.candidate, verdict=None)
    trial = compare(at.s, at.champion, [plain], at.delta, alpha=spends(1, strict))
    (verdicts,) = yield Measure((trial,), optional=True)
    if not verdicts.ok:
        return verdicts.error
    row = verdicts.value["rows"][0]
    return "" if row["accepted"] else str(row["sentence"])


def _ask_grown(at: Situation, net: Taken, taken: Taken, step: Step, n: int, beats: str) -> Ask:
    new, old = taken.candidate, net.candidate
    label = "" if step.key == "layer" else _label(step)
    return ask_place(
        GROWN,
        at,
        new,
        old,
        "Take the changed net",
        "Keep the net as it was",
        subject=str(n),
        lacks=beats,
        before=f"{_label(step)}:",
        after=otherwise(taken.own),
        notes=flags(at, taken),
        evidence=cited(taken, old),
        shows=(
            ladder_view(at.m, (at.champion, old, new), at.s.choice("problem.success"), names=("", "", label)),
            *training_views(taken.own[0]),
        ),
    )


def _label(step: Step) -> str:
    return next(o.label for o in CHANGES if o.key == step.key)
