"""Whether the terminal is light or dark: what it answers when asked for its background.

The question (OSC 11, xterm's control sequences, "Operating System Commands") is sent with the first bytes and nothing
waits for the answer: a terminal that never answers costs nothing, one that answers late is followed when it does.  The
answer is taken out of the input before keys are read from it, whenever it comes and in however many pieces.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import sys
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO, cast

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App

ASK = "\x1b]11;?\x07"
ANSWER = re.compile(r"\x1b\]11;([^\x07\x1b]{0,64})(?:\x07|\x1b\\)")
COLOURS = (
    r"rgba?:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})(?:/.*)?",
    r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})",
)
BEGUN = re.compile(r"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]{0,64}\x1b?)?)?)?)?\Z")  # an answer of which the rest is to come
PATIENCE = 2.0  # seconds for the rest of an answer that has begun beyond doubt
SPLIT = 3.0  # seconds after the start in which an escape may be the first piece of the answer
LEAVING = 0.6  # seconds for an answer that is still under way when the app is left: else the shell would get it
MUTE = ("linux", "dumb", "unknown", "vt", "cons", "eterm")  # write the question on the screen, or cannot answer


class Background(Message):
    """The terminal said what its background is."""

    def __init__(self, *, dark: bool) -> None:
        super().__init__()
        self.dark = dark


def dark_by_answer(colour: str) -> bool | None:
    """`rgb:ffff/ffff/ffff`, `rgba:…` or `#ffffff`: dark where its brightness (ITU-R BT.709) is below the half.

    None where it is no such colour.
    """
    found = next((found for form in COLOURS if (found := re.fullmatch(form, colour, re.IGNORECASE))), None)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5


class Listening(XTermParser):
    """Reads keys as ever, and answers about the background apart from them."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._held = ""
        self._until = 0.0
        self._began = time.monotonic()
        self.answered = False

    def feed(self, data: str) -> Iterable[Message]:
        if not data:  # the end of the input
            rest, self._held = self._held, ""
            yield from super().feed(rest) if rest else ()
            yield from super().feed("")
            return
        data, self._held = self._held + data, ""
        while found := ANSWER.search(data):
            yield from self._keys(data[: found.start()])
            data = data[found.end() :]
            self.answered = True
            if (dark := dark_by_answer(found[1])) is not None:
                yield Background(dark=dark)
        if begun := BEGUN.search(data):
            sure = len(begun[0]) > 2
            if sure or not (self.answered or time.monotonic() > self._began + SPLIT):
                data, self._held = data[: begun.start()], begun[0]
                self._until = time.monotonic() + (PATIENCE if sure else constants.ESCAPE_DELAY)
        yield from self._keys(data)

    def tick(self) -> Iterable[Message]:
        if self._held and time.monotonic() >= self._until:
            rest, self._held = self._held, ""
            yield from self._keys(rest)
        yield from super().tick()

    def _keys(self, data: str) -> Iterable[Message]:
        return super().feed(data) if data else ()


class Enduring:
    """Where the screen is written to.  When the line is dropped nothing more is written, and nobody waits for it:
    Textual's writing thread would end with the first error, and leaving would wait for it for ever."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


class AskingDriver(LinuxDriver):
    """Textual's driver for terminals, which asks once for the background, and ends when the line is dropped."""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True,
                 size: tuple[int, int] | None = None) -> None:  # fmt: skip
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = cast("TextIO", Enduring(self._file or sys.stderr))
        self._asked = 0.0  # when; 0: not asked
        self._told = threading.Event()

    def start_application_mode(self) -> None:
        self._told = threading.Event()
        super().start_application_mode()
        if self.input_tty and self._writer_thread is not None and not os.environ.get("TERM", "dumb").startswith(MUTE):
            self._asked = time.monotonic()
            self.write(ASK)
            self.flush()

    def disable_input(self) -> None:
        if self._asked and not self.exit_event.is_set():
            self._told.wait(max(0.0, self._asked + LEAVING - time.monotonic()))
            self._asked = 0.0
        super().disable_input()

    def run_input_thread(self) -> None:
        """As Textual's, with a parser that listens for the answer, too; keys that came together are read together."""
        parser = Listening(self._debug)
        decode = getincrementaldecoder("utf-8")().decode
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)

        def take(seconds: float, last: bool = False) -> bool:
            """Whether there is still a line."""
            if selector.select(seconds):
                try:
                    read = os.read(self.fileno, 4096)
                except OSError:
                    read = b""
                if not read:
                    return False
                if data := decode(read, final=last):
                    self._pass_on(parser.feed(data))
            self._pass_on(parser.tick())
            if parser.answered:
                self._told.set()
            return True

        try:
            while not self.exit_event.is_set():
                if not take(0.1):
                    self._app.call_later(self._app.exit, None, 128 + signal.SIGHUP)
                    return
            take(0.1, last=True)
        finally:
            selector.close()
            for _ in parser.feed(""):
                pass

    def _pass_on(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)
