"""LK8, LK9 and LK15: rows that belong together, and times that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from engine.data.detectors.base import FOLDS, Detector, Finding, NotRun, Rows, as_numbers
from engine.data.detectors.scoring import auc, balanced_accuracy, r2, tree_score
from engine.metrics import BY_NAME

PROBE_ROWS = 10_000  # the two probes are fitted ten times each: more rows would cost minutes and sharpen little
DRIFT = 0.70
CLOCK = 0.9  # an input that follows the time column this closely is a clock itself, and no sign of drift
BOOSTED: dict[str, Any] = {"early_stopping": False, "random_state": 0}
Folds = Sequence[tuple[np.ndarray, np.ndarray]]


def group_leak(rows: Rows) -> Iterator[Finding]:
    """LK8: the default linear model or boosted trees lose by being tested on new groups.

    Δ = random-split score − group-split score; SE = √(SE_a² + SE_b²), each corrected for overlapping training parts;
    df = J − 1; red when the lower end of the one-sided 95% interval is above 0.  Tried on 10,000 rows at most, whole
    groups.
    """
    if rows.groups is None:
        raise NotRun("no column says which rows belong together")
    rows.enough()
    groups = pd.factorize(rows.groups)[0]
    if groups.max() + 1 < FOLDS:
        raise NotRun(f"{rows.group} has fewer than {FOLDS} values")
    order = np.random.default_rng(rows.seed).permutation(groups.max() + 1)
    some = np.sort(np.argsort(order[groups], kind="stable")[:PROBE_ROWS])
    options = {"n_splits": FOLDS, "shuffle": True, "random_state": rows.seed}
    maker = GroupKFold(**options) if rows.regression else StratifiedGroupKFold(**options)
    apart = list(maker.split(np.zeros((len(some), 1)), rows.y[some], groups[some]))
    if gap := _gap(rows, some, apart):
        name, difference, lower = gap
        yield Finding(
            "LK8",
            "red",
            "",
            f"Tested on new values of {rows.group}, the {BY_NAME[rows.metric].title} of {name} is {difference:.3f} "
            f"lower than on a random split (at least {lower:.3f}): rows of one {rows.group} are remembered, so they "
            "must stay together.",
            score=difference,
            metric=rows.metric,
        )


def time_leak(rows: Rows) -> Iterator[Finding]:
    """LK9: (a) a date input lies after the row's own moment in > 0.1% of rows: red; (b) the score falls from a random
    split to a split by time, as in LK8: amber.
    """
    if rows.times is None:
        raise NotRun("no column says when a row happened")
    moment = _clock(rows.times)
    if rows.time_is_date:
        for column in rows.columns:
            if not rows.is_date(column):
                continue
            x = rows.values(column)
            there = np.isfinite(x) & np.isfinite(moment)
            late = float((x[there] > moment[there]).mean()) if there.any() else 0.0
            if late > 0.001:
                yield Finding(
                    "LK9",
                    "red",
                    column,
                    f"{column} lies after {rows.time} in {late:.1%} of the rows: it is not known yet at that moment.",
                    score=late,
                    metric="share of rows",
                )
    rows.enough()
    order = np.argsort(np.where(np.isfinite(moment), moment, -np.inf), kind="stable")
    some = order[np.sort(np.random.default_rng(rows.seed).permutation(len(rows))[:PROBE_ROWS])]
    size = max(len(some) // (2 * FOLDS), 1)
    apart = list(TimeSeriesSplit(n_splits=FOLDS, test_size=size).split(np.zeros((len(some), 1))))
    classes = len(rows.labels)
    if classes and any(len(np.unique(rows.y[some][part])) < classes for fold in apart for part in fold):
        return  # a block without one of the classes has no score to compare
    if gap := _gap(rows, some, apart):
        name, difference, lower = gap
        yield Finding(
            "LK9",
            "amber",
            "",
            f"Tested on later rows, the {BY_NAME[rows.metric].title} of {name} is {difference:.3f} lower than on a "
            f"random split (at least {lower:.3f}): a random split would promise too much.",
            score=difference,
            metric=rows.metric,
        )


def population(rows: Rows) -> Iterator[Finding]:
    """LK15: boosted trees tell early from late development rows by their inputs with AUC ≥ .70 (out-of-fold).

    Dates, and inputs that follow the time column themselves (|Spearman| ≥ .9), are left out.
    """
    if rows.times is None:
        raise NotRun("no column says which rows are early and which late")
    if len(rows) < 100:
        raise NotRun(f"only {len(rows)} rows; 100 are needed")
    moment = pd.Series(_clock(rows.times)).rank(method="first", na_option="top").to_numpy(dtype=float)
    late = (moment > np.median(moment)).astype(int)
    columns = [c for c in rows.columns if not rows.is_date(c) and not _is_clock(rows.values(c), moment)]
    if not columns:
        raise NotRun("no input is left beside the dates")
    some = np.sort(np.random.default_rng(rows.seed).permutation(len(rows))[:PROBE_ROWS])
    X, y = _matrix(rows.frame[columns].iloc[some]), late[some]
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=rows.seed).split(X, y))
    share = np.empty(len(some))
    for train, test in folds:
        model = HistGradientBoostingClassifier(max_iter=60, **BOOSTED)
        share[test] = model.fit(X.iloc[train], y[train]).predict_proba(X.iloc[test])[:, 1]
    score = auc(y, share)
    if score >= DRIFT:
        alone = {c: tree_score(X[c].to_numpy(dtype=float), y, 2, folds) for c in columns}
        moved = sorted(columns, key=lambda c: -alone[c])[:3]
        yield Finding(
            "LK15",
            "amber",
            "",
            f"Early and late rows differ in their inputs (told apart with AUC {score:.3f}), most in "
            f"{', '.join(moved)}: a model of the early ones may not fit the late ones.",
            columns=tuple(moved),
            score=score,
            metric="roc_auc",
        )


def _clock(times: np.ndarray) -> np.ndarray:
    """Times (n,) float64, NaN where missing (a Table has -inf there)."""
    return np.where(np.isfinite(times), times, np.nan)


def _is_clock(x: np.ndarray, moment: np.ndarray) -> bool:
    there = np.isfinite(x)
    if there.sum() < 3 or np.ptp(x[there]) == 0:
        return False
    return abs(float(np.corrcoef(pd.Series(x[there]).rank(), moment[there])[0, 1])) >= CLOCK


def _matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """Inputs as boosted trees take them: numbers and dates as they are, levels as codes (commonest first, ≤ 200)."""
    made: dict[str, np.ndarray] = {}
    for column in frame.columns:
        kept = cast(pd.Series, frame[column])
        quantity = pd.api.types.is_numeric_dtype(kept) and not pd.api.types.is_bool_dtype(kept)
        if quantity or pd.api.types.is_datetime64_any_dtype(kept):
            made[column] = as_numbers(kept)
        else:
            place = {level: i for i, level in enumerate(kept.value_counts().index[:200])}
            made[column] = kept.map(lambda level, place=place: place.get(level, np.nan)).to_numpy(
                dtype=float, na_value=np.nan
            )
    return pd.DataFrame(made, index=frame.index)


def _gap(rows: Rows, some: np.ndarray, apart: Folds) -> tuple[str, float, float] | None:
    """The probe that loses most by being tested as in `apart`, by how much, and at least how much; None if none."""
    y = rows.y[some]
    maker = (KFold if rows.regression else StratifiedKFold)(FOLDS, shuffle=True, random_state=rows.seed)
    mixed = list(maker.split(np.zeros((len(y), 1)), y))
    frame = rows.frame.iloc[some]
    worst: tuple[str, float, float] | None = None
    for name, probe in (("the linear model", _linear), ("the boosted trees", _boosted)):
        a, b = (_scores(rows, frame, y, folds, probe) for folds in (mixed, apart))
        difference = float(a.mean() - b.mean())
        error = np.hypot(_standard_error(a, mixed), _standard_error(b, apart))
        lower = difference - float(t.ppf(0.95, FOLDS - 1)) * error
        if lower > 0 and (worst is None or difference > worst[1]):
            worst = name, difference, float(lower)
    return worst


def _standard_error(u: np.ndarray, folds: Folds) -> float:
    rho = float(np.mean([len(test) / len(train) for train, test in folds]))
    return float(np.sqrt((1 / len(u) + rho) * u.var(ddof=1)))


Probe = Callable[[Rows, pd.DataFrame, np.ndarray, pd.DataFrame], np.ndarray]


def _scores(rows: Rows, frame: pd.DataFrame, y: np.ndarray, folds: Folds, probe: Probe) -> np.ndarray:
    scores = []
    for train, test in folds:
        rows.tick("probe models")
        predicted = probe(rows, frame.iloc[train], y[train], frame.iloc[test])
        score = r2 if rows.regression else auc if len(rows.labels) == 2 else balanced_accuracy
        scores.append(score(y[test], predicted))
    return np.array(scores)


def _linear(rows: Rows, train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    """Predictions of ridge or logistic regression on medians, standard scores and one-hot levels."""
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for column in train.columns:
        if rows.is_number(column) or rows.is_date(column):
            values = [_matrix(cast(pd.DataFrame, f[[column]])).to_numpy() for f in (train, test)]
            middle = np.nanmedian(values[0]) if np.isfinite(values[0]).any() else 0.0
            blocks = [np.where(np.isfinite(v), v, middle) for v in values]
        else:
            cells = [f[[column]].astype(object).where(f[[column]].notna(), "").astype(str) for f in (train, test)]
            encoder = OneHotEncoder(
                min_frequency=10, max_categories=200, handle_unknown="infrequent_if_exist", sparse_output=False
            )
            blocks = [encoder.fit_transform(cells[0]), encoder.transform(cells[1])]
        for part, block in zip(parts, blocks, strict=True):
            part.append(block)
    X, held = (np.hstack(part) for part in parts)
    last = Ridge() if rows.regression else LogisticRegression(max_iter=500)
    return _predict(rows, make_pipeline(StandardScaler(), last).fit(X, y), held)


def _boosted(rows: Rows, train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame) -> np.ndarray:
    both = _matrix(pd.concat([train, test]))  # only codes of levels, which carry nothing of the target
    kind = HistGradientBoostingRegressor if rows.regression else HistGradientBoostingClassifier
    model = kind(max_iter=100, **BOOSTED).fit(both.iloc[: len(train)], y)
    return _predict(rows, model, both.iloc[len(train) :])


def _predict(rows: Rows, model: object, X: object) -> np.ndarray:
    binary = len(rows.labels) == 2
    return model.predict_proba(X)[:, 1] if binary else model.predict(X)  # type: ignore[attr-defined]


GROUP_LEAK = Detector("LK8", "group on both sides", "L3.2", group_leak)
TIME_LEAK = Detector("LK9", "the future on both sides", "L3.1", time_leak)
POPULATION = Detector("LK15", "different population", "L3.3", population)
