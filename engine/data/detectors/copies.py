"""LK1, one column: the target under another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from engine.data.detectors.base import ENOUGH, Detector, Finding, NotRun, Rows, as_numbers, plain, quote

SAME = 0.99  # share of rows in which an equality must hold
CLOSE = 1e-6  # relative
SPELLINGS = {
    **dict.fromkeys(("1", "y", "yes", "t", "true", "j", "ja", "o", "oui", "si", "sí", "on"), "yes"),
    **dict.fromkeys(("0", "n", "no", "f", "false", "nein", "nej", "non", "off"), "no"),
}


def copies(rows: Rows) -> Iterator[Finding]:
    """LK1: a column equals the target after casting, or its levels map one to one to the classes, or to the values.

    For a target of numbers also |Spearman| ≥ .999 or linear R² ≥ .999.  Spellings of one level (Yes, Y, 1, yes.)
    count as that level.  Empty cells are left out where the rest maps (at least half of the rows), or are a level
    themselves (filled in for one class only).  The columns found are put down in `rows.copies`.
    """
    if len(rows) < ENOUGH:
        raise NotRun(f"only {len(rows)} rows; {ENOUGH} are needed")
    number = rows.number_target
    for column in rows.columns:
        found = None if rows.regression else _same_classes(rows, column)
        if found is None and number is not None:
            found = _same_numbers(rows, column, number)
        if found is None and rows.regression:
            found = _same_levels(rows, column)
        if found:
            rows.copies.add(column)
            yield found


def _same_classes(rows: Rows, column: str) -> Finding | None:
    codes, levels = rows.codes(column)
    classes = np.unique(rows.y)
    if len(levels) > 20 * len(classes) or len(levels) == 0:  # spellings are few: the rest is no copy, and costs time
        return None
    levels = [plain(level) for level in levels]
    for fold_case in (False, True):
        keys = [_spelling(level) if fold_case else level for level in levels]
        if not fold_case and len(set(keys)) != len(classes) and len(set(keys)) != len(classes) - 1:
            continue
        spelt, names = pd.factorize(np.array(keys, dtype=object))
        merged = np.append(spelt, -1)[codes]
        pairs = _one_to_one(merged, rows.y, len(names), len(rows.labels))
        if pairs:
            shown = quote(_pair(list(names), level, rows.labels[label]) for level, label in pairs)
            filled = int((codes >= 0).sum())
            missing_is_level = any(level < 0 for level, _ in pairs)
            where = "" if filled == len(rows) or missing_is_level else f", wherever it is filled in ({filled:,} rows)"
            return Finding(
                "LK1",
                "red",
                column,
                f"{column} alone tells {rows.target} apart perfectly: its values map one to one ({shown}){where}.",
                exact=True,
                score=1.0,
                metric=rows.metric,
            )
    return None


def _one_to_one(codes: np.ndarray, y: np.ndarray, size: int, classes: int) -> list[tuple[int, int]]:
    """(level, class) pairs when each level has one class and each class one level, else none.  -1 is missing."""
    present = codes >= 0
    table = np.zeros((size + 1, classes), dtype=int)
    np.add.at(table, (codes, y), 1)  # missing, -1, lands in the last row
    there = np.flatnonzero(np.bincount(y, minlength=classes))
    if size == len(there):
        if present.mean() < 0.5 or (not present.all() and table[:size].sum(axis=0)[there].min() < 5):
            return []
        table, names = table[:size], list(range(size))
    elif size == len(there) - 1 and not present.all():
        names = [*range(size), -1]
    else:
        return []
    hits = table > 0
    if not (hits.sum(axis=1) == 1).all() or not (hits.sum(axis=0)[there] == 1).all():
        return []
    return [(name, int(hits[i].argmax())) for i, name in enumerate(names)]


def _pair(names: Sequence[str], level: int, label: str) -> str:
    return f"{names[level] if level >= 0 else 'empty'} = {label}"


def _same_numbers(rows: Rows, column: str, y: np.ndarray) -> Finding | None:
    x = rows.values(column)
    there = np.isfinite(x)
    if there.sum() < max(ENOUGH, len(rows) / 2) or np.ptp(x[there]) == 0 or np.ptp(y[there]) == 0:
        return None
    x, y = x[there], y[there]

    def found(sentence: str, score: float, metric: str, exact: bool) -> Finding:
        return Finding("LK1", "red", column, sentence, exact=exact, score=score, metric=metric)

    same, telling = share_equal(y, x)
    if same >= SAME and telling >= SAME:
        return found(f"{column} equals {rows.target} in {same:.1%} of the rows.", same, "share of rows", True)
    r = abs(float(np.corrcoef(x, y)[0, 1]))
    if r * r >= 0.999:
        return found(
            f"{column} is {rows.target} in another unit: a straight line explains {r * r:.3%} of the variance.",
            r * r,
            "r2",
            r * r > 1 - 1e-9,
        )
    rho = abs(float(np.corrcoef(rankdata(x), rankdata(y))[0, 1]))
    if rho >= 0.999:
        sentence = f"{column} orders the rows as {rows.target} does: their rank correlation is {rho:.4f}."
        return found(sentence, rho, "spearman", False)
    return None


def _same_levels(rows: Rows, column: str) -> Finding | None:
    """Levels and target values that map one to one; only where both repeat, or any key would."""
    if rows.is_number(column) or rows.is_date(column):
        return None
    codes, levels = rows.codes(column)
    values = pd.factorize(rows.y)[0]
    if not 2 <= len(levels) <= len(rows) / 2 or (codes < 0).mean() > 0.5:
        return None
    there = codes >= 0
    pairs = len(np.unique(codes[there].astype(np.int64) * (values.max() + 1) + values[there]))
    if pairs != len(levels) or pairs != len(np.unique(values[there])):
        return None
    sentence = f"{column} alone gives {rows.target} exactly: its {len(levels)} values map one to one to the target's."
    return Finding("LK1", "red", column, sentence, exact=True, score=1.0, metric="r2")


def share_equal(y: np.ndarray, built: np.ndarray) -> tuple[float, float]:
    """Share of rows in which `built` equals y within 1e-6 relative, and the same among rows off y's commonest value.

    The second guards against a target that is mostly one value (claims of 0), which any mostly-zero column equals.
    """
    scale = np.maximum(np.abs(y), 1e-3 * float(np.median(np.abs(y))) or 1e-9)
    equal = np.abs(built - y) <= CLOSE * scale
    values, counts = np.unique(y, return_counts=True)
    off = y != values[counts.argmax()]
    return float(equal.mean()), float(equal[off].mean()) if off.any() else 0.0


def _spelling(level: str) -> str:
    """One form for the ways in which people write a level: Yes, yes., Y and 1; or " >50K." and ">50k"."""
    text = " ".join(level.split()).casefold().rstrip(".").strip("'\"")
    number = as_numbers(pd.Series([text], dtype=object))[0] if text.replace(".", "", 1).isdigit() else np.nan
    if np.isfinite(number) and float(number).is_integer():
        text = str(int(number))
    return SPELLINGS.get(text, text)


COPIES = Detector("LK1", "target copy", "L2", copies)
