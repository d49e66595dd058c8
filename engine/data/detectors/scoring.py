"""How well one column alone tells the target: out-of-fold, in the metric of the task."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from engine.data.detectors.base import Rows

DEPTH, LEAF = 4, 5
SMOOTHING = 5.0  # rows of prior knowledge that a level's own mean is mixed with


GLANCE_ROWS = 500  # of the rarest class in a test part, from which on a first fold far below the line settles it
GLANCE_MARGIN = {"roc_auc": 0.1, "balanced_accuracy": 0.1, "r2": 0.3}  # many standard errors with that many rows


def column_score(rows: Rows, column: str, line: float = -np.inf) -> float:
    """The out-of-fold score of one column: a small tree on numbers and dates, target encoding on levels.

    On large files a first fold far below `line` is taken as the answer: it saves four fits of five.
    """
    if rows.is_number(column) or rows.is_date(column):
        return _tree_score(rows, column, line)
    scores = [encoded_score(rows, column)]
    if np.isfinite(rows.values(column)).any():  # "$1,300": a quantity in a text's clothes
        scores.append(_tree_score(rows, column, line))
    return max(scores)


def _tree_score(rows: Rows, column: str, line: float) -> float:
    x, folds, classes = rows.values(column), rows.folds(), len(rows.labels)
    first = folds[0]
    rarest = np.bincount(rows.y[first[1]]).min() if classes else len(first[1])
    if rarest >= GLANCE_ROWS:
        both = np.concatenate(first)
        cut = len(first[0])
        glance = [(np.arange(cut), np.arange(cut, len(both)))]
        score = tree_score(x[both], rows.y[both], classes, glance)
        if score < line - GLANCE_MARGIN[rows.metric]:
            return score
    return tree_score(x, rows.y, classes, folds)


def tree_score(x: np.ndarray, y: np.ndarray, classes: int, folds: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """x: (n,) float64, NaN allowed; y: codes below `classes`, or values when classes is 0.

    The AUC, balanced accuracy (classes weighted equally, as that metric does) or R² of a tree of depth 4, over the rows
    of all test parts.
    """
    X = x.reshape(-1, 1).astype(np.float32) if _fits_single(x) else rankdata(x, nan_policy="omit").reshape(-1, 1)
    tested = np.concatenate([test for _, test in folds])
    if classes == 0:
        predicted = np.empty(len(y))
        for train, test in folds:
            tree = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=LEAF, random_state=0)
            predicted[test] = tree.fit(X[train], y[train]).predict(X[test])
        return r2(y[tested], predicted[tested])
    weight = "balanced" if classes > 2 else None
    shares = np.zeros((len(y), classes))
    for train, test in folds:
        tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=LEAF, random_state=0, class_weight=weight)
        tree.fit(X[train], y[train])
        shares[np.ix_(test, tree.classes_)] = tree.predict_proba(X[test])
    return class_score(y[tested], shares[tested])


def encoded_score(rows: Rows, column: str) -> float:
    """Target encoding of the levels (missing is a level), learnt on the other folds and smoothed by 5 rows."""
    codes, levels = rows.codes(column)
    codes, size = codes + 1, len(levels) + 1
    classes = len(rows.labels)
    if classes == 0:
        predicted = np.empty(len(rows))
        for train, test in rows.folds():
            prior = rows.y[train].mean()
            count = np.bincount(codes[train], minlength=size)
            total = np.bincount(codes[train], weights=rows.y[train], minlength=size)
            predicted[test] = ((total + SMOOTHING * prior) / (count + SMOOTHING))[codes[test]]
        return r2(rows.y, predicted)
    shares = np.zeros((len(rows), classes))
    for train, test in rows.folds():
        prior = np.bincount(rows.y[train], minlength=classes) / len(train)
        count = np.bincount(codes[train], minlength=size)
        for k in range(classes):
            hits = np.bincount(codes[train], weights=rows.y[train] == k, minlength=size)
            shares[test, k] = ((hits + SMOOTHING * prior[k]) / (count + SMOOTHING))[codes[test]]
        if classes > 2:
            shares[test] /= np.maximum(prior, 1e-12)  # balanced accuracy weighs the classes equally
    return class_score(rows.y, shares)


def class_score(y: np.ndarray, shares: np.ndarray) -> float:
    """AUC for two classes, else balanced accuracy.  shares: (n, classes)."""
    return auc(y, shares[:, 1]) if shares.shape[1] == 2 else balanced_accuracy(y, shares.argmax(axis=1))


def auc(y: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve of codes 0/1, ties counted as half; 0.5 when a class is absent."""
    ones = int((y == 1).sum())
    zeros = len(y) - ones
    if not ones or not zeros:
        return 0.5
    return float((rankdata(score)[y == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def balanced_accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([(predicted[y == k] == k).mean() for k in np.unique(y)]))


def r2(y: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the variance explained; 0 when there is none to explain."""
    total = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - predicted) ** 2).sum()) / total if total > 0 else 0.0


def _fits_single(x: np.ndarray) -> bool:
    """Whether float32, in which the trees see numbers, keeps these values apart (seconds since 1970 it does not)."""
    finite = x[np.isfinite(x)]
    return bool(np.isfinite(x.astype(np.float32)[np.isfinite(x)]).all()) and (
        len(finite) == 0 or float(np.abs(finite).max()) < 2**24
    )
