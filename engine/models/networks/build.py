"""From declaration to Keras module, and the direct way through a module's weights.

Training and single predictions do not call the Keras module: `Route` walks the same weights with torch's functions,
which gives the same numbers (a test holds it to that) at a third of the time of a step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.models.networks.backend import NoNetworks, load_keras, load_torch
from engine.models.networks.losses import Loss
from engine.models.networks.spec import Network

PROBABILITIES = "probabilities"  # name of the softmax after the head; absent in regression


def build(network: Network, inputs: int, outputs: int, seed: int, loss: Loss) -> Any:
    """The Keras module: (batch, inputs) float32 → (batch, outputs) probabilities or numbers, on the CPU.

    Hidden layers start with He's initialisation, the head at zero.
    """
    keras = load_keras()
    seeds = random.Random(seed)  # noqa: S311 - initial weights, not secrets
    with keras.device("cpu"):
        x = entry = keras.Input((inputs,), dtype="float32", name="inputs")
        for i, layer in enumerate(network.layers, start=1):
            match layer.kind:
                case "dense":
                    made = keras.layers.Dense(
                        layer.size,
                        activation=layer.activation or None,
                        kernel_initializer=keras.initializers.HeNormal(seed=seeds.getrandbits(31)),
                        dtype="float32",
                        name=f"dense_{i}",
                    )
                case "dropout":
                    made = keras.layers.Dropout(layer.rate, seed=seed % 2**31, dtype="float32", name=f"dropout_{i}")
                case "head":
                    made = keras.layers.Dense(outputs, kernel_initializer="zeros", dtype="float32", name="head")
                case _:
                    raise NoNetworks(f"A network for tables has no {layer.kind} layer; use dense and dropout.")
            x = made(x)
        if loss.classes:
            x = keras.layers.Activation("softmax", dtype="float32", name=PROBABILITIES)(x)
        return keras.Model(entry, x, name=network.name)


class Route:
    """The way of a batch through a module's layers, up to the head, over weights that are handed in.

    Raises NoNetworks for a module with a layer that has no direct form.
    """

    def __init__(self, module: Any) -> None:
        torch = load_torch()
        activations: dict[str, Callable[[Any], Any]] = {
            "relu": torch.relu,
            "tanh": torch.tanh,
            "silu": torch.nn.functional.silu,
            "gelu": torch.nn.functional.gelu,
            "linear": lambda x: x,
        }
        self._drop = torch.nn.functional.dropout
        self._addmm = torch.addmm
        self._steps: list[tuple[Callable[[Any], Any] | None, float]] = []  # dense with activation, or dropout rate
        variables = []
        self.classes = False
        for layer in module.layers:
            match type(layer).__name__:
                case "InputLayer":
                    continue
                case "Dense" if layer.activation.__name__ in activations and layer.use_bias:
                    name = layer.activation.__name__
                    self._steps.append((activations[name], 0.0))
                    variables += [layer.kernel, layer.bias]
                case "Dropout":
                    self._steps.append((None, float(layer.rate)))
                case "Activation" if layer.name == PROBABILITIES:
                    self.classes = True
                case other:
                    raise NoNetworks(f"The layer {other} {layer.name!r} cannot be trained here.")
        self.variables = variables
        self.module = module

    def weights(self, device: str = "cpu") -> list[Any]:
        """Copies of the module's weights as torch tensors that take gradients: kernel, bias, kernel, bias, …"""
        return [v.value.detach().to(device, copy=True).requires_grad_() for v in self.variables]

    def put_back(self, weights: Sequence[Any]) -> None:
        """Write trained weights into the module."""
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight.detach().cpu().numpy())

    def __call__(self, weights: Sequence[Any], x: Any, training: bool) -> Any:
        """(batch, inputs) → (batch, outputs) before the softmax."""
        at = 0
        for activation, rate in self._steps:
            if activation is None:
                if training and rate:
                    x = self._drop(x, rate)
            else:
                x = activation(self._addmm(weights[at + 1], x, weights[at]))
                at += 2
        return x


def untrained(network: Network, loss: Loss, inputs: int, outputs: int, y: np.ndarray, seed: int) -> Route:
    """A fresh module whose head answers every row with the best constant for these targets (C2)."""
    route = Route(build(network, inputs, outputs, seed, loss))
    route.variables[-1].assign(loss.best_constant(y, outputs))
    return route


def scale_head(route: Route, mean: float, scale: float) -> None:
    """Fold the target's standardisation into the head: afterwards the module answers in the target's own unit."""
    kernel, bias = (v.value.detach().cpu().numpy().astype(np.float64) for v in route.variables[-2:])
    route.variables[-2].assign((kernel * scale).astype(np.float32))
    route.variables[-1].assign((bias * scale + mean).astype(np.float32))
