"""Season, horizon and window follow from the series; what only moves slowly has no season."""

import numpy as np
import pandas as pd
import pytest

from engine.data.series.glance import series
from tests.engine.tables import Memory, sales


def told(path, times, values, **params):
    pd.DataFrame({"t": times, "y": values}).to_csv(path, index=False)
    return series({"read": None, "target": "y", "time": "t", "id": None, "types": {}, **params}, Memory(path))


AT = np.arange(400)
NOISE, OTHER = (np.random.default_rng(seed).normal(size=400) for seed in (0, 2))


@pytest.mark.parametrize(
    ("freq", "values", "season", "frequency"),
    [
        ("h", 10 + 3 * np.sin(2 * np.pi * AT / 24) + 0.5 * NOISE, 24, "hours"),
        ("D", 3 * np.isin(AT % 7, [5, 6]) + 0.3 * NOISE.cumsum(), 7, "days"),
        ("W", np.sin(2 * np.pi * AT / 52) + 0.5 * NOISE, 52, "weeks"),
        ("D", NOISE.cumsum(), 1, "days"),
        ("D", NOISE, 1, "days"),
        ("D", 0.1 * AT + 0.1 * NOISE, 1, "days"),
        ("D", np.full(400, 3.0), 1, "days"),
        ("D", np.isin(AT % 7, [5, 6]) + 0.72 * OTHER, 7, "days"),  # by chance 0.33 at 28, and 0.2963 at 7
        (None, np.sin(2 * np.pi * AT / 9) + 0.3 * NOISE, 9, "steps"),
    ],
)
def test_a_season_is_found_where_there_is_one(tmp_path, freq, values, season, frequency):
    times = pd.date_range("2024-01-01", periods=400, freq=freq) if freq else AT + 1
    found = told(tmp_path / "a.csv", times, values.round(4), horizon=None)
    assert (found["season"], found["frequency"]) == (season, frequency)
    assert found["horizon"] == min(12, season if season > 1 else 12)
    assert found["window"] <= 100


def test_the_airline_passengers_have_a_year(shared_data):
    airline = shared_data / "airline" / "train.csv"
    found = series({"read": None, "target": "Passengers", "time": "Month", "types": {}, "horizon": 6}, Memory(airline))
    assert (found["frequency"], found["season"], found["step_words"]) == ("months", 12, "1 month")
    assert found["seasons"][0][1] >= 0.3
    assert found["length"] == {"min": 108, "median": 108, "max": 108}
    assert not found["warnings"]


def test_what_is_locked_away_is_neither_drawn_nor_listened_to(tmp_path):
    values = np.sin(2 * np.pi * AT / 7).round(4)
    changed = np.where(AT >= 364, 1e6 * NOISE, values)  # the last three horizons of twelve
    a, b = (told(tmp_path / f"{i}.csv", AT, v, horizon=12) for i, v in enumerate((values, changed)))
    assert a["seasons"] == b["seasons"]
    assert a["plot"] == b["plot"]
    assert max(step for step, _ in a["plot"]["value"]) == 363


def test_warns_of_gaps_short_series_and_those_that_end_early(tmp_path):
    frame = pd.read_csv(sales(tmp_path / "a.csv", shops=3))
    shop = frame["shop"]
    frame = frame[~((shop == "shop 2") & (frame["month"] > "2019-06")) & ~((shop == "shop 3") & (frame.index > 155))]
    frame.drop(index=[20, 21]).to_csv(tmp_path / "a.csv", index=False)
    params = {"read": None, "target": "sold", "time": "month", "id": "shop", "horizon": 3}
    found = series({**params, "types": {"price": "number", "visitors": "number"}}, Memory(tmp_path / "a.csv"))
    assert (found["series"], found["gaps"], found["exogenous"]) == (3, 2, ["price", "visitors"])
    said = " ".join(found["warnings"])
    assert "2 steps (1.5 %) have no value" in said
    assert "1 of 3 series are shorter" in said
    assert "2 series end before the others" in said


@pytest.mark.parametrize(("values", "way"), [([1, 2, 3, 4, 5, 6], "sum"), ([1.23, -2.7, 3.11, 4.9, 5.2, 6.6], "mean")])
def test_says_how_values_of_one_time_are_best_put_together(tmp_path, values, way):
    times = np.repeat(pd.date_range("2024-01-01", periods=100, freq="D"), 2)
    found = told(tmp_path / "a.csv", times, np.resize(values, 200), horizon=3)
    assert (found["duplicated"], found["together"]) == (100, way)
    assert "put together" in found["warnings"][0]
    assert told(tmp_path / "b.csv", times[::2], np.resize(values, 100), horizon=3)["together"] is None


def test_ids_and_dropped_columns_are_no_inputs(tmp_path):
    params = {"read": None, "target": "sold", "time": "month", "id": "shop", "horizon": 3}
    types = {"month": "date", "sold": "number", "shop": "category", "price": "number", "visitors": "drop"}
    found = series({**params, "types": types}, Memory(sales(tmp_path / "a.csv", shops=2)))
    assert found["exogenous"] == ["price"]
