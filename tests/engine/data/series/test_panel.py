"""Series are read in every form that tables hold them in."""

import numpy as np
import pandas as pd
import pytest

from engine.data.series.panel import read_panel
from engine.errors import DataProblem
from tests.engine.tables import sales, series_recipe


def long_file(path, **columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def said(**changes):
    return {"target": "y", "types": {}, "series": {"time": "t", **changes}}


def test_several_series_of_their_own_lengths_stand_on_the_same_steps(tmp_path):
    file = long_file(
        tmp_path / "a.csv",
        t=["2024-03", "2024-01", "2024-02", "2024-02", "2024-04"],
        who=["b", "a", "a", "b", "a"],
        y=[30, 1, 2, 20, 4],
    )
    panel = read_panel(file, said(id="who"))
    assert panel.names == ["a", "b"]
    assert panel.calendar.frequency == "months"
    expected = [[1, 2, np.nan, 4], [np.nan, 20, 30, np.nan]]
    assert np.array_equal(panel.values, expected, equal_nan=True)
    assert panel.rows.tolist() == [[1, 2, -1, 4], [-1, 3, 0, -1]]
    assert [part.tolist() for part in panel.ends()] == [[0, 1], [3, 2]]
    assert panel.gaps() == 1
    assert panel.stamp == "2024-03"


def test_a_column_a_series_and_a_row_a_series_say_the_same_as_a_row_a_value(tmp_path):
    rng = np.random.default_rng(1)
    months = [f"2024-{i:02d}" for i in range(1, 10)]
    table = rng.normal(size=(9, 2)).round(4)
    table[4, 1] = np.nan
    wide = pd.DataFrame({"t": months, "north": table[:, 0], "south": table[:, 1]})
    wide.to_csv(tmp_path / "wide.csv", index=False)
    wide.melt("t", var_name="who", value_name="y").to_csv(tmp_path / "long.csv", index=False)
    wide.set_index("t").T.rename_axis("who").reset_index().to_csv(tmp_path / "rows.csv", index=False)
    a = read_panel(tmp_path / "long.csv", said(id="who"))
    types = {"t": "date", "north": "number", "south": "number"}
    b = read_panel(tmp_path / "wide.csv", {"target": "north", "types": types, "series": {"time": "t", "shape": "wide"}})
    types = {"who": "category", **dict.fromkeys(months, "number")}
    c = read_panel(tmp_path / "rows.csv", {"target": "", "types": types, "series": {"id": "who", "shape": "rows"}})
    for other in (b, c):
        assert other.names == a.names == ["north", "south"]
        assert np.array_equal(other.values, a.values, equal_nan=True)
        assert other.calendar == a.calendar


def test_inputs_reach_beyond_the_last_value(tmp_path):
    frame = pd.read_csv(sales(tmp_path / "a.csv", months=20))
    frame.loc[17:, ["sold", "visitors"]] = None
    frame.to_csv(tmp_path / "a.csv", index=False)
    panel = read_panel(tmp_path / "a.csv", series_recipe())
    assert panel.length == 17
    assert panel.inputs["price"].shape == (1, 20)
    assert np.isfinite(panel.inputs["price"]).all()


def test_months_may_be_written_as_numbers(tmp_path):
    panel = read_panel(long_file(tmp_path / "a.csv", t=[202311, 202312, 202401, 202402], y=[1, 2, 3, 4]), said())
    assert panel.calendar.frequency == "months"
    assert panel.values.tolist() == [[1, 2, 3, 4]]


def test_two_values_at_one_time_are_put_together_only_if_somebody_says_how(tmp_path):
    file = long_file(tmp_path / "a.csv", t=["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"], y=[1, 2, 4, 5])
    with pytest.raises(DataProblem, match=r"2 values at 2024-01-02.*tells series apart.*sum, mean, last"):
        read_panel(file, said())
    together = {way: read_panel(file, said(duplicated=way)) for way in ("sum", "mean", "last")}
    assert {way: panel.values[0, 1] for way, panel in together.items()} == {"sum": 6, "mean": 3, "last": 4}
    assert together["sum"].together == 1


def test_a_coarser_frequency_puts_finer_times_together(tmp_path):
    times = pd.date_range("2024-01-01 07:30", periods=96, freq="h")
    file = long_file(tmp_path / "a.csv", t=times, y=np.ones(96))
    panel = read_panel(file, said(frequency="days", duplicated="sum"))
    assert panel.values.tolist() == [[17, 24, 24, 24, 7]]  # days of the calendar, the first and last in part


@pytest.mark.parametrize(
    ("columns", "changes", "words"),
    [
        ({"t": ["a", "b", "c", "d"], "y": [1, 2, 3, 4]}, {}, "cannot be read as a time in 4 of 4"),
        ({"t": [1, 2, 3, 4], "y": ["high", "low", "mid", "low"]}, {}, "no series of numbers"),
        ({"t": [1, 2, 3, 4], "y": [None] * 4}, {}, "empty in all rows"),
        ({"t": [1, 2, 3, 4], "y": [1, 2, 3, 4]}, {"id": "shop"}, "no column 'shop'"),
        ({"t": [1, 2, 3, 4], "y": [1, 2, 3, 4]}, {"shape": "square"}, "long, wide, rows"),
        ({"t": [1, 2, 3, 4], "y": [1, 2, 3, 4]}, {"time": None}, "problem.series"),
    ],
)
def test_says_in_a_sentence_what_cannot_be_read(tmp_path, columns, changes, words):
    with pytest.raises(DataProblem, match=words):
        read_panel(long_file(tmp_path / "a.csv", **columns), said(**changes))
