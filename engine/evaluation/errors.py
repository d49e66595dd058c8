"""The trial *errors*: where a model is wrong: by class, by slice, and the worst rows.  (Catalogue, improve.errors.)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import DataProblem
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.crossval import class_report, read_out_of_fold
from engine.evaluation.intervals import wilson
from engine.models.fitting import decide
from engine.models.pipeline import WINDOW
from engine.records import Json, Progress
from engine.trials import Context

SMALLEST_SLICE = 30  # rows
FALSE_DISCOVERIES = 0.10  # Benjamini–Hochberg q
WEAK_RATIO = 1.25
WORST = 20
SHOWN = 200  # slices kept in the evidence; weak ones always
SUSPECT = 0.05  # probability of the given label below which a label is doubted
MANY_LEVELS = 50  # of a column or of the groups; more are not looked at level by level


@dataclass(frozen=True)
class Answers:
    """What the exams said of each development row: the first answer, and the loss averaged over repeats.

    positions: (m,) into the table.  scores: (m, K) or (m,).  loss: (m,) log loss, or the error as the metric sees it.
    """

    positions: np.ndarray
    scores: np.ndarray
    loss: np.ndarray
    loss_name: str


def errors(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Look at the out-of-fold answers of a cross-validation.

    params: recipe, model; uses: the key of that cross-validation.  Rows are named by their number in the file; their
    values stay in the data.  Raises DataProblem when the answers are of other data.
    """
    bench = open_bench(params, ctx)
    if not ctx.uses:
        raise DataProblem("The error views read the answers of the practice exams; name that evidence in `uses`.")
    answers = read_answers(bench, ctx.fetch(str(ctx.evidence(ctx.uses[0])["oof"])))
    ctx.report(Progress(1, 3, "view", "by class"))
    by_class = _by_class(bench, answers)
    ctx.report(Progress(2, 3, "view", "slices"))
    found = judge_slices(bench, answers)
    ctx.report(Progress(3, 3, "view", "worst rows"))
    return {
        **by_class,
        "loss": answers.loss_name,
        "mean_loss": float(answers.loss.mean()),
        "slices": found[:SHOWN] + [s for s in found[SHOWN:] if s["weak"]],
        "slices_looked_at": len(found),
        "weak": sum(s["weak"] for s in found),
        **_worst(bench, answers),
        **_by_step(bench, answers),
    }


def read_answers(bench: Bench, content: bytes) -> Answers:
    """The stored out-of-fold predictions with their losses."""
    stored = read_out_of_fold(content)
    positions, scores = stored["positions"], stored["scores"]
    wanted = 2 if bench.classifies else 1
    fits = scores.ndim == wanted and (wanted == 1 or scores.shape[1] == len(bench.table.labels))
    if not len(positions) or positions.max() >= len(bench.table.y) or not fits:
        raise DataProblem("The stored answers do not belong to this data; run the practice exams again.")
    loss, name = _losses(bench, positions, scores)
    once, first, place = np.unique(positions, return_index=True, return_inverse=True)
    mean_loss = np.bincount(place, weights=loss) / np.bincount(place)
    return Answers(once, scores[first], mean_loss, name)


def _losses(bench: Bench, positions: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, str]:
    y, steps = bench.table.y[positions], bench.table.steps
    if bench.classifies:
        given = np.clip(scores[np.arange(len(y)), y], 1e-15, 1.0)
        return -np.log(given), "log loss"
    if bench.metric in ("rmse", "r2"):
        return (scores - y) ** 2, "squared error"
    if steps is not None and len(steps.names) > 1:  # so that a series counts by how well it is told, not by its size
        unit = steps.change[positions]
        usual = np.where(np.nan_to_num(unit) > 0, unit, np.nanmedian(unit) or 1.0)
        return np.abs(scores - y) / usual, "absolute error over the usual change"
    return np.abs(scores - y), "absolute error"


def _by_class(bench: Bench, answers: Answers) -> dict[str, Json]:
    """View 1: precision, recall and F1 with Wilson intervals, and the confusion of rows."""
    if not bench.classifies:
        return {"per_class": [], "confusion": []}
    labels = bench.table.labels
    report = class_report(
        bench.table.y[answers.positions], decide(answers.scores, labels, bench.recipe.get("threshold")), labels
    )
    return report | {"per_class": with_wilson(report)}


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


def slices(bench: Bench, frame: pd.DataFrame, groups: np.ndarray | None) -> Iterator[tuple[str, np.ndarray]]:
    """(name, mask over rows) of every slice worth a look: levels, quarters of numbers, months, empty cells, groups."""
    for column in frame.columns:
        values, kind = frame[column], bench.recipe["types"][column]
        if kind in WINDOW:  # of a forecast: its steps have a view of their own
            continue
        empty = values.isna().to_numpy()
        if empty.any():
            yield f"{column} is missing", empty
        if kind in ("category", "yes_no"):
            common = values.value_counts().to_dict()
            for level in [level for level, rows in common.items() if rows >= SMALLEST_SLICE][:MANY_LEVELS]:
                yield f"{column} = {level}", (values == level).to_numpy()
        elif kind == "number":
            yield from _quarters(column, values.to_numpy(dtype=float))
        elif kind == "date":
            month = values.dt.month
            for m in range(1, 13):
                yield f"{column} in month {m}", (month == m).to_numpy()
    if groups is not None:
        found, counts = np.unique(groups, return_counts=True)
        for g in found[np.argsort(-counts)][:MANY_LEVELS]:
            yield f"{bench.recipe['group']}, group {g}", groups == g


def _quarters(column: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    present = values[np.isfinite(values)]
    edges = np.unique(np.quantile(present, [0, 0.25, 0.5, 0.75, 1])) if len(present) else np.array([])
    for i in range(len(edges) - 1):
        last = i == len(edges) - 2
        upper = values <= edges[i + 1] if last else values < edges[i + 1]
        yield f"{column} from {edges[i]:g} to {edges[i + 1]:g}", (values >= edges[i]) & upper


def judge_slices(bench: Bench, answers: Answers) -> list[dict[str, Json]]:
    """View 2: slices whose mean loss is above the rest's, the worst ratio first.

    Welch's t on rows (on means of groups, where rows come in groups), Benjamini–Hochberg over all slices; weak: q at
    most .10 and a loss at least 1.25 times that of the rest.
    """
    frame = bench.table.frame.iloc[answers.positions]
    groups = None if bench.table.groups is None else bench.table.groups[answers.positions]
    rows = []
    for name, mask in slices(bench, frame, groups):
        if SMALLEST_SLICE <= mask.sum() <= len(mask) - SMALLEST_SLICE:
            inside, rest = answers.loss[mask], answers.loss[~mask]
            p = _welch(inside, rest, groups, mask)
            ratio = float(inside.mean() / rest.mean()) if rest.mean() > 0 else None
            rows.append((name, int(mask.sum()), float(inside.mean()), float(rest.mean()), ratio, p))
    qs = benjamini_hochberg([row[-1] for row in rows])
    judged = [
        {
            "slice": name,
            "rows": count,
            "loss": inside,
            "rest": rest,
            "ratio": ratio,
            "p": p,
            "q": q,
            "weak": bool(q is not None and q <= FALSE_DISCOVERIES and ratio is not None and ratio >= WEAK_RATIO),
        }
        for (name, count, inside, rest, ratio, p), q in zip(rows, qs, strict=True)
    ]
    return sorted(judged, key=lambda s: (not s["weak"], -(s["ratio"] or 0.0)))


def _welch(inside: np.ndarray, rest: np.ndarray, groups: np.ndarray | None, mask: np.ndarray) -> float | None:
    """Two-sided p of Welch's t; None where there is no spread to test with."""
    from scipy.stats import ttest_ind

    if groups is not None:
        inside, rest = _group_means(inside, groups[mask]), _group_means(rest, groups[~mask])
    if min(len(inside), len(rest)) < 2 or (inside.std() == 0 and rest.std() == 0):
        return None
    found: Any = ttest_ind(inside, rest, equal_var=False)
    return float(found.pvalue) if np.isfinite(found.pvalue) else None


def _group_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    _, place = np.unique(groups, return_inverse=True)
    return np.bincount(place, weights=values) / np.bincount(place)


def benjamini_hochberg(ps: list[float | None]) -> list[float | None]:
    """q-values, in the order given; None stays None.  (Benjamini & Hochberg, 1995.)"""
    from scipy.stats import false_discovery_control

    known = [i for i, p in enumerate(ps) if p is not None]
    qs: list[float | None] = [None] * len(ps)
    if known:
        for i, q in zip(known, false_discovery_control([ps[i] for i in known]), strict=True):
            qs[i] = float(q)
    return qs


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


def _worst(bench: Bench, answers: Answers) -> dict[str, Json]:
    """View 3: the worst rows by their number in the file, and how many labels look wrong."""
    y = bench.table.y[answers.positions]
    order = np.argsort(-answers.loss, kind="stable")[:WORST]
    rows: list[dict[str, Json]] = []
    for i in order:
        entry: dict[str, Json] = {
            "row": int(bench.table.rows[answers.positions[i]]),
            "loss": float(answers.loss[i]),
        }
        if bench.classifies:
            code = int(decide(answers.scores[i : i + 1], bench.table.labels, bench.recipe.get("threshold"))[0])
            entry |= {
                "label": bench.table.labels[int(y[i])],
                "prediction": bench.table.labels[code],
                "probability": float(answers.scores[i, int(y[i])]),
            }
        else:
            entry |= {"label": float(y[i]), "prediction": float(answers.scores[i])}
        rows.append(entry)
    if not bench.classifies:
        return {"worst": rows}
    suspects = int((answers.scores[np.arange(len(y)), y] < SUSPECT).sum())
    return {"worst": rows, "label_suspects": suspects}
