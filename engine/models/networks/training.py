"""Training: a plain torch loop with early stopping, and the way in for whoever scores models.

    build_network({"name": "net_small", "settings": {}}, recipe, n_features, seed, report, layout) -> estimator

returns an unfitted scikit-learn estimator (NetworkClassifier or NetworkRegressor, by recipe["task"]) over the prepared
float32 matrix (rows, n_features), without missing values.  `fit(X, y, X_val, y_val)` stops early on the rows handed in
as validation (draw them with engine.data.splitting.inner_split from the training part, 15 %, at least 50 rows);
without them it draws its own.  `report` receives a Progress at each epoch, and may raise Cancelled, or Enough: then
the training ends with the best weights so far.  Where `report` has an attribute `saved` (see checkpoints.Saved), a
training that was broken off is taken up there.

Why a loop of our own: `model.fit` on the torch backend takes about six times as long a step for nets of this size
(tests/benchmarks/bench_training.py).  The rows lie on the device as one tensor while there is room, are shuffled once
an epoch, and the optimiser is torch's fused AdamW.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import DataProblem, Enough
from engine.models.networks.augment import augmented
from engine.models.networks.backend import load_torch, on_device, out_of_memory, reproducible
from engine.models.networks.checkpoints import State, moments_of, put_moments, state_bytes, state_of
from engine.models.networks.inputs import Layout, Stack, plain_layout
from engine.models.networks.layers import Training
from engine.models.networks.losses import Loss, loss_for
from engine.models.networks.schedules import changes, factor
from engine.models.networks.spec import batch_size, declared, suited
from engine.records import Json, Progress

if TYPE_CHECKING:
    from engine.models.networks.estimator import NetworkClassifier, NetworkRegressor

Report = Callable[[Progress], None]
Measured = Callable[[Any], Mapping[str, float]]  # outputs of the validation rows → figures by their names

EVALUATE = 8192  # rows at a time when only the loss is wanted: bounds memory
CELLS = 8_000_000  # numbers that these rows may hold inside the network: bounds memory where a row is large
BREATHE = 0.5  # seconds within an epoch after which a cancel is looked for
SAVE_EVERY = 2.0  # seconds of training that are lost at most
ROOM = 0.5  # of the free memory of a device that rows may take
SMALLEST = 8  # rows a step below which a device that is out of memory is given up


@dataclass(frozen=True)
class Trained:
    """What a training left: the weights of the best epoch (a state dict of torch tensors on the CPU), and how it went.

    curve: a point for each epoch, from 0, the untrained network, on: {"epoch", "train loss", "validation loss", a
    metric of the validation rows, "learning rate", "gradient norm", "weight norm"}.  health: what was noticed of
    gradients and weights.  remarks: what had to be done otherwise, in words.
    """

    weights: dict[str, Any]
    curve: list[dict[str, float]]
    best_epoch: int
    batch: int
    steps: int
    seconds: float
    device: str = "cpu"
    ended: str = "epochs"  # epochs, patience, or enough: a person stopped it
    train_loss: float = 0.0  # of the training rows with the best weights: nothing hidden, moved or smoothed
    health: dict[str, Json] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        return len(self.curve) - 1

    def evidence(self) -> dict[str, Json]:
        return {
            "curve": self.curve,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "best_train_loss": self.train_loss,
            "batch": self.batch,
            "steps": self.steps,
            "seconds": self.seconds,
            "rows_per_second": round(self.steps * self.batch / max(self.seconds, 1e-9)),
            "device": self.device,
            "ended": self.ended,
            "health": self.health,
            "remarks": self.remarks,
        }


def optimiser(torch: Any, net: Any, training: Training) -> Any:
    """AdamW over the weights, by the factor on their rate; fused where the device has it (one call a step)."""
    fused = next(net.parameters()).device.type in ("cpu", "cuda")
    groups = [{"params": weights, "lr": training.learning_rate * by, "factor": by} for by, weights in net.groups()]
    return torch.optim.AdamW(
        groups, lr=training.learning_rate, betas=training.betas, weight_decay=training.weight_decay, fused=fused
    )


def train(
    net: Any,
    loss: Loss,
    rows: Stack,
    y: np.ndarray,
    held: Stack,
    y_held: np.ndarray,
    training: Training,
    *,
    seed: int,
    report: Report | None = None,
    measure: Measured | None = None,
) -> Trained:
    """Train from the network's present weights; stop when the validation loss has not fallen for `patience` epochs.

    rows, held: as `Layout.tensors` makes them; y: as the loss takes it.  The network is left with the best weights, in
    evaluation mode, on the CPU.  A device that runs out of memory is tried with smaller batches, then left for the CPU;
    both are said in `remarks`.  Raises DataProblem when the loss is no number any more, and whatever `report` raises.
    """
    start = {name: value.detach().clone() for name, value in net.state_dict().items()}
    remarks: list[str] = []
    batch = batch_size(len(rows), training.batch)
    while True:
        try:
            run = _Run(net, loss, rows, y, held, y_held, replace(training, batch=batch), seed, report, measure)
            found = run.through()
            return replace(found, remarks=[*remarks, *found.remarks])
        except RuntimeError as problem:
            if not out_of_memory(problem):
                raise
            net.to("cpu").load_state_dict(start)
            if training.device.startswith("cuda"):
                load_torch().cuda.empty_cache()
            if batch > SMALLEST:
                batch //= 2
                remarks.append(f"{named(training.device)} ran out of memory; trained with {batch} rows a step.")
            elif training.device != "cpu":
                remarks.append(f"{named(training.device)} had no room even for {batch} rows a step; the CPU was taken.")
                training, batch = replace(training, device="cpu"), batch_size(len(rows), training.batch)
            else:
                raise MemoryError("the network's batches do not fit in memory") from None


def named(device: str) -> str:
    """A device at the beginning of a sentence."""
    kind = device.partition(":")[0]
    return {"cpu": "The CPU", "cuda": "The GPU", "mps": "The GPU"}.get(kind, kind)


class _Run:
    """One training on one device with one batch size."""

    def __init__(
        self,
        net: Any,
        loss: Loss,
        rows: Stack,
        y: np.ndarray,
        held: Stack,
        y_held: np.ndarray,
        training: Training,
        seed: int,
        report: Report | None,
        measure: Measured | None,
    ) -> None:
        self.net, self.loss, self.how, self.seed = net, loss, training, seed
        self.rows, self.y, self.held, self.y_held = rows, y, held, y_held
        self.report, self.measure = report, measure
        self.saved = getattr(report, "saved", None)
        self.which = self._which() if self.saved is not None else ""
        self.batch = int(training.batch or 1)
        whole, part = divmod(len(rows), self.batch)
        self.each = max(1, whole if training.drop_last else whole + bool(part))  # steps an epoch
        self.largest, self.clipped = 0.0, 0  # the longest gradient that was looked at, and how many were cut
        self.remarks: list[str] = []

    def through(self) -> Trained:
        how = self.how
        torch, device = on_device(how.device)
        with reproducible(self.seed, how.threads, device):
            self.torch, self.device = torch, device
            try:
                self._lay_out()
                return self._epochs()
            finally:
                self.net.to("cpu").eval()

    def _lay_out(self) -> None:
        """The rows on the device, while there is room for them there; else a batch at a time."""
        torch, device = self.torch, self.device
        free = None
        if device.startswith("cuda"):
            free = torch.cuda.mem_get_info(device)[0]
        self.there = device != "cpu" and (free is None or self.rows.bytes + self.held.bytes <= ROOM * free)
        if device != "cpu" and not self.there:
            self.remarks.append("The rows do not fit on the device and went there a batch at a time.")
        place = device if self.there else "cpu"
        self.stack, self.held_stack = self.rows.to(place), self.held.to(place)
        self.targets, self.held_targets = (torch.from_numpy(y).to(place) for y in (self.y, self.y_held))
        self.net.to(device)
        self.adam = optimiser(torch, self.net, self.how)
        self.compare = self.loss.function(self.how.smoothing)
        self.plain = self.loss.function()
        self.weights = list(self.net.parameters())
        self.shuffle = torch.Generator().manual_seed(self.seed)  # on the CPU: the same order on every device
        self.moves = bool(self.how.shift or self.how.mirror) and self.net.picture

    def _epochs(self) -> Trained:
        how = self.how
        began = time.perf_counter()
        before = 0.0
        self.last_word = self.last_saved = began
        ended = "epochs"
        state = self._taken_up()
        if state is None:
            self.curve = [self._point(0, self._mean(self.stack, self.targets), 0.0, 0.0)]
            self.lowest, self.best_epoch, self.steps, first = self.curve[0]["validation loss"], 0, 0, 1
            self.best = self._copied()
        else:
            first, before = len(self.curve), float(state.said["seconds"])
            try:
                self._tell_again()
            except Enough:
                first, ended = how.epochs + 1, "enough"
        for epoch in range(first, how.epochs + 1):
            if state is not None and epoch - 1 - self.best_epoch >= how.patience:
                ended = "patience"
                break
            started = time.perf_counter()
            try:
                mean, norm, cut = self._epoch(epoch)
            except Enough:
                ended = "enough"
                break
            self.largest, self.clipped = max(self.largest, norm), self.clipped + cut
            pace = self.each * self.batch / max(time.perf_counter() - started, 1e-9)
            point = self._point(epoch, mean, norm, self._rate())
            held = point["validation loss"]
            if not all(map(math.isfinite, (mean, held, norm))):
                what = "gradient" if math.isfinite(mean) and math.isfinite(held) else "loss"
                raise DataProblem(
                    f"The {what} stopped being a number in epoch {epoch}: the learning rate {how.learning_rate} is "
                    "too high for these inputs; lower it by a factor of 3, or scale the columns."
                )
            self.curve.append(point)
            if held < self.lowest or (how.last_tie and held == self.lowest):
                self.lowest, self.best_epoch, self.best = held, epoch, self._copied()
            self._keep(epoch, before + time.perf_counter() - began)
            try:
                self._tell(epoch, point, pace, time.perf_counter() - started)
            except Enough:
                ended = "enough"
                break
            if epoch - self.best_epoch >= how.patience:
                ended = "patience"
                break
        self.net.load_state_dict(self.best)
        learned = self._mean(self.stack, self.targets)
        health = {"largest_gradient": self.largest, "clipped_steps": self.clipped, **self._health()}
        if self.saved is not None:
            self.saved.drop()
        best = {name: value.detach().cpu() for name, value in self.best.items()}
        seconds = before + time.perf_counter() - began
        return Trained(
            best, self.curve, self.best_epoch, self.batch, self.steps, seconds, self.device, ended, learned, health,
            self.remarks,
        )  # fmt: skip

    def _epoch(self, epoch: int) -> tuple[float, float, int]:
        """One pass over the rows: the mean loss, the largest norm of a gradient looked at, and how many were cut."""
        torch, how, net = self.torch, self.how, self.net
        net.train()
        n = len(self.stack)
        order = torch.randperm(n, generator=self.shuffle)
        order = order.to(self.targets.device)
        shuffled, wanted = self.stack.ordered(order), self.targets[order]
        total, seen, largest, cut = torch.zeros((), device=self.device), 0, 0.0, 0
        look = max(1, self.each // 4)  # the norm is asked for a few times an epoch: it waits for the device
        moving = changes(how)
        for k in range(self.each):
            at = k * self.batch
            (x, beside), t = shuffled.batch(at, at + self.batch), wanted[at : at + self.batch]
            if not self.there and self.device != "cpu":
                x, beside, t = moved(x, self.device), moved(beside, self.device), t.to(self.device)
            if self.moves:
                x = augmented(x, how)
            if moving:
                by = factor(how, self.steps, self.each * how.epochs)
                for group in self.adam.param_groups:
                    group["lr"] = how.learning_rate * group["factor"] * by
            self.adam.zero_grad(set_to_none=True)
            value = self._loss(x, beside, t)
            value.backward()
            if how.clip:
                norm = torch.nn.utils.clip_grad_norm_(self.weights, how.clip, foreach=True)
                if k % look == 0:
                    long = float(norm.detach())
                    largest, cut = max(largest, long), cut + (long > how.clip)
            elif k % look == 0:
                largest = max(largest, self._gradient_norm())
            self.adam.step()
            total += value.detach() * len(t)
            seen += len(t)
            self.steps += 1
            if self.report is not None and time.perf_counter() - self.last_word > BREATHE:
                self.last_word = time.perf_counter()
                self.report(Progress(epoch - 1, how.epochs, "epoch", f"epoch {epoch}, row {at + len(t):,}"))
        return float(total) / max(seen, 1), largest, cut

    def _loss(self, x: Any, beside: Any, t: Any) -> Any:
        return stepped(self.torch, self.net, self.compare, self.how, self.device, x, beside, t)

    def _gradient_norm(self) -> float:
        return norm_of([w.grad for w in self.weights if w.grad is not None])

    def _rate(self) -> float:
        return float(self.adam.param_groups[0]["lr"] / (self.adam.param_groups[0]["factor"] or 1.0))

    def _point(self, epoch: int, mean: float, norm: float, rate: float) -> dict[str, float]:
        held, figures = self._held()
        point = {"epoch": epoch, "train loss": mean, "validation loss": held, **figures}
        if not epoch:
            return point
        size = norm_of(self.weights)
        return {**point, "learning rate": rate, "gradient norm": norm, "weight norm": size}

    def _held(self) -> tuple[float, dict[str, float]]:
        """The validation loss, and figures of the same outputs."""
        if self.measure is None:
            return self._mean(self.held_stack, self.held_targets), {}
        out = outputs_of(self.net, self.held_stack, self.device)
        value = float(self.plain(out, self.held_targets.to(out.device)))
        return value, dict(self.measure(out)) if math.isfinite(value) else {}

    def _mean(self, stack: Stack, targets: Any) -> float:
        out = outputs_of(self.net, stack, self.device)
        return float(self.plain(out, targets.to(out.device)))

    def _copied(self) -> dict[str, Any]:
        return {name: value.detach().clone() for name, value in self.net.state_dict().items()}

    def _tell(self, epoch: int, point: Mapping[str, float], pace: float, seconds: float) -> None:
        if self.report is None:
            return
        self.last_word = time.perf_counter()
        still = min(self.how.epochs - epoch, self.how.patience - (epoch - self.best_epoch)) * seconds
        most = (self.how.epochs - epoch) * seconds
        left = f"{still:,.0f} to {most:,.0f} s left" if round(most) > round(still) else f"{most:,.0f} s left"
        words = (
            f"epoch {epoch}, validation loss {point['validation loss']:.4f}, lowest {self.lowest:.4f} in epoch "
            f"{self.best_epoch}, {pace:,.0f} rows/s, {left}"
        )
        more = {"rows a second": round(pace), "seconds left": most, "best epoch": self.best_epoch}
        self.report(Progress(epoch, self.how.epochs, "epoch", words, {**point, **more}))

    def _tell_again(self) -> None:
        """The epochs before a training was broken off: whoever looks on has not seen them in this attempt, and would
        take the best since then for the best of all."""
        if self.report is None:
            return
        for point in self.curve[1:]:
            epoch = int(point["epoch"])
            self.report(Progress(epoch, self.how.epochs, "epoch", f"epoch {epoch}, before it was broken off", point))

    def _health(self) -> dict[str, Json]:
        """Share of relu units that are 0 for every validation row, by layer, and weights that are no number."""
        torch, dead, hooks = self.torch, {}, []

        def look(name: str) -> Any:
            def hook(module: Any, entered: Any, out: Any) -> None:
                side = 1 if out.ndim == 4 else out.ndim - 1
                idle = (out == 0).transpose(side, 0).flatten(1).all(dim=1)
                dead[name] = round(float(idle.float().mean()), 4)

            return hook

        for i, step in enumerate(self.net.steps):
            if getattr(step, "turn", None) is torch.relu:
                hooks.append(step.register_forward_hook(look(f"{i + 1} {type(step).__name__.lower()}")))
        outputs_of(self.net, self.held_stack.ordered(torch.arange(min(len(self.held_stack), 1024),
                   device=self.targets.device)), self.device)  # fmt: skip
        for hook in hooks:
            hook.remove()
        finite = all(bool(torch.isfinite(w).all()) for w in self.weights)
        return {"dead": dead, "finite": finite}

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def _which(self) -> str:
        """A hash of what is trained, how, with which draws and on which targets: one place keeps the state of several
        trainings in turn, such as those of a stack's members, and none may go on where another one was."""
        said = repr((self.net.network, self.how, self.loss, self.seed, len(self.rows), len(self.held)))
        return hashlib.sha256(said.encode() + self.y.tobytes() + self.y_held.tobytes()).hexdigest()

    def _keep(self, epoch: int, seconds: float) -> None:
        if self.saved is None or time.perf_counter() - self.last_saved < SAVE_EVERY:
            return
        said = {
            "curve": self.curve, "lowest": self.lowest, "best_epoch": self.best_epoch, "steps": self.steps,
            "largest": self.largest, "clipped": self.clipped, "seconds": seconds, "device": self.device,
            "which": self.which,
        }  # fmt: skip
        draws = {"shuffle": self.shuffle.get_state(), "torch": self.torch.get_rng_state()}
        if self.device.startswith("cuda"):
            draws["cuda"] = self.torch.cuda.get_rng_state(self.device)
        state = State(said, self.net.state_dict(), self.best, moments_of(self.adam), draws)
        self.saved.save(state_bytes(state))
        self.last_saved = time.perf_counter()

    def _taken_up(self) -> State | None:
        """Where a training of the very same was broken off; None where it begins."""
        content = self.saved.load() if self.saved is not None else None
        state = state_of(content) if content else None
        if state is None:
            return None
        said = state.said
        if (said.get("which"), said["device"]) != (self.which, self.device):
            return None
        self.net.load_state_dict(state.net)
        put_moments(self.adam, state.moments)
        self.shuffle.set_state(state.draws["shuffle"])
        self.torch.set_rng_state(state.draws["torch"])
        if "cuda" in state.draws:
            self.torch.cuda.set_rng_state(state.draws["cuda"], self.device)
        self.curve, self.lowest = list(said["curve"]), float(said["lowest"])
        self.best_epoch, self.steps = int(said["best_epoch"]), int(said["steps"])
        self.largest, self.clipped = float(said["largest"]), int(said["clipped"])
        self.best = {name: value.to(self.device) for name, value in state.best.items()}
        self.remarks.append(f"Taken up after epoch {len(self.curve) - 1}, where it had been broken off.")
        return state


def stepped(torch: Any, net: Any, compare: Any, how: Training, device: str, x: Any, beside: Any, t: Any) -> Any:
    """The loss of a batch, computed in the declared precision."""
    if how.precision == "float32":
        return compare(net(x, beside), t)
    with torch.autocast(device.partition(":")[0], dtype=torch.bfloat16):
        out = net(x, beside)
    return compare(out.float(), t)


def norm_of(tensors: Sequence[Any]) -> float:
    """The Euclidean norm of all their numbers together."""
    torch = load_torch()
    with torch.no_grad():
        return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors)))))


def outputs_of(net: Any, stack: Stack, device: str = "cpu") -> Any:
    """(rows, outputs) in evaluation mode, some rows at a time, before the softmax."""
    torch = load_torch()
    net.eval()
    each = net.row_cells
    size = max(1, min(EVALUATE, CELLS // max(each, 1)))
    parts = []
    with torch.inference_mode():
        for x, beside in stack.batches(size):
            parts.append(net(moved(x, device), moved(beside, device)))
    if not parts:
        return torch.zeros((0, net.outputs))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def moved(x: Any, device: str) -> Any:
    """A batch on the device."""
    if x is None or device == "cpu":
        return x
    return tuple(part.to(device) for part in x) if isinstance(x, tuple) else x.to(device)


def build_network(
    model: Mapping[str, Json],
    recipe: Mapping[str, Json],
    n_features: int,
    seed: int,
    report: Report | None = None,
    layout: Layout | None = None,
) -> NetworkClassifier | NetworkRegressor:
    """The unfitted estimator of a model ({"name", "settings"}) for a recipe; see the top of this file.

    layout: where the material lies among the prepared columns (`inputs.layout_of`); a plain table without it.
    Raises UsageProblem for an unknown name or setting, and NoNetworks where torch, Keras or the device is missing.
    """
    from engine.models.networks.backend import needs_device
    from engine.models.networks.estimator import NetworkClassifier, NetworkRegressor

    network = declared(str(model["name"]), model.get("settings") or {})
    needs_device(network.training.device)  # say at once that something is missing, not after the preparation
    network = suited(network, recipe["task"], str(recipe.get("metric", "")))
    loss = loss_for(network, recipe)
    family = NetworkClassifier if loss.classes else NetworkRegressor
    balanced = (recipe.get("prepare") or {}).get("weights") == "balanced"
    return family(
        network=network, loss=loss, layout=layout or plain_layout(n_features), seed=seed, report=report,
        balanced=balanced,
    )  # fmt: skip
