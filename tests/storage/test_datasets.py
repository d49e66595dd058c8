"""Data files are known by their content, wherever they lie."""

import hashlib
import os
from pathlib import Path

import pytest

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
