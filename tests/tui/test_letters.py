"""Terminals that cannot show every sign get letters in as many cells."""

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from tests.tui.scripted import ScriptedDesk, app_over, ask_champion, ask_target, home_lines, only, see, text_of
from tui.letters import Letters, shown_by

BLACK = Color(0, 0, 0)


@pytest.mark.parametrize(
    ("environ", "encoding", "codec"),
    [
        ({}, "utf-8", "utf-8"),
        ({"LANG": "de_DE.UTF-8", "TERM": "xterm-256color"}, "utf-8", "utf-8"),
        ({"LANG": "en_US.utf8"}, "utf-8", "utf-8"),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, "utf-8", "latin-1"),
        ({"LANG": "C"}, "utf-8", "ascii"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, "utf-8", "ascii"),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, "utf-8", "utf-8"),
        ({"LANG": "de_DE.ISO-8859-15@euro"}, "utf-8", "ascii"),
        ({"LANG": "de_DE"}, "iso8859-1", "iso8859-1"),
        ({"LANG": "de_DE.UTF-8"}, "ascii", "ascii"),
    ],
)
def test_what_the_terminal_can_show_follows_from_its_locale(environ, encoding, codec):
    assert shown_by(environ, encoding) == codec


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("╭─ why ──╮", "+- why --+"),
        ("0.838 … 0.854", "0.838 ..0.854"),
        ("p ≤ 0.05", "p <=0.05"),
        ("saved ✓", "saved +"),
        ("“Zürich”, 25 m²", '"Zurich", 25 m2'),
        ("東京", "????"),
        ("plain", "plain"),
    ],
)
def test_a_line_keeps_its_length_without_signs(text, drawn):
    (segment,) = Letters("ascii").apply([Segment(text)], BLACK)
    assert segment.text == drawn
    assert cell_len(segment.text) == cell_len(text)


def test_what_the_terminal_has_stays():
    assert Letters("latin-1").drawn("Zürich · 3 ± 1 │") == "Zürich · 3 ± 1 |"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("ask", [ask_champion(), ask_target()], ids=["models", "columns"])
async def test_every_screen_is_drawn_with_letters_alone(size, ask):
    app = app_over(ScriptedDesk(only(ask), home_lines()), session="churn")
    app.ascii_only = True
    async with app.run_test(size=size, notifications=True) as pilot:
        await see(pilot, "the guide's words")
        app.notify("Branch “two” · 3 … 4")
        for keys in ((), ("question_mark",), ("escape", "w"), ("escape", "e"), ("escape", "j"), ("escape", "ctrl+p")):
            await pilot.press(*keys)
            await pilot.pause(0.05)
            text = text_of(pilot)
            assert text.isascii(), {sign for sign in text if not sign.isascii()}
            assert "+-" in text or "ctrl+p" in keys
