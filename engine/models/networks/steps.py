"""A few training steps of a network on the rows of one training part: what checks and rate tests are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.models.networks.augment import augmented
from engine.models.networks.backend import load_torch, on_device, reproducible
from engine.models.networks.inputs import Layout, Stack
from engine.models.networks.layers import Network
from engine.models.networks.losses import Loss, loss_for
from engine.models.networks.spec import batch_size, suited
from engine.models.networks.training import optimiser, outputs_of, stepped
from engine.records import Json

Breathe = Callable[[], None]


def nobody_waits() -> None:
    return None


@dataclass(frozen=True)
class Case:
    """A network and the rows it is to learn from, as it sees them.

    stack: the rows; y: (rows,) as the loss takes it, or (windows, steps).  breathe: called now and then; may raise
    Cancelled.
    """

    network: Network
    loss: Loss
    layout: Layout
    stack: Stack
    y: np.ndarray
    seed: int = 0
    breathe: Breathe = nobody_waits

    @classmethod
    def of(
        cls, network: Network, recipe: Mapping[str, Json], layout: Layout, X: Any, y: np.ndarray, seed: int,
        breathe: Breathe = nobody_waits,
    ) -> Case:  # fmt: skip
        """From prepared rows X (n, width) and their targets (n,): class codes, or numbers in any unit."""
        network = suited(network, recipe["task"], str(recipe.get("metric", "")))
        loss = loss_for(network, recipe)
        seen = as_seen(loss, y)
        if network.takes == "window":
            asked = layout.windows(X, seen)
            return cls(network, loss, layout, asked.stack, asked.y, seed, breathe)
        return cls(network, loss, layout, layout.tensors(X), seen, seed, breathe)

    @property
    def outputs(self) -> int:
        if self.loss.classes:
            return int(self.y.max()) + 1
        return self.y.shape[1] if self.y.ndim == 2 else 1

    @property
    def batch(self) -> int:
        return batch_size(len(self.stack), self.network.training.batch)

    @property
    def each(self) -> int:
        """Steps an epoch."""
        return -(-len(self.stack) // self.batch)

    def part(self, rows: np.ndarray) -> Case:
        """The same on some of the rows."""
        torch = load_torch()
        return replace(self, stack=self.stack.ordered(torch.from_numpy(np.asarray(rows))), y=self.y[rows])

    def net(self) -> Any:
        """A fresh network on the CPU, its head at the best constant of these rows."""
        from engine.models.networks.modules import untrained

        return untrained(self.network, self.loss, self.layout.inputs, self.outputs, self.y, self.seed)

    def bare(self) -> Case:
        """Without what keeps it from learning by heart: dropout, decay, changes of pictures, smoothed labels."""
        layers = tuple(replace(k, rate=0.0) if k.kind == "dropout" else k for k in self.network.layers)
        how = replace(self.network.training, weight_decay=0.0, shift=0.0, mirror=False, smoothing=0.0)
        return replace(self, network=replace(self.network, layers=layers, training=how))

    def with_training(self, **changes: Any) -> Case:
        return replace(self, network=replace(self.network, training=replace(self.network.training, **changes)))

    def steps(
        self, net: Any, count: int, rate: Callable[[int], float] | None = None, whole: bool = False
    ) -> Iterator[float]:
        """Train for so many steps; the loss of each batch before its step.

        rate: the rate of a step, that of the declaration without it.  whole: every batch is all the rows.  To be used
        inside `reproducible`.
        """
        how = self.network.training
        torch, device = on_device(how.device)
        net.to(device).train()
        adam, compare = optimiser(torch, net, how), self.loss.function(how.smoothing)
        stack, targets = self.stack.to(device), torch.from_numpy(self.y).to(device)
        shuffle = torch.Generator().manual_seed(self.seed)
        n, size = len(stack), len(stack) if whole else self.batch
        order = torch.arange(n)
        at = n
        for k in range(count):
            if not whole and at + (size if how.drop_last else 1) > n:
                order, at = torch.randperm(n, generator=shuffle), 0
            some = (order if whole else order[at : at + size]).to(targets.device)
            at += size
            x, beside = stack.ordered(some).batch(0, len(some))
            if net.picture and (how.shift or how.mirror):
                x = augmented(x, how)
            for group in adam.param_groups:
                group["lr"] = (how.learning_rate if rate is None else rate(k)) * group["factor"]
            adam.zero_grad(set_to_none=True)
            value = stepped(torch, net, compare, how, device, x, beside, targets[some])
            value.backward()
            if how.clip:
                torch.nn.utils.clip_grad_norm_(net.parameters(), how.clip)
            adam.step()
            yield float(value.detach())
            if k % 8 == 7:
                self.breathe()

    def losses(self, net: Any) -> np.ndarray:
        """The loss of every row in evaluation mode, without smoothing.  (rows,)"""
        torch, device = on_device(self.network.training.device)
        out = outputs_of(net.to(device), self.stack, device)
        return self.loss.of_rows(out, torch.from_numpy(self.y).to(out.device)).cpu().numpy().astype(np.float64)

    def value(self, net: Any) -> float:
        """The mean loss over the rows in evaluation mode."""
        torch, device = on_device(self.network.training.device)
        out = outputs_of(net.to(device), self.stack, device)
        return float(self.loss.function()(out, torch.from_numpy(self.y).to(out.device)))

    def repeated(self) -> Any:
        """The context in which the same steps give the same losses."""
        how = self.network.training
        return reproducible(self.seed, how.threads, on_device(how.device)[1])


def as_seen(loss: Loss, y: np.ndarray) -> np.ndarray:
    """Targets as the network sees them: codes without gaps (int64), or standardised (float32)."""
    if loss.classes:
        return np.unique(y, return_inverse=True)[1].astype(np.int64)
    y = np.asarray(y, dtype=np.float64)
    return ((y - y.mean()) / (y.std() or 1.0)).astype(np.float32)
