"""Can the probabilities be taken at face value: against scikit-learn, the known truth, and simulated coverage."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from engine.evaluation.bench import open_bench
from engine.evaluation.calibration import calibration, ece_by_chance, method_for, reliability, slope_interval, verdict
from engine.evaluation.crossval import cross_validate, read_out_of_fold
from engine.models.calibrators import logit, sigmoid
from engine.models.catalogue import as_model
from tests.engine.tables import Memory, customers, recipe


def drawn(n, seed, slope=1.0, level=0.0):
    """Logits that a model says, and what happens when the true ones are level + slope·said."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-0.5, 1.5, n)
    return z, (rng.random(n) < 1 / (1 + np.exp(-(level + slope * z)))).astype(float)


def test_the_slope_is_the_one_of_logistic_regression():
    z, y = drawn(800, 0, slope=0.6, level=0.3)
    a, b = sigmoid(z, y)
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(z[:, None], y)
    assert a == pytest.approx(theirs.intercept_[0], abs=1e-4)
    assert b == pytest.approx(theirs.coef_[0, 0], abs=1e-4)


def test_the_slope_stays_finite_where_the_classes_part():
    z = np.linspace(-3, 3, 60)
    a, b = sigmoid(z, (z > 0).astype(float))
    assert np.isfinite([a, b]).all()
    assert b > 5


def test_the_interval_of_the_slope_covers_the_truth():
    """Of 80 samples of 400 rows about 95 % hold the true slope; and neighbours taken as one change little."""
    held = 0
    for seed in range(80):
        z, y = drawn(400, seed, slope=0.7)
        low, high = slope_interval(z, y, sigmoid(z, y), seed=seed)
        held += low <= 0.7 <= high
    assert 0.89 <= held / 80 <= 0.99


def test_many_rows_taken_in_bins_give_the_same_interval(monkeypatch):
    z, y = drawn(6_000, 3, slope=0.8)
    start = sigmoid(z, y)
    gathered = slope_interval(z, y, start)
    monkeypatch.setattr("engine.evaluation.calibration.MANY", 10**9)
    assert gathered == pytest.approx(slope_interval(z, y, start, seed=5), abs=0.015)


def test_groups_widen_the_interval():
    z, y = drawn(100, 0)
    alone = slope_interval(z, y, sigmoid(z, y))
    many = np.repeat(np.arange(100), 8)
    grouped = slope_interval(np.repeat(z, 8), np.repeat(y, 8), (0.0, 1.0), many)
    assert grouped[1] - grouped[0] == pytest.approx(alone[1] - alone[0], rel=0.2)


def test_the_reliability_curve_is_scikit_learns():
    z, y = drawn(5_000, 1)
    p = 1 / (1 + np.exp(-z))
    found = reliability(p, y)
    share, said = calibration_curve(y, p, n_bins=10, strategy="quantile")
    assert [row["share"] for row in found["curve"]] == pytest.approx(share.tolist(), abs=1e-3)
    assert [row["said"] for row in found["curve"]] == pytest.approx(said.tolist(), abs=1e-3)
    assert all(row["low"] <= row["share"] <= row["high"] for row in found["curve"])
    assert sum(row["rows"] for row in found["curve"]) == 5_000
    assert found["ece"] < 0.03


def test_equal_probabilities_are_never_parted():
    p = np.repeat([0.2, 0.7], 500)
    found = reliability(p, (np.random.default_rng(0).random(1000) < p).astype(float))
    assert [row["said"] for row in found["curve"]] == [pytest.approx(0.2), pytest.approx(0.7)]
    constant = reliability(np.full(50, 0.3), np.repeat([0.0, 1.0], [35, 15]))
    assert [row["rows"] for row in constant["curve"]] == [50]
    assert constant["ece"] == pytest.approx(0.0)


def test_honest_probabilities_of_few_rows_are_left_alone():
    """The gap of .05 alone calls 22 of 100 honest models of 300 rows dishonest; chance taken into account, few."""
    alarms, careless = 0, 0
    for seed in range(60):
        z, y = drawn(300, seed)
        p = 1 / (1 + np.exp(-z))
        ece = reliability(p, y)["ece"]
        careless += ece > 0.05
        alarms += "gap" in verdict(1.0, (0.9, 1.1), 0.3, 0.3, ece, ece_by_chance(p))[1]
    assert careless >= 6
    assert alarms <= 5


def test_when_it_is_worth_it_and_how():
    assert verdict(1.0, (0.9, 1.1), 0.3, 0.3, 0.01) == (False, [])
    assert verdict(0.7, (0.6, 0.8), 0.3, 0.3, 0.01) == (True, ["slope"])
    assert verdict(0.95, (0.92, 0.98), 0.3, 0.3, 0.01) == (False, [])  # sure, and not worth it
    assert verdict(0.7, (0.4, 1.1), 0.3, 0.3, 0.01) == (False, [])  # far, and not sure
    assert verdict(1.0, (0.9, 1.1), 0.35, 0.3, 0.01) == (True, ["level"])
    assert verdict(1.0, (0.9, 1.1), 0.3, 0.3, 0.06) == (True, ["gap"])
    assert verdict(1.0, (0.9, 1.1), 0.3, 0.3, 0.06, chance=0.07) == (False, [])
    assert method_for(3, 5_000, 900) == "temperature"
    assert method_for(2, 999, 400) == "sigmoid"
    assert method_for(2, 5_000, 99) == "sigmoid"
    assert method_for(2, 5_000, 100) == "isotonic"
    assert method_for(2, 5_000, 900, network=True) == "temperature"


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_of_the_exams_of_a_model(task, tmp_path):
    ctx = Memory(customers(tmp_path / "t.csv", 500, task=task))
    params = {"recipe": recipe(task), "model": as_model("logistic")}
    ctx.known["x"], ctx.uses = cross_validate(params, ctx), ("x",)
    value = calibration(params, ctx)
    json.dumps(value, allow_nan=False)
    assert value == calibration(params, ctx)
    assert value["slope_low"] < value["slope"] < value["slope_high"]
    assert len(value["curve"]) == 5
    if task == "binary":
        stored = read_out_of_fold(ctx.fetch(ctx.known["x"]["oof"]))
        y = open_bench(params, ctx).table.y[stored["positions"]]
        p = stored["scores"][:, 1]
        assert value["brier"] == pytest.approx(brier_score_loss(y, p))
        assert value["slope"] == pytest.approx(sigmoid(logit(p), y.astype(float))[1], abs=1e-6)
        assert value["share"] == pytest.approx(y.mean())


def test_bayes_on_columns_that_repeat_each_other_is_too_sure(tmp_path):
    """The same column five times: naive Bayes counts its evidence five times over."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=1200)
    y = rng.random(1200) < 1 / (1 + np.exp(-1.2 * x))
    frame = pd.DataFrame({f"x{i}": x.round(6) for i in range(5)})
    frame["target"] = np.where(y, "leave", "stay")
    frame.to_csv(tmp_path / "t.csv", index=False)
    changes = {"types": dict.fromkeys(frame.columns[:-1], "number"), "keep_together": False}
    ctx = Memory(tmp_path / "t.csv")
    for name, needed in (("naive_bayes", True), ("logistic", False)):
        params = {"recipe": recipe(**changes), "model": as_model(name)}
        ctx.known["x"], ctx.uses = cross_validate(params, ctx), ("x",)
        value = calibration(params, ctx)
        assert value["needed"] is needed, value
        if needed:
            assert value["slope"] < 0.5
            assert "slope" in value["why"]
