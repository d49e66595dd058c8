"""Dark on a dark terminal, light on a light one, and no sign of the question in what is typed."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest
from textual._xterm_parser import XTermParser

from tests.tui.scripted import ScriptedDesk, app_over, ask_champion, only
from tui.ground import ASK, Background, Listening, dark_by_answer
from tui.theme import dark_by_environment

APP = """
import sys
from textual.widgets import Input
from tui.app import RungwiseApp
from tests.tui.scripted import ScriptedDesk
from textual.screen import Screen

class Typing(Screen):
    def compose(self):
        yield Input()

class Typed(RungwiseApp):
    def _start(self):
        self.push_screen(Typing())
    def on_input_changed(self, event):
        print(f"\\x1b]2;{self.theme} {event.value}\\x07", end="", file=sys.__stderr__, flush=True)
    def watch_theme(self, theme):
        self.call_after_refresh(lambda: print(f"\\x1b]2;now {theme}\\x07", end="", file=sys.__stderr__, flush=True))

Typed(ScriptedDesk).run()
"""
WHITE, BLACK = b"\x1b]11;rgb:ffff/ffff/ffff\x07", b"\x1b]11;rgb:0000/0000/0000\x1b\\"


@pytest.mark.parametrize(
    ("said", "dark"),
    [("15;0", True), ("0;15", False), ("0;default;15", False), ("12;8", True), ("0;7", False), ("", None),
     ("default;default", None), ("0;300", None)],
)  # fmt: skip
def test_the_environment_may_say_it(said, dark):
    assert dark_by_environment({"COLORFGBG": said}) is dark
    assert dark_by_environment({}) is None


@pytest.mark.parametrize(
    ("colour", "dark"),
    [("rgb:ffff/ffff/ffff", False), ("rgb:00/2b/36", True), ("rgb:fd/f6/e3", False), ("rgba:1d1d/2020/2121/ffff", True),
     ("#eeeeee", False), ("rgb:0/f/0", False), ("rgb:0/0/f", True), ("?", None), ("", None)],
)  # fmt: skip
def test_an_answer_is_read_as_terminals_write_it(colour, dark):
    assert dark_by_answer(colour) is dark


def _heard(parser, *pieces):
    return [message for piece in pieces for message in parser.feed(piece)]


def _keys(messages):
    return [getattr(m, "key", type(m).__name__) for m in messages]


@pytest.mark.parametrize("end", ["\x07", "\x1b\\"], ids=["BEL", "ST"])
def test_the_answer_is_no_key_wherever_it_is_cut(end):
    answer = f"\x1b]11;rgb:ffff/ffff/ffff{end}"
    for at in range(len(answer) + 1):
        heard = _heard(Listening(), "a" + answer[:at], answer[at:] + "b")
        assert _keys(heard) == ["a", "Background", "b"], at
        assert [m.dark for m in heard if isinstance(m, Background)] == [False]


def test_keys_that_begin_alike_arrive():
    parser = Listening()
    assert _keys(_heard(parser, "\x1b[A", "\x1b[1;5B")) == ["up", "ctrl+down"]
    assert _keys(_heard(parser, "\x1b")) == []
    assert _waited(parser) == ["escape"]
    plain = XTermParser()
    assert _keys([*parser.feed("\x1b]"), *plain.feed("\x1b]")]) == []
    assert _waited(parser) == _waited(plain) != []
    assert _keys(_heard(parser, "x", "")) == ["x"]


def _waited(parser):
    end, keys = time.monotonic() + 2, []
    while not keys and time.monotonic() < end:
        time.sleep(0.02)
        keys += _keys(parser.tick())
    return keys


async def test_the_theme_follows_the_terminal_until_somebody_chooses_one():
    app = app_over(ScriptedDesk(only(ask_champion())))
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.theme == "rungwise"
        for dark, theme in ((False, "rungwise-light"), (True, "rungwise")):
            app.post_message(Background(dark=dark))
            await pilot.pause()
            assert app.theme == theme
        app.theme = "nord"
        app.post_message(Background(dark=False))
        await pilot.pause()
        assert app.theme == "nord"


@pytest.mark.parametrize(
    ("env", "theme"),
    [({"COLORFGBG": "0;15"}, "rungwise-light"), ({"TEXTUAL_THEME": "rungwise", "COLORFGBG": "0;15"}, "rungwise"),
     ({"TEXTUAL_THEME": "no such"}, "rungwise")],
)  # fmt: skip
async def test_a_theme_that_was_chosen_stays(monkeypatch, env, theme):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    app = app_over(ScriptedDesk(only(ask_champion())))
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.theme == theme
        app.post_message(Background(dark=False))
        await pilot.pause()
        assert app.theme == ("rungwise" if env.get("TEXTUAL_THEME") == "rungwise" else "rungwise-light")


class Fake:
    """A terminal that tells what it was sent; it answers nothing by itself."""

    def __init__(self, term="xterm-256color"):
        self.main, other = pty.openpty()
        env = os.environ | {"TERM": term}
        self.app = subprocess.Popen([sys.executable, "-c", APP], stdin=other, stdout=other, stderr=other, env=env)
        os.close(other)
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.app.poll() is None:
            self.app.kill()
        self.app.wait(10)
        os.close(self.main)

    def until(self, wanted, seconds=60):
        end = time.monotonic() + seconds
        while wanted not in self.seen and time.monotonic() < end:
            if select.select([self.main], [], [], 0.1)[0]:
                self.seen += os.read(self.main, 65536)
        assert wanted in self.seen, self.seen[-300:]

    def send(self, data):
        os.write(self.main, data)

    def left(self):
        """End it as a closed window does; it gives the screen back."""
        self.app.send_signal(signal.SIGTERM)
        self.until(b"\x1b[?1049l")
        assert self.app.wait(60) == 0


def test_a_terminal_that_answers_at_once():
    with Fake() as terminal:
        terminal.until(ASK.encode())
        terminal.send(WHITE)
        terminal.until(b"now rungwise-light")
        terminal.send(b"hello")
        terminal.until(b"]2;rungwise-light hello\x07")
        terminal.left()


def test_a_terminal_that_answers_late_in_the_middle_of_a_word():
    with Fake() as terminal:
        terminal.until(ASK.encode())
        time.sleep(1)
        terminal.send(b"hel" + WHITE[:9])
        time.sleep(0.3)
        terminal.send(WHITE[9:] + b"lo")
        terminal.until(b" hello\x07")
        terminal.until(b"now rungwise-light")
        terminal.send(BLACK + b"!")
        terminal.until(b" hello!\x07")
        assert b"rgb" not in terminal.seen
        terminal.left()


def test_a_terminal_that_never_answers_and_one_that_must_not_be_asked():
    with Fake() as terminal:
        terminal.until(ASK.encode())
        time.sleep(0.5)
        terminal.send(b"hello")
        terminal.until(b"]2;rungwise hello\x07")
        assert b"now rungwise-light" not in terminal.seen
        terminal.left()
    with Fake("linux") as terminal:
        time.sleep(0.5)
        terminal.until(b"\x1b[?1049h")
        time.sleep(1.5)
        terminal.send(b"hello")
        terminal.until(b"]2;ansi-dark hello\x07")
        assert ASK.encode() not in terminal.seen
        terminal.left()
