"""The loop that trained it, written for this one case, and how it answers.

It draws random numbers in the very order of `engine.models.networks.training`, so that on the same machine the same
figures come out.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import Any

from engine.export.code.networks.case import Case
from engine.models.networks.layers import Inputs, reach
from engine.models.networks.training import CELLS, EVALUATE


def fit(case: Case) -> str:
    how = case.how
    batch = "batch_size(len(t))" if how.batch is None else f"max(1, min({how.batch!r}, len(t)))"
    moved = "self.moved(x[rows])" if moves(case) else "x[rows]"
    moved += ", beside[rows]" if case.beside else ""
    order = "torch.randperm(len(t), generator=shuffle)" + ".numpy()" * case.terms
    loss, told = _losses(case)
    rate, weights = _rate(case), "groups" if case.own_rates else "net.parameters()"
    clip = (
        f"\n                nn.utils.clip_grad_norm_(net.parameters(), {how.clip!r}, foreach=True)" if how.clip else ""
    )
    last = "len(t) - batch + 1" if how.drop_last else "len(t)"
    better = "held <= lowest" if how.last_tie else "held < lowest"
    units = "" if case.window else "len(self.classes_), " if case.loss.classes else "1, "
    wide = "X.shape[1], " if case.network.takes in ("table", "terms") else "beside.shape[-1], " if case.beside else ""
    made = f"self.layers({wide}{units}start)"
    counted = "        step, steps = 0, epochs * math.ceil(len(t) / batch)\n" if rate else ""
    if rate and how.drop_last:
        counted = "        step, steps = 0, epochs * max(1, len(t) // batch)\n"
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
            order = {order}
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
    if case.window:
        return "x, beside, window, step = self.entering(X)"
    return "x, beside = self.entering(X)" if case.beside else "x = self.entering(X)"


def entering(case: Case) -> str:
    if case.window:
        return windows(case)
    if case.embeds:
        return _embedding()
    if case.terms:
        return TERMS
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


TERMS = """    def entering(self, X: Any) -> Any:
        \"\"\"Prepared rows as what enters the network: the few numbers that are not 0, or all where most are not.\"\"\"
        if hasattr(X, "tocsr"):
            return X.tocsr().astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32))
"""


def _embedding() -> str:
    return """    def entering(self, X: np.ndarray) -> Any:
        \"\"\"Prepared rows as what enters the network: the numbers first and the codes of levels last.\"\"\"
        numbers, codes = np.r_[self.numbers], np.r_[self.codes]
        others = np.delete(np.arange(X.shape[1]), [*numbers, *codes])
        return torch.from_numpy(np.ascontiguousarray(X[:, [*numbers, *others, *codes]], dtype=np.float32))
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
    asked = (
        "self.asked(X, y), self.asked(X_val, y_val)" if case.window else "torch.from_numpy(y), torch.from_numpy(y_val)"
    )
    return f"""        y, y_val = np.asarray(y, dtype=np.float64), np.asarray(y_val, dtype=np.float64)
        mean, scale = float(np.mean(y)), float(np.std(y)) or 1.0
        y, y_val = (((part - mean) / scale).astype(np.float32) for part in (y, y_val))  # standardised
        {_tensors(case)}
        t, t_val = {asked}
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
    if case.window:
        each = best.replace("(y", "(y[~np.isnan(y)]")
        return f"""        start = [{each} if np.any(~np.isnan(y)) else 0.0 for y in t.numpy().T]  # of each step ahead
        start = np.array(start, dtype=np.float32)
"""
    return f"        start = np.array([float({best})], dtype=np.float32)\n"


def _losses(case: Case) -> tuple[str, str]:
    """(the functions, the expression of the loss of the rows beside)."""
    smoothing = case.how.smoothing
    held = "float(loss(self.outputs(X_val), t_val))"
    if case.loss.classes:
        more = f", label_smoothing={smoothing!r}" if smoothing else ""
        name = "nn.functional.cross_entropy"
        members = ""
        if case.members:  # every one of them learns for itself
            members = "t, out = t.repeat_interleave(out.shape[1]), out.flatten(0, 1)  # each net learns for itself\n"
            members += " " * 12
        if case.balanced:
            weigh = "        rows_count = torch.tensor(weights.tolist(), dtype=torch.float32)\n"

            def body(more: str) -> str:
                return f'{members}return {name}(out, t, weight=rows_count, reduction="sum"{more}) / len(t)'
        else:
            weigh = ""

            def body(more: str) -> str:
                return f"{members}return {name}(out, t{more})"

        lines = weigh + _def("loss", body(more))
        if smoothing:
            lines += _def("plain", body(""))
            held = held.replace("loss(", "plain(", 1)
        return lines.rstrip("\n") + "\n", held
    q = case.loss.quantile
    if case.members or case.window:
        return _def("loss", _of_each(case)).rstrip("\n") + "\n", held
    body_of = {
        "squared": "return nn.functional.mse_loss(out[:, 0], t)",
        "absolute": "return nn.functional.l1_loss(out[:, 0], t)",
    }
    pinball = f"gap = t[:, None] - out\n            return torch.maximum({q!r} * gap, {q - 1!r} * gap).sum() / len(t)"
    return _def("loss", body_of.get(case.loss.name, pinball)).rstrip("\n") + "\n", held


def _of_each(case: Case) -> str:
    """The mean loss of every answer to a number: of each of many nets, or of each step of a window that has a value."""
    q, end = case.loss.quantile, "\n            "
    lost = {"squared": "gap**2", "absolute": "gap.abs()"}.get(
        case.loss.name, f"torch.maximum({q!r} * gap, {q - 1!r} * gap)"
    )
    if case.window:
        return (f"there = ~torch.isnan(t)  # steps without a value do not count{end}"
                f"gap = torch.where(there, t, out.detach()) - out{end}"
                f"return ({lost} * there).sum() / there.sum().clamp(min=1)")  # fmt: skip
    return f"gap = t[:, None, None] - out  # each net learns for itself{end}return ({lost}).sum() / gap.numel()"


def _def(name: str, body: str) -> str:
    return f"\n        def {name}(out: torch.Tensor, t: torch.Tensor) -> torch.Tensor:\n            {body}\n"


def _groups(case: Case) -> str:
    """The weights by the rates that they learn at, where these differ."""
    if not case.own_rates:
        return ""
    from engine.models.networks.modules import BIAS_RATE, SCALE_RATE, WAVE_RATE

    rate, more = case.how.learning_rate, ""
    if case.embeds:
        called = [name for name, kind in (("Waves", "periodic"), ("Places", "categories")) if kind in case.kinds]
        made = f"({', '.join(called)})" if len(called) > 1 else called[0]
        more = (f",\n                 ({WAVE_RATE!r}, [part for layer in net if isinstance(layer, {made}) "
                "for part in layer.parameters()])")  # fmt: skip
    return f"""        columns = [layer.weight for layer in net if isinstance(layer, Weighed)]
        mixes = [layer for layer in net if isinstance(layer, Mixed)]
        parts = (({SCALE_RATE!r}, columns), (1.0, [layer.weight for layer in mixes]),
                 ({BIAS_RATE!r}, [layer.bias for layer in mixes]){more})
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
    aside = "            head.aside.mul_(scale)\n" * case.window
    return f"""        head = [*net.modules()][-1]
        with torch.no_grad():  # from now on in the target's own unit
            head.weight.mul_(scale)
{aside}            head.bias.mul_(scale).add_(mean)
"""


def answering(case: Case) -> str:
    called = "self.net(x[at : at + size]" + (", beside[at : at + size])" if case.beside else ")")
    rows = "x.shape[0]" if case.terms else "len(x)"
    shape = "(windows, steps)" if case.window else "(rows, nets, outputs)" if case.members else "(rows, outputs)"
    enters = _tensors(case).replace(", window, step", ", *_")
    return f"""    def outputs(self, X: np.ndarray) -> torch.Tensor:
        \"\"\"{shape}, some {"windows" if case.window else "rows"} at a time.\"\"\"
        {enters}
        size = {_at_once(case)}
        self.net.eval()
        with torch.inference_mode():
            return torch.cat([{called} for at in range(0, {rows}, size)])
"""


def _at_once(case: Case) -> str:
    """How many rows are answered at once: by the numbers that one of them becomes on its way through."""

    if case.embeds:
        return f"max(1, min({EVALUATE!r}, {CELLS!r} // self.cells))"

    def cells(inputs: Inputs) -> int:
        return inputs.width + case.network.resolved(inputs).count(inputs, case.units).activations

    def more(**changed: Any) -> int:
        return cells(replace(case.inputs, **changed)) - plain

    plain = rest = cells(case.inputs)
    terms = []
    if case.network.takes in ("table", "terms"):
        each = more(shape=(case.inputs.shape[0] + 1,))
        terms, rest = [_times(each, "X.shape[1]")], rest - each * case.inputs.shape[0]
    if case.tokens:
        each = more(shape=(2,))
        terms, rest = [_times(each, "x.shape[1]")], rest - each
    if case.beside:
        each = more(beside=2)
        terms, rest = [*terms, _times(each, "beside.shape[-1]")], rest - each
    if not terms:
        return repr(max(1, min(EVALUATE, CELLS // plain)))
    return f"max(1, min({EVALUATE!r}, {CELLS!r} // ({' + '.join([*terms, repr(rest)])})))"


def _times(many: int, what: str) -> str:
    return what if many == 1 else f"{many!r} * {what}"


def answers(case: Case) -> str:
    moved = _moved(case) if moves(case) else ""
    mean = ".mean(dim=1)" if case.members else ""
    if case.loss.classes:
        return f"""{moved}    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return torch.softmax(self.outputs(X), dim=-1){mean}.numpy().astype(np.float64)
"""
    if case.window:
        return """    def predict(self, X: np.ndarray) -> np.ndarray:
        *_, window, step = self.entering(X)
        return self.outputs(X).numpy()[window, step].astype(np.float64)
"""
    return f"""{moved}    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.outputs(X){mean}.numpy().astype(np.float64)[:, 0]
"""


def moves(case: Case) -> bool:
    if not case.picture:
        return False
    height, width, _ = case.inputs.shape
    return bool(case.how.mirror or reach(height, case.how.shift) or reach(width, case.how.shift))


def windows(case: Case) -> str:
    """Rows of a forecast as windows, and their answers."""
    return """    def entering(self, X: np.ndarray) -> Any:
        \"\"\"Rows that ask for several steps from one origin become one window, with what is known beside each step.

        Also the window and the step that each row asks for.  The last value is where a row's scale begins: always 0.
        \"\"\"
        lags, others = X[:, 1:LOOKBACK], X[:, LOOKBACK:]
        step = (np.rint(X[:, 0] * HORIZON).astype(np.int64) - 1).clip(0, HORIZON - 1)
        new = np.ones(len(X), dtype=bool)
        new[1:] = (step[1:] <= step[:-1]) | (lags[1:] != lags[:-1]).any(axis=1)
        window, first = np.cumsum(new) - 1, np.flatnonzero(new)
        values = np.column_stack([lags[first, ::-1], np.zeros(len(first))]).astype(np.float32)  # the latest last
        beside = np.zeros((len(first), HORIZON, others.shape[1]), dtype=np.float32)
        beside[window, step] = others
        return torch.from_numpy(values)[..., None], torch.from_numpy(beside), window, step

    def asked(self, X: np.ndarray, y: np.ndarray) -> torch.Tensor:
        \"\"\"(windows, steps): NaN where nobody asked or answered.\"\"\"
        x, _, window, step = self.entering(X)
        t = np.full((len(x), HORIZON), np.nan, dtype=np.float32)
        t[window, step] = y
        return torch.from_numpy(t)
"""


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
