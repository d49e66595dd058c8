"""The loss that a network learns by: the proper one of the metric, with the constant it starts from.

Targets here are what the network sees: class codes 0..K-1 (int64), or the standardised target (float32, one a row).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy

from engine.metrics import ABSOLUTE
from engine.models.networks.backend import load_torch
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
        """Head bias to start from (C2): log class shares, mean, median or quantile.  (outputs,) float32."""
        match self.name:
            case "cross_entropy":
                shares = self._shares(y, outputs)
                best = np.log(np.maximum(shares, 1e-7))  # a class without rows gets a chance of 1 in 10 million
            case "squared":
                best = np.mean(y, keepdims=True)
            case "absolute":
                best = np.median(y, keepdims=True)
            case _:
                best = np.quantile(y, [self.quantile])
        return best.astype(np.float32)

    def of_best_constant(self, y: np.ndarray, outputs: int) -> float:
        """The loss that a network must start at (C2): −Σπ·ln π, variance, mean distance to median or pinball loss."""
        if self.classes:
            shares = self._shares(y, outputs)
            return float(-xlogy(shares, shares).sum())
        gap = y - np.float64(self.best_constant(y, 1)[0])
        match self.name:
            case "squared":
                return float(np.mean(gap**2))
            case "absolute":
                return float(np.mean(np.abs(gap)))
            case _:
                return float(np.mean(np.maximum(self.quantile * gap, (self.quantile - 1) * gap)))

    def function(self) -> Callable[[Any, Any], Any]:
        """(outputs (batch, outputs), targets (batch,)) → mean loss, a torch scalar."""
        torch = load_torch()
        functional = torch.nn.functional
        match self.name:
            case "cross_entropy" if self.weights:
                rows = torch.tensor(self.weights, dtype=torch.float32)

                def weighted(out: Any, y: Any) -> Any:
                    return functional.cross_entropy(out, y, weight=rows.to(out.device), reduction="sum") / len(y)

                return weighted
            case "cross_entropy":
                return functional.cross_entropy
            case "squared":
                return lambda out, y: functional.mse_loss(out[:, 0], y)
            case "absolute":
                return lambda out, y: functional.l1_loss(out[:, 0], y)
            case _:
                q = self.quantile

                def pinball(out: Any, y: Any) -> Any:
                    gap = y - out[:, 0]
                    return torch.maximum(q * gap, (q - 1) * gap).mean()

                return pinball

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
