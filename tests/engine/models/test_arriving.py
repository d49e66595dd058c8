"""What is said of a new file before it is predicted, and why each row got its answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import engine.models.why as why_module
from engine.data.table import load_features
from engine.errors import DataProblem, UsageProblem
from engine.models.arriving import differences
from engine.models.catalogue import as_model
from engine.models.predict import predict_file
from engine.models.reasons import reasons
from engine.models.why import background_of, scale_of, why_of
from tests.engine.export.leaving import EVERYTHING, ended
from tests.engine.tables import customers

RULES = {"rules": [{"when": "age > 60", "then": "stay"}, {"when": "plan = 'basic'", "then": "leave"}]}


def changed(path, place, **columns) -> object:
    frame = pd.read_csv(path, dtype=str)
    for name, values in columns.items():
        frame[name] = values(frame[name])
    frame.to_csv(place, index=False)
    return place


def test_the_rows_it_learned_from_differ_in_nothing(tmp_path):
    path = customers(tmp_path / "t.csv", 200)
    _, artifact = ended(path, "logistic", **EVERYTHING)
    assert differences(artifact, path) == []


def test_what_differs_is_said_column_by_column(tmp_path):
    path = customers(tmp_path / "t.csv", 200)
    _, artifact = ended(path, "logistic")
    new = changed(
        path, tmp_path / "new.csv", age=lambda c: ["150", "about 40", *c[2:]],
        plan=lambda c: ["\x1b[31mplatinum", *c[1:]],
        member=lambda c: [None] * 150 + list(c[150:]),
    )  # fmt: skip
    told = differences(artifact, new)
    assert len(told) == 4
    assert "1 of 200 cells is not of its type (number), and taken as empty" in told[0]
    assert "1 of 200 cells is outside what was seen in training" in told[1]
    assert "'plan': 1 of 200 cells is of a level that training did not have" in told[2]
    assert "\x1b" not in told[2]
    assert "% empty" in told[3]
    pd.read_csv(path).drop(columns="plan").to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(DataProblem, match="plan"):
        differences(artifact, tmp_path / "less.csv")


@pytest.mark.parametrize(("model", "task"), [("logistic", "binary"), ("ridge", "regression"), ("tree", "multiclass")])
def test_each_row_gets_its_reasons_in_words(model, task, tmp_path):
    path = customers(tmp_path / "t.csv", 200, task=task)
    _, artifact = ended(path, model, task)
    why = why_of(artifact, next(load_features(path, artifact.recipe)))
    predict_file(artifact, path, tmp_path / "out.csv", chunk=64, why=why)
    predict_file(artifact, path, tmp_path / "plain.csv")
    told, plain = pd.read_csv(tmp_path / "out.csv"), pd.read_csv(tmp_path / "plain.csv")
    assert list(told.columns) == [*plain.columns, "why"]
    assert told.drop(columns="why").equals(plain)
    assert told["why"].str.contains("age").mean() > 0.5
    assert told["why"].str.count("; ").max() <= 5


def test_a_rule_names_the_condition_that_decided(tmp_path):
    path = customers(tmp_path / "t.csv", 200)
    _, artifact = ended(path, as_model("rule", RULES))
    frame = next(load_features(path, artifact.recipe))
    told = np.array(why_of(artifact, frame)(frame))
    assert set(told) == {"rule 1: age > 60", "rule 2: plan = 'basic'", "no rule decides"}
    assert (told[(frame["age"] > 60).to_numpy()] == "rule 1: age > 60").all()


def test_a_single_column_names_its_group(tmp_path):
    path = customers(tmp_path / "t.csv", 200)
    _, artifact = ended(path, "one_column", types={"plan": "category"})
    frame = next(load_features(path, artifact.recipe))
    told = why_of(artifact, frame)(frame)
    assert set(told) == {f"plan: {level}" for level in frame["plan"].dropna()} | {"plan: empty"}


def test_reasons_that_would_be_guessed_are_refused(tmp_path):
    path = customers(tmp_path / "t.csv", 200)
    _, artifact = ended(path, as_model("boosting", {"max_iter": 5}))
    with pytest.raises(UsageProblem, match="--why is for lines, small trees and rules"):
        why_of(artifact, next(load_features(path, artifact.recipe)))


def test_the_rows_that_reasons_are_told_against_are_spread_over_a_sorted_file(tmp_path, monkeypatch):
    path = customers(tmp_path / "t.csv", 600)
    pd.read_csv(path).sort_values("age").to_csv(path, index=False)
    _, artifact = ended(path, "logistic")
    monkeypatch.setattr(why_module, "BACKGROUND", 60)
    monkeypatch.setattr(why_module, "CHUNK", 70)
    whole = next(load_features(path, artifact.recipe))
    some = background_of(path, artifact.recipe, len(whole))
    assert some.equals(whole.iloc[::10].reset_index(drop=True))


def test_only_the_largest_reasons_are_put_in_words_and_they_are_the_same_ones(tmp_path):
    path = customers(tmp_path / "t.csv", 200)
    _, artifact = ended(path, "logistic", **EVERYTHING)
    frame = next(load_features(path, artifact.recipe))
    few, all_of_them = (reasons(artifact.fitted, frame, frame, top, most=200) for top in (1, 99))
    for short, long in zip(few, all_of_them, strict=True):
        assert short.total == pytest.approx(long.total, abs=1e-12)
        assert short.base + short.total == pytest.approx(short.prediction, abs=1e-9)
        ups, downs = [r for r in long.reasons if r.effect > 0], [r for r in long.reasons if r.effect < 0]
        assert list(short.reasons) == sorted(ups[:1] + downs[:1], key=lambda r: -abs(r.effect))


@pytest.mark.parametrize(("model", "task", "words"), [
    ("logistic", "binary", "multiplies the odds of “leave” by, against the average row"),
    ("logistic", "multiclass", "multiplies the odds of the class predicted"),
    ("tree", "binary", "percentage points that each test on the way adds to the share of “leave”"),
    ("ridge", "regression", "what each column adds, against the average row"),
    ("one_column", "binary", "says what decided"),
])  # fmt: skip
def test_what_the_figures_of_the_reasons_mean_is_said(model, task, words, tmp_path):
    path = customers(tmp_path / "t.csv", 200, task=task)
    _, artifact = ended(path, model, task)
    assert words in scale_of(artifact)
