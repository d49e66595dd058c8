"""A network in code: its layers as plain torch, and the loop that trained it, written for this one case.

The loop draws random numbers in the very order of `engine.models.networks.training`, so that on the same machine the
same figures come out.  Every setting is a literal (`!r`): it may come from a stranger's store, and the code is run.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace

from engine.data.pixels import as_drawn, layout
from engine.errors import UsageProblem
from engine.export.code.plan import Cell, Part, Plan, comment, not_code
from engine.export.model.terms import NoForm
from engine.models.networks.layers import SAID, Inputs, Layer, Network, Training, reach
from engine.models.networks.losses import Loss, loss_for
from engine.models.networks.spec import declared, outputs, suited
from engine.models.networks.training import CELLS, EVALUATE
from engine.words import literal

TURNS = {"": [], "relu": ["nn.ReLU()"], "selu": ["nn.SELU()"], "mish": ["nn.Mish()"]}
WRITTEN = (
    "scale",
    "ntk",
    "dense",
    "dropout",
    "head",
    "conv2d",
    "pool",
    "flatten",
    "average",
    "beside",
    "embedding",
    "masked_average",
)
BATCH = "engine.models.networks.spec:batch_size"


@dataclass(frozen=True)
class Case:
    """A network for a task, and what enters it: of tables and texts in the least shape, as they have theirs only once
    they are prepared."""

    name: str
    network: Network
    loss: Loss
    inputs: Inputs
    units: int
    balanced: bool

    @property
    def how(self) -> Training:
        return self.network.training

    @property
    def picture(self) -> bool:
        return self.network.takes == "picture"

    @property
    def tokens(self) -> bool:
        return self.network.takes == "tokens"

    @property
    def beside(self) -> bool:
        """Whether columns that are no part of the material stand beside it."""
        return bool(self.inputs.beside)

    @property
    def own_rates(self) -> bool:
        """Whether some of its weights learn at rates of their own."""
        return any(layer.kind in ("scale", "ntk") or layer.form == "ntk" for layer in self.network.layers)

    @property
    def given(self) -> tuple[str, ...]:
        """What it is told beside the seed."""
        return (*(("place",) if self.beside or self.tokens else ()), *(("words",) if self.tokens else ()))


def class_of(part: Part) -> str:
    """What the network is called in the code: "net_small" → "NetSmall"."""
    return "".join(word.capitalize() for word in (part.name or part.spec.name).split("_"))


def case_of(plan: Plan, part: Part) -> Case:
    """Raises NoForm, in a sentence that says which, for what is not written so far."""
    try:
        network = declared(part.spec.name, part.settings)
    except (TypeError, ValueError) as problem:
        if isinstance(problem, UsageProblem):
            raise
        raise not_code(problem) from None
    recipe = plan.recipe
    if network.takes not in ("table", "picture", "tokens"):
        raise NoForm(f"{network.title} takes {SAID[network.takes]} and does not leave as plain code so far; take --to "
                     "model.")  # fmt: skip
    network = suited(network, str(recipe["task"]), str(recipe.get("metric", "")))
    match network.takes:
        case "picture":
            inputs = _picture(plan, network)
        case "tokens":
            inputs = _texts(plan, network)
        case _:
            inputs = Inputs("table", (1,))
    network = network.resolved(inputs)
    _writable(network)
    labels = len(plan.table.labels or ())
    units = outputs(str(recipe["task"]), labels)
    return Case(class_of(part), network, loss_for(network, recipe), inputs, units, plan.weighs)


def _writable(network: Network) -> None:
    how, said = network.training, "does not leave as plain code so far; take --to model."
    if how.device != "cpu":
        raise NoForm(f"{network.title} was trained on a graphics card, whose draws are others than a processor's, and "
                     + said)  # fmt: skip
    if how.precision != "float32":
        raise NoForm(f"{network.title} was trained in another precision than 32 bits, and {said}")
    for layer in network.layers:
        plain = layer.activation in TURNS and not layer.copies and layer.form in ("", "ntk")
        if (
            layer.kind not in WRITTEN or not plain
        ):  # words are averaged where they are embedded: together they have a form
            what = f"a layer of the kind {layer.kind.replace('_', ' ')}"
            raise NoForm(f"{network.title} has {what} and {said}")


def _picture(plan: Plan, network: Network) -> Inputs:
    """Height, width and channels of every picture."""
    types = plan.recipe.get("types") or {}
    pixels = as_drawn([name for name, kind in types.items() if kind == "number"])
    found = layout(pixels) if plan.recipe.get("material") == "image" else None
    if found is None:
        raise NoForm(f"{network.title} takes pictures, and these columns make none; take --to model.")
    side = ((plan.recipe.get("prepare") or {}).get("images") or {}).get("side")
    height, width = found.height, found.width
    if side and side < height:
        height = width = int(side)
    return Inputs("picture", (height, width, found.channels), _beside(plan, len(pixels)))


def _texts(plan: Plan, network: Network) -> Inputs:
    """Texts of one word, until they are read."""
    types = plan.recipe.get("types") or {}
    texts = sum(kind == "text" for kind in types.values())
    if not texts:
        raise NoForm(f"{network.title} takes texts, and this table has none; take --to model.")
    return Inputs("tokens", (1,), _beside(plan, texts), rows=2)


def _beside(plan: Plan, material: int) -> int:
    """1 where columns stand beside those of the material: how many they become is known once they are prepared."""
    types = plan.recipe.get("types") or {}
    dropped = sum(kind == "date" for kind in types.values()) if plan.prepare["dates"]["encode"] == "drop" else 0
    return int(len(types) - dropped > material)


def before(case: Case) -> str:
    """The lines above the model, once the columns are prepared."""
    lines = []
    if "place" in case.given:
        name = "pixels" if case.picture else "tokens"
        lines.append(f'    place = prepare.output_indices_["{name}"]  # among the columns; the others stand beside\n')
    if "words" in case.given:
        lines.append('    words = prepare.named_transformers_["tokens"].rows\n')
    return "".join(lines)


def code_of(case: Case) -> str:
    """The class: layers, training, answers."""
    types = {"place": "slice", "words": "int"}
    told = "".join(f", {name}: {types[name]}" for name in case.given)
    kept = ", ".join(f"self.{name}" for name in ("seed", *case.given))
    pieces = (
        f'class {case.name}:\n    """{_docstring(case)}"""\n\n'
        f"    def __init__(self, seed: int{told}) -> None:\n        {kept} = {', '.join(('seed', *case.given))}\n",
        _layers(case),
        _fit(case),
        _outputs(case),
        _entering(case),
        _answers(case),
    )
    return "\n".join(piece.rstrip("\n") + "\n" for piece in pieces if piece).rstrip("\n") + "\n"


def _docstring(case: Case) -> str:
    return f"{literal(case.network.title)}, called as scikit-learn calls a model."


def _layers(case: Case) -> str:
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


def _fit(case: Case) -> str:
    how = case.how
    batch = "batch_size(len(x))" if how.batch is None else f"max(1, min({how.batch!r}, len(x)))"
    moved = "self.moved(x[rows])" if _moves(case) else "x[rows]"
    moved += ", beside[rows]" if case.beside else ""
    loss, told = _losses(case)
    rate, weights = _rate(case), "groups" if case.own_rates else "net.parameters()"
    clip = (
        f"\n                nn.utils.clip_grad_norm_(net.parameters(), {how.clip!r}, foreach=True)" if how.clip else ""
    )
    last = "len(x) - batch + 1" if how.drop_last else "len(x)"
    better = "held <= lowest" if how.last_tie else "held < lowest"
    units = "len(self.classes_)" if case.loss.classes else "1"
    wide = "X.shape[1], " if case.network.takes == "table" else "beside.shape[1], " if case.beside else ""
    made = f"self.layers({wide}{units}, start)"
    counted = "        step, steps = 0, epochs * math.ceil(len(x) / batch)\n" if rate else ""
    if rate and how.drop_last:
        counted = "        step, steps = 0, epochs * max(1, len(x) // batch)\n"
    return f"""    def fit(self, X: np.ndarray, y: np.ndarray, X_val: np.ndarray, y_val: np.ndarray) -> {case.name}:
        \"\"\"Until the loss of the rows beside has not fallen for {how.patience!r} epochs; the best weights stay.\"\"\"
{_targets(case)}{_start(case)}        self.net = net = {made}
        threads = torch.get_num_threads()
        torch.set_num_threads({how.threads!r})  # the order of additions, and with it the last digit, hangs on it
        torch.manual_seed(self.seed)
        shuffle = torch.Generator().manual_seed(self.seed)
{_groups(case)}        adam = torch.optim.AdamW({weights}, lr={how.learning_rate!r}, betas={how.betas!r},
                                 weight_decay={how.weight_decay!r}, fused=True)
{loss}
        batch, epochs = {batch}, {how.epochs!r}
{counted}        lowest, best, best_epoch = {told}, copy.deepcopy(net.state_dict()), 0
        for epoch in range(1, epochs + 1):
            net.train()
            order = torch.randperm(len(x), generator=shuffle)
            for at in range(0, {last}, batch):
                rows = order[at : at + batch]
{rate}                adam.zero_grad()
                loss(net({moved}), t[rows]).backward(){clip}
                adam.step()
            held = {told}
            if {better}:
                lowest, best, best_epoch = held, copy.deepcopy(net.state_dict()), epoch
            if epoch - best_epoch >= {how.patience!r}:
                break
        net.load_state_dict(best)
        torch.set_num_threads(threads)
{_unit(case)}        return self
"""


def _tensors(case: Case) -> str:
    """The line that makes prepared rows what enters the network."""
    return "x, beside = self.entering(X)" if case.beside else "x = self.entering(X)"


def _entering(case: Case) -> str:
    main, number = ("X[:, self.place]" if "place" in case.given else "X"), "int64" if case.tokens else "float32"
    made = f"torch.from_numpy(np.ascontiguousarray({main}, dtype=np.{number}))"
    if case.picture:
        made += f".reshape(-1, {', '.join(map(repr, case.inputs.shape))})"
    lines, ends = f"        x = {made}\n", "x"
    if case.beside:
        lines += ("        others = np.delete(X, np.r_[self.place], axis=1)\n"
                  "        beside = torch.from_numpy(np.ascontiguousarray(others, dtype=np.float32))\n")  # fmt: skip
        ends = "x, beside"
    elif not case.picture:
        lines, ends = "", made
    return f"""    def entering(self, X: np.ndarray) -> Any:
        \"\"\"Prepared rows as what enters the network.\"\"\"
{lines}        return {ends}
"""


def _targets(case: Case) -> str:
    if case.loss.classes:
        weigh = ""
        if case.balanced:
            weigh = """        counts = np.bincount(codes, minlength=len(self.classes_)).clip(min=1)
        weights = len(codes) / (len(counts) * counts)  # so that classes count alike
"""
        return f"""        self.classes_ = np.unique(y)
        known = np.isin(y_val, self.classes_)
        X_val, y_val = X_val[known], y_val[known]
        codes = np.searchsorted(self.classes_, y).astype(np.int64)
{weigh}        {_tensors(case)}
        t, t_val = torch.from_numpy(codes), torch.from_numpy(np.searchsorted(self.classes_, y_val).astype(np.int64))
"""
    return f"""        y, y_val = np.asarray(y, dtype=np.float64), np.asarray(y_val, dtype=np.float64)
        mean, scale = float(np.mean(y)), float(np.std(y)) or 1.0
        y, y_val = (((part - mean) / scale).astype(np.float32) for part in (y, y_val))  # standardised
        {_tensors(case)}
        t, t_val = torch.from_numpy(y), torch.from_numpy(y_val)
"""


def _start(case: Case) -> str:
    """The best constant: what every row is told before anything is learned."""
    if case.loss.classes:
        counted = "np.bincount(codes, minlength=len(self.classes_))" + (" * weights" if case.balanced else " * 1.0")
        return (f"        counted = {counted}\n"
                "        start = np.log(np.maximum(counted / counted.sum(), 1e-7)).astype(np.float32)\n")  # fmt: skip
    best = {"squared": "np.mean(y)", "absolute": "np.median(y)"}.get(
        case.loss.name, f"np.quantile(y, {case.loss.quantile!r})"
    )
    return f"        start = np.array([float({best})], dtype=np.float32)\n"


def _losses(case: Case) -> tuple[str, str]:
    """(the functions, the expression of the loss of the rows beside)."""
    smoothing = case.how.smoothing
    held = "float(loss(self.outputs(X_val), t_val))"
    if case.loss.classes:
        more = f", label_smoothing={smoothing!r}" if smoothing else ""
        name = "nn.functional.cross_entropy"
        if case.balanced:
            weigh = "        rows_count = torch.tensor(weights.tolist(), dtype=torch.float32)\n"

            def body(more: str) -> str:
                return f'return {name}(out, t, weight=rows_count, reduction="sum"{more}) / len(t)'
        else:
            weigh = ""

            def body(more: str) -> str:
                return f"return {name}(out, t{more})"

        lines = weigh + _def("loss", body(more))
        if smoothing:
            lines += _def("plain", body(""))
            held = held.replace("loss(", "plain(", 1)
        return lines.rstrip("\n") + "\n", held
    body_of = {
        "squared": "return nn.functional.mse_loss(out[:, 0], t)",
        "absolute": "return nn.functional.l1_loss(out[:, 0], t)",
    }
    q = case.loss.quantile
    pinball = f"gap = t[:, None] - out\n            return torch.maximum({q!r} * gap, {q - 1!r} * gap).sum() / len(t)"
    return _def("loss", body_of.get(case.loss.name, pinball)).rstrip("\n") + "\n", held


def _def(name: str, body: str) -> str:
    return f"\n        def {name}(out: torch.Tensor, t: torch.Tensor) -> torch.Tensor:\n            {body}\n"


def _groups(case: Case) -> str:
    """The weights by the rates that they learn at, where these differ."""
    if not case.own_rates:
        return ""
    from engine.models.networks.modules import BIAS_RATE, SCALE_RATE

    rate = case.how.learning_rate
    return f"""        columns = [layer.weight for layer in net if isinstance(layer, Weighed)]
        mixes = [layer for layer in net if isinstance(layer, Mixed)]
        parts = (({SCALE_RATE!r}, columns), (1.0, [layer.weight for layer in mixes]),
                 ({BIAS_RATE!r}, [layer.bias for layer in mixes]))
        groups = [{{"params": part, "lr": {rate!r} * by, "factor": by}} for by, part in parts if part]
"""


def _rate(case: Case) -> str:
    """The rate of a step, where it changes."""
    how = case.how
    if how.schedule == "constant" and not how.warm_up:
        return ""
    w = how.warm_up
    then = "1.0"
    if how.schedule == "cosine":
        past = f"(step / steps - {w!r}) / {max(1e-12, 1 - w)!r}" if w else "step / steps"
        then = f"0.5 * (1 + math.cos(math.pi * min(1.0, {past})))"
    if how.schedule == "coslog4":
        then = "0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * (step / steps))))"  # four waves
    factor = f"(step + 1) / max(1.0, {w!r} * steps) if step / steps < {w!r} else {then}" if w else then
    own = ' * group["factor"]' if case.own_rates else ""
    return (f"                factor = {factor}\n"
            "                for group in adam.param_groups:\n"
            f'                    group["lr"] = {how.learning_rate!r}{own} * factor\n'
            "                step += 1\n")  # fmt: skip


def _unit(case: Case) -> str:
    if case.loss.classes:
        return ""
    return """        head = [*net.modules()][-1]
        with torch.no_grad():  # from now on in the target's own unit
            head.weight.mul_(scale)
            head.bias.mul_(scale).add_(mean)
"""


def _outputs(case: Case) -> str:
    called = "self.net(x[at : at + size]" + (", beside[at : at + size])" if case.beside else ")")
    return f"""    def outputs(self, X: np.ndarray) -> torch.Tensor:
        \"\"\"(rows, outputs), some rows at a time.\"\"\"
        {_tensors(case)}
        size = {_at_once(case)}
        self.net.eval()
        with torch.inference_mode():
            return torch.cat([{called} for at in range(0, len(x), size)])
"""


def _at_once(case: Case) -> str:
    """How many rows are answered at once: by the numbers that one of them becomes on its way through."""

    def cells(inputs: Inputs) -> int:
        return inputs.width + case.network.count(inputs, case.units).activations

    given, plain = case.inputs, cells(case.inputs)
    if case.network.takes == "table":
        return f"max(1, min({EVALUATE!r}, {CELLS!r} // (X.shape[1] + {plain - 1!r})))"
    terms = []
    if case.tokens:
        each = cells(replace(given, shape=(2,))) - plain
        terms, plain = [f"{each!r} * x.shape[1]"], plain - each
    if case.beside:  # they enter, and go on beside what was made of the others
        terms, plain = [*terms, "2 * beside.shape[1]"], plain - 2
    if not terms:
        return repr(max(1, min(EVALUATE, CELLS // plain)))
    return f"max(1, min({EVALUATE!r}, {CELLS!r} // ({' + '.join([*terms, repr(plain)])})))"


def _answers(case: Case) -> str:
    moved = _moved(case) if _moves(case) else ""
    if case.loss.classes:
        return f"""{moved}    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return torch.softmax(self.outputs(X), dim=-1).numpy().astype(np.float64)
"""
    return f"""{moved}    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.outputs(X).numpy().astype(np.float64)[:, 0]
"""


def _moves(case: Case) -> bool:
    if not case.picture:
        return False
    height, width, _ = case.inputs.shape
    return bool(case.how.mirror or reach(height, case.how.shift) or reach(width, case.how.shift))


def _moved(case: Case) -> str:
    """Pictures moved and mirrored by chance."""
    height, width, _ = case.inputs.shape
    down, across = reach(height, case.how.shift), reach(width, case.how.shift)
    lines = []
    if case.how.mirror:
        lines += ["turned = torch.randint(0, 2, (len(x), 1, 1, 1), dtype=torch.bool)",
                  "x = torch.where(turned, x.flip(2), x)"]  # fmt: skip
    if down or across:
        lines += [f"wide = nn.functional.pad(x, (0, 0, {across}, {across}, {down}, {down}))",
                  f"top = torch.randint(0, {2 * down + 1}, (len(x), 1)) + torch.arange({height})",
                  f"left = torch.randint(0, {2 * across + 1}, (len(x), 1)) + torch.arange({width})",
                  "x = wide[torch.arange(len(x))[:, None, None], top[:, :, None], left[:, None, :]]"]  # fmt: skip
    body = textwrap.indent("\n".join(lines), " " * 8)
    return f"""    def moved(self, x: torch.Tensor) -> torch.Tensor:
        \"\"\"Moved by up to {max(down, across)} pixels{" and mirrored" * case.how.mirror}, by chance.\"\"\"
{body}
        return x

"""


def networks(plan: Plan) -> list[Cell]:
    """A cell for each network of the session."""
    found = []
    for leaf in plan.whole.leaves:
        if leaf.spec.network:
            code = code_of(case_of(plan, leaf))
            shapes = [text for name, text in SHAPES.items() if f"{name}(" in code]
            top = [] if found else ["import copy\nimport math\n\nimport torch\nfrom torch import nn\n"]
            words = f"{literal(leaf.spec.why)} Trained as the session did: the same draws in the same order."
            found.append(Cell(leaf.spec.title, words, "\n\n".join([*top, *shapes, code])))
    return found
