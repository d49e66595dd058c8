"""Training: a plain torch loop with early stopping, and the way in for whoever scores models.

    build_network({"name": "net_small", "settings": {}}, recipe, n_features, seed, report) -> estimator

returns an unfitted scikit-learn estimator (NetworkClassifier or NetworkRegressor, by recipe["task"]) over the prepared
float32 matrix (rows, n_features), without missing values.  `fit(X, y, X_val, y_val)` stops early on the rows handed in
as validation (draw them with engine.data.splitting.inner_split from the training part, 15 %, at least 50 rows);
without them it draws its own.  `report` receives a Progress at each epoch, with the point
{"epoch", "train loss", "validation loss"}, and may raise Cancelled.

Why a loop of our own: `model.fit` on the torch backend takes about six times as long a step for nets of this size
(tests/benchmarks/bench_training.py).  The rows lie on the device as one tensor, are shuffled once an epoch, and the
optimiser is torch's fused AdamW.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import DataProblem
from engine.models.networks.backend import reproducible
from engine.models.networks.build import Route
from engine.models.networks.losses import Loss, proper_loss
from engine.models.networks.spec import Training, batch_size, declared
from engine.records import Json, Progress

if TYPE_CHECKING:
    from engine.models.networks.estimator import NetworkClassifier, NetworkRegressor

Report = Callable[[Progress], None]

EVALUATE = 8192  # rows at a time when only the loss is wanted: bounds memory
BREATHE = 0.5  # seconds within an epoch after which a cancel is looked for


@dataclass(frozen=True)
class Trained:
    """What a training left: the weights of the best epoch (torch tensors on the CPU), and how it went.

    curve: {"epoch", "train loss", "validation loss"} from epoch 0, the untrained network, on.
    """

    weights: list[Any]
    curve: list[dict[str, float]]
    best_epoch: int
    batch: int
    steps: int
    seconds: float

    @property
    def epochs(self) -> int:
        return len(self.curve) - 1

    def evidence(self) -> dict[str, Json]:
        return {
            "curve": self.curve,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "batch": self.batch,
            "steps": self.steps,
            "seconds": self.seconds,
        }


def optimiser(torch: Any, weights: list[Any], training: Training) -> Any:
    """AdamW over the weights; fused where the device has it (one call a step instead of one a tensor)."""
    fused = weights[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(weights, lr=training.learning_rate, weight_decay=training.weight_decay, fused=fused)


def train(
    route: Route,
    loss: Loss,
    X: np.ndarray,
    y: np.ndarray,
    X_val: np.ndarray,
    y_val: np.ndarray,
    training: Training,
    *,
    seed: int,
    report: Report | None = None,
) -> Trained:
    """Train from the module's present weights; stop when the validation loss has not fallen for `patience` epochs.

    X: (rows, features) float32; y: (rows,) as the loss takes it.  The module itself is left as it was.
    Raises DataProblem when the loss is no number any more, and whatever `report` raises.
    """
    device = training.device
    started = last_word = time.perf_counter()
    rows = len(X)
    batch = batch_size(rows, training.batch)
    with reproducible(seed, training.threads, device) as torch:
        rows_in, targets = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
        val_in, val_targets = torch.from_numpy(X_val).to(device), torch.from_numpy(y_val).to(device)
        weights = route.weights(device)
        step_loss = loss.function()
        adam = optimiser(torch, weights, training)
        shuffle = torch.Generator().manual_seed(seed)  # on the CPU: the same order on every device

        best = [w.detach().clone() for w in weights]
        lowest = mean_loss(torch, route, weights, step_loss, val_in, val_targets)
        start = mean_loss(torch, route, weights, step_loss, rows_in, targets)
        curve = [_point(0, start, lowest)]
        best_epoch = steps = 0
        for epoch in range(1, training.epochs + 1):
            order = torch.randperm(rows, generator=shuffle).to(device)
            shuffled, wanted = rows_in[order], targets[order]
            total = torch.zeros((), device=device)
            for at in range(0, rows, batch):
                x, t = shuffled[at : at + batch], wanted[at : at + batch]
                adam.zero_grad(set_to_none=True)
                value = step_loss(route(weights, x, True), t)
                value.backward()
                adam.step()
                total += value.detach() * len(x)
                steps += 1
                if report is not None and time.perf_counter() - last_word > BREATHE:
                    last_word = time.perf_counter()
                    report(Progress(epoch - 1, training.epochs, "epoch", f"epoch {epoch}, row {at + len(x):,}"))
            fallen_to = float(total) / rows
            held = mean_loss(torch, route, weights, step_loss, val_in, val_targets)
            if not (math.isfinite(fallen_to) and math.isfinite(held)):
                raise DataProblem(
                    f"The loss stopped being a number in epoch {epoch}: the learning rate {training.learning_rate} is "
                    "too high for these inputs; lower it by a factor of 3, or scale the columns."
                )
            curve.append(_point(epoch, fallen_to, held))
            if held < lowest:
                lowest, best_epoch = held, epoch
                best = [w.detach().clone() for w in weights]
            if report is not None:
                last_word = time.perf_counter()
                words = f"epoch {epoch}, validation loss {held:.4f}, lowest {lowest:.4f} in epoch {best_epoch}"
                report(Progress(epoch, training.epochs, "epoch", words, curve[-1]))
            if epoch - best_epoch >= training.patience:
                break
        best = [w.cpu() for w in best]
    return Trained(best, curve, best_epoch, batch, steps, time.perf_counter() - started)


def mean_loss(torch: Any, route: Route, weights: list[Any], loss: Callable[[Any, Any], Any], x: Any, y: Any) -> float:
    """The mean loss over all rows in evaluation mode, `EVALUATE` rows at a time."""
    total = 0.0
    with torch.no_grad():
        for at in range(0, len(x), EVALUATE):
            part = x[at : at + EVALUATE]
            total += float(loss(route(weights, part, False), y[at : at + EVALUATE])) * len(part)
    return total / len(x)


def build_network(
    model: Mapping[str, Json],
    recipe: Mapping[str, Json],
    n_features: int,
    seed: int,
    report: Report | None = None,
) -> NetworkClassifier | NetworkRegressor:
    """The unfitted estimator of a model ({"name", "settings"}) for a recipe; see the top of this file.

    Raises UsageProblem for an unknown name or setting, and NoNetworks where torch, Keras or the device is missing.
    """
    from engine.models.networks.backend import load_keras, needs_device
    from engine.models.networks.estimator import NetworkClassifier, NetworkRegressor

    load_keras()  # say at once that something is missing, not after the preparation
    network = declared(str(model["name"]), model.get("settings") or {})
    needs_device(network.training.device)
    loss = proper_loss(recipe["task"], recipe.get("metric", ""), recipe.get("costs"))
    family = NetworkClassifier if loss.classes else NetworkRegressor
    balanced = (recipe.get("prepare") or {}).get("weights") == "balanced"
    return family(network=network, loss=loss, n_features=n_features, seed=seed, report=report, balanced=balanced)


def _point(epoch: int, train: float, validation: float) -> dict[str, float]:
    return {"epoch": epoch, "train loss": train, "validation loss": validation}
