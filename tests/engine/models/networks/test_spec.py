"""Declared networks: every layer has a purpose, settings change a copy, nothing else passes."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageProblem
from engine.models.networks.spec import DENSE_64_32, NETWORKS, Layer, Network, batch_size, declared


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.name)
def test_every_network_survives_json(network):
    assert Network.from_dict(json.loads(json.dumps(network.as_dict()))) == network
    assert all(layer.purpose for layer in network.layers)


def test_start_net_is_the_catalogues():
    training = DENSE_64_32.training
    assert DENSE_64_32.widths == (64, 32)
    assert (training.learning_rate, training.weight_decay, training.epochs, training.patience) == (2e-3, 3e-4, 200, 16)
    assert {layer.rate for layer in DENSE_64_32.layers if layer.kind == "dropout"} == {0.1}
    assert DENSE_64_32.count(10, 2).parameters == 2850


def test_smaller_variants():
    assert DENSE_64_32.halved().widths == (32, 16)
    short = DENSE_64_32.shorter()
    assert [layer.kind for layer in short.layers] == ["dense", "dropout", "head"]
    assert declared("net_small", {"widths": [64]}) == short
    with pytest.raises(UsageProblem, match="takes 1 to 2 widths, not 0"):
        DENSE_64_32.with_widths([])


def test_settings_change_a_copy():
    changed = declared("net_small", {"dropout": 0.25, "learning_rate": 1e-3, "batch": 64})
    assert [layer.rate for layer in changed.layers if layer.kind == "dropout"] == [0.25, 0.25]
    assert (changed.training.learning_rate, changed.training.batch) == (1e-3, 64)
    assert declared("net_small") == DENSE_64_32


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("net_huge", {}, "no network called 'net_huge'"),
        ("net_small", {"momentum": 0.9}, "no setting 'momentum'"),
        ("net_small", {"dropout": 1.0}, "from 0 to below 1"),
        ("net_small", {"widths": [64, 0]}, "at least 1"),
    ],
)
def test_what_cannot_be_is_refused_in_words(name, settings, says):
    with pytest.raises(UsageProblem, match=says):
        declared(name, settings)


def test_a_layer_without_a_purpose_or_a_missing_head_is_refused():
    with pytest.raises(UsageProblem, match="no purpose"):
        replace(DENSE_64_32, layers=(Layer("dense", " ", 4), DENSE_64_32.layers[-1])).checked()
    with pytest.raises(UsageProblem, match="must end in its one head"):
        replace(DENSE_64_32, layers=DENSE_64_32.layers[:-1]).checked()
    with pytest.raises(UsageProblem, match="must end in its one head"):
        replace(DENSE_64_32, layers=()).checked()


def test_batch_by_the_table():
    sizes = {1024: 64, 4500: 128, 30_000: 256, 100_000: 512, 500_000: 1024}
    assert {rows: batch_size(rows) for rows in sizes} == sizes
    assert batch_size(220) == 16  # halved until an epoch has 8 steps
    assert batch_size(220, wanted=64) == 64


@given(st.integers(8, 10**6))
def test_an_epoch_has_at_least_eight_steps(rows):
    assert -(-rows // batch_size(rows)) >= 8
