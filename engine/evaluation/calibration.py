"""The trial *calibration*: can the probabilities be taken at face value?  (Decision catalogue, improve.calibrate.)"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.evaluation.answers import Answers, read_answers
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.intervals import resample_weights, wilson
from engine.models.calibrators import logit, sigmoid
from engine.records import Json, Progress
from engine.trials import Context

BINS, FEW_BINS, FEW = 10, 5, 1_000  # equal counts; fewer bins below 1,000 rows
RESAMPLES = 500  # of the slope
CHANCES = 100  # draws of honest probabilities
MANY, GATHERED = 5_000, 1_000  # rows from which on neighbours are resampled as one, and into how many they are put
SLOPE_OFF, LEVEL_OFF, LEVEL_SHARE, ECE_OFF = 0.1, 0.01, 0.1, 0.05  # from where calibrating is worth it
RARE = 100  # rows of the rarer class below which isotonic has too little to go by


def calibration(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Hold the out-of-fold probabilities of a cross-validation against what happened.

    params: recipe, model; uses: the key of that cross-validation.  Of two classes the second's probability, of more the
    highest of each row.  curve: per bin of equal count the mean probability, the share that happened and its Wilson
    interval.  slope, intercept: of y ~ a + b·logit(p), b with a 95 % bootstrap interval; 1 and 0 where calibrated.
    """
    bench = open_bench(params, ctx)
    ctx.report(Progress(0, 2, "step", "reading the answers"))
    answers = read_answers(bench, ctx.fetch(str(ctx.evidence(ctx.uses[0])["oof"])))
    found = judge(bench, answers, ctx.seed)
    ctx.report(Progress(2, 2, "step"))
    return found


def judge(bench: Bench, answers: Answers, seed: int = 0) -> dict[str, Json]:
    """The value of the trial, from answers that were read."""
    y, two = bench.table.y[answers.positions], len(bench.table.labels) == 2
    p = answers.scores[:, 1] if two else answers.scores.max(axis=1)
    happened = (y == 1 if two else answers.scores.argmax(axis=1) == y).astype(float)
    groups = None if bench.table.groups is None else bench.table.groups[answers.positions]
    z = logit(p)
    a, b = sigmoid(z, happened)
    low, high = slope_interval(z, happened, (a, b), groups, seed)
    curve = reliability(p, happened)
    rarest = int(np.bincount(y, minlength=len(bench.table.labels)).min())
    chance = ece_by_chance(p, seed)
    needed, why = verdict(b, (low, high), float(p.mean()), float(happened.mean()), curve["ece"], chance)
    return {
        **curve,
        "ece_by_chance": chance,
        "rows": len(y),
        "brier": float(np.mean((p - happened) ** 2)),
        "mean": float(p.mean()),
        "share": float(happened.mean()),
        "slope": b,
        "slope_low": low,
        "slope_high": high,
        "intercept": a,
        "of": "the positive class" if two else "the class that is said",
        "needed": needed,
        "why": why,
        "method": method_for(len(bench.table.labels), len(y), rarest),
    }


def slope_interval(
    z: np.ndarray, happened: np.ndarray, start: tuple[float, float], groups: np.ndarray | None = None, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of b in happened ~ a + b·z; whole groups are drawn where rows come in groups.

    z: (n,) logits.  happened: (n,) of 0 and 1.  Of very many rows, neighbours in z count as one row with their mean z
    and their numbers of yes and no: drawing rows is drawing these.
    """
    n = len(z)
    if groups is None and n >= MANY:
        place = np.empty(n, dtype=int)
        place[np.argsort(z, kind="stable")] = np.arange(n) * GATHERED // n
        cell = 2 * place + happened.astype(int)
        counts = np.bincount(cell, minlength=2 * GATHERED)
        means = np.bincount(place, weights=z) / np.bincount(place)
        z, happened = np.repeat(means, 2), np.tile([0.0, 1.0], GATHERED)
        weights: Any = [np.random.default_rng(seed).multinomial(n, counts / n, size=RESAMPLES).astype(float)]
    else:
        weights = resample_weights(n, seed=seed, B=RESAMPLES, groups=groups)
    slopes = [sigmoid(z, happened, w, start)[1] for W in weights for w in W]
    low, high = np.quantile(slopes, [0.025, 0.975])
    return float(low), float(high)


def reliability(p: np.ndarray, happened: np.ndarray) -> dict[str, Any]:
    """curve: bins of equal count, from the least likely up; ece: the mean gap between the two, weighted by rows.

    p, happened: (n,).  Equal probabilities are never parted, so that there may be fewer bins.
    """
    order = np.argsort(p, kind="stable")
    bins = BINS if len(p) >= FEW else FEW_BINS
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)))
    place = np.clip(np.searchsorted(edges, p[order], side="right") - 1, 0, max(0, len(edges) - 2))
    rows, gap = [], 0.0
    for i in np.unique(place):
        members = order[place == i]
        hits, n = int(happened[members].sum()), len(members)
        band = wilson(hits, n)
        said, share = float(p[members].mean()), hits / n
        gap += n * abs(said - share)
        rows.append(
            {"said": said, "share": share, "low": band.low if band else None, "high": band.high if band else None,
             "rows": n}
        )  # fmt: skip
    return {"curve": rows, "ece": gap / max(1, len(p))}


def ece_by_chance(p: np.ndarray, seed: int = 0) -> float:
    """The gap that perfectly honest probabilities stay below in 95 of 100 draws of this many rows."""
    rng = np.random.default_rng(seed)
    return float(
        np.quantile([reliability(p, (rng.random(len(p)) < p).astype(float))["ece"] for _ in range(CHANCES)], 0.95)
    )


def verdict(
    slope: float, band: tuple[float, float], mean: float, share: float, ece: float, chance: float = 0.0
) -> tuple[bool, list[str]]:
    """Whether calibrating is worth it, and by which of the three signs.

    chance: the gap that chance alone may make; on few rows it is above the .05 of the catalogue, which then says
    nothing.
    """
    why = []
    if not band[0] <= 1 <= band[1] and abs(slope - 1) > SLOPE_OFF:
        why.append("slope")
    if abs(mean - share) > max(LEVEL_OFF, LEVEL_SHARE * share):
        why.append("level")
    if ece > max(ECE_OFF, chance):
        why.append("gap")
    return bool(why), why


def method_for(classes: int, rows: int, rarest: int, network: bool = False) -> str:
    """Several classes or a network: temperature.  Few rows: sigmoid, for isotonic needs many.  Else isotonic."""
    if classes > 2 or network:
        return "temperature"
    return "sigmoid" if rows < FEW or rarest < RARE else "isotonic"
