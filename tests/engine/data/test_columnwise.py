"""What is said of each column of a table: rare levels, what lies far out, how values are spread."""

import datetime as dt

import numpy as np
import pytest

from engine.data import columnwise
from engine.data import profile as profiling
from engine.data.columnwise import TOP, TOP_NUMBERS, _commonest
from engine.data.profile import profile
from engine.errors import Cancelled
from tests.engine.data.test_profile import Here, seen, table


def mixed(folder, rows: int = 400):
    rng = np.random.default_rng(0)
    some = rng.random(rows)
    return table(
        folder,
        amount=np.where(some < 0.1, "", np.where(some < 0.15, "?", np.round(rng.gamma(2, 50, rows), 2).astype(str))),
        price=[f"${i % 90}.50" for i in range(rows)],
        count=rng.integers(0, 5, rows),
        kind=rng.choice(["a", "b", " c", "NA"], rows),
        when=np.datetime64("2024-01-01") + rng.integers(0, 300, rows),
        key=[f"k{i}" for i in range(rows)],
        note=[f"the {i} words of a long note number {i}" for i in range(rows)],
        y=rng.integers(0, 2, rows),
    )


def test_threads_change_nothing(tmp_path, monkeypatch):
    path = mixed(tmp_path)
    alone, _ = seen(path)
    monkeypatch.setattr(profiling, "MANY_ROWS", 1)
    monkeypatch.setattr(profiling.os, "cpu_count", lambda: 3)
    assert seen(path)[0] == alone


def test_cancelling_lets_the_other_columns_be(tmp_path, monkeypatch):
    class Stopped(Here):
        def report(self, progress):
            raise Cancelled

    looked, look = [], columnwise.look_at
    monkeypatch.setattr(profiling, "MANY_ROWS", 1)
    monkeypatch.setattr(profiling.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(profiling, "look_at", lambda *a: looked.append(a[1]) or look(*a))
    with pytest.raises(Cancelled):
        profile({"read": None}, Stopped(mixed(tmp_path)))
    assert len(looked) <= 3


def test_rare_levels_are_counted(tmp_path):
    names = ["a"] * 50 + ["b"] * 9 + ["c"]
    _, columns = seen(table(tmp_path, name=names, x=np.arange(60) / 7, y=[0, 1] * 30))
    assert (columns["name"]["rare"], columns["name"]["rare_rows"]) == (2, 10)
    assert (columns["x"]["rare"], columns["y"]["rare"]) == (0, 0)


def test_far_values_are_counted_without_those_that_mean_missing(tmp_path):
    x = [*range(1, 195), 1000, 2000, 3000, -999, -999, -999]
    _, columns = seen(table(tmp_path, x=x, y=[0, 1] * 100))
    found = columns["x"]["outliers"]
    assert [mark["value"] for mark in columns["x"]["marks"]] == ["-999"]
    assert (found["count"], found["share"]) == (3, 3 / 197)
    assert found["high"] == pytest.approx(np.percentile(x[:197], 75) + 3 * np.ptp(np.percentile(x[:197], [25, 75])))
    assert sum(columns["x"]["histogram"]["counts"]) == 197
    assert columns["y"]["outliers"] is None


def test_dates_and_texts_are_drawn(tmp_path):
    _, columns = seen(mixed(tmp_path))
    dates, texts = columns["when"]["histogram"], columns["note"]["histogram"]
    first = dt.datetime.fromisoformat(columns["when"]["min"]).replace(tzinfo=dt.UTC).timestamp()
    assert (dates["edges"][0], sum(dates["counts"])) == (first, 400)
    assert sum(texts["counts"]) == 400
    lengths = [len(f"the {i} words of a long note number {i}") for i in range(400)]
    assert columns["note"]["characters"] == pytest.approx(np.percentile(lengths, [0, 25, 50, 75, 100]))
    assert (columns["kind"]["histogram"], columns["kind"]["characters"]) == (None, None)


def test_no_histograms_of_columns_that_nobody_could_look_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(profiling, "MOST_DRAWN", 7)
    _, columns = seen(mixed(tmp_path))
    assert all(c["histogram"] is None for c in columns.values())
    assert columns["amount"]["outliers"] is not None


def test_the_commonest_come_first_and_equal_ones_in_their_order():
    rng = np.random.default_rng(1)
    for k in (0, 1, 5, 300, 3000):
        counts = rng.integers(1, 20, k)
        expected = np.argsort(-counts, kind="stable")[:TOP]
        assert _commonest(counts, TOP).tolist() == expected.tolist()


def test_numbers_of_many_values_keep_fewer_of_them(tmp_path):
    _, columns = seen(
        table(tmp_path, many=np.arange(200) / 7, few=np.arange(200) % 50, y=[f"l{i % 70}" for i in range(200)])
    )
    assert [len(columns[name]["top"]) for name in ("many", "few", "y")] == [TOP_NUMBERS, 50, TOP]
