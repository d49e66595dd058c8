"""Series that stand side by side are known by the names of their columns, and other tables are not taken for them."""

import numpy as np
import pandas as pd
import pytest

from engine.data.profile import profile
from engine.data.series.panel import read_panel
from engine.data.series.shapes import side_by_side, steps_in_names, times_in_names
from engine.models.forecasting import written
from tests.engine.data.test_splitting import Here

MONTHS = [f"2024-{i:02d}" for i in range(1, 13)]
YEARS = [str(year) for year in range(2010, 2020)]


@pytest.mark.parametrize(
    ("names", "first"), [(MONTHS, "2024-01-01"), (YEARS, "2010-01-01"), (["3/1/2024", "3/2/2024"], "2024-03-01")]
)
def test_columns_named_by_times(names, first):
    times = times_in_names(names)
    assert times is not None
    assert str(times[0])[:10] == first
    assert (np.diff(times).astype("int64") > 0).all()


@pytest.mark.parametrize("names", [["1", "2", "3"], ["2024", "age"], ["9999"], ["price", "size"]])
def test_other_names_are_no_times(names):
    assert times_in_names(names) is None


def test_the_steps_are_those_named_alike():
    assert steps_in_names(["2010", "score", "2011"]) == ["2010", "2011"]
    assert steps_in_names(["a", "b"]) == []


def test_a_row_a_series():
    found = side_by_side(YEARS, ["country"], None)
    assert found == {"shape": "rows", "columns": YEARS, "id": "country"}
    assert side_by_side(YEARS, [], None)["id"] is None


@pytest.mark.parametrize(
    "numbers",
    [YEARS[:5], YEARS[::-1], [*YEARS, "a", "b", "c", "d"], ["x1", "x2", "x3"]],
    ids=["too few", "not in order", "among others", "no times"],
)
def test_what_is_not_a_row_a_series(numbers):
    assert side_by_side(numbers, ["country"], None) is None


@pytest.mark.parametrize(
    "alike",
    [["store_1", "store_2", "store_3"], ["sales north", "sales south", "sales east"], ["q1", "q2", "q3", "q4"]],
)
def test_a_column_a_series(alike):
    assert side_by_side(alike, [], "day") == {"shape": "wide", "columns": alike, "id": None}
    assert side_by_side(alike, [], None) is None  # nothing says when
    assert side_by_side([*alike, "rain", "price"], [], "day") is None  # others beside them


def test_a_series_with_inputs_is_not_taken_for_several():
    assert side_by_side(["sold", "price", "visitors"], [], "month") is None


def test_the_profile_tells(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(4, 10)), columns=YEARS)
    table.insert(0, "country", list("abcd"))
    table.to_csv(tmp_path / "rows.csv", index=False)
    found = profile({"read": None}, Here(tmp_path / "rows.csv"))
    assert found["side_by_side"]["shape"] == "rows"
    assert (found["kind"], found["target_guess"]) == ("series", "2019")
    table.drop(columns=YEARS[3:]).to_csv(tmp_path / "few.csv", index=False)
    found = profile({"read": None}, Here(tmp_path / "few.csv"))
    assert "side_by_side" not in found
    assert found["kind"] == "table"


def test_a_later_file_has_other_steps(tmp_path):
    recipe = {
        "target": "2019",
        "types": dict.fromkeys(YEARS[:-1], "number"),
        "series": {"id": "who", "shape": "rows", "frequency": "years"},
    }
    later = [str(year) for year in range(2014, 2023)]
    pd.DataFrame([["a", *range(9)]], columns=["who", *later]).to_csv(tmp_path / "later.csv", index=False)
    from engine.data.read import examine

    panel = read_panel(tmp_path / "later.csv", recipe, new=examine(tmp_path / "later.csv").settings)
    assert panel.values.tolist() == [list(range(9))]
    assert written(panel.calendar.times(np.array([9])), panel.stamp) == ["2023"]
