"""The lockbox is sealed across branches and sessions: every other exam on the same data is counted."""

from dataclasses import replace
from pathlib import Path

from engine.records import Trial
from storage.store import Store
from tests.storage.samples import decision, evidence


def _examine(store: Store, session: str, number: int) -> str:
    seen = evidence(number)
    store.journal(session).append(decision("present.result", evidence=(seen.key,)), [seen])
    return seen.key


def test_an_exam_is_counted_once_wherever_it_was_taken(store: Store, churn: str, data: Path):
    store.sessions.create("other", store.datasets.record(data))
    first = _examine(store, churn, 1)
    assert store.sessions.looks(churn, first) == (0, 0)  # the same exam again shows nothing new
    assert store.sessions.looks(churn, "another") == (1, 0)
    assert store.sessions.looks("other", "another") == (0, 1)

    second = _examine(store, "other", 2)
    assert store.sessions.looks(churn, first) == (0, 1)
    assert store.sessions.looks("other", second) == (0, 1)


def test_a_branch_hides_no_look(store: Store, churn: str):
    first = _examine(store, churn, 1)
    store.sessions.fork(churn, None, 0)
    assert store.sessions.looks(churn, "another") == (1, 0)
    assert store.sessions.looks(churn, first) == (0, 0)


def test_other_data_is_not_counted(store: Store, churn: str, tmp_path: Path):
    _examine(store, churn, 1)
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text("a,b\n1,2\n")
    store.sessions.create("elsewhere", store.datasets.record(elsewhere))
    assert store.sessions.looks("elsewhere", "another") == (0, 0)


def test_an_exam_whose_result_nobody_recorded_is_counted(store: Store, churn: str, data: Path):
    """The window was closed after the locked rows were asked about: a changed model does not find them untouched."""
    first = Trial("lockbox", {"model": {"name": "logistic"}}, store.sessions.get(churn).dataset)
    store.queue.submit([first])
    assert store.sessions.looks(churn, "another") == (0, 0)  # not computed yet
    store.queue.claim("w")
    store.queue.finish(first.key, "done")
    assert store.sessions.looks(churn, "another") == (0, 1)
    assert store.sessions.looks(churn, first.key) == (0, 0)  # it goes on with the very same exam
    seen = replace(evidence(1), key=first.key, kind="lockbox")
    store.journal(churn).append(decision("present.result", evidence=(first.key,)), [seen])
    assert store.sessions.looks(churn, "another") == (1, 0)  # once, and no more


def test_an_abandoned_branch_hides_no_look(store: Store, churn: str):
    _examine(store, churn, 1)
    other = store.sessions.fork(churn, None, 0).name
    store.sessions.abandon(churn, "main", "Start again without it", "person")
    assert store.sessions.get(churn).branch == other
    assert store.sessions.looks(churn, "another") == (1, 0)
