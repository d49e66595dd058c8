"""The journal's finding and comparing: filters, what changed, branches, two sessions, words, figures computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.store import Store
from tests.engine.review.journals import say, sound
from tests.tui.reviewed import append, sound_session
from tests.tui.scripted import NOW, app_over, see, text_of, until
from tests.tui.test_rerunning import leads  # noqa: F401
from tui.screens.again import AgainScreen
from tui.screens.branches import BranchesScreen, OneLine
from tui.screens.compare import CompareScreen
from tui.screens.home import Home
from tui.screens.journal import JournalScreen
from tui.screens.review import ReviewScreen
from tui.screens.search import SearchScreen
from tui.screens.workbench import Workbench
from tui.store_desk import StoreDesk
from tui.widgets.rows import Rows
from tui.widgets.sheet import Sheet

SIZE = (120, 40)
pytestmark = pytest.mark.usefixtures("workers_end")


def store_with_branches(folder: Path) -> Path:
    """churn with a branch that was left at decision 20 and answers the metric otherwise; and a second session."""
    place = folder / "s.sqlite3"
    clock = NOW.timestamp() - 3600
    with Store.open(place, now=lambda: clock) as store:
        sound_session(store, folder / "data.csv")
        store.sessions.fork("churn", None, 20)
        append(store, "churn", [say("problem.metric", "accuracy"), *list(sound().values())[21:33]])
        store.sessions.switch("churn", "main")
        sound_session(store, folder / "data.csv", say("problem.unit", "customer"), name="monday")
        about = store.journal("churn").decisions()[8].hash
        store.comments.add(1, "berg", "Why not [b]costs[/b]?", about=about, mark="question")
    return place


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return store_with_branches(tmp_path)


def app_at(place: Path, **how: object):
    return app_over(StoreDesk(place), **how)  # type: ignore[arg-type]


async def at(pilot, screen: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))
    await pilot.pause()


def screen_of(pilot) -> Any:
    return pilot.app.screen


def sheet(pilot) -> str:
    return pilot.app.screen.query_one(Sheet).text


# -- in the journal ----------------------------------------------------------------------------------------------------


async def test_filters_by_stage_author_flag_and_words_and_says_what_it_does_not_know(place):
    async with app_at(place, session="monday", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press("slash", *"stage:baseline")
        await see(pilot, "journal: 3 of 36 decisions")
        await pilot.press(*" by:guide")
        await see(pilot, "journal: 2 of 36 decisions")
        await pilot.press("ctrl+u", *"flag:M10")
        await see(pilot, "journal: 1 of 36 decisions")
        assert "split.kind" in text_of(pilot)
        await pilot.press("ctrl+u", *"by:nobody")
        await see(pilot, "by: takes person, plan or guide, not nobody.")
        await pilot.press("ctrl+u", *"february")
        await see(pilot, "data.look")
        await pilot.press("enter", "left", "d")  # the keys are the journal's again
        await see(pilot, "◆")
        await pilot.press("escape")
        await see(pilot, "journal: 36 decisions")
        await pilot.press("slash", *"nothinghasthis")
        await see(pilot, "No decision fits the filter.")


async def test_a_filter_typed_slowly_ends_where_one_typed_fast_does(place):
    """Half a word that fits earlier decisions alone leads the cursor there; the whole word leads it back."""
    async with app_at(place, session="monday", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        journal = screen_of(pilot)
        for first in ("", "stage:prepare"):
            await pilot.press("end", "slash", *first)
            if first:
                await until(pilot, lambda: {journal.decisions[i].stage for i in journal.shown} == {"prepare"})
            await pilot.press("ctrl+u", *"stage:baseline")
            await see(pilot, "journal: 3 of 36 decisions")
            assert journal.decisions[journal.at].question == "baseline.confirm", first
            await pilot.press("escape")
            await see(pilot, "journal: 36 decisions")


async def test_two_moments_are_compared(place):
    async with app_at(place, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press(*["left"] * 8, "d")
        await see(pilot, "28 is marked")
        await pilot.press(*["left"] * 12, "d")
        await see(pilot, "what changed")
        words = sheet(pilot)
        assert "12 decisions" in words
        assert "+ 0.600 Expert's rule" in words
        assert "+ floor, line and gain confirm" in words
        assert "what to predict" not in words
        await pilot.press("escape")
        await at(pilot, JournalScreen)


async def test_the_answers_that_stood_then(place):
    async with app_at(place, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press("home", *["right"] * 3, "t")
        await see(pilot, "the answers then")
        assert "what to predict" in sheet(pilot)
        assert "the kind of answer" not in sheet(pilot)
        await pilot.press("right")
        await until(pilot, lambda: "the kind of answer" in sheet(pilot))


async def test_evidence_environment_and_data_are_told_where_the_cursor_rests(place):
    async with app_at(place, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press(*["left"] * 7)
        await until(pilot, lambda: "practice exams" in sheet(pilot))
        assert "evidence it cites" in sheet(pilot)
        assert "data " in sheet(pilot)
        assert "hash " in sheet(pilot)


async def test_a_key_shows_what_is_kept_beside_the_decision_at_once(place):
    """The neighbours of the one that is looked at were read meanwhile: the words are there before the key is done."""
    async with app_at(place, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        journal = screen_of(pilot)
        citing = next(i for i in range(len(journal.shown)) if journal.decisions[i].evidence and i > 3)
        journal.rows.move_to(citing - 1)
        await until(pilot, lambda: journal._moment(citing) is not None)
        journal.rows.move_to(citing)  # and nothing is awaited
        assert "data " in sheet(pilot)


async def test_a_journal_that_was_only_looked_at_is_forked_too(place):
    async with app_at(place, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press("home", *["right"] * 2, "f")
        await at(pilot, Workbench)
        await see(pilot, "branch-3")
    with Store.open(place, read_only=True) as store:
        assert (store.sessions.branch("churn").name, store.sessions.branch("churn").forked_at) == ("branch-3", 2)


# -- branches ----------------------------------------------------------------------------------------------------------


async def test_a_branch_is_named_abandoned_and_taken_up(place):
    async with app_at(place, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press("b")
        await at(pilot, BranchesScreen)
        await see(pilot, "main at 20")
        await pilot.press("down", "n")
        await at(pilot, OneLine)
        await pilot.press("ctrl+u", *"[i]acc", "enter")
        await see(pilot, "[i]acc")
        await pilot.press("x")
        await at(pilot, OneLine)
        await pilot.press(*"No gain", "enter")
        await see(pilot, "abandoned  No gain")
        await pilot.press("enter")  # an abandoned one is not gone on with
        await at(pilot, BranchesScreen)
        await pilot.press("u")
        await until(pilot, lambda: "No gain" not in text_of(pilot))
        await pilot.press("enter")
        await at(pilot, Workbench)
        await see(pilot, "branch [i]acc")
    with Store.open(place, read_only=True) as store:
        branch = store.sessions.branch("churn")
        assert (branch.name, branch.abandoned) == ("[i]acc", "")
        assert [n.kind for n in store.sessions.notes.of(branch.id)] == ["named", "abandoned", "taken up"]


async def test_abandoning_the_branch_that_is_open_goes_on_with_another(place):
    async with app_at(place, session="churn").run_test(size=SIZE) as pilot:
        await at(pilot, Workbench)
        await until(pilot, lambda: screen_of(pilot).waiting is not None)
        await pilot.press("j")
        await at(pilot, JournalScreen)
        await pilot.press("b")
        await at(pilot, BranchesScreen)
        await see(pilot, "branch-2")
        await pilot.press("x")
        await at(pilot, OneLine)
        await pilot.press(*"Wrong metric", "enter")
        await at(pilot, Workbench)
        await see(pilot, "branch branch-2")


# -- two of them -------------------------------------------------------------------------------------------------------


async def test_two_branches_side_by_side(place):
    async with app_at(place, session="churn", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press("b")
        await at(pilot, BranchesScreen)
        await see(pilot, "branch-2")
        await pilot.press("down", "c")
        await at(pilot, CompareScreen)
        await see(pilot, "parted at “the number that decides”")
        assert "No paired difference: they are decided by different metrics" in sheet(pilot).replace("\n", " ")
        await pilot.press("n")
        await until(pilot, lambda: "decision 21" in sheet(pilot))
        await pilot.press("s")
        await until(pilot, lambda: len(pilot.app.screen.query_one(Rows).rows) < 10)


async def test_home_compares_reviews_and_searches(place):
    async with app_at(place).run_test(size=SIZE) as pilot:
        await at(pilot, Home)
        await see(pilot, "monday")
        await pilot.press("c")
        await see(pilot, "compare monday with")
        await pilot.press("enter")
        await at(pilot, CompareScreen)
        await see(pilot, "parted at “what comes back in several rows”")
        # the same model on the same exams: said by the process that computes, and in no time where it need not
        await until(pilot, lambda: "No paired difference" in sheet(pilot))
        await pilot.press("escape")
        await at(pilot, Home)
        await pilot.press("v")
        await at(pilot, ReviewScreen)
        await see(pilot, "M10")
        await pilot.press("escape")
        await at(pilot, Home)
        await pilot.press("s")
        await at(pilot, SearchScreen)
        await pilot.press(*"berg costs")
        await see(pilot, "berg: Why not [b]costs[/b]?")
        await pilot.press("enter", "enter")
        await at(pilot, JournalScreen)
        screen = screen_of(pilot)
        assert screen.decisions[screen.at].seq == 9


# -- figures computed again --------------------------------------------------------------------------------------------


async def test_figures_are_computed_again_from_a_decision_on(leads):  # noqa: F811
    async with app_at(leads, session="leads", read_only=True).run_test(size=SIZE) as pilot:
        await at(pilot, JournalScreen)
        await pilot.press("R")
        await at(pilot, AgainScreen)
        await until(pilot, lambda: screen_of(pilot).end, 60)
        await see(pilot, "The journal ends here")
        assert all(f["outcome"] in ("reproduced", "timed again") for f in screen_of(pilot).found)
        await pilot.press("escape")
        await at(pilot, JournalScreen)
