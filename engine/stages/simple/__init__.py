"""Simple models: which compete, which one has earned its place, where it is wrong, and whether it may go to work."""

from __future__ import annotations

from engine.conductor import Stage
from engine.effects import Conversation
from engine.session import Session
from engine.stages.ladder import metric
from engine.stages.simple import candidates, champion, climbing, curve, errors, improving, shipping, threshold
from engine.stages.simple.climbing import climb

QUESTIONS = (
    *candidates.QUESTIONS,
    *climbing.QUESTIONS,
    *champion.QUESTIONS,
    *curve.QUESTIONS,
    *errors.QUESTIONS,
    *improving.QUESTIONS,
    *threshold.QUESTIONS,
    *shipping.QUESTIONS,
)


def simple(s: Session) -> Conversation:
    if s.choice("baseline.enough") == "ship":
        return
    m = metric(s)
    names = (yield candidates.ask_candidates(s)).choice
    start, runners, winner = yield from climb(s, names)
    if behind := climbing.decide_stopped(s, runners):
        yield behind
    worth = yield from champion.in_own_units(s, start, runners)
    chosen = (yield champion.ask_champion(s, m, start, runners, winner, worth)).choice
    standing = next(c for c in (start, *runners) if c.name == chosen)

    yield from curve.learning_curve(s, standing)
    seen = yield from errors.errors(s, standing, runners)
    standing = yield from improving.improve(s, standing, runners, seen)
    if s.task == "binary":
        yield threshold.ask_threshold(s, standing)
    yield shipping.ask_ship(s, m, standing)


SIMPLE = Stage("simple", "Simple model", simple, QUESTIONS)
