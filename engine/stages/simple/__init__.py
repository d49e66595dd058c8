"""Simple models: which compete, which one has earned its place, where it is wrong, and whether it may go to work."""

from __future__ import annotations

from engine.conductor import Stage
from engine.effects import Conversation
from engine.session import Session
from engine.stages.ladder import metric
from engine.stages.simple import (
    calibration,
    candidates,
    champion,
    climbing,
    curve,
    errors,
    importance,
    improving,
    shipping,
    signs,
    threshold,
)
from engine.stages.simple.climbing import climb

QUESTIONS = (
    *candidates.QUESTIONS,
    *climbing.QUESTIONS,
    *champion.QUESTIONS,
    *signs.QUESTIONS,
    *curve.QUESTIONS,
    *errors.QUESTIONS,
    *importance.QUESTIONS,
    *improving.QUESTIONS,
    *calibration.QUESTIONS,
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

    yield from signs.signs(s, runners)
    yield from curve.learning_curve(s, standing)
    seen = yield from errors.errors(s, standing, runners)
    yield from importance.importance(s, standing)
    standing = yield from improving.improve(s, standing, runners, seen)
    standing, honest = yield from calibration.calibration(s, standing)
    if s.task == "binary":
        yield from threshold.threshold(s, standing, honest)
    yield shipping.ask_ship(s, m, standing)


SIMPLE = Stage("simple", "Simple model", simple, QUESTIONS)
