"""A network that trains in a process of its own: paused, ended by a person, and killed in the middle."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from engine.errors import Cancelled
from engine.models.networks import training
from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.ports import Wish
from engine.records import Evidence, Progress, Trial
from engine.runners.again import FreshArtifacts, FreshEvidence
from engine.runners.context import Workplace
from engine.runners.hands import LocalHands
from engine.runners.inline import perform
from engine.runners.kept import KeptParts
from tests.engine.runners.test_hands import wait_until
from tests.engine.runners.test_inline import NoBytes

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)

RECIPE: dict[str, Any] = {
    "read": {"format": "csv", "header": True, "separator": ",", "encoding": "utf-8", "quote": '"', "decimal": "."},
    "target": "y", "task": "binary", "positive": "yes", "types": {"a": "number", "b": "number"}, "marks": {},
    "group": None, "time": None, "keep_together": True, "costs": None, "metric": "roc_auc",
    "split": {"kind": "stratified", "lockbox": 0.2, "seed": 0}, "plan": {"folds": 2, "repeats": 1, "seed": 0},
}  # fmt: skip


class Data:
    def __init__(self, file: Path) -> None:
        self.file = file

    def path(self, fingerprint: str) -> Path:
        return self.file


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    y = np.where(x[:, 0] * x[:, 1] + 0.5 * rng.normal(size=400) > 0, "yes", "no")
    file = tmp_path_factory.mktemp("data") / "rows.csv"
    file.write_text("a,b,y\n" + "".join(f"{a:.4f},{b:.4f},{label}\n" for (a, b), label in zip(x, y, strict=True)))
    return Data(file)


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHands]:
    pair = LocalHands(tmp_path_factory.mktemp("logs"), most=2)
    yield pair
    pair.close()


def trial(epochs: int, folds: int = 2) -> Trial:
    how = {"epochs": epochs, "patience": epochs, "batch": 64}
    params = {"recipe": RECIPE, "model": {"name": "net_small", "settings": how}, "folds": folds}
    return Trial("cross_validate", params, "data", label="Small net")


class Person:
    """Watches a trial that runs in a thread, and says what is wanted of it."""

    def __init__(self, what: Trial, data: Data, hands: LocalHands | None, kept: Path) -> None:
        self.wish: Wish = ""
        self.points: list[Progress] = []
        self.found: Evidence | None = None
        place = Workplace(FreshEvidence(), FreshArtifacts(NoBytes()), data, None, KeptParts(kept), hands)

        def told(progress: Progress) -> None:
            if "epoch" in progress.point:
                self.points.append(progress)

        def run() -> None:
            self.found = perform(what, place, told=told, wished=lambda: self.wish)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def is_still(self) -> bool:
        before = len(self.points)
        time.sleep(0.7)
        return len(self.points) == before

    def through(self) -> Evidence:
        self.thread.join(240)
        assert self.found is not None
        assert self.found.ok, self.found.error
        return self.found


def figures(found: Evidence) -> Any:
    net = {k: v for k, v in found.value["net"].items() if k not in ("seconds", "rows_per_second", "remarks")}
    return found.value["scores"], net


@pytest.fixture(params=["side by side", "alone"])
def whose(request: pytest.FixtureRequest, hands: LocalHands) -> LocalHands | None:
    return hands if request.param == "side by side" else None


def test_paused_it_waits_and_goes_on_to_the_same_figures(whose: LocalHands | None, data: Data, tmp_path: Path) -> None:
    person = Person(trial(200), data, whose, tmp_path / "a")
    wait_until(lambda: person.points)
    person.wish = "pause"
    wait_until(person.is_still)  # the wish is heard at an epoch's end
    before = len(person.points)
    time.sleep(0.7)
    assert len(person.points) == before
    assert person.found is None
    person.wish = ""
    paused = person.through()
    assert figures(paused) == figures(Person(trial(200), data, whose, tmp_path / "b").through())


def test_enough_ends_every_training_and_keeps_its_best(whose: LocalHands | None, data: Data, tmp_path: Path) -> None:
    person = Person(trial(100_000), data, whose, tmp_path / "kept")
    wait_until(lambda: len(person.points) >= 3)
    person.wish = "enough"
    net = person.through().value["net"]
    assert net["ended_by_person"] == 2
    assert net["ended"] == "enough"
    assert 3 <= max(net["epochs_per_fold"]) < 20_000
    assert not list((tmp_path / "kept").glob("*")), "what was cut short is no part of another trial"


def test_killed_in_the_middle_it_goes_on_from_its_last_epoch(hands: LocalHands, data: Data, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    person = Person(trial(100_000, 1), data, hands, kept)
    wait_until(lambda: list(kept.glob("*.state")))
    assert hands.nursery is not None
    busiest = max(psutil.Process(hands.nursery.process.pid).children(), key=lambda child: child.cpu_times().user)
    os.kill(busiest.pid, signal.SIGKILL)
    before = len(person.points)
    wait_until(lambda: len(person.points) > before + 5 and person.points[-1].step > before / 2)
    person.wish = "enough"
    found = person.through()
    taken_up = re.match(r"Taken up after epoch (\d+),", found.value["net"]["remarks"][0])
    assert taken_up is not None
    assert int(taken_up[1]) > before / 2, "it did not begin anew"
    assert len(found.value["net"]["curve"]) == found.value["net"]["epochs"] + 1, "the curve is whole"
    assert not list(kept.glob("*.state"))


# -- the model that leaves ---------------------------------------------------------------------------------------------


def leaving(kind: str, model: dict[str, Any] | None = None) -> Trial:
    """The final exam, or the fit of the model that leaves."""
    how = {"epochs": 40, "patience": 40, "batch": 64}
    return Trial(kind, {"recipe": RECIPE, "model": model or {"name": "net_small", "settings": how}}, "data")


def take(what: Trial, data: Data, kept: Path, told: Callable[[Progress], None], wish: Wish = "") -> Evidence:
    place = Workplace(FreshEvidence(), FreshArtifacts(NoBytes()), data, None, KeptParts(kept))
    return perform(what, place, told=told, wished=lambda: wish)


def take_and_die(what: Trial, data: Data, kept: Path, epoch: int) -> None:
    """In a process of its own, which is killed in the middle, as the system does when memory runs out."""

    def told(progress: Progress) -> None:
        if progress.point.get("epoch") == epoch:
            os.kill(os.getpid(), signal.SIGKILL)

    training.SAVE_EVERY = 0.0
    take(what, data, kept, told)


def test_the_model_that_leaves_goes_on_from_its_last_epoch_to_the_bit(data: Data, tmp_path: Path) -> None:
    what = leaving("final")
    worker = multiprocessing.get_context("spawn").Process(target=take_and_die, args=(what, data, tmp_path / "kept", 25))
    worker.start()
    worker.join(240)
    assert worker.exitcode == -signal.SIGKILL
    assert len(list((tmp_path / "kept").glob("*.state"))) == 1
    epochs: list[int] = []

    def told(progress: Progress) -> None:
        if "epoch" in progress.point:
            epochs.append(progress.step)

    again = take(what, data, tmp_path / "kept", told)
    assert epochs == list(range(1, 41)), "the first 25 had been trained, and are told again"
    whole = take(what, data, tmp_path / "whole", lambda progress: None)
    assert again.value["artifact"] == whole.value["artifact"]
    assert again.value["remarks"] == ["Taken up after epoch 25, where it had been broken off."]
    assert not list((tmp_path / "kept").glob("*.state"))


@pytest.mark.parametrize("kind", ["final", "lockbox"])
def test_a_person_may_end_the_fit_of_the_model_that_leaves(kind: str, data: Data, tmp_path: Path) -> None:
    epochs: list[int] = []

    def told(progress: Progress) -> None:
        if "epoch" in progress.point:
            epochs.append(progress.step)

    found = take(leaving(kind), data, tmp_path / "kept", told, wish="enough")
    assert found.value["ended_by_person"] == 1
    assert max(epochs) == 1
    assert not list((tmp_path / "kept").glob("*.state"))


def test_a_blend_of_networks_takes_up_the_training_that_was_broken_off_and_no_other(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trainings share one place: the first must not go on where the second was."""
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    how = {"epochs": 30, "patience": 30, "batch": 64}
    two = [{"name": "net_small", "settings": {**how, "learning_rate": rate}} for rate in (0.001, 0.004)]
    what = leaving("final", {"name": "average", "settings": {"of": two}})
    seen: list[int] = []

    def told(progress: Progress) -> None:
        if "epoch" in progress.point:
            seen.append(progress.step)
            if len(seen) == 45:
                raise Cancelled("in the middle of the second")

    with pytest.raises(Cancelled):
        take(what, data, tmp_path / "kept", told)
    again = take(what, data, tmp_path / "kept", lambda progress: None)
    whole = take(what, data, tmp_path / "whole", lambda progress: None)
    assert again.value["artifact"] == whole.value["artifact"]
