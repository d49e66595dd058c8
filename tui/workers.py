"""The worker process of a store: started when there is work, one at a time, found dead when it is."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.runners.lock import FileLock

if TYPE_CHECKING:
    from engine.runners.context import Workplace
    from engine.runners.hands import Hands
    from storage.store import Store

_ROOT = Path(__file__).resolve().parents[1]  # where the packages lie: a checkout need not be installed

ENDS_WITHIN = 5.0  # seconds that a worker is given to end when asked to
VARIABLE = "RUNGWISE_CLUSTER"  # the address of a cluster, where --cluster names none
HERE = "this machine"  # what a worker notes that computes on no cluster

_started: dict[Path, subprocess.Popen[bytes]] = {}  # by store; kept so that one that ended is not left a zombie


def logs_of(store_path: Path) -> Path:
    """The folder beside a store for what its processes say: tracebacks of trials, the worker's log."""
    return store_path.with_name(store_path.name + ".logs")


def exams_of(store_path: Path) -> Path:
    """The folder beside a store where finished practice exams are kept, so that none is taken twice."""
    return store_path.with_name(store_path.name + ".exams")


def workplace(store: Store) -> Workplace:
    """Where a store's trials run; to be closed by whoever runs them."""
    from engine.runners.context import Workplace  # for the process that computes; the terminal's starts without
    from engine.runners.kept import KeptParts

    logs = logs_of(store.path)
    kept = KeptParts(exams_of(store.path))
    return Workplace(store.evidence_at_work, store.artifacts, store.datasets, logs, kept, hands(logs))


def hands(logs: Path) -> Hands:
    """Who takes practice exams: the cluster that --cluster or RUNGWISE_CLUSTER names, else this machine."""
    address = cluster()
    from engine.runners.cluster import ClusterHands
    from engine.runners.hands import LocalHands

    return ClusterHands(address) if address else LocalHands(logs)


def cluster() -> str:
    """The address of the cluster that was asked for, or ""."""
    return os.environ.get(VARIABLE, "").strip()


def worker_lock(store_path: Path) -> FileLock:
    """Held by the store's worker as long as it lives; the system lets go of it when it dies, however it dies."""
    return FileLock(logs_of(store_path) / "worker.lock")


def ensure_worker(store_path: Path, idle_minutes: float | None = None) -> bool:
    """See to it that a worker runs for this store; True when one was started.

    idle_minutes: without work, after which it ends; None for the worker's own.
    Two windows may start one each at the same moment: the second finds the lock taken and ends at once.
    Raises StoreProblem when its log cannot be written.
    """
    store_path = store_path.absolute()
    logs = logs_of(store_path)
    _make(logs)
    if cluster() and _computes_on(store_path) not in ("", cluster()):
        _end_worker(store_path)
    mine = _started.get(store_path)
    if (mine is not None and mine.poll() is None) or worker_lock(store_path).held_by_somebody:
        return False  # one runs, or is on its way
    idle = [] if idle_minutes is None else ["--idle", str(idle_minutes)]
    with (logs / "worker.log").open("ab") as log:
        _started[store_path] = subprocess.Popen(
            [sys.executable, "-m", "tui.cli", "worker", "--store", str(store_path), *idle],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=logs,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))},
            start_new_session=True,
            close_fds=True,
        )
    return True


def note_worker(store_path: Path) -> None:
    """Say who this store's worker is, and on which cluster it computes; by itself, once it holds the lock."""
    note = {"pid": os.getpid(), "cluster": cluster() or HERE}
    (logs_of(store_path) / "worker.json").write_text(json.dumps(note), "utf-8")


def _noted(store_path: Path) -> dict[str, Any]:
    """What the running worker noted of itself; empty where none runs, or none has noted anything."""
    if not worker_lock(store_path).held_by_somebody:
        return {}
    try:
        return dict(json.loads((logs_of(store_path) / "worker.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _computes_on(store_path: Path) -> str:
    return str(_noted(store_path).get("cluster", ""))


def _end_worker(store_path: Path) -> None:
    """Ask the worker to end, so that one on the cluster takes its place; its trial goes back into the queue, and the
    exams that it has taken are kept."""
    pid = _noted(store_path).get("pid")
    if not isinstance(pid, int):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + ENDS_WITHIN
    while worker_lock(store_path).held_by_somebody and time.monotonic() < until:
        time.sleep(0.05)
    if (mine := _started.get(store_path)) is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            mine.wait(ENDS_WITHIN)


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
