"""Does the machinery work?  Checks of a network before it is compared with anything (`deep.sanity`, catalogue 5.4).

C0 the same seed gives the same losses · C1 what enters is what was declared · C2 the loss starts where theory says ·
C3 an answer depends on its own row alone, and in series on nothing later · C4 one small batch is learned by heart ·
C5 inputs matter · C6 nothing is learned from shuffled labels · C7 the rate at which the loss falls fastest · C8 the
loss falls within the first epoch.

Each returns {"id", "title", "passed", "value", "expected", "hint"}, and C7 its curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine.models.networks.backend import load_torch
from engine.models.networks.layers import Inputs
from engine.models.networks.rates import advised, range_test
from engine.models.networks.steps import Breathe, Case, as_seen
from engine.records import Json, Progress
from engine.trials import Context

__all__ = ["CHECKS", "as_seen", "case_of", "sanity"]

STEPS = 20
SAME = {"cpu": 1e-6}  # largest difference of two losses; relative 1e-3 elsewhere
NEAR = 0.02
FIRST_STEPS, TOGETHER = 5, 8  # steps before gradients are looked at, as a zero head passes none; rows looked at
LEAK = 1e-6  # of the largest gradient: what reaches another row or a later step
BY_HEART_ROWS, BY_HEART_STEPS, BY_HEART_RATE, BY_HEART_SHARE = 32, 500, 1e-3, 0.05
BY_HEART_WINDOWS, BY_HEART_WINDOW_STEPS, BY_HEART_WINDOW_RATE = 8, 1_000, 3e-3
EPOCHS, MOST_ROWS, LEAST_STEPS = 5, 6_000, 150
DELTA = 0.01  # of the constant's loss: the smallest gain that matters (2.7)
ERRORS = 2.0  # standard errors
FIRST, LEAST_FIRST = 0.1, 4  # of an epoch's steps; at least so many

HINTS = {
    "C0": "something draws at random without the seed, or the device adds in changing order",
    "C1": "the preparation gives something else than the network was declared for",
    "C2": "the head does not start at zero, its bias is not the best constant, or the target is scaled wrongly",
    "C3": "rows of a batch are mixed (a wrong axis, a missing mask), or a layer looks ahead in time",
    "C4": "layers are wired wrongly, the learning rate does not fit, or the labels do not belong to the rows",
    "C5": "the inputs are lost on their way in, or they say nothing about the target",
    "C6": "training and validation rows share something that is no input: copies, groups, or an order",
    "C7": "the loss falls at no rate: wiring, inputs or labels",
    "C8": "the learning rate is too high or too low, or the order of rows and labels differs",
}


def same_seed(case: Case) -> dict[str, Json]:
    """C0: 20 training steps twice with one seed; value is the largest difference of their losses."""
    first, second = (_losses(case, STEPS) for _ in range(2))
    gap = np.abs(first - second)
    device = case.network.training.device
    worst = float(gap.max()) if device in SAME else float((gap / np.maximum(np.abs(first), 1e-12)).max())
    allowed = SAME.get(device, 1e-3)
    return _result("C0", "the same seed gives the same losses", worst <= allowed, worst, allowed)


def as_declared(case: Case) -> dict[str, Json]:
    """C1: shape, type and range of what enters; value: how many things are otherwise."""
    torch = load_torch()
    inputs, wrong = case.layout.inputs, []
    x, beside = case.stack.batch(0, min(len(case.stack), TOGETHER))
    if inputs.takes == "terms" and isinstance(x, tuple):
        places, edges, values = case.stack.batch(0, len(case.stack))[0]
        wrong += [] if len(edges) == len(case.stack) + 1 else ["rows"]
        wrong += [] if not len(places) or 0 <= int(places.min()) <= int(places.max()) < inputs.shape[0] else ["places"]
        wrong += [] if bool(torch.isfinite(values).all()) else ["numbers"]
    else:
        x = case.stack.x
        wrong += [] if tuple(x.shape[1:]) == inputs.shape else ["shape"]
        wrong += [] if x.dtype == (torch.int64 if inputs.takes == "tokens" else torch.float32) else ["type"]
        if inputs.takes == "tokens":
            wrong += [] if 0 <= int(x.min()) <= int(x.max()) < inputs.rows else ["vocabulary"]
            ends = (x != 0).sum(dim=1)
            behind = torch.arange(x.shape[1])[None] >= ends[:, None]
            wrong += [] if bool((x[behind] == 0).all()) else ["padding"]
        else:
            wrong += [] if bool(torch.isfinite(x).all()) else ["numbers"]
        if inputs.takes == "picture":
            wrong += [] if float(x.min()) >= 0 and float(x.max()) <= 1 else ["range"]
    if inputs.beside:
        wrong += [] if beside is not None and beside.shape[-1] == inputs.beside else ["beside"]
    kind = np.int64 if case.loss.classes else np.float32
    wrong += [] if case.y.dtype == kind and len(case.y) == len(case.stack) else ["targets"]
    built = case.network.count(inputs, case.outputs).parameters
    wrong += [] if built == case.net().parameters_ else ["parameters"]
    found = _result("C1", "what enters is what was declared", not wrong, float(len(wrong)), 0.0)
    return {**found, "wrong": wrong}


def loss_at_start(case: Case) -> dict[str, Json]:
    """C2: the loss of the untrained network against that of the best constant; equal within 2 %."""
    with case.repeated():
        value = case.value(case.net())
    expected = case.loss.of_best_constant(case.y, case.outputs)
    passed = abs(value - expected) <= NEAR * max(abs(expected), 1e-12)
    return _result("C2", "the loss starts at that of the best constant", passed, value, expected)


def own_row_only(case: Case) -> dict[str, Json]:
    """C3: after 5 steps, in evaluation mode, the gradient of an answer reaches its own row's input alone; of a causal
    net also that what is known at a step depends on nothing later.  value: the largest share that goes elsewhere."""
    torch = load_torch()
    with case.repeated():
        net = case.net()
        for _ in case.steps(net, FIRST_STEPS):
            pass
        net.to("cpu").eval()
        (x, beside) = case.stack.batch(0, min(TOGETHER, len(case.stack)))
        entered, answer = _differentiable(torch, net, x, beside)
        n, worst, own = len(answer), 0.0, 0.0
        for i in range(n):
            (grad,) = torch.autograd.grad(answer[i].sum(), entered, retain_graph=True)
            reach = _by_row(torch, grad, x, n)
            own = max(own, float(reach[i]))
            reach[i] = 0
            worst = max(worst, float(reach.max(initial=0)))
        ahead = _looks_ahead(torch, net, x) if n and case.layout.inputs.takes == "window" else 0.0
    share = max(worst, ahead) / own if own > 0 else math.inf
    return _result("C3", "an answer depends on its own row alone", share <= LEAK, share, LEAK)


def _differentiable(torch: Any, net: Any, x: Any, beside: Any) -> tuple[Any, Any]:
    """What enters with a gradient (of tokens, their embedded places), and the answers from it."""
    if isinstance(x, tuple):
        places, edges, values = x
        values = values.clone().requires_grad_()
        return values, net((places, edges, values), beside)
    if x.dtype != torch.int64:
        x = x.clone().requires_grad_()
        return x, net(x, beside)
    kept: list[Any] = []

    def caught(module: Any, entered: Any, out: Any) -> Any:
        kept.append(out.detach().requires_grad_())
        return kept[-1]

    hook, shortcut = net.steps[0].register_forward_hook(caught), net.shortcut
    net.shortcut = False
    try:
        answer = net(x, beside)
    finally:
        hook.remove()
        net.shortcut = shortcut
    return kept[0], answer


def _by_row(torch: Any, grad: Any, x: Any, n: int) -> np.ndarray:
    """The largest gradient at each of n rows."""
    if not isinstance(x, tuple):
        return grad.abs().flatten(1).amax(dim=1).numpy().copy()
    rows = torch.repeat_interleave(torch.arange(n), x[1][1:] - x[1][:-1])
    return torch.zeros(n).scatter_reduce(0, rows, grad.abs(), "amax").numpy()


def _looks_ahead(torch: Any, net: Any, x: Any) -> float:
    """Of layers over time that are causal: the largest gradient of a step with respect to a later one."""
    kinds = [layer.kind for layer in net.network.resolved(net.inputs).layers]
    causal = next((i for i, kind in enumerate(kinds) if kind not in ("conv1d", "gru", "lstm")), 0)
    if not causal or not all(layer.padding == "causal" or layer.kind != "conv1d" for layer in net.network.layers):
        return 0.0
    x = x.clone().requires_grad_()
    seen = net.through(x, stop=causal)
    if seen.ndim != 3:  # a recurrent layer that gives its last state only
        return 0.0
    t = seen.shape[1] // 2
    (grad,) = torch.autograd.grad(seen[:, t].sum(), x)
    return float(grad[:, t + 1 :].abs().max()) if t + 1 < x.shape[1] else 0.0


def by_heart(case: Case) -> dict[str, Json]:
    """C4: 32 rows (8 windows), no dropout, no decay: the loss must fall to 5 % of its start in at most 500 (1,000)
    steps of Adam at 0.001 (0.003, by squared errors); a net whose rate belongs to its form takes its own.

    Copies of a row with different targets are left out first, since nobody can learn them.  value: loss reached;
    expected: the loss to reach; steps: how many it took.
    """
    windows = case.layout.inputs.takes == "window"
    own = case.network.training.schedule != "constant"
    rows = learnable(case, BY_HEART_WINDOWS if windows else BY_HEART_ROWS)
    small = case.part(rows).bare()
    rate = case.network.training.learning_rate if own else BY_HEART_WINDOW_RATE if windows else BY_HEART_RATE
    small = small.with_training(learning_rate=rate, clip=0.0)
    small = replace(small, loss=replace(small.loss, name="squared", weights=()) if windows else small.loss)
    count = BY_HEART_WINDOW_STEPS if windows else BY_HEART_STEPS
    steps = 0
    with small.repeated():
        net = small.net()
        value = start = small.value(net)
        goal = BY_HEART_SHARE * start
        for loss in small.steps(net, count, whole=True):
            steps += 1
            if loss <= goal or steps == count:
                value = small.value(net)
                net.train()
                if value <= goal:
                    break
    found = _result("C4", "one small batch is learned by heart", value <= goal and start > 0, value, goal)
    return {**found, "steps": steps}


def learnable(case: Case, rows: int) -> np.ndarray:
    """Places of at most so many rows, drawn at random, of which no two have equal inputs; of 2 classes or more."""
    order = np.random.default_rng(case.seed).permutation(len(case.stack))
    keys = _keys(case, order[: 100 * rows])
    _, first = np.unique(keys, return_index=True)
    chosen = order[np.sort(first)][:rows]
    y = case.y
    if case.loss.classes and len(chosen) > 1 and len(np.unique(y[chosen])) < 2:
        known = set(_keys(case, chosen).tolist())
        others = order[y[order] != y[chosen[0]]][: 10 * rows]
        strangers = [i for i, key in zip(others, _keys(case, others).tolist(), strict=True) if key not in known]
        chosen[-1] = strangers[0] if strangers else chosen[-1]  # a rare class: one row of it takes the last place
    return chosen


def _keys(case: Case, rows: np.ndarray) -> np.ndarray:
    """A number for each of these rows, equal where their inputs are."""
    torch = load_torch()
    part = case.stack.ordered(torch.from_numpy(np.asarray(rows)))
    keys = []
    for i in range(len(rows)):
        x, beside = part.batch(i, i + 1)
        pieces = x if isinstance(x, tuple) else (x,)
        keys.append(hash(b"".join(p.numpy().tobytes() for p in (*pieces, *([] if beside is None else [beside])))))
    return np.asarray(keys)


def inputs_matter(case: Case) -> dict[str, Json]:
    """C5: within 5 epochs the validation loss with the real inputs must be lower than with zeros in their place, by
    more than 1 % of the constant's loss.  value: with the inputs; expected: less than this.

    Of both the lowest after an epoch counts, as early stopping would keep it: words are soon learned by heart.
    """
    inner, held = _parts(case)
    value = _lowest(inner, held)
    zeros = _lowest(_without_inputs(inner), _without_inputs(held))
    constant = inner.loss.of_best_constant(inner.y, inner.outputs)
    limit = zeros - DELTA * constant
    return _result("C5", "the inputs make it better than zeros do", value < limit, value, limit)


def _without_inputs(case: Case) -> Case:
    """Zeros, of tokens the unknown word, of terms nothing at all; and nothing beside."""
    torch = load_torch()
    stack = case.stack
    beside = None if stack.beside is None else torch.zeros_like(stack.beside)
    if case.layout.inputs.takes == "terms" and hasattr(stack, "edges"):
        x, _ = stack.batch(0, len(stack))
        from engine.models.networks.inputs import Terms

        return replace(case, stack=Terms(x[0][:0], x[2][:0], torch.zeros_like(x[1])))
    empty = torch.ones_like(stack.x) if case.layout.inputs.takes == "tokens" else torch.zeros_like(stack.x)
    return replace(case, stack=type(stack)(empty, beside))


def nothing_from_shuffled(case: Case) -> dict[str, Json]:
    """C6: with shuffled labels, after 5 epochs, the validation loss must not be below that of the constant by more than
    2 standard errors of the paired differences.  value: how many standard errors below.

    The validation rows' labels are shuffled with the others.  Were they not, a net that fits the noise along one strong
    column would be far below or far above the constant by the toss of a coin.
    """
    order = np.random.default_rng(case.seed + 1).permutation(len(case.y))
    inner, held = _parts(replace(case, y=case.y[order]))
    with inner.repeated():
        constant = held.losses(inner.net())
    gaps = constant - _after_epochs(inner, held)
    error = float(gaps.std(ddof=1) / math.sqrt(_independent(case, len(gaps)))) if len(gaps) > 1 else 0.0
    below = float(gaps.mean()) / error if error > 0 else 0.0
    return _result("C6", "nothing is learned from shuffled labels", below <= ERRORS, below, ERRORS)


def _independent(case: Case, rows: int) -> float:
    """How many of the rows say something of their own: windows a step apart say nearly the same for a horizon."""
    return max(2.0, rows / case.layout.inputs.horizon) if case.layout.inputs.takes == "window" else float(rows)


def rate_test(case: Case) -> dict[str, Json]:
    """C7: the range test.  value: the suggested rate; expected: the declared one; curve: [[rate, smoothed loss]]."""
    found = range_test(case)
    own = case.network.training.learning_rate
    passed = found.suggested is not None
    result = _result("C7", "there is a rate at which the loss falls", passed, found.suggested or math.nan, own)
    return {**result, **found.as_dict(), "advised": advised(case, found)}


def first_epoch(case: Case) -> dict[str, Json]:
    """C8: the mean loss of the last tenth of the first epoch's steps is below that of its first tenth; at least 40
    steps are taken."""
    count = max(case.each, round(LEAST_FIRST / FIRST))
    losses = _losses(case, min(count, 2_000))
    part = max(LEAST_FIRST, round(FIRST * len(losses)))
    value, expected = float(losses[-part:].mean()), float(losses[:part].mean())
    return _result("C8", "the loss falls in the first epoch", value < expected, value, expected)


CHECKS: tuple[Callable[[Case], dict[str, Json]], ...] = (
    same_seed, as_declared, loss_at_start, own_row_only, by_heart, inputs_matter, nothing_from_shuffled, rate_test,
    first_epoch,
)  # in the catalogue's order  # fmt: skip


def case_of(params: Mapping[str, Json], ctx: Context, breathe: Breathe | None = None) -> tuple[Case, dict[str, Json]]:
    """The case of a trial: its model on the training part of split 1; and what is said of it.

    params: recipe, model {"name", "settings"}.
    """
    from engine.evaluation.bench import open_bench
    from engine.evaluation.tensors import entering
    from engine.models.catalogue import model_spec
    from engine.models.fitting import as_learned
    from engine.models.networks.backend import needs_device
    from engine.models.networks.spec import declared, described

    bench = open_bench(params, ctx)  # pyright: ignore[reportArgumentType]
    recipe, model = bench.recipe, params["model"]
    network = declared(str(model["name"]), model.get("settings"))
    needs_device(network.training.device)
    given = entering(bench, network, ctx.seed)
    target, _ = as_learned(recipe, model_spec(network.name, recipe["task"]), bench.table.y[given.positions])
    if given.level is not None:
        target = (target - given.level) / given.spread

    def told() -> None:
        ctx.report(Progress(0, 1, "check", ""))

    case = Case.of(network, recipe, given.layout, given.X, target, ctx.seed, breathe or told)
    inputs: Inputs = given.layout.inputs
    counted = case.network.count(inputs, case.outputs)
    said: dict[str, Json] = {
        "network": network.name,
        "inputs": inputs.as_dict(),
        "entering": inputs.said,
        "layers": described(case.network, inputs, case.outputs),
        "parameters": counted.parameters,
        "features": inputs.width,
        "rows": len(case.stack),
        "batch": case.batch,
    }
    return case, said


def sanity(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: the checks on the training part of the first split.

    params: recipe, model {"name", "settings"}; the checks run on the device of the settings.
    Returns {"checks": […], "passed": how many, "of": how many, "failed": ids, "rate": of C7, and what `case_of` says}.
    Raises DataProblem, UsageProblem, NoNetworks, Cancelled.
    """
    at = {"check": 0}

    def told() -> None:
        i = at["check"]
        ctx.report(Progress(i, len(CHECKS), "check", f"check {i + 1} of {len(CHECKS)}"))

    ctx.report(Progress(0, len(CHECKS), "check", "preparing the training part of split 1"))
    case, said = case_of(params, ctx, told)
    done = []
    for i, check in enumerate(CHECKS):
        at["check"] = i
        told()
        done.append(check(case))
    rates = next(c for c in done if c["id"] == "C7")
    return {
        "checks": done,
        "passed": sum(check["passed"] for check in done),
        "of": len(done),
        "failed": [check["id"] for check in done if not check["passed"]],
        "rate": {k: rates[k] for k in ("curve", "suggested", "held", "diverged", "widened", "advised")},
        **said,
    }


# -- what the checks share -----------------------------------------------------------------------------------------


def _losses(case: Case, count: int) -> np.ndarray:
    """The losses of the first steps, dropout and all.  (count,)"""
    with case.repeated():
        return np.asarray(list(case.steps(case.net(), count)))


def _parts(case: Case) -> tuple[Case, Case]:
    """Rows to learn from and rows to look at, at most 6,000: at random, of windows the last after a gap of h."""
    n = len(case.stack)
    if case.layout.inputs.takes == "window":
        size = max(2, min(round(0.15 * n), n // 3))
        gap = min(case.layout.inputs.horizon, max(0, n - size - 2))
        return case.part(np.arange(max(1, n - size - gap))), case.part(np.arange(n - size, n))
    order = np.random.default_rng(case.seed + 2).permutation(n)[:MOST_ROWS]
    size = max(1, min(max(50, round(0.2 * len(order))), len(order) // 3))
    inner, held = order[size:], order[:size]
    if case.loss.classes:  # a class without rows to learn from is no question
        held = held[np.isin(case.y[held], case.y[inner])]
        top = int(case.y[inner].max())
        if top + 1 < case.outputs or not len(held):
            extra = [np.flatnonzero(case.y == k)[0] for k in range(case.outputs)]
            inner = np.unique(np.r_[inner, extra])
            held = np.setdiff1d(order[:size], inner)
    return case.part(inner), case.part(held)


def _after_epochs(inner: Case, held: Case) -> np.ndarray:
    """The loss of each held row after 5 epochs, of few rows so many that at least 150 steps are made.  (rows,)"""
    count = max(EPOCHS * inner.each, LEAST_STEPS)
    with inner.repeated():
        net = inner.net()
        for _ in inner.steps(net, count):
            pass
        return held.losses(net)


def _lowest(inner: Case, held: Case) -> float:
    """The lowest mean loss of the held rows after an epoch; as many steps as in `_after_epochs`."""
    count, lowest = max(EPOCHS * inner.each, LEAST_STEPS), math.inf
    with inner.repeated():
        net = inner.net()
        for k, _ in enumerate(inner.steps(net, count), start=1):
            if k % inner.each == 0 or k == count:
                lowest = min(lowest, float(held.losses(net).mean()))
                net.train()
    return lowest


def _result(check: str, title: str, passed: bool, value: float, expected: float) -> dict[str, Json]:
    finite: Mapping[str, float | None] = {
        "value": value if np.isfinite(value) else None,
        "expected": expected if np.isfinite(expected) else None,
    }
    hint = "" if passed else HINTS[check]
    return {"id": check, "title": title, "passed": bool(passed), **finite, "hint": hint}
