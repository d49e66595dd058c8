"""The review screen: flags in their order, verdicts with words, threads that are answered and settled."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.store import Store
from tests.engine.review.journals import say
from tests.tui.reviewed import sound_session
from tests.tui.scripted import NOW, app_over, see, text_of, until
from tui.screens.journal import JournalScreen
from tui.screens.review import ReviewScreen, Say
from tui.store_desk import StoreDesk

SIZE = (120, 40)


def store_with_flags(folder: Path, *, flagged: bool = True) -> Path:
    """A store with one session: a split that does not fit, nobody asked, a slow model; and two threads."""
    place = folder / "s.sqlite3"
    clock = NOW.timestamp() - 3600
    with Store.open(place, now=lambda: clock) as store:
        wrong = (say("problem.unit", "customer"), say("problem.domain", "nobody")) if flagged else ()
        sound_session(store, folder / "data.csv", *wrong)
        decisions = store.journal("churn").decisions()
        about = next(d.hash for d in decisions if d.name == "problem.metric")
        if flagged:
            asked = store.comments.add(1, "berg", "Why not [b]costs[/b]?", about=about, mark="question")
            store.comments.add(1, "trainee", "Nobody knows them yet.", answers=asked)
            store.comments.add(1, "berg", "", about=about, mark="agree")
    return place


def app_at(place: Path):
    return app_over(StoreDesk(place), session="churn", read_only=True)  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return store_with_flags(tmp_path)


async def at_the_review(pilot):
    await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
    await pilot.press("v")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
    await see(pilot, "the session as a whole")


async def test_the_gravest_flag_comes_first_and_after_the_last_the_first(place):
    async with app_at(place).run_test(size=SIZE) as pilot:
        await at_the_review(pilot)
        assert "1 red, 1 amber, 0 info · 1 open" in text_of(pilot)
        await see(pilot, "Gave whys of one's own")
        await pilot.press("n")
        await see(pilot, "M10  The split does not fit the use")
        assert "Split by the entity or by time" in text_of(pilot)
        await pilot.press("n")
        await see(pilot, "M16  Nobody who knows was asked")
        await pilot.press("n")
        await see(pilot, "M10  The split does not fit the use")


async def test_a_verdict_with_words_stands_at_the_decision_and_changes_none(place):
    async with app_at(place).run_test(size=SIZE) as pilot:
        await at_the_review(pilot)
        before = place_decisions(place)
        await pilot.press("n", "x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Say))
        await pilot.press("enter")
        await see(pilot, "Say what you mean in a sentence.")
        await pilot.press(*"They return")
        await pilot.press("enter")
        await see(pilot, "disagrees")
        assert "They return" in text_of(pilot)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, Say))
        await see(pilot, "They return")
        await pilot.press(*"Yes", "enter")
        await see(pilot, "Yes")
        await pilot.press("o")
        await see(pilot, "[settled]")
        await pilot.press("o")
        await see(pilot, "[open]")
        assert place_decisions(place) == before
    with Store.open(place, read_only=True) as store:
        thread = store.comments.threads(1)[-1]
        assert (thread.first.mark, thread.first.seq, len(thread.replies), thread.open) == ("disagree", 18, 3, True)


def place_decisions(place: Path) -> list[str]:
    with Store.open(place, read_only=True) as store:
        return [d.hash for d in store.journal("churn").decisions()]


async def test_agreeing_needs_no_words_and_escape_keeps_none(place):
    async with app_at(place).run_test(size=SIZE) as pilot:
        await at_the_review(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Say))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        assert "agrees" not in text_of(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Say))
        await pilot.press("enter")
        await see(pilot, "agrees")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))


async def test_markup_in_a_comment_is_text(place):
    async with app_at(place).run_test(size=SIZE) as pilot:
        await at_the_review(pilot)
        await pilot.press(*["down"] * 9)
        await see(pilot, "Why not [b]costs[/b]?")
        assert "Nobody knows them yet." in text_of(pilot)


async def test_nothing_flagged_says_so(tmp_path):
    async with app_at(store_with_flags(tmp_path, flagged=False)).run_test(size=SIZE) as pilot:
        await at_the_review(pilot)
        await see(pilot, "Nothing to flag.")
        await pilot.press("n")
        assert "Next flag" not in text_of(pilot)


async def test_a_store_that_may_not_be_written_to_refuses_in_a_sentence(place, monkeypatch):
    opened = Store.open
    monkeypatch.setattr(Store, "open", lambda path, **how: opened(path, **{**how, "read_only": True}))
    async with app_at(place).run_test(size=SIZE) as pilot:
        await at_the_review(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Say))
        await pilot.press("enter")
        await until(pilot, lambda: [n for n in pilot.app._notifications if "read-only" in n.message])
        assert "agrees" not in text_of(pilot)
