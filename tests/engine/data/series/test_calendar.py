"""Times become steps and come back, whatever their frequency, and with steps left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.series.calendar import infer, of
from engine.errors import DataProblem

FREQUENCIES = {
    "MS": "months", "ME": "months", "QS": "quarters", "QE": "quarters", "YS": "years", "W": "weeks",
    "B": "business days", "D": "days", "h": "hours", "15min": "15 minutes", "14D": "2 weeks", "2MS": "2 months",
    "3D": "3 days", "30s": "30 seconds",
}  # fmt: skip


@given(
    freq=st.sampled_from(sorted(FREQUENCIES)),
    start=st.datetimes(pd.Timestamp("1950-01-01"), pd.Timestamp("2050-01-01")),
    left_out=st.sets(st.integers(1, 38), max_size=10),
)
@settings(max_examples=60, deadline=None)
def test_every_frequency_is_found_and_its_steps_are_times_again(freq, start, left_out):
    times = pd.date_range(pd.Timestamp(start).floor("s"), periods=40, freq=freq).to_numpy().astype("M8[us]")
    kept = np.array([i for i in range(40) if i not in {x for x in left_out if x % 3}])
    calendar, irregular = infer(times[kept])
    if calendar.frequency != FREQUENCIES[freq]:
        # what is left may follow a coarser step; the steps must still hold every time
        assert np.array_equal(calendar.times(calendar.ticks(times[kept])), times[kept])
        return
    assert not irregular
    assert np.array_equal(calendar.ticks(times), np.arange(40))
    assert np.array_equal(calendar.times(np.arange(40)), times)
    assert np.array_equal(of(calendar.frequency, times).ticks(times), np.arange(40))


@pytest.mark.parametrize("freq", sorted(FREQUENCIES))
def test_a_full_series_has_the_frequency_it_was_made_with(freq):
    times = pd.date_range("2019-03-04", periods=60, freq=freq).to_numpy().astype("M8[us]")
    calendar, irregular = infer(np.delete(times, [7, 8, 20]))
    assert (calendar.frequency, irregular) == (FREQUENCIES[freq], False)


def test_times_off_any_step_are_irregular_and_taken_to_the_step_they_lie_in():
    rng = np.random.default_rng(0)
    times = np.datetime64("2020-01-01", "us") + np.sort(rng.uniform(0, 200 * 86_400e6, 200)).astype("m8[us]")
    calendar, irregular = infer(times)
    assert irregular
    assert calendar.frequency == "days"
    assert np.array_equal(calendar.times(calendar.ticks(times)), times.astype("M8[D]").astype("M8[us]"))


def test_numbers_count_steps():
    calendar, irregular = infer(np.array([10.0, 20, 40, 50]))
    assert (calendar.frequency, irregular) == ("10 steps", False)
    assert calendar.ticks(np.array([10.0, 60])).tolist() == [0, 5]
    assert calendar.parts(np.array([0, 1, 5]), 4)["place in season"].tolist() == ["2", "3", "3"]


def test_the_calendar_is_known_for_any_future():
    times = pd.date_range("2024-02-26", periods=30, freq="D").to_numpy().astype("M8[us]")
    calendar, _ = infer(times)
    parts = calendar.parts(np.array([0, 3, 4, 100]), 7)
    assert list(parts["weekday"]) == ["Mon", "Thu", "Fri", "Wed"]
    assert list(parts["month"]) == ["Feb", "Feb", "Mar", "Jun"]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (np.array([1.0, 2.0]), "at least three"),
        (np.array([1.0, 2.5, 4.0]), "no dates and no whole numbers"),
    ],
)
def test_says_what_is_wrong_with_times(times, said):
    with pytest.raises(DataProblem, match=said):
        infer(times)


@pytest.mark.parametrize("frequency", ["fortnights", "0 days", "steps", "-1 hours"])
def test_says_which_frequencies_there_are(frequency):
    with pytest.raises(DataProblem, match="frequency"):
        of(frequency, pd.date_range("2024-01-01", periods=5).to_numpy().astype("M8[us]"))
