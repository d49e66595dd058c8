"""LK5, LK7 and LK10: how the file was put together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from engine.data.detectors.base import FOLDS, Detector, Finding, NotRun, Rows, words
from engine.data.detectors.names import tokens
from engine.data.detectors.scoring import tree_score
from engine.data.detectors.single import WORDS
from engine.data.naming import is_time

PERMUTATIONS = 200
PERMUTED_ROWS = 3_000  # more make each permutation dearer and the verdict no clearer: the effect asked for is large
ID_TOKENS = frozenset({"id", "uuid", "guid", "key", "nr", "no", "number", "index", "row"})
SHARE_NAME = words(
    "rate ratio share fraction probability prob proportion percent percentage pct score index similarity level"
)


def row_order(rows: Rows) -> Iterator[Finding]:
    """LK5: the row's place in the file, or a numeric id, tells the target: a sorted or batched file.

    A tree of depth 4 reaches AUC ≥ .60, balanced accuracy ≥ 1.5/K or R² ≥ .10, and at most 1 of 200 permutations of
    the target does as well (p < .01; tried on 3,000 rows at most).  Where a time column orders the rows it is drift,
    which LK15 reports; so it is where nobody named that column, but an input is a date or is called year.
    """
    rows.enough()
    if rows.times is not None and abs(_rank_correlation(rows.times, rows.row)) >= 0.9:
        raise NotRun(f"{rows.time} orders the rows, so this is drift: see LK15")
    if clock := next(filter(lambda c: _orders(rows, c), rows.columns), None):
        raise NotRun(f"{clock} orders the rows, so this is drift; name it as their time, and LK15 looks")
    line = {"roc_auc": 0.60, "balanced_accuracy": 1.5 / max(len(rows.labels), 1), "r2": 0.10}[rows.metric]
    for column in ("", *_ids(rows)):
        x = rows.values(column) if column else rows.row.astype(float)
        score = tree_score(x, rows.y, len(rows.labels), rows.folds())
        if score < line or not _beats_chance(x, rows):
            continue
        what = f"The key {column}" if column else "The place of a row in the file"
        yield Finding(
            "LK5",
            "amber",
            column,
            f"{what} alone tells something of {rows.target} ({WORDS[rows.metric]} {score:.3f}): the file seems sorted "
            "or joined from batches, so its order is kept out of the inputs and of the splits.",
            score=score,
            metric=rows.metric,
        )


def _ids(rows: Rows) -> list[str]:
    """Whole-number inputs that look like keys: nearly all different, and in file order, without gaps, or named so."""
    found = []
    for column in filter(rows.is_number, rows.columns):
        x = rows.values(column)
        if not np.isfinite(x).all() or (x != np.round(x)).any() or len(np.unique(x)) < 0.99 * len(x):
            continue
        if (np.diff(x) > 0).all() or np.ptp(x) <= 3 * len(x) or set(tokens(column)) & ID_TOKENS:
            found.append(column)
    return found


def _orders(rows: Rows, column: str) -> bool:
    """Whether this input is a time by its type or name, and goes up or down with the file."""
    timely = rows.is_date(column) or (rows.is_number(column) and is_time(column))
    return timely and abs(_rank_correlation(rows.values(column), rows.row)) >= 0.9


def _beats_chance(x: np.ndarray, rows: Rows) -> bool:
    rng = np.random.default_rng(rows.seed)
    some = np.sort(rng.permutation(len(rows))[:PERMUTED_ROWS])
    x, y, classes = x[some], rows.y[some], len(rows.labels)
    try:
        maker = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=rows.seed)
        folds = list(maker.split(np.zeros((len(y), 1)), y))
    except ValueError:  # a class too rare for the part that is permuted
        return False
    seen, as_good = tree_score(x, y, classes, folds), 0
    for _ in range(PERMUTATIONS):
        as_good += tree_score(x, rng.permutation(y), classes, folds) >= seen
        if as_good > 1:  # (2 + 1) / 201 is above .01 already
            return False
    return True


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    ranks = pd.Series(a).rank().to_numpy(dtype=float), pd.Series(b).rank().to_numpy(dtype=float)
    there = np.isfinite(ranks[0]) & np.isfinite(ranks[1])
    if there.sum() < 3 or any(np.ptp(r[there]) == 0 for r in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0][there], ranks[1][there])[0, 1])


def straddling(rows: Rows) -> Iterator[Finding]:
    """LK7: rows with equal inputs on both sides of a split of the plan.

    The plan keeps copies together, so this holds by construction; it is counted all the same.
    """
    cluster = rows.cluster
    if cluster is None or not rows.folds_of_plan:
        raise NotRun("no plan was drawn")
    crossing = np.zeros(len(rows), dtype=bool)
    for train, test in rows.folds_of_plan:  # positions among the development rows
        inside = np.zeros(cluster.max() + 1, dtype=bool)
        inside[cluster[train]] = True
        crossing[test[inside[cluster[test]]]] = True
    if crossing.any():
        yield Finding(
            "LK7",
            "red",
            "",
            f"{int(crossing.sum()):,} rows have a copy on the other side of a split: keep copies together.",
            score=float(crossing.mean()),
            metric="share of rows",
        )


def prepared(rows: Rows) -> Iterator[Finding]:
    """LK10: over the whole file a numeric column has mean 0 ± 1e-6 and sd 1 ± 1e-3 (or length 1), or runs exactly from
    0 to 1.

    It looks at the inputs of all rows, never at a target: the trace of a preparation with everything shows only over
    everything.  Shares by name, yes/no numbers and few-valued scales run from 0 to 1 by nature and are left out; so is
    a single column in hundredths, which is a measurement sooner than a scaled one.
    """
    scaled: dict[str, str] = {}
    hundredths: set[str] = set()
    for column in rows.whole.columns:
        if not pd.api.types.is_numeric_dtype(rows.whole[column]):
            continue
        x = rows.whole[column].to_numpy(dtype=float, na_value=np.nan)
        x = x[np.isfinite(x)]
        if len(x) < 2 or len(np.unique(x[:10_000])) <= 2:
            continue
        if abs(x.mean()) <= 1e-6 and min(abs(x.std() - 1), abs(x.std(ddof=1) - 1)) <= 1e-3:
            scaled[column] = "mean 0 and standard deviation 1"
        elif abs(x.mean()) <= 1e-6 * x.std() and abs(x @ x - 1) <= 1e-6:
            scaled[column] = "mean 0 and length 1"
        elif x.min() == 0 and x.max() == 1 and len(np.unique(x)) > 10 and not set(tokens(column)) & SHARE_NAME:
            scaled[column] = "exactly the range 0 to 1"
            if np.abs(100 * x - np.round(100 * x)).max() <= 1e-6:
                hundredths.add(column)
    if len(scaled) == 1:
        scaled = {column: how for column, how in scaled.items() if column not in hundredths}
    if scaled:
        first, how = next(iter(scaled.items()))
        others = f", and {len(scaled) - 1} more columns likewise" if len(scaled) > 1 else ""
        yield Finding(
            "LK10",
            "amber",
            first,
            f"{first} has {how} over the whole file{others}: was it scaled or imputed before I saw it, "
            "test rows included?",
            columns=tuple(scaled),
        )


ROW_ORDER = Detector("LK5", "row order or id", "L3.2", row_order)
STRADDLING = Detector("LK7", "copies across splits", "L1.4", straddling)
PREPARED = Detector("LK10", "prepared with everything", "L1.2", prepared)
