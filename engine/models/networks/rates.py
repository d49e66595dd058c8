"""The range test: at which rate the loss falls fastest (`deep.lr`; Smith 2017; decision catalogue, 5.4, C7)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.models.networks.steps import Case
from engine.records import Json, Progress
from engine.trials import Context

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
EPOCHS = 5
SMOOTH = 0.98
TIMES = 4.0  # of the best smoothed loss, at which it stops
HELD = (1e-4, 1e-2)
USUAL, NEAR = 1e-3, 3.0
EDGE = 3  # points at an end of the curve that count as its edge


@dataclass(frozen=True)
class Ranged:
    """rates, losses: of each step, the loss smoothed.  suggested: by the valley rule, None where the loss never fell;
    diverged: the rate at which it stopped, or None; widened: whether the range had to be."""

    rates: list[float]
    losses: list[float]
    suggested: float | None
    diverged: float | None
    widened: bool = False

    @property
    def held(self) -> float | None:
        """The suggestion within 0.0001 … 0.01."""
        return None if self.suggested is None else min(HELD[1], max(HELD[0], self.suggested))

    def as_dict(self) -> dict[str, Json]:
        return {
            "curve": [[rate, loss] for rate, loss in zip(self.rates, self.losses, strict=True)],
            "suggested": self.suggested,
            "held": self.held,
            "diverged": self.diverged,
            "widened": self.widened,
        }


def range_test(case: Case, lowest: float = LOWEST, highest: float = HIGHEST) -> Ranged:
    """From fresh weights, the rate rising by the same factor at each step; once more over a wider range where the
    suggestion lies at an end of it, or the loss was lost before it fell."""
    found = _once(case, lowest, highest)
    if found.suggested is None or _at_an_edge(found):
        found = _once(case, lowest / 100, highest * 10)
        return Ranged(found.rates, found.losses, found.suggested, found.diverged, widened=True)
    return found


def _once(case: Case, lowest: float, highest: float) -> Ranged:
    count = max(10, min(STEPS, EPOCHS * case.each)) if case.each * EPOCHS < STEPS else STEPS
    count = max(count, STEPS // 2)  # fewer points make no valley
    by = (highest / lowest) ** (1 / (count - 1))
    average, best = 0.0, math.inf
    rates: list[float] = []
    losses: list[float] = []
    diverged = None
    with case.repeated():
        for k, loss in enumerate(case.steps(case.net(), count, lambda step: lowest * by**step)):
            rate = lowest * by**k
            if not math.isfinite(loss):
                diverged = rate
                break
            average = SMOOTH * average + (1 - SMOOTH) * loss
            smooth = average / (1 - SMOOTH ** (k + 1))
            rates.append(rate)
            losses.append(smooth)
            best = min(best, smooth)
            if smooth > TIMES * best:
                diverged = rate
                break
    place = valley(losses)
    return Ranged(rates, losses, None if place is None else rates[place], diverged)


def valley(losses: Sequence[float]) -> int | None:
    """The place, two thirds down the longest fall of the losses (the longest falling subsequence, as in fastai's
    "valley" rule); None where they never fall."""
    values = np.asarray(losses, dtype=np.float64)
    if len(values) < 3:
        return None
    longest = np.ones(len(values), dtype=int)
    for i in range(1, len(values)):
        above = longest[:i][values[:i] > values[i]]
        longest[i] = 1 + (above.max() if len(above) else 0)
    end = int(longest.argmax())
    start = end - int(longest[end])
    if longest[end] < 3:
        return None
    third = (end - start) / 3
    return max(0, min(len(values) - 1, max(start, 0) + int(third) + int(third / 2)))


def _at_an_edge(found: Ranged) -> bool:
    return found.suggested is not None and (
        found.suggested <= found.rates[EDGE - 1] or (found.suggested >= found.rates[-EDGE] and found.diverged is None)
    )


def advised(case: Case, found: Ranged) -> float:
    """The rate to take: the declared one where a schedule belongs to it, or where the suggestion is within 3 times of
    0.001, else the suggestion, held to 0.0001 … 0.01."""
    own = case.network.training.learning_rate
    if case.network.training.schedule != "constant" or found.held is None:
        return own
    return own if USUAL / NEAR <= found.held <= USUAL * NEAR else float(f"{found.held:.2g}")


def rate(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: the range test of a network on the training part of split 1.

    params: recipe, model.  Returns {"curve": [[rate, smoothed loss]], "suggested", "held", "diverged", "widened",
    "advised", "own"}.  Raises DataProblem, UsageProblem, NoNetworks, Cancelled.
    """
    from engine.models.networks.sanity import case_of

    ctx.report(Progress(0, 1, "step", "preparing the training part of split 1"))
    case = case_of(params, ctx)[0]
    found = range_test(case)
    own = case.network.training.learning_rate
    return {**found.as_dict(), "advised": advised(case, found), "own": own}
