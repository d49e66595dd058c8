"""A store of any age opens with every row it had; and nobody rewrites the log."""

import sqlite3
from pathlib import Path

import pytest

from engine.errors import StoreProblem
from engine.records import Option
from storage.light import sqlite_utils
from storage.migrations import migrations
from storage.rows import decision_row, evidence_row
from storage.schema import APPLICATION_ID, NUMBER
from storage.store import Store
from tests.storage.samples import AT, decision, evidence

NAMES = [m.name for m in migrations._migrations]


def fill(db, version: int) -> None:
    """A session with two decisions and evidence, as a program of that version would have left them."""
    db["dataset"].insert(
        {"fingerprint": "f" * 64, "path": "/data.csv", "bytes": 1, "modified_ns": 1, "recorded_at": AT}
    )
    db["session"].insert({"id": 1, "name": "churn", "dataset": "f" * 64, "created_at": AT})
    db["branch"].insert({"id": 1, "session": 1, "name": "main", "created_at": AT, "forked_at": 0})
    db["session"].update(1, {"branch": 1})
    db["evidence"].insert(evidence_row(evidence()))
    first = decision(evidence=(evidence().key,)).sealed(1, "0" * 64)
    second = decision("problem.costs").sealed(2, first.hash)
    for one in (first, second):
        db["decision"].insert({"branch": 1, **decision_row(one)})
    db.execute(f"pragma application_id = {APPLICATION_ID}")
    db.execute(f"pragma user_version = {version}")


@pytest.mark.parametrize("version", range(1, NUMBER + 1))
def test_every_older_schema_comes_up_to_date_with_all_its_rows(place, version):
    db = sqlite_utils().Database(sqlite3.connect(place, isolation_level=None), execute_plugins=False)
    migrations.apply(db, stop_before=NAMES[version] if version < NUMBER else None)
    fill(db, version)
    tables = [t for t in db.table_names() if not t.startswith(("sqlite_", "migration"))]
    before = {table: list(db[table].rows) for table in tables}
    db.close()
    with Store.open(place) as store:
        after = {table: store._connection.rows(f"select * from {table}") for table in tables}
        assert after == before
        assert [d.seq for d in store.journal("churn").decisions()] == [1, 2]
        assert store.verify() == []
        assert [row["name"] for row in store._connection.rows("select name from migration order by id")] == NAMES
        assert store._connection.row("pragma user_version") == {"user_version": NUMBER}
        assert store.journal("churn").append(decision()).seq == 3


@pytest.mark.parametrize("version", range(1, NUMBER))
def test_answers_of_an_older_store_are_found_by_their_words(place, version):
    """Whatever its age, also where one of its rows cannot be read."""
    db = sqlite_utils().Database(sqlite3.connect(place, isolation_level=None), execute_plugins=False)
    migrations.apply(db, stop_before=NAMES[version])
    fill(db, version)
    options = (Option("indicator", "Fill in, and remember"),)
    row = decision_row(decision("data.missing", options=options, choice="indicator").sealed(3, "0" * 64))
    db["decision"].insert({"branch": 1, **row})
    db["decision"].insert({"branch": 1, **row, "seq": 4, "options": "[{"})
    db.close()
    with Store.open(place) as store:
        assert [hit.seq for hit in store.search("remember")] == [3]


@pytest.mark.parametrize("version", range(1, NUMBER))
def test_whoever_only_reads_an_older_store_leaves_its_file_as_it_is(place, version):
    db = sqlite_utils().Database(sqlite3.connect(place, isolation_level=None), execute_plugins=False)
    migrations.apply(db, stop_before=NAMES[version])
    fill(db, version)
    db.close()
    before = place.read_bytes()
    with Store.open(place, read_only=True) as store:
        assert [d.seq for d in store.journal("churn").decisions()] == [1, 2]
        assert store.comments.threads(1) == []
        assert store.verify() == []
        with pytest.raises(StoreProblem, match="read-only"):
            store.comments.add(1, "mentor", "why?")
    assert place.read_bytes() == before


def test_a_fresh_schema_is_that_of_the_oldest_brought_up_to_date(place, tmp_path):
    old = tmp_path / "old.sqlite3"
    db = sqlite_utils().Database(sqlite3.connect(old, isolation_level=None), execute_plugins=False)
    migrations.apply(db, stop_before=NAMES[1])
    fill(db, 1)
    db.close()
    with Store.open(place) as fresh, Store.open(old) as migrated:
        query = "select type, name, sql from sqlite_master order by name"
        assert fresh._connection.rows(query) == migrated._connection.rows(query)


def test_every_table_is_strict(store):
    rows = store._connection.rows("pragma table_list")
    loose = {
        r["name"] for r in rows if r["type"] == "table" and not r["strict"] and not r["name"].startswith("sqlite_")
    }
    assert loose == {"migration"}  # sqlite-utils' own


def test_every_table_and_view_stands_in_the_readme(store):
    """But those in which SQLite keeps a full-text index."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    rows = store._connection.rows("pragma table_list")
    ours = {r["name"] for r in rows if r["type"] != "shadow" and r["schema"] == "main"}
    assert {name for name in ours if not name.startswith("sqlite_") and f"`{name}`" not in readme} == set()
    assert {r["name"] for r in rows if r["type"] == "view"} == {"journal", "ladder", "branches"}


@pytest.mark.parametrize("table", ["decision", "evidence", "artifact"])
@pytest.mark.parametrize(
    "change", ["update {} set rowid = rowid", "delete from {}", "replace into {} select * from {}"]
)
@pytest.mark.parametrize("tool", ["ours", "another"])
def test_the_log_is_append_only_whoever_asks(store, place, churn, table, change, tool):
    store.journal(churn).append(decision(evidence=(evidence().key,)), [evidence()])
    store.artifacts.keep(b"model", "application/octet-stream")
    connection = store._connection.db.conn if tool == "ours" else sqlite3.connect(place)
    with pytest.raises(sqlite3.IntegrityError, match=f"table {table} is append-only"):
        connection.execute(change.replace("{}", table))
    if tool == "another":
        connection.close()
    assert store.verify() == []
    assert len(store.journal(churn).decisions()) == 1
