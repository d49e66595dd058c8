"""The layers that torch lacks, as classes of the written code.  Those that draw their weights say how in `drawn`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.counts import FEW_LEVELS, WAVES

CLASSES = {
    "Mixed": '''class Mixed(nn.Module):
    """x W / √inputs + b: the rate of learning suits every width (Holzmüller et al. 2024)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(outputs, inputs)), nn.Parameter(torch.zeros(outputs))
        self.by = 1 / math.sqrt(inputs)

    def drawn(self, draw: torch.Generator) -> None:
        for part in (self.weight, self.bias):
            part.copy_(torch.randn(part.shape, generator=draw))

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
    "Waves": f'''class Waves(nn.Module):
    """Each of the first columns x becomes [x, W₂·cos(2π·w₁x + b₁) + b₂]; the others stay (Gorishniy et al. 2022)."""

    def __init__(self, columns: int, each: int) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.zeros(columns, {WAVES}))
        self.phase = nn.Parameter(torch.zeros(columns, {WAVES}))
        self.weight = nn.Parameter(torch.zeros(columns, {WAVES}, each - 1))
        self.bias = nn.Parameter(torch.zeros(columns, each - 1))
        self.more = columns * (each - 1)  # columns that come out beyond those that go in

    def drawn(self, draw: torch.Generator) -> None:
        self.frequency.copy_(WAVE_SCALE * torch.randn(self.frequency.shape, generator=draw))
        self.phase.copy_(math.pi * (2 * torch.rand(self.phase.shape, generator=draw) - 1))
        for part in (self.weight, self.bias):
            part.copy_((2 * torch.rand(part.shape, generator=draw) - 1) / math.sqrt({WAVES}))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        numbers, rest = x[:, : len(self.phase)], x[:, len(self.phase) :]
        waves = torch.cos(2 * math.pi * numbers[..., None] * self.frequency + self.phase)
        made = torch.einsum("nkw,kwm->nkm", waves, self.weight) + self.bias
        return torch.cat([numbers, made.flatten(1), rest], dim=1)
''',
    "Places": f'''class Places(nn.Module):
    """The last columns are codes: up to {FEW_LEVELS} levels become a column each, more of them a learned place.

    lowest: the code of the first level; below it is what was never seen, or is empty.
    """

    def __init__(self, levels: tuple[int, ...], size: int, lowest: int = 0) -> None:
        super().__init__()
        self.up = 1 - lowest
        many = [n for n in levels if n > {FEW_LEVELS}]
        self.levels, self.tables = levels, nn.ParameterList([torch.zeros(n + 1, size) for n in many])
        self.more = sum(size if n > {FEW_LEVELS} else n for n in levels) - len(levels)

    def drawn(self, draw: torch.Generator) -> None:
        for table in self.tables:
            table.copy_(torch.randn(table.shape, generator=draw))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        at = x.shape[1] - len(self.levels)
        parts, tables = [x[:, :at]], iter(self.tables)
        for j, n in enumerate(self.levels):
            code = (x[:, at + j].long() + self.up).clamp(0, n)  # 0 for what was never seen
            if n > {FEW_LEVELS}:
                parts.append(nn.functional.embedding(code, next(tables)))
            else:
                parts.append(nn.functional.one_hot(code, n + 1)[:, 1:].to(x.dtype))
        return torch.cat(parts, dim=1)
''',
    "Members": '''class Members(nn.Module):
    """Many nets in one: all share a matrix; each scales what goes in (r) and out (s), and adds a bias of its own.

    The first layer starts with random signs, so that the nets differ (Wen et al. 2020; Gorishniy et al. 2025).
    """

    def __init__(self, inputs: int, outputs: int, nets: int, first: bool = False) -> None:
        super().__init__()
        self.weight, self.first = nn.Parameter(torch.zeros(outputs, inputs)), first
        self.r, self.s = nn.Parameter(torch.ones(nets, inputs)), nn.Parameter(torch.ones(nets, outputs))
        self.bias = nn.Parameter(torch.zeros(nets, outputs))

    def drawn(self, draw: torch.Generator) -> None:
        bound = 1 / math.sqrt(self.weight.shape[1])
        self.weight.copy_(bound * (2 * torch.rand(self.weight.shape, generator=draw) - 1))
        signs = torch.randint(0, 2, self.r.shape, generator=draw).float() * 2 - 1  # drawn by later layers as well
        if self.first:
            self.r.copy_(signs)
        self.bias.copy_(bound * (2 * torch.rand(self.bias.shape[1], generator=draw) - 1))  # alike at first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x[:, None] if x.ndim == 2 else x  # (rows, nets, columns)
        return torch.addcmul(self.bias, nn.functional.linear(x * self.r, self.weight), self.s)
''',
    "Heads": '''class Heads(nn.Module):
    """The last layer of each of the nets: (rows, nets, outputs)."""

    def __init__(self, inputs: int, outputs: int, nets: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(nets, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(nets, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nki,kio->nko", x, self.weight) + self.bias
''',
    "Terms": '''class Terms(nn.Linear):
    """A dense layer over rows that are nearly all 0: only what is not 0 is multiplied."""

    def forward(self, x: Any) -> torch.Tensor:
        if isinstance(x, torch.Tensor):  # so few words that the rows came dense
            return super().forward(x)
        places, edges = (torch.from_numpy(part.astype(np.int64)) for part in (x.indices, x.indptr))
        said = nn.functional.embedding_bag(places, self.weight.t(), edges, mode="sum", include_last_offset=True,
                                           per_sample_weights=torch.from_numpy(x.data))
        return said + self.bias
''',
    "Reader": '''class Reader(nn.Module):
    """Words as learned places, and what is made of them; 0, behind the end of a text, is no word."""

    def __init__(self, words: nn.Embedding, *steps: nn.Module) -> None:
        super().__init__()
        self.words, self.steps = words, nn.ModuleList(steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        there = x != 0
        x = self.words(x)  # (texts, words, size)
        for step in self.steps:
            x = step(x, there)
        return x
''',
    "Neighbours": '''class Neighbours(nn.Module):
    """A convolution over the words of a text: so many neighbours at once."""

    def __init__(self, inputs: int, outputs: int, width: int, turn: nn.Module) -> None:
        super().__init__()
        self.conv, self.turn = nn.Conv1d(inputs, outputs, width), turn
        self.pad = (width - 1) // 2, width - 1 - (width - 1) // 2

    def forward(self, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        return self.turn(self.conv(nn.functional.pad(x.transpose(1, 2), self.pad))).transpose(1, 2)
''',
    "BothWays": '''class BothWays(nn.Module):
    """Reads a text word by word, forwards and backwards, and stops at its end."""

    def __init__(self, reads: nn.GRU) -> None:
        super().__init__()
        self.reads = reads

    def forward(self, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        lengths = there.sum(dim=1).clamp(min=1)
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        said, _ = self.reads(packed)
        return nn.utils.rnn.pad_packed_sequence(said, batch_first=True, total_length=x.shape[1])[0]
''',
    "Mean": '''class Mean(nn.Module):
    """The mean over the places that hold a word."""

    def forward(self, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        words = there[..., None].to(x.dtype)
        return (x * words).sum(dim=1) / words.sum(dim=1).clamp(min=1)
''',
    "Attention": '''class Attention(nn.Module):
    """Σ aₜ hₜ with a = softmax(vᵀ tanh(W hₜ + b)) over the places that hold a word (Yang et al. 2016)."""

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(size, inputs)), nn.Parameter(torch.zeros(size))
        self.v = nn.Parameter(torch.zeros(size))

    def drawn(self, draw: torch.Generator) -> None:
        for part in (self.weight, self.v):
            part.copy_(torch.randn(part.shape, generator=draw) * math.sqrt(1 / part.shape[-1]))

    def forward(self, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        said = torch.tanh(nn.functional.linear(x, self.weight, self.bias)) @ self.v
        shares = torch.softmax(said.masked_fill(~there, -1e4), dim=1)
        return torch.einsum("nt,ntc->nc", shares, x)
''',
    "Ahead": '''class Ahead(nn.Module):
    """What is seen in a window, then one output a step ahead: of it, and of what is known of that step."""

    def __init__(self, seen: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.seen, self.head = seen, head

    def forward(self, x: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        return self.head(self.seen(x), beside)
''',
    "Steps": '''class Steps(nn.Linear):
    """A line for each step ahead; what is known of a step counts alike for all of them."""

    def __init__(self, inputs: int, beside: int) -> None:
        super().__init__(inputs, HORIZON)
        self.aside = nn.Parameter(torch.zeros(beside))

    def forward(self, x: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + beside @ self.aside  # beside: (windows, steps, columns)
''',
    "OverTime": '''class OverTime(nn.Module):
    """(windows, time, columns) in the order that torch's convolutions want."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)
''',
    "Last": '''class Last(nn.Module):
    """What was seen at the last value."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, -1]
''',
    "Remembering": '''class Remembering(nn.Module):
    """What is remembered after each value of a window, or after the last one."""

    def __init__(self, reads: nn.GRU | nn.LSTM, each: bool) -> None:
        super().__init__()
        self.reads, self.each = reads, each

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        said, state = self.reads(x)
        if self.each:
            return said
        return (state[0] if isinstance(state, tuple) else state)[-1]
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
    "Residual": '''class Residual(nn.Module):
    """relu(x' + bn(conv(relu(bn(conv(x)))))), x' widened where it has fewer channels (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.two = nn.Conv2d(outputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.wide = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()
        self.norm_one, self.norm_two = (nn.BatchNorm2d(outputs, BATCHNORM) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm_one(self.one(x)))
        return torch.relu(self.norm_two(self.two(y)) + self.wide(x))
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


def named_in(code: str) -> list[str]:
    """The classes that code calls, by name."""
    return [name for name in CLASSES if re.search(rf"(?<!\.)\b{name}\(", code)]


def written(names: Iterable[str]) -> list[str]:
    """Their code, with the numbers that the program trains by."""
    return [_with_numbers(CLASSES[name]) for name in names]


def batchnorm() -> str:
    """The arguments of a batch norm beside its channels."""
    from engine.models.networks.modules import BATCHNORM  # torch, which is not there for every script

    return ", ".join(f"{name}={value!r}" for name, value in BATCHNORM.items())


def _with_numbers(code: str) -> str:
    if "WAVE_SCALE" in code:
        from engine.models.networks.modules import WAVE_SCALE

        return code.replace("WAVE_SCALE", repr(WAVE_SCALE))
    return code.replace("BATCHNORM", batchnorm()) if "BATCHNORM" in code else code
