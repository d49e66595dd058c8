"""Pictures as numbers: scaled by the training part, made smaller by areas, and found again after storing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.areas import areas
from engine.data.pixels import as_drawn, layout
from engine.models.pipeline import blocks
from engine.models.pixels import Pixels


def pictures(n: int, side: int, colours: str = "") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = [f"pixel_{r}_{c}{k and '_' + k}" for r in range(side) for c in range(side) for k in (colours or [""])]
    return pd.DataFrame(rng.integers(0, 17, (n, len(names))).astype(float), columns=names)


@pytest.mark.parametrize(("n", "channels"), [(64, 1), (784, 1), (3072, 3), (192, 3)])
def test_a_square_is_found_in_one_channel_or_three(n: int, channels: int) -> None:
    found = layout([f"p{i}" for i in range(n)])
    assert found is not None
    assert (found.channels, found.height * found.width * found.channels) == (channels, n)
    assert layout([f"p{i}" for i in range(50)]) is None


@given(st.sampled_from(["pixel{}", "{}", "p_{}.x", "v{:03}"]), st.integers(16, 400))
def test_pixels_stand_as_drawn_however_a_store_sorts_their_names(name: str, n: int) -> None:
    columns = [name.format(i) for i in range(n)]
    assert as_drawn(sorted(columns)) == columns


def test_a_pixel_without_padding_stays_in_its_place() -> None:
    """A store gives names back in the order of the alphabet, pixel_10 before pixel_2: the picture must not be mixed."""
    columns = sorted(f"pixel_{i}" for i in range(144))
    frame = pd.DataFrame(np.zeros((3, 144)), columns=columns)
    recipe = {"material": "image", "types": dict.fromkeys(columns, "number")}
    (block,) = blocks(recipe, "picture", frame)
    assert list(block.columns) == [f"pixel_{i}" for i in range(144)]


def test_colours_are_told_by_their_names() -> None:
    coloured = layout(list(pictures(1, 12, "rgb").columns))
    assert coloured is not None
    assert (coloured.height, coloured.channels) == (12, 3)


def test_the_training_part_says_what_is_white() -> None:
    frame = pictures(5, 8)
    made = Pixels().fit(frame)
    assert made.transform(frame).max() == 1
    assert made.transform(frame * 2).max() == 2  # brighter than any in training: not cut off, not rescaled
    assert np.isfinite(made.transform(frame.where(frame > 5))).all()


@given(st.integers(2, 40), st.integers(1, 40))
def test_areas_keep_the_mean(large: int, small: int) -> None:
    weights = areas(large, min(small, large))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights.mean(axis=0), 1 / large)


@pytest.mark.parametrize("colours", ["", "rgb"])
def test_halving_averages_four_neighbours(colours: str) -> None:
    frame = pictures(4, 8, colours)
    made = Pixels(side=4).fit(frame)
    k = len(colours) or 1
    whole = frame.to_numpy().reshape(4, 8, 8, k) / frame.to_numpy().max()
    expected = whole.reshape(4, 4, 2, 4, 2, k).mean(axis=(2, 4)).reshape(4, -1)
    np.testing.assert_allclose(made.transform(frame), expected)
    assert len(made.get_feature_names_out()) == expected.shape[1] == len(made.sources())


def test_components_are_at_most_what_the_rows_allow() -> None:
    frame = pictures(10, 8)
    made = Pixels(components=50).fit(frame)
    assert made.transform(frame).shape == (10, 9)
    assert len(made.get_feature_names_out()) == 9
