"""The trial *errors*: where a model is wrong, in four views.  (Decision catalogue, improve.errors.)

By class; by slice (engine.evaluation.slices); the worst rows; what is missed against what is said, and over time
(engine.evaluation.residuals).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.data.series.panel import read_panel
from engine.data.table import load
from engine.errors import DataProblem
from engine.evaluation.answers import Answers, read_answers
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.crossval import class_report
from engine.evaluation.intervals import LEVEL, resample_weights, wilson
from engine.evaluation.residuals import residual_views
from engine.evaluation.shown_rows import cell, cells, keep_rows
from engine.evaluation.slices import judge_slices
from engine.models.forecasting import written
from engine.records import Json, Progress
from engine.trials import Context

WORST = 20
SHOWN = 200  # slices kept in the evidence; weak ones always
SUSPECT = 0.05  # probability of the given label below which a label is doubted
RESAMPLES = 1_000  # of the rows, for the interval of F1


def errors(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Look at the out-of-fold answers of a cross-validation.

    params: recipe, model, aside ({column: type} of protected columns that are no inputs, where there are any); uses:
    the key of that cross-validation.  Rows are named by their number in the file; their values are kept apart, under
    `rows_digest`.  Raises DataProblem when the answers are of other data.
    """
    bench = open_bench(params, ctx)
    if not ctx.uses:
        raise DataProblem("The error views read the answers of the practice exams; name that evidence in `uses`.")
    answers = read_answers(bench, ctx.fetch(str(ctx.evidence(ctx.uses[0])["oof"])))
    ctx.report(Progress(1, 4, "view", "by class"))
    by_class = _by_class(bench, answers, ctx.seed)
    ctx.report(Progress(2, 4, "view", "slices"))
    found = judge_slices(bench, answers, _aside(params, bench, ctx))
    ctx.report(Progress(3, 4, "view", "worst rows"))
    worst = _worst(bench, answers, ctx)
    ctx.report(Progress(4, 4, "view", "what is missed"))
    return {
        **by_class,
        "rows": len(answers.positions),
        "loss": answers.loss_name,
        "mean_loss": float(answers.loss.mean()),
        "slices": found[:SHOWN] + [s for s in found[SHOWN:] if s["weak"]],
        "slices_looked_at": len(found),
        "weak": sum(s["weak"] for s in found),
        **worst,
        **residual_views(bench, answers),
        **_by_step(bench, answers),
    }


def _aside(params: dict[str, Json], bench: Bench, ctx: Context) -> pd.DataFrame | None:
    """Protected columns that no model sees, but that people must not be treated worse by; all rows of the table."""
    named = {c: t for c, t in (params.get("aside") or {}).items() if c not in bench.table.frame.columns}
    if not named or bench.table.steps is not None:
        return None
    recipe = params["recipe"]
    table = load(ctx.source(), {**recipe, "types": {**recipe["types"], **named}})
    return table.frame.loc[:, list(named)]


# --- by class --------------------------------------------------------------------------------------------------------


def _by_class(bench: Bench, answers: Answers, seed: int) -> dict[str, Json]:
    """View 1: precision and recall with Wilson intervals, F1 by resampling, and the confusion of rows."""
    if not bench.classifies:
        return {"per_class": [], "confusion": []}
    labels = bench.table.labels
    actual, said = bench.table.y[answers.positions], answers.said(bench)
    report = class_report(actual, said, labels)
    groups = None if bench.table.groups is None else bench.table.groups[answers.positions]
    bands = f1_intervals(actual, said, len(labels), groups, seed)
    rows = [
        {**row, "f1_low": low, "f1_high": high} for row, (low, high) in zip(with_wilson(report), bands, strict=True)
    ]
    return report | {"per_class": rows}


def with_wilson(report: dict[str, Json]) -> list[dict[str, Json]]:
    """The rows of a `class_report`, with 95 % intervals of recall and precision."""
    confusion = np.asarray(report["confusion"])
    rows = []
    for i, row in enumerate(report["per_class"]):
        hits = int(confusion[i, i])
        recall, precision = wilson(hits, int(confusion[i].sum())), wilson(hits, int(confusion[:, i].sum()))
        rows.append(
            {
                **row,
                "recall_low": recall.low if recall else None,
                "recall_high": recall.high if recall else None,
                "precision_low": precision.low if precision else None,
                "precision_high": precision.high if precision else None,
            }
        )
    return rows


def f1_intervals(
    actual: np.ndarray, said: np.ndarray, k: int, groups: np.ndarray | None = None, seed: int = 0
) -> list[tuple[float | None, float | None]]:
    """95 % percentile interval of each class's F1; rows are resampled, whole groups where they come in groups.

    actual, said: (n,) codes below k.  Drawing n rows is drawing the cells of the confusion: one multinomial each.
    """
    cell_of = actual * k + said
    if groups is None:
        counts = np.bincount(cell_of, minlength=k * k)
        drawn = np.random.default_rng(seed).multinomial(len(actual), counts / len(actual), size=RESAMPLES)
    else:
        _, place = np.unique(groups, return_inverse=True)
        units = int(place.max()) + 1
        each = np.bincount(place * k * k + cell_of, minlength=units * k * k).reshape(units, k * k)
        drawn = np.concatenate([W @ each for W in resample_weights(units, seed=seed, B=RESAMPLES)])
    confusion = drawn.reshape(-1, k, k).astype(float)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    whole = confusion.sum(axis=1) + confusion.sum(axis=2)
    f1 = np.divide(2 * hits, whole, out=np.full(hits.shape, np.nan), where=whole > 0)
    bands: list[tuple[float | None, float | None]] = []
    for values in f1.T:
        known = values[np.isfinite(values)]
        ends = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(known) > 1 else (None, None)
        bands.append((None if ends[0] is None else float(ends[0]), None if ends[1] is None else float(ends[1])))
    return bands


# --- by row and by step ----------------------------------------------------------------------------------------------


def _worst(bench: Bench, answers: Answers, ctx: Context) -> dict[str, Json]:
    """View 3: the worst rows by their number in the file, and how many labels look wrong."""
    y = bench.table.y[answers.positions]
    order = worst_rows(answers)
    said = answers.said(bench) if bench.classifies else answers.scores
    rows: list[dict[str, Json]] = []
    for i in order:
        entry: dict[str, Json] = {
            "row": int(bench.table.rows[answers.positions[i]]),
            "loss": float(answers.loss[i]),
        }
        if bench.classifies:
            entry |= {
                "label": bench.table.labels[int(y[i])],
                "prediction": bench.table.labels[int(said[i])],
                "probability": float(answers.scores[i, int(y[i])]),
            }
        else:
            entry |= {"label": float(y[i]), "prediction": float(answers.scores[i])}
        rows.append(entry)
    found: dict[str, Json] = {"worst": rows}
    if bench.table.steps is not None:
        found["worst_when"] = _when(bench, answers.positions[order], ctx)
    if bench.table.steps is None and bench.recipe.get("material") != "image":
        found["rows_digest"] = keep_rows(ctx, {"worst": _shown(bench, answers, order, rows)})
    if bench.classifies:
        found["label_suspects"] = int((answers.scores[np.arange(len(y)), y] < SUSPECT).sum())
    return found


def _when(bench: Bench, positions: np.ndarray, ctx: Context) -> list[dict[str, Json]]:
    """Of rows of a forecast: the time they ask about as the file writes it, their series, and how many steps ahead."""
    steps = bench.table.steps
    assert steps is not None
    recipe = {**bench.recipe, "types": bench.recipe.get("inputs") or bench.recipe["types"]}
    panel = read_panel(ctx.source(), recipe)
    times = written(panel.calendar.times(steps.target[positions]), panel.stamp)
    return [
        {"time": time, "series": steps.names[int(steps.series[i])], "step": int(steps.step[i])}
        for time, i in zip(times, positions, strict=True)
    ]


def worst_rows(answers: Answers) -> np.ndarray:
    """Places, within the answers, of the rows with the largest losses, the worst first."""
    return np.argsort(-answers.loss, kind="stable")[:WORST]


def _shown(
    bench: Bench, answers: Answers, order: np.ndarray, rows: list[dict[str, Json]]
) -> tuple[list[str], list[list[Json]]]:
    """The rows as a person reads them: row number, what it is, what was said, and the cells."""
    frame = bench.table.frame
    more = ["its chance"] if bench.classifies else []
    columns = ["row", str(bench.recipe["target"]), "said", *more, *map(str, frame.columns[:40])]
    shown: list[list[Json]] = []
    for i, entry in zip(order, rows, strict=True):
        chance = [round(entry["probability"], 4)] if bench.classifies else []
        head = [entry["row"] + 1, cell(entry["label"]), cell(entry["prediction"]), *chance]
        shown.append([*head, *cells(frame.iloc[answers.positions[i]])])
    return columns, shown


def _by_step(bench: Bench, answers: Answers) -> dict[str, Json]:
    """Of a forecast, how far it is off by how far it looks ahead: mean loss and mean error (said − true) per step."""
    steps = bench.table.steps
    if steps is None:
        return {}
    ahead, error = steps.step[answers.positions], answers.scores - bench.table.y[answers.positions]
    rows = [
        {
            "step": int(i),
            "rows": int((ahead == i).sum()),
            "loss": float(answers.loss[ahead == i].mean()),
            "bias": float(error[ahead == i].mean()),
        }
        for i in np.unique(ahead)
    ]
    return {"by_step": rows}
