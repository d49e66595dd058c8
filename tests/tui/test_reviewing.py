"""`rungwise review` and `rungwise comment`: what they say, and how they end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from storage.store import Store
from tests.engine.review.journals import say, sound
from tests.tui.reviewed import sound_session
from tests.tui.test_cli import rungwise  # noqa: F401 - a fixture

HOSTILE = "[red]no[/] \x1b[31m\n\u202eevil"


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "s.sqlite3"


@pytest.fixture
def store(store_path: Path):
    with Store.open(store_path) as opened:
        yield opened


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data.csv"


def test_a_sound_session_has_nothing_to_flag(rungwise, store, data):  # noqa: F811
    sound_session(store, data)
    shown = rungwise("review", "churn")
    assert (shown.status, shown.err) == (0, "")
    assert "churn · branch main · 36 decisions · flags: 0 red, 0 amber, 0 info" in shown.out
    assert "Nothing to flag." in shown.out
    assert "Opened the lockbox once (35)" in shown.out
    assert "Logistic regression  simple    T2    0.8 roc_auc  0.78 … 0.82    +0.2" in shown.out


def test_serious_flags_say_what_where_why_and_what_to_do_and_end_with_1(rungwise, store, data):  # noqa: F811
    sound_session(store, data, say("problem.unit", "customer"), say("problem.domain", "nobody"))
    shown = rungwise("review", "churn")
    assert shown.status == 1
    red, amber = shown.out.split("RED   ")[1].split("AMBER ")
    assert red.startswith("M10  The split does not fit the use")
    assert "18 split.kind: Rows of one “customer” lie on both sides of a stratified split." in red
    assert "matters: The exams test on entities" in red
    assert "do: Split by the entity or by time" in red
    assert amber.startswith("M16")
    result = json.loads(rungwise("review", "churn", "--json").out)
    assert [(f["id"], f["severity"], f["decision"], f["question"]) for f in result["flags"]] == [
        ("M10", "red", 18, "split.kind"), ("M16", "amber", 14, "problem.domain"),
    ]  # fmt: skip
    assert (result["serious"], result["counts"], result["rerun"]) == (True, {"red": 1, "amber": 1, "info": 0}, False)
    assert result["summary"]["rungs"][-1]["gain"] == pytest.approx(0.2)


def test_a_conversation_about_a_decision(rungwise, store, data):  # noqa: F811
    sound_session(store, data)
    assert rungwise("comment", "churn", "9", "--question", "Why not costs?", "--author", "berg").out == (
        "Comment 1 recorded.\n"
    )
    assert rungwise("comment", "churn", "problem.metric", "--agree", "", "--author", "dahl").status == 0
    assert rungwise("comment", "churn", "--disagree", "Too few exams", "--author", "berg").status == 0
    assert rungwise("comment", "churn", "--answer", "1=They = unknown").status == 0
    assert rungwise("comment", "churn", "--resolve", "1", "--author", "berg").status == 0
    shown = rungwise("review", "churn").out
    assert "comments: 3 threads, 1 open" in shown
    assert "berg asks on decision 9 [resolved]: Why not costs?" in shown
    assert ": They = unknown" in shown
    assert "dahl agrees on decision 9: —" in shown
    assert "berg disagrees on all of it [open]: Too few exams" in shown
    threads = json.loads(rungwise("review", "churn", "--json").out)["threads"]
    assert [(t["state"], t["decision"], len(t["comments"])) for t in threads] == [
        ("resolved", 9, 3), ("", 9, 1), ("open", None, 1),
    ]  # fmt: skip
    assert json.loads(rungwise("sessions", "--json").out)[0]["comments"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("9",), "Say one thing at a time"),
        (("9", "--agree", "", "--note", "x"), "Say one thing at a time"),
        (("99", "--note", "x"), "There is no decision 99 in this session; it has decisions 1 to 36."),
        (("problem.metrik", "--note", "x"), "near it: problem.metric"),
        (("9", "--question", " "), "in a sentence"),
        (("--answer", "first=x"), '--answer takes ID="TEXT"'),
        (("--answer", "7=x"), "There is no comment 7"),
        (("9", "--answer", "1=x"), "leave out 9"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_sentence(rungwise, store, data, words, says):  # noqa: F811
    sound_session(store, data)
    refused = rungwise("comment", "churn", *words)
    assert refused.status == 2
    assert says in refused.err
    assert len(refused.err.splitlines()) == 1


def test_text_of_a_stranger_is_shown_literally(rungwise, store, data):  # noqa: F811
    bad = replace(sound()["problem.metric"], choice=HOSTILE, overruled=True, why="", why_verdict="missing")
    sound_session(store, data, bad, say(f"data.leaks:{HOSTILE}", "keep", why=HOSTILE))
    store.comments.add(1, "mentor", HOSTILE)
    shown = rungwise("review", "churn")
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    assert "[red]no[/] ␛[31m" in shown.out


def test_a_journal_that_no_session_writes_is_reviewed_as_far_as_it_can_be(rungwise, store, data):  # noqa: F811
    sound_session(store, data, say("problem.latency", "soon"), say("problem.drivers", 3), say("problem.unit", ["x"]))
    shown = rungwise("review", "churn")
    assert shown.status == 1
    assert "could not be looked for" in shown.out
    assert "Rows of one" in shown.out


def test_a_folder_of_stores_and_bundles_is_a_row_each(rungwise, store, data, tmp_path, monkeypatch):  # noqa: F811
    cohort = tmp_path / "class"
    cohort.mkdir()
    sound_session(store, data)
    sound_session(store, data, say("problem.unit", "customer"), name="worse")
    store.bundles.write("churn", cohort / "ada.rungwise", ())
    store.bundles.write("worse", cohort / "bo.rungwise", ())
    (cohort / "cut.rungwise").write_bytes((cohort / "ada.rungwise").read_bytes()[:900])
    shown = rungwise("review", cohort)
    assert shown.status == 1
    rows = [line.split()[:2] for line in shown.out.splitlines()]
    assert rows[:3] == [["file", "session"], ["bo.rungwise", "worse"], ["ada.rungwise", "churn"]]
    assert "! cut.rungwise:" in shown.out
    assert "2 sessions, 0 unanswered questions." in shown.out
    listed = json.loads(rungwise("review", cohort, "--json").out)
    assert [(t["session"], t["flags"]["red"], bool(t["problem"])) for t in listed] == [
        ("", 0, True), ("worse", 1, False), ("churn", 0, False),
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "churn").mkdir()
    assert "36 decisions" in rungwise("review", "churn").out  # a session of that name goes before a folder
    assert "no store and no bundle" in rungwise("review", "./churn").out
