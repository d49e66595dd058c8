"""The loss that a network learns by: the proper one of the metric, with the constant it starts from.

Targets here are what the network sees: class codes 0..K-1 (int64), or the standardised target (float32, one a row, or
(windows, steps) where all steps ahead are answered at once, NaN for a step without a value).
Outputs are (batch, outputs), or (batch, members, outputs) of an ensemble, each member of which learns for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy

from engine.metrics import ABSOLUTE
from engine.models.networks.backend import load_torch
from engine.models.networks.layers import Network
from engine.records import Json


@dataclass(frozen=True)
class Loss:
    """cross_entropy (classes), squared, absolute or pinball (numbers; quantile says which).

    weights: what a row of each class counts, 1 on average; empty where all count alike.
    """

    name: str
    quantile: float = 0.5
    weights: tuple[float, ...] = ()

    @property
    def classes(self) -> bool:
        return self.name == "cross_entropy"

    def best_constant(self, y: np.ndarray, outputs: int) -> np.ndarray:
        """Head bias to start from (C2): log class shares, mean, median or quantile, of each step.  (outputs,)."""
        if self.classes:
            best = np.log(np.maximum(self._shares(y, outputs), 1e-7))  # without rows a chance of 1 in 10 million
            return best.astype(np.float32)
        steps = y if y.ndim == 2 else y[:, None]
        return np.array([self._constant(step[~np.isnan(step)]) for step in steps.T], dtype=np.float32)

    def _constant(self, y: np.ndarray) -> float:
        if not len(y):
            return 0.0
        match self.name:
            case "squared":
                return float(np.mean(y))
            case "absolute":
                return float(np.median(y))
            case _:
                return float(np.quantile(y, self.quantile))

    def of_best_constant(self, y: np.ndarray, outputs: int) -> float:
        """The loss that a network must start at (C2): −Σπ·ln π, variance, mean distance to median or pinball loss."""
        if self.classes:
            shares = self._shares(y, outputs)
            return float(-xlogy(shares, shares).sum())
        gap = (y if y.ndim == 2 else y[:, None]) - self.best_constant(y, outputs).astype(np.float64)
        match self.name:
            case "squared":
                return float(np.nanmean(gap**2))
            case "absolute":
                return float(np.nanmean(np.abs(gap)))
            case _:
                return float(np.nanmean(np.maximum(self.quantile * gap, (self.quantile - 1) * gap)))

    def function(self, smoothing: float = 0.0) -> Callable[[Any, Any], Any]:
        """(outputs, targets) → mean loss, a torch scalar.  smoothing: share of a label spread over all classes."""
        torch = load_torch()
        functional = torch.nn.functional
        if self.classes:
            rows = torch.tensor(self.weights, dtype=torch.float32) if self.weights else None

            def of_classes(out: Any, y: Any) -> Any:
                if out.ndim == 3:
                    y = y.repeat_interleave(out.shape[1])
                    out = out.flatten(0, 1)
                if rows is None:
                    return functional.cross_entropy(out, y, label_smoothing=smoothing)
                weight = rows.to(out.device)
                summed = functional.cross_entropy(out, y, weight=weight, reduction="sum", label_smoothing=smoothing)
                return summed / len(y)

            return of_classes
        fast = {"squared": functional.mse_loss, "absolute": functional.l1_loss}.get(self.name)

        def of_numbers(out: Any, y: Any) -> Any:
            if y.ndim == 1 and out.ndim == 2 and fast is not None:
                return fast(out[:, 0], y)
            lost, there = self._of_each(torch, out, y)
            return lost.sum() / there.sum().clamp(min=1)

        return of_numbers

    def of_rows(self, out: Any, y: Any) -> Any:
        """The loss of each row, a torch vector; of a window the mean over the steps that have a value."""
        torch = load_torch()
        if self.classes:
            members = out if out.ndim == 3 else out[:, None]
            said = torch.log_softmax(members, dim=2)
            lost = -said.gather(2, y[:, None, None].expand(-1, members.shape[1], 1))[..., 0].mean(dim=1)
            return lost * torch.tensor(self.weights, device=out.device)[y] if self.weights else lost
        lost, there = self._of_each(torch, out, y)
        return lost.flatten(1).sum(dim=1) / there.flatten(1).sum(dim=1).clamp(min=1)

    def _of_each(self, torch: Any, out: Any, y: Any) -> tuple[Any, Any]:
        """Loss of every answer to a number, and whether there was a number; both as outputs are."""
        y = y[:, None] if y.ndim == 1 else y
        y = y[:, None].expand_as(out) if out.ndim == 3 else y
        there = ~torch.isnan(y)
        gap = torch.where(there, y, out.detach()) - out
        match self.name:
            case "squared":
                lost = gap**2
            case "absolute":
                lost = gap.abs()
            case _:
                lost = torch.maximum(self.quantile * gap, (self.quantile - 1) * gap)
        return lost * there, there

    def _shares(self, y: np.ndarray, outputs: int) -> np.ndarray:
        """What each class has of all that counts.  (outputs,)"""
        counted = np.bincount(y, minlength=outputs) * np.array(self.weights or [1.0] * outputs)
        return counted / counted.sum()


def proper_loss(task: str, metric: str, costs: Mapping[str, Json] | str | None = None) -> Loss:
    """The loss whose lowest expected value is reached by what the metric rewards (catalogue 5.5)."""
    if task in ("binary", "multiclass"):
        return Loss("cross_entropy")
    if metric in ("expected_cost", "pinball") and isinstance(costs, Mapping) and {"under", "over"} <= set(costs):
        under, over = float(costs["under"]), float(costs["over"])
        if under > 0 and over > 0:
            return Loss("pinball", under / (under + over))
    return Loss("absolute") if metric in ABSOLUTE or metric == "expected_cost" else Loss("squared")


def loss_for(network: Network, recipe: Mapping[str, Json]) -> Loss:
    """The loss of a network for a recipe.  Windows learn absolute errors also where squared ones are scored: a few wild
    windows would else decide (catalogue 5.5)."""
    loss = proper_loss(recipe["task"], str(recipe.get("metric", "")), recipe.get("costs"))
    return Loss("absolute") if network.takes == "window" and loss.name == "squared" else loss
