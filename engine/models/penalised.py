"""Straight lines that leave columns out, and lines that keep a margin: lasso, elastic net, linear SVM.

The penalty is chosen inside the rows that a model is fitted on, on folds of the plan's own kind (`Setting.inner`); what
is kept of the choice are the coefficients, so that a stored model is a line and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from engine.models.setting import Setting

INNER = 3  # folds that a penalty is chosen on
ENOUGH = 5_000  # rows that a penalty is chosen on: beyond, the choice hardly moves and only takes longer

Folds = Sequence[tuple[np.ndarray, np.ndarray]]


def lasso(setting: Setting) -> Any:
    """Linear regression with an L1 penalty, the stronger the more columns are left out."""
    return SparseLine([1.0], setting.settings["penalties"], setting.settings["smallest"], _folds(setting))


def elastic_net(setting: Setting) -> Any:
    """Linear regression with L1 and L2 penalties: leaves columns out, and keeps those together that say the same."""
    s = setting.settings
    return SparseLine(list(s["l1_ratios"]), s["penalties"], s["smallest"], _folds(setting))


def sparse_logistic(setting: Setting) -> Any:
    """Logistic regression with L1 and L2 penalties."""
    s = setting.settings
    return SparseLogistic(s["l1_ratio"], list(s["Cs"]), s["max_iter"], setting.seed, _folds(setting))


def linear_svm(setting: Setting) -> Any:
    """Linear SVM: of classes with probabilities by Platt's method, of numbers with the errors counted as they are."""
    s = setting.settings
    if setting.classifies:
        return Margin(s["C"], s["max_iter"], setting.seed, _folds(setting))
    return Tube(s["C"], s["epsilon"], s["max_iter"], setting.seed)


def _folds(setting: Setting) -> Any:
    return setting.inner(INNER) if setting.inner is not None else INNER


class SparseLine(RegressorMixin, BaseEstimator):
    """ElasticNetCV of scikit-learn, of which only the line is kept.

    folds: (train, test) places of the training part, or a number of folds; forgotten once fitted.
    Shares of L1 in `l1_ratios`; `penalties` strengths from the first that leaves every column out down to `smallest`
    of it.
    """

    def __init__(
        self, l1_ratios: list[float], penalties: int = 50, smallest: float = 1e-3, folds: Folds | int = INNER
    ) -> None:
        self.l1_ratios = l1_ratios
        self.penalties = penalties
        self.smallest = smallest
        self.folds = folds

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """X: (n, p), dense or sparse; y: (n,)."""
        from sklearn.linear_model import ElasticNet, ElasticNetCV

        spread = float(np.std(y)) or 1.0  # so that the tolerance means the same for every unit
        some, folds = _some(len(y), self.folds)
        ratios: Any = self.l1_ratios
        search = ElasticNetCV(
            l1_ratio=ratios, alphas=self.penalties, eps=self.smallest, cv=folds, max_iter=2_000, tol=1e-3
        ).fit(X[some], y[some] / spread)
        line = ElasticNet(alpha=search.alpha_, l1_ratio=search.l1_ratio_, max_iter=5_000, tol=1e-4)
        line.fit(X, y / spread)
        self.penalty_, self.l1_ratio_ = float(search.alpha_), float(search.l1_ratio_)
        self.coef_ = np.asarray(line.coef_) * spread
        self.intercept_ = float(line.intercept_) * spread  # pyright: ignore[reportArgumentType]
        self.parameters_ = int(np.count_nonzero(self.coef_)) + 1
        self.folds = INNER
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n,)."""
        return np.asarray(X @ self.coef_).ravel() + self.intercept_


class SparseLogistic(ClassifierMixin, BaseEstimator):
    """Logistic regression with a share `l1_ratio` of L1 in its penalty; 1/penalty is one of `Cs`, by log loss on the
    folds.  C counts as scikit-learn's does: it multiplies the sum of the rows' losses."""

    def __init__(
        self, l1_ratio: float, Cs: list[float], max_iter: int = 1_000, seed: int = 0, folds: Folds | int = INNER
    ) -> None:
        self.l1_ratio = l1_ratio
        self.Cs = Cs
        self.max_iter = max_iter
        self.seed = seed
        self.folds = folds

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """X: (n, p), dense or sparse; y: (n,) codes."""
        some, folds = _some(len(y), self.folds)
        self.C_ = self._chosen(
            X[some], y[some], _pairs(X[some], y[some], folds, self.seed), len(y), sample_weight, some
        )
        fitted = self._line(self.C_).fit(X, y, sample_weight)
        self.classes_, self.coef_, self.intercept_ = fitted.classes_, fitted.coef_, fitted.intercept_
        self.parameters_ = int(np.count_nonzero(self.coef_) + np.size(self.intercept_))
        self.folds = INNER
        return self

    def _line(self, C: float, tolerance: float = 1e-3) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(
            C=C, l1_ratio=self.l1_ratio, solver="saga", max_iter=self.max_iter, tol=tolerance, random_state=self.seed
        )

    def _chosen(
        self, X: Any, y: np.ndarray, folds: Folds, rows: int, weights: np.ndarray | None, some: np.ndarray
    ) -> float:
        """The C of least log loss over the folds; of equals the strongest penalty."""
        from sklearn.metrics import log_loss

        Cs = sorted(float(C) for C in self.Cs)
        if len(Cs) == 1:
            return Cs[0]
        held = None if weights is None else weights[some]
        losses = np.zeros(len(Cs))
        for train, test in folds:
            line = self._line(Cs[0], tolerance=1e-2).set_params(warm_start=True)
            for i, C in enumerate(Cs):
                line.C = C * rows / len(train)  # the same weight of the penalty against each row
                line.fit(X[train], y[train], None if held is None else held[train])
                said = np.full((len(test), int(y.max()) + 1), 1e-15)
                said[:, line.classes_] = line.predict_proba(X[test])
                said /= said.sum(axis=1, keepdims=True)
                known = range(said.shape[1])
                losses[i] += log_loss(
                    y[test], said, labels=list(known), sample_weight=None if held is None else held[test]
                )
        return Cs[int(np.argmin(losses))]

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes)."""
        return _softmax(np.asarray(X @ self.coef_.T) + self.intercept_)


class Margin(ClassifierMixin, BaseEstimator):
    """Linear SVM with probabilities by Platt's method (1999): a sigmoid of the distance to the border, fitted to
    distances of rows that the line had not seen (cross-fitted inside the training part).

    One line a class against the rest, for two classes one; line and sigmoid are folded into one, so that `coef_` are
    log-odds.  Of more than two classes the probabilities are brought to a sum of 1.
    """

    def __init__(self, C: float = 1.0, max_iter: int = 2_000, seed: int = 0, folds: Folds | int = INNER) -> None:
        self.C = C
        self.max_iter = max_iter
        self.seed = seed
        self.folds = folds

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """X: (n, p), dense or sparse; y: (n,) codes."""
        from sklearn.svm import LinearSVC

        def line(rows: Any) -> Any:
            one = LinearSVC(C=self.C, max_iter=self.max_iter, random_state=self.seed)
            return one.fit(X[rows], y[rows], None if sample_weight is None else sample_weight[rows])

        whole = line(slice(None))
        self.classes_ = whole.classes_
        borders = len(whole.coef_)
        seen, distances = [], []
        for train, test in _pairs(X, y, self.folds, self.seed):
            part = line(train)
            if not np.array_equal(part.classes_, self.classes_):
                continue  # a class that is missing here would shift the others
            seen.append(test)
            distances.append(part.decision_function(X[test]).reshape(len(test), borders))
        asked = np.concatenate(seen) if seen else np.arange(len(y))
        far = np.concatenate(distances) if seen else whole.decision_function(X).reshape(len(y), borders)
        held = None if sample_weight is None else sample_weight[asked]
        positive = self.classes_[1:] if borders == 1 else self.classes_
        slopes, offsets = zip(
            *(platt(far[:, k], y[asked] == label, held) for k, label in enumerate(positive)), strict=True
        )
        slope, offset = np.array(slopes), np.array(offsets)
        self.coef_ = whole.coef_ * slope[:, None]
        self.intercept_ = whole.intercept_ * slope + offset
        self.parameters_ = int(self.coef_.size + self.intercept_.size + 2 * borders)
        self.folds = INNER
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes)."""
        from scipy.special import expit

        odds = np.asarray(X @ self.coef_.T) + self.intercept_
        if len(self.classes_) == 2:
            one = expit(odds[:, 0])
            return np.column_stack([1 - one, one])
        each = np.maximum(expit(odds), 1e-12)
        return each / each.sum(axis=1, keepdims=True)


class Tube(RegressorMixin, BaseEstimator):
    """Linear support vector regression: errors count as they are, not squared, beyond a tube of `epsilon` standard
    deviations of the target."""

    def __init__(self, C: float = 1.0, epsilon: float = 0.05, max_iter: int = 2_000, seed: int = 0) -> None:
        self.C = C
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """X: (n, p), dense or sparse; y: (n,)."""
        from sklearn.svm import LinearSVR

        middle, spread = float(np.median(y)), float(np.std(y)) or 1.0
        line = LinearSVR(C=self.C, epsilon=self.epsilon, max_iter=self.max_iter, tol=1e-3, random_state=self.seed)
        line.fit(X, (y - middle) / spread)
        self.coef_ = np.asarray(line.coef_) * spread
        self.intercept_ = float(np.ravel(line.intercept_)[0]) * spread + middle
        self.parameters_ = int(self.coef_.size) + 1
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n,)."""
        return np.asarray(X @ self.coef_).ravel() + self.intercept_


def platt(distances: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """(slope, offset) of the log-odds as a line of the distance, by maximum likelihood.

    Targets are (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2) rather than 1 and 0, as Platt has it, so that rows that are parted
    cleanly do not make it endlessly sure.  distances: (n,); positive: (n,) bool.  The slope is never below 0.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    held = np.ones(len(distances)) if weights is None else weights
    yes, no = float(held[positive].sum()), float(held[~positive].sum())
    target = np.where(positive, (yes + 1) / (yes + 2), 1 / (no + 2))
    unit = float(np.std(distances)) or 1.0
    far = distances / unit

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        odds = line[0] * far + line[1]
        missed = (expit(odds) - target) * held
        value = float(held @ (np.logaddexp(0, odds) - target * odds))
        return value / held.sum(), np.array([missed @ far, missed.sum()]) / held.sum()

    start = np.array([1.0, np.log((yes + 1) / (no + 1))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)])
    return float(found.x[0]) / unit, float(found.x[1])


def _some(rows: int, folds: Folds | int) -> tuple[Any, Any]:
    """Rows that a penalty is chosen on, all or every so many, and the folds among them."""
    if rows <= ENOUGH:
        return np.arange(rows), folds
    stride = -(-rows // ENOUGH)
    kept = np.arange(0, rows, stride)
    if isinstance(folds, int):
        return kept, folds
    place = np.full(rows, -1)
    place[kept] = np.arange(len(kept))
    among = [(place[train], place[test]) for train, test in folds]
    return kept, [(train[train >= 0], test[test >= 0]) for train, test in among]


def _pairs(X: Any, y: np.ndarray, folds: Folds | int, seed: int) -> Folds:
    if not isinstance(folds, int):
        return folds
    from sklearn.model_selection import StratifiedKFold

    k = max(2, min(folds, int(np.bincount(y)[np.bincount(y) > 0].min())))
    return list(StratifiedKFold(k, shuffle=True, random_state=seed).split(np.zeros(len(y)), y))


def _softmax(odds: np.ndarray) -> np.ndarray:
    from scipy.special import expit, softmax

    if odds.shape[1] == 1:
        one = expit(odds[:, 0])
        return np.column_stack([1 - one, one])
    return softmax(odds, axis=1)
