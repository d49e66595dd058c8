"""Computed columns and impossible values: the same for training and for predicting, and nothing is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.computed import with_computed
from engine.data.splitting import lockbox_and_plan
from engine.data.table import load, load_features
from engine.errors import DataProblem
from engine.records import Json

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))


def recipe(**more: Json) -> dict[str, Json]:
    types = {"a": "number", "b": "number", "c": "category", "ratio": "number"}
    return {
        "target": "y", "task": "binary", "types": types, "marks": {},
        "features": [{"name": "ratio", "formula": "a / b", "type": "number"}], **more,
    }  # fmt: skip


def frame(a: list[float], b: list[float]) -> pd.DataFrame:
    texts = np.array(["x"] * len(a), dtype=object)
    return pd.DataFrame({"a": np.array(a, float), "b": np.array(b, float), "c": texts})


@settings(max_examples=50)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_arithmetic_is_that_of_real_numbers(rows: list[tuple[float, float]]) -> None:
    a, b = [list(column) for column in zip(*rows, strict=True)]
    found = with_computed(frame(a, b), recipe())["ratio"].to_numpy()
    expected = [x / y if y != 0 else np.nan for x, y in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_value_that_cannot_be_counts_as_empty_before_anything_is_computed() -> None:
    found = with_computed(frame([-1, 4], [2, 2]), recipe(impossible={"a": "a < 0"}))
    assert np.isnan(found.loc[0, ["a", "ratio"]].to_numpy(float)).all()
    assert found["ratio"].to_list()[1] == 2
    emptied = with_computed(frame([1, 4], [2, 2]), recipe(impossible={"c": "c = 'x' AND a > 3"}))
    assert emptied["c"].isna().to_list() == [False, True]


def test_logarithms_of_nothing_and_texts_are_empty() -> None:
    made = [{"name": "ratio", "formula": "ln(a) + abs(c)", "type": "number"}]
    found = with_computed(frame([0, -1, 1], [1, 1, 1]), recipe(features=made))
    assert np.isnan(found["ratio"][:2]).all()


def test_training_and_predicting_compute_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"a": rng.normal(size=60).round(3), "b": rng.integers(0, 3, 60), "c": rng.choice(["u", "v"], 60)}
    )
    table.assign(y=rng.choice(["no", "yes"], 60)).to_csv(tmp_path / "train.csv", index=False)
    table[["c", "b", "a"]].to_csv(tmp_path / "new.csv", index=False)
    told = recipe(impossible={"a": "a > 1 AND b = 0"}, positive="yes", read=None)
    trained = load(tmp_path / "train.csv", told).frame
    for size in (None, 7):
        predicted = pd.concat(list(load_features(tmp_path / "new.csv", told, size)))
        pd.testing.assert_frame_equal(trained, predicted.reset_index(drop=True))


def test_a_column_that_only_a_formula_names_is_read_and_is_no_input(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.0, 2.0] * 10, "b": [2.0] * 20, "y": ["no", "yes"] * 10}).to_csv(
        tmp_path / "t.csv", index=False
    )
    types = {"a": "number", "ratio": "number"}
    told = recipe(types=types, beside={"b": "number"}, positive="yes", read=None)
    assert list(load(tmp_path / "t.csv", told).frame.columns) == ["a", "ratio"]
    pd.DataFrame({"a": [1.0], "d": [2.0]}).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataProblem, match=r"no column “b”|no column 'b'"):
        load_features(tmp_path / "new.csv", told)


def test_dates_are_seen_as_a_rule_sees_them() -> None:
    days = pd.DataFrame({"day": np.array(["2024-01-01", "2024-01-02 08:30:00", "NaT"], dtype="datetime64[us]")})
    made = [{"name": "w", "formula": "weekday(day)", "type": "number"}]
    told = {"target": "y", "types": {"day": "date", "w": "number"}, "features": made}
    found = with_computed(days, {**told, "impossible": {"day": "day = '2024-01-01'"}})
    assert found["day"].isna().tolist() == [True, False, True]
    assert found["w"].to_list()[1] == 2
    assert np.isnan(found["w"][0])


def test_what_is_emptied_or_computed_draws_no_other_lockbox(tmp_path: Path) -> None:
    """Copies are rows that were read alike: an exam stays an exam when a cell is emptied or a column computed."""
    rng = np.random.default_rng(0)
    pd.DataFrame(
        {"a": rng.integers(0, 9, 200), "b": rng.integers(1, 4, 200), "c": "x", "y": rng.choice(["no", "yes"], 200)}
    ).to_csv(tmp_path / "t.csv", index=False)
    split = {"split": {"kind": "stratified", "lockbox": 0.2, "seed": 0}, "plan": {"folds": 3, "repeats": 1, "seed": 0}}
    plain = recipe(read=None, positive="yes", keep_together=True, **split)
    plain = {**plain, "types": {k: v for k, v in plain["types"].items() if k != "ratio"}, "features": []}
    changed = recipe(read=None, positive="yes", keep_together=True, impossible={"a": "a > 3"}, **split)
    first, second = (load(tmp_path / "t.csv", told) for told in (plain, changed))
    assert np.isnan(second.frame["a"].to_numpy()).any()
    assert "ratio" in second.frame
    drawn, again = lockbox_and_plan(first, plain), lockbox_and_plan(second, changed)
    assert (drawn.plan_hash, drawn.lockbox_hash) == (again.plan_hash, again.lockbox_hash)
