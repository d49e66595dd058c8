from __future__ import annotations

import numpy as np
import pytest

from engine.data.areas import areas
from engine.data.near import pictures as module
from engine.data.near.pictures import average_hashes, near_pictures


def drawn(n: int, side: int = 16, seed: int = 0) -> np.ndarray:
    """(n, side, side) smooth pictures, each another one."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (n, 5, 5))
    return np.einsum("ih,nhw,jw->nij", areas(5, side), coarse, areas(5, side), optimize=True)


def near(pictures: np.ndarray) -> np.ndarray | None:
    n, height, width = pictures.shape
    flat = {f"pixel_{i}_{j}": pictures[:, i, j] for i in range(height) for j in range(width)}
    return near_pictures(list(flat), flat.__getitem__, n)


def test_lighter_and_noisier_pictures_are_near_copies_and_others_are_not() -> None:
    rng = np.random.default_rng(1)
    first = drawn(40)
    lighter = first * 0.9 + 20
    noisier = first + rng.normal(0, 1.5, first.shape)
    number = near(np.concatenate([first, lighter, noisier]))
    assert number is not None
    assert (number[:40] == number[40:80]).all()
    assert (number[:40] == number[80:]).all()
    assert len(np.unique(number)) == 40


def test_pictures_that_show_nothing_are_near_to_none() -> None:
    number = near(np.concatenate([drawn(6), np.zeros((3, 16, 16))]))
    assert number is not None
    assert len(np.unique(number[:6])) == 6


def test_numbers_that_make_no_picture_are_not_compared() -> None:
    assert near_pictures(["age", "height"], lambda name: np.arange(5.0), 5) is None


def test_too_many_pictures_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PICTURES", 5)
    assert near(drawn(6)) is None


def test_the_average_hash_by_hand() -> None:
    picture = np.zeros((1, 8, 8))
    picture[0, 0, :] = 100  # the first line is lighter than the mean: the first byte's bits are set
    assert average_hashes(picture).view(np.uint8).tolist() == [255, 0, 0, 0, 0, 0, 0, 0]


def test_the_hash_of_a_picture_drawn_larger_is_the_same() -> None:
    small = drawn(10, 8)
    np.testing.assert_array_equal(average_hashes(small), average_hashes(small.repeat(3, axis=1).repeat(3, axis=2)))
