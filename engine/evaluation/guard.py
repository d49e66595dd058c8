"""The trial *guard*: which predictions should go to a person, and how many of the errors those hold.

A row is stopped when its answer is among the least sure, or when three or more of its inputs lie where hardly any row
lay: outside the middle 99.8 % of a number, or a level met in less than 0.1 % of the rows.  (Catalogue, present.guard.)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.crossval import read_out_of_fold
from engine.models.fitting import decide
from engine.records import Json, Progress
from engine.trials import Context

SHARES = (0.02, 0.05, 0.10, 0.20)  # of the rows that a person may be asked about [P]
USUAL = (0.001, 0.999)
MANY = 3  # inputs out of the usual range
FAR = 0.9  # numbers: an error above this quantile of all errors is one that would cost trust [P]


def guard(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Out of fold, on the rows for practice.  params: recipe, model, threshold; uses: the practice exams of the model.

    Returns rows, errors, unusual (rows stopped for their inputs, with the errors among them), and for each share of
    least sure rows: share, cut (stopped below it), rows, errors (held), rest (error rate of those that go through).
    """
    bench = open_bench(params, ctx)
    ctx.report(Progress(0, 1, "guard"))
    told = read_out_of_fold(ctx.fetch(ctx.evidence(ctx.uses[0])["oof"]))
    positions, first = np.unique(told["positions"], return_index=True)
    scores = told["scores"][first]
    wrong = errors_of(bench, positions, scores, params.get("threshold"))
    strange = unusual(bench.table.frame.iloc[bench.splits.dev], bench.table.frame.iloc[positions]) >= MANY
    result: dict[str, Json] = {
        "rows": len(positions),
        "errors": int(wrong.sum()),
        "unusual": {"rows": int(strange.sum()), "errors": int(wrong[strange].sum())},
        "shares": [],
    }
    if bench.classifies:
        sure = sureness(scores, params.get("threshold"))
        for share in SHARES:
            cut = float(np.quantile(sure, share))
            held = (sure < cut) | strange
            passed = ~held
            result["shares"].append(
                {
                    "share": share,
                    "cut": cut,
                    "rows": int(held.sum()),
                    "errors": int(wrong[held].sum()),
                    "rest": float(wrong[passed].mean()) if passed.any() else None,
                }
            )
    ctx.report(Progress(1, 1, "guard"))
    return result


def errors_of(bench: Bench, positions: np.ndarray, scores: np.ndarray, threshold: float | None) -> np.ndarray:
    """(n,) bool: the wrong class; of numbers an error in the upper tenth of all."""
    y = bench.table.y[positions]
    if bench.classifies:
        return decide(scores, bench.table.labels, threshold) != y
    miss = np.abs(scores - y)
    return miss > np.quantile(miss, FAR)


def sureness(scores: np.ndarray, threshold: float | None) -> np.ndarray:
    """(n,) how far an answer is from the next: of two classes the distance to the cut, in parts of the way there is."""
    if threshold is not None and scores.shape[1] == 2:
        p = scores[:, 1]
        return np.where(
            p >= threshold, (p - threshold) / max(1e-9, 1 - threshold), (threshold - p) / max(1e-9, threshold)
        )
    ranked = np.sort(scores, axis=1)
    return ranked[:, -1] - ranked[:, -2]


def unusual(known: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """(n,) how many inputs of each row lie where hardly any of the known rows lies; empty cells do not count."""
    count = np.zeros(len(rows), dtype=np.int64)
    for name in known.columns:
        column, cells = known[name], rows[name]
        present = column.dropna()
        if not len(present):
            continue
        if column.dtype.kind == "f":
            low, high = np.quantile(present.to_numpy(), USUAL)
            values = cells.to_numpy(dtype=np.float64)
            with np.errstate(invalid="ignore"):
                count += (values < low) | (values > high)
        elif column.dtype.kind != "M":
            shares = present.value_counts(normalize=True)
            if len(shares) > len(present) / 2:
                continue  # texts: nearly every cell is another
            common = [level for level, share in shares.items() if share >= USUAL[0]]
            count += (cells.notna() & ~cells.isin(common)).to_numpy()
    return count
