"""The races of `bench_training` are fair, and what it does on a GPU works as far as a machine without one can tell."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.models.networks.backend import HOW_TO_ADD, installed, load_torch
from tests.benchmarks import bench_training as bench

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HELD": 60, "EPOCHS": 1, "ROUNDS": 1, "BATCH": 64, "WATCHED": 0.0}.items():
        monkeypatch.setattr(bench, name, value)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", list(bench.RACES))
def test_both_train_the_same_network(name: str) -> None:
    race = replace(bench.RACES[name], rows=200)
    x, y = race.drawn()
    torch = load_torch()
    by_hand = race.by_hand(torch)
    assert sum(w.numel() for w in by_hand.parameters()) == race.network.count(race.inputs, race.outputs).parameters
    assert by_hand(torch.from_numpy(x[:3])).shape == (3, race.outputs)
    found = bench.measure(race)
    assert {"ours", "plain torch", "plain torch, fused", "ratio"} <= found.keys()
    assert ("keras fit" in found) is (name != "series"), "Keras has no causal form of it"
    assert all(v > 0 for v in found.values())
    assert len(x) == len(y) == 260


class Gpu:
    """A card that is not here: what is to run on it runs on the CPU, in the precision that was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from engine.models.networks import training

        torch, self.asked = load_torch(), []

        def found(device: str) -> tuple[object, str]:
            self.asked.append(device)
            return torch, "cpu"

        monkeypatch.setattr(training, "on_device", found)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid="0-1"))


@pytest.mark.usefixtures("short")
def test_what_is_told_of_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpu, asked = Gpu(monkeypatch), tmp_path / "asked"
    program = tmp_path / "nvidia-smi"
    program.write_text(f'#!/bin/sh\necho "$@" > {asked}\nprintf "40\\n60\\n[N/A]\\n"\nexec sleep 5\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(bench, "WATCHED", 0.3)
    found = bench.on_gpu(replace(bench.RACES["table"], rows=200))
    assert set(gpu.asked) == {"cuda"}
    assert found["utilisation"] == pytest.approx(0.5)
    assert found["rows a second"] > 0 < found["bf16"]
    assert asked.read_text().split()[-1] == "--id=GPU-0-1"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with bench.utilisation() as shares:
        pass
    assert shares == [], "without the program nothing is told"


def test_the_crossover_is_where_the_gpu_stays_faster() -> None:
    def probed(params, _):
        width = params["model"]["settings"]["widths"][0]
        cpu, gpu = width / 100, {32: 0.1, 64: 0.9}.get(width, 1.5)  # the first a fluke
        narrow = {"ms_per_step": gpu / 3, "ms_of_float32": gpu} if width > 500 else {"ms_per_step": gpu}
        return {"parameters": width, "timings": [{"device": "cpu", "ms_per_step": cpu}, {"device": "cuda", **narrow}]}

    rows, first = bench.crossover(probed)
    assert [row[0] for row in rows] == list(bench.WIDTHS)
    assert first == 256, "at 128 it takes 1.5 ms against 1.28"
    never = bench.crossover(lambda p, _: {**probed(p, _), "timings": [{"device": "cpu", "ms_per_step": 1.0}]})
    assert never == ([], None)


def test_the_crossover_asks_the_real_probe_for_nets_that_it_can_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.device import probe

    monkeypatch.setattr(bench, "WIDTHS", (8,))
    seen = []
    bench.crossover(lambda p, ctx: seen.append(probe(p, ctx)) or seen[-1])
    assert seen[0]["parameters"] == 45 * 8 + 8 + 8 * 8 + 8 + 8 * 2 + 2
    assert seen[0]["timings"][0]["device"] == "cpu"
