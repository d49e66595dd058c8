"""The trial *reasons*: why the worst rows were answered as they were, by the very model that answered."""

from __future__ import annotations

import numpy as np

from engine.evaluation.answers import read_answers
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.errors import worst_rows
from engine.evaluation.fold_models import fold_model
from engine.evaluation.shown_rows import cell, keep_rows
from engine.models.reasons import EXAMINED, Explained, fidelity, method_of, reasons
from engine.records import Json, Progress
from engine.trials import Context

TOP = 3
MANY_CELLS = 20_000  # columns × fidelity rows from which fewer rows are looked at for the fidelity
FEWER = 100


def explained(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Reasons for the 20 worst rows of a cross-validation, each from the model of the exam that asked about it.

    params: recipe, model; uses: the key of that cross-validation.  fidelity: of the reasons of one exam's model, where
    they are an approximation (engine.models.reasons); 1 where they are exact.  The reasons name values of rows, so they
    are kept apart, under `rows_digest`.
    """
    bench = open_bench(params, ctx)
    answers = read_answers(bench, ctx.fetch(str(ctx.evidence(ctx.uses[0])["oof"])))
    order = worst_rows(answers)
    folds = np.unique(answers.fold[order])
    found: dict[int, Explained] = {}
    faithful, method = None, None
    for step, j in enumerate(folds):
        fitted = fold_model(bench, params["model"], int(j), ctx.seed, ctx.report)
        if fitted is not None:
            train, _ = bench.splits.folds[int(j)]
            places = [int(i) for i in order if answers.fold[i] == j]
            positions = answers.positions[places]
            codes = answers.said(bench)[places] if bench.classifies else None
            background = bench.table.frame.iloc[train]
            why = reasons(fitted, bench.table.frame.iloc[positions], background, TOP, codes=codes, seed=ctx.seed)
            found |= dict(zip(places, why, strict=True))
            if method is None:
                method = method_of(fitted)
                rows = EXAMINED if len(fitted.columns) * EXAMINED < MANY_CELLS else FEWER
                faithful = fidelity(fitted, background, background, rows=rows, seed=ctx.seed)
        ctx.report(Progress(step + 1, len(folds), "fold"))
    table = _told(bench, answers.positions, [int(i) for i in order], found)
    return {"rows": len(found), "method": method, "fidelity": faithful, "rows_digest": keep_rows(ctx, {"why": table})}


def _told(
    bench: Bench, positions: np.ndarray, order: list[int], found: dict[int, Explained]
) -> tuple[list[str], list[list[Json]]]:
    columns = ["row", str(bench.recipe["target"]), *(f"why {n + 1}" for n in range(TOP))]
    y, labels = bench.table.y, bench.table.labels
    rows: list[list[Json]] = []
    for i in order:
        if i in found:
            said = [r.words for r in found[i].reasons[:TOP]]
            said += [""] * (TOP - len(said))
            label = labels[int(y[positions[i]])] if labels else float(y[positions[i]])
            rows.append([int(bench.table.rows[positions[i]]) + 1, cell(label), *said])
    return columns, rows
