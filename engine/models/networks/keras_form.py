"""The same network as a Keras model on the torch backend: what leaves as a `.keras` file, and what plain Keras opens.

Networks are trained as torch modules (`modules.Net`).  Where every layer has a form in Keras, the model is made of
those, with the same weights and, a test holds it to that, the same answers.  Where one has none (parameter ensembles,
NTK layers, torch's recurrent layers, which are several times as fast on a CPU as Keras's own, convolutions over texts,
behind whose end Keras's forget to stop), the network stays torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from engine.models.networks.backend import NoNetworks, load_keras, load_torch
from engine.models.networks.layers import Inputs, Layer, Network, has_form
from engine.models.networks.losses import Loss

PROBABILITIES = "probabilities"  # name of the softmax after the head; absent in regression
Turn = Callable[[np.ndarray], np.ndarray]  # from torch's order of a weight's sides to Keras's


def keras_form(net: Any, loss: Loss) -> Any:
    """The Keras model of a torch network, weights and all.  Raises NoNetworks where Keras has no form of it."""
    if not has_form(net.network, net.inputs):
        raise NoNetworks(f"{net.network.title} has a layer that Keras has no form of; it is kept as torch weights.")
    model = skeleton(net.network, net.inputs, net.outputs, loss)
    for variable, tensor, turn in pairs(model, net):
        variable.assign(turn(tensor.detach().cpu().numpy()))
    return model


def take_weights(net: Any, model: Any) -> None:
    """Put the weights of a Keras model into the torch network that it is the form of."""
    torch = load_torch()
    with torch.no_grad():
        for variable, tensor, turn in pairs(model, net):
            value = variable.value.detach().cpu().numpy()
            tensor.copy_(torch.from_numpy(_back(turn)(value).copy()))


def skeleton(network: Network, inputs: Inputs, outputs: int, loss: Loss) -> Any:
    """The Keras model with weights of its own: rows as `inputs` says → probabilities or numbers, on the CPU."""
    keras = load_keras()
    layers = network.resolved(inputs).layers
    with keras.device("cpu"):
        whole = "int32" if inputs.takes == "tokens" else "float32"
        x = entry = keras.Input(inputs.shape, dtype=whole, name="inputs")
        for i, layer in enumerate(layers, start=1):
            x = _added(keras, layer, i, x, outputs)
        if loss.classes:
            x = keras.layers.Activation("softmax", dtype="float32", name=PROBABILITIES)(x)
        return keras.Model(entry, x, name=network.name)


def _added(keras: Any, layer: Layer, i: int, x: Any, outputs: int) -> Any:
    make, name, plain = keras.layers, f"{layer.kind}_{i}", {"dtype": "float32"}
    activation = layer.activation or None
    match layer.kind:
        case "dense":
            return make.Dense(layer.size, activation=activation, name=name, **plain)(x)
        case "dropout":
            return make.Dropout(layer.rate, name=name, **plain)(x)
        case "head":
            return make.Dense(outputs, kernel_initializer="zeros", name="head", **plain)(x)
        case "conv2d":
            return make.Conv2D(layer.size, layer.kernel, padding=layer.padding or "valid", activation=activation,
                               name=name, **plain)(x)  # fmt: skip
        case "pool":
            return make.MaxPooling2D(layer.size or 2, name=name, **plain)(x)
        case "flatten":
            return make.Flatten(name=name, **plain)(x)
        case "average":
            return make.GlobalAveragePooling2D(name=name, **plain)(x)
        case "embedding":
            return make.Embedding(layer.rows, layer.size, mask_zero=True, name=name, **plain)(x)
        case "masked_average":
            return make.GlobalAveragePooling1D(name=name, **plain)(x)
        case "batchnorm":
            x = make.BatchNormalization(epsilon=1e-3, name=name, **plain)(x)
            return make.Activation(activation or "linear", name=f"{name}_activation", **plain)(x)
        case "residual":
            return _residual(keras, layer, name, x)
    raise NoNetworks(f"Keras has no form of a {layer.kind} layer.")


def _residual(keras: Any, layer: Layer, name: str, x: Any) -> Any:
    make, plain = keras.layers, {"dtype": "float32"}

    def conv(inner: str, kernel: int, entering: Any) -> Any:
        made = make.Conv2D(layer.size, kernel, padding="same", use_bias=False, name=f"{name}_{inner}", **plain)
        return made(entering)

    y = make.BatchNormalization(epsilon=1e-3, name=f"{name}_norm_one", **plain)(conv("one", layer.kernel, x))
    y = make.Activation("relu", name=f"{name}_relu", **plain)(y)
    y = make.BatchNormalization(epsilon=1e-3, name=f"{name}_norm_two", **plain)(conv("two", layer.kernel, y))
    beside = x if x.shape[-1] == layer.size else conv("wide", 1, x)
    return make.Activation("relu", name=f"{name}_out", **plain)(make.Add(name=f"{name}_add", **plain)([y, beside]))


def pairs(model: Any, net: Any) -> Iterator[tuple[Any, Any, Turn]]:
    """Each weight of the Keras model, the torch tensor that it equals, and how their sides are turned."""
    layers = net.network.resolved(net.inputs).layers
    for i, (layer, step) in enumerate(zip(layers, net.steps, strict=True), start=1):
        name = "head" if layer.kind == "head" else f"{layer.kind}_{i}"
        match layer.kind:
            case "dense" | "head" | "conv2d":
                made = model.get_layer(name)
                yield made.kernel, step.weight, _TURNS[step.weight.ndim]
                yield made.bias, step.bias, _as_it_is
            case "embedding":
                yield model.get_layer(name).embeddings, step.weight, _as_it_is
            case "batchnorm":
                yield from _norm(model.get_layer(name), step.norm)
            case "residual":
                for inner in ("one", "two", "wide"):
                    weight = getattr(step, inner)
                    if weight is not None:
                        yield model.get_layer(f"{name}_{inner}").kernel, weight, _TURNS[4]
                yield from _norm(model.get_layer(f"{name}_norm_one"), step.norm_one)
                yield from _norm(model.get_layer(f"{name}_norm_two"), step.norm_two)


def _norm(made: Any, norm: Any) -> Iterator[tuple[Any, Any, Turn]]:
    yield made.gamma, norm.weight, _as_it_is
    yield made.beta, norm.bias, _as_it_is
    yield made.moving_mean, norm.running_mean, _as_it_is
    yield made.moving_variance, norm.running_var, _as_it_is


def _as_it_is(value: np.ndarray) -> np.ndarray:
    return value


def _dense(value: np.ndarray) -> np.ndarray:
    return value.T


def _conv2d(value: np.ndarray) -> np.ndarray:
    return value.transpose(2, 3, 1, 0)


_TURNS: dict[int, Turn] = {2: _dense, 4: _conv2d}


def _back(turn: Turn) -> Turn:
    if turn is _conv2d:
        return lambda value: value.transpose(3, 2, 0, 1)
    return turn  # turned twice, the others are as they were
