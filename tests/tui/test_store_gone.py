"""The store is deleted while it is open: whoever has it open says so and ends, and nothing waits for ever."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.conductor import Measuring
from engine.errors import StoreProblem
from engine.records import Trial
from storage.store import Store
from tests.tui.stages import STAGES
from tests.tui.test_workers import LONG, ROOT, SLOW, wait_until
from tui import opened as opening
from tui.workers import worker_lock

SAID = "was deleted or replaced while it was open"


@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_recorded_where_nobody_would_find_it(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "s.db"
    with Store.open(path) as store:
        store.queue.submit([LONG])
        path.rename(tmp_path / "elsewhere.db")
        if replaced:
            shutil.copy(tmp_path / "elsewhere.db", path)
        assert store.gone
        with pytest.raises(StoreProblem, match=SAID):
            store.queue.submit([Trial("steps", {"steps": 1})])
        with pytest.raises(StoreProblem, match=SAID):
            store.queue.claim("me")
        assert store.queue.cancelled(LONG.key), "what runs may stop: nobody would find what comes out"
        path.unlink(missing_ok=True)
        (tmp_path / "elsewhere.db").rename(path)
        store.queue.submit([Trial("steps", {"steps": 1})])  # it is back, so all goes on
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_store_under_a_relative_path_is_there_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open(Path("s.db")) as store:
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        assert not store.gone


def test_a_worker_without_its_store_says_so_ends_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store.open(path).close()
    command = [sys.executable, "-m", "tui.cli", "worker", "--store", str(path)]
    worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: worker_lock(path).held_by_somebody or worker.poll() is not None, 120)
    assert worker.stdout is not None
    assert "began" in worker.stdout.readline()
    path.unlink()
    said, wrong = worker.communicate(timeout=120)
    assert (worker.returncode, wrong) == (0, "")
    assert f"ended: The store {path} {SAID}" in said
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    assert not path.exists()


def test_what_a_worker_computes_for_a_deleted_store_is_broken_off(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store.open(path) as store:
        store.queue.submit([LONG])
        code = SLOW.replace("    worker.work()\n", "    try:\n        worker.work()\n    except Exception as e:\n"
                            "        print(e)\n        sys.exit(0)\n")  # fmt: skip
        command = [sys.executable, "-c", code, str(path), "9"]
        worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        wait_until(lambda: any(s.progress for s in store.queue.states([LONG.key]).values()), 120)
        path.unlink()
        assert SAID in worker.communicate(timeout=120)[0]


def test_whoever_waits_for_trials_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = []
    monkeypatch.setattr(opening, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(opening, "ensure_worker", workers.append)
    data, path = tmp_path / "rows.csv", tmp_path / "s.db"
    data.write_text("a,b\n1,2\n")
    with Store.open(path) as store:
        name = opening.new_session(store, data)
        session = opening.OpenSession.open(store, name, answerers=(), work="queue", stages=STAGES)
        assert isinstance(session.advance(), Measuring)
        assert session.trials()
        asked = len(workers)
        path.unlink()
        with pytest.raises(StoreProblem, match=SAID):
            session.trials()
        session.close()
    assert len(workers) == asked, "a worker would make an empty store, and find nothing to do in it"
