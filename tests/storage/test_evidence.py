"""Evidence is written once; files are known by their bytes."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import StoreProblem
from engine.records import Evidence
from storage.rows import visible
from tests.storage.samples import evidence
from tests.storage.test_journal import figures, numbers, paired, texts, values


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.dictionaries(texts, values, max_size=4), error=texts, seconds=figures)
def test_evidence_comes_back_as_it_was_put(store, value, error, seconds):
    put = evidence(key=f"key {next(numbers)}", value=value, error=error, seconds=seconds)
    store.evidence.put(put)
    assert store.evidence.get(put.key) == replace(put, value=paired(value), error=visible(error))


def test_the_first_stays(store):
    store.evidence.put(evidence(value={"a": 1}))
    store.evidence.put(evidence(value={"a": 2}))
    assert store.evidence.get(evidence().key) == evidence(value={"a": 1})


def test_what_is_not_there(store):
    assert store.evidence.get("nope") is None


def test_what_failed_says_why(store):
    failed = Evidence("k", "profile", {}, error="Line 3 has 5 cells, the header 4.")
    store.evidence.put(failed)
    assert store.evidence.get("k") == failed
    assert not failed.ok


def test_not_a_number_is_refused(store):
    with pytest.raises(ValueError, match="JSON"):
        store.evidence.put(evidence(value={"a": float("nan")}))


def test_files_are_kept_once_and_come_back(store):
    content = bytes(range(256)) * 100
    digest = store.artifacts.keep(content, "application/octet-stream")
    assert store.artifacts.keep(content, "application/octet-stream") == digest
    assert store.artifacts.fetch(digest) == content
    assert store.artifacts.fetch(store.artifacts.keep(b"", "text/plain")) == b""
    assert store._connection.row("select count(*) as n from artifact") == {"n": 2}


def test_a_file_that_is_not_there(store):
    with pytest.raises(StoreProblem, match="holds no file 000000000000"):
        store.artifacts.fetch("0" * 64)


def test_a_file_that_was_changed_is_not_used(store):
    digest = store.artifacts.keep(b"a model", "application/octet-stream")
    store._connection.db.execute("drop trigger artifact_no_update")
    store._connection.db.execute("update artifact set content = x'00'")
    with pytest.raises(StoreProblem, match="was changed and is not used"):
        store.artifacts.fetch(digest)
