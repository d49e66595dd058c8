"""The radial support vector machine: as scikit-learn's, with probabilities that hold, from rows it had not seen."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.svm import SVC

from engine.errors import UsageProblem
from engine.models.kernels import INNER, svm
from engine.models.setting import Setting

SETTINGS = {"C": 10.0, "most_rows": 20_000}


def machine(y, inner=None, **settings):
    labels = tuple(map(str, np.unique(y)))
    task = "binary" if len(labels) == 2 else "multiclass"
    return svm(Setting(task, SETTINGS | settings, len(y), labels=labels, inner=inner))


def rings(n=400, seed=0):
    """An inner and an outer ring, with some rows of either in the other: no straight line parts them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle, far = rng.uniform(0, 2 * np.pi, n), 1 + 1.5 * y + rng.normal(0, 0.5, n)
    return np.column_stack([far * np.cos(angle), far * np.sin(angle)]), y


def test_pictures_are_told_as_scikit_learn_tells_them_and_surely():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    fitted = machine(y[:900]).fit(X[:900], y[:900])
    plain = SVC(C=10.0).fit(X[:900], y[:900])
    shares = fitted.predict_proba(X[900:])
    same = shares.argmax(axis=1) == plain.predict(X[900:])
    assert same.mean() > 0.99  # of classes with as many votes either may be said
    assert shares.sum(axis=1) == pytest.approx(1)
    assert log_loss(y[900:], shares) < 0.25
    assert fitted.parameters_ == plain.support_vectors_.size + plain.dual_coef_.size + plain.intercept_.size + 1


def test_a_curve_is_found_and_its_probabilities_hold_on_new_rows():
    X, y = rings()
    new, truth = rings(4000, 1)
    shares = machine(y).fit(X, y).predict_proba(new)[:, 1]
    assert ((shares > 0.5) == truth).mean() > 0.88
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        told = (shares >= low) & (shares < high)
        assert shares[told].mean() == pytest.approx(truth[told].mean(), abs=0.1)


def test_folds_of_the_plan_are_used_where_they_hold_every_class_and_forgotten_after():
    X, y = rings(60)
    half = [(np.arange(0, 30), np.arange(30, 60)), (np.arange(30, 60), np.arange(0, 30))]
    asked = []
    fitted = machine(y, lambda k: asked.append(k) or half).fit(X, y)
    assert (asked, fitted.cv) == ([INNER], INNER)
    lacking = [(np.flatnonzero(y == 0), np.flatnonzero(y == 1)), (np.flatnonzero(y == 1), np.flatnonzero(y == 0))]
    again = machine(y, lambda k: lacking).fit(X, y).predict_proba(X)
    assert np.isfinite(again).all()
    assert again == pytest.approx(machine(y).fit(X, y).predict_proba(X))


def test_what_it_cannot_take_is_said_in_a_sentence():
    X, y = rings(50)
    with pytest.raises(UsageProblem, match="for at most 40 rows, and here are 50"):
        machine(y, most_rows=40)
    y[:], y[0] = 0, 1
    with pytest.raises(UsageProblem, match="two rows of each class"):
        machine(y).fit(X, y)
