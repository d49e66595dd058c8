"""The app on terminals that are not the developer's: without colour, with sixteen, resized, and when it speaks."""

import base64

import pytest
from textual.widgets._toast import Toast

from tests.tui.scripted import (
    ScriptedDesk,
    app_over,
    ask_champion,
    ask_statement,
    home_lines,
    only,
    see,
    text_of,
    until,
)
from tui.ground import Background
from tui.screens.workbench import Workbench
from tui.widgets.headline import HeadLine
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Rows
from tui.widgets.where import WhereLine

BLUE = 4  # of the sixteen colours; on black its contrast is 2 to 1
SIZES = [(80, 24), (120, 40)]


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "rungwise", "rungwise-light", "nord"])
@pytest.mark.parametrize("colour", [True, False], ids=["colour", "NO_COLOR"])
async def test_nothing_is_drawn_in_the_colour_of_its_ground(monkeypatch, theme, colour):
    monkeypatch.setenv("TEXTUAL_THEME", theme)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    async with app_over(ScriptedDesk(only(ask_champion())), session="churn").run_test(size=(80, 24)) as pilot:
        await see(pilot, "carry forward")
        seen = 0
        for strip in pilot.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                if segment.text.strip() and style is not None and not style.reverse:
                    seen += 1
                    same = style.color is not None and style.color == style.bgcolor
                    assert not same or (style.color is not None and style.color.is_default), (segment.text, style)
                    dark_blue = style.color is not None and style.color.number == BLUE
                    assert not (dark_blue and pilot.app.current_theme.name == "ansi-dark"), (segment.text, style)
                    blue_bar = style.bgcolor is not None and style.bgcolor.number == BLUE
                    assert not (blue_bar and pilot.app.current_theme.name == "ansi-light"), (segment.text, style)
        assert seen > 40
        assert colour or not pilot.app.current_theme.ansi


@pytest.mark.parametrize(
    ("colours", "environment", "names"),
    [
        ("standard", {}, ("ansi-dark", "ansi-light")),
        ("standard", {"COLORFGBG": "0;15"}, ("ansi-light", "ansi-light")),
        ("standard", {"NO_COLOR": "1"}, ("rungwise", "rungwise-light")),
        ("standard", {"TEXTUAL_THEME": "nord"}, ("nord", "nord")),
        ("256", {}, ("rungwise", "rungwise-light")),
    ],
)
async def test_of_sixteen_colours_the_terminals_own_are_taken(monkeypatch, colours, environment, names):
    """Ours, rounded to sixteen, are white on black with a grey bar."""
    monkeypatch.setattr("rich.console.Console.color_system", colours)
    for name in ("NO_COLOR", "COLORFGBG", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = app_over(ScriptedDesk(only(ask_champion())), session="churn")
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "carry forward")
        assert app.theme == names[0]
        app.post_message(Background(dark=False))
        await until(pilot, lambda: app.theme == names[1])


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
async def test_what_is_said_in_passing_covers_nothing(size):
    async with app_over(ScriptedDesk(only(ask_champion())), session="churn").run_test(
        size=size, notifications=True
    ) as pilot:
        await see(pilot, "carry forward")
        await pilot.press("w", "escape")
        pilot.app.notify("Branch branch-2: decision 3 is asked again.")
        await see(pilot, "is asked again")
        (said,) = pilot.app.screen.query(Toast)
        assert isinstance(pilot.app.screen, Workbench)
        screen = pilot.app.screen
        parts = [screen.query_one(part) for part in (HeadLine, "#main", KeyLine, WhereLine)]
        await until(pilot, lambda: not any(p.display and p.region.overlaps(said.region) for p in parts))
        assert all(part.region.height for part in parts if part.display)
        assert said.region.height
        assert "carry forward" in text_of(pilot)


async def test_every_resize_leaves_the_whole_screen_drawn():
    desk = ScriptedDesk(only(ask_champion()), home_lines())
    async with app_over(desk, session="churn").run_test(size=(80, 24)) as pilot:
        await see(pilot, "carry forward")
        for size in ((60, 16), (200, 60), (61, 40), (100, 20), (59, 15), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            text = text_of(pilot)
            assert len(text.splitlines()) == size[1]
            assert ("60×16 is needed" in text) == (size == (59, 15))
            if size != (59, 15):
                assert "Which model should the session carry forward?" in text
                assert "why" in text
                assert "enter Record" in text.splitlines()[-1]
                assert "? Help" in text.splitlines()[-1]


async def test_without_colour_the_focused_row_is_reversed_and_the_idle_one_is_not(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with app_over(ScriptedDesk(only(ask_champion())), session="churn").run_test(size=(80, 24)) as pilot:
        await see(pilot, "carry forward")
        await pilot.pause()
        rows = pilot.app.screen.query_one("QuestionPane Rows", Rows)

        def reversed_words() -> bool:
            line = rows.render_line(rows.header_lines + rows.cursor)
            return any(s.style is not None and s.style.reverse for s in line if "logistic" in s.text)

        assert rows.has_focus
        assert reversed_words()
        cursor = rows.render_line(rows.header_lines + rows.cursor)
        grounds = {(s.style.color, s.style.bgcolor, s.style.reverse) for s in cursor if s.style is not None}
        assert len(grounds) == 1, "one bar, and no block of another grey in it"
        await pilot.press("tab")
        assert not rows.has_focus
        assert not reversed_words()


async def test_what_is_copied_goes_to_the_clipboard_of_the_terminal_in_front_of_which_one_sits():
    app = app_over(ScriptedDesk(only(ask_statement())), session="churn")
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "differently")
        await pilot.press(*"Zürich", "shift+home")
        sent: list[str] = []
        assert app._driver is not None
        app._driver.write = sent.append  # type: ignore[method-assign]
        await pilot.press("ctrl+c")
        await pilot.pause()
        words = base64.b64encode("Zürich".encode()).decode()
        assert f"\x1b]52;c;{words}\x07" in "".join(sent)  # OSC 52, as xterm has it: it passes SSH and tmux


async def test_what_is_drawn_again_as_it_was_sends_nothing(monkeypatch):
    """Not even where the cursor stands: over a bad line each packet counts, and a screen that is looked at is still."""
    app = app_over(ScriptedDesk(only(ask_champion())), session="churn")
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "carry forward")
        sent: list[str] = []
        assert app._driver is not None
        app._driver.write = sent.append  # type: ignore[method-assign]
        monkeypatch.setattr(type(app), "is_headless", property(lambda _: False))
        app.screen.refresh(layout=True)
        await until(pilot, lambda: bool(sent))
        for _ in range(3):  # what the first has begun is drawn to its end
            await pilot.pause(0.05)
        sent.clear()
        for widget in (app.screen, *app.screen.query("*")):
            widget.refresh(layout=True)
        await pilot.pause(0.1)
        assert not sent
        await pilot.press("down")
        await until(pilot, lambda: bool(sent))
