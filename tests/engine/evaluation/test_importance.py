"""What a model leans on: against the known answer of a line, and against scikit-learn."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance

from engine.evaluation.bench import open_bench
from engine.evaluation.dependence import dependences
from engine.evaluation.fold_models import fold_model
from engine.evaluation.importance import clusters_of, importance
from engine.models.catalogue import as_model
from tests.engine.tables import Memory, customers, recipe, sales, series_recipe

NUMBERS = {
    "types": dict.fromkeys("abcd", "number"),
    "metric": "r2",
    "split": {"kind": "random", "lockbox": 0.0, "seed": 0},
}


def line(path, n=1500, noise=1.0):
    """target = 3a + b + noise; c is noise; d nearly repeats a's half."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    frame = pd.DataFrame(x, columns=list("abcd")).round(6)
    frame["target"] = (3 * x[:, 0] + x[:, 1] + noise * rng.normal(size=n)).round(6)
    frame.to_csv(path, index=False)
    return path


def of(ctx, model="ridge", task="regression", floor=None, **changes):
    return importance({"recipe": recipe(task, **changes), "model": as_model(model), "floor": floor}, ctx)


def test_shuffling_costs_a_line_twice_the_variance_that_the_column_explains(tmp_path):
    """Of a linear model with independent columns R² falls by 2·b²·var(x)/var(y)."""
    ctx = Memory(line(tmp_path / "t.csv"))
    value = of(ctx, floor=0.0, **NUMBERS)
    json.dumps(value, allow_nan=False)
    drop = {row["name"]: row for row in value["clusters"]}
    assert drop["a"]["drop"] == pytest.approx(2 * 9 / 11, rel=0.08)
    assert drop["b"]["drop"] == pytest.approx(2 * 1 / 11, rel=0.15)
    assert drop["a"]["important"]
    assert drop["b"]["important"]
    assert not drop["c"]["important"]
    assert drop["a"]["low"] < drop["a"]["drop"] < drop["a"]["high"]
    assert [row["name"] for row in value["clusters"]][:2] == ["a", "b"]
    assert value["rules"] == ["a"]
    assert value["gain"] == pytest.approx(10 / 11, abs=0.02)
    assert value["score"] == pytest.approx(10 / 11, abs=0.02)


def test_the_same_as_scikit_learn_on_the_same_rows(tmp_path):
    ctx = Memory(line(tmp_path / "t.csv", 600))
    rules = recipe("regression", **NUMBERS)
    value = of(ctx, **NUMBERS)
    bench = open_bench({"recipe": rules}, ctx)
    theirs = np.zeros(4)
    for j, (_, test) in enumerate(bench.splits.folds[:3]):
        fitted = fold_model(bench, {"model": as_model("ridge"), "fold": j}, ctx)
        X = fitted.transform(bench.table.frame.iloc[test])
        found = permutation_importance(
            fitted.estimator, X, bench.table.y[test], scoring="r2", n_repeats=30, random_state=1
        )
        theirs += found.importances_mean / 3
    mine = {row["name"]: row["drop"] for row in value["clusters"]}
    assert [mine[c] for c in "abcd"] == pytest.approx(theirs.tolist(), abs=0.05)


def test_columns_that_say_the_same_are_shuffled_together(tmp_path):
    path = line(tmp_path / "t.csv", 600)
    frame = pd.read_csv(path)
    frame["d"] = (frame["a"] * 2 + 0.1 * frame["d"]).round(6)
    frame["e"] = np.where(frame["a"] > 0, "high", "low")
    frame["f"] = np.where(frame["a"] > 0, "x", "y")
    frame.to_csv(path, index=False)
    changes = {**NUMBERS, "types": {**NUMBERS["types"], "e": "yes_no", "f": "yes_no"}}
    ctx = Memory(path)
    assert clusters_of(open_bench({"recipe": recipe("regression", **changes)}, ctx)) == [
        ["a", "d", "e", "f"],
        ["b"],
        ["c"],
    ]
    value = of(ctx, **changes)
    assert value["clusters"][0]["name"] == "a and d and e and f"
    assert value["clusters"][0]["drop"] == pytest.approx(2 * 9 / 11, rel=0.12)


@pytest.mark.parametrize(("task", "model"), [("binary", "boosting"), ("multiclass", "tree"), ("binary", "logistic")])
def test_every_type_of_column_and_to_the_bit_again(task, model, tmp_path):
    ctx = Memory(customers(tmp_path / "t.csv", 400, task=task))
    value = of(ctx, model, task, floor=0.5 if task == "binary" else 0.2)
    json.dumps(value, allow_nan=False)
    assert value == of(ctx, model, task, floor=0.5 if task == "binary" else 0.2)
    assert {row["name"] for row in value["clusters"][:2]} == {"age", "plan"}
    assert sum(row["important"] for row in value["clusters"]) <= 4
    drawn = {d["column"]: d for d in value["dependence"]}
    age = drawn["age"]
    assert all(low <= high for _, _, low, high in age["points"])
    if task == "binary":
        assert age["about"] == "leave"
        assert age["points"][0][1] > age["points"][-1][1] + 0.2  # the young leave


def test_the_effect_of_a_line_is_a_line(tmp_path):
    ctx = Memory(line(tmp_path / "t.csv"))
    bench = open_bench({"recipe": recipe("regression", **NUMBERS)}, ctx)
    fitted = fold_model(bench, {"model": as_model("ridge"), "fold": 0}, ctx)
    (found,) = dependences(bench, fitted, bench.splits.folds[0][1], ["a"])
    x, mean = np.array([p[0] for p in found["points"]]), np.array([p[1] for p in found["points"]])
    assert np.polyfit(x, mean, 1)[0] == pytest.approx(3.0, abs=0.1)
    assert np.ptp(mean - np.polyval(np.polyfit(x, mean, 1), x)) < 1e-9


def test_what_a_series_was_is_one_cluster(tmp_path):
    ctx = Memory(sales(tmp_path / "s.csv"))
    value = importance({"recipe": series_recipe(), "model": as_model("ridge"), "floor": 1.0}, ctx)
    json.dumps(value, allow_nan=False)
    assert value["clusters"][0]["name"] == "the series so far"
