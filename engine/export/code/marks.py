"""Which rows learn, stop and are asked about in each fit of the model, as the table that leaves beside the script.

A fit is called by its column: "exam 1" … , "final exam", "model" for the one that leaves; "exam 1, fold 2" for a fit
inside it; "exam 1: boosting" where a part of a composed model has rows of its own to stop by or to choose on.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from engine.data.splitting import inner_folds, inner_split
from engine.export.code.estimators import form_of
from engine.export.code.plan import Part, Plan
from engine.models.catalogue import seed_of
from engine.models.fitting import _inner_share
from engine.models.pipeline import FOR_NETS, target_folds

LEARNS, STOPS, ASKED, BETWEEN, OUT = "L", "V", "T", "P", "."  # between: only the preparation sees them
FINAL, LEAVES = "final exam", "model"


def exam(j: int) -> str:
    """What the j-th practice exam is called, from 0."""
    return f"exam {j + 1}"


def own_rows(plan: Plan, part: Part) -> bool:
    """Whether the fit of a part marks rows beyond those that it learns from."""
    return bool(part.parts) or part.spec.early_stop or bool(folds_wanted(plan, part)) or encodes_apart(plan, part)


def called(part: Part, name: str) -> str:
    """The column of such a part's fit, within the fit of what it is a part of."""
    return f"{name}: {part.name}"


def splits_of(plan: Plan) -> str:
    """All marks as CSV: the row of the file, and a column a fit."""
    columns = marks_of(plan)
    steps = plan.table.steps
    placed = {"row": plan.table.rows}
    if steps is not None:
        placed = {"series": steps.series, "origin": steps.origin, "step": steps.step}
    lines = [",".join([*placed, *(f'"{name}"' if "," in name else name for name in columns)])]
    made = [*(column.astype(str) for column in placed.values()), *columns.values()]
    lines += map(",".join, zip(*(column.tolist() for column in made), strict=True))
    return "\n".join(lines) + "\n"


def marks_of(plan: Plan) -> dict[str, np.ndarray]:
    """Column by column (n,) letters."""
    splits, everything = plan.bench.splits, np.arange(len(plan.table))
    found: dict[str, np.ndarray] = {}
    for j, (train, test) in enumerate(splits.folds):
        for seed in plan.seeds:
            _mark(plan, plan.whole, found, exam(j) + f", seed {seed}" * (seed != plan.seed), train, test, seed + j)
    if len(splits.lockbox):
        _mark(plan, plan.whole, found, FINAL, splits.dev, splits.lockbox, plan.seed)
    rows = plan.d.final.value.get("fitted_on") or "all"
    learn = everything if rows == "all" else splits.dev
    _mark(plan, plan.whole, found, LEAVES, learn, everything[:0], plan.seed)
    return found


def _mark(
    plan: Plan, part: Part, found: dict[str, np.ndarray], name: str, train: np.ndarray, test: np.ndarray, seed: int
) -> None:
    found[name] = marks = _column(plan, train, test)
    table, recipe = plan.table, plan.bench.recipe
    for one in part.parts:
        if own_rows(plan, one):
            _mark(plan, one, found, called(one, name), train, test, seed)
    if part.spec.early_stop:
        share = _inner_share(dict(part.settings), len(train))
        learn, stop = inner_split(table, train, recipe, share, seed_of(part.settings, seed))
        marks[train] = BETWEEN
        marks[learn], marks[stop] = LEARNS, STOPS
    if wanted := folds_wanted(plan, part):
        for i, (learn, ask) in enumerate(inner_folds(table, train, recipe, wanted, seed)):
            fold = f"{name}, fold {i + 1}"
            found[fold] = _column(plan, learn, ask)
            for one in part.parts:
                if own_rows(plan, one):
                    _mark(plan, one, found, called(one, fold), learn, ask, seed)
    if encodes_apart(plan, part):
        kind = str(recipe["split"]["kind"])
        groups = table.groups[train] if table.groups is not None and kind == "group" else None
        times = table.times[train] if table.times is not None and kind == "time" else None
        folds: Any = target_folds(groups, times)
        cut: list[Any] = folds if isinstance(folds, list) else []
        for i, (learn, ask) in enumerate(cut):
            found[f"{name}, encoding {i + 1}"] = _column(plan, train[learn], train[ask])


def folds_wanted(plan: Plan, part: Part) -> int:
    """About how many folds are cut inside the rows that the part learns from; 0 for none."""
    if part.parts:
        return int(part.settings.get("folds") or 0)
    form = form_of(part)
    return form.folds if form.folds and re.search(r"\binner\b", form.write(plan, part).make) else 0


def encodes_apart(plan: Plan, part: Part) -> bool:
    """Whether levels are encoded by the target on folds of whole groups, or of blocks of time."""
    kind = str(plan.recipe["split"]["kind"])
    parted = (plan.table.groups is not None and kind == "group") or (plan.table.times is not None and kind == "time")
    return (
        not part.parts
        and parted
        and part.spec.prepare in ("linear", "dense", *FOR_NETS)
        and plan.prepare["categories"]["encode"] == "target"
    )


def _column(plan: Plan, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    marks = np.full(len(plan.table), OUT, dtype="<U1")
    marks[train] = LEARNS
    marks[test] = ASKED
    return marks
