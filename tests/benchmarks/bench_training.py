"""Training speed: ours against a plain torch loop, and against Keras's `fit`, on the CPU.

    python -m tests.benchmarks.bench_training [table|picture|series ...]

Same network, optimiser, rows, batch (256) and epochs, one thread, in turns.  Prints seconds and ratios.  Ours also
measures loss, accuracy and norms of gradients and weights at each epoch; the plain loop measures the validation loss
and keeps the best weights.  It is written twice: as one would at first (AdamW as it comes), and with AdamW fused, which
is the faster one.  The ratio to hold: at most 1.3 times the faster one.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.models.networks.backend import load_keras, load_torch
from engine.models.networks.inputs import Stack
from engine.models.networks.layers import Inputs, Network
from engine.models.networks.losses import Loss
from engine.models.networks.spec import BY_NAME

BATCH, HELD, EPOCHS, ROUNDS = 256, 800, 10, 5


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
        """x (rows + held, …) float32, y as the loss takes it."""
        rng = np.random.default_rng(0)
        n = self.rows + HELD
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


RACES: Mapping[str, Race] = {
    "table": Race(BY_NAME["net_small"], Inputs("table", (45,)), Loss("cross_entropy"), 2, 8_000, _dense),
    "picture": Race(BY_NAME["image_small"], Inputs("picture", (8, 8, 1)), Loss("cross_entropy"), 10, 2_000, _picture),
    "series": Race(BY_NAME["series_conv"], Inputs("window", (24, 1), horizon=12), Loss("absolute"), 12, 4_000, _series),
}


def ours(race: Race, x: Any, y: np.ndarray) -> float:
    """Seconds of a whole training, from building the network to the best weights."""
    from engine.models.networks.modules import untrained
    from engine.models.networks.training import train

    torch = load_torch()
    how = replace(race.network.training, epochs=EPOCHS, patience=EPOCHS, batch=BATCH, shift=0.0)
    n = race.rows
    wanted = torch.from_numpy(y[n:])

    def measure(out: Any) -> Mapping[str, float]:
        if race.loss.classes:
            return {"accuracy": float((out.argmax(dim=1) == wanted).float().mean())}
        return {"MAE": float((out - wanted).abs().mean())}

    started = time.perf_counter()
    net = untrained(race.network, race.loss, race.inputs, race.outputs, y[:n], 0)
    rows, held = Stack(torch.from_numpy(x[:n])), Stack(torch.from_numpy(x[n:]))
    train(net, race.loss, rows, y[:n], held, y[n:], how, seed=0, report=lambda _: None, measure=measure)
    return time.perf_counter() - started


def plain(race: Race, x: Any, y: np.ndarray, fused: bool) -> float:
    """The loop that one would write by hand: AdamW, indices of a permutation, best weights kept."""
    torch = load_torch()
    how, n = race.network.training, race.rows
    started = time.perf_counter()
    torch.manual_seed(0)
    net = race.by_hand(torch)
    adam = torch.optim.AdamW(net.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay, fused=fused)
    compare = torch.nn.CrossEntropyLoss() if race.loss.classes else torch.nn.L1Loss()
    rows, t = torch.from_numpy(x[:n]), torch.from_numpy(y[:n])
    rows_held, t_held = torch.from_numpy(x[n:]), torch.from_numpy(y[n:])
    lowest, best = float("inf"), {}
    for _ in range(EPOCHS):
        net.train()
        order = torch.randperm(n)
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


def measure(race: Race) -> dict[str, float]:
    """Median seconds of each, one thread, taken in turns so that a busy machine is busy for all; “ratio” is the
    median of the pairs' own ratios."""
    x, y = race.drawn()
    load_torch().set_num_threads(1)  # ours asks for it anyway
    _ = ours(race, x, y), plain(race, x, y, True)  # warm up
    turns = [(ours(race, x, y), plain(race, x, y, True), plain(race, x, y, False)) for _ in range(ROUNDS)]
    seconds = {
        name: statistics.median(turn[i] for turn in turns)
        for i, name in enumerate(("ours", "plain torch, fused", "plain torch"))
    }
    if (by_keras := keras_fit(race, x, y)) is not None:
        seconds["keras fit"] = by_keras
    seconds["ratio"] = statistics.median(a / b for a, b, _ in turns)
    return seconds


def main() -> None:
    for name in sys.argv[1:] or RACES:
        race = RACES[name]
        seconds = measure(race)
        ratio = seconds.pop("ratio")
        print(f"{race.network.title}: {race.rows:,} rows, batch {BATCH}, {EPOCHS} epochs")
        for who, taken in seconds.items():
            times = taken / seconds["plain torch, fused"]
            print(f"  {who:20} {taken:6.3f} s  {1e3 * taken / EPOCHS:6.1f} ms an epoch  {times:5.2f}×")
        print(f"  ours against the faster plain loop, pair by pair: {ratio:.2f}×")


if __name__ == "__main__":
    main()
