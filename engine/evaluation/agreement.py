"""The trial *agreement*: which models are as good as the champion, within noise, and how far they say the same.

Two models that are equally good and err in different places can be worth averaging; two that say the same cannot.
(Decision catalogue, improve.tune and improve.ensemble.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.errors import UsageProblem
from engine.evaluation.comparison import Exams, difference, metric_named
from engine.evaluation.crossval import read_out_of_fold
from engine.records import Json
from engine.trials import Context


def agreement(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Hold each model against the first, on the exams that both took.

    params: metric; names, of the models, the champion first; uses: the evidence of their exams, in the same order.
    Returns "rows": name, diff (oriented; negative is behind the champion), se, and correlation of the answers out of
    fold with the champion's (of classes: of their probabilities, each class around its mean); and "pairs":
    [name, name, correlation] of all pairs.  None where it cannot be told.  Raises UsageProblem when names and evidence
    do not pair.
    """
    names = list(params["names"])
    if len(names) != len(ctx.uses) or not names:
        raise UsageProblem(f"agreement: {len(names)} names for {len(ctx.uses)} results.")
    metric = metric_named(params["metric"])
    found = [ctx.evidence(key) for key in ctx.uses]
    exams = [Exams.read(value) for value in found]
    answers = [read_out_of_fold(ctx.fetch(str(value["oof"]))) for value in found]
    rows = []
    for name, other, said in zip(names[1:], exams[1:], answers[1:], strict=True):
        d = difference(metric, exams[0], other)
        rows.append({"name": name, "diff": d.diff if d.exams else None, "se": d.se,
                     "correlation": correlation(answers[0], said)})  # fmt: skip
    pairs = [
        [names[i], names[j], correlation(answers[i], answers[j])]
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    return {"rows": rows, "pairs": pairs}


def correlation(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> float | None:
    """Pearson's, over the answers to the same rows in the same exams; None where either says the same for all."""
    keys: list[Any] = [answers["fold"].astype(np.int64) * 2**40 + answers["positions"] for answers in (one, other)]
    _, a, b = np.intersect1d(*keys, return_indices=True)
    x, y = (np.atleast_2d(s["scores"][i].astype(float).T) for s, i in ((one, a), (other, b)))
    if x.shape != y.shape or x.shape[1] < 2:
        return None
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    size = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / size) if size > 0 else None
