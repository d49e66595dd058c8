"""Home, the dialog that begins a session, help, palette, and the terminal around them."""

import re
import threading
from typing import Any

import pytest
from textual.widgets import Input

from tests.tui.scripted import ScriptedDesk, app_over, ask_target, home_lines, only, see, text_of, until
from tui.app import RungwiseApp
from tui.screens.begin import Begin
from tui.screens.home import Home
from tui.screens.journal import JournalScreen
from tui.screens.small import TooSmall
from tui.screens.workbench import Workbench

SIZE = (100, 30)


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "telco.csv"
    file.write_text("tenure,Contract,Churn\n1,a,No\n2,b,Yes\n")
    return file


async def test_the_sessions_are_listed_literally_and_opened():
    desk = ScriptedDesk(only(ask_target()), home_lines())
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "[red]odd[/] name")
        assert "▸ 2 at work" in text_of(pilot)
        await pilot.press("down", "up", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Workbench))


async def test_the_filter_narrows_and_escape_ends_it():
    desk = ScriptedDesk(sessions=home_lines())
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "diamonds.csv")
        await pilot.press("slash", *"price")
        await until(pilot, lambda: "telco" not in text_of(pilot))
        await pilot.press("escape")
        await see(pilot, "telco")


async def test_replay_opens_the_journal_alone():
    desk = ScriptedDesk(only(ask_target()), home_lines())
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "diamonds.csv")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
        await see(pilot, "Nothing was decided yet.")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Home))
        await until(pilot, lambda: desk.opened[0].closed)


async def test_nothing_to_open_is_not_offered():
    async with app_over(ScriptedDesk()).run_test(size=SIZE) as pilot:
        await see(pilot, "begin with a table")
        line = text_of(pilot).splitlines()[-1]
        assert "Open" not in line
        assert "Replay" not in line


async def test_where_there_is_no_store_yet_the_first_steps_are_shown_before_it_is_made():
    """Nothing has to be read to know that it is empty: the person does not wait for a file to be made."""
    made = threading.Event()

    def slow() -> Any:
        made.wait(60)
        return ScriptedDesk()

    async with RungwiseApp(slow, fresh=True).run_test(size=SIZE) as pilot:
        try:
            assert "begin with a table" in text_of(pilot)
        finally:
            made.set()


async def test_the_first_session_takes_the_place_of_the_first_steps():
    desk = ScriptedDesk()
    async with app_over(desk, fresh=True).run_test(size=SIZE) as pilot:
        await see(pilot, "begin with a table")
        desk.lines = home_lines()
        await pilot.press("f5")
        await see(pilot, "diamonds.csv")
        assert "begin with a table" not in text_of(pilot)


async def test_a_session_is_begun_with_a_file(table):
    desk = ScriptedDesk(only(ask_target()))
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "begin with")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Begin))
        pilot.app.screen.query_one("#path", Input).value = str(table)[:-6]
        pilot.app.screen.query_one("#path", Input).cursor_position = 1000
        await pilot.press("right")
        await see(pilot, "3 columns: tenure, Contract, Churn")
        await pilot.press("tab", *"chu", "right")
        await see(pilot, "✓")
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Workbench))
        assert desk.created == [(table, "Churn", "", "guided")]


async def test_of_many_columns_those_that_fit_are_named_whole_and_the_rest_counted(tmp_path):
    wide = tmp_path / "wide.csv"
    wide.write_text(",".join(f"column_{n}" for n in range(1200)) + "\n" + ",".join("1" * 1200) + "\n")
    async with app_over(ScriptedDesk()).run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Begin))
        pilot.app.screen.query_one("#path", Input).value = str(wide)
        await see(pilot, "1,200 columns: column_0, column_1, ")
        screen = text_of(pilot)
        told = re.search(r"(\d+) and ([\d,]+) more", screen)
        assert told, screen
        assert int(told[1]) + 1 + int(told[2].replace(",", "")) == 1200


async def test_errors_stay_in_the_dialog_and_nothing_typed_is_lost(table):
    desk = ScriptedDesk(refuse="telco.csv, line 3: 4 cells where 3 are expected.")
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "begin with")
        await pilot.press("n", "enter")
        await see(pilot, "Write where your table lies")
        pilot.app.screen.query_one("#path", Input).value = str(table)
        await pilot.press("tab", *"churn", "enter")
        await see(pilot, "no column “churn”. Is it “Churn”?")
        pilot.app.screen.query_one("#target", Input).value = "Churn"
        await pilot.press("enter")
        await see(pilot, "line 3: 4 cells where 3 are expected.")
        assert pilot.app.screen.query_one("#path", Input).value == str(table)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Home))


async def test_the_sample_fills_the_dialog_in():
    async with app_over(ScriptedDesk()).run_test(size=SIZE) as pilot:
        await see(pilot, "begin with")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Begin))
        assert pilot.app.screen.query_one("#target", Input).value == "churned"


async def test_help_is_made_of_the_keys_of_the_screen():
    desk = ScriptedDesk(sessions=home_lines())
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "diamonds.csv")
        await pilot.press("question_mark")
        await see(pilot, "Begin a session with a file")
        assert "ctrl+q" in text_of(pilot), text_of(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, Home))


async def test_the_palette_has_every_command_with_its_key():
    desk = ScriptedDesk(only(ask_target()), home_lines())
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "diamonds.csv")
        await pilot.press("ctrl+p")
        await see(pilot, "New  (n)")
        assert not pilot.app.screen.query_one(Input).cursor_blink  # nothing is sent while nobody types
        await pilot.press(*"repl")
        await see(pilot, "Replay  (r)")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))


async def test_too_small_a_terminal_says_what_it_needs_and_changes_nothing():
    async with app_over(ScriptedDesk()).run_test(size=SIZE) as pilot:
        await see(pilot, "begin with")
        await pilot.resize_terminal(50, 12)
        await see(pilot, "60×16 is needed")
        assert isinstance(pilot.app.screen, TooSmall)
        await pilot.resize_terminal(80, 24)
        await see(pilot, "begin with")


async def test_a_store_that_cannot_be_opened_is_a_sentence():
    from engine.errors import StoreProblem

    def broken():
        raise StoreProblem("store.db was made by a newer Rungwise (schema 9, this one knows 3); update this one.")

    async with RungwiseApp(broken).run_test(size=SIZE, notifications=True) as pilot:
        await see(pilot, "made by a newer Rungwise")


async def test_leaving_closes_the_store():
    desk = ScriptedDesk()
    async with app_over(desk).run_test(size=SIZE) as pilot:
        await see(pilot, "begin with")
        await pilot.press("ctrl+q")
    assert desk.closed
