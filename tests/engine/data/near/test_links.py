from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.data.near.links import ALL_PAIRS, linked, together

numbers = st.lists(st.integers(0, 5), min_size=1, max_size=30)


def chained(a: list[int], b: list[int]) -> list[frozenset[int]]:
    """The same by brute force: spread each number until nothing changes."""
    label = list(range(len(a)))
    changed = True
    while changed:
        changed = False
        for i in range(len(a)):
            for j in range(len(a)):
                if (a[i] == a[j] or b[i] == b[j]) and label[i] != label[j]:
                    label[i] = label[j] = min(label[i], label[j])
                    changed = True
    return sorted({frozenset(i for i, other in enumerate(label) if other == one) for one in label}, key=min)


def parts(number: np.ndarray) -> list[frozenset[int]]:
    return sorted({frozenset(np.flatnonzero(number == one).tolist()) for one in number}, key=min)


@given(st.data())
def test_together_follows_the_whole_chain(data: st.DataObject) -> None:
    a = data.draw(numbers)
    b = data.draw(st.lists(st.integers(0, 5), min_size=len(a), max_size=len(a)))
    assert parts(together(np.array(a), np.array(b))) == chained(a, b)


def test_candidates_that_are_not_alike_stay_apart() -> None:
    values = np.array([0.0, 0.1, 5.0, 5.1, 9.0])
    found = linked(5, [np.zeros(5, dtype=np.int64)], lambda a, b: np.abs(values[a] - values[b]) < 1)
    assert parts(found) == [frozenset({0, 1}), frozenset({2, 3}), frozenset({4})]


def test_rows_of_different_keys_are_never_held_against_each_other() -> None:
    found = linked(4, [np.array([0, 0, 1, 1])], lambda a, b: np.ones(len(a), dtype=bool))
    assert parts(found) == [frozenset({0, 1}), frozenset({2, 3})]


def test_many_copies_of_one_thing_cost_a_comparison_each() -> None:
    n, asked = 10 * ALL_PAIRS, 0

    def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(a)
        return np.ones(len(a), dtype=bool)

    assert len(np.unique(linked(n, [np.zeros(n, dtype=np.int64)], alike))) == 1
    assert asked == n - 1
