"""With a mouse and no keyboard: lines that name a key can be clicked, as the keys below can."""

from __future__ import annotations

from tests.tui.scripted import ScriptedDesk, app_over, ask_target, home_lines, only, see, text_of, until
from tui.screens.begin import Begin
from tui.screens.home import Home
from tui.screens.journal import JournalScreen
from tui.screens.workbench import Workbench
from tui.widgets.keyed import Keyed


def place_of(pilot, words: str) -> tuple[int, int]:
    """Where these words stand on the screen."""
    for y, line in enumerate(text_of(pilot).splitlines()):
        if words in line:
            return line.index(words), y
    raise AssertionError(words)


async def test_the_first_steps_can_be_clicked():
    async with app_over(ScriptedDesk()).run_test(size=(80, 24)) as pilot:
        await see(pilot, "begin with the bundled sample")
        x, y = place_of(pilot, "define it, prepare")
        await pilot.click(offset=(x, y))  # a line without a key does nothing
        assert isinstance(pilot.app.screen, Home)
        await pilot.click(offset=place_of(pilot, "begin with a table"))
        await until(pilot, lambda: isinstance(pilot.app.screen, Begin))


async def test_only_a_bold_letter_is_a_key():
    async with app_over(ScriptedDesk()).run_test(size=(80, 24)) as pilot:
        await see(pilot, "begin with the bundled sample")
        text = pilot.app.screen.query_one(Keyed)
        keys = [text._key_of(y) for y in range(text.size.height)]
        assert [key for key in keys if key] == ["n", "g", "d"]


async def test_the_head_line_leads_back_to_the_list_of_sessions():
    desk = ScriptedDesk(only(ask_target()), home_lines())
    async with app_over(desk).run_test(size=(80, 24)) as pilot:
        await see(pilot, "diamonds.csv")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Workbench))
        await see(pilot, "Journal")
        await pilot.click(offset=place_of(pilot, "Journal"))
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
        await see(pilot, "journal, read only")
        await pilot.click(offset=place_of(pilot, "journal, read only"))  # what stands on the right leads nowhere
        assert isinstance(pilot.app.screen, JournalScreen)
        await pilot.click(offset=place_of(pilot, "rungwise"))
        await until(pilot, lambda: isinstance(pilot.app.screen, Workbench))
        await see(pilot, "Journal")
        await pilot.click(offset=place_of(pilot, "rungwise"))
        await until(pilot, lambda: isinstance(pilot.app.screen, Home))
