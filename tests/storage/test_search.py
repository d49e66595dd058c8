"""Words in whys, answers and comments: found at once, and nothing that is typed is a command."""

from __future__ import annotations

import sqlite3
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import UsageProblem
from engine.records import Option
from storage.search import END, START, as_query, marked
from storage.store import Store
from tests.storage.samples import decision


@pytest.fixture
def filled(store, churn, data):
    journal = store.journal(churn)
    for why in ("Ranking is what the campaign needs", "The état of the art is not needed", "Costs are unknown"):
        journal.append(decision(why=why))
    journal.append(decision("data.leaks", subject="retention_offer", choice="drop", why=""))
    about = journal.decisions()[0].hash
    store.comments.add(1, "berg", "Why not average precision?", about=about, mark="question")
    other = store.sessions.create("other", store.datasets.record(data)).name
    store.journal(other).append(decision(why="Ranking again"))
    return store


def places(store, words: str, session: str | None = None) -> list[tuple]:
    return [(hit.session, hit.seq, hit.what) for hit in store.search(words, session)]


def test_whys_answers_and_comments_are_found_with_what_stands_around_the_words(filled):
    assert set(places(filled, "ranking")) == {("churn", 1, "why"), ("other", 1, "why")}
    assert places(filled, "ranking", "CHURN") == [("churn", 1, "why")]
    (hit,) = filled.search("average precision")
    assert (hit.what, hit.author, hit.place, hit.branch) == ("comment", "berg", "problem.metric", "main")
    assert hit.text == f"Why not {START}average{END} {START}precision{END}?"
    assert places(filled, "retention_offer") == [("churn", 4, "answer")]


def test_an_answer_is_found_by_the_words_that_were_read_and_shown_in_them(store, churn):
    journal = store.journal(churn)
    options = (Option("indicator", "Fill in, and remember Éach"), Option("drop", "Leave the rows out"), Option(3))
    journal.append(decision("data.missing", options=options, choice="indicator", why="few"))
    journal.append(decision("data.each", options=options, choice={"age": "drop", "sex": 3}, why="few"))
    journal.append(decision("data.none", options=options, choice=None, why="few"))
    shown = {(hit.seq, hit.what, hit.text) for hit in store.search("remem each")}
    assert shown == {(1, "answer", f"Fill in, and {START}remember{END} {START}Éach{END}")}
    assert [hit.text for hit in store.search("indicator")] == ["Fill in, and remember Éach"]  # by its key, too
    assert [hit.text for hit in store.search("rows")] == [f"age = Leave the {START}rows{END} out, sex = 3"]
    assert [hit.text for hit in store.search("data.none")] == ["none"]
    assert len(store.search("data")) == 3  # each decision once, however it is found


def test_of_a_long_answer_the_part_around_the_words_is_shown(store, churn):
    store.journal(churn).append(decision(choice="so " * 300 + "remarkable " + "and " * 300, options=(), why=""))
    (hit,) = store.search("remark")
    assert f"{START}remarkable{END}" in hit.text
    assert hit.text.startswith("…")
    assert hit.text.endswith("…")
    assert len(hit.text) < 250


def test_options_that_somebody_edited_hide_no_decision(store, churn, place):
    store.journal(churn).append(decision("data.missing"))
    store.close()
    with sqlite3.connect(place) as other:
        other.execute("drop trigger decision_no_update")
        other.execute("update decision set options = '[1, {', choice = ?", ["[" * 5_000])
    with Store.open(place) as again:
        assert [hit.text[:3] for hit in again.search("missing")] == ["[[["]


def test_parts_accents_and_phrases(filled):
    assert places(filled, "camp") == [("churn", 1, "why")]
    assert places(filled, "ETAT") == [("churn", 2, "why")]
    assert places(filled, '"the campaign needs"') == [("churn", 1, "why")]
    assert places(filled, '"needs campaign"') == []
    assert places(filled, "campaign costs") == []  # all words are wanted
    assert places(filled, "  ") == []


def test_an_unknown_session_is_refused(filled):
    with pytest.raises(UsageProblem, match="no session named nobody"):
        filled.search("ranking", "nobody")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=40) | st.sampled_from(['"', "NEAR(a b)", "a AND", "why:x", "^a", "a*", "-a", "a OR b)"]))
def test_whatever_is_typed_is_looked_for_as_words(filled, words):
    hits = filled.search(words)
    assert all(hit.session in ("churn", "other") for hit in hits)
    assert as_query(words) != "" or hits == []


def test_ten_thousand_decisions_are_searched_at_once(store, churn):
    journal = store.journal(churn)
    with store._connection.write():
        for n in range(10_000):
            journal.append(decision(why=f"reason {n} of the long journal, number {n * 7919 % 10_007}"))
    store.search("warm up")
    began = time.perf_counter()
    hits = store.search("7919")
    taken = time.perf_counter() - began
    assert hits
    assert all("7919" in hit.text for hit in hits)
    assert taken < 0.25  # 50 ms on a machine of its own; tests share theirs


def test_a_name_is_marked_where_the_words_stand_in_it():
    assert marked("present.model_card", "MODEL car") == f"present.{START}model{END}_{START}card{END}"
    assert marked("Größe", "grosse") == "Größe"
    assert marked("Größe", "große") == f"{START}Größe{END}"
    assert marked("anything", "") == "anything"
