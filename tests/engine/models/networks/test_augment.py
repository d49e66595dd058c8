"""Pictures that are moved or mirrored stay what they are, pixel for pixel."""

import numpy as np
import pytest

from engine.models.networks.backend import HOW_TO_ADD, installed, load_torch
from engine.models.networks.layers import Training

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)


def drawn(n=40, side=28, channels=1):
    """A dot of its own brightness in the middle of each picture, and its two neighbours."""
    torch = load_torch()
    x = torch.zeros((n, side, side, channels))
    x[:, side // 2, side // 2] = torch.arange(1, n + 1)[:, None].float()
    x[:, side // 2, side // 2 + 1] = 0.5
    return x


def moved(x, **how):
    from engine.models.networks.augment import augmented

    load_torch().manual_seed(0)
    return augmented(x, Training(**how))


@pytest.mark.parametrize("channels", [1, 3])
def test_moved_by_whole_pixels_within_the_reach(channels):
    x = drawn(200, 28, channels)
    out = moved(x, shift=0.1)
    assert out.shape == x.shape
    assert (out.sum(dim=(1, 2, 3)) == x.sum(dim=(1, 2, 3))).all(), "nothing is blurred, and nothing lost"
    places = np.array([np.unravel_index(int(p[..., 0].argmax()), (28, 28)) for p in out]) - 14
    assert set(places[:, 0]) == set(places[:, 1]) == {-2, -1, 0, 1, 2}
    beside = out[range(200), places[:, 0] + 14, places[:, 1] + 15, 0]
    assert (beside == 0.5).all(), "what stood beside it stands beside it"


def test_a_small_picture_is_left_alone():
    """A tenth of 8 pixels is less than one: moving it by parts would blur it."""
    x = drawn(10, 8)
    assert moved(x, shift=0.1) is x
    assert moved(x, shift=0.2) is not x


def test_mirrored_by_chance_only_where_that_is_allowed():
    x = drawn(300, 8)
    out = moved(x, mirror=True)
    same, turned = (out == x).flatten(1).all(dim=1), (out == x.flip(2)).flatten(1).all(dim=1)
    assert (same ^ turned).all()
    assert 100 < int(turned.sum()) < 200
    assert moved(x) is x
