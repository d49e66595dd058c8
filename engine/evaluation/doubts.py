"""The trial *doubts*: is it the label?  Rows that every examined model gets wrong, out of fold.

A row that models of different kinds all contradict, each without having seen it, is either the hardest of its kind or
wrongly labelled (Northcutt, Jiang & Chuang, 2021, look at one model's confident contradictions; here all must agree).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.evaluation.answers import Answers, read_answers
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.errors import SUSPECT
from engine.evaluation.shown_rows import cell, cells, keep_rows
from engine.records import Json, Progress
from engine.trials import Context

SHOWN = 20
FAR = 4.0  # usual misses (1.4826 median absolute miss) from which a number is missed by far


def doubts(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Rows of which every model says the same against their label.

    params: recipe, names (of the models); uses: the keys of their cross-validations, in that order.  wrong: rows that
    every model gets wrong (numbers: misses by more than four usual misses, to one side).  suspects: those of them whose
    label every model gives a chance below 5 %.  expected: how many such rows there would be if every label were right
    and the models' mean chances were true (of classes only: of numbers nobody says how likely a miss is).  The rows
    are kept apart, under `rows_digest`, most doubtful first.
    """
    bench = open_bench(params, ctx)
    read = []
    for i, key in enumerate(ctx.uses):
        read.append(read_answers(bench, ctx.fetch(str(ctx.evidence(key)["oof"]))))
        ctx.report(Progress(i + 1, len(ctx.uses), "model"))
    common = read[0].positions
    for other in read[1:]:
        common = np.intersect1d(common, other.positions)
    found = _of_classes(bench, read, common) if bench.classifies else _of_numbers(bench, read, common)
    wrong, suspect, worst = found.pop("wrong"), found.pop("suspect"), found.pop("worst")
    order = np.flatnonzero(wrong)[np.argsort(worst[wrong], kind="stable")][:SHOWN]
    value = {
        "rows": len(common),
        "models": len(read),
        "wrong": int(wrong.sum()),
        "suspects": int(suspect.sum()),
        **found,
    }
    if bench.table.steps is None and bench.recipe.get("material") != "image" and len(order):
        value["rows_digest"] = keep_rows(ctx, {"doubted": _shown(bench, read, common, order)})
    return value


def _at(answers: Answers, common: np.ndarray) -> np.ndarray:
    return answers.scores[np.searchsorted(answers.positions, common)]


def _of_classes(bench: Bench, read: list[Answers], common: np.ndarray) -> dict[str, Any]:
    """wrong, suspect: (m,) bool.  worst: (m,) the highest chance that any model gives the label.  pairs: [label, what
    the models say, how many], of the suspects.  expected: see `doubts`."""
    y, labels = bench.table.y[common], bench.table.labels
    scores = np.array([_at(a, common) for a in read])
    given = scores[:, np.arange(len(y)), y]
    said = scores.argmax(axis=2)
    wrong = (said != y).all(axis=0)
    suspect = wrong & (given < SUSPECT).all(axis=0)
    unlikely: np.ndarray = np.all(scores < SUSPECT, axis=0)
    unlikely[np.arange(len(y))[None, :], said] = False  # what a model says is none of those
    pairs: dict[tuple[str, str], int] = {}
    for i in np.flatnonzero(suspect):
        pair = (labels[int(y[i])], labels[int(scores[:, i].mean(axis=0).argmax())])
        pairs[pair] = pairs.get(pair, 0) + 1
    rows = [[a, b, n] for (a, b), n in sorted(pairs.items(), key=lambda item: -item[1])[:12]]
    expected = float(scores.mean(axis=0)[unlikely].sum())
    return {"wrong": wrong, "suspect": suspect, "worst": given.max(axis=0), "pairs": rows, "expected": expected}


def _of_numbers(bench: Bench, read: list[Answers], common: np.ndarray) -> dict[str, Any]:
    """As `_of_classes`; worst: minus the least miss of any model, in usual misses."""
    y = bench.table.y[common]
    z = []
    for answers in read:
        missed = _at(answers, common) - y
        usual = 1.4826 * float(np.median(np.abs(missed)))
        z.append(missed / usual if usual > 0 else np.zeros(len(y)))
    far = np.array(z)
    one_side = (far > FAR).all(axis=0) | (far < -FAR).all(axis=0)
    return {"wrong": one_side, "suspect": one_side, "worst": -np.abs(far).min(axis=0), "pairs": []}


def _shown(
    bench: Bench, read: list[Answers], common: np.ndarray, order: np.ndarray
) -> tuple[list[str], list[list[Json]]]:
    frame, y = bench.table.frame, bench.table.y[common]
    mean = np.mean([_at(a, common) for a in read], axis=0)
    more = ["chance of the label"] if bench.classifies else []
    columns = ["row", str(bench.recipe["target"]), "all say", *more, *map(str, frame.columns[:40])]
    rows: list[list[Json]] = []
    for i in order:
        if bench.classifies:
            head = [
                bench.table.labels[int(y[i])],
                bench.table.labels[int(mean[i].argmax())],
                round(float(mean[i, y[i]]), 4),
            ]
        else:
            head = [float(y[i]), float(mean[i])]
        number = int(bench.table.rows[common[i]]) + 1
        rows.append([number, *map(cell, head), *cells(frame.iloc[common[i]])])
    return columns, rows
