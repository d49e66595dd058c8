"""What a worker of a Dask cluster does for `engine.runners.cluster`: find the data, compute a part, stop when told.

A network that trains tells of its epochs through the scheduler's events, and how far it has come lies in a variable of
the scheduler, where a worker that takes its part over finds it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.data.address import MARK, split, stamp
from engine.data.fingerprint import fingerprint
from engine.errors import Cancelled, DataProblem, RungwiseError
from engine.records import Json, Progress
from engine.runners.environment import code_key, environment
from engine.runners.hands import Asked, LocalHands, State, Work
from engine.runners.kept import StateFile
from engine.trials import Division

_stopped: dict[str, None] = {}  # runs that somebody stopped, oldest first
_asked: dict[str, Asked] = {}  # what a person wants of the trainings of a run
_lock = threading.Lock()
MOST_STATE = 32 << 20  # bytes of how far a training has come that the scheduler is given
STATE_EVERY = 5.0  # seconds of training that are lost at most with a worker
_TOLD_EVERY = 0.5  # seconds between two words on its epochs
_PATIENCE = 10.0  # seconds for a variable of the scheduler


def computes_with() -> dict[str, Json]:
    known = environment()
    return {name: known[name] for name in ("rungwise", "python", "platform", "versions")} | {"code": code_key()}


def stop(run: str) -> None:
    """Have what this worker computes for a run ended."""
    _stopped[run] = None
    while len(_stopped) > 1000:
        _stopped.pop(next(iter(_stopped)))


def heed(run: str, paused: bool, most: int | None) -> None:
    """Have what this worker computes for a run wait, or its trainings end after so many epochs."""
    _asked[run] = Asked(paused, most)
    while len(_asked) > 1000:
        _asked.pop(next(iter(_asked)))


def end_of_client(token: str) -> None:
    """Nobody asks any more: end the processes that were kept for the next part."""
    with _lock:
        if hands := _of_clients.pop(token, None):
            hands.close()


_of_clients: dict[str, LocalHands] = {}


def _hands_for(token: str) -> LocalHands:
    with _lock:
        if token not in _of_clients:
            _of_clients[token] = LocalHands(most=1)
        return _of_clients[token]


def sees(source: str, data: str) -> bool:
    """Whether this worker finds the very same data under the same path."""
    return _has(os.fsdecode(bytes.fromhex(source)), data)


def _has(path: str, data: str) -> bool:
    try:
        return _hash_at(path, stamp(path)) == data
    except (OSError, ValueError, RungwiseError):
        return False


@functools.lru_cache(maxsize=64)
def _hash_at(path: str, as_of: tuple[int, int]) -> str:
    return fingerprint(path)


def _found(job: Mapping[str, Json]) -> Path:
    """The data on this worker: under the path they have there, or where they were sent to."""
    path = os.fsdecode(bytes.fromhex(job["source"]))
    if _has(path, job["data"]):
        return Path(path)
    if job["file"] and (sent := _unpacked(str(job["file"]), path)) is not None and _has(str(sent), job["data"]):
        return sent
    raise DataProblem(
        f"The worker {_me()} of the cluster does not find {path}, or finds other content there. Put the data where all "
        "workers see them, or try again."
    )


def _unpacked(name: str, path: str) -> Path | None:
    from distributed import get_worker

    packed = Path(get_worker().local_directory) / name
    file, _ = split(path)
    folder = packed.with_suffix("")
    with _lock:
        if not folder.exists() and packed.exists():
            part = Path(tempfile.mkdtemp(dir=packed.parent, prefix="rungwise-"))
            with zipfile.ZipFile(packed) as stream:
                stream.extractall(part)  # names that lead out of it are made to stay inside
            part.replace(folder)
    if not folder.exists():
        return None
    _, mark, inside = path.partition(MARK) if str(file) != path else (path, "", "")
    return Path(f"{folder / file.name}{mark}{inside}")


def _me() -> str:
    from distributed import get_worker

    return str(get_worker().address)


def take_part(job: Mapping[str, Json]) -> tuple[bytes, dict[str, Json]]:
    """One part, as a Dask task: what came out, and what it cost.  Raises as the part does, and Cancelled."""
    if job["code"] != code_key():  # it joined after the others were asked
        raise DataProblem(
            f"The worker {_me()} of the cluster computes with another Rungwise, or other packages, than the one that "
            "asks; install the same there, or end it."
        )

    course = _Course(str(job["run"]), int(job["place"]), str(job["state"])) if job["state"] else None

    def tick(state: State) -> Asked | None:
        if job["run"] in _stopped:
            raise Cancelled("Stopped before it was through.")
        if course is not None:
            course.heard(state.progress)
        return _asked.get(job["run"])

    division = Division(job["function"], job["prepare"], (job["params"],))
    said = f"{job['label'] or 'The trial'} (part {job['place'] + 1} of {job['parts']}, on {_me()})"
    states = [] if course is None else [course.state.file]
    work = Work(division, _found(job), str(job["data"]), int(job["seed"]), said, states)
    for done in _hands_for(str(job["client"])).take(work, [0], tick):
        return done.content, dict(done.cost)
    raise AssertionError


class _Course:
    """The training of a part, as others follow it.  name: of the variable that holds how far it has come."""

    def __init__(self, run: str, place: int, name: str) -> None:
        from distributed import Variable, get_client, get_worker

        self._worker, self._topic, self._place = get_worker(), topic(run), place
        self.state = StateFile(Path(self._worker.local_directory) / f"{name}.state")
        self._variable = Variable(name, client=get_client())
        self._untold: list[Progress] = []
        self._told_at = self._kept_at = time.monotonic()
        self.state.drop()
        with contextlib.suppress(TimeoutError):  # whoever sent the part has set it, if only to nothing
            before: Any = self._variable.get(timeout=_PATIENCE)
            if before:
                self.state.save(before)
        self._known = self._stamp()

    def heard(self, progress: Progress | None) -> None:
        """Ten times a second: pass on what it tells, and how far it has come."""
        now = time.monotonic()
        self._untold += [progress] if progress is not None and progress.point else []
        if self._untold and now - self._told_at >= _TOLD_EVERY:
            said = [[p.step, p.steps, p.unit, p.message, dict(p.point)] for p in self._untold]
            self._worker.log_event(self._topic, {"place": self._place, "progress": said})
            self._untold, self._told_at = [], now
        stamp = self._stamp()
        if stamp != self._known and now - self._kept_at >= STATE_EVERY:
            content = self.state.load()
            if content and len(content) <= MOST_STATE:
                self._variable.set(content)
            self._known, self._kept_at = stamp, now

    def _stamp(self) -> int:
        try:
            return self.state.file.stat().st_mtime_ns
        except OSError:
            return 0


def topic(run: str) -> str:
    """Under which the events of a run's trainings are sent."""
    return f"rungwise-{run}"
