"""The best single column: the right one is found, a key is not, and what it says is what its groups held."""

import numpy as np
import pandas as pd
import pytest

from engine.models.baselines import Cheapest
from engine.models.catalogue import as_model
from engine.models.onecolumn import ColumnClasses, ColumnNumbers
from engine.models.window import FromHistory

GROUPS = [2, 4, 8, 16]


def table(n=600, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "key": pd.Series([f"K{i}" for i in range(n)], dtype=object),
            "noise": rng.normal(size=n),
            "size": rng.exponential(size=n),
            "kind": pd.Series(rng.choice(["a", "b", "c"], n), dtype=object),
            "since": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        }
    )
    return frame, rng


@pytest.mark.parametrize("column", ["size", "kind", "since"])
def test_finds_the_column_that_says_most(column):
    frame, rng = table()
    codes = {"size": (frame["size"] > 1), "kind": frame["kind"] == "b", "since": frame["since"] > "2025-01-01"}
    y = np.where(rng.random(600) < 0.1, 1, 0) ^ codes[column].to_numpy(dtype=int)
    model = ColumnClasses(2, GROUPS).fit(frame, y)
    assert model.column_ == column
    said = model.predict_proba(frame)
    assert said.sum(axis=1) == pytest.approx(1)
    assert ((said[:, 1] > 0.5) == y).mean() > 0.85
    assert len(model.names()) == len(model.table_)
    numbers = ColumnNumbers(None, GROUPS).fit(frame, 10.0 * y + rng.normal(size=600))
    assert numbers.column_ == column


def test_a_key_gains_nothing():
    """Each row under what the others of its group said: a level for every row says what the average says."""
    frame, rng = table()
    y = rng.integers(0, 2, 600)
    model = ColumnClasses(2, GROUPS).fit(frame[["key", "noise"]], y)
    assert np.abs(model.predict_proba(frame)[:, 1] - y.mean()).max() < 0.2
    frame["key"] = [f"K{i}" for i in range(600)]
    assert ColumnNumbers(None, GROUPS, most_levels=600).fit(frame[["key", "size"]], frame["size"]).column_ == "size"


def test_the_choice_is_what_leaving_each_row_out_by_hand_says():
    frame, _ = table(60)
    y = (frame["kind"] == "a").to_numpy(dtype=int)
    y[:7] = 1 - y[:7]
    model = ColumnClasses(2, GROUPS, prior_rows=5.0)
    codes = frame["kind"].map({"a": 0, "b": 1, "c": 2}).to_numpy()
    model.classes_ = np.arange(2)
    shares = np.bincount(y, minlength=2) / 60
    losses = []
    for i in range(60):
        others = (codes == codes[i]) & (np.arange(60) != i)
        p = (np.sum(y[others] == y[i]) + 5 * shares[y[i]]) / (others.sum() + 5)
        losses.append(-np.log(p))
    assert model._left_out(codes, 3, y) == pytest.approx(np.mean(losses))
    z = np.random.default_rng(0).normal(size=60)
    numbers = ColumnNumbers(None, GROUPS, prior_rows=5.0)
    errors = []
    for i in range(60):
        others = (codes == codes[i]) & (np.arange(60) != i)
        errors.append((z[i] - (z[others].sum() + 5 * z.mean()) / (others.sum() + 5)) ** 2)
    assert numbers._left_out(codes, 3, z) == pytest.approx(np.mean(errors))


def test_levels_never_met_and_empty_cells_have_their_place():
    frame, _ = table()
    y = (frame["kind"] == "a").to_numpy(dtype=int)
    model = ColumnClasses(2, GROUPS).fit(frame, y)
    asked = pd.DataFrame({"kind": pd.Series(["a", "never met", None], dtype=object)})
    said = model.predict_proba(asked)[:, 1]
    assert said[0] > 0.95
    assert said[1:] == pytest.approx([y.mean()] * 2), "nothing was seen of them: the average"
    ones = [model.predict_proba(asked.iloc[[i]])[0, 1] for i in range(3)]
    assert ones == said.tolist()


def test_aims_at_the_median_where_absolute_errors_count():
    frame, rng = table()
    y = rng.exponential(size=600) * (1 + (frame["kind"] == "a"))
    mean, median = (ColumnNumbers(q, GROUPS).fit(frame[["kind"]], y).predict(frame) for q in (None, 0.5))
    assert np.abs(y - median).mean() < np.abs(y - mean).mean()
    assert ((y - median) ** 2).mean() > ((y - mean) ** 2).mean()


def test_nothing_but_empty_cells():
    frame = pd.DataFrame({"x": np.full(20, np.nan)})
    y = np.arange(20) % 2
    assert ColumnClasses(2, GROUPS).fit(frame, y).predict_proba(frame)[:, 1] == pytest.approx(np.full(20, 0.5))
    with pytest.raises(ValueError, match="no column"):
        ColumnClasses(2, GROUPS).fit(frame[[]], y)


# -- the other floors ----------------------------------------------------------------------------------------------


def test_the_cheapest_action_is_that_of_the_costs():
    y = np.array([0] * 90 + [1] * 10)
    miss = Cheapest([[0.0, 1.0], [20.0, 0.0]]).fit(None, y)
    assert miss.predict_proba(np.zeros((3, 1)))[:, 1].tolist() == [1, 1, 1], "0.9 · 1 against 0.1 · 20"
    alarm = Cheapest([[0.0, 1.0], [5.0, 0.0]]).fit(None, y)
    assert alarm.predict_proba(np.zeros((3, 1)))[:, 0].tolist() == [1, 1, 1]


def test_last_season_and_what_it_grows_by():
    rows = pd.DataFrame({"lag 1": [5.0], "one season before": [40.0]})
    assert FromHistory("season", 10.0).fit(rows, [0]).predict(rows) == pytest.approx([44.0])
    assert as_model("season_growth", {"percent": -5})["settings"] == {"way": "season", "percent": -5}
