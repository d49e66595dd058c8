"""Columns are proposed where something is missed, not where nothing is, and never from rows that are asked about."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.data.splitting import lockbox_and_plan
from engine.data.table import load
from engine.errors import DataProblem, UsageProblem
from engine.evaluation.agreement import agreement, correlation
from engine.evaluation.crossval import cross_validate
from engine.evaluation.ideas import ideas, strength_of
from engine.evaluation.whether import shuffled, where_better
from engine.models.catalogue import as_model
from tests.engine.tables import Memory, recipe

TYPES = {"charges": "number", "months": "number", "age": "number"}
RATIO = {"name": "rate", "formula": '"charges" / "months"', "type": "number"}


def shop(path, n=600, seed=0, signal=4.0):
    """Customers who leave when what they paid a month is high: a ratio that no sum of columns tells."""
    rng = np.random.default_rng(seed)
    months, age = rng.integers(1, 60, n).astype(float), rng.integers(18, 80, n)
    rate = rng.uniform(20, 120, n)
    p = 1 / (1 + np.exp(-signal * (rate - 70) / 25 - 0.02 * (age - 50)))
    target = np.where(rng.random(n) < p, "leave", "stay")
    frame = pd.DataFrame({"charges": (rate * months).round(2), "months": months, "age": age, "target": target})
    frame.to_csv(path, index=False)
    return path


def told(**changes):
    return recipe("binary", **{"types": TYPES, **changes})


def asked(path, seed=0):
    params = {"recipe": told(), "model": as_model("logistic"), "columns": [], "taken": []}
    return ideas(params, Memory(path, seed))


def test_a_ratio_that_decides_is_found(tmp_path):
    found = asked(shop(tmp_path / "t.csv"))
    json.dumps(found, allow_nan=False)
    assert found["ideas"][0]["name"] == "charges per months"
    assert found["ideas"][0]["formula"] == '"charges" / NULLIF("months" * 1.0, 0)'
    assert found["ideas"][0]["gain"] > 0.01
    assert found["looked_at"] >= 12


def test_where_nothing_is_missed_nothing_is_proposed(tmp_path):
    """Noise targets: over ten tables hardly anything passes."""
    proposed = [bool(asked(shop(tmp_path / f"{seed}.csv", 300, seed, signal=0.0))["ideas"]) for seed in range(10)]
    assert sum(proposed) <= 1


def test_rows_of_the_exam_and_of_the_lockbox_change_nothing(tmp_path):
    path = shop(tmp_path / "t.csv", 300)
    table = load(path, told())
    train, _ = lockbox_and_plan(table, told()).folds[0]
    outside = np.setdiff1d(np.arange(len(table.y)), train)
    # inputs only, so that the same rows are drawn: with labels stratified, other labels draw other rows
    poisoned = pd.read_csv(path)
    poisoned.loc[outside, ["charges", "months", "age"]] = 12345.0
    poisoned.to_csv(tmp_path / "p.csv", index=False)
    one, two = asked(path), asked(tmp_path / "p.csv")
    assert one == two


def test_strength_is_the_correlation_in_standard_errors():
    rng = np.random.default_rng(0)
    fold, x = np.repeat([0, 1, 2], 400), rng.normal(size=1200)
    noise = rng.normal(size=(1200, 1))
    assert strength_of(x, noise, fold) < 3
    related = 0.2 * x[:, None] + noise
    assert strength_of(x, related, fold) == pytest.approx(0.19 * np.sqrt(1200), rel=0.2)
    turned = related.copy()
    turned[fold == 1] = -turned[fold == 1]
    assert strength_of(x, turned, fold) == 0, "exams that disagree on the sign show nothing"


def exams(ctx, name, **changes):
    value = cross_validate({"recipe": told(**changes), "model": as_model(name)}, ctx)
    key = f"{name}{sorted(changes)}"
    ctx.known[key] = value
    return key


def test_how_far_two_models_say_the_same(tmp_path):
    ctx: Any = Memory(shop(tmp_path / "t.csv", 300))
    keys = [exams(ctx, name) for name in ("logistic", "tree")]
    ctx.uses = (*keys, keys[0])
    found = agreement({"metric": "roc_auc", "names": ["logistic", "tree", "again"]}, ctx)
    json.dumps(found, allow_nan=False)
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["again"]["correlation"] == pytest.approx(1)
    assert rows["again"]["diff"] == 0
    u = [np.array(ctx.known[key]["scores"]["roc_auc"]) for key in keys]
    assert rows["tree"]["diff"] == pytest.approx((u[1] - u[0]).mean())
    assert 0 < rows["tree"]["correlation"] < 1
    assert len(found["pairs"]) == 3
    with pytest.raises(UsageProblem, match="2 names for 3 results"):
        agreement({"metric": "roc_auc", "names": ["a", "b"]}, ctx)


def test_the_correlation_is_pearsons_over_shared_answers():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=50), rng.normal(size=50)
    one = {"positions": np.arange(50), "fold": np.zeros(50, int), "scores": x}
    other = {"positions": np.arange(10, 50)[::-1], "fold": np.zeros(40, int), "scores": y[10:][::-1]}
    assert correlation(one, other) == pytest.approx(np.corrcoef(x[10:], y[10:])[0, 1])
    p = 1 / (1 + np.exp(-x))
    two = {**one, "scores": np.stack([1 - p, p], axis=1)}
    assert correlation(two, two) == pytest.approx(1)
    assert correlation(one, {**one, "scores": np.ones(50)}) is None


def test_where_it_got_better_and_what_a_shuffled_column_costs(tmp_path):
    ctx: Any = Memory(shop(tmp_path / "t.csv", 400))
    after = told(features=[RATIO], types={**TYPES, "rate": "number"})
    one = exams(ctx, "logistic")
    ctx.known["two"] = cross_validate({"recipe": after, "model": as_model("logistic")}, ctx)
    ctx.uses = (one, "two")
    found = where_better({"recipe": after, "before": told()}, ctx)
    json.dumps(found, allow_nan=False)
    assert found["gain"] > 0
    assert found["rows_better"] > 0.5
    assert all(row["after"] - row["before"] <= found["rows"][-1]["after"] - found["rows"][-1]["before"]
               for row in found["rows"])  # fmt: skip
    cost = shuffled({"recipe": after, "model": as_model("logistic"), "column": "rate"}, ctx)
    idle = shuffled({"recipe": after, "model": as_model("logistic"), "column": "age"}, ctx)
    assert cost["loss"] > 0.05
    assert cost["verdict"] == "better"
    assert abs(idle["loss"]) < 0.05
    with pytest.raises(UsageProblem, match="no column “nope”"):
        shuffled({"recipe": after, "model": as_model("logistic"), "column": "nope"}, ctx)
    ctx.uses = (exams(ctx, "tree", plan={"folds": 3, "repeats": 1, "seed": 0}, split={"kind": "stratified",
                "lockbox": 0.4, "seed": 0}), "two")  # fmt: skip
    with pytest.raises(DataProblem, match=r"asked about other rows|belong"):
        where_better({"recipe": after, "before": told()}, ctx)
