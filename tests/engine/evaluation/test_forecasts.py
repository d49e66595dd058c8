"""The trials of a model, on series: exams in time, what decides, the one final exam, and where it is wrong."""

import json

import numpy as np
import pandas as pd
import pytest

from engine.data.splitting import split
from engine.data.table import load
from engine.evaluation.bench import bench_of
from engine.evaluation.comparison import compare
from engine.evaluation.crossval import cross_validate
from engine.evaluation.errors import errors
from engine.evaluation.latency import latency
from engine.evaluation.learning import learning_curve
from engine.evaluation.lockbox import lockbox
from engine.evaluation.probe import probe
from engine.models.catalogue import as_model
from engine.models.preview import preview
from tests.engine.tables import Memory, sales, series_recipe

LONG = {"plan": {"origins": 8, "step": 3, "seed": 0}}


def exams(ctx, recipe, *names):
    """Keys of their evidence, as the runner would keep it."""
    for name in names:
        ctx.known[name] = cross_validate({"recipe": recipe, "model": as_model(name)}, ctx)
        json.dumps(ctx.known[name], allow_nan=False)
    ctx.uses = names
    return ctx.known


def test_a_model_of_lags_earns_its_place_over_saying_the_last_season(tmp_path):
    ctx, recipe = Memory(sales(tmp_path / "a.csv")), series_recipe(**LONG)
    known = exams(ctx, recipe, "seasonal_naive", "ridge")
    assert known["ridge"]["n_test"] == [3] * 8
    assert known["ridge"]["ordered"]
    assert known["seasonal_naive"]["value"] == pytest.approx(1.0, abs=0.6)  # about the usual change, by definition
    params = {"metric": "mase", "delta": 0.01, "guards": ["bias", "rmsse"], "names": ["seasonal_naive", "ridge"]}
    row = compare(params, ctx)["rows"][0]
    assert row["accepted"], row["sentence"]
    assert {g["metric"] for g in row["guards"]} == {"bias", "rmsse"}


def test_the_spread_over_many_series_counts_where_it_is_larger(tmp_path):
    """One series of twelve gains a hundred times as much: no proof that another one would."""
    path = sales(tmp_path / "a.csv", shops=1)
    frame = pd.read_csv(path)
    rng = np.random.default_rng(0)
    parts = []
    for k in range(12):
        sold = np.abs(frame["sold"] + rng.normal(0, 30, len(frame))) if k else frame["sold"]
        parts.append(frame.assign(sold=sold, shop=f"s{k:02d}"))
    pd.concat(parts).to_csv(path, index=False)
    ctx, recipe = Memory(path), series_recipe(id="shop", **LONG)
    known = exams(ctx, recipe, "naive", "seasonal_naive")
    per_series = {name: np.array(known[name]["by_series"]["mase"]) for name in known}
    assert all(len(values) == 12 for values in per_series.values())
    assert known["naive"]["value"] == pytest.approx(per_series["naive"].mean())
    params = {"metric": "mase", "delta": 0.0, "guards": [], "names": ["naive", "seasonal_naive"]}
    d = per_series["naive"] - per_series["seasonal_naive"]
    row = compare(params, ctx)["rows"][0]
    assert row["diff"] == pytest.approx(d.mean())
    assert row["se"] >= d.std(ddof=1) / np.sqrt(12) - 1e-12
    few = {name: {**value, "by_series": {}} for name, value in known.items()}
    ctx.known = few
    assert compare(params, ctx)["rows"][0]["se"] <= row["se"]


def test_the_final_exam_asks_for_the_locked_horizons_and_has_an_interval(tmp_path):
    path = sales(tmp_path / "a.csv", shops=2)
    recipe = series_recipe(id="shop", split={"kind": "origins", "lockbox": 3, "seed": 0})
    models = {"model": as_model("ridge"), "baseline": as_model("seasonal_naive")}
    found = lockbox({"recipe": recipe, **models}, Memory(path))
    json.dumps(found, allow_nan=False)
    assert found["rows"] == 2 * 3 * 3
    assert found["low"] < found["value"] < found["high"]
    assert found["independent"]
    assert found["difference_to_baseline"][0] == pytest.approx(found["value"] - found["baseline"]["value"])
    bench = bench_of(recipe, load(path, recipe))
    steps, rows = bench.table.steps, bench.splits.lockbox
    said = bench.table.frame["one season before"].to_numpy()[rows]
    scaled = np.abs(said - bench.table.y[rows]) / steps.change[rows]
    by_hand = np.mean([scaled[steps.series[rows] == k].mean() for k in (0, 1)])
    assert found["baseline"]["value"] == pytest.approx(by_hand)


def test_errors_are_told_by_how_far_the_forecast_looks_ahead(tmp_path):
    ctx, recipe = Memory(sales(tmp_path / "a.csv", shops=4, months=100)), series_recipe(id="shop", **LONG)
    exams(ctx, recipe, "naive")
    found = errors({"recipe": recipe, "model": as_model("naive")}, ctx)
    assert [row["step"] for row in found["by_step"]] == [1, 2, 3]
    assert [row["rows"] for row in found["by_step"]] == [32] * 3
    assert found["by_step"][0]["loss"] < found["by_step"][2]["loss"]  # what is farther is harder
    named = {row["slice"] for row in found["slices"]}
    assert not any("lag" in name or "step" in name for name in named)


def test_the_split_counts_values_of_the_series_and_says_when_there_are_few_exams(tmp_path):
    path = sales(tmp_path / "a.csv", shops=2)
    found = split({"recipe": series_recipe(id="shop", **LONG)}, Memory(path))
    assert (found["dev"], found["lockbox"], found["J"], found["tiny"]) == (2 * (72 - 3 - 12), 6, 8, False)
    assert (found["n_test"], found["series"]) == (6, 2)
    assert split({"recipe": series_recipe(id="shop")}, Memory(path))["tiny"]  # four exams


def test_other_trials_take_rows_of_series_as_they_take_rows(tmp_path):
    ctx, recipe = Memory(sales(tmp_path / "a.csv", shops=3, months=120)), series_recipe(id="shop", **LONG)
    timed = latency({"recipe": recipe, "model": as_model("ridge")}, ctx)
    assert timed["p95_ms"] > 0
    curve = learning_curve({"recipe": recipe, "model": as_model("ridge")}, ctx)
    assert curve["rows"] == sorted(curve["rows"])
    assert curve["values"][-1] < curve["values"][0]  # more history helps
    shown = preview({"recipe": recipe, "columns": ["lag 1", "month"], "style": "linear"}, ctx)
    assert shown["after"] > 12


def test_a_probe_compares_windows_on_the_same_questions(tmp_path):
    recipe = series_recipe(**LONG)
    short = {**recipe, "series": {**recipe["series"], "window": 2, "season": 1}}
    params = {"recipe": recipe, "changes": [{"name": "short", "recipe": short}], "families": ["linear"]}
    params |= {"metric": "mae", "guards": [], "delta": 0.0, "folds": None, "tiny": False}
    row = probe(params, Memory(sales(tmp_path / "a.csv")))["rows"][0]
    assert row["exams"] == 8
    assert np.isfinite(row["diff"])
    assert row["failed"] == 0


def test_without_locked_horizons_the_exams_are_taken_again_and_called_not_independent(tmp_path):
    recipe = series_recipe(split={"kind": "origins", "lockbox": 0, "seed": 0})
    models = {"model": as_model("ridge"), "baseline": as_model("naive")}
    found = lockbox({"recipe": recipe, **models}, Memory(sales(tmp_path / "a.csv")))
    assert not found["independent"]
    assert found["value"] < found["baseline"]["value"]
