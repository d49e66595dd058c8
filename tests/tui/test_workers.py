"""The worker process: real processes, real signals, a real store."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.records import Trial
from engine.runners.cluster import ClusterHands
from engine.runners.hands import LocalHands
from storage.queue import DIED
from storage.store import Store
from tui.workers import bury_dead_workers, ensure_worker, logs_of, worker_lock, workplace

ROOT = Path(__file__).resolve().parents[2]
SLOW = """
import sys
from pathlib import Path
from engine.runners.worker import Worker
from storage.store import Store
from tests.engine.runners.kinds import KINDS
from tui.workers import logs_of, worker_lock, workplace
path = Path(sys.argv[1])
logs_of(path).mkdir(exist_ok=True)
lock = worker_lock(path)
assert lock.take(patience=1.0)
with Store.open(path) as store:
    for dead in store.queue.workers():
        store.queue.leave(dead)
    worker = Worker(store.queue, workplace(store), kinds=KINDS, warm=False, idle_minutes=float(sys.argv[2]))
    worker.work()
    store.queue.leave(worker.name)
"""
LONG = Trial("steps", {"steps": 600, "pause": 0.05}, label="a long one")


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite3") as store:
        yield store


@pytest.fixture
def worker(store: Store) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a worker for the small kinds."""
    started: list[subprocess.Popen[str]] = []

    def start(idle: float = 1.0) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SLOW, str(store.path), str(idle)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def status(store: Store, trial: Trial) -> str:
    return store.queue.states([trial.key])[trial.key].status


def running(store: Store, trial: Trial) -> bool:
    state = store.queue.states([trial.key])[trial.key]
    return state.status == "running" and state.progress is not None


def test_trials_are_computed_and_their_curve_is_kept(store: Store, worker: Callable) -> None:
    short, double = Trial("steps", {"steps": 5, "pause": 0.01}), Trial("double", {"n": 4})
    store.queue.submit([short, double])
    process = worker(idle=0.005)
    process.wait(timeout=120)
    assert process.returncode == 0
    assert store.evidence.get(double.key).value["value"] == 8
    state = store.queue.states([short.key])[short.key]
    assert state.status == "done"
    assert [p.point["epoch"] for p in state.curve] == [1, 2, 3, 4, 5]


def test_cancelling_takes_effect_at_the_next_step_and_can_be_taken_back(store: Store, worker: Callable) -> None:
    store.queue.submit([LONG])
    worker()
    wait_until(lambda: running(store, LONG))
    store.queue.cancel([LONG.key])
    wait_until(lambda: status(store, LONG) == "cancelled")
    assert store.evidence.get(LONG.key) is None
    store.queue.submit([LONG])
    wait_until(lambda: running(store, LONG))


def test_a_paused_trial_waits_in_its_worker_and_goes_on_where_it_was(store: Store, worker: Callable) -> None:
    def step() -> int:
        progress = store.queue.states([LONG.key])[LONG.key].progress
        return progress.step if progress else 0

    store.queue.submit([LONG])
    worker()
    wait_until(lambda: step() >= 3)
    store.queue.want([LONG.key], "pause")
    before = -1

    def still() -> bool:
        nonlocal before
        before = step()
        time.sleep(0.6)
        return step() == before

    wait_until(still)  # the wish is heard at a step
    time.sleep(0.6)
    assert step() == before
    assert store.queue.states([LONG.key])[LONG.key].status == "running"
    store.queue.want([LONG.key], "")
    wait_until(lambda: step() > before)
    store.queue.want([LONG.key], "pause")
    store.queue.cancel([LONG.key])
    wait_until(lambda: status(store, LONG) == "cancelled")


def test_a_failed_trial_says_why_and_the_next_one_runs(store: Store, worker: Callable) -> None:
    broken, gone, good = Trial("breaks"), Trial("breaks", {"how": "data"}), Trial("double", {"n": 1})
    store.queue.submit([broken, gone, good])
    worker(idle=0.005).wait(timeout=120)
    states = store.queue.states([broken.key, gone.key, good.key])
    assert states[broken.key].status == "failed"
    assert "ValueError" in states[broken.key].reason
    assert states[gone.key].reason == "The file is gone; put it back."
    assert states[good.key].status == "done"
    assert store.evidence.get(broken.key) is None


def test_a_killed_worker_leaves_its_trial_failed_and_the_next_one_can_retry(store: Store, worker: Callable) -> None:
    after = Trial("double", {"n": 9})
    store.queue.submit([LONG, after])
    process = worker()
    wait_until(lambda: running(store, LONG))
    assert not bury_dead_workers(store)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert bury_dead_workers(store)  # at once: the system took its lock back
    state = store.queue.states([LONG.key])[LONG.key]
    assert (state.status, state.reason) == ("failed", DIED)
    assert status(store, after) == "queued"
    store.queue.submit([LONG])
    worker()
    wait_until(lambda: status(store, after) == "done")
    wait_until(lambda: running(store, LONG))


def test_a_new_worker_buries_the_one_before(store: Store, worker: Callable) -> None:
    store.queue.submit([LONG])
    process = worker()
    wait_until(lambda: running(store, LONG))
    process.kill()
    process.wait()
    worker(idle=0.005).wait(timeout=120)
    assert status(store, LONG) == "failed"


def test_asked_to_end_it_puts_its_trial_back_in_the_queue(store: Store, worker: Callable) -> None:
    store.queue.submit([LONG])
    process = worker()
    wait_until(lambda: running(store, LONG))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 0
    assert status(store, LONG) == "queued"
    assert store.queue.workers() == []


@pytest.mark.slow
def test_two_windows_that_start_one_at_once_get_one(store: Store) -> None:
    place = f"Path({str(store.path)!r})"
    start = f"from tui.workers import ensure_worker; from pathlib import Path; ensure_worker({place}, 0.05)"
    windows = [subprocess.Popen([sys.executable, "-c", start], cwd=ROOT) for _ in range(3)]
    assert [window.wait() for window in windows] == [0, 0, 0]
    wait_until(lambda: worker_lock(store.path).held_by_somebody)
    wait_until(lambda: len(store.queue.workers()) == 1)
    (name,) = store.queue.workers()
    process = psutil.Process(int(name.rpartition(":")[2]))
    assert process.nice() > psutil.Process().nice()
    assert os.getsid(process.pid) == process.pid  # its own session: the terminal's hang-up does not reach it
    wait_until(lambda: not worker_lock(store.path).held_by_somebody)
    assert store.queue.workers() == []
    assert (store.path.with_name(store.path.name + ".logs") / "worker.log").read_text().count("began") == 1


@pytest.mark.slow
def test_the_window_is_killed_and_the_work_goes_on(store: Store, tmp_path: Path) -> None:
    """A process opens a session and queues its first trial; it is killed; reopening finds the trial done."""
    data = tmp_path / "rows.csv"
    data.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(3000)))
    store.sessions.create("rows", store.datasets.record(data))
    window = (
        "import sys, time; from storage.store import Store; from tui.opened import OpenSession\n"
        "opened = OpenSession.open(Store.open(sys.argv[1]), 'rows')\n"
        "print([t.key for t in opened.advance().missing][0], flush=True); time.sleep(100)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", window, str(store.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    key = process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()
    try:
        wait_until(lambda: store.queue.states([key])[key].status == "done", 60)
        from tui.opened import OpenSession

        opened = OpenSession.open(store, "rows")  # the dead window holds nothing
        assert not opened.read_only
        assert key not in {t.key for t in getattr(opened.advance(), "missing", ())}
        opened.close()
    finally:
        for name in store.queue.workers():
            psutil.Process(int(name.rpartition(":")[2])).terminate()
        wait_until(lambda: not worker_lock(store.path).held_by_somebody)


@pytest.mark.slow
def test_whoever_asks_for_a_cluster_gets_a_worker_on_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    note = logs_of(store.path) / "worker.json"

    def noted() -> dict[str, Any]:
        return json.loads(note.read_text()) if note.exists() else {}

    try:
        assert ensure_worker(store.path, 0.5)
        wait_until(lambda: noted().get("cluster") == "this machine" and store.queue.workers())
        first = noted()["pid"]
        assert not ensure_worker(store.path, 0.5)
        monkeypatch.setenv("RUNGWISE_CLUSTER", "tcp://127.0.0.1:9")
        assert ensure_worker(store.path, 0.5)
        wait_until(lambda: noted().get("cluster") == "tcp://127.0.0.1:9")
        assert noted()["pid"] != first
        assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE
        assert not ensure_worker(store.path, 0.5)
    finally:
        os.kill(noted()["pid"], signal.SIGKILL)
        wait_until(lambda: not worker_lock(store.path).held_by_somebody)


def test_exams_are_kept_beside_the_store_and_taken_side_by_side(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(workplace(store)) as place:
        assert place.kept is not None
        assert place.kept.folder == store.path.with_name(store.path.name + ".exams")
        assert isinstance(place.hands, LocalHands)
    monkeypatch.setenv("RUNGWISE_CLUSTER", "tcp://10.0.0.5:8786")
    assert isinstance(workplace(store).hands, ClusterHands)


def test_a_store_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    from engine.errors import StoreProblem

    (tmp_path / "store.logs").write_text("in the way")
    with pytest.raises(StoreProblem, match="cannot be made"):
        ensure_worker(tmp_path / "store")
