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
RESAMPLES, MANY, FEWER = 500, 10_000, 200  # of the slope; fewer from so many rows on
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
    B = RESAMPLES if len(y) < MANY else FEWER
    weights = resample_weights(len(y), seed=seed, B=B, groups=groups)
    draws = [sigmoid(z, happened, w, (a, b)) for W in weights for w in W]
    low, high = np.quantile([slope for _, slope in draws], [0.025, 0.975])
    curve = reliability(p, happened)
    rarest = int(np.bincount(y, minlength=len(bench.table.labels)).min())
    needed, why = verdict(b, (float(low), float(high)), float(p.mean()), float(happened.mean()), curve["ece"])
    return {
        **curve,
        "rows": len(y),
        "brier": float(np.mean((p - happened) ** 2)),
        "mean": float(p.mean()),
        "share": float(happened.mean()),
        "slope": b,
        "slope_low": float(low),
        "slope_high": float(high),
        "intercept": a,
        "of": "the positive class" if two else "the class that is said",
        "needed": needed,
        "why": why,
        "method": method_for(len(bench.table.labels), len(y), rarest),
    }


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


def verdict(slope: float, band: tuple[float, float], mean: float, share: float, ece: float) -> tuple[bool, list[str]]:
    """Whether calibrating is worth it, and by which of the three signs."""
    why = []
    if not band[0] <= 1 <= band[1] and abs(slope - 1) > SLOPE_OFF:
        why.append("slope")
    if abs(mean - share) > max(LEVEL_OFF, LEVEL_SHARE * share):
        why.append("level")
    if ece > ECE_OFF:
        why.append("gap")
    return bool(why), why


def method_for(classes: int, rows: int, rarest: int, network: bool = False) -> str:
    """Several classes or a network: temperature.  Few rows: sigmoid, for isotonic needs many.  Else isotonic."""
    if classes > 2 or network:
        return "temperature"
    return "sigmoid" if rows < FEW or rarest < RARE else "isotonic"
