"""The network itself in code: its layers as plain torch, each under what it is for, and how they are drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from engine.counts import size_of
from engine.export.code.networks.case import TURNS, Case
from engine.export.code.networks.classes import batchnorm
from engine.export.code.plan import comment
from engine.export.model.terms import NoForm
from engine.models.networks.layers import SIZED, Layer

HE = {"dense": "nn.Linear", "conv1d": "nn.Conv1d", "conv2d": "nn.Conv2d", "residual": "nn.Conv2d"}
DRAWN = ("ntk", "periodic", "categories", "ensemble", "attention")  # classes that say it themselves
BARE = ("masked_average", "flatten", "last", "average")  # said even where no line of their own is written


def layers(case: Case) -> str:
    takes = {
        "table": "inputs: int, ",
        "terms": "inputs: int, ",
        "tokens": "beside: int, " * case.beside,
        "picture": "beside: int, " * case.beside,
        "window": "beside: int, ",
    }[case.network.takes]
    outputs = "" if case.window else "outputs: int, "
    seen = ""
    if case.picture:
        seen = "        net = net.to(memory_format=torch.channels_last)  # numbers of one pixel side by side\n"
    return f"""    def layers(self, {takes}{outputs}start: np.ndarray) -> nn.Module:
        \"\"\"The network before it learns: start is what its last layer says of every row.\"\"\"
{_sequence(case)}
{seen}        draw = torch.Generator().manual_seed(self.seed)
        *hidden, head = net.modules()
        with torch.no_grad():
{_drawn(case)}            head.weight.zero_()
            head.bias.copy_(torch.from_numpy(start))
        return net
"""


# -- which layers ----------------------------------------------------------------------------------------------------


def _sequence(case: Case) -> str:
    """The layers, each under what it is for."""
    shapes = _shapes(case)
    lines = [(layer, _written(case, layer, shapes[i], case.layers[:i])) for i, layer in enumerate(case.layers)]
    if case.embeds:
        return _embedded(case, lines)
    if case.window:
        seen = ["OverTime(),"] * ("conv1d" in case.kinds) + _said(lines[:-1])
        return ("        net = Ahead(\n            nn.Sequential(\n" + _in(seen, 16) + "            ),\n"
                + _in(_said(lines[-1:]), 12) + "        )")  # fmt: skip
    if case.reads:
        at = next(i for i, (layer, _) in enumerate(lines) if layer.kind in ("masked_average", "attention")) + 1
        first = ["Reader(", *(f"    {line}" for line in _said(lines[:at])), "),"]
    else:
        at, first = 0, ["ByChannel(),"] * case.picture
    join = next((i for i, (layer, _) in enumerate(lines) if layer.kind == "beside"), None)
    if join is None:
        return "        net = nn.Sequential(\n" + _in([*first, *_said(lines[at:])], 12) + "        )"
    then = comment(lines[join][0].purpose).splitlines() + _said(lines[join + 1 :])
    parts = ([*first, *_said(lines[at:join])], then)
    inner = "".join(f"            nn.Sequential(\n{_in(part, 16)}            ),\n" for part in parts)
    return f"        net = Joined(\n{inner}        )"


def _embedded(case: Case, lines: list[tuple[Layer, list[str]]]) -> str:
    """Those that embed columns stand above: how many columns the others have hangs on them."""
    embeds = [(layer, made) for layer, made in lines if layer.kind in ("periodic", "categories")]
    names = {"periodic": "waves", "categories": "places"}
    above = "".join(comment(layer.purpose, indent="        ") + f"        {names[layer.kind]} = {call}\n"
                    for layer, (call,) in embeds)  # fmt: skip
    called = [names[layer.kind] for layer, _ in embeds]
    wide = " + ".join(["inputs", *(f"{name}.more" for name in called)])
    plain = sum(size_of(step.shape) for step in case.counted[len(embeds) + 1 :])
    each = ["inputs", *(["inputs + waves.more"] if "waves" in called else []),
            *(["wide * bool(self.levels)"] if "places" in called else []), f"wide + {plain!r}"]  # fmt: skip
    return (f"{above}        wide = {wide}  # columns once they are embedded\n"
            "        # numbers that one row becomes on its way: so many rows are answered at once\n"
            f"        self.cells = {' + '.join(each)}\n"
            "        net = nn.Sequential(\n" + _in([*(f"{name}," for name in called), *_said(lines[len(embeds) :])], 12)
            + "        )")  # fmt: skip


def _said(lines: list[tuple[Layer, list[str]]]) -> list[str]:
    """Lines of code under what they are for; no dropout where nothing is dropped."""
    found: list[str] = []
    for layer, made in lines:
        if made or layer.kind in BARE:
            found += comment(layer.purpose, indent=" " * 12).replace(" " * 12, "").splitlines()
        found += [f"{one}," for one in made]
    return found


def _in(lines: list[str], by: int) -> str:
    return textwrap.indent("\n".join(lines), " " * by) + "\n"


def _shapes(case: Case) -> list[tuple[int, ...]]:
    """What enters each layer, of one row."""
    return [case.inputs.shape, *(step.shape for step in case.counted[:-1])]


def _written(case: Case, layer: Layer, shape: tuple[int, ...], before: Sequence[Layer]) -> list[str]:
    """shape: of what enters; before: the layers that stand before.  Raises NoForm for a kind that no declared network
    has so far."""
    first = repr(shape[-1])
    if case.network.takes in ("table", "terms") and not any(one.kind in SIZED[1:] for one in before):
        first = "wide" if case.embeds else "inputs"  # how many they are is known once they are prepared
    if any(one.kind == "beside" for one in before):  # one column stands for all of those that join
        first = f"{shape[-1] - 1!r} + beside"
    turn = TURNS[layer.activation]
    pad = 'padding="same"' if layer.kernel % 2 == 0 else f"padding={layer.kernel // 2!r}"
    pad = f", {pad}" if layer.padding == "same" else ""
    match layer.kind:
        case "dense":
            linear = "Terms" if case.terms and not before else "nn.Linear"
            return [f"{linear}({first}, {layer.size!r})", *turn]
        case "head" if case.window:
            return [f"Steps({first}, beside)"]
        case "head" if layer.copies:
            return [f"Heads({first}, outputs, {layer.copies!r})"]
        case "head":
            return [f"{'Mixed' if layer.form == 'ntk' else 'nn.Linear'}({first}, outputs)"]
        case "ntk":
            return [f"Mixed({first}, {layer.size!r})", *turn]
        case "scale":
            return [f"Weighed({first})"]
        case "periodic":
            return [f"Waves(self.numbers.stop - self.numbers.start, {layer.size!r})"]
        case "categories":
            return [f"Places(self.levels, {layer.size!r}{', lowest=1' * (layer.lowest == 1)})"]
        case "ensemble":
            differ = ", first=True" if not any(one.kind == "ensemble" for one in before) else ""
            return [f"Members({first}, {layer.size!r}, {layer.copies!r}{differ})", *turn]
        case "dropout":
            return [f"nn.Dropout({layer.rate!r})"] if layer.rate else []
        case "conv1d" if case.tokens:
            return [f"Neighbours({first}, {layer.size!r}, {layer.kernel!r}, {turn[0]})"]
        case "conv1d":
            ahead = f"nn.ConstantPad1d(({(layer.kernel - 1) * layer.dilation!r}, 0), 0.0)"
            far = f", dilation={layer.dilation!r}" if layer.dilation > 1 else ""
            return [ahead, f"nn.Conv1d({first}, {layer.size!r}, {layer.kernel!r}{far})", *turn]
        case "gru" | "lstm":
            called = f"nn.{layer.kind.upper()}({first}, {layer.size!r}, batch_first=True"
            if case.tokens:
                return [f"BothWays({called}, bidirectional={layer.both!r}))"]
            return [f"Remembering({called}), each={layer.sequence!r})"]
        case "attention":
            return [f"Attention({first}, {layer.size!r})"]
        case "conv2d":
            return [f"nn.Conv2d({first}, {layer.size!r}, {layer.kernel!r}{pad})", *turn]
        case "batchnorm":
            return [f"nn.BatchNorm2d({first}, {batchnorm()})", *turn]
        case "residual":
            return [f"Residual({first}, {layer.size!r}, {layer.kernel!r})"]
        case "pool":
            return [f"nn.MaxPool2d({layer.size or 2!r})"]
        case "flatten":
            return ["nn.Flatten()" if case.window else "InRows()"]
        case "last":
            return ["Last()"]
        case "embedding" if case.reads:
            return [f"nn.Embedding(self.words, {layer.size!r}, padding_idx=0)"]
        case "embedding":
            return [f'nn.EmbeddingBag(self.words, {layer.size!r}, mode="mean", padding_idx=0)']
        case "masked_average":
            return ["Mean()"] if case.reads else []  # the bag above is averaged
        case "average":
            return ["Averaged()"]
        case "beside":
            return []
    what = f"a layer of the kind {layer.kind.replace('_', ' ')}"
    raise NoForm(f"{case.network.title} has {what} and does not leave as plain code so far; take --to model.")


# -- how they are drawn ----------------------------------------------------------------------------------------------


def _drawn(case: Case) -> str:
    """A branch for each kind of layer that draws its weights, in the order of the layers."""
    branches: dict[str, list[str]] = {}
    kinds = [layer.kind for layer in case.layers]
    for kind in kinds:
        if kind in HE:
            zero = ["layer.bias.zero_()"]
            if "residual" in kinds:
                zero = ["if layer.bias is not None:", "    layer.bias.zero_()"]
            branches[f"isinstance(layer, {HE[kind]}):  # He et al. 2015"] = [
                "drawn = torch.randn(layer.weight.shape, generator=draw)",
                "layer.weight.copy_(drawn * math.sqrt(2 / layer.weight[0].numel()))",
                *zero,
            ]
        elif kind == "embedding":
            held = "nn.Embedding" if case.reads else "nn.EmbeddingBag"
            branches[f"isinstance(layer, {held}):  # as Keras draws them; 0, behind the end of a text, is no word"] = [
                "layer.weight.copy_(0.05 * (2 * torch.rand(layer.weight.shape, generator=draw) - 1))",
                "layer.weight[0] = 0.0",
            ]
        elif kind in ("gru", "lstm"):
            branches[f"isinstance(layer, nn.{kind.upper()}):"] = [
                "bound = 1 / math.sqrt(layer.hidden_size)",
                "for weight in layer.parameters():",
                "    weight.copy_(bound * (2 * torch.rand(weight.shape, generator=draw) - 1))",
            ]
        elif kind in DRAWN:
            branches['hasattr(layer, "drawn"):'] = ["layer.drawn(draw)"]
    lines = "            for layer in hidden:\n" if branches else ""
    for i, (test, body) in enumerate(branches.items()):
        lines += f"                {'el' * bool(i)}if {test}\n" + _in(body, 20)
    return lines
