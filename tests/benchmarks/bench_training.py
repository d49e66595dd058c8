"""Training speed: ours against a plain torch loop and against Keras's `fit`, same network, optimiser, rows and epochs.

    python -m tests.benchmarks.bench_training

Prints seconds and ratios.  Ours also measures the validation loss each epoch, and so does the plain loop.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import numpy as np

from engine.models.networks.backend import load_keras, load_torch
from engine.models.networks.build import build, untrained
from engine.models.networks.losses import Loss
from engine.models.networks.spec import DENSE_64_32, batch_size
from engine.models.networks.training import train

ROWS, HELD, FEATURES, EPOCHS, ROUNDS = 4500, 800, 45, 20, 5
LOSS = Loss("cross_entropy")


def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS + HELD, FEATURES), dtype=np.float32)
    return X, (X[:, 0] * X[:, 1] + X[:, 2] + rng.standard_normal(ROWS + HELD) > 0).astype(np.int64)


def ours(X: np.ndarray, y: np.ndarray) -> float:
    """Seconds of a whole training, from building the network to the best weights."""
    started = time.perf_counter()
    how = replace(DENSE_64_32.training, epochs=EPOCHS, patience=EPOCHS)
    route = untrained(DENSE_64_32, LOSS, FEATURES, 2, y[:ROWS], 0)
    trained = train(route, LOSS, X[:ROWS], y[:ROWS], X[ROWS:], y[ROWS:], how, seed=0)
    route.put_back(trained.weights)
    return time.perf_counter() - started


def plain(X: np.ndarray, y: np.ndarray) -> float:
    """The loop that one would write by hand: nn.Sequential, AdamW, indices of a permutation, best weights kept."""
    torch = load_torch()
    nn = torch.nn
    started = time.perf_counter()
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(FEATURES, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(32, 2),
    )  # fmt: skip
    adam = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=3e-4)
    compare = nn.CrossEntropyLoss()
    x, t = torch.from_numpy(X[:ROWS]), torch.from_numpy(y[:ROWS])
    x_held, t_held = torch.from_numpy(X[ROWS:]), torch.from_numpy(y[ROWS:])
    batch, lowest, best = batch_size(ROWS), float("inf"), {}
    for _ in range(EPOCHS):
        net.train()
        order = torch.randperm(ROWS)
        for at in range(0, ROWS, batch):
            some = order[at : at + batch]
            adam.zero_grad()
            loss = compare(net(x[some]), t[some])
            loss.backward()
            adam.step()
        net.eval()
        with torch.no_grad():
            held = compare(net(x_held), t_held).item()
        if held < lowest:
            lowest, best = held, {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(best)
    return time.perf_counter() - started


def keras_fit(X: np.ndarray, y: np.ndarray) -> float:
    keras = load_keras()
    started = time.perf_counter()
    module = build(DENSE_64_32, FEATURES, 2, 0, LOSS)
    module.compile(keras.optimizers.AdamW(2e-3, weight_decay=3e-4), keras.losses.SparseCategoricalCrossentropy())
    held = (X[ROWS:], y[ROWS:])
    module.fit(X[:ROWS], y[:ROWS], batch_size=batch_size(ROWS), epochs=EPOCHS, validation_data=held, verbose=0)
    return time.perf_counter() - started


def measure() -> dict[str, float]:
    """Median seconds of each, one thread, taken in turns so that a busy machine is busy for all."""
    load_torch().set_num_threads(1)
    X, y = rows()
    ours(X, y), plain(X, y)  # warm up
    pairs = [(ours(X, y), plain(X, y)) for _ in range(ROUNDS)]
    seconds = {"ours": statistics.median(a for a, _ in pairs), "plain torch": statistics.median(b for _, b in pairs)}
    return seconds | {"keras fit": keras_fit(X, y)}


def main() -> None:
    seconds = measure()
    for name, taken in seconds.items():
        ratio = taken / seconds["plain torch"]
        print(f"{name:12} {taken:6.3f} s  {1e3 * taken / EPOCHS:6.1f} ms an epoch  {ratio:5.2f}× plain torch")


if __name__ == "__main__":
    main()
