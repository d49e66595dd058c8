"""The sanity checks pass on a sound network, and each fails on the fault that it is there for."""

import numpy as np
import pytest

from engine.models.networks import sanity
from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.models.networks.losses import Loss
from engine.models.networks.spec import DENSE_64_32
from tests.engine.models.networks.test_training import rows

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)

CLASSES = Loss("cross_entropy")


def seen(loss, n=500):
    X, y, z = rows(n)
    return X, sanity.as_seen(loss, y if loss.classes else z)


@pytest.mark.parametrize(
    "loss", [CLASSES, Loss("squared"), Loss("absolute"), Loss("pinball", 0.8)], ids=lambda x: x.name
)
def test_a_sound_network_passes(loss):
    X, y = seen(loss)
    for check in sanity.CHECKS:
        result = check(DENSE_64_32, loss, X, y, 0)
        assert result["passed"], result
        assert result["hint"] == ""
        assert set(result) >= {"id", "value", "expected"}


def test_start_is_exact_on_unbalanced_classes():
    X, _ = seen(CLASSES)
    y = np.repeat([0, 1, 2], [400, 80, 20])
    result = sanity.loss_at_start(DENSE_64_32, CLASSES, X, y, 0)
    assert result["value"] == pytest.approx(result["expected"], rel=1e-5)


class NoBias(Loss):
    """A head that starts as libraries make it: at zero, whatever the classes."""

    def best_constant(self, y, outputs):
        return np.zeros(outputs, np.float32)


def test_c2_sees_a_head_without_its_bias():
    X, _ = seen(CLASSES)
    result = sanity.loss_at_start(DENSE_64_32, NoBias("cross_entropy"), X, np.repeat([0, 1], [450, 50]), 0)
    assert not result["passed"]
    assert result["value"] == pytest.approx(np.log(2), rel=1e-5)
    assert "best constant" in result["hint"]


def test_c4_sees_rows_that_carry_nothing():
    X, y = seen(CLASSES)
    nothing = X * np.float32(1e-7)
    nothing[:, 0] += np.arange(len(X), dtype=np.float32) * 1e-7  # different rows, but no room to tell them apart
    result = sanity.by_heart(DENSE_64_32, CLASSES, nothing, y, 0)
    assert not result["passed"]
    assert "wired wrongly" in result["hint"]


def test_c4_leaves_out_copies_and_finds_a_rare_class():
    X, y = seen(CLASSES, 300)
    copies = np.repeat(X[:20], 15, axis=0)
    chosen = sanity.learnable(copies, y, 32, 0, True)
    assert len(np.unique(copies[chosen], axis=0)) == len(chosen) <= 20
    rare = np.zeros(300, dtype=np.int64)
    rare[123] = 1
    chosen = sanity.learnable(X, rare, 32, 0, True)
    assert len(chosen) == 32
    assert 123 in chosen
