"""The journal and what it opens as pictures, at 80×24 and 120×40.  Each docstring says what a person should see."""

from __future__ import annotations

import pytest

from tests.tui.scripted import see
from tests.tui.test_looking_back import app_at, store_with_branches

pytestmark = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def shown(snap_compare, tmp_path, size, *steps, **how):
    async def before(pilot):
        for step in steps:
            if isinstance(step, str):
                await see(pilot, step)
            else:
                await pilot.press(*step)
        await pilot.pause()

    return snap_compare(app_at(store_with_branches(tmp_path), **how), terminal_size=size, run_before=before)


def in_the_journal(snap_compare, tmp_path, size, *steps):
    return shown(snap_compare, tmp_path, size, "data   ", *steps, session="churn", read_only=True)


def test_a_decision_with_its_evidence(snap_compare, tmp_path, size):
    """The choice of the model: before and after, the ladder as it was then, and the exams that it cites."""
    assert in_the_journal(snap_compare, tmp_path, size, ["left"] * 7, "simple.champion", ["tab", "end"], "data   ")


def test_a_filter(snap_compare, tmp_path, size):
    """Three decisions of 36, and what was typed above them."""
    assert in_the_journal(snap_compare, tmp_path, size, ["slash", *"stage:baseline"], "3 of 36", "data   ")


def test_two_moments(snap_compare, tmp_path, size):
    """What was decided between two moments, and the rungs that came."""
    steps = (["left"] * 8, ["d"], "28 is marked", ["left"] * 12, ["d"], "floor, line and gain”")
    assert in_the_journal(snap_compare, tmp_path, size, *steps)


def test_branches(snap_compare, tmp_path, size):
    """Two branches; the one under the cursor left main at decision 20; what can be done stands below."""
    assert in_the_journal(snap_compare, tmp_path, size, ["b"], "main at 20", ["down"])


def test_side_by_side(snap_compare, tmp_path, size):
    """Two branches: where they parted, both ladders on one scale, and why there is no paired difference."""
    steps = (["b"], "main at 20", ["down", "c"], "parted at “the number that decides”")
    assert in_the_journal(snap_compare, tmp_path, size, *steps)


def test_words_found(snap_compare, tmp_path, size):
    """Places with the word, the word standing out; markup in a comment is text."""
    assert shown(snap_compare, tmp_path, size, "monday", ["s"], "phrase", [*"costs"], "[b]costs[/b]?")
