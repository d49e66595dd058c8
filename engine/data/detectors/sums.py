"""LK1, several columns, and LK6: the target worked out from others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from engine.data.detectors.base import ENOUGH, Detector, Finding, NotRun, Rows, quote
from engine.data.detectors.copies import SAME, share_equal
from engine.data.detectors.scoring import r2

PAIR_COLUMNS = 40
GLANCE = 500  # rows on which a pair is tried before all rows are
TERMS = range(2, 7)
SEARCH_ROWS = 20_000
SUM_HOLDS = 0.95
FEES = 12  # amounts that may be left over from a sum, such as the surcharges of a price list
ROWS_PER_FEE = 20
SPARSE = 10  # steps of the target's own grid per left-over amount: small whole numbers are close together, fees are not


def identities(rows: Rows) -> Iterator[Finding]:
    """LK1: target = x_i ± x_j, x_i · x_j or x_i / x_j within 1e-6 relative for ≥ 99% of rows (pairs among 40 columns);

    or a sum or difference of 3–6 columns, found by forward selection, whose coefficients are all ±1 (± 1e-3) and which
    holds within 1e-6 for ≥ 95% of rows.  A constant may be added to a sum, or multiply a product: it hides nothing.
    Neither does a fee: what is left over from a sum may be one of a few amounts that lie far apart (surcharges of 0.50,
    0.80 and 3.30), and the others of ≥ 95% of rows.  The other parts of an identity are amber: they are asked about.
    """
    y = rows.number_target
    if y is None:
        raise NotRun("the target is no quantity")
    columns = _strongest(rows, y)
    found = False
    for first, second, text, share in _pairs(rows, columns, y):
        found = True
        yield from _identity(rows, (first, second), text, share)
    if not found and (terms := _sum(rows, [c for c in rows.quantities() if c not in rows.copies], y)):
        signs, share, fees = terms
        text = " ".join(f"{'+' if s > 0 else '−'} {c}" for c, s in signs.items()).removeprefix("+ ")
        if len(fees):
            text += f" + one of {len(fees)} amounts ({quote(f'{fee:g}' for fee in fees[:4])}{', …' * (len(fees) > 4)})"
        yield from _identity(rows, tuple(signs), text, share)


def _identity(rows: Rows, columns: tuple[str, ...], text: str, share: float) -> Iterator[Finding]:
    y = rows.number_target
    assert y is not None
    main = max(columns, key=lambda c: _correlation(rows.values(c), y))
    rest = tuple(c for c in columns if c != main)
    rows.copies.add(main)  # without it the others no longer rebuild the target; they are judged on their own
    yield Finding(
        "LK1",
        "red",
        main,
        f"{rows.target} = {text} in {share:.1%} of the rows: whoever knows these columns knows the answer.",
        columns=(main, *rest),
        score=share,
        metric="share of rows",
    )
    for part in rest:
        yield Finding(
            "LK1",
            "amber",
            part,
            f"{part} is a part of what {rows.target} is made of ({rows.target} = {text}): is it known before "
            f"{rows.target} is?",
            columns=(part, *(c for c in columns if c != part)),
            score=share,
            metric="share of rows",
        )


def _strongest(rows: Rows, y: np.ndarray) -> list[str]:
    columns = [c for c in rows.quantities() if c not in rows.copies and np.nanstd(rows.values(c)) > 0]
    if len(columns) > PAIR_COLUMNS:
        columns = sorted(columns, key=lambda c: -_correlation(rows.values(c), y))[:PAIR_COLUMNS]
    return columns


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    there = np.isfinite(x)
    if there.sum() < 3 or np.ptp(x[there]) == 0 or np.ptp(y[there]) == 0:
        return 0.0
    return abs(float(np.corrcoef(x[there], y[there])[0, 1]))


def _ways(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Each way to make y of two columns, the free constant set by the median."""
    for text, built in (("{a} + {b}", a + b), ("{a} − {b}", a - b), ("{b} − {a}", b - a)):
        yield text, built + np.median(y - built)
    for text, built in (("{a} · {b}", a * b), ("{a} / {b}", _divide(a, b)), ("{b} / {a}", _divide(b, a))):
        with np.errstate(all="ignore"):
            factors = (y / built)[(built != 0) & np.isfinite(built) & (y != 0)]
        if len(factors):
            yield text, built * np.median(factors)


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where(b == 0, np.nan, a / b)


def _pairs(rows: Rows, columns: list[str], y: np.ndarray) -> Iterator[tuple[str, str, str, float]]:
    glance = np.random.default_rng(rows.seed).permutation(len(y))[:GLANCE]
    for first, second in combinations(columns, 2):
        a, b = rows.values(first), rows.values(second)
        there = np.isfinite(a) & np.isfinite(b)
        if there.sum() < max(ENOUGH, len(y) / 2):
            continue
        few = glance[there[glance]]
        for few_way, (text, built) in enumerate(_ways(a[few], b[few], y[few])):
            if share_equal(y[few], built)[0] < SAME - 0.03:
                continue
            full = [w for i, w in enumerate(_ways(a[there], b[there], y[there])) if i == few_way]
            share, telling = share_equal(y[there], full[0][1]) if full else (0.0, 0.0)
            if share >= SAME and telling >= SAME:
                yield first, second, text.replace("{a}", first).replace("{b}", second), share
                return  # one identity is enough to ask about; the others are its consequences


def _sum(rows: Rows, columns: list[str], y: np.ndarray) -> tuple[dict[str, int], float, np.ndarray] | None:
    """The columns with their signs, the share of rows in which their sum is the target, and the fees left over.

    The first sum that is exact wins; else of those with fees the one that holds in most rows.
    """
    if len(columns) < 2:
        return None
    X = np.column_stack([rows.values(c) for c in columns])
    full = np.isfinite(X).mean(axis=0) >= 0.5
    X, names = np.where(np.isfinite(X), X, 0.0)[:, full], [c for c, k in zip(columns, full, strict=True) if k]
    some = np.random.default_rng(rows.seed).permutation(len(y))[:SEARCH_ROWS]
    chosen: list[int] = []
    with_fees: tuple[dict[str, int], float, np.ndarray] | None = None
    for _ in range(min(max(TERMS) + 2, len(names))):
        residual = y[some] - _fit(X[some][:, chosen], y[some])[1]
        chosen.append(_most_correlated(X[some], residual, chosen))
        signs = _unit_coefficients(X[some][:, chosen], y[some])
        kept = {} if signs is None else {names[c]: int(s) for c, s in zip(chosen, signs, strict=True) if s}
        if signs is not None and len(kept) in TERMS:
            built = X[:, chosen] @ signs
            built = built + np.median(y - built)
            share, telling = share_equal(y, built)
            if share >= SUM_HOLDS and telling >= SUM_HOLDS:
                return kept, share, np.zeros(0)
        if len(chosen) in TERMS and (fees := _left_over(X[:, chosen], y, some)):
            signs, share, amounts = fees
            if with_fees is None or share > with_fees[1] + 0.005:  # a further part must explain further rows
                with_fees = {names[c]: int(s) for c, s in zip(chosen, signs, strict=True)}, share, amounts
    return with_fees


def _left_over(X: np.ndarray, y: np.ndarray, some: np.ndarray) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Signs of the columns, share of rows, and amounts, where y minus the sum is one of a few amounts far apart.

    `far apart` is counted in steps of y's own grid (cents of a price), so that it never holds by chance: left over from
    whole numbers that merely go together are small whole numbers, one step apart.  y itself must take more values.
    """
    coefficients, _ = _fit(X[some], y[some])
    signs = np.round(coefficients)  # fees that go with a column pull at its coefficient, by up to a half
    if not np.isin(signs, (-1, 1)).all():
        return None
    step = _grid(y)
    left = np.round((y - X @ signs) / step).astype(np.int64)
    values, counts = np.unique(left, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    covered = np.cumsum(counts[order]) / len(y)
    needed = int(np.searchsorted(covered, SUM_HOLDS)) + 1
    commonest = np.sort(np.unique(np.round(y / step), return_counts=True)[1])[::-1]
    if (
        not 2 <= needed <= min(FEES, len(y) // ROWS_PER_FEE)
        or np.ptp(values[order[:needed]]) < SPARSE * needed
        or commonest[:FEES].sum() > 0.5 * len(y)
        or np.var(left * step) > 0.05 * np.var(y)
    ):
        return None
    return signs, float(covered[needed - 1]), values[order[:needed]] * step


def _grid(y: np.ndarray) -> float:
    """The decimal step that the values stand on (0.01 for prices), 1e-6 of their spread when they stand on none."""
    for digits in range(6):
        scaled = y * 10**digits
        if (np.abs(scaled - np.round(scaled)) <= 1e-6 * np.maximum(1, np.abs(scaled))).mean() >= 0.99:
            return 10.0**-digits
    return float(np.ptp(y)) * 1e-6 or 1.0


def _fit(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and fitted values of ordinary least squares with a constant."""
    if X.shape[1] == 0:
        return np.zeros(0), np.full(len(y), y.mean())
    A = np.column_stack([X - X.mean(axis=0), np.ones(len(y))])
    coefficients = np.linalg.lstsq(A, y, rcond=None)[0]
    return coefficients[:-1], A @ coefficients


def _most_correlated(X: np.ndarray, residual: np.ndarray, taken: list[int]) -> int:
    centred = X - X.mean(axis=0)
    norms = np.linalg.norm(centred, axis=0)
    strength = np.abs(centred.T @ (residual - residual.mean())) / np.where(norms > 0, norms, np.inf)
    strength[taken] = -1
    return int(strength.argmax())


def _unit_coefficients(X: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Coefficients as +1, −1 or 0 when each is that within 1e-3, in the rows that a first fit misses least.

    The few rows that break the sum (≤ 5%) would otherwise pull the coefficients away from ±1.
    """
    keep = np.ones(len(y), dtype=bool)
    for _ in range(4):
        coefficients, _fitted = _fit(X[keep], y[keep])
        centre = np.median(y - X @ coefficients)
        missed = np.abs(y - X @ coefficients - centre)
        keep = missed <= np.quantile(missed, 0.9)
        rounded = np.round(coefficients)
        if np.abs(coefficients - rounded).max() <= 1e-3 and np.isin(rounded, (-1, 0, 1)).all():
            return rounded
    return None


def joint(rows: Rows) -> Iterator[Finding]:
    """LK6: a linear regression of a numeric target on all numeric inputs has an out-of-fold R² ≥ .9999.

    Columns that LK1 has found are left out: the question is what the others rebuild without them.
    """
    if not rows.regression:
        raise NotRun("the target is no quantity")
    rows.enough()
    columns = [c for c in rows.quantities() if c not in rows.copies and np.isfinite(rows.values(c)).any()]
    if len(columns) < 2:
        raise NotRun("fewer than two numeric inputs are left")
    X = np.column_stack([rows.values(c) for c in columns])
    predicted, coefficients = np.empty(len(rows)), np.zeros(len(columns))
    for train, test in rows.folds():
        middle = np.nanmedian(X[train], axis=0)
        filled = np.where(np.isfinite(X), X, np.where(np.isfinite(middle), middle, 0.0))
        mean, spread = filled[train].mean(axis=0), filled[train].std(axis=0)
        scaled = (filled - mean) / np.where(spread > 0, spread, 1.0)
        coefficients, _ = _fit(scaled[train], rows.y[train])
        predicted[test] = rows.y[train].mean() + (scaled[test] - scaled[train].mean(axis=0)) @ coefficients
    score = r2(rows.y, predicted)
    if score >= 0.9999:
        weight = np.abs(coefficients)
        order = [i for i in np.argsort(-weight) if weight[i] >= 0.01 * weight.max()]
        parts = tuple(columns[i] for i in order[:6])
        yield Finding(
            "LK6",
            "red",
            parts[0],
            f"{', '.join(parts)} together give {rows.target} almost exactly (a sum explains {score:.3%} of the "
            "variance on rows it has not seen): the target seems to be made of them.",
            columns=parts,
            score=score,
            metric="r2",
        )


IDENTITIES = Detector("LK1", "target made of others", "L2", identities)
JOINT = Detector("LK6", "joint identity", "L2", joint)
