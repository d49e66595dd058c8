"""What a worker of a Dask cluster does for `engine.runners.cluster`: find the data, compute a part, stop when told."""

from __future__ import annotations

import functools
import os
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

from engine.data.address import MARK, split, stamp
from engine.data.fingerprint import fingerprint
from engine.errors import Cancelled, DataProblem, RungwiseError
from engine.records import Json
from engine.runners.environment import code_key, environment
from engine.runners.hands import LocalHands, State, Work
from engine.trials import Division

_stopped: dict[str, None] = {}  # runs that somebody stopped, oldest first
_lock = threading.Lock()


def computes_with() -> dict[str, Json]:
    known = environment()
    return {name: known[name] for name in ("rungwise", "python", "platform", "versions")} | {"code": code_key()}


def stop(run: str) -> None:
    """Have what this worker computes for a run ended."""
    _stopped[run] = None
    while len(_stopped) > 1000:
        _stopped.pop(next(iter(_stopped)))


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

    def tick(state: State) -> None:
        if job["run"] in _stopped:
            raise Cancelled("Stopped before it was through.")

    division = Division(job["function"], job["prepare"], (job["params"],))
    said = f"{job['label'] or 'The trial'} (part {job['place'] + 1} of {job['parts']}, on {_me()})"
    work = Work(division, _found(job), str(job["data"]), int(job["seed"]), said)
    for done in _hands_for(str(job["client"])).take(work, [0], tick):
        return done.content, dict(done.cost)
    raise AssertionError
