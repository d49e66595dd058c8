"""Tables and queries of SQLite and DuckDB files: read, and nothing else."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from engine.data.read import examine, read
from engine.data.settings import ReadSettings
from engine.data.table import load_features
from engine.errors import DataProblem
from tests.engine.data.formats.writers import duck, sqlite

FRAME = pd.DataFrame({"id": [1, 2, 3], "name": ["a", "b", None], "pay": [1.5, 2.0, -3.25]})
MADE = {"sqlite": sqlite, "duckdb": duck}


@pytest.fixture(params=list(MADE))
def shop(request, tmp_path):
    """A database with the tables orders and customers."""
    path = tmp_path / "shop.db"
    MADE[request.param](path, FRAME)
    MADE[request.param](path, FRAME.head(1), table="customers")
    return path


def test_a_table_and_a_query(shop):
    raw = read(f"{shop}::orders")
    assert (raw.names, raw.rows, raw.settings.table) == (["id", "name", "pay"], 3, "orders")
    assert list(raw.numbers("pay")[0]) == [1.5, 2.0, -3.25]
    asked = read(f"{shop}::select id, pay / 2 as half from Orders where pay > 0;")
    assert (asked.names, asked.rows) == (["id", "half"], 2)
    assert read(f"{shop}::ORDERS", columns=["pay"]).read_columns == ["pay"]
    assert read(f"{shop}::with o as (select * from orders) select count(*) as n from o").cells("n").to_pylist() == ["3"]


def test_the_settings_of_a_person_win_over_the_address(shop):
    found = examine(f"{shop}::orders").settings
    assert read(f"{shop}::orders", ReadSettings.from_dict({**found.as_dict(), "table": "customers"})).rows == 1


def test_the_only_table_needs_no_name_and_several_are_listed(shop, tmp_path):
    with pytest.raises(DataProblem, match=r"holds 2 tables \('(orders|customers)', '(orders|customers)'\): name one"):
        read(shop)
    with pytest.raises(DataProblem, match="no table 'ordres': did you mean 'orders'"):
        read(f"{shop}::ordres")
    for key, write in MADE.items():
        write(tmp_path / key, FRAME)
        raw = read(tmp_path / key)
        assert raw.rows == 3
        assert any(g["setting"] == "table" and "the only table" in g["why"] for g in raw.guesses)


def test_predicting_takes_the_table_that_training_had(shop):
    told = {"target": "name", "types": {"pay": "number"}, "read": examine(f"{shop}::orders").settings.as_dict()}
    (frame,) = load_features(shop, told)
    assert len(frame) == 3


@pytest.mark.parametrize(
    "query",
    [
        "select 1; select 2",
        "select * from orders; drop table orders",
        "with a as (select 1) insert into orders select 1, 2, 3",
        "select load_extension('x')",
        "select * from read_csv('/etc/passwd')",
        "select readfile('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from nothing",
        "select nothing from orders",
        "select from where",
        "from frame_of_the_caller",
    ],
)
def test_a_query_that_does_more_than_read_is_refused(shop, query):
    frame_of_the_caller = FRAME  # a variable is no table either
    before = shop.read_bytes()
    with pytest.raises(DataProblem) as caught:
        read(f"{shop}::{query}")
    assert "\n" not in str(caught.value)
    assert shop.read_bytes() == before
    assert len(frame_of_the_caller) == 3


@pytest.mark.parametrize(
    "words", ["attach 'x' as y", "pragma user_version", "copy orders to 'x'", "drop table orders", "vacuum"]
)
def test_what_is_no_query_is_taken_for_a_table_that_is_not_there(shop, words):
    with pytest.raises(DataProblem, match="has no table"):
        read(f"{shop}::{words}")


def test_nothing_is_left_beside_the_database(shop):
    read(f"{shop}::select a.id from orders a, orders b order by a.pay")
    assert [path.name for path in shop.parent.iterdir()] == [shop.name]


def test_an_sqlite_log_is_read_where_the_folder_cannot_be_written(ordinary_user):
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        folder = Path(name)
        sqlite(folder / "shop.db", FRAME)
        connection = sqlite3.connect(folder / "shop.db")
        connection.execute("pragma journal_mode = wal")
        connection.close()
        folder.chmod(0o555)
        with ordinary_user():
            assert read(folder / "shop.db").rows == 3
        folder.chmod(0o755)


def test_a_locked_sqlite_file_is_said(tmp_path):
    sqlite(tmp_path / "shop.db", FRAME)
    holder = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    holder.execute("begin exclusive")
    try:
        with pytest.raises(DataProblem, match="being written to by another program"):
            read(tmp_path / "shop.db")
    finally:
        holder.close()


def test_a_locked_duckdb_file_is_said(tmp_path):
    duck(tmp_path / "shop.db", FRAME)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "shop.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(DataProblem, match="being written to by another program"):
            read(tmp_path / "shop.db")
    finally:
        holder.communicate(b"")


def test_cells_of_sqlite_may_be_of_any_kind(tmp_path):
    connection = sqlite3.connect(tmp_path / "t.db")
    connection.execute("create table t (a, b, c)")
    connection.executemany(
        "insert into t values (?, ?, ?)", [(1, b"\xff\x00", 2**60), ("x", b"ok", None), (2.5, None, 0.5)]
    )
    connection.commit()
    connection.close()
    raw = read(tmp_path / "t.db")
    assert raw.cells("a").to_pylist() == ["1", "x", "2.5"]
    assert raw.cells("b").to_pylist() == ["2 bytes", "ok", None]
    assert raw.cells("c").to_pylist() == [str(2**60), None, "0.5"]


def test_types_of_duckdb(tmp_path):
    connection = duckdb.connect(str(tmp_path / "t.db"))
    connection.execute(
        "create table t as select 1.50::decimal(9, 2) as price, [1, 2] as tags, 'u'::enum('u', 'v') as e, "
        "170141183460469231731687303715884105727::hugeint as big, time '08:30:00' as at, "
        "timestamptz '2026-01-02 09:00:00+01' as tz, true as ok, interval 3 day as gap"
    )
    connection.close()
    raw = read(tmp_path / "t.db")
    cells = {name: raw.cells(name)[0].as_py() for name in raw.names}
    assert (cells["price"], cells["tags"], cells["e"], cells["at"], cells["ok"]) == (
        "1.50",
        "[1, 2]",
        "u",
        "08:30:00",
        "True",
    )
    assert cells["tz"] == "2026-01-02 08:00:00"
    assert cells["big"].startswith("1701411834604692317")
    assert raw.warnings == ["Lists or records inside cells are read as JSON text: 'tags'."]


@pytest.mark.parametrize("path", ["t.csv::orders", "t.parquet::x"])
def test_only_databases_have_tables(tmp_path, path):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    FRAME.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataProblem, match="holds no tables by name: leave out"):
        read(tmp_path / path)


def test_a_database_without_tables(tmp_path):
    duckdb.connect(str(tmp_path / "d.db")).close()
    connection = sqlite3.connect(tmp_path / "s.db")
    connection.execute("create table t (a)")
    connection.execute("drop table t")
    connection.commit()
    connection.close()
    for name in ("d.db", "s.db"):
        with pytest.raises(DataProblem, match="a database without tables"):
            read(tmp_path / name)
