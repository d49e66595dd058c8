"""Sessions by name, newest first, with what a list shows."""

import pytest

from engine.errors import StoreProblem, UsageProblem
from engine.session import Session
from tests.storage.samples import decision, rung, trial


def test_the_list_is_newest_first_and_shows_where_each_session_is(store, churn, data, clock):
    fingerprint = store.sessions.get(churn).dataset
    clock.seconds += 60
    store.sessions.create("later", fingerprint)
    assert [info.name for info in store.sessions.list()] == ["later", "churn"]
    journal = store.journal(churn)
    journal.append(decision("problem.target", choice="Churn", decided_at="2030-01-01T00:00:00.000+00:00"))
    journal.append(rung("prior", 0.5, "baseline", decided_at="2030-01-01T00:00:01.000+00:00"))
    journal.append(rung("logistic", 0.85, subject="x", decided_at="2030-01-01T00:00:02.000+00:00"))
    first = store.sessions.list()[0]
    assert (first.name, first.target, first.stage, first.path) == ("churn", "Churn", "simple", data)
    assert (first.decisions, first.branches, first.running, first.comments) == (3, 1, 0, 0)
    assert [(r.stage, r.model, r.value) for r in first.ladder] == [
        ("baseline", "prior", 0.5),
        ("simple", "logistic", 0.85),
    ]
    assert first.ladder == Session(churn, "", journal.decisions()).rungs, "as the fold over the decisions has it"
    store.queue.submit([trial(data=fingerprint)])
    store.comments.add(first.id, "mentor", "Why not log loss?", mark="question")
    store.comments.add(first.id, "mentor", "Good.", mark="agree")
    first = store.sessions.get(churn)
    assert (first.running, first.comments) == (1, 1)


def test_going_back_shows_the_branch_that_is_open(store, churn):
    journal = store.journal(churn)
    journal.append(decision("problem.target", choice="Churn"))
    journal.append(rung("prior", 0.5, "baseline"))
    store.sessions.fork(churn, None, 1)
    info = store.sessions.get(churn)
    assert (info.branch, info.stage, info.decisions, info.branches, info.ladder) == ("branch-2", "define", 1, 2, ())


def test_a_name_that_is_taken(store, churn):
    with pytest.raises(UsageProblem, match=r"A session named Churn exists already; .* e.g. Churn-2"):
        store.sessions.create("Churn", store.sessions.get(churn).dataset)
    assert store.sessions.free_name("churn") == "churn-2"
    assert store.sessions.free_name("other") == "other"


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "\x1b[31m", "x" * 101, "caf\udce9"])
def test_a_name_that_cannot_be_typed(store, churn, name):
    with pytest.raises(UsageProblem, match="The name of a session"):
        store.sessions.create(name, store.sessions.get(churn).dataset)


def test_names_are_found_whatever_their_case(store, churn):
    assert store.sessions.get("CHURN").name == churn
    assert store.journal("CHURN").session == churn


def test_a_name_that_is_not_there(store, churn):
    with pytest.raises(UsageProblem, match="no session named chrun; there is churn"):
        store.sessions.get("chrun")


def test_no_session_yet(store):
    with pytest.raises(UsageProblem, match="there is none yet: `rungwise new DATA` begins one"):
        store.sessions.get("churn")
    assert store.sessions.list() == []


def test_data_that_was_never_recorded(store):
    with pytest.raises(StoreProblem, match="does not know the data"):
        store.sessions.create("churn", "0" * 64)
    assert store.sessions.list() == []
