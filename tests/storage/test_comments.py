"""Comments: threads that grow and are never rewritten."""

from __future__ import annotations

import sqlite3

import pytest

from engine.errors import StoreProblem, UsageProblem
from storage.light import sqlite_utils
from storage.migrations import migrations
from storage.store import Store
from tests.storage.samples import AT, decision
from tests.storage.test_migrations import NAMES, fill


@pytest.fixture
def session(store, churn) -> int:
    for question in ("problem.target", "problem.metric"):
        store.journal(churn).append(decision(question))
    return store.sessions.get(churn).id


def test_a_question_is_asked_answered_settled_and_opened_again(store, churn, session, clock):
    about = store.journal(churn).decisions()[1].hash
    asked = store.comments.add(session, "mentor", "[red]why?", about=about, mark="question")
    (thread,) = store.comments.threads(session)
    assert (thread.first.text, thread.first.seq, thread.first.branch) == ("[red]why?", 2, "main")
    assert thread.open
    assert thread.unanswered
    assert store.sessions.get(churn).comments == 1
    clock.seconds += 1
    answer = store.comments.add(session, "trainee", "It ranks.", answers=asked)
    assert not store.comments.threads(session)[0].unanswered
    for mark, is_open in (("resolved", False), ("reopened", True), ("resolved", False)):
        clock.seconds += 1
        store.comments.add(session, "mentor", "", answers=answer, mark=mark)  # an answer's thread is its question's
        (thread,) = store.comments.threads(session)
        assert (thread.open, store.sessions.get(churn).comments) == (is_open, int(is_open))
    assert [c.mark for c in thread.replies] == ["", "resolved", "reopened", "resolved"]
    assert {c.about for c in thread.replies} == {about}


def test_agreeing_needs_no_words_and_waits_for_nobody(store, churn, session):
    store.comments.add(session, "mentor", "", mark="agree")
    (thread,) = store.comments.threads(session)
    assert not thread.open
    assert store.sessions.get(churn).comments == 0


def test_the_same_remark_in_the_same_moment_is_one(store, session, clock):
    ids = {store.comments.add(session, "mentor", "why?", mark="question") for _ in range(2)}
    clock.seconds += 1
    ids.add(store.comments.add(session, "mentor", "why?", mark="question"))
    assert len(ids) == len(store.comments.of(session)) == 2


@pytest.mark.parametrize(
    ("author", "text", "more", "says"),
    [
        ("mentor", "  ", {"mark": "question"}, "in a sentence"),
        ("mentor", "x" * 10_001, {}, "at most 10,000"),
        ("", "why?", {}, "Who says it"),
        ("two\nlines", "why?", {}, "Who says it"),
        ("mentor", "why?", {"about": "0" * 64}, "No decision"),
        ("mentor", "why?", {"answers": 99}, "no comment 99"),
        ("mentor", "", {"mark": "resolved"}, "Name the comment"),
    ],
)
def test_what_says_nothing_is_refused_in_a_sentence(store, session, author, text, more, says):
    with pytest.raises(UsageProblem, match=says):
        store.comments.add(session, author, text, **more)
    assert store.comments.of(session) == []


def test_a_read_only_store_keeps_none(store, place, session):
    with Store.open(place, read_only=True) as other, pytest.raises(StoreProblem, match="read-only"):
        other.comments.add(session, "mentor", "why?")


@pytest.mark.parametrize("change", ["update comment set text = 'x'", "delete from comment",
                                    "replace into comment (id, uid, session, about, author, mark, text, at) "
                                    "values (1, 'u', 1, '', 'a', '', 't', 'now')"])  # fmt: skip
def test_no_comment_is_changed(store, place, session, change):
    store.comments.add(session, "mentor", "why?")
    other = sqlite3.connect(place)
    with pytest.raises(sqlite3.IntegrityError, match="table comment is append-only"):
        other.execute(change)
    other.close()
    assert [c.text for c in store.comments.of(session)] == ["why?"]


def test_comments_of_an_older_store_keep_their_threads_and_whether_they_are_settled(place):
    db = sqlite_utils().Database(sqlite3.connect(place, isolation_level=None), execute_plugins=False)
    migrations.apply(db, stop_before=NAMES[3])
    fill(db, 3)
    columns = ("id", "branch", "seq", "answers", "author", "mark", "text", "at", "closed_at")
    for row in (
        (1, 1, 1, None, "mentor", "question", "why?", AT, "2026-01-04"),
        (2, 1, 1, 1, "trainee", "", "because", "2026-01-03", None),
        (3, 1, 1, 2, "mentor", "", "I see", "2026-01-03b", None),
        (4, None, None, None, "mentor", "disagree", "no", AT, None),
    ):
        db["comment"].insert({"session": 1, **dict(zip(columns, row, strict=True))})
    db.close()
    with Store.open(place) as store:
        first, second = store.comments.threads(1)
        assert [c.text for c in (first.first, *first.replies)] == ["why?", "because", "I see", ""]
        assert (first.resolved, first.first.seq) == (True, 1)
        assert first.first.about == store.journal("churn").decisions()[0].hash
        assert (second.open, second.first.about) == (True, "")
        assert store.sessions.get("churn").comments == 1
