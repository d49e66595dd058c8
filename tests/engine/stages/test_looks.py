"""What was found in the rows is shown as it was found."""

import numpy as np
import pytest

from engine.data.look import look
from engine.data.profile import profile
from engine.stages.columns import Profile
from engine.stages.looks import MOST_ROWS, _date, _moment, column_views, look_views, profile_views
from engine.views import Bars, Grid, Histogram, Samples, as_table
from tests.engine.data.test_look import Here, recipe, table


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    made = table()
    made.loc[50::100, "town"] = np.nan
    made["age"] = np.arange(len(made)) % 60 + 20.0
    made.loc[5:8, "age"] = -1
    made.loc[9:30, "size"] = -999
    made["key"] = [f"k{i}" for i in range(len(made))]
    made["same"] = "x"
    made["nearly"] = np.where(np.arange(len(made)) == 0, "b", "a")
    made = made.loc[[*range(len(made)), 20, 21]]
    path = tmp_path_factory.mktemp("looks") / "t.csv"
    made.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def shown(file):
    described = Profile(profile({"read": None}, Here(file)))
    return described, {view.title: view for view in profile_views(described)}


def test_a_profile_is_shown_from_all_sides(shown):
    described, views = shown
    assert list(views) == [
        "14 columns, 1,502 rows", "How the file was read", "Empty cells", "Copies, keys left out",
        "Read as missing, or perhaps meant so", "Values that contradict the name", "Columns that say little", "Numbers",
        "size", "grade", "square", "Dates", "day", "Texts, in characters", "Levels under 10 rows",
    ]  # fmt: skip
    columns = described.columns
    empty = views["Empty cells"]
    assert isinstance(empty, Bars)
    assert dict(empty.rows)["town"] == pytest.approx(100 * columns["town"]["missing"] / 1502)
    shares = [share for _, share in empty.rows]
    assert shares == sorted(shares, reverse=True)
    numbers = as_table(views["Numbers"])
    (size,) = (row for row in numbers.rows if row[0] == "size")
    assert size[-1] == columns["size"]["outliers"]["count"] > 0
    assert {row[0] for row in views["Columns that say little"].rows} >= {"key", "same", "nearly"}
    assert ("size", "-999", 24) in [row[:3] for row in views["Read as missing, or perhaps meant so"].rows]
    assert views["Values that contradict the name"].rows == [("age", "4 values below 0", 4, '"age" < 0')]
    towns = as_table(views["Levels under 10 rows"])
    assert [row[0] for row in towns.rows] == ["town", "nearly"]
    days = views["day"]
    assert isinstance(days, Bars)
    assert (days.rows[0][0], sum(n for _, n in days.rows)) == ("2024-01-01", 1502)
    assert views["Dates"].rows[0][:2] == ("day", "2024-01-01")
    assert isinstance(views["square"], Histogram)


def test_copies_are_shown_once_keys_are_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,a,b\n" + "".join(f"k{i},{i % 7}.5,{i % 11}\n" for i in range(100)))
    views = {view.title: view for view in profile_views(Profile(profile({"read": None}, Here(path))))}
    assert dict(views["Copies, keys left out"].rows) == {
        "rows that repeat an earlier one": 23,
        "rows that have a copy, the first ones included": 46,
        "different rows among these": 23,
    }


def test_nothing_odd_is_not_shown(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i / 7:.3f},{i % 2}\n" for i in range(100)))
    views = [view.title for view in profile_views(Profile(profile({"read": None}, Here(path))))]
    assert views == ["2 columns, 100 rows", "How the file was read", "Numbers", "a"]


def test_of_very_many_columns_the_first_are_shown(tmp_path):
    path, n = tmp_path / "t.csv", MOST_ROWS + 5
    path.write_text(",".join(f"c{i}" for i in range(n)) + "\n" + f"{','.join('1234567')}{',8' * (n - 7)}\n" * 2)
    views = profile_views(Profile(profile({"read": None}, Here(path))))
    assert views[0].title == "1,005 columns, the first 1,000 of them, 2 rows"
    assert all(len(as_table(view).rows) <= MOST_ROWS for view in views)
    assert "Columns that say little (the first 1,000 of 1,005)" in [view.title for view in views]


def test_a_look_is_shown_from_all_sides(file):
    found = look({"recipe": recipe()}, Here(file))
    views = {view.title: view for view in look_views(found)}
    assert [view.digest for view in views.values() if isinstance(view, Samples)] == [found["rows_digest"]] * 3
    goes = views["What goes with the target (0 … 1)"]
    assert isinstance(goes, Bars)
    assert goes.rows[0] == (found["associations"][0][0], found["associations"][0][2])
    assert len(views["Strength and measure"].rows) == len(found["associations"])
    together = next(view for view in views.values() if isinstance(view, Grid))
    a, b, share = found["missing"]["together"][0]
    assert together.values[together.rows.index(a)][together.columns.index(b)] == share
    assert ["size", "square"] in [list(row[:2]) for row in views["Inputs that say nearly the same"].rows]
    (target,) = (view for title, view in views.items() if title == "The target")
    assert dict(target.rows) == found["target"]["classes"]
    sampled = look_views(found | {"rows_used": 1000})
    assert any(view.title == "What goes with the target (0 … 1, of 1,000 rows)" for view in sampled)


def test_the_distribution_of_a_column_by_its_type(file):
    found = look({"recipe": recipe()}, Here(file))
    number, level, day = column_views(found, ["size", "level", "note", "day", "no such column"])
    assert isinstance(number, Histogram)
    assert [label for label, _ in number.marks] == ["fence", "fence"]
    assert isinstance(level, Bars)
    assert {label for label, _ in level.rows} == {"low", "mid", "high"}
    assert isinstance(day, Bars)
    assert day.rows[0][0].startswith("2024-01-0")


def test_moments_are_written_short():
    assert _moment("1949-01-01T00:00:00.000000") == "1949-01-01"
    assert _moment("2024-05-06T07:08:09.000000") == "2024-05-06 07:08:09"
    assert _moment(None) == ""
    assert _date(-62_167_219_200) == "0"
    assert _date(86_400.4) == "1970-01-02 00:00:00"
