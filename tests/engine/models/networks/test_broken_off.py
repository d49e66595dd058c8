"""A training that is broken off goes on where it was, to the bit; one that a person has seen enough of keeps its best;
one that finds no room takes smaller batches, then the CPU."""

import numpy as np
import pytest

from engine.errors import Cancelled, Enough
from engine.models.networks import training
from engine.models.networks.backend import HOW_TO_ADD, installed, load_torch
from engine.models.networks.inputs import plain_layout
from engine.models.networks.losses import Loss
from engine.models.networks.spec import declared
from tests.engine.models.networks.test_training import network, rows

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)


class Listener:
    """Hears of each epoch, and raises at one of them; keeps what is saved, as a store would."""

    def __init__(self, at=0, raises=Cancelled):
        self.at, self.raises, self.epochs = at, raises, []
        self.content = None
        self.saved = self

    def __call__(self, progress):
        if progress.point:
            self.epochs.append(progress.step)
            if progress.step == self.at:
                raise self.raises("so far")

    def load(self):
        return self.content

    def save(self, content):
        self.content = content

    def drop(self):
        self.content = None


@pytest.fixture
def every_epoch(monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)


@pytest.mark.usefixtures("every_epoch")
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_goes_on_where_it_was_to_the_bit(schedule):
    X, y, _ = rows()
    whole = network(seed=3, schedule=schedule).fit(X, y)
    broken = Listener(at=7)
    with pytest.raises(Cancelled):
        network(seed=3, schedule=schedule, report=broken).fit(X, y)
    assert broken.content
    again = Listener()
    again.content = broken.content
    model = network(seed=3, schedule=schedule, report=again).fit(X, y)
    assert again.epochs == list(range(1, model.trained_["epochs"] + 1)), "those before are told again, once"
    assert np.array_equal(model.predict_proba(X), whole.predict_proba(X))
    assert model.trained_["curve"] == whole.trained_["curve"]
    assert model.trained_["remarks"] == ["Taken up after epoch 7, where it had been broken off."]
    assert again.content is None, "nothing is left behind"


@pytest.mark.usefixtures("every_epoch")
def test_one_that_was_seen_enough_of_before_it_is_taken_up_keeps_its_best():
    X, y, _ = rows()
    broken = Listener(at=7)
    with pytest.raises(Cancelled):
        network(seed=3, report=broken).fit(X, y)
    again = Listener(at=4, raises=Enough)
    again.content = broken.content
    model = network(seed=3, report=again).fit(X, y)
    assert (again.epochs, model.trained_["ended"], model.trained_["epochs"]) == ([1, 2, 3, 4], "enough", 7)
    curve = [point["validation loss"] for point in model.trained_["curve"]]
    assert model.trained_["best_epoch"] == int(np.argmin(curve))


@pytest.mark.usefixtures("every_epoch")
@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short"])
def test_a_state_that_cannot_be_read_is_none(content):
    X, y, _ = rows()
    listener = Listener()
    listener.content = content
    model = network(seed=3, report=listener).fit(X, y)
    assert listener.epochs[0] == 1
    assert model.trained_["remarks"] == []


@pytest.mark.usefixtures("every_epoch")
def test_the_state_of_another_training_is_none():
    """Fewer rows than it was saved with: it is not the same training."""
    X, y, _ = rows()
    broken = Listener(at=5)
    with pytest.raises(Cancelled):
        network(report=broken).fit(X, y)
    again = Listener()
    again.content = broken.content
    network(report=again).fit(X[:400], y[:400])
    assert again.epochs[0] == 1


def test_enough_keeps_the_best_so_far():
    X, y, _ = rows()
    model = network(epochs=40, patience=40, report=Listener(at=9, raises=Enough)).fit(X, y)
    assert (model.trained_["ended"], model.trained_["epochs"]) == ("enough", 9)
    curve = [point["validation loss"] for point in model.trained_["curve"]]
    assert model.trained_["best_epoch"] == int(np.argmin(curve)) <= 9
    assert curve == [p["validation loss"] for p in network(epochs=9, patience=40).fit(X, y).trained_["curve"]]


# -- no room -----------------------------------------------------------------------------------------------------------


class Room:
    """A device that is not here, at the door where devices are asked for: what is to run there runs on the CPU, in
    steps that have room for so many rows.  problem: what a step that has no room raises."""

    def __init__(self, monkeypatch, room, problem=None):
        self.room, self.tried, self.asked = room, [], "cpu"
        self.problem = problem or load_torch().OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        on_device = training.on_device

        def found(device):
            self.asked = device
            return on_device("cpu")

        monkeypatch.setattr(training, "on_device", found)

    def hold(self, net):
        """Have the steps of a network fail where they find no room, after they left something behind."""
        torch, forward = load_torch(), net.forward

        def limited(x, beside=None):
            if net.training:
                if (self.asked, len(x)) not in self.tried[-1:]:
                    self.tried.append((self.asked, len(x)))
                if len(x) > self.room.get(self.asked, 10**9):
                    with torch.no_grad():
                        for weight in net.parameters():
                            weight.add_(1.0)
                    raise self.problem
            return forward(x, beside)

        net.forward = limited


def trained(device, batch=64, room=None):
    from dataclasses import replace

    from engine.models.networks.modules import untrained

    X, y, _ = rows()
    net, loss, layout = declared("net_small"), Loss("cross_entropy"), plain_layout(6)
    how = replace(net.training, device=device, batch=batch, epochs=3, drop_last=True)
    made = untrained(net, loss, layout.inputs, 2, y, 0)
    if room is not None:
        room.hold(made)
    return training.train(made, loss, layout.tensors(X[:512]), y[:512], layout.tensors(X[512:]), y[512:], how, seed=0)


def test_out_of_memory_takes_a_smaller_batch_and_says_so(monkeypatch):
    room = Room(monkeypatch, {"cuda": 16})
    found = trained("cuda", room=room)
    assert room.tried == [("cuda", 64), ("cuda", 32), ("cuda", 16)]
    assert found.batch == 16
    assert found.remarks == [f"The GPU ran out of memory; trained with {rows} rows a step." for rows in (32, 16)]
    assert found.curve == trained("cpu", 16).curve, "it began anew from its first weights"


def test_a_device_without_room_for_any_batch_is_left_for_the_cpu(monkeypatch):
    room = Room(monkeypatch, {"cuda": 0})
    found = trained("cuda", room=room)
    assert room.tried[-1] == ("cpu", 64)
    assert found.remarks[-1] == "The GPU had no room even for 8 rows a step; the CPU was taken."
    assert found.curve == trained("cpu").curve


def test_apples_device_says_it_in_words_only(monkeypatch):
    words = RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB, max allowed: 9.07 GB).")
    room = Room(monkeypatch, {"mps": 32}, words)
    assert trained("mps", room=room).remarks == ["The GPU ran out of memory; trained with 32 rows a step."]


def test_no_room_anywhere_is_said(monkeypatch):
    with pytest.raises(MemoryError, match="do not fit in memory"):
        trained("cpu", room=Room(monkeypatch, {"cpu": 0}))


def test_another_error_of_the_device_is_no_lack_of_room(monkeypatch):
    with pytest.raises(RuntimeError, match="device-side"):
        trained("cuda", room=Room(monkeypatch, {"cuda": 0}, RuntimeError("device-side assert triggered")))
