"""Define the problem: what is predicted, for whom, what a mistake costs, and which limits hold."""

from __future__ import annotations

from engine.conductor import Stage
from engine.effects import Conversation
from engine.session import Session
from engine.stages.define import expert, framing, limits, purpose, reading, series, target

QUESTIONS = (
    *purpose.QUESTIONS,
    *reading.QUESTIONS,
    *target.QUESTIONS,
    *series.QUESTIONS,
    *framing.QUESTIONS,
    *limits.QUESTIONS,
    *expert.QUESTIONS,
)


def define(s: Session) -> Conversation:
    yield purpose.pace()
    profile, seen = yield from reading.read_table(s)
    yield from purpose.purpose(s)
    yield from target.target(s, profile, seen)
    yield from framing.framing(s, profile, seen)
    yield from limits.limits(s, profile)
    yield from expert.expert(s, profile)


DEFINE = Stage("define", "Define the problem", define, QUESTIONS)
