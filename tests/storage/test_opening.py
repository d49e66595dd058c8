"""What can be wrong with the file: each one clear sentence, and nothing lost."""

import os
import sqlite3
from pathlib import Path

import pytest

from engine.errors import StoreProblem
from storage.opening import default_path
from storage.schema import APPLICATION_ID, NUMBER
from storage.store import Store
from tests.storage.samples import decision


def test_a_store_is_made_with_its_folder_and_is_found_again(tmp_path, data):
    place = tmp_path / "a folder" / "ünï #1?.sqlite3"
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(data))
        assert not store.read_only
    assert place.is_file()
    with Store.open(place) as store:
        assert [info.name for info in store.sessions.list()] == ["churn"]


def test_the_environment_names_another_place(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNGWISE_STORE", str(tmp_path / "mine.db"))
    assert default_path() == tmp_path / "mine.db"
    with Store.open() as store:
        assert store.path == tmp_path / "mine.db"
    monkeypatch.delenv("RUNGWISE_STORE")
    assert default_path().name == "rungwise.sqlite3"
    assert default_path().parent.name == "rungwise"


def test_decisions_are_forced_to_the_disk_in_a_file_that_says_what_it_is(store, place):
    pragma = {
        name: store._connection.row(f"pragma {name}")[name]
        for name in ("journal_mode", "synchronous", "foreign_keys", "application_id", "user_version", "trusted_schema")
    }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "application_id": APPLICATION_ID,
        "user_version": NUMBER,
        "trusted_schema": 0,
    }


def test_progress_leaves_durability_as_it_was(store):
    store.queue.beat("w")
    assert store._connection.row("pragma synchronous") == {"synchronous": 2}


def refused(place: Path) -> str:
    before = place.read_bytes() if place.is_file() else None
    with pytest.raises(StoreProblem) as caught:
        Store.open(place)
    if before is not None:
        assert place.read_bytes() == before, "a file that is refused is left as it was"
    sentence = str(caught.value)
    assert str(place) in sentence or str(place.parent) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_a_text_file(place):
    place.write_text("tenure,Churn\n1,Yes\n" * 100)
    assert "not a SQLite file" in refused(place)


def test_a_short_file(place):
    place.write_bytes(b"x")
    assert "not a SQLite file" in refused(place)


def test_a_file_that_only_begins_like_sqlite(place):
    place.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert "not a Rungwise store" in refused(place) or "damaged" in refused(place)


def test_an_empty_file_becomes_a_store(place):
    place.touch()
    with Store.open(place) as store:
        assert store.sessions.list() == []


def test_a_database_of_another_program(place):
    with sqlite3.connect(place) as other:
        other.execute("create table photo (id integer)")
    assert "another program" in refused(place)


def test_a_database_marked_by_another_program(place):
    with sqlite3.connect(place) as other:
        other.execute("pragma application_id = 1196444487")  # a GeoPackage
    assert "another program" in refused(place)


def test_a_store_whose_making_was_killed_half_way_is_made_again(place):
    with sqlite3.connect(place) as half:
        half.execute("pragma journal_mode = wal")
    with Store.open(place) as store:
        assert store.sessions.list() == []


def test_a_newer_store(place):
    Store.open(place).close()
    with sqlite3.connect(place) as newer:
        newer.execute(f"pragma user_version = {NUMBER + 4}")
    newer.close()
    assert f"newer Rungwise (format {NUMBER + 4}; this one knows {NUMBER})" in refused(place)


def test_a_folder(tmp_path):
    assert "is a folder" in refused(tmp_path)


def test_a_folder_that_is_a_file(place):
    place.write_text("x")
    assert "cannot be" in refused(place / "store.sqlite3")


def test_nothing_to_read(place):
    with pytest.raises(StoreProblem, match="There is no store at"):
        Store.open(place, read_only=True)
    assert not place.exists()


def test_a_damaged_store(place, data):
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(data))
    content = bytearray(place.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    place.write_bytes(content)
    with pytest.raises(StoreProblem, match="damaged"), Store.open(place) as store:
        store.sessions.list()


def test_a_table_that_is_gone(store, place):
    with sqlite3.connect(place) as other:
        other.execute("drop table comment")
    with pytest.raises(StoreProblem, match="changed by another program"):
        store.comments.of(1)


def test_a_locked_store(store, place, churn, monkeypatch):
    store._connection.db.execute("pragma busy_timeout = 50")
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("begin immediate")
    journal = store.journal(churn)
    with pytest.raises(StoreProblem, match="locked by another program"):
        journal.append(decision())
    other.execute("rollback")
    assert journal.append(decision()).seq == 1
    other.close()


def test_a_full_disk_loses_nothing_that_was_recorded(store, place, churn):
    journal = store.journal(churn)
    kept = [journal.append(decision()) for _ in range(3)]
    pages = store._connection.row("pragma page_count")["page_count"]
    store._connection.db.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(StoreProblem, match=r"disk that holds the store .* is full"):  # noqa: PT012 - after some of them
        for _ in range(50):
            kept.append(journal.append(decision(why="a" * 5000)))
    assert list(journal.decisions()) == kept
    assert store.verify() == []
    store._connection.db.execute("pragma max_page_count = 1000000")
    kept.append(journal.append(decision()))
    with Store.open(place) as again:
        assert list(again.journal(churn).decisions()) == kept


# -- places where nothing may be written ---------------------------------------------------------------------------


def test_a_read_only_folder_where_a_store_is_to_be_made(tmp_path, ordinary_user):
    folder = tmp_path / "shut"
    folder.mkdir()
    folder.chmod(0o555)
    with ordinary_user():
        assert "may not be written to" in refused(folder / "store.sqlite3")
        assert "cannot be made" in refused(folder / "deeper" / "store.sqlite3")
    assert list(folder.iterdir()) == []


def shut(tmp_path: Path, data: Path) -> Path:
    """A store with one decision, in a folder of its own."""
    place = tmp_path / "shut" / "store.sqlite3"
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(data))
        store.journal("churn").append(decision())
    return place


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_store_that_may_not_be_written_is_opened_to_read(tmp_path, data, ordinary_user, what):
    place = shut(tmp_path, data)
    (place if what == "file" else place.parent).chmod(0o444 if what == "file" else 0o555)
    with ordinary_user(), Store.open(place) as store:
        assert store.read_only
        assert len(store.journal("churn").decisions()) == 1
        assert store.sessions.list()[0].decisions == 1
        assert store.verify() == []
        for write in (
            lambda: store.hold("churn"),
            lambda: store.journal("churn").append(decision()),
            lambda: store.sessions.fork("churn", None, 1),
            lambda: store.environments.put({"python": "3"}),
        ):
            with pytest.raises(StoreProblem, match="opened read-only"):
                write()
    place.parent.chmod(0o755)


def test_a_store_with_a_log_beside_it_in_a_shut_folder_is_read_or_refused_but_never_read_in_part(
    tmp_path, data, ordinary_user
):
    place = shut(tmp_path, data)
    writer = Store.open(place)
    writer.journal("churn").append(decision("problem.costs"))
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in (place.name, place.name + "-wal"):
        (copy / name).write_bytes((place.parent / name).read_bytes())
    writer.close()
    copy.chmod(0o555)
    with ordinary_user():
        try:
            with Store.open(copy / place.name) as store:
                assert len(store.journal("churn").decisions()) == 2
        except StoreProblem as problem:
            assert "copy both" in str(problem)  # noqa: PT017 - either is right
    copy.chmod(0o755)


def test_a_file_that_may_not_be_read(tmp_path, data, ordinary_user):
    place = shut(tmp_path, data)
    place.chmod(0)
    with ordinary_user(), pytest.raises(StoreProblem, match="cannot be read"):
        Store.open(place)


def test_readers_see_what_a_writer_adds(store, place, churn):
    with Store.open(place, read_only=True) as reader:
        assert reader.journal(churn).decisions() == ()
        store.journal(churn).append(decision())
        assert len(reader.journal(churn).decisions()) == 1


def test_the_last_to_close_leaves_one_file(place):
    Store.open(place).close()
    assert os.listdir(place.parent) == [place.name]
