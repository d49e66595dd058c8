"""Values that contradict their column's name: found where they are, and never in a clean column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.computed import matching_rows
from engine.data.profile import profile
from engine.data.suspicion import of_dates, of_numbers
from engine.records import Json

N = 400
RNG = np.random.default_rng(0)
AGES = RNG.integers(18, 90, N).astype(float)


def told(name: str, values: np.ndarray) -> tuple[int, str] | None:
    found = of_numbers(name, *np.unique(values[np.isfinite(values)], return_counts=True))
    return (found[0]["count"], found[0]["what"]) if found else None


def spoilt(values: np.ndarray, *odd: float) -> np.ndarray:
    return np.concatenate([values, odd])


class Here:
    """The context of a trial on one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def source(self) -> Path:
        return self.path

    def report(self, progress: object) -> None: ...


def seen(path: Path) -> dict[str, Json]:
    return profile({"read": None}, Here(path))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("Age", spoilt(AGES, -5, -5, 200), (3, "2 values below 0 and 1 value above 120")),
        ("customerAge", spoilt(AGES, 121), (1, "1 value above 120")),
        ("unit_price", spoilt(AGES, -0.5), (1, "1 value below 0")),
        ("Percent filled", spoilt(AGES, -1.5, 130, 101), (3, "1 value below 0 and 2 values above 100")),
        ("call duration", spoilt(AGES * 10, -3), (1, "1 value below 0")),
    ],
)
def test_what_cannot_be_is_counted(name: str, values: np.ndarray, expected: tuple[int, str]) -> None:
    assert told(name, values) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", AGES),
        ("percent", RNG.uniform(0, 100, N)),
        ("temperature", spoilt(AGES, -20)),
        ("balance", spoilt(AGES, -20)),
        ("price_change", spoilt(AGES, -20)),
        ("age", RNG.normal(size=N)),  # standardised: half of it lies below 0
        ("age_days", AGES * 365),
        ("house age", spoilt(AGES, 350)),
        ("age", AGES * 2),  # too many above 120 to be mistakes
        ("mileage", spoilt(AGES, -1)),  # age is no word of its own
        ("discount", spoilt(AGES, -1)),
    ],
)
def test_clean_columns_and_other_meanings_give_none(name: str, values: np.ndarray) -> None:
    assert told(name, values) is None


def test_dates_far_after_the_others_and_only_those() -> None:
    days = np.datetime64("2020-02-29") + np.arange(-50, 51)
    assert of_dates("when", days.astype("datetime64[us]")) == []
    (found,) = of_dates("when", np.append(days, np.datetime64("9999-12-31")).astype("datetime64[us]"))
    assert (found["count"], found["condition"]) == (1, "\"when\" >= '2070-03-02'")
    assert found["what"] == "1 date more than 50 years after the median date, 2020-02-29"
    assert of_dates("when", np.array(["NaT", "NaT"], dtype="datetime64[us]")) == []
    births = np.datetime64("1930-01-01") + np.arange(0, 30_000, 30)  # over eighty years, but not from the middle
    assert of_dates("birth_date", births.astype("datetime64[us]")) == []


@settings(max_examples=60)
@given(
    name=st.sampled_from(["age", 'the "age"', "Price (€)", "percent_used", "stone weight"]),
    odd=st.lists(st.sampled_from([-3.0, -0.25, 100.5, 121.0, 1e6]), max_size=6),
)
def test_the_condition_holds_for_just_the_values_that_were_counted(name: str, odd: list[float]) -> None:
    values = np.append(np.linspace(1, 99, 700), odd)
    found = of_numbers(name, *np.unique(values, return_counts=True))
    for entry in found:
        rows = matching_rows(pd.DataFrame({name: values}), entry["condition"], {name: "number"})
        assert len(rows) == entry["count"] <= len(odd)


def test_in_the_profile_and_marks_are_not_told_twice(tmp_path: Path) -> None:
    some = np.arange(N) % 40 == 0
    frame = pd.DataFrame(
        {
            "age": np.where(some, -999, AGES).astype(int),  # found as a mark for missing already
            "weight": np.where(np.arange(N) == 7, -80.5, AGES + 0.5),
            "when": np.where(some, "2099-01-01", "2021-05-0" + pd.Series(np.arange(N) % 9 + 1).astype(str)),
            "user_id": np.arange(N),
            "y": np.arange(N) % 2,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = seen(tmp_path / "t.csv")
    columns = {column["name"]: column for column in found["columns"]}
    assert [mark["value"] for mark in columns["age"]["marks"]] == ["-999"]
    assert {entry["column"]: entry["count"] for entry in found["suspicious"]} == {"weight": 1, "when": 10}
    typed = {"when": "date", "weight": "number"}
    dates = pd.DataFrame({"when": pd.to_datetime(frame["when"]), "weight": frame["weight"]})
    for entry in found["suspicious"]:
        assert len(matching_rows(dates, entry["condition"], typed)) == entry["count"]


def test_the_real_tables_raise_no_false_alarm(shared_data: Path) -> None:
    for path in sorted(shared_data.glob("*/train.csv*")):
        assert seen(path)["suspicious"] == []


def test_the_share_beyond_five_standard_deviations_agrees_with_numpy(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_t(2, 2000).round(3)
    pd.DataFrame({"x": x, "same": 1, "text": "a", "y": np.arange(2000) % 3}).to_csv(tmp_path / "t.csv", index=False)
    columns = {column["name"]: column for column in seen(tmp_path / "t.csv")["columns"]}
    share = np.mean(np.abs(x - x.mean()) > 5 * x.std())
    assert share > 0
    assert columns["x"]["beyond_5sd"] == pytest.approx(share)
    assert columns["same"]["beyond_5sd"] == 0
    assert columns["text"]["beyond_5sd"] is None
