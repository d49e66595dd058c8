"""Lines from standard input, and what was typed of one when the process is to end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tui.plain.voice import Cut

SOME = 65536  # bytes read at once
LOOKED_EVERY = 0.5  # seconds: so much of a line at most is lost where the connection is


@dataclass
class Lines:
    """Reads line by line.  drawn: a prompt, with the signs that the terminal has.

    At a terminal a line can be edited, and the arrow up brings back what was typed (readline).  Where there is none
    (pipes, dumb terminals) the bytes are read here and not by `sys.stdin`, so that nothing of a line that is cut stays
    in a buffer that nobody can ask.
    """

    drawn: Callable[[str], str] = str
    _editor: Any = field(default=None, init=False)
    _ear: int | None = field(default=None, init=False)
    _unread: bytes = field(default=b"", init=False)
    _reading: bool = field(default=False, init=False)
    _seen: str = field(default="", init=False)  # of the line that is edited, when it was looked at last
    _main: bool = field(init=False)  # whether this is the thread that signals come to

    @property
    def _there(self) -> bool:
        """Whether the terminal is still connected."""
        return os.isatty(sys.stdin.fileno())

    def __post_init__(self) -> None:
        self._main = threading.current_thread() is threading.main_thread()
        with contextlib.suppress(OSError, ValueError, AttributeError):  # a stand-in for stdin has no number
            self._ear = sys.stdin.fileno()
        if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            with contextlib.suppress(ImportError):  # a Python that was built without it
                import readline

                readline.set_auto_history(True)
                self._editor = readline

    def read(self, prompt: str) -> str:
        """The next line after a prompt.  Raises EOFError at the end of the input, Cut when the process is to end."""
        self._reading = True
        try:
            return self._edited(self.drawn(prompt)) if self._editor else self._line(self.drawn(prompt))
        finally:
            self._reading = False

    def recall(self, line: str) -> bool:
        """Have the arrow up bring a line back; False where there is no such key."""
        if self._editor is not None and line:
            self._editor.add_history(line)
        return self._editor is not None

    def _edited(self, prompt: str) -> str:
        """Of a terminal that hangs up readline empties the line before anybody is told: so it is looked at now and
        again, in the thread that edits it."""

        def look(number: int, frame: object) -> None:
            self._seen = self._editor.get_line_buffer()

        self._seen = ""
        alarm = signal.signal(signal.SIGALRM, look) if self._main else None
        timer = signal.setitimer(signal.ITIMER_REAL, LOOKED_EVERY, LOOKED_EVERY) if self._main else (0.0, 0.0)
        try:
            line = input(prompt)
        except EOFError:
            line = None
        finally:
            if self._main:
                signal.setitimer(signal.ITIMER_REAL, *timer)
                signal.signal(signal.SIGALRM, alarm)
        if not self._there:  # hung up: a line may end there as by enter, but nobody sent it
            raise Cut(signal.SIGHUP, line or self._seen)
        if line is None:
            raise EOFError
        return line

    def _line(self, prompt: str) -> str:
        print(prompt, end="", flush=True)
        if self._ear is None:
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return line.rstrip("\n")
        while b"\n" not in self._unread:
            came = b""
            with contextlib.suppress(OSError):  # of a terminal that is gone
                came = os.read(self._ear, SOME)
            if not came and not self._unread:
                raise EOFError
            self._unread += came or b"\n"  # what stands before the end is a line, too
        line, _, self._unread = self._unread.partition(b"\n")
        return self._text(line)

    def begun(self) -> str:
        """What was typed of the line that is being read, as far as anybody can know."""
        if not self._reading:
            return ""
        if self._editor is not None:
            return self._editor.get_line_buffer() or ("" if self._there else self._seen)
        return self._text(self._unread + (_held(self._ear) if self._ear is not None else b""))

    def _text(self, line: bytes) -> str:
        return line.decode(sys.stdin.encoding or "utf-8", "replace").rstrip("\r")

    @contextlib.contextmanager
    def cut_by_signals(self) -> Iterator[None]:
        """SIGTERM and SIGHUP raise Cut with what was typed; so does SIGINT while a line is read."""
        if not self._main:
            yield
            return

        def end(number: int, frame: object) -> None:
            if number == signal.SIGINT and not self._reading:
                raise KeyboardInterrupt
            raise Cut(number, self.begun())

        before = {n: signal.signal(n, end) for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _held(ear: int) -> bytes:
    """What a terminal holds of a line that was not sent: it gives it away once it no longer waits for whole lines.

    Empty where that is no terminal, or one that is gone.  (termios(3), "Canonical and noncanonical mode".)
    """
    import termios

    stopped = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # it would stop who changes a terminal in the background
    try:
        before = termios.tcgetattr(ear)
        at_once = [*before[:3], before[3] & ~termios.ICANON, *before[4:6], list(before[6])]
        at_once[6][termios.VMIN], at_once[6][termios.VTIME] = 0, 0
        termios.tcsetattr(ear, termios.TCSANOW, at_once)
        try:
            return os.read(ear, SOME)
        finally:
            termios.tcsetattr(ear, termios.TCSANOW, before)
    except (OSError, termios.error):
        return b""
    finally:
        signal.signal(signal.SIGTTOU, stopped)
