"""The trial *target*: the rows that a hypothesis names, with the model before and with the new one.

(Decision catalogue, deep.hypothesis: the target slice is measured again.)
"""

from __future__ import annotations

import numpy as np

from engine.errors import DataProblem, UsageProblem
from engine.evaluation.answers import Answers, read_answers
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.paired import overlap, paired_difference
from engine.evaluation.slices import slices
from engine.records import Json
from engine.trials import Context

FEWEST = 5  # rows of the slice in an exam, for the exam to count


def target(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """The mean loss of the named rows with both models, and whether it fell.

    params: recipe, slice (as *errors* names it, or “target = class”).  uses: the exams of the model before, and of the
    new one.  Rows that both answered count; exam by exam the mean loss is compared, with the interval of paired exams.
    Returns slice, rows, loss (its name), before, after, rest_before, rest_after, diff (before − after), lower, verdict,
    exams.  Raises UsageProblem for a slice that is none, DataProblem where the two answered different rows.
    """
    bench = open_bench(params, ctx)
    if len(ctx.uses) != 2:
        raise UsageProblem(f"target: two results are compared; got {len(ctx.uses)}.")
    was, now = (read_answers(bench, ctx.fetch(str(ctx.evidence(key)["oof"]))) for key in ctx.uses)
    both, i, j = np.intersect1d(was.positions, now.positions, return_indices=True)
    if not len(both):
        raise DataProblem("The two models were asked about other rows, so the named ones cannot be compared.")
    inside = _inside(bench, str(params["slice"]), both)
    before, after = was.loss[i], now.loss[j]
    lost = _by_exam(before - after, inside, now.fold[j])
    folds = bench.splits.folds
    train, test = (np.array([bench.table.values(f[side]) for f in folds], float)[lost[0]] for side in (0, 1))
    rho = overlap(train, test) if len(lost[0]) else 0.0
    d = paired_difference(lost[1], np.zeros(len(lost[1])), rho, ordered=bool(bench.splits.ordered))
    return {
        "slice": str(params["slice"]),
        "rows": int(inside.sum()),
        "loss": _same_loss(was, now),
        "before": float(before[inside].mean()),
        "after": float(after[inside].mean()),
        "rest_before": float(before[~inside].mean()) if (~inside).any() else None,
        "rest_after": float(after[~inside].mean()) if (~inside).any() else None,
        "diff": d.diff if d.exams else None,
        "lower": d.lower,
        "verdict": d.verdict,
        "exams": d.exams,
    }


def _inside(bench: Bench, name: str, positions: np.ndarray) -> np.ndarray:
    """(m,) whether each row belongs to the slice of that name."""
    for code, label in enumerate(bench.table.labels or ()):
        if name == f"{bench.recipe['target']} = {label}":
            found = bench.table.y[positions] == code
            break
    else:
        groups = None if bench.table.groups is None else bench.table.groups[positions]
        frame = bench.table.frame.iloc[positions]
        parts = slices(frame, bench.recipe["types"], groups, str(bench.recipe.get("group") or ""))
        found = next((part.mask for part in parts if part.name == name), None)
    if found is None or not found.any():
        raise UsageProblem(f"There is no slice “{name}” among the rows that both models answered.")
    return np.asarray(found)


def _by_exam(gained: np.ndarray, inside: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(exams, mean gain of the named rows in each), of exams that asked about enough of them."""
    counts = np.bincount(fold[inside], minlength=int(fold.max()) + 1)
    sums = np.bincount(fold[inside], weights=gained[inside], minlength=len(counts))
    enough = np.flatnonzero(counts >= FEWEST)
    return enough, sums[enough] / counts[enough]


def _same_loss(was: Answers, now: Answers) -> str:
    if was.loss_name != now.loss_name:
        raise DataProblem(f"One model was scored by {was.loss_name}, the other by {now.loss_name}.")
    return now.loss_name
