"""Training: what is learned, when it stops, that it repeats to the bit, and that it can be stopped."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from engine.errors import Cancelled, DataProblem
from engine.models.networks.backend import HOW_TO_ADD, NoNetworks, installed, load_torch
from engine.models.networks.estimator import NetworkClassifier, NetworkRegressor
from engine.models.networks.losses import Loss, proper_loss
from engine.models.networks.spec import declared
from engine.models.networks.training import build_network

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)

QUICK = {"epochs": 40, "patience": 8}
BINARY = {"task": "binary", "metric": "roc_auc"}
NUMBER = {"task": "regression", "metric": "rmse"}


def rows(n=600, features=6, seed=0):
    """Two columns that act together, which no line can see.  X: (n, features) float32, y: (n,) 0/1, z: (n,)."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, features)).astype(np.float32)
    signal = 2 * X[:, 0] * X[:, 1] + X[:, 2]
    return X, (signal + 0.3 * rng.standard_normal(n) > 0).astype(int), 500 + 80 * signal


def network(recipe=BINARY, seed=0, report=None, features=6, **settings):
    return build_network({"name": "net_small", "settings": QUICK | settings}, recipe, features, seed, report)


def test_learns_what_a_line_cannot():
    X, y, _ = rows(1500)
    model = network(epochs=80).fit(X[:1000], y[:1000])
    proba = model.predict_proba(X[1000:])
    assert proba.shape == (500, 2)
    assert np.allclose(proba.sum(axis=1), 1)
    assert roc_auc_score(y[1000:], proba[:, 1]) > 0.93
    assert set(model.predict(X[1000:])) <= {0, 1}


def test_regression_answers_in_the_targets_unit():
    X, _, z = rows(1500)
    for metric in ("rmse", "mae"):
        model = network(NUMBER | {"metric": metric}, epochs=80).fit(X[:1000], z[:1000])
        gap = model.predict(X[1000:]) - z[1000:]
        assert np.sqrt(np.mean(gap**2)) < 0.5 * np.std(z)
        assert np.allclose(model.module_(X[:5]).detach().numpy()[:, 0], model.predict(X[:5]), rtol=1e-4)


def test_labels_may_be_any_and_a_class_may_be_missing():
    X, y, _ = rows()
    names = np.array(["no", "yes"])[y]
    assert set(network().fit(X, names).predict(X)) <= {"no", "yes"}
    model = network({"task": "multiclass", "metric": "log_loss"}).fit(X, np.where(X[:, 2] > 0.5, 3, y))
    assert model.classes_.tolist() == [0, 1, 3]
    assert model.predict_proba(X).shape == (600, 3)


def test_one_seed_repeats_to_the_bit_and_another_differs():
    X, y, _ = rows()
    first, again, other = (network(seed=seed).fit(X, y) for seed in (5, 5, 6))
    assert np.array_equal(first.predict_proba(X), again.predict_proba(X))
    assert first.trained_["curve"] == again.trained_["curve"]
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))


@pytest.mark.slow
def test_repeats_to_the_bit_in_another_process():
    code = (
        "from tests.engine.models.networks.test_training import network, rows; X, y, _ = rows();"
        "print(network(seed=5, epochs=5).fit(X, y).predict_proba(X).tobytes().hex()[:4000])"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    X, y, _ = rows()
    assert network(seed=5, epochs=5).fit(X, y).predict_proba(X).tobytes().hex()[:4000] == there.strip()


def test_training_leaves_torchs_own_settings_and_random_state_alone():
    torch = load_torch()
    X, y, _ = rows(200)
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    network(epochs=2).fit(X, y)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
    assert torch.equal(torch.rand(3), expected)


def test_stops_early_and_keeps_the_best_weights():
    X, y, _ = rows(400)
    held = rows(200, seed=9)[:2]
    model = network(epochs=200, patience=4).fit(X, y, X_val=held[0], y_val=held[1])
    curve = [point["validation loss"] for point in model.trained_["curve"]]
    best = model.trained_["best_epoch"]
    assert model.trained_["epochs"] == best + 4 < 200
    assert curve[best] == min(curve)
    proba = model.predict_proba(held[0])
    measured = -np.log(proba[np.arange(200), held[1]]).mean()
    assert measured == pytest.approx(curve[best], rel=1e-4)


def test_a_net_that_learns_nothing_answers_the_constant():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 40)).astype(np.float32)
    y = rng.integers(0, 2, 60)
    model = network(features=40, learning_rate=0.5, epochs=3).fit(X[:40], y[:40], X[40:], 1 - y[40:])
    if model.trained_["best_epoch"] == 0:
        assert np.ptp(model.predict_proba(X)[:, 1]) < 1e-6


def test_reports_a_point_at_each_epoch_and_stops_when_cancelled():
    X, y, _ = rows()
    points = []

    def listen(progress):
        if progress.point:
            points.append(progress.point)
        if len(points) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        network(report=listen).fit(X, y)
    told = {"epoch", "train loss", "validation loss", "validation accuracy", "learning rate", "rows a second",
            "gradient norm", "weight norm", "best epoch", "seconds left"}  # fmt: skip
    assert [set(point) for point in points] == [told] * 3
    assert [point["epoch"] for point in points] == [1, 2, 3]


def test_starts_at_the_loss_of_the_best_constant():
    X, y, z = rows()
    assert network(epochs=1).fit(X, y).loss_at_start_ == pytest.approx(np.log(2), abs=0.02)
    assert network(NUMBER, epochs=1).fit(X, z).loss_at_start_ == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("recipe", [BINARY, NUMBER], ids=["classes", "number"])
def test_the_direct_route_answers_as_the_keras_module(recipe):
    X, y, z = rows(300)
    model = network(recipe, epochs=4).fit(X, z if recipe is NUMBER else y)
    by_keras = model.module_(X).detach().numpy()
    by_route = model.predict(X)[:, None] if recipe is NUMBER else model.predict_proba(X)
    assert np.allclose(by_keras, by_route, rtol=1e-5, atol=1e-6)
    one = np.atleast_1d(model.predict_row(X[7]))
    assert np.allclose(one, by_route[7], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", [NetworkClassifier, NetworkRegressor])
def test_is_a_scikit_learn_estimator(family):
    model = clone(family(network=declared("net_small", QUICK), seed=3))
    assert model.get_params()["seed"] == 3
    X, y, _ = rows(200)
    assert len(model.fit(X, y).predict(X)) == 200
    assert len(model.fit(X[:, :4], y).predict(X[:, :4])) == 200  # a second fit starts afresh


def test_bad_input_is_said_in_one_sentence():
    X, y, _ = rows(100)
    holes = X.copy()
    holes[3, 2] = np.nan
    with pytest.raises(DataProblem, match="Prepared column 3 holds a missing"):
        network().fit(holes, y)
    with pytest.raises(DataProblem, match="Only one class"):
        network().fit(X, np.zeros(100, int))
    with pytest.raises(DataProblem, match="too few to train"):
        network().fit(X[:3], [0, 1, 0])
    with pytest.raises(DataProblem, match=r"takes \(rows, 6\)"):
        network(epochs=1).fit(X, y).predict(X[:, :3])
    with pytest.raises(DataProblem, match="The loss stopped being a number in epoch 1: the learning rate"):
        network(NUMBER, learning_rate=1e30).fit(X, X[:, 0] * 2.0)
    with pytest.raises(DataProblem, match="The gradient stopped being a number in epoch 1"):
        network(epochs=3).fit(X * np.float32(1e30), y)
    with pytest.raises(DataProblem, match="1 of 100 values of the target are missing or infinite"):
        network(NUMBER).fit(X, np.where(np.arange(100) == 7, np.nan, 1.0))
    with pytest.raises(DataProblem, match=r"The target reaches 1e\+300, and a network takes values up to 1e\+30"):
        network(NUMBER).fit(X, np.where(np.arange(100) == 7, -1e300, 1.0))


def test_inputs_that_say_nothing_and_batches_of_one_class_teach_the_constant_or_more():
    X, y, _ = rows(400)
    flat = network(epochs=4).fit(np.ones_like(X), y)
    assert np.ptp(flat.predict_proba(X * 0 + 1)[:, 0]) == 0
    assert flat.predict_proba(np.ones_like(X[:1]))[0, 1] == pytest.approx(y.mean(), abs=0.1)
    order = np.argsort(y, kind="stable")
    rare = np.zeros(400, int)
    rare[0] = 1
    for inputs, target in ((X[order], y[order]), (X, rare)):  # sorted by class; one row of a class
        model = network(epochs=4, batch=8).fit(inputs, target)
        assert np.isfinite(model.predict_proba(inputs)).all()
        assert model.trained_["health"]["finite"]


def test_a_device_that_is_not_here_is_said_at_once():
    with pytest.raises(NoNetworks, match="measure the devices again"):
        network(device="abacus")


def test_the_loss_is_the_proper_one_of_the_metric():
    assert proper_loss("multiclass", "accuracy").name == "cross_entropy"
    assert proper_loss("regression", "rmse").name == "squared"
    assert proper_loss("regression", "mae").name == "absolute"
    pinball = proper_loss("regression", "expected_cost", {"under": 3, "over": 1})
    assert pinball == Loss("pinball", 0.75)
    y = np.random.default_rng(0).normal(size=2001).astype(np.float32)
    torch = load_torch()
    for loss in (Loss("squared"), Loss("absolute"), pinball):
        constant = torch.full((len(y), 1), float(loss.best_constant(y, 1)[0]))
        assert float(loss.function()(constant, torch.from_numpy(y))) == pytest.approx(loss.of_best_constant(y, 1), 1e-4)


def test_says_how_to_add_what_is_missing_and_refuses_another_backend():
    hide = "import sys; sys.modules['keras'] = None\n"
    other = "import sys, types; k = types.ModuleType('keras')\n"
    other += "k.config = types.SimpleNamespace(backend=lambda: 'jax'); sys.modules['keras'] = k\n"
    ask = "from engine.models.networks.backend import load_keras\ntry: load_keras()\nexcept Exception as e: print(e)"
    for before, says in ((hide, "pip install 'rungwise[deep]'"), (other, "already loaded with its jax backend")):
        done = subprocess.run([sys.executable, "-c", before + ask], capture_output=True, text=True, check=True)
        assert says in done.stdout


def test_half_precision_multiplies_in_sixteen_bits_and_keeps_thirty_two():
    X, y, _ = rows(1500)
    full = network(epochs=80).fit(X[:1000], y[:1000])
    half = network(epochs=80, precision="bf16").fit(X[:1000], y[:1000])
    scores = [roc_auc_score(y[1000:], model.predict_proba(X[1000:])[:, 1]) for model in (full, half)]
    assert scores[1] > scores[0] - 0.02
    assert half.trained_["curve"][1]["train loss"] != full.trained_["curve"][1]["train loss"]
    assert {str(weight.dtype) for weight in half.net_.parameters()} == {"torch.float32"}
