"""The trial *worth*: what a model brings over no model at all, in the person's own units.

Wrong answers avoided and costs saved in 1,000 rows, positives found, how much closer to the target: differences on the
same exams, with approximate 95 % intervals (2.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.errors import UsageProblem
from engine.evaluation.bench import open_bench
from engine.evaluation.comparison import Exams, difference
from engine.evaluation.metrics import recall_at_share
from engine.evaluation.paired import Difference, overlap, paired_difference
from engine.metrics import BY_NAME
from engine.records import Json
from engine.trials import Context

PER = 1_000  # rows
_METRICS = {"errors": "accuracy", "money": "expected_cost", "closer": "mae", "found_at_k": "recall_at_k"}


def worth(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """For each candidate what it brings over the best way of using no model, unit by unit.

    ctx.uses: keys of cross_validate evidence, of every way of using no model first.  params: recipe, floors (how many
    of them), names (of the others).  Returns, by name: errors (wrong answers in 1,000 rows), money (costs of 1,000
    rows), closer (mean distance from the target), found (positives among as many rows as there are positives, ranked
    first; of 1,000) and found_at_k (the same among those that can be acted on); each {floor, with, gain, low, high,
    by}, `by` the place of the floor that is best in it.  What the task has not is left out.
    """
    count, names = int(params["floors"]), list(params["names"])
    if count < 1 or len(ctx.uses) != count + len(names):
        raise UsageProblem(f"worth: {count} floors and {len(names)} names for {len(ctx.uses)} results.")
    values = [ctx.evidence(key) for key in ctx.uses]
    exams = [Exams.read(value) for value in values]
    found: dict[str, dict[str, Json]] = {name: {} for name in names}
    scale = _scale(params, ctx, exams)
    for unit, metric in _METRICS.items():
        if unit not in scale:
            continue
        by = _best_floor(metric, values[:count])
        for name, one in zip(names, exams[count:], strict=True):
            gain = difference(BY_NAME[metric], exams[by], one)
            found[name][unit] = _row(metric, exams[by], one, gain, scale[unit], by)
    if "found" in scale:
        for name, row in _found(params, ctx, values[count:], names).items():
            found[name]["found"] = row
    return {"worth": {name: {u: row for u, row in rows.items() if row} for name, rows in found.items()}, "per": PER}


def _scale(params: Mapping[str, Json], ctx: Context, exams: Sequence[Exams]) -> dict[str, float]:
    """Which units there are, and what one of the metric is in it."""
    recipe, known = params["recipe"], exams[0].scores
    scale: dict[str, float] = {}
    if recipe["task"] in ("regression", "forecast"):
        return {"closer": 1.0}
    scale["errors"] = PER
    if "expected_cost" in known and recipe.get("costs"):
        scale["money"] = PER
    if recipe["task"] == "binary":
        share = float((open_bench(params, ctx).table.y == 1).mean())
        scale["found_at_k" if "recall_at_k" in known else "found"] = PER * share
    return scale


def _best_floor(metric: str, floors: Sequence[Mapping[str, Json]]) -> int:
    """No model must be taken at its best in each unit, or a gain would be flattered; by the end of its interval that
    promises least, so that a lucky coin is not taken for the best constant.  Of equals the one of fewer numbers."""
    m = BY_NAME[metric]

    def promised(value: Mapping[str, Json]) -> float:
        known = [end for end in (value["intervals"].get(metric) or ()) if end is not None]
        return min(map(m.oriented, known), default=-np.inf)

    return min(range(len(floors)), key=lambda i: (-promised(floors[i]), floors[i].get("parameters", 0)))


def _mean(exams: Exams, metric: str) -> float:
    values = exams.scores.get(metric, np.array([np.nan]))
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _row(metric: str, floor: Exams, one: Exams, gain: Difference, scale: float, by: int) -> dict[str, Json] | None:
    before, after = _mean(floor, metric), _mean(one, metric)
    if not (np.isfinite(before) and np.isfinite(after)):
        return None
    if metric == "accuracy":  # said as what is wrong
        before, after = 1 - before, 1 - after
    return {"floor": scale * before, "with": scale * after, **_gain(gain, scale), "by": by}


def _gain(d: Difference, scale: float) -> dict[str, Json]:
    """The gain with its approximate 95 % interval, two-sided."""
    if d.se is None:
        return {"gain": scale * d.diff, "low": None, "high": None}
    from scipy.stats import t

    half = float(t.ppf(0.975, d.exams - 1)) * d.se
    return {"gain": scale * d.diff, "low": scale * (d.diff - half), "high": scale * (d.diff + half)}


def _found(
    params: Mapping[str, Json],
    ctx: Context,
    others: Sequence[Mapping[str, Json]],
    names: Sequence[str],
) -> dict[str, dict[str, Json]]:
    """Positives among the rows ranked first, as many as the exam has positives: by luck their share of them."""
    from engine.evaluation.crossval import read_out_of_fold

    y = open_bench(params, ctx).table.y == 1
    rows: dict[str, dict[str, Json]] = {}
    for name, value in zip(names, others, strict=True):
        said = read_out_of_fold(ctx.fetch(value["oof"]))
        hits, luck, shares = [], [], []
        for fold in range(int(value["J"])):
            at = said["fold"] == fold
            positive = y[said["positions"][at]]
            share = float(positive.mean())
            if not 0 < share < 1:
                continue
            weights = np.ones((1, len(positive)))
            hits.append(float(recall_at_share(positive, said["scores"][at][:, 1], share)(weights)[0]) * share)
            luck.append(share**2)
            shares.append(share)
        if len(hits) < 2:
            continue
        n_train, n_test = np.asarray(value["n_train"], float), np.asarray(value["n_test"], float)
        gain = paired_difference(
            np.array(hits), np.array(luck), overlap(n_train, n_test), ordered=bool(value.get("ordered"))
        )
        looked = {"floor": PER * float(np.mean(luck)), "with": PER * float(np.mean(hits))}
        rows[name] = {**looked, **_gain(gain, PER), "of": PER * float(np.mean(shares)), "by": 0}
    return rows
