"""Data files are known by their content, wherever they lie."""

import hashlib
import os
import sqlite3
from pathlib import Path

import pytest

from engine.data.address import split
from engine.errors import DataProblem


def test_the_fingerprint_is_the_sha_256_of_the_bytes(store, data):
    fingerprint = store.datasets.record(data)
    assert fingerprint == hashlib.sha256(data.read_bytes()).hexdigest()
    assert store.datasets.path(fingerprint) == data
    assert store.datasets.record(str(data)) == fingerprint


def test_the_same_content_elsewhere_moves_the_dataset(store, data, tmp_path):
    fingerprint = store.datasets.record(data)
    moved = data.rename(tmp_path / "moved.csv")
    with pytest.raises(DataProblem, match="cannot be reached"):
        store.datasets.path(fingerprint)
    assert store.datasets.record(moved) == fingerprint
    assert store.datasets.path(fingerprint) == moved


def test_a_file_that_changed_is_not_given(store, data):
    fingerprint = store.datasets.record(data)
    data.write_text(data.read_text() + "3,Yes\n")
    with pytest.raises(DataProblem, match="has changed since the session read it"):
        store.datasets.path(fingerprint)


def test_a_file_that_was_only_touched_is_given_and_not_read_again(store, data):
    fingerprint = store.datasets.record(data)
    os.utime(data, ns=(1, 1))
    assert store.datasets.path(fingerprint) == data
    known = store.datasets.get(fingerprint)
    assert known is not None
    assert known.modified_ns == 1


def test_relative_paths_and_links_are_kept_as_whole_paths(store, data, monkeypatch):
    monkeypatch.chdir(data.parent)
    assert store.datasets.path(store.datasets.record("data.csv")) == data


def test_a_file_name_in_a_wrong_encoding(store, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 [red].csv"))
    try:
        odd.write_text("a\n1\n")
    except OSError:
        pytest.skip("this disk takes only UTF-8 names")
    fingerprint = store.datasets.record(odd)
    assert store.datasets.path(fingerprint) == odd
    assert store.sessions.create("x", fingerprint).path == odd


def test_what_is_no_file(store, tmp_path):
    with pytest.raises(DataProblem, match="There is no file"):
        store.datasets.record(tmp_path / "nope.csv")
    with pytest.raises(DataProblem, match="is a folder"):
        store.datasets.record(tmp_path)
    with pytest.raises(DataProblem, match="does not know the data"):
        store.datasets.path("0" * 64)


def test_a_file_that_may_not_be_read(store, data, ordinary_user):
    data.chmod(0)
    with ordinary_user(), pytest.raises(DataProblem, match="cannot be read"):
        store.datasets.record(data)


def test_equal_environments_are_one(store):
    key = store.environments.put({"python": "3.11", "cores": 2})
    assert store.environments.put({"cores": 2, "python": "3.11"}) == key
    assert store.environments.get(key) == {"python": "3.11", "cores": 2}
    assert store.environments.get("nope") is None


def shop(folder: Path, rows: int = 2) -> Path:
    connection = sqlite3.connect(folder / "shop.db")
    connection.execute("create table if not exists orders (id)")
    connection.executemany("insert into orders values (?)", [(i,) for i in range(rows)])
    connection.commit()
    connection.close()
    return folder / "shop.db"


def test_each_part_of_a_database_is_a_dataset_of_its_own(store, tmp_path):
    file = shop(tmp_path)
    known = {store.datasets.record(f"{file}{part}") for part in ("", "::orders", "::select id / 2 from orders")}
    assert len(known) == 3
    assert store.datasets.path(store.datasets.record(f"{file}::orders")) == Path(f"{file}::orders")
    query = "select * from orders where '//' = '//'"  # a Path would make one slash of two
    kept = store.datasets.path(store.datasets.record(f"{file}::{query}"))
    assert split(kept) == (file, query)


def test_a_database_that_changed_is_not_given(store, tmp_path):
    file = shop(tmp_path)
    fingerprint = store.datasets.record(f"{file}::orders")
    os.utime(file, ns=(1, 1))
    assert store.datasets.path(fingerprint) == Path(f"{file}::orders")
    shop(tmp_path, 3)
    with pytest.raises(DataProblem, match=r"shop\.db::orders has changed since the session read it"):
        store.datasets.path(fingerprint)
    file.unlink()
    with pytest.raises(DataProblem, match="cannot be reached"):
        store.datasets.path(fingerprint)
    with pytest.raises(DataProblem, match="There is no file"):
        store.datasets.record(f"{file}::orders")


def test_rows_that_are_only_in_the_log_beside_a_database_count(store, tmp_path):
    file = shop(tmp_path)
    connection = sqlite3.connect(file)
    connection.execute("pragma journal_mode = wal")
    first = store.datasets.record(file)
    connection.execute("insert into orders values (9)")
    connection.commit()
    assert (tmp_path / "shop.db-wal").stat().st_size > 0
    assert store.datasets.record(file) != first
    connection.close()


def pictures(folder: Path) -> Path:
    for name in ("pets/cat/1.png", "pets/cat/2.png", "pets/dog/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder / "pets"


def test_a_folder_is_known_by_its_names_and_bytes(store, tmp_path):
    folder = pictures(tmp_path)
    fingerprint = store.datasets.record(folder)
    (folder / ".thumbnails").write_text("no part of it")
    assert store.datasets.path(fingerprint) == folder
    moved = folder.rename(tmp_path / "animals")
    assert store.datasets.record(moved) == fingerprint
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        os.utime(moved / name, ns=(5, 5))
    assert store.datasets.path(fingerprint) == moved


@pytest.mark.parametrize("change", ["bytes", "name", "less", "more"])
def test_a_folder_that_changed_is_not_given(store, tmp_path, change):
    folder = pictures(tmp_path)
    fingerprint = store.datasets.record(folder)
    match change:
        case "bytes":
            (folder / "cat/1.png").write_bytes(b"pets/cat/9.png")
        case "name":
            (folder / "cat/1.png").rename(folder / "dog/2.png")
        case "less":
            (folder / "cat/1.png").unlink()
        case "more":
            (folder / "dog/3.png").write_bytes(b"x")
    with pytest.raises(DataProblem, match=r"The data folder .*pets has changed since the session read it"):
        store.datasets.path(fingerprint)


def test_a_folder_that_holds_no_data(store, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataProblem, match=r"is a folder: name one data file in it, such as t\.csv"):
        store.datasets.record(tmp_path / "more")
