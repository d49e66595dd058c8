"""A folder of stores and bundles: one line a session, those first that need a mentor; nothing in it is changed."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest

from storage.cohort import cohort
from storage.store import Store
from tests.engine.review.journals import say
from tests.tui.reviewed import sound_session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ada: sound, with an open question; bo: a serious flag, as a bundle; cy: cut off; and things that are none."""
    place = tmp_path / "class"
    (place / "ada").mkdir(parents=True)
    with Store.open(place / "ada" / "s.sqlite3") as store:
        sound_session(store, tmp_path / "data.csv")
        asked = store.comments.add(1, "berg", "Why not costs?", mark="question")
        store.comments.add(1, "berg", "Anybody?", answers=asked)
    with Store.open(tmp_path / "bo.db") as store:
        sound_session(store, tmp_path / "data.csv", say("problem.unit", "customer"), name="bo")
        store.bundles.write("bo", place / "bo.rungwise", ())
    (place / "cy.rungwise").write_bytes((place / "bo.rungwise").read_bytes()[:2000])
    shutil.copy(place / "ada" / "s.sqlite3", place / "dee.sqlite3")
    whole = (place / "dee.sqlite3").read_bytes()
    (place / "dee.sqlite3").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    (place / "notes.txt").write_text("hello")
    with zipfile.ZipFile(place / "book.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return place


def test_one_line_a_session_and_those_that_cannot_be_read_say_why(folder):
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    found = {str(t.place.relative_to(folder)): t for t in cohort(folder)}
    assert set(found) == {"ada/s.sqlite3", "bo.rungwise", "cy.rungwise", "dee.sqlite3"}
    ada, bo = found["ada/s.sqlite3"], found["bo.rungwise"]
    assert (ada.session, ada.stage, ada.decisions, ada.flags("red")) == ("churn", "present", 36, 0)
    assert (ada.open, ada.unanswered) == (1, 1)  # who asked may talk to themselves: it waits still
    assert ada.gain == pytest.approx(0.3)
    assert bo.flags("red") == 1
    assert "no whole bundle" in found["cy.rungwise"].problem
    assert found["dee.sqlite3"].problem
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_those_that_need_a_mentor_most_stand_first(folder):
    assert [t.session for t in cohort(folder) if not t.problem] == ["bo", "churn"]
    assert [bool(t.problem) for t in cohort(folder)] == [True, True, False, False]


def test_an_empty_folder_has_nobody(tmp_path):
    assert cohort(tmp_path) == []


def test_a_session_that_was_changed_by_hand_says_so_and_stands_first(folder):
    changed = folder / "zed.sqlite3"
    shutil.copy(folder / "ada" / "s.sqlite3", changed)
    with sqlite3.connect(changed) as other:
        other.execute("drop trigger decision_no_update")
        other.execute("update decision set why = 'because' where seq = 20")
    found = [t for t in cohort(folder) if not t.problem]
    assert found[0].place == changed
    assert "decision 20" in found[0].altered
    assert [t.altered for t in found[1:]] == ["", ""]
