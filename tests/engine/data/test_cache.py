"""What took long to read is kept, found again, and never in the way."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.data import cache
from engine.data.formats import jsonlines
from engine.data.read import examine, read
from engine.data.settings import ReadSettings
from engine.errors import DataProblem
from tests.engine.data.formats.writers import duck, jsonl, sqlite


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("RUNGWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LEAST", 0)
    return tmp_path / "cache"


@pytest.fixture
def rows(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.integers(0, 9, 500), "b": rng.choice(["x", "1,5", None], 500), "c": rng.normal(size=500)}
    )
    jsonl(tmp_path / "t.jsonl", frame)
    return tmp_path / "t.jsonl"


def unread(monkeypatch) -> None:
    """From here on a reader that is asked is an error."""

    def fails(*_: object, **__: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(jsonlines._JsonLines, "read", fails)
    monkeypatch.setattr(jsonlines._JsonLines, "examine", fails)


def same(one, other) -> bool:
    return (
        one.table.equals(other.table) and one.settings == other.settings and one.names == other.names
        and (one.rows, one.bytes, one.bad_lines, one.warnings, one.guesses)
        == (other.rows, other.bytes, other.bad_lines, other.warnings, other.guesses)
    )  # fmt: skip


def test_the_second_read_asks_no_reader_and_gives_the_same(place, rows, monkeypatch):
    with rows.open("a") as file:
        file.write("no json\n" * 3)
    first = read(rows)
    unread(monkeypatch)
    again = read(rows)
    assert same(first, again)
    assert [(line.cells, line.text) for line in again.bad_examples] == [(0, "no json")] * 3
    some = read(rows, ReadSettings(format="jsonl", decimal=",", missing=("x",)), columns=["c", "b"])
    assert some.read_columns == ["c", "b"]
    assert some.settings.missing == ("x",)
    assert set(some.cells("b").to_pylist()) == {"1,5", None}
    with pytest.raises(DataProblem, match="no column 'd'"):
        read(rows, columns=["d"])


def test_the_same_bytes_elsewhere_are_known_and_other_bytes_are_not(place, rows, monkeypatch):
    first = read(rows)
    moved = rows.rename(rows.with_name("moved.jsonl"))
    changed = rows.with_name("changed.jsonl")
    changed.write_bytes(moved.read_bytes().replace(b"1,5", b"2,5"))
    assert read(changed).cells("b") != first.cells("b")
    unread(monkeypatch)
    assert read(moved).table.equals(first.table)


def test_only_its_owner_may_look_into_it(place, rows):
    read(rows)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    files = list(place.iterdir())
    assert len(files) == 3  # the hash of the bytes, what was found, the table
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    place.chmod(0o755)
    read(rows)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", [b"", b"PAR1 and no more", b"\0" * 100])
def test_damaged_files_in_it_are_passed_over_and_replaced(place, rows, monkeypatch, damage):
    first = read(rows)
    for file in place.iterdir():
        file.write_bytes(damage)
    assert same(read(rows), first)
    unread(monkeypatch)
    assert same(read(rows), first)


def test_without_a_place_to_write_to_everything_is_read(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(cache, "LEAST", 0)
    (tmp_path / "file").write_text("in the way")
    for told in (str(tmp_path / "file"), str(tmp_path / "file" / "below"), "/proc/nothing"):
        monkeypatch.setenv("RUNGWISE_CACHE", told)
        assert cache.folder() is None
        assert read(rows).rows == 500


def test_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.delenv("RUNGWISE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "rungwise"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.folder() == tmp_path / "home" / ".cache" / "rungwise"


def test_the_longest_unused_goes_first(place):
    place.mkdir()
    for i in range(5):
        (place / f"f{i}").write_bytes(bytes(100))
        os.utime(place / f"f{i}", ns=(i, i))
    cache.make_room(place, 250)
    assert sorted(file.name for file in place.iterdir()) == ["f3", "f4"]


def test_a_write_that_fails_leaves_nothing(place, rows, monkeypatch):
    monkeypatch.setattr(cache.pq, "write_table", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full")))
    assert read(rows).rows == 500
    assert not [file for file in place.iterdir() if file.suffix in (".part", ".parquet")]


def test_what_is_kept_is_what_pays(place, tmp_path):
    text = "a,b\n" + "1,x\n" * 50
    (tmp_path / "t.csv").write_text(text)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_parquet(tmp_path / "t.parquet")
    sqlite(tmp_path / "t.db", frame)
    duck(tmp_path / "t.duckdb", frame)
    kept = {}
    for name in ("t.csv", "t.csv.gz", "t.parquet", "t.db", "t.duckdb", "t.duckdb::select * from orders"):
        before = len(list(place.glob("*.parquet"))) if place.exists() else 0
        read(tmp_path / name)
        kept[name] = place.exists() and len(list(place.glob("*.parquet"))) > before
    assert [name for name, is_kept in kept.items() if is_kept] == ["t.csv.gz", "t.db", "t.duckdb::select * from orders"]


def test_parts_of_a_database_and_other_settings_are_kept_apart(place, tmp_path):
    sqlite(tmp_path / "t.db", pd.DataFrame({"a": [1, 2]}))
    sqlite(tmp_path / "t.db", pd.DataFrame({"b": [1, 2, 3]}), table="more")
    for _ in range(2):
        assert read(f"{tmp_path}/t.db::orders").names == ["a"]
        assert read(f"{tmp_path}/t.db::more").names == ["b"]
        found = examine(f"{tmp_path}/t.db::orders").settings.as_dict()
        assert read(f"{tmp_path}/t.db::orders", ReadSettings.from_dict({**found, "table": "more"})).rows == 3
