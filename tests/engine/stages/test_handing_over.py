"""What goes along with the model: the guard, what only a person can say, what comes next, and the lessons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.export.card import sections
from engine.export.dossier import Dossier
from engine.session import Session
from tests.engine.tables import customers
from tests.engine.walking import MemoryJournal, Walk, asked, said, texts

ANSWERS = {
    "problem.target": "target", "simple.candidates": ["logistic"], "deep.enter": "skip",
    "present.model_card": "For letters to customers; never for prices.  Who is written to in vain loses nothing.",
}  # fmt: skip


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory):
    walk = Walk(customers(tmp_path_factory.mktemp("t") / "t.csv", 240))
    return walk, walk.headless(ANSWERS, dict.fromkeys(ANSWERS, "Chosen for the test of what comes after the model."))


def test_the_guard_says_how_many_errors_it_holds(walked):
    _, c = walked
    decision = said(c, "present.guard")
    assert decision.choice == "on"
    assert "of the rows would go to a person, holding" in decision.reason
    table = asked(c, "present.guard").shows[0]
    assert [row[0] for row in table.rows] == ["2%", "5%", "10%", "20%", "strange rows"]
    assert decision.check is not None
    assert 0 <= decision.check.value <= 1
    off = asked(c, "present.guard").judge("off")
    assert [o.message for o in off.objections] == ["Every answer goes out, however unsure."]


def test_the_next_one_must_beat_what_the_exam_said(walked):
    _, c = walked
    result, coming = said(c, "present.result").check, said(c, "present.next").check
    assert result is not None
    assert coming is not None
    assert coming.value == result.value
    assert "is what the next one must beat" in said(c, "present.next").reason


def test_a_persons_words_stand_on_the_card(walked):
    _, c = walked
    decisions = c.journal.decisions()
    told = sections(Dossier(Session("walk", "f", decisions), decisions, {}, "t.csv"))
    assert "never for prices" in told["Intended use"]
    assert "loses nothing" in told["Ethical considerations"]
    assert "What stops an unsure answer" in told["Caveats and recommendations"]


def test_every_text_is_plain(walked):
    _, c = walked
    for question in ("present.guard", "present.model_card", "present.next"):
        assert all("{" not in text and "None" not in text for text in texts(asked(c, question)))


def test_a_journal_from_before_replays_without_them(walked):
    walk, c = walked
    new = ("present.guard", "present.model_card", "present.next")
    old = [replace(d, seq=0) for d in c.journal.decisions() if d.question not in new]
    journal = MemoryJournal()
    for decision in old:
        journal.append(decision)
    known = dict(walk.evidence.known)
    walk.evidence.known = {key: e for key, e in known.items() if e.kind != "guard"}
    try:
        again = walk.conductor(journal=journal, read_only=True)
        walk.on(again)
    finally:
        walk.evidence.known = known
    assert again.session.decision("present.guard") is None
    assert again.session.choice("present.lessons") == c.session.choice("present.lessons")
