"""How long it will still take, when several parts are computed at once: held against what then happens."""

import heapq

import pytest

from engine.runners.eta import Underway, left


def test_nothing_is_said_before_anything_tells():
    assert left([], [], 5, 2) is None
    assert left([], [Underway(3.0), Underway(3.0)], 8, 2) is None
    assert left([], [Underway(3.0, share=0.01)], 8, 1) is None


def test_the_last_rounds_are_counted_in_hands_not_in_parts():
    assert left([4.0, 4.0], [Underway(0.0), Underway(0.0)], 6, 2) == pytest.approx(16.0)
    assert left([4.0, 4.0], [Underway(1.0), Underway(1.0)], 1, 2) == pytest.approx(7.0)
    assert left([4.0], [Underway(9.0)], 0, 2) == 0.0, "one that takes longer than the others may end at any moment"
    assert left([4.0], [], 0, 2) == 0.0


def test_steps_within_a_part_tell_before_the_first_is_done():
    assert left([], [Underway(2.0, share=0.25)], 1, 1) == pytest.approx(6.0 + 8.0)


@pytest.mark.parametrize(("parts", "hands"), [(10, 1), (10, 2), (10, 3), (5, 4), (50, 8)])
def test_with_parts_that_last_alike_it_is_right_at_every_moment(parts, hands):
    """Parts of 3 s each, played through: what was said after each is what it took."""
    ends = [3.0] * min(hands, parts)
    heapq.heapify(ends)
    waiting, now, finished, said = parts - len(ends), 0.0, [], []
    while ends:
        now = heapq.heappop(ends)
        finished.append(3.0)
        if waiting:
            heapq.heappush(ends, now + 3.0)
            waiting -= 1
        underway = [Underway(now - (end - 3.0)) for end in ends]
        said.append((now, left(finished, underway, waiting, hands)))
    for at, seconds in said:
        assert seconds == pytest.approx(now - at)
