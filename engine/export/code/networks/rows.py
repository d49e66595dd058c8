"""How prepared rows enter the network, and what it answers of them, written for this one case."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import Any

from engine.export.code.networks.case import Case
from engine.models.networks.layers import Inputs, reach
from engine.models.networks.training import CELLS, EVALUATE


def tensors(case: Case) -> str:
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


def answering(case: Case) -> str:
    called = "self.net(x[at : at + size]" + (", beside[at : at + size])" if case.beside else ")")
    rows = "x.shape[0]" if case.terms else "len(x)"
    shape = "(windows, steps)" if case.window else "(rows, nets, outputs)" if case.members else "(rows, outputs)"
    enters = tensors(case).replace(", window, step", ", *_")
    return f"""    def outputs(self, X: np.ndarray) -> torch.Tensor:
        \"\"\"{shape}, some {"windows" if case.window else "rows"} at a time.\"\"\"
        {enters}
        size = {at_once(case)}
        self.net.eval()
        with torch.inference_mode():
            return torch.cat([{called} for at in range(0, {rows}, size)])
"""


def at_once(case: Case) -> str:
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
