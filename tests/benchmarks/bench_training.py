"""Training speed: ours against a plain torch loop and Keras's `fit` on the CPU, and on a GPU where there is one.

    python -m tests.benchmarks.bench_training [table|picture|series|text ...]

Same network, optimiser, rows, batch (256) and epochs, one thread, in turns.  Prints seconds and ratios.  Ours also
measures loss, accuracy and norms of gradients and weights at each epoch; the plain loop measures the validation loss
and keeps the best weights.  It is written twice: as one would at first (AdamW as it comes), and with AdamW fused, which
is the faster one.  The ratio to hold: at most 1.3 times the faster one on the CPU, 1.15 times on a GPU; exit status 1
where one is over it.

On a GPU the plain loop has its rows there from the beginning, too, and the clock is stopped when the device is done.
Beside it stand rows a second, the share of the time in which the GPU computed anything (as nvidia-smi samples it), how
much faster bf16 is, and from which size of a dense network on a step is faster there than on the CPU.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.models.networks.backend import load_keras, load_torch
from engine.models.networks.inputs import Stack
from engine.models.networks.layers import Inputs, Network
from engine.models.networks.losses import Loss
from engine.models.networks.spec import BY_NAME

BATCH, HELD, EPOCHS, ROUNDS = 256, 800, 10, 5
LIMITS = {"cpu": 1.3, "cuda": 1.15}  # times the faster plain loop
WATCHED = 3.0  # seconds of training while which a GPU's utilisation is sampled: the driver looks once in 0.17 to 1 s
WIDTHS = (32, 64, 128, 256, 512, 1024, 2048, 4096)  # of both layers of a dense net, to find where a GPU is faster


@dataclass(frozen=True)
class Race:
    """A network, and the same one written by hand.  rows: to learn from; by_hand: torch, inputs → a module."""

    network: Network
    inputs: Inputs
    loss: Loss
    outputs: int
    rows: int
    by_hand: Callable[[Any], Any]

    def drawn(self) -> tuple[Any, np.ndarray]:
        """x (rows + held, …) float32, of texts int64 with zeros behind their ends; y as the loss takes it."""
        rng = np.random.default_rng(0)
        n = self.rows + HELD
        if self.inputs.takes == "tokens":
            words = rng.integers(1, self.inputs.rows, (n, *self.inputs.shape))
            y = (words[:, :8] < self.inputs.rows // 2).sum(axis=1) > 4  # what the first words are
            ends = rng.integers(8, self.inputs.shape[0] + 1, n)
            return np.where(np.arange(self.inputs.shape[0])[None] < ends[:, None], words, 0), y.astype(np.int64)
        x = rng.random((n, *self.inputs.shape), dtype=np.float32)
        said = x.reshape(n, -1)[:, :2].sum(axis=1) + 0.3 * rng.standard_normal(n)
        if self.loss.classes:
            return x, np.digitize(said, np.quantile(said, np.arange(1, self.outputs) / self.outputs)).astype(np.int64)
        return x, np.repeat(said[:, None], self.outputs, axis=1).astype(np.float32)


def _dense(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Linear(45, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2)
    )  # fmt: skip


def _picture(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.Flatten(3), nn.Conv2d(1, 32, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3),
        nn.Linear(256, 10),
    )  # fmt: skip


def _series(torch: Any) -> Any:
    nn = torch.nn
    layers: list[Any] = [nn.Flatten(1), nn.Unflatten(1, (1, 24))]
    for inside, dilation in ((1, 1), (32, 2), (32, 4)):
        layers += [nn.ConstantPad1d((2 * dilation, 0), 0.0), nn.Conv1d(inside, 32, 3, dilation=dilation), nn.ReLU()]

    class Last(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[:, :, -1]

    return nn.Sequential(*layers, Last(), nn.Linear(32, 12))


def _text(torch: Any) -> Any:
    nn = torch.nn
    bag = nn.EmbeddingBag(5_000, 64, mode="mean", padding_idx=0)  # faster than an Embedding with a masked mean
    return nn.Sequential(bag, nn.Dropout(0.2), nn.Linear(64, 2))


RACES: Mapping[str, Race] = {
    "table": Race(BY_NAME["net_small"], Inputs("table", (45,)), Loss("cross_entropy"), 2, 8_000, _dense),
    "picture": Race(BY_NAME["image_small"], Inputs("picture", (8, 8, 1)), Loss("cross_entropy"), 10, 2_000, _picture),
    "series": Race(BY_NAME["series_conv"], Inputs("window", (24, 1), horizon=12), Loss("absolute"), 12, 4_000, _series),
    "text": Race(BY_NAME["text_mean"], Inputs("tokens", (100,), rows=5_000), Loss("cross_entropy"), 2, 4_000, _text),
}


def ours(race: Race, x: Any, y: np.ndarray, device: str = "cpu", precision: str = "float32") -> float:
    """Seconds of a whole training, from building the network to the best weights."""
    from engine.models.networks.modules import untrained
    from engine.models.networks.training import train

    torch = load_torch()
    how = replace(race.network.training, epochs=EPOCHS, patience=EPOCHS, batch=BATCH, shift=0.0, device=device,
                  precision=precision)  # fmt: skip
    n = race.rows
    wanted = torch.from_numpy(y[n:])

    def measure(out: Any) -> Mapping[str, float]:
        out = out.float().cpu()
        if race.loss.classes:
            return {"accuracy": float((out.argmax(dim=1) == wanted).float().mean())}
        return {"MAE": float((out - wanted).abs().mean())}

    started = time.perf_counter()
    net = untrained(race.network, race.loss, race.inputs, race.outputs, y[:n], 0)
    rows, held = Stack(torch.from_numpy(x[:n])), Stack(torch.from_numpy(x[n:]))
    train(net, race.loss, rows, y[:n], held, y[n:], how, seed=0, report=lambda _: None, measure=measure)
    return time.perf_counter() - started


def plain(race: Race, x: Any, y: np.ndarray, fused: bool, device: str = "cpu") -> float:
    """Seconds of the loop that one would write by hand: AdamW, indices of a permutation, best weights kept."""
    torch = load_torch()
    how, n = race.network.training, race.rows
    started = time.perf_counter()
    torch.manual_seed(0)
    net = race.by_hand(torch).to(device)
    adam = torch.optim.AdamW(net.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay, fused=fused)
    compare = torch.nn.CrossEntropyLoss() if race.loss.classes else torch.nn.L1Loss()
    rows, t = torch.from_numpy(x[:n]).to(device), torch.from_numpy(y[:n]).to(device)
    rows_held, t_held = torch.from_numpy(x[n:]).to(device), torch.from_numpy(y[n:]).to(device)
    lowest, best = float("inf"), {}
    for _ in range(EPOCHS):
        net.train()
        order = torch.randperm(n, device=device)
        for at in range(0, n, BATCH):
            some = order[at : at + BATCH]
            adam.zero_grad()
            loss = compare(net(rows[some]), t[some])
            loss.backward()
            if how.clip:
                torch.nn.utils.clip_grad_norm_(net.parameters(), how.clip)
            adam.step()
        net.eval()
        with torch.no_grad():
            held = compare(net(rows_held), t_held).item()
        if held < lowest:
            lowest, best = held, {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(best)
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def keras_fit(race: Race, x: Any, y: np.ndarray) -> float | None:
    """The same network by Keras's own `fit`; None where Keras has no form of it."""
    from engine.models.networks.keras_form import skeleton
    from engine.models.networks.layers import has_form

    if not has_form(race.network, race.inputs):
        return None
    keras, how, n = load_keras(), race.network.training, race.rows
    started = time.perf_counter()
    module = skeleton(race.network, race.inputs, race.outputs, race.loss)
    adam = keras.optimizers.AdamW(how.learning_rate, weight_decay=how.weight_decay)
    module.compile(adam, keras.losses.SparseCategoricalCrossentropy())
    module.fit(x[:n], y[:n], batch_size=BATCH, epochs=EPOCHS, validation_data=(x[n:], y[n:]), verbose=0)
    return time.perf_counter() - started


def measure(race: Race, device: str = "cpu") -> dict[str, float]:
    """Median seconds of each, one thread, taken in turns so that a busy machine is busy for all; “ratio” is the
    median of the pairs' own ratios."""
    x, y = race.drawn()
    load_torch().set_num_threads(1)  # ours asks for it anyway
    _ = ours(race, x, y, device), plain(race, x, y, True, device)  # warm up
    turns = [
        (ours(race, x, y, device), plain(race, x, y, True, device), plain(race, x, y, False, device))
        for _ in range(ROUNDS)
    ]
    seconds = {
        name: statistics.median(turn[i] for turn in turns)
        for i, name in enumerate(("ours", "plain torch, fused", "plain torch"))
    }
    if device == "cpu" and (by_keras := keras_fit(race, x, y)) is not None:
        seconds["keras fit"] = by_keras
    seconds["ratio"] = statistics.median(a / b for a, b, _ in turns)
    return seconds


# -- a GPU ---------------------------------------------------------------------------------------------------------


def on_gpu(race: Race) -> dict[str, float]:
    """What there is to know of one network on the GPU: rows a second, the share of the time in which it computed (NaN
    where nvidia-smi does not tell), and how many times as fast bf16 is."""
    x, y = race.drawn()
    seconds: list[float] = []
    with utilisation() as shares:
        began = time.perf_counter()
        while time.perf_counter() - began < WATCHED:
            seconds.append(ours(race, x, y, "cuda"))
    _ = ours(race, x, y, "cuda", "bf16")
    pairs = [(ours(race, x, y, "cuda"), ours(race, x, y, "cuda", "bf16")) for _ in range(ROUNDS)]
    return {
        "rows a second": race.rows * EPOCHS / statistics.median(seconds),
        "utilisation": statistics.fmean(shares) if shares else float("nan"),
        "bf16": statistics.median(a / b for a, b in pairs),
    }


@contextlib.contextmanager
def utilisation() -> Iterator[list[float]]:
    """Shares from 0 to 1, filled in at the end: how much of each moment meanwhile the GPU computed, by nvidia-smi."""
    told: list[float] = []
    program = shutil.which("nvidia-smi")
    if program is None:
        yield told
        return
    which = getattr(load_torch().cuda.get_device_properties("cuda"), "uuid", None)
    order = [program, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=200"]
    order += [f"--id=GPU-{which}"] if which else []
    with subprocess.Popen(order, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sampler:
        try:
            yield told
        finally:
            sampler.terminate()
            lines = sampler.communicate()[0].split()
            told += [float(line) / 100 for line in lines if line.isdigit()]


def crossover(probed: Callable[..., Mapping[str, Any]]) -> tuple[list[tuple[int, float, float]], int | None]:
    """(parameters, milliseconds a step on the CPU, on the GPU) of dense nets, both in float32, and the parameters of
    the first from which on the GPU is the faster one; None where it never is.  probed: as `engine.device.probe`."""
    rows = []
    for width in WIDTHS:
        model = {"name": "net_small", "settings": {"widths": [width, width]}}
        found = probed({"model": model, "features": 45, "outputs": 2, "batch": BATCH}, Quiet())
        ms = {t["device"]: float(t.get("ms_of_float32") or t["ms_per_step"]) for t in found["timings"]}
        if {"cpu", "cuda"} <= ms.keys():
            rows.append((int(found["parameters"]), ms["cpu"], ms["cuda"]))
    slower = [i for i, (_, cpu, gpu) in enumerate(rows) if gpu >= cpu]
    first = slower[-1] + 1 if slower else 0
    return rows, rows[first][0] if first < len(rows) else None


class Quiet:
    """What a probe may use here."""

    seed = 0

    def report(self, progress: Any) -> None: ...


def tell_of_gpu(names: list[str]) -> None:
    for name in names:
        found = on_gpu(RACES[name])
        used = "its use unknown" if np.isnan(found["utilisation"]) else f"in use {found['utilisation']:.0%} of the time"
        print(f"{RACES[name].network.title} on the GPU: {found['rows a second']:,.0f} rows a second, {used}, "
              f"bf16 {found['bf16']:.2f}× as fast")  # fmt: skip
    from engine.device import probe

    rows, first = crossover(probe)
    print(f"A dense net of two layers, 45 inputs, batch {BATCH}, milliseconds a step:")
    for parameters, cpu, gpu in rows:
        print(f"  {parameters:12,} parameters   CPU {cpu:8.3f}   GPU {gpu:8.3f}   {cpu / gpu:6.2f}×")
    print("  the GPU is faster from " + (f"{first:,} parameters on" if first else "none of these sizes on"))


def main() -> int:
    """The exit status: 1 where a ratio is over its limit."""
    names = sys.argv[1:] or list(RACES)
    there = load_torch().cuda.is_available()
    over = False
    for device in ("cpu", *(["cuda"] if there else [])):
        for name in names:
            race = RACES[name]
            seconds = measure(race, device)
            ratio = seconds.pop("ratio")
            over |= ratio > LIMITS[device]
            print(f"{race.network.title}, {device}: {race.rows:,} rows, batch {BATCH}, {EPOCHS} epochs")
            for who, taken in seconds.items():
                times = taken / seconds["plain torch, fused"]
                print(f"  {who:20} {taken:6.3f} s  {1e3 * taken / EPOCHS:6.1f} ms an epoch  {times:5.2f}×")
            print(f"  ours against the faster plain loop, pair by pair: {ratio:.2f}× (at most {LIMITS[device]})")
    if there:
        tell_of_gpu(names)
    else:
        print("No CUDA device is here: rows a second, utilisation, bf16 and the crossover size are not measured.")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
