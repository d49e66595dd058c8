"""Every way of preparing that a recipe may name: it fits, names its columns, survives storing, and meets new rows."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew

from engine.data.table import Table
from engine.errors import DataProblem
from engine.models.catalogue import MODELS, ModelSpec, Prepare, as_model
from engine.models.fitting import OF_ONE_PIECE, Fitted, fit
from engine.models.persist import Artifact, dumps, loads
from engine.models.pipeline import PLAIN, assemble, blocks, categorical_positions, feature_names
from engine.records import Json

TYPES = {"x": "number", "z": "number", "size": "category", "town": "category", "day": "date", "said": "text"}


def table(n: int = 240, task: str = "binary") -> Table:
    rng = np.random.default_rng(0)
    x = rng.lognormal(0, 1, n)
    said = np.array([" ".join(rng.choice(["good", "bad", "fine", "poor", "late", "early"], 4)) for _ in range(n)])
    size = rng.choice(["low", "mid", "high"], n)
    frame = pd.DataFrame(
        {
            "x": x,
            "z": np.where(rng.random(n) < 0.1, np.nan, rng.normal(50, 5, n)),
            "size": pd.Series(size.astype(object), dtype=object),
            "town": pd.Series(np.array([f"t{i}" for i in rng.integers(0, 60, n)], dtype=object), dtype=object),
            "day": (np.datetime64("2024-01-01") + rng.integers(0, 400, n)).astype("datetime64[us]"),
            "said": pd.Series(said.astype(object), dtype=object),
        }
    )
    score = np.log(x) + (size == "high") + rng.normal(0, 0.5, n)
    y = np.exp(score) if task == "regression" else (score > np.median(score)).astype(np.int64)
    return Table(frame, y, [] if task == "regression" else ["no", "yes"], np.arange(n))


def recipe(task: str = "binary", **prepare: Json) -> dict[str, Json]:
    return {
        "task": task, "target": "y", "types": TYPES, "metric": "rmse" if task == "regression" else "roc_auc",
        "split": {"kind": "random"}, "plan": {"folds": 3, "repeats": 1}, "prepare": prepare,
    }  # fmt: skip


CHANGES: dict[str, dict[str, Json]] = {
    "robust": {"numbers": {"scale": "robust", "indicator": True}},
    "clip": {"numbers": {"clip": 0.005, "indicator": False}},
    "power": {"numbers": {"skew": "power", "indicator": False}},
    "bins": {"numbers": {"bins": ["x"], "indicator": False}},
    "ordered": {"categories": {"encode": "onehot", "rare": 10, "ordered": {"size": ["low", "mid", "high"]}}},
    "ordinal": {"categories": {"encode": "ordinal", "rare": 10}},
    "target": {"categories": {"encode": "target", "rare": 10}},
    "cycles": {"dates": {"encode": "cycles"}},
    "elapsed": {"dates": {"encode": "elapsed"}},
    "no dates": {"dates": {"encode": "drop"}},
    "words": {"text": {"encode": "words"}},
    "letters": {"text": {"encode": "letters"}},
    "both": {"text": {"encode": "both"}},
    "select": {"select": 5},
    "weights": {"weights": "balanced"},
}


@pytest.mark.parametrize("model", ["logistic", "boosting", "tree", "knn"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_fits_is_named_stored_and_meets_new_rows(change: str, model: str) -> None:
    data, told = table(), recipe(**CHANGES[change])
    fitted = fit(as_model(model), told, data, np.arange(200), seed=1)
    assert len(feature_names(fitted.prepare)) == fitted.transform(data.frame).shape[1]
    new = data.frame.iloc[[0, 1, 2]].copy()
    new["size"] = pd.Series(["giant", None, "low"], dtype=object, index=new.index)
    new["x"], new["z"] = [np.nan, 1e9, -5.0], np.nan
    new["day"] = new["day"].where([False, True, True])
    new["said"] = pd.Series([None, "never seen before", "good"], dtype=object, index=new.index)
    again = loads(dumps(Artifact(fitted, told, {}, None))).fitted
    for rows in (data.frame, new, new.iloc[[0]]):
        said = fitted.scores(rows)
        assert np.isfinite(said).all()
        np.testing.assert_array_equal(said, again.scores(rows))


@pytest.mark.parametrize("model", ["logistic", "boosting", "forest"])
@pytest.mark.parametrize("change", [change for change in CHANGES if change != "no dates"])
def test_columns_without_a_value_and_single_rows(change: str, model: str) -> None:
    """A column may be empty in one training part and not in the next: nothing fails, and the folds stay alike."""
    data, told = table(), recipe(**CHANGES[change])
    rows = np.arange(60)
    for column in data.frame.columns:
        empty = data.frame.copy()
        nothing = {"x": np.nan, "z": np.nan, "day": np.datetime64("NaT", "us")}.get(str(column))
        empty[column] = pd.Series([nothing] * len(empty), dtype=empty[column].dtype, index=empty.index)
        fitted = fit(as_model(model, SMALL.get(model)), told, replace(data, frame=empty), rows)
        assert len(feature_names(fitted.prepare)) == fitted.transform(data.frame).shape[1]
        assert np.isfinite(fitted.scores(data.frame.iloc[[70]])).all()


SMALL: dict[str, dict[str, Json]] = {"forest": {"trees": 5}, "net_small": {"epochs": 3}}
EVERYTHING: dict[str, Json] = {
    "numbers": {"scale": "robust", "skew": "power", "clip": 0.005, "bins": ["x", "z"], "indicator": True},
    "categories": {"encode": "ordinal", "rare": 15, "ordered": {"size": ["low", "mid", "high"]}},
    "dates": {"encode": "cycles"}, "text": {"encode": "both"}, "select": 12, "weights": "balanced",
}  # fmt: skip


def with_picture(data: Table, told: dict[str, Json]) -> tuple[Table, dict[str, Json]]:
    """The same rows, each with a picture of 8 × 8 pixels in the place of its numbers; brighter where the target is."""
    light = 60 + 120 * (data.y - data.y.min()) / np.ptp(data.y)
    dots = np.random.default_rng(1).normal(light[:, None], 20, (len(data.y), 64)).clip(0, 255).round()
    pixels = pd.DataFrame(dots, columns=pd.Index([f"pixel_{i}" for i in range(64)]))
    frame = pd.concat([data.frame.drop(columns=["x", "z"]), pixels], axis=1)
    types = {**TYPES, **dict.fromkeys(pixels, "number")}
    return replace(data, frame=frame), {**told, "material": "image", "types": types}


PAIRS = [
    (spec, task)
    for spec in MODELS
    for task in ("binary", "regression")
    if task in spec.tasks and spec.prepare != "none" and spec.name != "complement_bayes"  # made for words alone
]


@pytest.mark.parametrize(("spec", "task"), PAIRS, ids=[f"{spec.name}-{task}" for spec, task in PAIRS])
def test_all_at_once_for_every_model(spec: ModelSpec, task: str) -> None:
    if spec.network:
        pytest.importorskip("torch")
    data, told = table(task=task), recipe(task, **EVERYTHING, target="log1p")
    if spec.prepare == "picture":
        data, told = with_picture(data, told)
    model = as_model(spec.name, {"epochs": 4} if spec.network else SMALL.get(spec.name))
    fitted = fit(model, told, data, np.arange(200))
    content = dumps(Artifact(fitted, told, {}, None))
    assert content == dumps(Artifact(fit(model, told, data, np.arange(200)), told, {}, None)), "the same bytes"
    if spec.prepare in OF_ONE_PIECE:  # of a text or a picture no column can be left out
        assert fitted.features > 12
    else:
        assert fitted.features == 12
    again = loads(content).fitted
    assert again.names() == fitted.names()
    np.testing.assert_allclose(again.scores(data.frame), fitted.scores(data.frame), rtol=1e-6)
    if task == "regression":
        assert np.median(np.abs(fitted.scores(data.frame) - data.y)) < np.median(np.abs(data.y - data.y.mean()))


def test_a_network_learns_the_logarithm_and_says_the_value() -> None:
    pytest.importorskip("torch")
    data = table(400, "regression")
    told = recipe("regression", target="log1p")
    fitted = fit(as_model("net_small", {"epochs": 60}), told, data, np.arange(300))
    off = np.abs(np.log1p(fitted.scores(data.frame)) - np.log1p(data.y))[300:]
    assert np.mean(off) < 0.6 * np.mean(np.abs(np.log1p(data.y) - np.log1p(data.y).mean()))


def test_an_answer_on_logarithms_does_not_run_away() -> None:
    data = table(task="regression")
    fitted = fit(as_model("ridge"), recipe("regression", target="log1p"), data, np.arange(200))
    far = data.frame.iloc[[0]].assign(x=1e9)
    assert fitted.scores(far)[0] == pytest.approx(10 * (1 + data.y[:200].max()) - 1)
    low = replace(data, y=data.y - 2 * data.y.max())
    with pytest.raises(DataProblem, match="above -1"):
        fit(as_model("ridge"), recipe("regression", target="log1p"), low, np.arange(200))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e300, 1e300) | st.just(math.nan), min_size=3, max_size=40),
    st.lists(st.floats(allow_infinity=False), min_size=1, max_size=5),
    st.sampled_from(["standard", "robust", "squash", "none"]),
)
def test_whatever_the_numbers_a_power_is_a_number(seen: list[float], new: list[float], scale: str) -> None:
    told = {"task": "binary", "types": {"x": "number"}, "prepare": {"numbers": {"skew": "power", "scale": scale}}}
    frame = pd.DataFrame({"x": np.array(seen)})
    step = assemble(blocks(told, "linear", frame), "linear", "binary", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step.fit(frame)
        assert np.isfinite(step.transform(pd.DataFrame({"x": np.array(new)}))).all()


RNG = np.random.default_rng(0)
LOPSIDED = {
    "amounts": np.exp(RNG.normal(10, 2, 500)), "waits": RNG.gamma(1, 1, 500), "losses": -np.exp(RNG.normal(0, 1, 500)),
    "years": 2000 + 10 * RNG.beta(5, 1, 500),
}  # fmt: skip


@pytest.mark.parametrize("name", LOPSIDED)
def test_a_power_straightens_what_is_skewed_and_keeps_the_order(name: str) -> None:
    x = LOPSIDED[name]
    told = {"task": "binary", "types": {"x": "number"}, "prepare": {"numbers": {"skew": "power", "indicator": False}}}
    frame = pd.DataFrame({"x": x})
    made = assemble(blocks(told, "linear", frame), "linear", "binary", 0).fit_transform(frame)[:, 0]
    assert abs(skew(made)) < 0.3 < abs(skew(x))
    assert (np.diff(made[np.argsort(x)]) >= 0).all()


def test_caps_are_those_of_the_training_part() -> None:
    frame = pd.DataFrame({"x": np.r_[np.arange(1000.0), 1e6]})
    told = {"task": "binary", "types": {"x": "number"}, "prepare": {"numbers": {"clip": 0.005, "scale": "none"}}}
    step = assemble(blocks(told, "linear", frame), "linear", "binary", 0).fit(frame)
    far = step.transform(pd.DataFrame({"x": [-1e9, 500.0, 1e9]}))[:, 0]
    assert far.tolist() == [5.0, 500.0, 995.0]


def test_bins_are_named_by_their_edges() -> None:
    frame = pd.DataFrame({"x": np.arange(100.0)})
    told = {"task": "binary", "types": {"x": "number"}, "prepare": {"numbers": {"bins": ["x"], "indicator": False}}}
    step = assemble(blocks(told, "linear", frame), "linear", "binary", 0).fit(frame)
    names = feature_names(step)
    assert names[0] == "x"
    assert len(names) == 6
    assert (names[1], names[2], names[-1]) == ("x < 19.5", "19.5 ≤ x < 39.5", "x ≥ 79.5")
    made = step.transform(pd.DataFrame({"x": [0.0, 19.5, 99.0]}))
    assert made[:, 1:].argmax(axis=1).tolist() == [0, 1, 4]


def test_an_order_is_that_which_was_typed() -> None:
    frame = pd.DataFrame({"size": pd.Series(["high", "low", None, "mid", "odd"], dtype=object)})
    ordered = {"categories": {"ordered": {"size": ["low", "mid", "high"]}}}
    told = {"task": "binary", "types": {"size": "category"}, "prepare": {**ordered, "numbers": {"scale": "none"}}}
    styles: tuple[tuple[Prepare, float], ...] = (("linear", 1.0), ("native", math.nan))
    for style, empty in styles:
        step = assemble(blocks(told, style, frame), style, "binary", 0)
        made = np.asarray(step.fit_transform(frame), dtype=float)[:, 0]
        np.testing.assert_array_equal(made, [2, 0, empty, 1, empty])
        assert feature_names(step)[0] == "size"


def test_many_levels_in_rank_are_no_codes_to_boosting() -> None:
    data = table()
    for encode, categories in (("onehot", 2), ("ordinal", 1)):
        told = recipe(categories={"encode": encode})
        fitted = fit(as_model("boosting", {"max_iter": 5}), told, data, np.arange(200))
        assert len(categorical_positions(fitted.prepare)) == categories, "size; and town, with 60 levels"


def test_what_is_usual_stays_as_it_was() -> None:
    """The blocks of a recipe that names nothing special are those of the first version: old keys go on."""
    for style in ("linear", "dense", "tree", "native", "net"):
        plain = blocks(recipe(**PLAIN), style, table().frame)
        assert all(b.what not in ("bins", "ordered", "ordinal", "letters") for b in plain)
        assert all(not {"clip", "skew", "parts", "reduce"} & set(b.options) for b in plain)


def test_a_logarithm_is_turned_back_and_helps_where_the_target_is_skewed() -> None:
    data = table(task="regression")
    plain = fit(as_model("ridge"), recipe("regression"), data, np.arange(200))
    logged = fit(as_model("ridge"), recipe("regression", target="log1p"), data, np.arange(200))
    median = fit(as_model("median"), recipe("regression", target="log1p"), data, np.arange(200))
    rest = data.frame.iloc[200:]

    def off(model: Fitted) -> float:
        return float(np.median(np.abs(model.scores(rest) - data.y[200:])))

    assert off(logged) < off(plain)
    assert median.scores(rest)[0] == pytest.approx(np.median(data.y[:200]))
    stored = loads(dumps(Artifact(logged, recipe("regression", target="log1p"), {}, None))).fitted
    np.testing.assert_array_equal(stored.scores(rest), logged.scores(rest))


def test_selection_is_made_from_the_training_part_alone() -> None:
    """A column that goes with the target in other rows only is not chosen."""
    data: Any = table()
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(240, 30))
    noise[200:, 0] = data.y[200:] * 100.0
    for j in range(30):
        data.frame[f"n{j}"] = noise[:, j]
    told = recipe(select=3)
    told["types"] = {**TYPES, **{f"n{j}": "number" for j in range(30)}}
    fitted = fit(as_model("logistic"), told, data, np.arange(200))
    assert "n0" not in feature_names(fitted.prepare)
    assert "x" in feature_names(fitted.prepare)


def test_balanced_weights_raise_what_is_said_of_the_rare_class() -> None:
    data = table()
    data.y[:] = (np.arange(240) % 12 == 0).astype(int)
    plain = fit(as_model("logistic"), recipe(), data, np.arange(200)).scores(data.frame)[:, 1].mean()
    even = fit(as_model("logistic"), recipe(weights="balanced"), data, np.arange(200)).scores(data.frame)[:, 1].mean()
    assert even > plain + 0.1
