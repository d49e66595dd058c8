"""The loop that trained it, written for this one case, and how it answers.

It draws random numbers in the very order of `engine.models.networks.training`, so that on the same machine the same
figures come out.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace

from engine.export.code.networks.case import Case
from engine.models.networks.layers import Inputs, reach
from engine.models.networks.training import CELLS, EVALUATE


def fit(case: Case) -> str:
    how = case.how
    batch = "batch_size(len(x))" if how.batch is None else f"max(1, min({how.batch!r}, len(x)))"
    moved = "self.moved(x[rows])" if moves(case) else "x[rows]"
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


def entering(case: Case) -> str:
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


def answering(case: Case) -> str:
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


def answers(case: Case) -> str:
    moved = _moved(case) if moves(case) else ""
    if case.loss.classes:
        return f"""{moved}    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return torch.softmax(self.outputs(X), dim=-1).numpy().astype(np.float64)
"""
    return f"""{moved}    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.outputs(X).numpy().astype(np.float64)[:, 0]
"""


def moves(case: Case) -> bool:
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
