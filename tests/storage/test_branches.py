"""Branches are named, left for good and taken up again, and nothing of any is lost."""

from __future__ import annotations

import sqlite3

import pytest

from engine.errors import StoreProblem, UsageProblem
from storage.store import Store
from tests.storage.samples import decision


@pytest.fixture
def forked(store, churn):
    """main with three decisions; branch-2 left it after the first and has one of its own."""
    for n in range(3):
        store.journal(churn).append(decision(f"q.{n}"))
    store.sessions.fork(churn, None, 1)
    store.journal(churn).append(decision("q.other"))
    return churn


def test_a_branch_is_named_and_the_name_before_is_kept(store, forked):
    renamed = store.sessions.rename(forked, "branch-2", "lags", "ann")
    assert (renamed.name, renamed.parent, renamed.forked_at, renamed.own) == ("lags", "main", 1, 1)
    assert [(n.kind, n.text, n.author) for n in store.sessions.notes.of(renamed.id)] == [("named", "branch-2", "ann")]
    assert store.sessions.rename(forked, "lags", "LAGS", "ann").name == "LAGS"
    with pytest.raises(UsageProblem, match="a branch named Main already"):
        store.sessions.rename(forked, "lags", "Main", "ann")
    with pytest.raises(UsageProblem, match="one line of plain text"):
        store.sessions.rename(forked, "lags", "a\nb", "ann")
    assert store.verify(forked) == []


def test_an_abandoned_branch_stays_with_its_why_and_is_not_gone_on_with(store, forked):
    with pytest.raises(UsageProblem, match="Say why"):
        store.sessions.abandon(forked, "branch-2", "  ", "ann")
    assert store.sessions.abandon(forked, "branch-2", "No gain.", "ann") == "main"
    assert [(b.name, b.abandoned) for b in store.sessions.branches(forked)] == [("main", ""), ("branch-2", "No gain.")]
    assert len(store.journal(forked, "branch-2").decisions()) == 2
    with pytest.raises(UsageProblem, match=r"was abandoned \(No gain.\)"):
        store.sessions.switch(forked, "branch-2")
    with pytest.raises(UsageProblem, match="was abandoned"):
        store.sessions.abandon(forked, "branch-2", "again", "ann")
    with pytest.raises(UsageProblem, match="the only branch"):
        store.sessions.abandon(forked, "main", "No gain either.", "ann")
    store.sessions.take_up(forked, "branch-2", "There is more data now.", "ben")
    store.sessions.switch(forked, "branch-2")
    with pytest.raises(UsageProblem, match="was not abandoned"):
        store.sessions.take_up(forked, "branch-2", "", "ben")
    assert [n.kind for n in store.sessions.notes.of(2)] == ["abandoned", "taken up"]


def test_what_was_said_of_a_branch_is_not_rewritten(store, place, forked):
    store.sessions.abandon(forked, "branch-2", "No gain.", "ann")
    with sqlite3.connect(place) as other:
        for sql in ("update branch_note set text = 'x'", "delete from branch_note", "replace into branch_note (id, "
                    "branch, kind, text, author, at) values (1, 2, 'taken up', '', '', '')"):  # fmt: skip
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(sql)
        assert other.execute("select branch, parent, decisions, abandoned, why from branches").fetchall() == [
            ("main", None, 3, 0, None),
            ("branch-2", "main", 1, 1, "No gain."),
        ]


def test_another_window_that_holds_the_session_is_not_stepped_on(store, place, forked):
    with Store.open(place) as other, other.hold(forked):
        for deed in (
            lambda: store.sessions.rename(forked, "branch-2", "x", "ann"),
            lambda: store.sessions.abandon(forked, "branch-2", "why", "ann"),
            lambda: store.sessions.switch(forked, "main"),
        ):
            with pytest.raises(StoreProblem, match="open in another window"):
                deed()


def test_notes_travel_with_a_bundle_and_are_not_doubled(store, forked, tmp_path):
    store.sessions.rename(forked, "branch-2", "lags", "ann")
    store.sessions.abandon(forked, "lags", "No [b]gain[/b].", "ann")
    file = tmp_path / "a.rungwise"
    store.bundles.write(forked, file, ())
    with Store.open(tmp_path / "other.sqlite3") as other:
        for _ in range(2):
            other.bundles.read(file)
            found = other.sessions.branch(forked, "lags")
            assert found.abandoned == "No [b]gain[/b]."
            assert [n.kind for n in other.sessions.notes.of(found.id)] == ["named", "abandoned"]
            assert other.sessions.branch(forked, "main").abandoned == ""
        other.sessions.take_up(forked, "lags", "", "mentor")
        back = tmp_path / "b.rungwise"
        other.bundles.write(forked, back, ())
    store.bundles.read(back)
    assert store.sessions.branch(forked, "lags").abandoned == ""
