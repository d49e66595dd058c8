"""The worker process of a store: started when there is work, one at a time, found dead when it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine.runners.context import Workplace
from engine.runners.hands import LocalHands
from engine.runners.kept import KeptParts
from engine.runners.lock import FileLock
from engine.runners.worker import IDLE_MINUTES
from storage.store import Store

_ROOT = Path(__file__).resolve().parents[1]  # where the packages lie: a checkout need not be installed

_started: dict[Path, subprocess.Popen[bytes]] = {}  # by store; kept so that one that ended is not left a zombie


def logs_of(store_path: Path) -> Path:
    """The folder beside a store for what its processes say: tracebacks of trials, the worker's log."""
    return store_path.with_name(store_path.name + ".logs")


def exams_of(store_path: Path) -> Path:
    """The folder beside a store where finished practice exams are kept, so that none is taken twice."""
    return store_path.with_name(store_path.name + ".exams")


def workplace(store: Store) -> Workplace:
    """Where a store's trials run; to be closed by whoever runs them."""
    logs = logs_of(store.path)
    kept = KeptParts(exams_of(store.path))
    return Workplace(store.evidence_at_work, store.artifacts, store.datasets, logs, kept, LocalHands(logs))


def worker_lock(store_path: Path) -> FileLock:
    """Held by the store's worker as long as it lives; the system lets go of it when it dies, however it dies."""
    return FileLock(logs_of(store_path) / "worker.lock")


def ensure_worker(store_path: Path, idle_minutes: float = IDLE_MINUTES) -> bool:
    """See to it that a worker runs for this store; True when one was started.

    Two windows may start one each at the same moment: the second finds the lock taken and ends at once.
    Raises StoreProblem when its log cannot be written.
    """
    store_path = store_path.absolute()
    logs = logs_of(store_path)
    _make(logs)
    mine = _started.get(store_path)
    if (mine is not None and mine.poll() is None) or worker_lock(store_path).held_by_somebody:
        return False  # one runs, or is on its way
    with (logs / "worker.log").open("ab") as log:
        _started[store_path] = subprocess.Popen(
            [sys.executable, "-m", "tui.cli", "worker", "--store", str(store_path), "--idle", str(idle_minutes)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=logs,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))},
            start_new_session=True,
            close_fds=True,
        )
    return True


def bury_dead_workers(store: Store) -> bool:
    """Mark failed what a worker was running that is no more; True when there was one.

    The lock says so at once; without it a dead worker would look like a silent one for half a minute.
    """
    if store.read_only or worker_lock(store.path).held_by_somebody:
        return False
    dead = store.queue.workers()
    for name in dead:
        store.queue.leave(name)
    return bool(dead)


def _make(folder: Path) -> None:
    from engine.errors import StoreProblem

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreProblem(
            f"{folder} cannot be made ({problem.strerror}); the worker writes its log there."
        ) from problem
