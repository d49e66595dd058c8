"""The support vector machine with a radial kernel: a border as curved as the rows near it ask for."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.calibration import CalibratedClassifierCV

from engine.errors import UsageProblem
from engine.models.setting import Setting

INNER = 3  # folds whose distances the probabilities are learned from


def svm(setting: Setting) -> Any:
    """A radial support vector machine with probabilities.  Raises UsageProblem beyond the rows that it can take."""
    from sklearn.svm import SVC

    s = setting.settings
    if setting.n_rows > s["most_rows"]:
        raise UsageProblem(
            f"A support vector machine compares all rows with all: it is for at most {s['most_rows']:,} rows, and here "
            f"are {setting.n_rows:,}. Take another model or fewer rows."
        )
    curved = SVC(C=s["C"], gamma="scale", cache_size=500, decision_function_shape="ovr", random_state=setting.seed)
    method = "temperature" if len(setting.labels) > 2 else "sigmoid"
    inner = setting.inner(INNER) if setting.inner is not None else None
    once: Any = False  # one machine on all rows; scikit-learn's stub knows of words only
    return Curved(curved, method=method, cv=inner, ensemble=once)


class Curved(CalibratedClassifierCV):
    """scikit-learn's calibration of one machine, by distances of rows that it had not seen.

    Two classes by Platt's sigmoid (1999); more by one temperature (Guo et al. 2017), which leaves what is likeliest as
    it is: on the digits its log loss is 0.09 where a sigmoid a class gives 0.14.  Folds that lack a class, which would
    shift the distances of the others, are drawn again by class.  Raises UsageProblem where a class has one row.
    """

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None, **fit_params: Any) -> Self:
        """X: (n, p); y: (n,) codes."""
        self.cv = _folds(self.cv, y)
        super().fit(X, y, sample_weight, **fit_params)
        self.cv = INNER  # the places of the training part say nothing once it is fitted
        whole: Any = self.calibrated_classifiers_
        machine = whole[0].estimator
        self.parameters_ = int(machine.support_vectors_.size + machine.dual_coef_.size + machine.intercept_.size) + 1
        return self


def _folds(wanted: Any, y: np.ndarray) -> Any:
    classes = len(np.unique(y))
    if wanted and all(len(np.unique(y[train])) == classes for train, _ in wanted):
        seen = np.sort(np.concatenate([test for _, test in wanted]))
        if np.array_equal(seen, np.arange(len(y))):  # what is learned from takes each row once
            return wanted
    rarest = int(np.bincount(y)[np.unique(y)].min())
    if rarest < 2:
        raise UsageProblem("A support vector machine needs two rows of each class to learn its probabilities from.")
    return min(INNER, rarest)
