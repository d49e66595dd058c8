"""The processes that parts of trials run in, as those see them that ask: one end of a line to each."""

from __future__ import annotations

import atexit
import builtins
import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import errors
from engine.errors import StoreProblem
from engine.records import Json
from engine.runners.wire import receive, send

_ROOT = Path(__file__).resolve().parents[2]  # where the packages lie: a checkout need not be installed
_PATIENCE = 30.0  # seconds for a message that has begun to arrive
_TICK = 0.1  # seconds between two looks whether somebody stopped the trial

# One core each; a forest that asks for all of them gets that one, too.
_ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")


class NurseryGone(Exception):
    pass


@dataclass(eq=False)
class Hand:
    """A process that computes parts, and the line to it."""

    socket: socket.socket
    pid: int = 0
    process: subprocess.Popen[bytes] | None = None
    done: int = 0  # parts

    @property
    def lives(self) -> bool:
        """Whether an idle one is still there: it says nothing, and its line is open."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            return not selector.select(0)

    @classmethod
    def by_itself(cls, logs: Path | None) -> Hand:
        process, line = _started(logs, "--hand")
        return cls(line, process.pid, process)

    def end(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)
        self.socket.close()
        if self.process is not None:
            self.process.wait()

    def end_of(self, nursery: Nursery | None) -> int:
        """The signal that ended it, 0 where nobody knows."""
        if self.process is not None:
            return -min(self.process.wait(), 0)
        pid, self.pid = self.pid, 0  # dead: its number may be another's soon
        return nursery.end_of(pid) if nursery is not None and pid else 0


class Nursery:
    """The process that hands are forked from (`engine.runners.nursery`)."""

    def __init__(self, logs: Path | None) -> None:
        self.process, self._line = _started(logs)
        self._one = threading.Lock()  # a question and its answer

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def prepare(self, asked: Mapping[str, Json], tick: Callable[[], None]) -> tuple[int, str]:
        """Have it load what the parts share; returns the bytes of it, and what it is.

        tick: called meanwhile, may raise, which ends the process in the middle of its loading.
        """
        with self._one:
            try:
                answer = self._asked({**asked, "do": "prepare"}, tick)
            except BaseException:
                self.end()
                raise
        if answer["said"] == "failed":
            raise raised(answer)
        return int(answer["bytes"]), str(answer["holds"])

    def fork(self) -> Hand:
        ours, theirs = socket.socketpair()
        with theirs, self._one:
            try:
                send(self._line, {"do": "fork"})
                socket.send_fds(self._line, [b"f"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise NurseryGone from None
        ours.settimeout(_PATIENCE)
        return Hand(ours)

    def end_of(self, pid: int) -> int:
        """The signal that ended one of its hands, 0 where it is not known."""
        with self._one, contextlib.suppress(NurseryGone):
            return int(self._asked({"do": "end of", "pid": pid}, lambda: None)["signal"])
        return 0

    def bury(self, pids: list[int]) -> None:
        with self._one, contextlib.suppress(OSError):
            send(self._line, {"do": "bury", "pids": pids})

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._line.close()

    def _asked(self, said: Mapping[str, Json], tick: Callable[[], None]) -> dict[str, Json]:
        try:
            send(self._line, said)
            with selectors.DefaultSelector() as selector:
                selector.register(self._line, selectors.EVENT_READ)
                while not selector.select(_TICK):
                    tick()
        except (OSError, ValueError):  # ended, and its line closed
            raise NurseryGone from None
        message = receive(self._line)
        if message is None:
            raise NurseryGone
        return message[0]


_running: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()


def _started(logs: Path | None, *more: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A process of `engine.runners.nursery`, and the line to it; it ends when the line does."""
    ours, theirs = socket.socketpair()
    ours.settimeout(_PATIENCE)
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    log: Any = subprocess.DEVNULL
    if logs is not None:
        try:
            logs.mkdir(parents=True, exist_ok=True)
            log = (logs / "hands.log").open("ab")
        except OSError as problem:
            raise StoreProblem(f"{logs} cannot be written to ({problem.strerror}); check its folder.") from problem
    with theirs, contextlib.nullcontext() if log is subprocess.DEVNULL else log:
        process = subprocess.Popen(
            # -P: what lies in the folder that somebody happens to be in is not imported
            [sys.executable, "-P", "-m", "engine.runners.nursery", str(theirs.fileno()), *more],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | _ONE_CORE | {"PYTHONPATH": path},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # the terminal's ctrl+c is for whoever started it, who then ends it
        )
    _running.add(process)
    return process, ours


@atexit.register
def _end_all() -> None:
    for process in list(_running):
        if process.poll() is None:
            process.kill()


def raised(said: Mapping[str, Json]) -> Exception:
    """What a part raised, as it would have been raised here."""
    message = str(said["message"])
    problem: Exception = RuntimeError(message)
    for name in said["kinds"]:
        kind: Any = getattr(errors, name, None) or getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            with contextlib.suppress(TypeError):  # some take more than a message
                problem = kind(message)
                break
    if said.get("traceback"):
        problem.add_note(str(said["traceback"]))
    return problem
