"""Parameters and multiplications of a declared network, counted before anything is built.  Light: plain arithmetic.

A network is a sequence of layers as JSON mappings (see engine/models/networks/spec.py), e.g.
[{"kind": "dense", "size": 64}, {"kind": "dropout", "rate": 0.1}, {"kind": "head"}].  Formulas: decision catalogue, 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.errors import UsageProblem
from engine.records import Json

Shape = tuple[int, ...]  # of one row, without the batch: (features,), (time, channels) or (height, width, channels)


def dense(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def conv1d(kernel: int, channels: int, filters: int) -> int:
    return (kernel * channels + 1) * filters


def conv2d(kernel: int, channels: int, filters: int) -> int:
    return (kernel * kernel * channels + 1) * filters


def embedding(rows: int, width: int) -> int:
    return rows * width


def gru(inputs: int, hidden: int) -> int:
    """As in torch, which keeps two bias vectors for each of the 3 gates."""
    return 3 * (inputs * hidden + hidden * hidden + 2 * hidden)


def lstm(inputs: int, hidden: int) -> int:
    """As in torch, which keeps two bias vectors for each of the 4 gates (Keras keeps one)."""
    return 4 * (inputs * hidden + hidden * hidden + 2 * hidden)


WAVES = 16  # of a periodic embedding, before they are mixed down
FEW_LEVELS = 9  # up to here a category stays one-hot (Holzmüller et al. 2024)


def periodic(size: int) -> int:
    """Of one column: frequencies and phases of its waves, and the layer that mixes them to `size` - 1 numbers; the
    column itself is kept beside them."""
    return 2 * WAVES + (WAVES + 1) * (size - 1)


def residual(kernel: int, channels: int, filters: int) -> tuple[int, int]:
    """(parameters, multiplications a pixel) of two convolutions without bias, each with batch norm, and of the 1×1
    convolution that widens what is added to them."""
    weights = kernel * kernel * (channels + filters) * filters + (channels != filters) * channels * filters
    return weights + 2 * 2 * filters, weights


def attention(channels: int, size: int) -> int:
    """softmax(vᵀ tanh(W h + b)): W, b and v."""
    return dense(channels, size) + size


@dataclass(frozen=True)
class LayerCount:
    """One layer: what it holds, what one row costs (matrix products only), and the shape of one row after it."""

    kind: str
    parameters: int
    multiplications: int
    shape: Shape


@dataclass(frozen=True)
class Count:
    """A whole network.  embeddings is the part of `parameters` that lies in embedding tables."""

    layers: tuple[LayerCount, ...]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def embeddings(self) -> int:
        return sum(layer.parameters for layer in self.layers if layer.kind == "embedding")

    @property
    def multiplications(self) -> int:
        return sum(layer.multiplications for layer in self.layers)

    @property
    def activations(self) -> int:
        """Numbers that one row leaves behind on its way through, kept for the backward pass."""
        total = 0
        for layer in self.layers:
            total += size_of(layer.shape)
        return total


def count(layers: Sequence[Mapping[str, Json]], inputs: int | Shape, outputs: int) -> Count:
    """Count a declared network.

    inputs: the shape of one row (a number: that many features; a token sequence is (length,) before its embedding).
    outputs: units of the `head`.  Raises UsageProblem when a layer is unknown or does not fit what comes before it.
    """
    shape: Shape = (inputs,) if isinstance(inputs, int) else tuple(inputs)
    counted = []
    for layer in layers:
        step = _layer(layer, shape, outputs)
        counted.append(step)
        shape = step.shape
    return Count(tuple(counted))


def linear(inputs: int, outputs: int) -> int:
    """The linear model that a network is held against; two classes need one output."""
    return dense(inputs, 1 if outputs == 2 else outputs)


def rows_per_parameter(rows: int, parameters: int, rarest: int | None = None) -> float:
    """Training rows of one split for each parameter.

    rarest: rows of the rarer of two classes; twice that stands in for all rows when it is less.
    """
    usable = rows if rarest is None else min(rows, 2 * rarest)
    return usable / parameters


def _layer(layer: Mapping[str, Json], shape: Shape, outputs: int) -> LayerCount:
    kind = layer.get("kind")
    match kind:
        case "dense" | "head":
            size = outputs if kind == "head" else int(layer["size"])
            if copies := int(layer.get("copies") or 0):
                members, features = _expect(kind, shape, 2)
                return LayerCount(kind, members * dense(features, size), copies * features * size, (members, size))
            (features,) = _expect(kind, shape, 1)
            beside = int(layer.get("beside") or 0)  # weighed for all steps alike
            return LayerCount(kind, dense(features, size) + beside, features * size + beside, (size,))
        case "ntk":
            (features,) = _expect(kind, shape, 1)
            size = int(layer["size"])
            return LayerCount(kind, dense(features, size), features * size, (size,))
        case "ensemble":
            copies, size, features = int(layer["copies"]), int(layer["size"]), shape[-1]
            _expect(kind, shape[-1:], 1)
            held = features * size + copies * (
                features + 2 * size
            )  # one matrix; each member scales both sides, and adds
            return LayerCount(kind, held, copies * features * size, (copies, size))
        case "scale":
            (features,) = _expect(kind, shape, 1)
            return LayerCount(kind, features, features, shape)
        case "periodic":
            (features,) = _expect(kind, shape, 1)
            columns, size = int(layer.get("columns") or 0), int(layer["size"])
            held = columns * periodic(size)
            return LayerCount(kind, held, columns * WAVES * size, (features + columns * (size - 1),))
        case "categories":
            (features,) = _expect(kind, shape, 1)
            levels = list(layer.get("levels") or ())
            tables = [embedding(n + 1, int(layer["size"])) for n in levels if n > FEW_LEVELS]
            flat = sum(n for n in levels if n <= FEW_LEVELS) + int(layer["size"]) * len(tables)
            return LayerCount(kind, sum(tables), 0, (features - len(levels) + flat,))
        case "beside":
            (features,) = _expect(kind, shape, 1)
            return LayerCount(kind, 0, 0, (features + int(layer.get("beside") or 0),))
        case "batchnorm":
            return LayerCount(kind, 2 * shape[-1], 0, shape)
        case "residual":
            height, width, channels = _expect(kind, shape, 3)
            kernel, size = int(layer["kernel"]), int(layer["size"])
            held, weights = residual(kernel, channels, size)
            return LayerCount(kind, held, weights * height * width, (height, width, size))
        case "attention":
            _, channels = _expect(kind, shape, 2)
            size = int(layer["size"])
            return LayerCount(kind, attention(channels, size), shape[0] * (channels + 1) * size, (channels,))
        case "conv1d":
            time, channels = _expect(kind, shape, 2)
            kernel, size = int(layer["kernel"]), int(layer["size"])
            steps = _positions(time, kernel, layer)
            weights = kernel * channels * size
            return LayerCount(kind, conv1d(kernel, channels, size), weights * steps, (steps, size))
        case "conv2d":
            height, width, channels = _expect(kind, shape, 3)
            kernel, size = int(layer["kernel"]), int(layer["size"])
            high, wide = _positions(height, kernel, layer), _positions(width, kernel, layer)
            weights = kernel * kernel * channels * size
            return LayerCount(kind, conv2d(kernel, channels, size), weights * high * wide, (high, wide, size))
        case "embedding":
            (length,) = _expect(kind, shape, 1)
            rows, size = int(layer["rows"]), int(layer["size"])
            return LayerCount(kind, embedding(rows, size), 0, (length, size))
        case "gru" | "lstm":
            time, channels = _expect(kind, shape, 2)
            size, ways = int(layer["size"]), 2 if layer.get("both") else 1
            held, gates = (gru(channels, size), 3) if kind == "gru" else (lstm(channels, size), 4)
            after = (time, ways * size) if layer.get("sequence") else (ways * size,)
            return LayerCount(kind, ways * held, ways * gates * (channels + size) * size * time, after)
        case "pool":
            by = int(layer.get("size", 2))
            pooled = (*(side // by for side in shape[:-1]), shape[-1])
            if len(shape) < 2 or 0 in pooled:
                raise UsageProblem(f"A pool layer by {by} does not fit rows of shape {shape}; leave it out.")
            return LayerCount(kind, 0, 0, pooled)
        case "flatten":
            return LayerCount(kind, 0, 0, (size_of(shape),))
        case "gather":  # flat or averaged, by the picture's side: see engine.models.networks.layers
            return LayerCount(kind, 0, 0, (shape[-1],))
        case "average" | "last" | "masked_average" | "masked_max":  # over time or the picture; the last time step only
            return LayerCount(kind, 0, 0, (shape[-1],))
        case "dropout":
            return LayerCount(kind, 0, 0, shape)
        case _:
            raise UsageProblem(f"There is no layer called {kind!r}; known are {', '.join(KINDS)}.")


KINDS = (
    "dense", "head", "conv1d", "conv2d", "embedding", "gru", "lstm", "pool", "flatten", "average", "last", "dropout",
    "ntk", "scale", "periodic", "categories", "ensemble", "beside", "batchnorm", "residual", "attention",
    "masked_average", "masked_max", "gather",
)  # fmt: skip


def _positions(side: int, kernel: int, layer: Mapping[str, Json]) -> int:
    if layer.get("padding", "valid") != "valid":  # same or causal: padded to the length it had
        return side
    if side < kernel:
        raise UsageProblem(f"A {layer['kind']} layer with kernel {kernel} does not fit a side of {side}.")
    return side - kernel + 1


def _expect(kind: str, shape: Shape, dimensions: int) -> Shape:
    if len(shape) != dimensions:
        raise UsageProblem(f"A {kind} layer takes rows of {dimensions} dimensions, but {len(shape)} come in: {shape}.")
    return shape


def size_of(shape: Shape) -> int:
    total = 1
    for side in shape:
        total *= side
    return total
