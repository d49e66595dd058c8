"""A second look at locked rows, from this session or another, stands only with a why, and is counted in words."""

from __future__ import annotations

import pytest

from engine.questions import Level
from engine.session import Session
from engine.stages.present import _ask_open, often
from tests.engine.stages.test_lessons import CLIMB, say


def opening(here: int, elsewhere: int):
    decisions = [say("split.lockbox", 0.25), *CLIMB]
    s = Session("s", "data", decisions, looks=lambda exam: (here, elsewhere))
    return _ask_open(s, s.rungs, locked=True)


@pytest.mark.parametrize(("here", "elsewhere", "advised"), [(1, 0, "not_yet"), (0, 1, "open"), (2, 3, "not_yet")])
def test_a_further_look_is_held_until_somebody_says_why(here: int, elsewhere: int, advised: str):
    ask = opening(here, elsewhere)
    assert ask.recommended == advised
    assert often(here + elsewhere) in ask.reason
    (objection,) = ask.judge("open").objections
    assert (objection.level, objection.flag) == (Level.HOLD, "M01")
    assert ask.judge("not_yet").objections == ()
    check = ask.judge("open").check
    assert check is not None
    assert check.value == here + elsewhere


def test_the_first_look_asks_for_nothing():
    ask = opening(0, 0)
    assert ask.recommended == "open"
    assert ask.judge("open").objections == ()


def test_counts_read_as_people_say_them():
    assert [often(n) for n in (1, 2, 5)] == ["once", "twice", "5 times"]
