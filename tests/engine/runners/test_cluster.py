"""A real Dask scheduler and two workers on this machine: the same figures, and nothing is lost with a worker."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import Cancelled, DataProblem, RungwiseError, UsageProblem
from engine.models.catalogue import as_model
from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.records import Progress, Trial
from engine.runners import cluster, terms
from engine.runners.again import FreshArtifacts, FreshEvidence
from engine.runners.cluster import ClusterHands
from engine.runners.context import Workplace
from engine.runners.inline import perform
from engine.runners.kept import KeptParts
from tests.engine.runners.kinds import KINDS
from tests.engine.runners.test_hands import computed, sums, wait_until
from tests.engine.runners.test_inline import NoBytes
from tests.engine.tables import customers, recipe

Future = pytest.importorskip("distributed").Future

ROOT = Path(__file__).resolve().parents[3]


class Cluster:
    """A scheduler, and workers of one core each that nobody starts again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        port = self.address.rpartition(":")[2]
        self.scheduler = self._dask("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show")
        self.workers = [self.worker(i) for i in range(2)]

    def worker(self, i: int) -> subprocess.Popen[bytes]:
        place = self.folder / f"worker-{i}"
        place.mkdir(exist_ok=True)
        return self._dask(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(place),
        )  # fmt: skip

    def _dask(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words], cwd=self.folder, stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("dask"))
    yield found
    found.end()


@pytest.fixture(scope="module")
def hands(dask: Cluster) -> Iterator[ClusterHands]:
    hands = ClusterHands(dask.address)
    until = time.monotonic() + 60
    while True:
        try:
            hands.start()
            if len(hands._client.nthreads()) == 2:
                break
        except UsageProblem:  # it is not up yet
            if time.monotonic() > until:
                raise
        time.sleep(0.2)
    yield hands
    hands.close()


class There:
    def __init__(self, file: Path) -> None:
        self.file = file

    def path(self, fingerprint: str) -> Path:
        return self.file


def place_of(hands: Any, file: Path, kept: Path | None = None) -> Workplace:
    parts = KeptParts(kept) if kept else None
    return Workplace(FreshEvidence(), FreshArtifacts(NoBytes()), There(file), None, parts, hands)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    from engine.data.fingerprint import fingerprint

    file = customers(tmp_path_factory.mktemp("data") / "t.csv", n=300)
    return file, fingerprint(file)


def at(data: tuple[Path, str], trial: Trial) -> Trial:
    return Trial(trial.kind, trial.params, data[1], trial.seed, label=trial.label)


def figures(value: Any) -> dict[str, Any]:
    return {name: figure for name, figure in value.items() if not name.endswith("seconds")}


def test_the_same_figures_and_keys_as_here(hands: ClusterHands, data: tuple[Path, str], tmp_path: Path) -> None:
    trial = Trial("cross_validate", {"recipe": recipe(), "model": as_model("boosting"), "folds": None}, data[1])
    there = perform(trial, place_of(hands, data[0], tmp_path / "kept"))
    here = perform(trial, place_of(None, data[0]))
    assert there.ok, there.error
    assert figures(there.value) == figures(here.value)
    assert there.key == here.key
    again = perform(trial, place_of(None, data[0], tmp_path / "kept"))  # what was computed there is taken over here
    assert again.value["fit_seconds"] == there.value["fit_seconds"]


def test_data_that_the_workers_cannot_see_are_sent_to_them(
    hands: ClusterHands, data: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker on another machine does not find the path; here it is told one that is only found on this side."""
    hidden = tmp_path / "hidden.csv"
    shutil.copy(data[0], hidden)
    trial = Trial("cross_validate", {"recipe": recipe(), "model": as_model("logistic"), "folds": 2}, data[1])
    here = perform(trial, place_of(None, data[0]))
    elsewhere = cluster._job

    def job(work: Any, place: int) -> dict[str, Any]:
        return elsewhere(work, place) | {"source": os.fsencode(tmp_path / "not there" / "hidden.csv").hex()}

    monkeypatch.setattr(cluster, "_job", job)
    monkeypatch.setattr(cluster, "sees", lambda source, data: False)
    hands._seen.clear()
    with monkeypatch.context() as small:
        small.setattr(cluster, "SENDABLE", 100)
        with pytest.raises(DataProblem, match=r"does not find .*hidden\.csv.* too many to send"):
            perform(trial, place_of(hands, hidden))
    there = perform(trial, place_of(hands, hidden))
    assert there.ok, there.error
    assert figures(there.value) == figures(here.value)


def test_a_stopped_trial_ends_on_the_workers_too(hands: ClusterHands, data: tuple[Path, str], tmp_path: Path) -> None:
    log = tmp_path / "computed"
    trial = at(data, sums(log, 6, pause=60.0))
    with pytest.raises(Cancelled):
        perform(trial, place_of(hands, data[0]), stopped=lambda: len(computed(log)) >= 2, kinds=KINDS)
    began = time.monotonic()
    assert perform(at(data, sums(tmp_path / "next", 2)), place_of(hands, data[0]), kinds=KINDS).ok
    assert time.monotonic() - began < 50, "the workers are free again long before their minute is over"
    assert len(computed(log)) == 2


def test_what_a_part_raises_is_raised_here(hands: ClusterHands, data: tuple[Path, str], tmp_path: Path) -> None:
    broken = at(data, sums(tmp_path / "a", 3, which=1, how="data", times=9))
    with pytest.raises(DataProblem, match="put it back"):
        perform(broken, place_of(hands, data[0]), kinds=KINDS)
    failed = perform(
        at(data, sums(tmp_path / "b", 3, which=1, how="raised", times=9)), place_of(hands, data[0]), kinds=KINDS
    )
    assert "ZeroDivisionError: by nothing" in failed.error
    killed = at(data, sums(tmp_path / "c", 3, which=1, how="killed", times=9))
    with pytest.raises(DataProblem, match=r"Sums \(part 2 of 3, on tcp.*\) could not be computed.*for want of memory"):
        perform(killed, place_of(hands, data[0]), kinds=KINDS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"versions": {"scikit-learn": "1.0"}}, "has .* here"),
        ({"code": "other"}, "other code of Rungwise"),
        ({"platform": "Linux riscv"}, "has platform .*, here it is Linux riscv"),
    ],
)
def test_a_cluster_that_would_compute_otherwise_is_refused(
    hands: ClusterHands, dask: Cluster, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    here = terms.computes_with()
    mine = lambda: here | change  # noqa: E731 - of this side; the workers are asked by name
    monkeypatch.setattr(terms, "_here", mine)
    with pytest.raises(UsageProblem, match=said):
        terms.check(hands._client, dask.address)


def test_a_scheduler_that_is_not_there_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "_PATIENCE", 1.0)
    for address in ("tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:99999999"):
        with pytest.raises(UsageProblem, match="No Dask scheduler answers at") as told:
            ClusterHands(address).start()
        assert "\n" not in str(told.value)


def test_a_worker_that_is_killed_costs_its_part_once_more(
    dask: Cluster, hands: ClusterHands, data: tuple[Path, str], tmp_path: Path
) -> None:
    log, kept = tmp_path / "computed", tmp_path / "kept"
    victim = dask.workers[0]
    below = psutil.Process(victim.pid).children(recursive=True)

    def kill(progress: Any) -> None:
        if victim.poll() is None:
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()

    evidence = perform(at(data, sums(log, 6, pause=0.4)), place_of(hands, data[0], kept), told=kill, kinds=KINDS)
    assert evidence.value == {"value": [7, 8, 11, 16, 23, 32]}
    assert 6 <= len(computed(log)) <= 8, "at most what it was at, and what nobody had fetched yet, is computed again"
    wait_until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in below))
    dask.workers[0] = dask.worker(2)  # one that joins later is used, too
    wait_until(lambda: len(hands._client.nthreads()) == 2, 120)
    assert perform(at(data, sums(tmp_path / "later", 4, pause=0.2)), place_of(hands, data[0]), kinds=KINDS).ok


def test_a_part_that_the_scheduler_lets_go_of_is_asked_for_again(
    hands: ClusterHands, data: tuple[Path, str], tmp_path: Path
) -> None:
    dropped: list[str] = []

    def drop(progress: Any) -> None:
        if not dropped:
            dropped.extend(hands._client.run_on_scheduler(under_way))
            hands._client.cancel([Future(key, hands._client) for key in dropped], force=True)

    evidence = perform(at(data, sums(tmp_path / "computed", 4, pause=0.4)), place_of(hands, data[0]), told=drop,
                       kinds=KINDS)  # fmt: skip
    assert dropped
    assert evidence.value == {"value": [7, 8, 11, 16]}


def under_way(dask_scheduler: Any) -> list[str]:
    return [str(key) for key in dask_scheduler.tasks if str(key).startswith("rungwise-")]


# -- networks ----------------------------------------------------------------------------------------------------------

networks = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)


def network(data: tuple[Path, str], epochs: int, folds: int) -> Trial:
    model = {"name": "net_small", "settings": {"epochs": epochs, "patience": epochs, "batch": 64}}
    return Trial("cross_validate", {"recipe": recipe(), "model": model, "folds": folds}, data[1])


@networks
def test_a_network_comes_to_the_same_figures_and_tells_of_its_epochs(
    hands: ClusterHands, data: tuple[Path, str], tmp_path: Path
) -> None:
    epochs: list[int] = []

    def told(progress: Progress) -> None:
        epochs.append(int(progress.point.get("epoch", 0)))

    trial = network(data, 800, 2)  # long enough to be told of: word comes every half second
    there = perform(trial, place_of(hands, data[0], tmp_path / "kept"), told=told)
    here = perform(trial, place_of(None, data[0]))
    assert there.ok, there.error
    assert there.value["scores"] == here.value["scores"]
    assert there.value["net"]["curve"] == here.value["net"]["curve"]
    assert max(epochs) > 1


@networks
def test_a_training_goes_on_on_another_worker_and_a_person_may_end_it(
    dask: Cluster, hands: ClusterHands, data: tuple[Path, str], tmp_path: Path
) -> None:
    kept, points, found, wishes = tmp_path / "kept", [], [], [""]
    trial = network(data, 100_000, 1)

    def run() -> None:
        place = place_of(hands, data[0], kept)
        found.append(perform(trial, place, told=points.append, wished=lambda: wishes[0]))  # type: ignore[arg-type]

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    names: list[str] = []

    def is_kept() -> bool:
        names[:] = [n for n in hands._client.run_on_scheduler(variables) if n.startswith("rungwise-")]
        return bool(names)

    wait_until(is_kept, 200)
    busy = next(worker for worker, tasks in hands._client.processing().items() if tasks)
    pid = hands._client.run(os.getpid, workers=[busy])[busy]
    victim = next(i for i, process in enumerate(dask.workers) if process.pid == pid)
    os.kill(pid, signal.SIGKILL)
    dask.workers[victim].wait()
    before = len(points)
    wait_until(lambda: len(points) > before + 20, 200)
    wishes[0] = "enough"
    thread.join(240)
    net = found[0].value["net"]
    assert net["ended"] == "enough"
    assert net["remarks"][0].startswith("Taken up after epoch ")
    assert len(net["curve"]) == net["epochs"] + 1, "the curve is whole"
    wait_until(lambda: not [n for n in hands._client.run_on_scheduler(variables) if n in names])
    dask.workers[victim] = dask.worker(3 + victim)
    wait_until(lambda: len(hands._client.nthreads()) == 2, 120)


def variables(dask_scheduler: Any) -> list[str]:
    """Of the scheduler, those that hold something."""
    kept = dask_scheduler.extensions["variables"].variables
    return [str(name) for name, value in kept.items() if value.get("value")]


@networks
def test_a_training_that_is_broken_off_there_goes_on_here(
    hands: ClusterHands, data: tuple[Path, str], tmp_path: Path
) -> None:
    trial = network(data, 100_000, 1)
    with pytest.raises(Cancelled):
        perform(
            trial, place_of(hands, data[0], tmp_path),
            stopped=lambda: bool([n for n in hands._client.run_on_scheduler(variables) if n.startswith("rungwise-")]),
        )  # fmt: skip
    assert list(tmp_path.glob("*.state"))
    epochs: list[Progress] = []
    again = perform(
        trial, place_of(None, data[0], tmp_path), told=epochs.append, wished=lambda: "enough" if epochs else ""
    )
    assert again.value["net"]["remarks"][0].startswith("Taken up after epoch ")


def test_a_scheduler_that_goes_away_is_said_and_what_is_finished_is_kept(
    dask: Cluster, hands: ClusterHands, data: tuple[Path, str], tmp_path: Path
) -> None:
    """The last test: nothing is left of the cluster."""
    log, kept = tmp_path / "computed", tmp_path / "kept"

    def kill(progress: Any) -> None:
        dask.scheduler.kill()

    trial = at(data, sums(log, 4, pause=1.0))
    with pytest.raises(RungwiseError, match=rf"Sums: the scheduler at {dask.address} went away"):
        perform(trial, place_of(hands, data[0], kept), told=kill, kinds=KINDS)
    for worker in dask.workers:
        below = psutil.Process(worker.pid).children(recursive=True)
        worker.kill()
        worker.wait()
        wait_until(
            lambda below=below: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in below), 30
        )
    before = len(computed(log))
    assert perform(trial, place_of(None, data[0], kept), kinds=KINDS).ok
    assert len(computed(log)) - before <= 3
