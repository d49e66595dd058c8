"""Counting networks before they are built: the catalogue's worked figures, and the built modules themselves."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import counts
from engine.errors import UsageProblem
from engine.models.networks.backend import HOW_TO_ADD, installed, load_keras


def dense_net(*sizes):
    return [{"kind": "dense", "size": size} for size in sizes] + [{"kind": "head"}]


def test_worked_check_of_the_catalogue():
    counted = counts.count(dense_net(20, 10), 10, 4)
    assert [layer.parameters for layer in counted.layers] == [220, 210, 44]
    assert counted.parameters == 474
    assert counted.multiplications == 440
    assert counts.count(dense_net(20, 10), 10, 1).parameters == 441
    assert counts.linear(10, 2) == counts.linear(10, 1) == 11
    assert counts.linear(10, 4) == 44
    assert round(1 - 11 / 474, 3) == 0.977
    assert round(1 - 44 / 474, 3) == 0.907


def test_start_nets_of_the_catalogue():
    assert counts.count(dense_net(64, 32), 10, 2).parameters == 2850  # yes/no has two outputs
    assert counts.count(dense_net(64, 32), 10, 1).parameters == 2817
    picture = [
        {"kind": "conv2d", "size": 32, "kernel": 3},
        {"kind": "pool", "size": 2},
        {"kind": "conv2d", "size": 64, "kernel": 3},
        {"kind": "pool", "size": 2},
        {"kind": "average"},
        {"kind": "dropout", "rate": 0.3},
        {"kind": "head"},
    ]
    assert counts.count(picture, (28, 28, 1), 10).parameters == 19_466
    causal = {"kind": "conv1d", "size": 32, "kernel": 3, "padding": "causal"}
    assert counts.count([causal, causal, causal, {"kind": "last"}, {"kind": "head"}], (48, 1), 12).parameters == 6732


def test_shapes_and_costs_of_a_picture_net():
    layers = [{"kind": "conv2d", "size": 4, "kernel": 3}, {"kind": "pool"}, {"kind": "flatten"}, {"kind": "head"}]
    counted = counts.count(layers, (8, 8, 2), 3)
    assert [layer.shape for layer in counted.layers] == [(6, 6, 4), (3, 3, 4), (36,), (3,)]
    assert counted.multiplications == 9 * 2 * 4 * 36 + 36 * 3
    assert counted.activations == 6 * 6 * 4 + 36 + 36 + 3


def test_embeddings_are_counted_apart():
    layers = [{"kind": "embedding", "rows": 1000, "size": 8}, {"kind": "average"}, {"kind": "head"}]
    counted = counts.count(layers, 40, 2)
    assert (counted.embeddings, counted.parameters) == (8000, 8018)


def test_recurrent_layers_count_as_torch_builds_them():
    torch = pytest.importorskip("torch", reason=HOW_TO_ADD)
    for inputs, hidden in ((1, 4), (7, 32)):
        built = sum(p.numel() for p in torch.nn.GRU(inputs, hidden, batch_first=True).parameters())
        assert counts.gru(inputs, hidden) == built
        built = sum(p.numel() for p in torch.nn.LSTM(inputs, hidden, batch_first=True).parameters())
        assert counts.lstm(inputs, hidden) == built
    layers = [{"kind": "gru", "size": 32}, {"kind": "head"}]
    assert counts.count(layers, (20, 3), 6).parameters == counts.gru(3, 32) + 33 * 6


@pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)
def test_convolutions_and_embeddings_count_as_keras_builds_them():
    keras = load_keras()
    with keras.device("cpu"):
        for layer, shape, expected in (
            (keras.layers.Conv1D(5, 3), (None, 12, 4), counts.conv1d(3, 4, 5)),
            (keras.layers.Conv2D(6, 3), (None, 9, 9, 2), counts.conv2d(3, 2, 6)),
            (keras.layers.Embedding(50, 8), (None, 7), counts.embedding(50, 8)),
            (keras.layers.GRU(8), (None, 7, 3), counts.gru(3, 8)),
        ):
            layer.build(shape)
            assert layer.count_params() == expected


@given(st.integers(1, 300), st.integers(1, 5), st.lists(st.integers(1, 100), max_size=4))
def test_a_dense_net_costs_its_parameters_less_the_biases(inputs, outputs, sizes):
    counted = counts.count(dense_net(*sizes), inputs, outputs)
    assert counted.parameters - counted.multiplications == sum(sizes) + outputs


def test_rows_per_parameter():
    assert counts.rows_per_parameter(5000, 500) == 10
    assert counts.rows_per_parameter(5000, 500, rarest=100) == 0.4
    assert counts.rows_per_parameter(5000, 500, rarest=2500) == 10


@pytest.mark.parametrize(
    ("layers", "shape", "says"),
    [
        ([{"kind": "transformer"}], 4, "no layer called 'transformer'"),
        ([{"kind": "dense", "size": 3}], (8, 8, 1), "takes rows of 1 dimensions"),
        ([{"kind": "conv1d", "size": 3, "kernel": 9}], (4, 1), "does not fit a side of 4"),
        ([{"kind": "pool", "size": 9}], (4, 1), "leave it out"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(layers, shape, says):
    with pytest.raises(UsageProblem, match=says):
        counts.count(layers, shape, 2)


def test_counting_and_declaring_are_light():
    heavy = ("numpy", "pandas", "scipy", "sklearn", "torch", "keras")
    code = (
        "import sys, engine.counts, engine.models.networks.spec, engine.models.networks.backend as b; b.installed(); "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
