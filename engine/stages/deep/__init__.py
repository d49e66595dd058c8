"""The optional deep model: a gate of measured reasons, a hypothesis, and a network that must earn its place."""

from __future__ import annotations

from engine.conductor import Stage
from engine.effects import Conversation
from engine.models.networks.spec import start_net
from engine.records import Evidence
from engine.session import Session
from engine.stages.deep import (
    architecture,
    batch,
    checks,
    comparing,
    device,
    final,
    framework,
    gate,
    growing,
    hypothesis,
    precision,
    rate,
    regularise,
    sanity,
    shape,
    smaller,
    training,
)
from engine.stages.deep.situation import Net, Situation, arrive, offered

QUESTIONS = (
    gate.ENTER,
    *device.QUESTIONS,
    gate.GATE,
    *hypothesis.QUESTIONS,
    *framework.QUESTIONS,
    *shape.QUESTIONS,
    *architecture.QUESTIONS,
    *batch.QUESTIONS,
    *rate.QUESTIONS,
    *regularise.QUESTIONS,
    *precision.QUESTIONS,
    *sanity.QUESTIONS,
    *training.QUESTIONS,
    *comparing.QUESTIONS,
    hypothesis.HELD,
    *smaller.QUESTIONS,
    *growing.QUESTIONS,
    *final.QUESTIONS,
)


def deep(s: Session) -> Conversation:
    if not s.choice("simple.champion") or (yield gate.ask_enter()).choice == "skip":
        return
    at = yield from arrive(s)
    start = Net((yield from _start(at)))
    timed = yield from device.time_steps(at, start)
    if timed.ok:
        yield device.decide_device(timed)
    found = yield from checks.measure(at, start, timed)
    choice = (yield gate.ask_gate(at, start, found, timed)).choice
    if choice == "not_yet":
        return
    strict = choice == "strict"

    yield from hypothesis.hypothesis(at, start.network.takes)
    designed = yield from _design(at, start, timed)
    if designed is None:
        return
    net, timed = designed
    net, firsts = yield from regularise.regularise(at, net, strict)
    net, firsts = yield from precision.precision(at, net, timed, firsts)
    if (yield from sanity.sanity(at, net)).choice == "failed":
        return

    taken = yield from training.train(at, net, strict, firsts)
    if taken is None:
        return
    if (luck := training.decide_seeds(at, taken, strict)) is not None:
        yield luck
    taken = yield from _judged(at, taken, strict)
    if taken is not None:
        yield from _standing(at, taken, strict)


def _start(at: Situation) -> Conversation:
    """The name of the net to start with (5.5); of texts by how many there are for each word of one."""
    words = (yield from checks.median_words(at)) if at.s.material == "text" else 0.0
    name = start_net(at.s.material, at.dev, words).name
    known = [network.name for network in offered(at.s)]
    measured = name in at.entering or not at.entering
    return name if name in known and (measured or at.s.material == "table") else "net_small"


def _design(at: Situation, start: Net, timed: Evidence) -> Conversation:
    """From the framework to the learning rate: the net with its settings, and the timing of the device it trains on; or
    None where somebody saw a mistake."""
    yield framework.ask_framework(at, start.network, timed)
    networks = offered(at.s)
    looked = yield from shape.shape(at, start)
    if looked is not None and looked.choice == "wrong":
        return None
    size = (yield architecture.ask_size(at, start, networks)).choice
    best = architecture.sized(size, start, networks) or start
    name = (yield architecture.ask_architecture(at, best, networks, start)).choice
    net = best if name == best.name else Net(name)
    timed = timed if net == start else (yield from device.time_steps(at, net))
    rows = (yield batch.ask_batch(at, net, timed)).choice
    net = net if rows == net.batch(at) else net.but(batch=int(rows))
    place, timed = yield from device.again(at, start, net, timed)
    net = net.but(device=place)
    tested = yield from rate.range_test(at, net)
    return net.but(learning_rate=float((yield rate.ask_rate(at, net, tested)).choice)), timed


def _judged(at: Situation, taken: training.Taken, strict: bool) -> Conversation:
    """The verdict, and what became of the hypothesis; the net where it was accepted, else None."""
    taken = yield from comparing.held_to(at, at.champion, taken, strict)
    if taken is None:
        return None
    outcome = yield from hypothesis.measure_target(at, taken.candidate, taken.own)
    accepted = (yield comparing.ask_compare(at, taken, strict, outcome)).choice == "accept"
    row = taken.candidate.verdict or {}
    if (held := hypothesis.decide_held(at.s, row.get("diff"), row.get("se"), outcome)) is not None:
        yield held
    if not accepted:
        yield from final.blend(at, taken.candidate, at.champion, strict, 2)
        return None
    return taken


def _standing(at: Situation, taken: training.Taken, strict: bool) -> Conversation:
    """A net was accepted: a smaller one, a larger one, both models together, and how fast what stands answers."""
    taken = yield from smaller.smaller(at, taken, strict)
    taken = yield from growing.grow(at, taken, strict)
    stands = yield from final.blend(at, taken.candidate, taken.candidate, strict, 2)
    if (timed := final.decide_latency(at, stands)) is not None:
        yield timed


DEEP = Stage("deep", "Deep model", deep, QUESTIONS)
