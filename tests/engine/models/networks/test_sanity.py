"""The sanity checks pass on a sound network, and each fails on the fault that it is there for."""

from dataclasses import replace

import numpy as np
import pytest

from engine.models.networks import modules, sanity, steps
from engine.models.networks.backend import HOW_TO_ADD, installed, load_torch
from engine.models.networks.inputs import Layout, Stack, plain_layout
from engine.models.networks.layers import Inputs
from engine.models.networks.losses import Loss
from engine.models.networks.spec import BY_NAME, DENSE_64_32
from engine.models.networks.steps import Case
from tests.engine.models.networks.test_training import rows

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)

CLASSES = Loss("cross_entropy")


def case(loss=CLASSES, n=500, network=DENSE_64_32, X=None, y=None):
    made, codes, numbers = rows(n)
    X = made if X is None else X
    y = sanity.as_seen(loss, (codes if loss.classes else numbers) if y is None else y)
    layout = plain_layout(X.shape[1])
    return Case(network, loss, layout, layout.tensors(X), y, 0)


@pytest.mark.parametrize(
    "loss", [CLASSES, Loss("squared"), Loss("absolute"), Loss("pinball", 0.8)], ids=lambda x: x.name
)
def test_a_sound_network_passes(loss):
    sound = case(loss)
    for check in sanity.CHECKS:
        result = check(sound)
        assert result["passed"], result
        assert result["hint"] == ""
        assert set(result) >= {"id", "value", "expected"}


def test_c0_sees_draws_without_the_seed(monkeypatch):
    torch = load_torch()
    own = torch.Generator().manual_seed(7)  # goes on from one training to the next, whatever the seed
    forward = modules.Net.forward

    def noisy(self, x, beside=None):
        return forward(self, x + 0.1 * torch.randn(x.shape, generator=own), beside)

    monkeypatch.setattr(modules.Net, "forward", noisy)
    result = sanity.same_seed(case())
    assert not result["passed"]
    assert result["value"] > result["expected"]
    assert "without the seed" in result["hint"]


def test_c1_sees_what_was_not_declared():
    sound = case()
    torch = load_torch()
    endless = sound.stack.x.clone()
    endless[3, 2] = float("inf")
    assert sanity.as_declared(replace(sound, stack=Stack(endless)))["wrong"] == ["numbers"]
    assert sanity.as_declared(replace(sound, stack=Stack(sound.stack.x.double())))["wrong"] == ["type"]
    assert sanity.as_declared(replace(sound, y=sound.y.astype(np.int32)))["wrong"] == ["targets"]
    bright = Layout(Inputs("picture", (8, 8, 1)), 64)
    pictures = Case(BY_NAME["image_small"], CLASSES, bright, Stack(torch.full((500, 8, 8, 1), 255.0)), sound.y, 0)
    assert sanity.as_declared(pictures)["wrong"] == ["range"]


def test_start_is_exact_on_unbalanced_classes():
    result = sanity.loss_at_start(case(y=np.repeat([0, 1, 2], [400, 80, 20])))
    assert result["value"] == pytest.approx(result["expected"], rel=1e-5)


class NoBias(Loss):
    """A head that starts as libraries make it: at zero, whatever the classes."""

    def best_constant(self, y, outputs):
        return np.zeros(outputs, np.float32)


def test_c2_sees_a_head_without_its_bias():
    result = sanity.loss_at_start(case(NoBias("cross_entropy"), y=np.repeat([0, 1], [450, 50])))
    assert not result["passed"]
    assert result["value"] == pytest.approx(np.log(2), rel=1e-5)
    assert "best constant" in result["hint"]


def test_c3_sees_rows_that_are_mixed(monkeypatch):
    forward = modules.Net.forward
    monkeypatch.setattr(modules.Net, "forward", lambda net, x, beside=None: forward(net, x - x.mean(dim=0), beside))
    result = sanity.own_row_only(case())
    assert not result["passed"]
    assert "rows of a batch are mixed" in result["hint"]


def series(network):
    torch = load_torch()
    generator = torch.Generator().manual_seed(0)
    layout = Layout(Inputs("window", (12, 1), horizon=3), 13)
    y = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    return Case(network, Loss("absolute"), layout, Stack(torch.randn(60, 12, 1, generator=generator)), y, 0)


def test_c3_sees_a_layer_that_looks_ahead(monkeypatch):
    causal = series(BY_NAME["series_conv"])
    assert sanity.own_row_only(causal)["passed"]
    forward = modules.Conv1d.forward
    monkeypatch.setattr(modules.Conv1d, "forward", lambda layer, x: forward(layer, x.flip(1)).flip(1))
    result = sanity.own_row_only(causal)
    assert not result["passed"]
    assert "looks ahead" in result["hint"]


def test_c4_sees_rows_that_carry_nothing():
    X = rows(500)[0]
    nothing = X * np.float32(1e-7)
    nothing[:, 0] += np.arange(len(X), dtype=np.float32) * 1e-7  # different rows, but no room to tell them apart
    result = sanity.by_heart(case(X=nothing))
    assert not result["passed"]
    assert "wired wrongly" in result["hint"]


def test_c4_leaves_out_copies_and_finds_a_rare_class():
    X = rows(300)[0]
    copies = np.repeat(X[:20], 15, axis=0)
    chosen = sanity.learnable(case(n=300, X=copies), 32)
    assert len(np.unique(copies[chosen], axis=0)) == len(chosen) <= 20
    rare = np.zeros(300, dtype=np.int64)
    rare[123] = 1
    chosen = sanity.learnable(case(n=300, y=rare), 32)
    assert len(chosen) == 32
    assert 123 in chosen


def test_c5_sees_inputs_that_say_nothing():
    rng = np.random.default_rng(3)
    result = sanity.inputs_matter(case(X=rng.standard_normal((500, 6)).astype(np.float32)))
    assert not result["passed"]
    assert "say nothing about the target" in result["hint"]


def test_c5_passes_a_net_that_learns_and_then_learns_by_heart():
    """A strong signal among 400 columns of noise, 200 rows: soon all is known by heart, and the early epochs count."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((200, 400)).astype(np.float32)
    y = (X[:, :8].sum(axis=1) > 0).astype(np.int64)
    hard = case(n=200, X=X, y=y).with_training(learning_rate=0.02)
    inner, held = sanity._parts(hard)
    zeros = sanity._after_epochs(sanity._without_inputs(inner), sanity._without_inputs(held)).mean()
    assert sanity._after_epochs(inner, held).mean() > zeros, "at the end it is worse than knowing nothing"
    assert sanity.inputs_matter(hard)["passed"]


def test_c6_sees_rows_that_learning_and_looking_share(monkeypatch):
    """The rows that are looked at are among those that are learned from: labels by chance are found again."""
    parts = sanity._parts

    def leaking(whole):
        inner, _ = parts(whole)
        return inner, inner

    monkeypatch.setattr(sanity, "_parts", leaking)
    wide = np.random.default_rng(4).standard_normal((200, 40)).astype(np.float32)
    result = sanity.nothing_from_shuffled(case(n=200, X=wide))
    assert not result["passed"]
    assert "share something" in result["hint"]


def test_c7_sees_a_loss_that_falls_at_no_rate():
    """Inputs that are no numbers leave no loss at all, whatever the rate."""
    endless = rows(500)[0]
    endless[:, 2] = np.inf
    result = sanity.rate_test(case(Loss("squared"), X=endless))
    assert not result["passed"]
    assert "falls at no rate" in result["hint"]


def test_c8_sees_steps_that_lead_uphill(monkeypatch):
    made = steps.optimiser

    def uphill(torch, net, how):
        adam = made(torch, net, how)
        for group in adam.param_groups:
            group["maximize"] = True
        return adam

    monkeypatch.setattr(steps, "optimiser", uphill)
    result = sanity.first_epoch(case(Loss("squared")))
    assert not result["passed"]
    assert result["value"] > result["expected"]
    assert result["hint"]


def test_the_checks_step_in_the_precision_that_is_trained_in():
    whole = case()
    half = whole.with_training(precision="bf16")
    with whole.repeated():
        full, narrow = ([*each.steps(each.net(), 5)] for each in (whole, half))
    assert full != narrow
    assert np.allclose(full, narrow, rtol=0.02)
