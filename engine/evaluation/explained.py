"""The trial *reasons*: why the worst rows were answered as they were, by the very model that answered."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from engine.evaluation.answers import read_answers
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.errors import worst_rows
from engine.evaluation.fold_models import each_exam, fold_model
from engine.evaluation.shown_rows import cell, keep_rows
from engine.models.reasons import fidelity, method_of, reasons
from engine.records import Json
from engine.trials import Context

TOP = 3
FIDELITY_ROWS = 200  # a person waits for this; the model that leaves is held to more rows (present.reasons)


def explained(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Reasons for the 20 worst rows of a cross-validation, each from the model of the exam that asked about it.

    params: recipe, model; uses: the key of that cross-validation.  fidelity: of the reasons of one exam's model, where
    they are an approximation (engine.models.reasons); 1 where they are exact.  The reasons name values of rows, so they
    are kept apart, under `rows_digest`.
    """
    bench = open_bench(params, ctx)
    answers = read_answers(bench, ctx.fetch(str(ctx.evidence(ctx.uses[0])["oof"])))
    order = worst_rows(answers)
    codes = answers.said(bench) if bench.classifies else np.zeros(len(answers.positions), dtype=int)
    parts = []
    for step, j in enumerate(np.unique(answers.fold[order]).tolist()):
        places = [int(i) for i in order if answers.fold[i] == j]
        asked = {"places": places, "positions": answers.positions[places].tolist(), "codes": codes[places].tolist()}
        shared = {"recipe": params["recipe"], "model": params["model"], "fold": j, "measure": step == 0}
        parts.append({**shared, **asked})
    found: dict[int, list[str]] = {}
    method, faithful = None, None
    for place, said in sorted(each_exam(ctx, f"{__name__}:one_exam", params["model"], parts)):
        if said:
            found |= dict(zip(parts[place]["places"], said["words"], strict=True))
            method, faithful = method or said["method"], said["fidelity"] if faithful is None else faithful
    table = _told(bench, answers.positions, [int(i) for i in order], found)
    return {"rows": len(found), "method": method, "fidelity": faithful, "rows_digest": keep_rows(ctx, {"why": table})}


def one_exam(params: Mapping[str, Json], ctx: Context) -> bytes:
    """A part of the trial: the reasons for the worst rows of one exam.  params: recipe, model, fold, positions, codes
    (the class that was said of each), measure (whether the fidelity is).  "null" where the model failed."""
    bench = open_bench(dict(params), ctx)
    fitted = fold_model(bench, params, ctx)
    if fitted is None:
        return b"null"
    train, _ = bench.splits.folds[int(params["fold"])]
    frame, background = bench.table.frame.iloc[params["positions"]], bench.table.frame.iloc[train]
    codes = np.array(params["codes"], dtype=int) if bench.classifies else None
    why = reasons(fitted, frame, background, TOP, codes=codes, seed=ctx.seed)
    faithful = None
    if params["measure"]:
        faithful = fidelity(fitted, background, background, rows=FIDELITY_ROWS, seed=ctx.seed)
    words = [[r.words for r in one.reasons[:TOP]] for one in why]
    return json.dumps({"words": words, "method": method_of(fitted), "fidelity": faithful}).encode()


def _told(
    bench: Bench, positions: np.ndarray, order: list[int], found: dict[int, list[str]]
) -> tuple[list[str], list[list[Json]]]:
    columns = ["row", str(bench.recipe["target"]), "why"]
    y, labels = bench.table.y, bench.table.labels
    rows: list[list[Json]] = []
    for i in order:
        if i in found:
            label = labels[int(y[positions[i]])] if labels else float(y[positions[i]])
            rows.append([int(bench.table.rows[positions[i]]) + 1, cell(label), " · ".join(found[i])])
    return columns, rows
