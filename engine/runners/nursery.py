"""A process that others are forked from: `python -m engine.runners.nursery FD`, started by `engine.runners.hands`.

It imports the libraries and loads the table once, so that every hand has both at once and shares their memory.  It does
nothing else, in one thread, so that a fork finds no lock held by a thread that is not there any more.  With --hand it
is a hand itself, for systems where a process that has loaded such libraries cannot be forked safely (macOS).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from engine.errors import RungwiseError
from engine.records import Json, Progress
from engine.runners.kept import StateFile
from engine.runners.meter import Meter
from engine.runners.wire import receive, send
from engine.trials import load_function

LIBRARIES = (
    "pandas", "sklearn.linear_model", "sklearn.ensemble", "sklearn.tree", "sklearn.neighbors", "sklearn.naive_bayes",
    "skrub", "engine.models.columns", "engine.evaluation.exams", "engine.evaluation.crossval",
)  # fmt: skip
_TOLD_EVERY = 0.2  # seconds between two words of a part on how far it is, but for points of its curve


def main(arguments: list[str]) -> None:
    """Serve whoever started it until they go."""
    control = socket.socket(fileno=int(arguments[0]))
    for module in LIBRARIES:
        with contextlib.suppress(ImportError):  # whoever needs it says what is missing
            importlib.import_module(module)
    if "--hand" in arguments:
        serve(control)
    while (message := receive(control)) is not None:
        said, _ = message
        match said["do"]:
            case "prepare":
                send(control, _prepare(said))
            case "fork":
                _, handles, _, _ = socket.recv_fds(control, 1, 1)
                _fork(control, handles[0])
            case "end of":
                send(control, {"signal": _end_of(int(said["pid"]))})
            case "bury":
                for pid in said["pids"]:
                    _end_of(int(pid))
                    _ended.pop(int(pid), None)


def _prepare(said: dict[str, Json]) -> dict[str, Json]:
    try:
        taken, what = load_function(said["function"])(said["params"], _Context(said, None))
    except Exception as problem:
        return _failure(problem)
    gc.collect()
    gc.freeze()  # a collection in a hand would touch, and so copy, what they share
    return {"said": "ready", "bytes": int(taken), "holds": str(what)}


def _fork(control: socket.socket, handle: int) -> None:
    _bury()
    if os.fork():
        os.close(handle)
        return
    try:
        control.close()
        serve(socket.socket(fileno=handle))
    finally:
        os._exit(1)


_ended: dict[int, int] = {}  # hands that are no more, and the signal that ended each


def _bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while (gone := os.waitpid(-1, os.WNOHANG))[0]:
            _ended[gone[0]] = os.WTERMSIG(gone[1]) if os.WIFSIGNALED(gone[1]) else 0


def _end_of(pid: int) -> int:
    """The signal that ended a hand, 0 where it ended by itself; it is on its way when somebody asks."""
    until = time.monotonic() + 2.0
    while pid not in _ended and time.monotonic() < until:
        _bury()
        time.sleep(0.01)
    return _ended.get(pid, 0)


def serve(whom: socket.socket) -> None:
    """Be a hand: compute one part after the other, until whoever asks is gone, also in the middle of one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # they end it themselves
    asked: queue.SimpleQueue[dict[str, Json]] = queue.SimpleQueue()

    def listen() -> None:
        while (message := receive(whom)) is not None:
            if message[0]["do"] == "heed":
                heed(message[0])
            else:
                asked.put(message[0])
        os._exit(0)

    threading.Thread(target=listen, name="listener", daemon=True).start()
    send(whom, {"said": "here", "pid": os.getpid()})
    while True:
        _compute(asked.get(), whom)


_goes_on = threading.Event()  # cleared while a person wants it paused
_goes_on.set()
_most: list[int | None] = [None]  # epochs after which a training ends, where a person has seen enough


def heed(said: dict[str, Json]) -> None:
    """What a person wants of the part that is being computed; the listener hears it in the middle of one."""
    _most[0] = said["most"]
    (_goes_on.clear if said["paused"] else _goes_on.set)()


def _compute(said: dict[str, Json], whom: socket.socket) -> None:
    _most[0] = said.get("most")
    with Meter() as meter:
        try:
            body = load_function(said["function"])(said["params"], _Context(said, whom))
        except Exception as problem:
            send(whom, _failure(problem))
            return
    cost = {"seconds": meter.seconds, "cpu_seconds": meter.cpu_seconds, "peak_memory_mb": meter.peak_memory_mb}
    send(whom, {"said": "done", "cost": cost}, body)


def _failure(problem: Exception) -> dict[str, Json]:
    names = [kind.__name__ for kind in type(problem).__mro__]
    trace = "" if isinstance(problem, RungwiseError) else "".join(traceback.format_exception(problem))
    return {"said": "failed", "kinds": names, "message": str(problem), "traceback": trace}


class _Context:
    """What a part may use: its data, its seed, and somebody to report to."""

    uses = ()

    def __init__(self, said: dict[str, Json], whom: socket.socket | None) -> None:
        self.data, self.seed = str(said["data"]), int(said["seed"])
        self._path, self._whom, self._told_at = Path(os.fsdecode(bytes.fromhex(said["source"]))), whom, -1.0
        state = bytes.fromhex(said.get("state") or "")
        self.saved = StateFile(Path(os.fsdecode(state))) if state else None

    def source(self) -> Path:
        return self._path

    def report(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._whom is not None and (progress.point or now - self._told_at >= _TOLD_EVERY):
            self._told_at = now
            said = [progress.step, progress.steps, progress.unit, progress.message, dict(progress.point)]
            send(self._whom, {"said": "progress", "progress": said})
        _goes_on.wait()

    @property
    def most(self) -> int | None:
        """Epochs after which a person has seen enough of a training; None while nobody said so."""
        return _most[0]

    def evidence(self, key: str) -> dict[str, Any]:
        raise KeyError(key)  # a part reads nothing but its parameters and the data

    def keep(self, content: bytes, media_type: str) -> str:
        raise NotImplementedError("a part returns what it has to say")

    def fetch(self, digest: str) -> bytes:
        raise NotImplementedError("a part reads nothing but its parameters and the data")


if __name__ == "__main__":
    main(sys.argv[1:])
