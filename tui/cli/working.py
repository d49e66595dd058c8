"""The worker's process: `rungwise worker`, started detached by `tui.workers.ensure_worker`."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

from engine.errors import StoreProblem
from engine.runners.worker import Worker, lower_priority
from storage.store import Store
from tui.workers import logs_of, note_worker, worker_lock, workplace


def work(store_path: Path, idle_minutes: float) -> None:
    """Be the store's worker; ends at once where there is one already, or no store."""
    if not store_path.exists():  # deleted since somebody asked for a worker: it is not for a worker to make one
        return
    logs_of(store_path).mkdir(parents=True, exist_ok=True)
    with worker_lock(store_path) as lock:
        if not lock.take(patience=1.0):
            return
        note_worker(store_path)
        lower_priority()
        warnings.simplefilter("ignore")  # the models' own remarks; what matters of them is in the evidence
        logging.captureWarnings(True)
        with Store.open(store_path) as store:
            for dead in store.queue.workers():  # the lock is ours, so whoever ran here before is no more
                store.queue.leave(dead)
            runner = Worker(store.queue, workplace(store), idle_minutes=idle_minutes)
            try:
                runner.work()
            except StoreProblem as problem:
                print(f"{runner.name} ended: {problem}", flush=True)
            finally:
                if not store.gone:
                    store.queue.leave(runner.name)
