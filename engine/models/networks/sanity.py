"""Does the machinery work?  Checks of a network before it is compared with anything (`deep.sanity`).

C0 the same seed gives the same losses · C2 the loss starts where theory says · C4 one small batch is learned by heart.
Each returns {"id", "title", "passed", "value", "expected", "hint"}.  Catalogue 5.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from engine.models.networks.backend import reproducible
from engine.models.networks.build import untrained
from engine.models.networks.losses import Loss
from engine.models.networks.spec import Network, batch_size
from engine.models.networks.training import mean_loss, optimiser
from engine.records import Json, Progress
from engine.trials import Context

STEPS = 20
BY_HEART_ROWS, BY_HEART_STEPS, BY_HEART_RATE, BY_HEART_SHARE = 32, 500, 1e-3, 0.05
SAME = {"cpu": 1e-6}  # largest difference of two losses; relative 1e-3 elsewhere
NEAR = 0.02

HINTS = {
    "C0": "something draws at random without the seed, or the device adds in changing order",
    "C2": "the head does not start at zero, its bias is not the best constant, or the target is scaled wrongly",
    "C4": "layers are wired wrongly, the learning rate does not fit, or the labels do not belong to the rows",
}


def same_seed(network: Network, loss: Loss, X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Json]:
    """C0: 20 training steps twice with one seed; value is the largest difference of their losses.

    X: (rows, features) float32; y: (rows,) as the loss takes it.
    """
    device = network.training.device
    first, second = (_losses(network, loss, X, y, seed) for _ in range(2))
    gap = np.abs(first - second)
    worst = float(gap.max()) if device in SAME else float((gap / np.maximum(np.abs(first), 1e-12)).max())
    allowed = SAME.get(device, 1e-3)
    return _result("C0", "the same seed gives the same losses", worst <= allowed, worst, allowed)


def loss_at_start(network: Network, loss: Loss, X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Json]:
    """C2: the loss of the untrained network against that of the best constant; equal within 2 %."""
    outputs = _outputs(loss, y)
    route = untrained(network, loss, X.shape[1], outputs, y, seed)
    how = network.training
    with reproducible(seed, how.threads, how.device) as torch:
        rows, wanted = (torch.from_numpy(part).to(how.device) for part in (X, y))
        value = mean_loss(torch, route, route.weights(how.device), loss.function(), rows, wanted)
    expected = loss.of_best_constant(y, outputs)
    passed = abs(value - expected) <= NEAR * max(abs(expected), 1e-12)
    return _result("C2", "the loss starts at that of the best constant", passed, value, expected)


def by_heart(network: Network, loss: Loss, X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Json]:
    """C4: 32 rows, no dropout, no decay, at most 500 steps of Adam: the loss must fall to 5 % of its start.

    Copies of a row with different targets are left out first, since nobody can learn them.  value: loss reached;
    expected: the loss to reach; steps: how many it took.
    """
    rows = learnable(X, y, BY_HEART_ROWS, seed, loss.classes)
    X, y = X[rows], y[rows]
    bare = tuple(replace(layer, rate=0.0) if layer.kind == "dropout" else layer for layer in network.layers)
    how = replace(network.training, learning_rate=BY_HEART_RATE, weight_decay=0.0)
    network = replace(network, layers=bare, training=how)
    route = untrained(network, loss, X.shape[1], _outputs(loss, y), y, seed)
    steps = 0
    with reproducible(seed, how.threads, how.device) as torch:
        weights, compare = route.weights(how.device), loss.function()
        adam = optimiser(torch, weights, how)
        x, wanted = (torch.from_numpy(part).to(how.device) for part in (X, y))
        value = start = mean_loss(torch, route, weights, compare, x, wanted)
        goal = BY_HEART_SHARE * start
        while steps < BY_HEART_STEPS and value > goal:
            adam.zero_grad(set_to_none=True)
            compare(route(weights, x, True), wanted).backward()
            adam.step()
            steps += 1
            value = float(compare(route(weights, x, False), wanted).detach())
    passed = value <= goal and start > 0
    return {**_result("C4", "one small batch is learned by heart", passed, value, goal), "steps": steps}


def learnable(X: np.ndarray, y: np.ndarray, rows: int, seed: int, classes: bool) -> np.ndarray:
    """Places of at most so many rows, drawn at random, of which no two have equal inputs; of 2 classes or more."""
    order = np.random.default_rng(seed).permutation(len(X))
    _, first = np.unique(X[order[: 100 * rows]], axis=0, return_index=True)
    chosen = order[np.sort(first)][:rows]
    if classes and len(chosen) > 1 and len(np.unique(y[chosen])) < 2:
        strangers = (i for i in order if y[i] != y[chosen[0]] and not (X[chosen] == X[i]).all(axis=1).any())
        chosen[-1] = next(strangers, chosen[-1])  # a rare class: one row of it takes the last place
    return chosen


CHECKS: tuple[Callable[..., dict[str, Json]], ...] = (same_seed, loss_at_start, by_heart)  # in the catalogue's order


def sanity(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: the checks on the training part of the first split.

    params: recipe, model {"name", "settings"}; the checks run on the device of the settings.
    Returns {"checks": […], "passed": how many, "of": how many, "failed": ids, "parameters", "features", "rows"}.
    Raises DataProblem, UsageProblem, NoNetworks, Cancelled.
    """
    from engine.evaluation.bench import open_bench
    from engine.models.catalogue import model_spec
    from engine.models.fitting import as_learned, off_scale, prepared
    from engine.models.networks.losses import proper_loss
    from engine.models.networks.spec import declared

    bench = open_bench(params, ctx)
    recipe, model = bench.recipe, params["model"]
    network = declared(str(model["name"]), model.get("settings"))
    loss = proper_loss(recipe["task"], recipe.get("metric", ""), recipe.get("costs"))
    train, _ = bench.splits.folds[0]
    ctx.report(Progress(0, 1, "check", "preparing the training part of split 1"))
    spec, frame = model_spec(network.name, recipe["task"]), bench.table.frame.iloc[train]
    target, _ = as_learned(recipe, spec, bench.table.y[train])
    _, X = prepared(recipe, spec.prepare, bench.table, frame, target, train, ctx.seed)
    if recipe["task"] == "forecast":
        level, spread, X = off_scale(X)
        target = (target - level) / spread
    X = np.ascontiguousarray(X, dtype=np.float32)
    y = as_seen(loss, target)
    done = []
    for i, check in enumerate(CHECKS):
        ctx.report(Progress(i, len(CHECKS), "check", f"check {i + 1} of {len(CHECKS)}"))
        done.append(check(network, loss, X, y, ctx.seed))
    return {
        "checks": done,
        "passed": sum(check["passed"] for check in done),
        "of": len(done),
        "failed": [check["id"] for check in done if not check["passed"]],
        "parameters": network.count(X.shape[1], _outputs(loss, y)).parameters,
        "features": X.shape[1],
        "rows": len(X),
    }


def as_seen(loss: Loss, y: np.ndarray) -> np.ndarray:
    """Targets as the network sees them: codes without gaps (int64), or standardised (float32)."""
    if loss.classes:
        return np.unique(y, return_inverse=True)[1].astype(np.int64)
    y = np.asarray(y, dtype=np.float64)
    return ((y - y.mean()) / (y.std() or 1.0)).astype(np.float32)


def _losses(network: Network, loss: Loss, X: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """The losses of the first 20 steps, dropout and all.  (20,)"""
    route = untrained(network, loss, X.shape[1], _outputs(loss, y), y, seed)
    how = network.training
    batch = batch_size(len(X), how.batch)
    losses = []
    with reproducible(seed, how.threads, how.device) as torch:
        weights, compare = route.weights(how.device), loss.function()
        adam = optimiser(torch, weights, how)
        shuffle = torch.Generator().manual_seed(seed)
        for _ in range(STEPS):
            picked = torch.randperm(len(X), generator=shuffle)[:batch].numpy()
            x, wanted = (torch.from_numpy(part[picked]).to(how.device) for part in (X, y))
            adam.zero_grad(set_to_none=True)
            value = compare(route(weights, x, True), wanted)
            value.backward()
            adam.step()
            losses.append(float(value.detach()))
    return np.asarray(losses)


def _outputs(loss: Loss, y: np.ndarray) -> int:
    return int(y.max()) + 1 if loss.classes else 1


def _result(check: str, title: str, passed: bool, value: float, expected: float) -> dict[str, Json]:
    finite: Mapping[str, float | None] = {
        "value": value if np.isfinite(value) else None,
        "expected": expected if np.isfinite(expected) else None,
    }
    hint = "" if passed else HINTS[check]
    return {"id": check, "title": title, "passed": bool(passed), **finite, "hint": hint}
