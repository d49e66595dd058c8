"""Tests of an idea why a model got better: where it did, and what is lost when a column is shuffled.

(Decision catalogue, improve.why: keep asking until the answer predicts something.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.table import load
from engine.errors import DataProblem, UsageProblem
from engine.evaluation.answers import read_answers
from engine.evaluation.bench import Bench, bench_of
from engine.evaluation.crossval import baseline_for
from engine.evaluation.paired import overlap, paired_difference
from engine.evaluation.slices import SMALLEST_SLICE, slices
from engine.metrics import BY_NAME
from engine.models.fitting import fit
from engine.records import Json, Progress
from engine.trials import Context

MOST_EXAMS = 10
SHOWN = 12


def where_better(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """In which slices the new model's loss fell most.

    params: recipe (of the new model; its columns make the slices), before (the recipe of the old one).  uses: the
    evidence of the exams of the old and of the new model.  Returns rows {slice, rows, before, after, share}: mean loss,
    and the share of the whole gain that its rows bring; best first.  Raises DataProblem when the two were asked about
    other rows.
    """
    new = bench_of(params["recipe"], load(ctx.source(), params["recipe"]))
    old = bench_of(params["before"], load(ctx.source(), params["before"]))
    was, now = (read_answers(b, ctx.fetch(str(ctx.evidence(key)["oof"]))) for b, key in
                zip((old, new), ctx.uses, strict=True))  # fmt: skip
    if not np.array_equal(was.positions, now.positions):
        raise DataProblem("The two models were asked about other rows, so where it got better cannot be told.")
    gained = was.loss - now.loss
    total = float(gained.sum())
    frame = new.table.frame.iloc[now.positions]
    rows = []
    for part in slices(frame, new.recipe["types"]):
        count = int(part.mask.sum())
        if SMALLEST_SLICE <= count <= len(part.mask) - SMALLEST_SLICE:
            rows.append({
                "slice": part.name,
                "rows": count,
                "before": float(was.loss[part.mask].mean()),
                "after": float(now.loss[part.mask].mean()),
                "share": float(gained[part.mask].sum()) / total if total else None,
            })  # fmt: skip
    rows.sort(key=lambda r: r["after"] - r["before"])
    better = float((gained > 0).mean())
    return {"loss": now.loss_name, "gain": total / len(gained), "rows_better": better, "rows": rows[:SHOWN]}


def shuffled(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """What is lost when one column is shuffled among the rows asked about: the model is fitted as it is, and then
    cannot use what the column tells.

    params: recipe, model, column.  On the first ten exams.  Returns loss (mean fall of the metric, oriented), lower and
    upper (one-sided 95 % bounds of it), exams.  Raises UsageProblem when there is no such column.
    """
    bench = bench_of(params["recipe"], load(ctx.source(), params["recipe"]))
    column = str(params["column"])
    if column not in bench.table.frame.columns:
        raise UsageProblem(f"There is no column “{column}” to shuffle.")
    metric: Any = BY_NAME[bench.metric]
    folds = bench.splits.folds[:MOST_EXAMS]
    whole, without = [], []
    for j, (train, test) in enumerate(folds):
        fitted = _fitted(bench, params, train, ctx.seed + j)
        frame = bench.table.frame.iloc[test]
        order = np.random.default_rng([ctx.seed, j]).permutation(len(frame))
        mixed = frame.copy()
        mixed[column] = frame[column].to_numpy()[order]
        for scores, asked in ((whole, frame), (without, mixed)):
            value = bench.score(test, fitted.scores(asked)).get(bench.metric)
            scores.append(np.nan if value is None else float(metric.oriented(value)))
        ctx.report(Progress(j + 1, len(folds), "fold"))
    sizes = [[bench.table.values(part) for part in side] for side in zip(*folds, strict=True)]
    rho = overlap(np.array(sizes[0], float), np.array(sizes[1], float))
    d = paired_difference(np.array(whole), np.array(without), rho, ordered=bool(bench.splits.ordered))
    return {"column": column, "loss": d.diff if d.exams else None, "lower": d.lower, "upper": d.upper,
            "verdict": d.verdict, "exams": d.exams}  # fmt: skip


def _fitted(bench: Bench, params: dict[str, Json], train: np.ndarray, seed: int) -> Any:
    try:
        return fit(params["model"], bench.recipe, bench.table, train, seed)
    except ValueError:  # as in the exams, where it was scored as the baseline
        return fit(baseline_for(bench), bench.recipe, bench.table, train, seed)
