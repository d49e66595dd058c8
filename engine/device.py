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
FEWEST, LONGEST = 5, 20.0  # steps at least, and seconds after which no more are timed
TERMS = 300  # words of a text that is drawn to time with
CLOSE = 0.10  # a GPU that is less than this much faster is not worth leaving the CPU for
BYTES = 4  # float32
STATES = 4  # of each parameter: itself, its gradient, and AdamW's two moments


@dataclass(frozen=True)
class Device:
    """Somewhere a network can train.  key: cpu, cuda or mps.  free: bytes of memory; None where it cannot be told.
    place: which of several graphics cards."""

    key: str
    name: str
    free: int | None = None
    place: int = 0

    @property
    def label(self) -> str:
        return {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}.get(self.key, self.key)


def found() -> list[Device]:
    """The devices of this machine, CPU first; of several graphics cards the one with most free memory.  Raises
    NoNetworks where torch is missing."""
    import psutil

    from engine.models.networks.backend import load_torch

    torch = load_torch()
    devices = [Device("cpu", _cpu_name(), psutil.virtual_memory().available)]
    if cards := graphics_cards():
        devices.append(max(cards, key=lambda card: (card.free or 0, -card.place)))
    if torch.backends.mps.is_available():
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        devices.append(Device("mps", f"{platform.machine()} graphics", free))
    return devices


def graphics_cards() -> list[Device]:
    """Every CUDA device, in torch's order."""
    from engine.models.networks.backend import load_torch

    torch = load_torch()
    if not torch.cuda.is_available():
        return []
    return [
        Device("cuda", torch.cuda.get_device_name(i), torch.cuda.mem_get_info(i)[0], i)
        for i in range(torch.cuda.device_count())
    ]


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


NARROW = 1.3  # times as fast bf16 must be to be taken
SMALLEST = 8  # rows a step below which a device that is out of memory is left out


def probe(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: time training steps of this very network on each device.

    params: model {"name", "settings"}, features, outputs, batch (or rows, from which it follows), recipe (task and
    metric); inputs (as of the trial *inputs*) where what enters is no plain table.
    Returns {"timings": [{"device", "name", "ms_per_step", "rows_per_second", "precision", "ms_of_bf16"}], "excluded":
    [{"device", "name", "reason"}], "chosen", "why", "batch", "precision", "cards", "parameters", "versions"}.  batch:
    smaller than asked for where the chosen device has no room for it, which `why` says.
    Raises NoNetworks, UsageProblem, Cancelled.
    """
    from engine.models.networks.backend import versions
    from engine.models.networks.layers import Inputs
    from engine.models.networks.losses import loss_for
    from engine.models.networks.spec import batch_size, declared, outputs_for, suited

    model, recipe = params["model"], dict(params.get("recipe") or {})
    recipe["task"] = recipe.get("task") or ("multiclass" if int(params["outputs"]) > 1 else "regression")
    network = suited(declared(model["name"], model.get("settings")), recipe["task"], str(recipe.get("metric", "")))
    given = params.get("inputs")
    inputs = Inputs.from_dict(given) if given else Inputs(network.takes, (int(params["features"]),))
    outputs = outputs_for(network, inputs, recipe["task"], int(params["outputs"]))
    loss = loss_for(network, recipe)
    batch = int(params.get("batch") or batch_size(int(params.get("rows") or 1024), network.training.batch))
    counted = network.count(inputs, outputs)

    timings: list[dict[str, Json]] = []
    excluded: list[dict[str, Json]] = []
    devices = found()
    for i, device in enumerate(devices):
        ctx.report(Progress(i, len(devices), "device", f"timing {STEPS} steps on {device.name}"))
        size, need = batch, memory_needed(counted.parameters, counted.activations, inputs.width, batch)
        while device.free is not None and need > device.free and device.key != "cpu" and size > SMALLEST:
            size //= 2
            need = memory_needed(counted.parameters, counted.activations, inputs.width, size)
        if device.free is not None and need > device.free:
            reason = f"a step needs {_megabytes(need)} MB, and {_megabytes(device.free)} MB are free"
            excluded.append({"device": device.key, "name": device.name, "reason": reason})
            continue
        timed = _timed(device, network, loss, inputs, outputs, size, ctx)
        if isinstance(timed, str):
            excluded.append({"device": device.key, "name": device.name, "reason": timed})
        else:
            timings.append(timed)
    chosen, why = choose(timings, excluded)
    taken = next((t for t in timings if t["device"] == chosen), {})
    size, precision = int(taken.get("batch", batch)), str(taken.get("precision", "float32"))
    if size < batch:
        why += f" It has room for {size:,} rows a step, not for {batch:,}."
    if precision == "bf16":
        times = taken["ms_of_float32"] / max(taken["ms_per_step"], 1e-9)
        why += f" In bf16 a step is {times:.1f} times as fast as in float32; kept only where the score does not fall."
    cards = [c for d in devices if d.key == "cuda" for c in graphics_cards()]
    if len(cards) > 1 and chosen == "cuda":
        picked = next(d for d in devices if d.key == "cuda")
        why += f" Of {len(cards)} graphics cards number {picked.place} has most free memory."
    return {
        "timings": timings,
        "excluded": excluded,
        "chosen": chosen,
        "why": why,
        "batch": size,
        "precision": precision,
        "cards": [{"place": c.place, "name": c.name, "free_mb": round((c.free or 0) / 2**20)} for c in cards],
        "parameters": counted.parameters,
        "versions": versions(),
    }


def _timed(
    device: Device, network: Any, loss: Any, inputs: Any, outputs: int, batch: int, ctx: Context
) -> dict[str, Json] | str:
    """The timing of a device; the reason in words where it has none.  Out of memory: tried with half the batch, but on
    the CPU."""
    from dataclasses import replace

    from engine.models.networks.backend import out_of_memory

    key = device.key if device.key != "cuda" else f"cuda:{device.place}"
    while True:
        try:
            ms = _time(key, network, loss, inputs, outputs, batch, ctx)
            break
        except RuntimeError as problem:  # torch's out of memory is one; a driver that does not fit another
            if out_of_memory(problem) and device.key != "cpu" and batch > SMALLEST:
                batch //= 2
                continue
            return _in_words(problem)
    found: dict[str, Json] = {"device": device.key, "name": device.name, "ms_per_step": round(ms, 4)}
    found |= {"rows_per_second": round(1000 * batch / max(ms, 1e-9)), "batch": batch, "precision": "float32"}
    if device.key == "cuda":  # elsewhere nothing is gained
        narrow = replace(network, training=replace(network.training, precision="bf16"))
        try:
            less = _time(key, narrow, loss, inputs, outputs, batch, ctx)
        except RuntimeError:  # an old card, or a layer that has no such form
            return found
        found["ms_of_bf16"] = round(less, 4)
        if ms >= NARROW * less:
            found |= {"ms_of_float32": found["ms_per_step"], "ms_per_step": round(less, 4), "precision": "bf16"}
            found["rows_per_second"] = round(1000 * batch / max(less, 1e-9))
    return found


def _time(device: str, network: Any, loss: Any, inputs: Any, outputs: int, batch: int, ctx: Context) -> float:
    """Milliseconds of the middle one of 30 steps: rows copied in, forward, backward, update; synchronised each time."""
    import numpy as np

    from engine.models.networks.backend import reproducible
    from engine.models.networks.modules import untrained
    from engine.models.networks.training import moved, optimiser, stepped

    stack, y = _drawn(inputs, outputs, loss, batch, ctx.seed)
    wait = _waits(device)
    with reproducible(ctx.seed, network.training.threads, device) as torch:
        net = untrained(network, loss, inputs, outputs, y, ctx.seed).to(device).train()
        adam, compare = optimiser(torch, net, network.training), loss.function(network.training.smoothing)
        taken: list[float] = []
        began = time.perf_counter()
        while len(taken) < WARM_UPS + STEPS:
            started = time.perf_counter_ns()
            x, beside = stack.batch(0, batch)
            wanted = torch.from_numpy(np.asarray(y)).to(device)
            adam.zero_grad(set_to_none=True)
            value = stepped(torch, net, compare, network.training, device, moved(x, device), moved(beside, device),
                            wanted)  # fmt: skip
            value.backward()
            adam.step()
            wait()
            taken.append((time.perf_counter_ns() - started) / 1e6)
            ctx.report(Progress(len(taken), WARM_UPS + STEPS, "step", f"timing {STEPS} steps"))
            if len(taken) > WARM_UPS + FEWEST and time.perf_counter() - began > LONGEST:
                break
    return statistics.median(taken[WARM_UPS:])


def _waits(device: str) -> Any:
    """What waits until a device has done what it was told."""
    from engine.models.networks.backend import load_torch

    torch = load_torch()
    kind = device.partition(":")[0]
    waits = {"cuda": lambda: torch.cuda.synchronize(device), "mps": torch.mps.synchronize}
    return waits.get(kind, lambda: None)  # of several cards for the one that works: by default it is the first


def _drawn(inputs: Any, outputs: int, loss: Any, batch: int, seed: int) -> tuple[Any, Any]:
    """A batch of rows drawn at random, as they would enter, and targets."""
    import numpy as np

    from engine.models.networks.inputs import Stack, Terms
    from engine.models.networks.modules import torch

    rng = np.random.default_rng(seed)
    steps = outputs if inputs.takes == "window" else 1
    shape = (batch, steps) if inputs.takes == "window" else (batch,)
    y = rng.integers(0, outputs, batch) if loss.classes else rng.standard_normal(shape, dtype=np.float32)
    beside = None
    if inputs.beside:
        sides = (batch, steps, inputs.beside) if inputs.takes == "window" else (batch, inputs.beside)
        beside = torch.from_numpy(rng.standard_normal(sides, dtype=np.float32))
    if inputs.takes == "tokens":
        return Stack(torch.from_numpy(rng.integers(1, max(2, inputs.rows), (batch, *inputs.shape))), beside), y
    if inputs.takes == "terms":
        each = min(inputs.shape[0], TERMS)
        places = torch.from_numpy(rng.integers(0, inputs.shape[0], batch * each))
        return Terms(places, torch.rand(batch * each), torch.arange(0, batch * each + 1, each)), y
    x = rng.random((batch, *inputs.shape), dtype=np.float32)
    if inputs.levels:
        x[:, -len(inputs.levels) :] = rng.integers(0, 2, (batch, len(inputs.levels)))
    return Stack(torch.from_numpy(x), beside), y


def _said(timing: Mapping[str, Json]) -> str:
    ms = float(timing["ms_per_step"])
    label = Device(timing["device"], "").label
    return f"{label}: {ms:.2g} ms" if ms < 10 else f"{label}: {ms:,.0f} ms"


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f}" if size >= 10 << 20 else f"{size / 2**20:.2g}"


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
