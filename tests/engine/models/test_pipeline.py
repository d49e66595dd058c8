"""Preparation: learned from the training part alone, and at home with anything a new row brings."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.table import load
from engine.models.catalogue import as_model
from engine.models.fitting import fit
from engine.models.pipeline import assemble, blocks, feature_names, target_folds
from tests.engine.tables import TYPES, customers, recipe


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return load(customers(tmp_path_factory.mktemp("t") / "t.csv"), recipe())


def prepared(frame, style, **prepare):
    rules = recipe(prepare=prepare)
    step = assemble(blocks(rules, style, frame), style, "binary", 0)
    y = np.arange(len(frame)) % 2
    return step, step.fit_transform(frame, y)


def test_a_column_is_flagged_from_one_percent_missing_on():
    for empty, flagged in ((0, False), (1, False), (2, True), (40, True)):
        frame = pd.DataFrame({"age": np.r_[np.full(empty, np.nan), np.arange(200 - empty, dtype=float)]})
        step, X = prepared(frame, "linear")
        assert ("age is missing" in feature_names(step)) is flagged
        assert X.shape[1] == 1 + flagged


def test_linear_columns_are_named_and_scaled(table):
    step, X = prepared(table.frame, "linear")
    X = np.asarray(X.todense()) if hasattr(X, "todense") else X
    names = feature_names(step)
    assert len(names) == X.shape[1]
    assert {"age", "income", "plan = basic", "plan = [red]pro", "member = yes", "age is missing"} <= set(names)
    assert any(name.startswith("since: ") for name in names)
    assert any(name.startswith("note: ") for name in names)
    assert abs(X[:, names.index("age")].mean()) < 1e-9
    assert X[:, names.index("age")].std() == pytest.approx(1)


@pytest.mark.parametrize("style", ["linear", "net", "tree", "native"])
@pytest.mark.parametrize("encode", ["onehot", "target", "strings"])
def test_each_way_of_encoding_many_levels(table, style, encode):
    step, X = prepared(table.frame, style, categories={"encode": encode}, numbers={"scale": "squash"})
    assert len(feature_names(step)) == X.shape[1]
    assert step.transform(table.frame.iloc[:1]).shape == (1, X.shape[1])
    if style in ("tree", "native"):
        assert np.isnan(X).any(), "trees see what is missing"
    else:
        assert not np.isnan(X.todense() if hasattr(X, "todense") else X).any()


def test_words_of_a_text_for_a_line(table):
    step, X = prepared(table.frame, "linear", text={"encode": "tfidf"})
    assert any(name == "note: bill" for name in feature_names(step))
    assert X.shape[1] == len(feature_names(step))


def test_native_codes_stay_within_what_boosting_holds():
    frame = pd.DataFrame({"zip": np.array([str(i % 900) for i in range(4000)], dtype=object)})
    _, X = prepared(frame, "native")
    assert np.nanmax(X) <= 254


@pytest.mark.parametrize("name", ["logistic", "tree", "boosting", "knn"])
@settings(max_examples=15, deadline=None)
@given(
    age=st.none() | st.floats(-1e12, 1e12),
    plan=st.none() | st.text(max_size=8),
    member=st.sampled_from([None, "yes", "maybe"]),
    note=st.none() | st.text(max_size=30),
)
def test_any_new_row_gets_a_quiet_answer(table, name, age, plan, member, note):
    rules = recipe()
    if name not in _fitted:
        _fitted[name] = fit(as_model(name), rules, table, np.arange(len(table)), 0)
    row = table.frame.iloc[[0]].copy()
    row["age"] = np.nan if age is None else age
    for column, value in (("plan", plan), ("member", member), ("note", note)):
        row[column] = pd.Series([value], dtype=object, index=row.index)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = _fitted[name].scores(row)
    assert scores.shape == (1, 2)
    assert np.isfinite(scores).all()


_fitted: dict = {}


def test_what_is_prepared_depends_on_the_training_part_only(table):
    rules = recipe()
    train = np.arange(150)
    whole = fit(as_model("logistic"), rules, table, train, 0)
    changed = load_changed(table, 150)
    again = fit(as_model("logistic"), rules, changed, train, 0)
    assert np.array_equal(whole.estimator.coef_, again.estimator.coef_)


def load_changed(table, start):
    """The table with every row from `start` on replaced by nonsense."""
    from dataclasses import replace

    frame = table.frame.copy()
    frame.loc[frame.index[start:], "age"] = 1e6
    frame.loc[frame.index[start:], "plan"] = "other"
    y = table.y.copy()
    y[start:] = 1 - y[start:]
    return replace(table, frame=frame, y=y)


def test_target_encoding_keeps_groups_and_time_together():
    groups = np.repeat(np.arange(10), 5)
    for train, test in target_folds(groups, None):
        assert not set(groups[train]) & set(groups[test])
    times = np.arange(50)[::-1]
    for _, test in target_folds(None, times):
        assert np.ptp(times[test]) == len(test) - 1
    assert target_folds(None, None) == 5


def test_types_of_the_fixture_are_all_there_are():
    from engine.data.table import TYPES as KNOWN

    assert set(TYPES.values()) == set(KNOWN)
