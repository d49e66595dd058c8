"""Lines that leave columns out, and lines that keep a margin: against scikit-learn, and on truths that are known."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss

from engine.models.penalised import ENOUGH, Margin, SparseLine, SparseLogistic, Tube, platt


@pytest.fixture
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def columns(n=400, p=30, seed=0):
    """Thirty standard columns, of which three matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    truth = np.zeros(p)
    truth[:3] = [2.0, -1.0, 0.5]
    return X, truth, rng


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("ratios", [[1.0], [0.1, 0.5, 0.9]])
def test_a_sparse_line_is_that_of_scikit_learn(ratios):
    from sklearn.linear_model import ElasticNetCV

    X, truth, rng = columns()
    y = X @ truth + 3 + rng.normal(size=len(X))
    mine = SparseLine(ratios).fit(X, y)
    theirs = ElasticNetCV(l1_ratio=ratios, alphas=50, cv=3, tol=1e-3).fit(X, y / y.std())
    assert mine.penalty_ == pytest.approx(theirs.alpha_)
    assert mine.coef_ == pytest.approx(theirs.coef_ * y.std(), abs=2e-3)
    assert np.abs(mine.predict(X) - theirs.predict(X) * y.std()).max() < 0.01
    assert mine.parameters_ == np.count_nonzero(mine.coef_) + 1
    assert mine.coef_[:3] == pytest.approx(truth[:3], abs=0.25)


def test_lasso_leaves_out_what_tells_nothing_and_the_unit_does_not_matter():
    X, truth, rng = columns()
    y = X @ truth + rng.normal(size=len(X))
    line = SparseLine([1.0]).fit(X, y)
    assert line.parameters_ < 22
    large = SparseLine([1.0]).fit(X, 1e6 * y)
    assert large.coef_ == pytest.approx(1e6 * line.coef_, rel=1e-6, abs=1e-3)
    same = SparseLine([1.0]).fit(sp.csr_matrix(X), y)
    assert same.predict(sp.csr_matrix(X)) == pytest.approx(line.predict(X), abs=5e-3)


def test_a_target_without_spread_is_said_as_it_is():
    X, _, _ = columns(60)
    assert SparseLine([1.0]).fit(X, np.full(60, 4.0)).predict(X) == pytest.approx(np.full(60, 4.0))
    assert Tube().fit(X, np.full(60, 4.0)).predict(X) == pytest.approx(np.full(60, 4.0), abs=0.06)


def test_the_folds_it_is_given_choose_the_penalty_and_are_forgotten():
    X, truth, rng = columns()
    y = X @ truth + rng.normal(size=len(X))
    halves = [(np.arange(200), np.arange(200, 400)), (np.arange(200, 400), np.arange(200))]
    line = SparseLine([1.0], folds=halves).fit(X, y)
    assert line.folds == 3
    y[200:] = rng.normal(size=200)  # the second half tells nothing of the first: the strongest penalty is the best
    assert SparseLine([1.0], folds=halves).fit(X, y).penalty_ > 3 * line.penalty_


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("classes", [2, 3])
def test_sparse_logistic_regression(classes):
    X, truth, rng = columns(900)
    odds = np.column_stack([np.zeros(len(X)), X @ truth, X @ np.roll(truth, 1)])[:, :classes]
    p = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(classes, p=row) for row in p])
    model = SparseLogistic(1.0, [0.001, 0.01, 0.1, 1.0]).fit(X[:600], y[:600])
    said = model.predict_proba(X[600:])
    assert said.shape == (300, classes)
    assert said.sum(axis=1) == pytest.approx(1)
    assert 0.001 < model.C_ < 1.0, "the right penalty lies inside"
    assert model.parameters_ < model.coef_.size
    assert log_loss(y[600:], said) < log_loss(y[600:], p[600:]) + 0.08
    one = SparseLogistic(1.0, [0.1]).fit(X[:600], y[:600])
    from sklearn.linear_model import LogisticRegression

    same = LogisticRegression(C=0.1, l1_ratio=1.0, solver="saga", tol=1e-6, max_iter=5000).fit(X[:600], y[:600])
    assert one.predict_proba(X) == pytest.approx(same.predict_proba(X), abs=5e-3)


def test_the_penalty_of_many_rows_is_chosen_on_some_of_them():
    X, truth, rng = columns(ENOUGH * 2 + 100, 5)
    y = (X @ truth[:5] + rng.logistic(size=len(X)) > 0).astype(int)
    folds = [(np.arange(0, 6000), np.arange(6000, len(y))), (np.arange(4000, len(y)), np.arange(0, 4000))]
    model = SparseLogistic(1.0, [0.001, 0.01, 0.1], folds=folds).fit(X, y)
    assert model.coef_[0, :3] == pytest.approx(truth[:3], abs=0.25)
    assert model.C_ > 0.001


# -- the margin ----------------------------------------------------------------------------------------------------


def test_platt_finds_the_line_of_the_log_odds():
    rng = np.random.default_rng(1)
    far = rng.normal(size=200_000)
    positive = rng.random(200_000) < expit(2.5 * far - 0.7)
    assert platt(far, positive) == (pytest.approx(2.5, abs=0.05), pytest.approx(-0.7, abs=0.03))


def test_platt_as_scikit_learn_has_it():
    from sklearn.calibration import _sigmoid_calibration

    rng = np.random.default_rng(2)
    far = rng.normal(size=80) * 3
    positive = rng.random(80) < expit(far)
    a, b = _sigmoid_calibration(far, positive.astype(float))
    assert platt(far, positive) == (pytest.approx(-a, abs=1e-3), pytest.approx(-b, abs=1e-3))


def test_platt_is_not_endlessly_sure_of_rows_that_are_parted_cleanly():
    far = np.r_[np.linspace(-2, -1, 20), np.linspace(1, 2, 20)]
    slope, offset = platt(far, far > 0)
    assert 0.9 < expit(slope * 2 + offset) < 0.999


@pytest.mark.usefixtures("strict")
def test_its_probabilities_can_be_taken_at_face_value():
    """On rows never seen: no worse than the truth by more than a little, and the right mean, with many columns."""
    X, truth, rng = columns(1500, 60, seed=3)
    p = expit(X @ truth - 1)
    y = (rng.random(len(X)) < p).astype(int)
    model = Margin(0.1).fit(X[:500], y[:500])
    said = model.predict_proba(X[500:])[:, 1]
    assert said.mean() == pytest.approx(y[500:].mean(), abs=0.04)
    assert brier_score_loss(y[500:], said) < brier_score_loss(y[500:], p[500:]) + 0.03
    odds = X[500:] @ model.coef_[0] + model.intercept_[0]
    assert expit(odds) == pytest.approx(said), "its coefficients are log-odds"


def test_distances_are_those_of_rows_the_line_had_not_seen():
    """With more columns than rows the line parts its own rows cleanly; taken at those distances it would be sure."""
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(120, 300)), rng.integers(0, 2, 120)
    said = Margin(1.0).fit(X, y).predict_proba(rng.normal(size=(500, 300)))[:, 1]
    assert np.abs(said - 0.5).mean() < 0.15


def test_several_classes_and_weights():
    X, truth, rng = columns(900)
    y = np.digitize(X @ truth + rng.normal(size=900), [-1.0, 1.0])
    model = Margin(0.1).fit(X[:600], y[:600])
    said = model.predict_proba(X[600:])
    assert said.sum(axis=1) == pytest.approx(1)
    assert (said.argmax(axis=1) == y[600:]).mean() > 0.6
    rare = (X[:, 0] + rng.normal(size=900) > 2).astype(int)
    even = Margin(0.1).fit(X, rare, np.where(rare == 1, 10.0, 1.0)).predict_proba(X)[:, 1]
    assert even.mean() > 2 * Margin(0.1).fit(X, rare).predict_proba(X)[:, 1].mean()


def test_a_few_huge_misses_pull_it_less_than_a_squared_error():
    X, truth, rng = columns(400, 5)
    y = X @ truth[:5] + rng.normal(size=400) * 0.1
    y[:20] += 100
    from sklearn.linear_model import LinearRegression

    assert np.abs(Tube(1.0).fit(X, y).coef_ - truth[:5]).max() < 0.3
    assert np.abs(LinearRegression().fit(X, y).coef_ - truth[:5]).max() > 0.5
