"""The trial *doubts*: is it the label?  Rows that every examined model gets wrong, out of fold.

A row that models of different kinds all contradict, each without having seen it, is either the hardest of its kind or
wrongly labelled (Northcutt, Jiang & Chuang, 2021, look at one model's confident contradictions; here all must agree).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import t as student_t

from engine.evaluation.answers import Answers, read_answers
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.errors import SUSPECT
from engine.evaluation.shown_rows import cell, cells, keep_rows
from engine.records import Json, Progress
from engine.trials import Context

SHOWN = 20
# In usual misses: 1.4826 median absolute miss, among rows of like answers.
NEAR, FAR, GROSS = 2.0, 4.0, 8.0  # where tails begin; where a miss is shown; where it speaks against the value
HEAVY = 3  # degrees of freedom of the Student t whose tails are still taken for luck
ALIKE, PARTS = 100, 20  # rows of like answers that say what is usual among them; parts of the rows at most


def doubts(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Rows of which every model says the same against their label.

    params: recipe, names (of the models); uses: the keys of their cross-validations, in that order.  wrong: rows that
    every model gets wrong (numbers: misses by more than four usual misses, to one side).  suspects: those of them whose
    label every model gives a chance below 5 % (numbers: missed by more than eight).  expected: how many suspects there
    would be if every label were right: of classes if the models' mean chances were true, of numbers if misses had
    heavy tails (see `_tail`).  The rows are kept apart, under `rows_digest`, most doubtful first.
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
    far = np.array([in_usual_misses(_at(answers, common), y) for answers in read])
    one_side = (far > 0).all(axis=0) | (far < 0).all(axis=0)
    least = np.where(one_side, np.abs(far).min(axis=0), 0.0)
    tail = _tail(least)
    return {"wrong": least > FAR, "suspect": least > GROSS, "worst": -least, "pairs": [], "expected": tail}


def in_usual_misses(said: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n,) by how many usual misses each answer is off; usual is what is usual where as much is said, as misses of
    amounts grow with the amount.  0 where nothing is missed as a rule."""
    missed = said - y
    overall = 1.4826 * float(np.median(np.abs(missed)))
    usual = np.full(len(y), overall)
    parts = min(PARTS, len(y) // ALIKE)
    if parts > 1:
        for rows in np.array_split(np.argsort(said, kind="stable"), parts):
            usual[rows] = 1.4826 * float(np.median(np.abs(missed[rows]))) or overall
    return np.divide(missed, usual, out=np.zeros(len(y)), where=usual > 0)


def _tail(least: np.ndarray) -> float:
    """How many rows lie beyond GROSS where the misses beyond NEAR thin out like a Student t with HEAVY degrees of
    freedom: heavier tails than that are worth a look, whatever they come from."""
    law = student_t(HEAVY)
    unit = 1.4826 * law.ppf(0.75)
    return float((least > NEAR).sum() * law.sf(GROSS * unit) / law.sf(NEAR * unit))


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
