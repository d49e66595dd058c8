"""The network itself in code: its layers as plain torch, each under what it is for, and how they are drawn."""

from __future__ import annotations

import textwrap

from engine.export.code.networks.case import TURNS, Case
from engine.export.code.plan import comment
from engine.models.networks.layers import Layer


def layers(case: Case) -> str:
    takes = {
        "table": "inputs: int, ",
        "tokens": "beside: int, " * case.beside,
        "picture": "beside: int, " * case.beside,
    }
    seen = ""
    if case.picture:
        seen = "        net = net.to(memory_format=torch.channels_last)  # numbers of one pixel side by side\n"
    return f"""    def layers(self, {takes[case.network.takes]}outputs: int, start: np.ndarray) -> nn.Module:
        \"\"\"The network before it learns: start is what its last layer says of every row.\"\"\"
{_sequence(case)}
{seen}        draw = torch.Generator().manual_seed(self.seed)
        *hidden, head = [layer for layer in net.modules() if hasattr(layer, "weight")]
        with torch.no_grad():
{_drawn(case)}            head.weight.zero_()
            head.bias.copy_(torch.from_numpy(start))
        return net
"""


def _sequence(case: Case) -> str:
    """The layers, each under what it is for; in two parts where columns join between them."""
    first: list[str] = ["ByChannel(),"] if case.picture else []
    parts, into = [first], first
    for layer, shape in zip(case.network.layers, _shapes(case), strict=True):
        if layer.kind == "beside":
            into = comment(layer.purpose).splitlines()
            parts.append(into)
            continue
        made = _written(layer, shape, joined=len(parts) > 1)
        if made or layer.kind == "masked_average":  # no dropout where nothing is dropped
            into += comment(layer.purpose, indent=" " * 12).replace(" " * 12, "").splitlines()
        into += [f"{one}," for one in made]
    said = [textwrap.indent("\n".join(lines), " " * (16 if len(parts) > 1 else 12)) for lines in parts]
    if len(parts) == 1:
        return f"        net = nn.Sequential(\n{said[0]}\n        )"
    inner = "".join(f"            nn.Sequential(\n{lines}\n            ),\n" for lines in said)
    return f"        net = Joined(\n{inner}        )"


def _drawn(case: Case) -> str:
    if case.tokens:
        return """            for layer in hidden:  # as Keras draws them; 0 is what lies behind the end of a text
                layer.weight.copy_(0.05 * (2 * torch.rand(layer.weight.shape, generator=draw) - 1))
                layer.weight[0] = 0.0
"""
    if case.own_rates:
        return """            for layer in hidden:
                if isinstance(layer, Mixed):
                    layer.weight.copy_(torch.randn(layer.weight.shape, generator=draw))
                    layer.bias.copy_(torch.randn(layer.bias.shape, generator=draw))
"""
    return """            for layer in hidden:  # He et al. 2015
                drawn = torch.randn(layer.weight.shape, generator=draw)
                layer.weight.copy_(drawn * math.sqrt(2 / layer.weight[0].numel()))
                layer.bias.zero_()
"""


def _shapes(case: Case) -> list[tuple[int, ...]]:
    """What enters each layer, of one row."""
    counted = case.network.count(case.inputs, case.units).layers
    return [case.inputs.shape, *(step.shape for step in counted[:-1])]


def _written(layer: Layer, shape: tuple[int, ...], joined: bool) -> list[str]:
    first = "inputs" if shape == (1,) else repr(shape[-1])
    if joined:  # one column stands for all of those that join
        first = f"{shape[-1] - 1!r} + beside"
    turn = TURNS[layer.activation]
    match layer.kind:
        case "dense":
            return [f"nn.Linear({first}, {layer.size!r})", *turn]
        case "head":
            return [f"{'Mixed' if layer.form == 'ntk' else 'nn.Linear'}({first}, outputs)"]
        case "ntk":
            return [f"Mixed({first}, {layer.size!r})", *turn]
        case "scale":
            return [f"Weighed({first})"]
        case "dropout":
            return [f"nn.Dropout({layer.rate!r})"] if layer.rate else []
        case "conv2d":
            pad = f", padding={'same' if layer.kernel % 2 == 0 else layer.kernel // 2!r}"
            pad = pad if layer.padding == "same" else ""
            return [f"nn.Conv2d({first}, {layer.size!r}, {layer.kernel!r}{pad})", *turn]
        case "pool":
            return [f"nn.MaxPool2d({layer.size or 2!r})"]
        case "flatten":
            return ["InRows()"]
        case "embedding":
            return [f'nn.EmbeddingBag(self.words, {layer.size!r}, mode="mean", padding_idx=0)']
        case "masked_average":
            return []  # the bag above is averaged
        case _:
            return ["Averaged()"]


SHAPES = {
    "Mixed": '''class Mixed(nn.Module):
    """x W / √inputs + b: the rate of learning suits every width (Holzmüller et al. 2024)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(outputs, inputs)), nn.Parameter(torch.zeros(outputs))
        self.by = 1 / math.sqrt(inputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.bias, x, self.weight.t(), alpha=self.by)
''',
    "Weighed": '''class Weighed(nn.Module):
    """A weight for each column."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight
''',
    "Joined": '''class Joined(nn.Module):
    """A network in two parts, between which the columns join that are no part of the material."""

    def __init__(self, first: nn.Module, then: nn.Module) -> None:
        super().__init__()
        self.first, self.then = first, then

    def forward(self, x: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        return self.then(torch.cat([self.first(x), beside], dim=1))
''',
    "ByChannel": '''class ByChannel(nn.Module):
    """(rows, height, width, channels) in the order that torch wants, over the same memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 3, 1, 2)
''',
    "InRows": '''class InRows(nn.Module):
    """A picture as one row of numbers, pixel by pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)
''',
    "Averaged": '''class Averaged(nn.Module):
    """The mean over a picture, of each of its channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))
''',
}
