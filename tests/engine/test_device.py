"""Which device is taken: the rule on given timings, and the real probe on this machine's processor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.device import choose, memory_needed, probe
from engine.errors import Cancelled, RungwiseError, UsageProblem
from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.models.networks.spec import declared

needs_networks = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)


def timing(device, ms, name=""):
    return {"device": device, "name": name or device, "ms_per_step": ms}


class Listener:
    """What the probe may use: it keeps what it is told."""

    seed = 0

    def __init__(self, stop=False):
        self.told = []
        self.stop = stop

    def report(self, progress):
        self.told.append(progress)
        if self.stop:
            raise Cancelled("stopped")


def test_no_gpu():
    assert choose([timing("cpu", 1.2)]) == ("cpu", "CPU: 1.2 ms a step; no GPU was found on this machine.")


def test_the_faster_one_is_taken():
    device, why = choose([timing("cpu", 12.0), timing("cuda", 3.0)])
    assert device == "cuda"
    assert why == "GPU: 3 ms a step against CPU: 12 ms: 4.0 times as fast."
    device, why = choose([timing("cpu", 0.4), timing("cuda", 1.0)])
    assert (device, why) == ("cpu", "CPU: 0.4 ms a step against GPU: 1 ms: 2.5 times as fast.")


def test_within_a_tenth_it_is_the_cpu():
    device, why = choose([timing("cuda", 1.0), timing("cpu", 1.1)])
    assert device == "cpu"
    assert "less than 10% between them" in why
    assert choose([timing("cuda", 1.0), timing("cpu", 1.11)])[0] == "cuda"


def test_what_was_left_out_is_said():
    out = [{"device": "cuda", "name": "Small GPU", "reason": "it ran out of memory in a training step"}]
    device, why = choose([timing("cpu", 2.0)], out)
    assert device == "cpu"
    assert why == "CPU: 2 ms a step. Small GPU was left out: it ran out of memory in a training step."
    assert choose([], out)[0] == "cpu"


@given(st.dictionaries(st.sampled_from(["cpu", "cuda", "mps"]), st.floats(1e-3, 1e4), min_size=1))
def test_never_more_than_a_tenth_slower_than_the_fastest(by_device):
    device, why = choose([timing(key, ms) for key, ms in by_device.items()])
    assert by_device[device] <= 1.1 * min(by_device.values()) * (1 + 1e-12)
    assert why.endswith(".")
    assert "\n" not in why


def test_memory_grows_with_the_network_and_the_batch():
    assert memory_needed(1000, 0, 0, 1) == 16_000  # weights, gradients and two moments of 4 bytes
    assert memory_needed(1000, 50, 10, 200) == 16_000 + 200 * 110 * 4


@needs_networks
def test_probe_times_this_network_on_this_machine():
    ctx = Listener()
    found = probe({"model": {"name": "net_small"}, "features": 20, "outputs": 2, "batch": 128}, ctx)
    assert found["chosen"] in {t["device"] for t in found["timings"]}
    assert found["timings"][0]["device"] == "cpu"
    assert 0 < found["timings"][0]["ms_per_step"] < 1000
    assert found["timings"][0]["name"]
    assert found["parameters"] == 20 * 64 + 64 + 64 * 32 + 32 + 66
    assert set(found["versions"]) == {"torch", "keras"}
    assert ctx.told


@needs_networks
def test_probe_leaves_out_what_does_not_fit_in_memory():
    found = probe({"model": {"name": "net_small"}, "features": 10**9, "outputs": 2, "batch": 1024}, Listener())
    assert found["timings"] == []
    assert found["chosen"] == "cpu"
    assert "MB are free" in found["why"]


@needs_networks
def test_probe_can_be_cancelled_and_refuses_what_does_not_exist():
    params = {"model": {"name": "net_small"}, "features": 4, "outputs": 2, "rows": 300}
    with pytest.raises(Cancelled):
        probe(params, Listener(stop=True))
    with pytest.raises(UsageProblem, match="no network called"):
        probe(params | {"model": {"name": "net_huge"}}, Listener())


# -- graphics cards that are not here ----------------------------------------------------------------------------------


@pytest.fixture
def cards(monkeypatch):
    """Three graphics cards, of which the second has most free memory; steps take what is written down for them."""
    from engine import device
    from engine.models.networks.backend import load_torch

    cuda = load_torch().cuda
    free = [2 << 30, 9 << 30, 4 << 30]
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "device_count", lambda: 3)
    monkeypatch.setattr(cuda, "get_device_name", lambda i: f"Card {i}")
    monkeypatch.setattr(cuda, "mem_get_info", lambda i=0: (free[int(str(i).rpartition(":")[2])], 16 << 30))
    took = {"cpu": 12.0, "cuda": 3.0, "bf16": 3.0}
    room = {"cuda": 10**9}
    asked = []

    def timed(where, network, loss, inputs, outputs, batch, ctx):
        asked.append((where, batch, network.training.precision))
        kind = where.partition(":")[0]
        if batch > room.get(kind, 10**9):
            raise load_torch().OutOfMemoryError("CUDA out of memory.")
        return took["bf16"] if network.training.precision == "bf16" else took[kind]

    monkeypatch.setattr(device, "_time", timed)
    return free, took, room, asked


PROBE = {"model": {"name": "net_small"}, "features": 20, "outputs": 2, "batch": 128}


@needs_networks
def test_of_several_cards_the_one_with_most_room_is_timed_and_named(cards):
    _, _, _, asked = cards
    found = probe(PROBE, Listener())
    assert {where for where, _, _ in asked} == {"cpu", "cuda:1"}
    assert found["chosen"] == "cuda"
    assert found["why"] == (
        "GPU: 3 ms a step against CPU: 12 ms: 4.0 times as fast. Of 3 graphics cards number 1 has most free memory."
    )
    assert [card["free_mb"] for card in found["cards"]] == [2048, 9216, 4096]
    assert {t["name"]: t["ms_per_step"] for t in found["timings"]}["Card 1"] == 3.0


@needs_networks
def test_a_training_goes_to_the_card_with_most_room(cards):
    from engine.models.networks.backend import needs_device, on_device

    assert on_device("cuda")[1] == "cuda:1"
    assert on_device("cpu")[1] == "cpu"
    needs_device("cuda:2")
    with pytest.raises(RungwiseError, match="measure the devices again"):
        needs_device("cuda:3")


@needs_networks
@pytest.mark.usefixtures("cards")
def test_of_several_cards_the_one_that_works_is_waited_for_and_gets_its_draws_back(monkeypatch):
    from contextlib import nullcontext

    from engine.device import _waits
    from engine.models.networks.backend import load_torch, reproducible

    torch, waited, forked = load_torch(), [], []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: forked.append(devices) or nullcontext())
    _waits("cuda:1")()
    _waits("cpu")()
    for device in ("cuda:1", "cuda", "cpu"):
        with reproducible(0, 1, device):
            pass
    assert (waited, forked) == (["cuda:1"], [[1], [0], []])


@needs_networks
def test_a_card_that_is_slower_is_left(cards):
    cards[1].update(cpu=0.5, cuda=1.0)
    found = probe(PROBE, Listener())
    assert (found["chosen"], found["precision"]) == ("cpu", "float32")
    assert found["why"].startswith("CPU: 0.5 ms a step against GPU: 1 ms: 2.0 times as fast.")


@needs_networks
def test_half_precision_where_it_is_a_third_faster(cards):
    cards[1]["bf16"] = 2.0
    found = probe(PROBE, Listener())
    assert found["precision"] == "bf16"
    assert (
        "In bf16 a step is 1.5 times as fast as in float32; kept only where the score does not fall." in (found["why"])
    )
    cards[1]["bf16"] = 2.6
    assert probe(PROBE, Listener())["precision"] == "float32"


@needs_networks
def test_a_card_without_room_is_timed_with_a_smaller_batch_or_left_out(cards):
    cards[2]["cuda"] = 32
    found = probe(PROBE, Listener())
    assert (found["chosen"], found["batch"]) == ("cuda", 32)
    assert "It has room for 32 rows a step, not for 128." in found["why"]
    cards[2]["cuda"] = 0
    found = probe(PROBE, Listener())
    assert found["chosen"] == "cpu"
    assert found["why"] == "CPU: 12 ms a step. Card 1 was left out: it ran out of memory in a training step."


@needs_networks
def test_memory_is_looked_at_before_a_step_is_tried(cards):
    free, _, _, asked = cards
    counted = declared("net_small").count(20, 2)
    need = [memory_needed(counted.parameters, counted.activations, 20, batch) for batch in (32, 64)]
    free[:] = [0, (need[0] + need[1]) // 2, 0]  # for 32 rows a step, and not for 64
    found = probe(PROBE, Listener())
    assert {batch for where, batch, _ in asked if where == "cuda:1"} == {32}
    assert (found["chosen"], found["batch"]) == ("cuda", 32)
    assert "It has room for 32 rows a step, not for 128." in found["why"]
    asked.clear()
    free[1] = 1_000
    found = probe(PROBE, Listener())
    assert found["chosen"] == "cpu"
    assert not [where for where, _, _ in asked if where != "cpu"], "no step was tried where none can fit"
    assert "Card 1 was left out: a step needs 0.066 MB, and 0.00095 MB are free." in found["why"]


@needs_networks
def test_apples_device_is_found_with_the_memory_it_may_use(monkeypatch):
    from engine import device
    from engine.models.networks.backend import load_torch, needs_device

    torch = load_torch()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 12 << 30)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 2 << 30)
    assert [(d.key, d.label) for d in device.found()] == [("cpu", "CPU"), ("mps", "GPU")]
    assert device.found()[1].free == 10 << 30
    needs_device("mps")
    took = {"cpu": 5.0, "mps": 1.0}
    monkeypatch.setattr(device, "_time", lambda where, *rest: took[where])
    found = probe(PROBE, Listener())
    assert (found["chosen"], found["precision"], found["cards"]) == ("mps", "float32", [])
    assert found["why"] == "GPU: 1 ms a step against CPU: 5 ms: 5.0 times as fast."


@needs_networks
def test_where_a_device_has_no_deterministic_way_it_goes_on_and_warns():
    from engine.models.networks.backend import reproducible

    with reproducible(3, 1, "mps") as torch:
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


@needs_networks
def test_what_must_repeat_runs_in_deterministic_mode():
    import os

    from engine.models.networks.backend import reproducible

    with reproducible(3, 1, "cpu") as torch:
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.get_num_threads() == 1
        drawn = torch.rand(4)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    with reproducible(3, 1, "cpu") as torch:
        assert torch.equal(torch.rand(4), drawn)
