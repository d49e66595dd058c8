"""Every way of preparing that a recipe may name: it fits, names its columns, survives storing, and meets new rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.data.table import Table
from engine.models.catalogue import as_model
from engine.models.fitting import Fitted, fit
from engine.models.persist import Artifact, dumps, loads
from engine.models.pipeline import feature_names
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


def test_what_is_usual_stays_as_it_was() -> None:
    """The blocks of a recipe that names nothing special are those of the first version: old keys go on."""
    from engine.models.pipeline import PLAIN, blocks

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
