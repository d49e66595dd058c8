"""The loop that trained it, written for this one case.

It draws random numbers in the very order of `engine.models.networks.training`, so that on the same machine the same
figures come out.
"""

from __future__ import annotations

from engine.export.code.networks.case import Case
from engine.export.code.networks.rows import moves, tensors


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
            progress(f"Training: epoch {{epoch}} of at most {{epochs}}, loss of the rows beside {{held:.4g}}")
            if {better}:
                lowest, best, best_epoch = held, copy.deepcopy(net.state_dict()), epoch
            if epoch - best_epoch >= {how.patience!r}:
                break
        net.load_state_dict(best)
        torch.set_num_threads(threads)
{_unit(case)}        return self
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
{weigh}        {tensors(case)}
        t, t_val = torch.from_numpy(codes), torch.from_numpy(np.searchsorted(self.classes_, y_val).astype(np.int64))
"""
    asked = (
        "self.asked(X, y), self.asked(X_val, y_val)" if case.window else "torch.from_numpy(y), torch.from_numpy(y_val)"
    )
    return f"""        y, y_val = np.asarray(y, dtype=np.float64), np.asarray(y_val, dtype=np.float64)
        mean, scale = float(np.mean(y)), float(np.std(y)) or 1.0
        y, y_val = (((part - mean) / scale).astype(np.float32) for part in (y, y_val))  # standardised
        {tensors(case)}
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
