"""The layers as torch modules, and the network that they make: parameters as counted, shapes as declared.

Inside, pictures run as (batch, channel, height, width) over the same memory; everything else as it is declared.  Each
module says in `needs` what it takes besides what comes out of the module before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from engine.counts import FEW_LEVELS, WAVES, Shape
from engine.models.networks.backend import load_torch
from engine.models.networks.layers import Inputs, Layer, Network
from engine.models.networks.losses import Loss

torch = load_torch()
nn, functional = torch.nn, torch.nn.functional

ACTIVATIONS: Mapping[str, Callable[[Any], Any]] = {
    "": lambda x: x,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "selu": functional.selu,
    "mish": functional.mish,
}
SCALE_RATE, BIAS_RATE, WAVE_RATE = 6.0, 0.1, 0.1  # factors on the rate in RealMLP (Holzmüller et al. 2024)
WAVE_SCALE = 0.1
BATCHNORM = {"eps": 1e-3, "momentum": 0.1}


def _parameter(values: Any, factor: float = 1.0) -> Any:
    """A weight; factor: of the learning rate."""
    made = nn.Parameter(values)
    made.rate_factor = factor
    return made


def _he(shape: tuple[int, ...], inputs: int, draw: Any, gain: float = 2.0) -> Any:
    return torch.randn(shape, generator=draw) * math.sqrt(gain / inputs)


class Dense(nn.Module):
    needs = ""

    def __init__(self, inputs: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        gain = 1.0 if layer.activation == "selu" else 2.0
        self.weight = _parameter(_he((layer.size, inputs), inputs, draw, gain))
        self.bias = _parameter(torch.zeros(layer.size))
        self.turn = ACTIVATIONS[layer.activation]

    def forward(self, x: Any) -> Any:
        return self.turn(functional.linear(x, self.weight, self.bias))


class Terms(Dense):
    """A dense layer over rows that are nearly all 0: only what is not 0 is multiplied.  In: (places, edges, values)."""

    def forward(self, x: Any) -> Any:
        if not isinstance(x, tuple):
            return super().forward(x)
        places, edges, values = x
        said = functional.embedding_bag(
            places, self.weight.t(), edges, mode="sum", per_sample_weights=values, include_last_offset=True
        )
        return self.turn(said + self.bias)


class Ntk(nn.Module):
    """x W / √inputs + b, all drawn from N(0, 1): the rate of RealMLP belongs to this form only."""

    needs = ""

    def __init__(self, inputs: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        self.weight = _parameter(torch.randn((layer.size, inputs), generator=draw))
        self.bias = _parameter(torch.randn(layer.size, generator=draw), BIAS_RATE)
        self.turn, self.by = ACTIVATIONS[layer.activation], 1 / math.sqrt(inputs)

    def forward(self, x: Any) -> Any:
        return self.turn(torch.addmm(self.bias, x, self.weight.t(), alpha=self.by))


class Scale(nn.Module):
    needs = ""

    def __init__(self, inputs: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        self.weight = _parameter(torch.ones(inputs), SCALE_RATE)

    def forward(self, x: Any) -> Any:
        return x * self.weight


class Periodic(nn.Module):
    """PBLD: each of the first columns x becomes [x, W₂·cos(2π·w₁x + b₁) + b₂]; the other columns stay."""

    needs = ""

    def __init__(self, inputs: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        k, made = layer.columns, layer.size - 1
        self.columns = k
        self.frequency = _parameter(WAVE_SCALE * torch.randn((k, WAVES), generator=draw), WAVE_RATE)
        self.phase = _parameter(math.pi * (2 * torch.rand((k, WAVES), generator=draw) - 1), WAVE_RATE)
        uniform = (2 * torch.rand((k, WAVES, made), generator=draw) - 1) / math.sqrt(WAVES)
        self.weight = _parameter(uniform, WAVE_RATE)
        self.bias = _parameter((2 * torch.rand((k, made), generator=draw) - 1) / math.sqrt(WAVES), WAVE_RATE)

    def forward(self, x: Any) -> Any:
        numbers, rest = x[:, : self.columns], x[:, self.columns :]
        waves = torch.cos(2 * math.pi * numbers[..., None] * self.frequency + self.phase)  # (batch, columns, waves)
        made = torch.einsum("nkw,kwm->nkm", waves, self.weight) + self.bias
        return torch.cat([numbers, made.flatten(1), rest], dim=1)


class Categories(nn.Module):
    """The last columns are codes: from `lowest` on those of the levels, below it what was never seen, or is empty.  Few
    levels become one column each, many a learned place."""

    needs = ""

    def __init__(self, inputs: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        self.levels, self.up = layer.levels, 1 - layer.lowest
        many = [n for n in self.levels if n > FEW_LEVELS]
        self.tables = nn.ParameterList(
            [_parameter(torch.randn((n + 1, layer.size), generator=draw), WAVE_RATE) for n in many]
        )

    def forward(self, x: Any) -> Any:
        at = x.shape[1] - len(self.levels)
        parts, tables = [x[:, :at]], iter(self.tables)
        for j, n in enumerate(self.levels):
            code = (x[:, at + j].long() + self.up).clamp(0, n)  # 0 for what was never seen
            if n > FEW_LEVELS:
                parts.append(functional.embedding(code, next(tables)))
            else:
                parts.append(functional.one_hot(code, n + 1)[:, 1:].to(x.dtype))
        return torch.cat(parts, dim=1)


class Ensemble(nn.Module):
    """Batch ensemble: one matrix for all members; each scales what goes in (r) and out (s), and adds its own bias.
    (n, inputs) or (n, members, inputs) → (n, members, size).  The first one starts with random signs, so that members
    differ; later ones with 1.  (Wen et al. 2020; Gorishniy et al. 2025)"""

    needs = ""

    def __init__(self, inputs: int, layer: Layer, draw: Any, first: bool) -> None:
        super().__init__()
        self.copies = layer.copies
        bound = 1 / math.sqrt(inputs)
        self.weight = _parameter(bound * (2 * torch.rand((layer.size, inputs), generator=draw) - 1))
        signs = torch.randint(0, 2, (self.copies, inputs), generator=draw).float() * 2 - 1
        self.r = _parameter(signs if first else torch.ones(self.copies, inputs))
        self.s = _parameter(torch.ones(self.copies, layer.size))
        bias = bound * (2 * torch.rand(layer.size, generator=draw) - 1)
        self.bias = _parameter(bias.expand(self.copies, -1).clone())
        self.turn = ACTIVATIONS[layer.activation]

    def forward(self, x: Any) -> Any:
        x = x[:, None] if x.ndim == 2 else x
        x = functional.linear(x * self.r, self.weight)
        return self.turn(torch.addcmul(self.bias, x, self.s))


class Dropout(nn.Module):
    needs = ""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Any) -> Any:
        return functional.dropout(x, self.rate, self.training) if self.rate else x


class Conv1d(nn.Module):
    """(batch, time, channel) → (batch, time, size).  Causal: nothing later than a step enters it."""

    needs = ""

    def __init__(self, channels: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        k = layer.kernel
        self.weight = _parameter(_he((layer.size, channels, k), channels * k, draw))
        self.bias = _parameter(torch.zeros(layer.size))
        self.dilation, self.turn = layer.dilation, ACTIVATIONS[layer.activation]
        reach = (k - 1) * layer.dilation
        self.pad = {"causal": (reach, 0), "same": (reach // 2, reach - reach // 2)}.get(layer.padding)

    def forward(self, x: Any) -> Any:
        x = x.transpose(1, 2)
        x = functional.pad(x, self.pad) if self.pad else x
        return self.turn(functional.conv1d(x, self.weight, self.bias, dilation=self.dilation)).transpose(1, 2)


class Conv2d(nn.Module):
    needs = ""

    def __init__(self, channels: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        k = layer.kernel
        weight = _he((layer.size, channels, k, k), channels * k * k, draw)
        self.weight = _parameter(weight.contiguous(memory_format=torch.channels_last))
        self.bias = _parameter(torch.zeros(layer.size))
        self.pad, self.turn = "same" if layer.padding == "same" else 0, ACTIVATIONS[layer.activation]
        self.pad = k // 2 if layer.padding == "same" and k % 2 else self.pad

    def forward(self, x: Any) -> Any:
        return self.turn(functional.conv2d(x, self.weight, self.bias, padding=self.pad))


class BatchNorm(nn.Module):
    needs = ""

    def __init__(self, channels: int, layer: Layer) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, **BATCHNORM)
        self.turn = ACTIVATIONS[layer.activation]

    def forward(self, x: Any) -> Any:
        return self.turn(self.norm(x))


class Residual(nn.Module):
    """relu(x' + bn(conv(relu(bn(conv(x)))))), x' widened by a 1×1 convolution where it has fewer channels."""

    needs = ""

    def __init__(self, channels: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        k, size = layer.kernel, layer.size

        def weight(inputs: int, kernel: int) -> Any:
            drawn = _he((size, inputs, kernel, kernel), inputs * kernel * kernel, draw)
            return _parameter(drawn.contiguous(memory_format=torch.channels_last))

        self.one, self.two = weight(channels, k), weight(size, k)
        self.wide = weight(channels, 1) if channels != size else None
        self.norm_one, self.norm_two = (nn.BatchNorm2d(size, **BATCHNORM) for _ in range(2))
        self.pad = k // 2

    def forward(self, x: Any) -> Any:
        y = torch.relu(self.norm_one(functional.conv2d(x, self.one, padding=self.pad)))
        y = self.norm_two(functional.conv2d(y, self.two, padding=self.pad))
        return torch.relu(y + (x if self.wide is None else functional.conv2d(x, self.wide)))


class Pool(nn.Module):
    needs = ""

    def __init__(self, size: int, dimensions: int) -> None:
        super().__init__()
        self.size, self.over_time = size, dimensions == 2

    def forward(self, x: Any) -> Any:
        if self.over_time:
            return functional.max_pool1d(x.transpose(1, 2), self.size).transpose(1, 2)
        return functional.max_pool2d(x, self.size)


class Flatten(nn.Module):
    needs = ""

    def forward(self, x: Any) -> Any:
        return (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).flatten(1)


class Average(nn.Module):
    needs = ""

    def forward(self, x: Any) -> Any:
        return x.mean(dim=(2, 3)) if x.ndim == 4 else x.mean(dim=1)


class Last(nn.Module):
    needs = ""

    def forward(self, x: Any) -> Any:
        return x[:, -1]


class Embedding(nn.Module):
    """(batch, length) of token numbers, 0 behind the end → (batch, length, size)."""

    needs = "tokens"

    def __init__(self, layer: Layer, draw: Any) -> None:
        super().__init__()
        weight = 0.05 * (2 * torch.rand((layer.rows, layer.size), generator=draw) - 1)  # as Keras draws them
        weight[0] = 0.0
        self.weight = _parameter(weight)

    def forward(self, x: Any) -> Any:
        return functional.embedding(x, self.weight, padding_idx=0)

    def mean(self, x: Any) -> Any:
        """What the masked average of `forward` gives, without laying out (batch, length, size); 0 for no token."""
        return functional.embedding_bag(x, self.weight, mode="mean", padding_idx=0)


class MaskedAverage(nn.Module):
    needs = "mask"

    def forward(self, x: Any, mask: Any) -> Any:
        if mask is None:
            return x.mean(dim=1)
        there = mask[..., None].to(x.dtype)
        return (x * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)


class MaskedMax(nn.Module):
    needs = "mask"

    def forward(self, x: Any, mask: Any) -> Any:
        return x.amax(dim=1) if mask is None else x.masked_fill(~mask[..., None], -1e4).amax(dim=1)


class Attention(nn.Module):
    """Σ aₜ hₜ with a = softmax(vᵀ tanh(W hₜ + b)) over the places that hold a token."""

    needs = "mask"

    def __init__(self, channels: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        self.weight = _parameter(_he((layer.size, channels), channels, draw, 1.0))
        self.bias = _parameter(torch.zeros(layer.size))
        self.v = _parameter(_he((layer.size,), layer.size, draw, 1.0))

    def forward(self, x: Any, mask: Any) -> Any:
        said = torch.tanh(functional.linear(x, self.weight, self.bias)) @ self.v
        if mask is not None:
            said = said.masked_fill(~mask, -1e4)
        return torch.einsum("nt,ntc->nc", torch.softmax(said, dim=1), x)


class Recurrent(nn.Module):
    """torch's own GRU or LSTM; of texts it stops at each text's end."""

    needs = "mask"

    def __init__(self, channels: int, layer: Layer, draw: Any) -> None:
        super().__init__()
        family = nn.GRU if layer.kind == "gru" else nn.LSTM
        self.net = family(channels, layer.size, batch_first=True, bidirectional=layer.both)
        bound = 1 / math.sqrt(layer.size)
        with torch.no_grad():
            for weight in self.net.parameters():
                weight.copy_(bound * (2 * torch.rand(weight.shape, generator=draw) - 1))
        self.sequence, self.both, self.lstm = layer.sequence, layer.both, layer.kind == "lstm"

    def forward(self, x: Any, mask: Any) -> Any:
        if mask is None:
            said, state = self.net(x)
        else:
            lengths = mask.sum(dim=1).clamp(min=1).cpu()
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            said, state = self.net(packed)
            if self.sequence:
                said, _ = nn.utils.rnn.pad_packed_sequence(said, batch_first=True, total_length=x.shape[1])
        if self.sequence:
            return said
        state = state[0] if self.lstm else state
        return torch.cat([state[-2], state[-1]], dim=1) if self.both else state[-1]


class Beside(nn.Module):
    needs = "beside"

    def forward(self, x: Any, beside: Any) -> Any:
        return torch.cat([x, beside], dim=1)


class Head(nn.Module):
    """The last layer, at 0; its bias says the best constant.  Forms: plain, ntk, one a member, one a step ahead."""

    def __init__(self, inputs: int, layer: Layer, outputs: int, constant: np.ndarray) -> None:
        super().__init__()
        self.form, self.copies = layer.form, layer.copies
        self.by = 1 / math.sqrt(inputs) if layer.form == "ntk" else 1.0
        start = torch.from_numpy(np.asarray(constant, dtype=np.float32).copy())
        bias_rate = BIAS_RATE if layer.form == "ntk" else 1.0
        if self.copies:
            self.weight = _parameter(torch.zeros(self.copies, inputs, outputs))
            self.bias = _parameter(start.expand(self.copies, -1).clone())
        else:
            self.weight = _parameter(torch.zeros(outputs, inputs))
            self.bias = _parameter(start, bias_rate)
        self.aside = _parameter(torch.zeros(layer.beside)) if layer.beside else None

    @property
    def needs(self) -> str:
        return "beside" if self.aside is not None else ""

    def forward(self, x: Any, beside: Any = None) -> Any:
        if self.copies:
            return torch.einsum("nki,kio->nko", x, self.weight) + self.bias
        if self.form == "ntk":
            return torch.addmm(self.bias, x, self.weight.t(), alpha=self.by)
        out = functional.linear(x, self.weight, self.bias)
        return out if self.aside is None else out + beside @ self.aside  # beside: (batch, steps, columns)

    def rescale(self, mean: float, scale: float) -> None:
        """Answer in the target's own unit from now on: (target − mean) / scale was learned."""
        with torch.no_grad():
            for weight in (self.weight, self.aside):
                if weight is not None:
                    weight.mul_(scale)
            self.bias.mul_(scale).add_(mean)


class Net(nn.Module):
    """A declared network.  x: as its `Inputs` say; beside: the columns that join later, or None.

    Answers (batch, outputs) before the softmax; (batch, members, outputs) of an ensemble.
    """

    def __init__(self, network: Network, inputs: Inputs, outputs: int, constant: np.ndarray, seed: int) -> None:
        super().__init__()
        self.network, self.inputs, self.outputs = network, inputs, outputs
        layers = network.resolved(inputs).layers
        counted = network.count(inputs, outputs)
        shapes = [inputs.shape, *(step.shape for step in counted.layers)]
        self.row_cells = inputs.width + counted.activations  # numbers that one row becomes on its way through
        draw = torch.Generator().manual_seed(seed % 2**63)
        made = [
            _made(
                layer,
                shapes[i],
                outputs,
                constant,
                draw,
                inputs,
                all(before.kind != "ensemble" for before in layers[:i]),
            )
            for i, layer in enumerate(layers)
        ]
        self.steps = nn.ModuleList(made)
        self.picture = inputs.takes == "picture"
        self.shortcut = [layer.kind for layer in layers[:2]] == ["embedding", "masked_average"]

    def forward(self, x: Any, beside: Any = None) -> Any:
        return self.through(x, beside)

    def through(self, x: Any, beside: Any = None, stop: int | None = None) -> Any:
        """What comes out of the first `stop` layers; of all of them without it."""
        mask = None
        if self.picture:
            x = x.permute(0, 3, 1, 2)
        at = 0
        if self.shortcut and stop is None:
            x, at = self.steps[0].mean(x), 2
        for step in self.steps[at:stop]:
            match step.needs:
                case "":
                    x = step(x)
                case "tokens":
                    mask = x != 0
                    x = step(x)
                case "mask":
                    x = step(x, mask)
                case _:
                    x = step(x, beside)
        return x

    @property
    def head(self) -> Head:
        return self.steps[-1]

    @property
    def parameters_(self) -> int:
        return sum(weight.numel() for weight in self.parameters())

    def groups(self) -> Iterator[tuple[float, list[Any]]]:
        """Its weights by the factor on their learning rate."""
        found: dict[float, list[Any]] = {}
        for weight in self.parameters():
            found.setdefault(getattr(weight, "rate_factor", 1.0), []).append(weight)
        yield from found.items()


def _made(
    layer: Layer, shape: Shape, outputs: int, constant: np.ndarray, draw: Any, inputs: Inputs, first: bool
) -> Any:
    match layer.kind:
        case "dense":
            return (Terms if inputs.takes == "terms" and shape == inputs.shape else Dense)(shape[0], layer, draw)
        case "ntk":
            return Ntk(shape[0], layer, draw)
        case "scale":
            return Scale(shape[0], layer, draw)
        case "periodic":
            return Periodic(shape[0], layer, draw)
        case "categories":
            return Categories(shape[0], layer, draw)
        case "ensemble":
            return Ensemble(shape[-1], layer, draw, first)
        case "dropout":
            return Dropout(layer.rate)
        case "conv1d":
            return Conv1d(shape[-1], layer, draw)
        case "conv2d":
            return Conv2d(shape[-1], layer, draw)
        case "batchnorm":
            return BatchNorm(shape[-1], layer)
        case "residual":
            return Residual(shape[-1], layer, draw)
        case "pool":
            return Pool(layer.size or 2, len(shape))
        case "flatten":
            return Flatten()
        case "average":
            return Average()
        case "last":
            return Last()
        case "embedding":
            return Embedding(layer, draw)
        case "masked_average":
            return MaskedAverage()
        case "masked_max":
            return MaskedMax()
        case "attention":
            return Attention(shape[-1], layer, draw)
        case "gru" | "lstm":
            return Recurrent(shape[-1], layer, draw)
        case "beside":
            return Beside()
        case _:
            return Head(shape[-1], layer, outputs, constant)


def untrained(network: Network, loss: Loss, inputs: Inputs, outputs: int, y: np.ndarray, seed: int) -> Net:
    """A fresh network whose head answers every row with the best constant for these targets (C2), on the CPU.

    y: (rows,) as the loss takes it, or (windows, steps), NaN where a step has no value.
    """
    return Net(network, inputs, outputs, loss.best_constant(y, outputs), seed)
