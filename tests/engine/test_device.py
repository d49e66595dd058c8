"""Which device is taken: the rule on given timings, and the real probe on this machine's processor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.device import choose, memory_needed, probe
from engine.errors import Cancelled, UsageProblem
from engine.models.networks.backend import HOW_TO_ADD, installed

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
