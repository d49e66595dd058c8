"""From which probability on to act: known answers, and no cut that helped to choose itself."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_score, recall_score

from engine.evaluation.bench import open_bench
from engine.evaluation.crossval import cross_validate, read_out_of_fold
from engine.evaluation.cuts import Said, candidates, cheapest, cuts, for_floor
from engine.evaluation.intervals import wilson
from engine.models.catalogue import as_model
from tests.engine.tables import Memory, customers, recipe

COSTS = {"false_positive": 1.0, "false_negative": 9.0}


def seen(path, n=500, model="logistic", floor=None, **changes):
    ctx = Memory(customers(path, n))
    params = {"recipe": recipe(**changes), "model": as_model(model), "floor": floor}
    ctx.known["x"], ctx.uses = cross_validate(params, ctx), ("x",)
    value = cuts(params, ctx)
    json.dumps(value, allow_nan=False)
    return value, ctx, params


def test_the_cheapest_cut_is_found():
    p = np.array([0.05, 0.1, 0.3, 0.35, 0.6, 0.9])
    y = np.array([0, 0, 1, 0, 1, 1], dtype=bool)
    part = Said(p, y, np.zeros(6, dtype=int))
    assert 0.1 < cheapest(part, np.array([[0.0, 1.0], [9.0, 0.0]])) <= 0.3  # a miss is dear: all three are caught
    assert 0.35 < cheapest(part, np.array([[0.0, 9.0], [1.0, 0.0]])) <= 0.6  # an alarm is dear: one is let go


def test_honest_probabilities_are_cheapest_where_the_costs_say():
    rng = np.random.default_rng(0)
    p = rng.random(40_000)
    part = Said(p, rng.random(40_000) < p, np.zeros(40_000, dtype=int))
    assert cheapest(part, np.array([[0.0, 1.0], [9.0, 0.0]])) == pytest.approx(0.1, abs=0.03)


def test_the_floor_holds_with_its_wilson_end():
    rng = np.random.default_rng(0)
    p = rng.random(2_000)
    part = Said(p, rng.random(2_000) < p, np.zeros(2_000, dtype=int))
    cut = for_floor(part, 0.9)
    higher = candidates(p)[candidates(p) > cut][0]
    total = int(part.y.sum())
    assert wilson(int((p[part.y] >= cut).sum()), total).low >= 0.9
    assert wilson(int((p[part.y] >= higher).sum()), total).low < 0.9


def test_what_is_said_of_half_is_scikit_learns(tmp_path):
    value, ctx, params = seen(tmp_path / "t.csv")
    stored = read_out_of_fold(ctx.fetch(ctx.known["x"]["oof"]))
    y, p = open_bench(params, ctx).table.y[stored["positions"]], stored["scores"][:, 1]
    half = next(w for w in value["ways"] if w["way"] == "half")
    assert half["recall"] == pytest.approx(recall_score(y, p >= 0.5))
    assert half["precision"] == pytest.approx(precision_score(y, p >= 0.5))
    assert half["false_per_1000"] == pytest.approx(1000 * np.mean((p >= 0.5) & (y == 0)))
    assert half["recall_low"] < half["recall"] < half["recall_high"]
    assert [w["way"] for w in value["ways"]] == ["half", "share"]
    alarms = [c["false_per_1000"] for c in value["curve"]]
    assert alarms == sorted(alarms, reverse=True)


def test_costs_floor_and_capacity_each_have_a_way(tmp_path):
    value, _, _ = seen(tmp_path / "t.csv", costs=COSTS, capacity=0.2, floor=0.9)
    ways = {w["way"]: w for w in value["ways"]}
    assert ways["costs"]["cut"] == pytest.approx(0.1)
    assert ways["cheapest"]["cost"] == pytest.approx(ways["costs"]["cost"], rel=0.5)
    assert ways["costs"]["cost_low"] < ways["costs"]["cost"] < ways["costs"]["cost_high"]
    assert ways["capacity"]["acted_per_1000"] == pytest.approx(200, abs=40)
    assert ways["floor"]["recall"] > 0.85
    assert ways["costs"]["cost"] < ways["half"]["cost"]
    assert set(value["gain"]) == {"mean", "se"}
    assert all("cost" in c for c in value["curve"])


def test_a_cut_is_scored_where_it_had_no_part_in_being_chosen(tmp_path):
    """Scores that say nothing: the cut that looks cheapest on its own rows pays less elsewhere."""
    path = customers(tmp_path / "t.csv", 120)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows["target"] = np.random.default_rng(5).permutation(rows["target"])
    rows.to_csv(path, index=False)
    changes = {"costs": {"false_positive": 1.0, "false_negative": 1.5}}
    gaps = []
    for seed in range(4):
        ctx = Memory(path, seed)
        params = {"recipe": recipe(**changes, plan={"folds": 3, "repeats": 1, "seed": seed}), "model": as_model("tree")}
        ctx.known["x"], ctx.uses = cross_validate(params, ctx), ("x",)
        value = cuts(params, ctx)
        honest = next(w for w in value["ways"] if w["way"] == "cheapest")["cost"]
        gaps.append(honest - min(c["cost"] for c in value["curve"]))
    assert np.mean(gaps) > 0
    assert min(gaps) >= -1e-9


def test_in_time_order_a_cut_is_chosen_on_what_was_before(tmp_path):
    changes = {"time": "since", "split": {"kind": "time", "lockbox": 0.2, "seed": 0}, "plan": {"blocks": 4, "seed": 0}}
    value, ctx, params = seen(tmp_path / "t.csv", 600, costs=COSTS, **changes)
    bench = open_bench(params, ctx)
    later = sum(len(test) for _, test in bench.splits.folds[1:])
    half = next(w for w in value["ways"] if w["way"] == "half")
    y = bench.table.y[np.concatenate([test for _, test in bench.splits.folds[1:]])]
    assert half["positives"] == int((y == 1).sum())
    assert later == len(y)
