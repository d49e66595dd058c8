"""*Keep asking why* in the app: the chain, what is parked, and the evidence with its figures."""

import pytest
from textual.widgets import Static

from engine.effects import Ask
from engine.questions import Form, Question
from engine.views import Curves, Table
from tests.tui.scripted import ScriptedDesk, app_over, ask_champion, only, see, text_of, until
from tui.screens.reading import EvidenceBox, Whys
from tui.screens.workbench import Workbench
from tui.widgets.question import QuestionPane

SIZE = (80, 24)
PARKED = Question("improve.parked", "Which questions do you park for later?", Form.TEXT, asks="person", fact=True)


def path():
    return only(ask_champion(), Ask(PARKED, recommended="", reason="Nothing is parked."))


async def begun(pilot):
    await see(pilot, "carry forward")
    await until(pilot, lambda: not pilot.app.screen.query_one(QuestionPane).begins)


async def test_the_chain_opens_one_why_at_a_time_to_its_end():
    async with app_over(ScriptedDesk(path()), session="churn").run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("w")
        await see(pilot, "Why this one?")
        assert "What is noise here?" not in text_of(pilot)
        assert "1 of " in text_of(pilot)
        await pilot.press("w")
        await see(pilot, "boosted trees is higher by less than its own noise.")
        await pilot.press(*"wwwwwwww")
        await see(pilot, "That is the whole chain.")
        assert "Keep asking why" not in text_of(pilot).splitlines()[-1]


async def test_a_parked_question_stands_in_the_list_that_is_asked_for_later_and_is_kept_over_a_crash():
    desk = ScriptedDesk(path())
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("w", "p")
        await until(pilot, lambda: bool(desk.drafts))
        await see(pilot, "(parked)")
        assert "Park" not in text_of(pilot).splitlines()[-1]
        await pilot.press("w", "p")
        await until(pilot, lambda: "noise" in str(desk.drafts))
    again = ScriptedDesk(path())  # another window, another day: only what was written down is left
    again.drafts = desk.drafts
    async with app_over(again, session="churn").run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("enter")
        await see(pilot, "Which questions do you park")
        await until(pilot, lambda: not pilot.app.screen.query_one(QuestionPane).begins)
        listed = ["Why not the highest score? (simple.champion)", "What is noise here? (simple.champion)"]
        assert pilot.app.screen.query_one(QuestionPane).form.raw().splitlines() == listed
        await pilot.press("enter")
        await see(pilot, "walked to its end")
        assert again.opened[0].journal.kept[-1].choice.splitlines() == listed


async def test_where_nothing_can_be_recorded_nothing_is_parked():
    desk = ScriptedDesk(path(), read_only=True)
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, Whys))
        await pilot.press("p")
        assert "Park" not in text_of(pilot).splitlines()[-1]
        assert not desk.drafts


async def test_the_figures_of_a_picture_are_one_key_away_and_so_is_the_picture():
    async with app_over(ScriptedDesk(path()), session="churn").run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("e")
        await see(pilot, "┆ 0.711")
        await pilot.press("f")
        await see(pilot, "boosted trees    0.848")
        assert "┆" not in text_of(pilot)
        await pilot.press("right")  # stays with figures
        await see(pilot, "validation")
        assert "epoch" in text_of(pilot)
        await pilot.press("f")
        await see(pilot, "━━ train")


WIDE = Table("wide", [f"column {n}" for n in range(12)], [[f"cell {n}" for n in range(12)]] * 3)


@pytest.mark.parametrize("keys", [(".", "."), (".", ".", ".", ".", ".")])
async def test_a_wide_table_turns_its_columns_and_keeps_the_first(keys):
    ask = ask_champion()
    wide = Ask(ask.question, options=ask.options, recommended="logistic", reason="It is so.", shows=(WIDE,))
    async with app_over(ScriptedDesk(only(wide)), session="churn").run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("e")
        await see(pilot, "columns 2–7 of 12")
        await pilot.press("f")  # is a table already
        await pilot.press(*keys)
        await see(pilot, "columns 8–12 of 12")
        assert "column 0 " in text_of(pilot)
        assert "column 11" in text_of(pilot)
        await pilot.press("comma")
        await see(pilot, "columns 3–8 of 12")


async def test_help_explains_the_keys_of_a_box_over_it():
    loss = Curves("loss", "epoch", "", {"train": [(1, 0.9), (2, 0.8)]})
    ask = ask_champion()
    drawn = Ask(ask.question, options=ask.options, recommended="logistic", reason="It is so.", shows=(loss, WIDE))
    async with app_over(ScriptedDesk(only(drawn)), session="churn").run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("e", "question_mark")
        await see(pilot, "The picture as a table of its figures")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, EvidenceBox))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Workbench))
        assert not pilot.app.screen.query(Static).filter("#chain")
