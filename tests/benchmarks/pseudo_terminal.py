"""A program in a pseudo-terminal of its own: what it writes and when, what it is sent, what it costs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from types import TracebackType

import psutil

ALTERNATE = b"\x1b[?1049h"  # from here on it is a screen; what comes before is the shell's
ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*(?:[@-~]|$)|[\]P_^X](?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\|$)|[ -/]*(?:[0-~]|$))"
)
# Of the caller's: what colours it, and what would have Python compile our files again at each start, as it does none
# that is installed.
LEFT_OUT = ("COLORTERM", "NO_COLOR", "TEXTUAL_THEME", "PYTHONDONTWRITEBYTECODE")
SILENT = 0.3  # seconds without output: it has settled
PATIENCE = 60.0  # seconds after which something expected will not come


class Terminal:
    """Runs a command; `with` ends it.  Answers no query, as a plain terminal behind a slow line does not.

    began: when it was started.  taken: seconds from then to the first sign on the screen.  cpu: its processor seconds
    until then.  last: when its last byte came.
    sent: bytes that it wrote so far.
    """

    def __init__(self, command: Sequence[str], columns: int, rows: int, env: dict[str, str]) -> None:
        self._command, self._size = list(command), (rows, columns)
        self._env = {k: v for k, v in os.environ.items() if k not in LEFT_OUT}
        self._env |= {"TERM": "xterm-256color", **env}
        self.taken = self.cpu = self.began = self.last = 0.0
        self.sent = 0
        self._last = b""

    def __enter__(self) -> Terminal:
        self.began = time.perf_counter()
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            with contextlib.suppress(OSError):
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *self._size, 0, 0))
                os.execvpe(self._command[0], self._command, self._env)
            os._exit(127)
        try:
            self.process = psutil.Process(self._pid)
            screen = b""
            while not _painted(screen):
                screen += self._read(PATIENCE)
            self.taken, self.cpu = time.perf_counter() - self.began, self.used()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)
            ends = time.monotonic() + 10
            while time.monotonic() < ends:
                with contextlib.suppress(SystemExit, TimeoutError):
                    self._read(0.02)  # it may wait for somebody to read its last words
                if os.waitpid(self._pid, os.WNOHANG)[0]:
                    os.close(self._fd)
                    return
        os.close(self._fd)

    def used(self) -> float:
        """Processor seconds of the program itself, without what it started."""
        times = self.process.cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        """Resident bytes."""
        return self.process.memory_info().rss

    def settle(self, silence: float = SILENT) -> bytes:
        """Read until nothing has come for so long; what was read.  `last` then says when the last byte came."""
        read = b""
        with contextlib.suppress(TimeoutError):
            while True:
                read += self._read(silence)
        return read

    def during(self, seconds: float) -> int:
        """The bytes that come in so many seconds."""
        before, ends = self.sent, time.perf_counter() + seconds
        while (left := ends - time.perf_counter()) > 0:
            with contextlib.suppress(TimeoutError):
                self._read(left)
        return self.sent - before

    def key(self, pressed: str, silence: float = 0.02, wait: float = 2.0) -> tuple[float, float] | None:
        """Press a key; milliseconds to the first byte back, and to the last before the silence; None without any."""
        pressed_at = time.perf_counter()
        os.write(self._fd, pressed.encode())
        try:
            self._read(wait)
        except TimeoutError:
            return None
        first = self.last
        self.settle(silence)
        return (first - pressed_at) * 1000, (self.last - pressed_at) * 1000

    def hold(self, pressed: str, times: int, hertz: float, rate: float) -> float:
        """Hold a key over a line of `rate` bytes a second; the seconds from its release until nothing more comes."""
        began = time.perf_counter()
        written, taken, released, last = 0, 0, began, began
        while True:
            now = time.perf_counter()
            if written < times and now - began >= written / hertz:
                os.write(self._fd, pressed.encode())
                written, released = written + 1, now
            may = int((now - began) * rate) - taken  # the line carries so much more by now
            if may > 0 and select.select([self._fd], [], [], 0)[0]:
                read = len(os.read(self._fd, min(may, 4096)))
                taken, self.sent, last = taken + read, self.sent + read, time.perf_counter()
            elif written == times and now - max(released, last) > SILENT:
                return max(0.0, last - released)
            time.sleep(0.002)

    def press(self, pressed: str, text: str) -> float:
        """Press a key and read until a text was written; the milliseconds it took.  Raises TimeoutError."""
        self._last, pressed_at = b"", time.perf_counter()
        os.write(self._fd, pressed.encode())
        self.until(text)
        return (self.last - pressed_at) * 1000

    def until(self, text: str, wait: float = PATIENCE) -> None:
        """Read until a text was written in one piece.  Raises TimeoutError."""
        read, ends = self._last, time.monotonic() + wait
        while text.encode() not in ESCAPES.sub(b"", read):
            if time.monotonic() > ends:
                raise TimeoutError(f"{text!r} did not come; the last that did: {ESCAPES.sub(b'', read)[-300:]!r}")
            with contextlib.suppress(TimeoutError):
                read += self._read(1.0)

    def _read(self, wait: float) -> bytes:
        """What comes next.  Raises TimeoutError when nothing does, SystemExit with its last words when it has ended."""
        if not select.select([self._fd], [], [], wait)[0]:
            raise TimeoutError(f"{self._command} wrote nothing for {wait:g} s")
        try:
            self._last = os.read(self._fd, 1 << 16)
        except OSError:  # nobody holds the other end any more
            said = ESCAPES.sub(b"", self._last).decode(errors="replace").strip()
            raise SystemExit(f"{' '.join(self._command)} ended: {said}") from None
        self.last = time.perf_counter()
        self.sent += len(self._last)
        return self._last


def _painted(written: bytes) -> bool:
    _, alternate, screen = written.partition(ALTERNATE)
    return bool(alternate) and any(sign > 32 for sign in ESCAPES.sub(b"", screen))
