"""The review as a picture, at 80×24 and 120×40.  Each docstring says what a person should see."""

from __future__ import annotations

import pytest

from tests.tui.scripted import see
from tests.tui.test_review_screen import app_at, at_the_review, store_with_flags

pytestmark = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def shown(snap_compare, tmp_path, size, *steps):
    async def before(pilot):
        await at_the_review(pilot)
        for step in steps:
            if isinstance(step, str):
                await see(pilot, step)
            else:
                await pilot.press(*step)
        await pilot.pause()

    return snap_compare(app_at(store_with_flags(tmp_path)), terminal_size=size, run_before=before)


def test_summary(snap_compare, tmp_path, size):
    """The session as a whole: flags by kind, good practice, the rungs; flagged decisions stand out in the list."""
    assert shown(snap_compare, tmp_path, size, "good practice")


def test_a_flag(snap_compare, tmp_path, size):
    """The gravest flag at its decision: what was found, why it matters, what to do, and what was decided."""
    assert shown(snap_compare, tmp_path, size, ["n"], "M10  The split")


def test_a_thread(snap_compare, tmp_path, size):
    """A question with its answer, and an agreement; markup is literal; r and o are offered."""
    assert shown(snap_compare, tmp_path, size, ["down"] * 9, "costs[/b]?", ["tab", "end"])


def test_saying_something(snap_compare, tmp_path, size):
    """A box over the dimmed review that says about what; enter keeps, escape closes."""
    assert shown(snap_compare, tmp_path, size, ["n"], "M10  The split", ["q"], "ask about decision 18")
