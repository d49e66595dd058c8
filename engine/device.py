"""CPU or GPU: what is there, what a training step takes on each, and which one is taken (`deep.device`).

Torch and Keras are imported only where a network is timed; finding out that they are missing costs nothing.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.records import Json, Progress
from engine.trials import Context

WARM_UPS, STEPS = 5, 30
CLOSE = 0.10  # a GPU that is less than this much faster is not worth leaving the CPU for
BYTES = 4  # float32
STATES = 4  # of each parameter: itself, its gradient, and AdamW's two moments


@dataclass(frozen=True)
class Device:
    """Somewhere a network can train.  key: cpu, cuda or mps.  free: bytes of memory; None where it cannot be told."""

    key: str
    name: str
    free: int | None = None

    @property
    def label(self) -> str:
        return {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}.get(self.key, self.key)


def found() -> list[Device]:
    """The devices of this machine, CPU first.  Raises NoNetworks where torch is missing."""
    import psutil

    from engine.models.networks.backend import load_torch

    torch = load_torch()
    devices = [Device("cpu", _cpu_name(), psutil.virtual_memory().available)]
    if torch.cuda.is_available():
        devices.append(Device("cuda", torch.cuda.get_device_name(), torch.cuda.mem_get_info()[0]))
    if torch.backends.mps.is_available():
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        devices.append(Device("mps", f"{platform.machine()} graphics", free))
    return devices


def choose(timings: Sequence[Mapping[str, Json]], excluded: Sequence[Mapping[str, Json]] = ()) -> tuple[str, str]:
    """The device to train on and, in words for the journal, why.

    timings: {"device", "name", "ms_per_step"} of each that was timed, the CPU among them or not; excluded: {"device",
    "name", "reason"}.  The fastest is taken, and the CPU if it is at most 10 % slower.
    """
    by_time = sorted(timings, key=lambda t: (t["ms_per_step"], t["device"] != "cpu"))
    if not by_time:
        reasons = "; ".join(f"{e['name']}: {e['reason']}" for e in excluded)
        return "cpu", f"CPU, because nothing could be timed: {reasons or 'no device was found'}."
    fastest = by_time[0]
    cpu = next((t for t in timings if t["device"] == "cpu"), None)
    near = cpu is not None and cpu["ms_per_step"] <= (1 + CLOSE) * fastest["ms_per_step"]
    taken = cpu if near and cpu is not None else fastest
    out = "".join(f" {e['name']} was left out: {e['reason']}." for e in excluded)
    gpus = [t for t in timings if t["device"] != "cpu"]
    said = f"{_said(taken)} a step"
    if taken is cpu and not gpus:
        rest = "" if excluded else " no GPU was found on this machine."
        return "cpu", f"{said};{rest}" if rest else f"{said}.{out}"
    others = ", ".join(_said(t) for t in by_time if t is not taken)
    if not others:
        return taken["device"], f"{said}.{out}"
    if taken is not fastest:
        return "cpu", f"{said}, {others}: less than 10% between them, so the CPU, which every machine has.{out}"
    times = next(t["ms_per_step"] for t in by_time if t is not taken) / max(taken["ms_per_step"], 1e-9)
    return taken["device"], f"{said} against {others}: {times:.1f} times as fast.{out}"


def memory_needed(parameters: int, activations: int, features: int, batch: int) -> int:
    """Bytes that one training step needs: parameters, gradient, optimiser state, the batch and what it leaves behind.

    activations: numbers that one row leaves at all layers (engine.counts); its gradients are as many again.
    """
    return BYTES * (STATES * parameters + batch * (features + 2 * activations))


def probe(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: time training steps of this very network on each device.

    params: model {"name", "settings"}, features, outputs, batch (or rows, from which it follows), task and metric.
    Returns {"timings": [{"device", "name", "ms_per_step"}], "excluded": [{"device", "name", "reason"}], "chosen",
    "why", "batch", "parameters", "versions"}.  Raises NoNetworks, UsageProblem, Cancelled.
    """
    from engine.models.networks.backend import versions
    from engine.models.networks.losses import proper_loss
    from engine.models.networks.spec import batch_size, declared
    from engine.models.networks.spec import outputs as outputs_of

    model = params["model"]
    network = declared(model["name"], model.get("settings"))
    features = int(params["features"])
    recipe = params.get("recipe") or {}
    task = recipe.get("task") or ("multiclass" if int(params["outputs"]) > 1 else "regression")
    outputs = outputs_of(task, int(params["outputs"]))
    loss = proper_loss(task, recipe.get("metric", ""), recipe.get("costs"))
    batch = int(params.get("batch") or batch_size(int(params.get("rows") or 1024), network.training.batch))
    counted = network.count(features, outputs)
    need = memory_needed(counted.parameters, counted.activations, features, batch)

    timings: list[dict[str, Json]] = []
    excluded: list[dict[str, Json]] = []
    devices = found()
    for i, device in enumerate(devices):
        ctx.report(Progress(i, len(devices), "device", f"timing {STEPS} steps on {device.name}"))
        if device.free is not None and need > device.free:
            reason = f"a step needs {need / 2**20:,.0f} MB, and {device.free / 2**20:,.0f} MB are free"
            excluded.append({"device": device.key, "name": device.name, "reason": reason})
            continue
        try:
            ms = _time(device.key, network, loss, features, outputs, batch, ctx.seed)
        except RuntimeError as problem:  # torch's out of memory is one; a driver that does not fit another
            excluded.append({"device": device.key, "name": device.name, "reason": _in_words(problem)})
            continue
        timings.append({"device": device.key, "name": device.name, "ms_per_step": round(ms, 4)})
    chosen, why = choose(timings, excluded)
    return {
        "timings": timings,
        "excluded": excluded,
        "chosen": chosen,
        "why": why,
        "batch": batch,
        "parameters": counted.parameters,
        "versions": versions(),
    }


def _time(device: str, network: Any, loss: Any, features: int, outputs: int, batch: int, seed: int) -> float:
    """Milliseconds of the middle one of 30 steps: rows copied in, forward, backward, update; synchronised each time."""
    import numpy as np

    from engine.models.networks.backend import reproducible
    from engine.models.networks.build import Route, build
    from engine.models.networks.training import optimiser

    rng = np.random.default_rng(seed)
    X = rng.standard_normal((batch, features), dtype=np.float32)
    y = rng.integers(0, outputs, batch) if loss.classes else rng.standard_normal(batch, dtype=np.float32)
    route = Route(build(network, features, outputs, seed, loss))
    with reproducible(seed, network.training.threads, device) as torch:
        weights = route.weights(device)
        adam, compare = optimiser(torch, weights, network.training), loss.function()
        wait = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)
        taken = []
        for _ in range(WARM_UPS + STEPS):
            started = time.perf_counter_ns()
            x, wanted = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
            adam.zero_grad(set_to_none=True)
            compare(route(weights, x, True), wanted).backward()
            adam.step()
            wait()
            taken.append((time.perf_counter_ns() - started) / 1e6)
    return statistics.median(taken[WARM_UPS:])


def _said(timing: Mapping[str, Json]) -> str:
    ms = float(timing["ms_per_step"])
    label = Device(timing["device"], "").label
    return f"{label}: {ms:.2g} ms" if ms < 10 else f"{label}: {ms:,.0f} ms"


def _in_words(problem: RuntimeError) -> str:
    if "out of memory" in str(problem).casefold():
        return "it ran out of memory in a training step"
    return f"a training step failed there ({str(problem).splitlines()[0][:120]})"


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine() or "CPU"
