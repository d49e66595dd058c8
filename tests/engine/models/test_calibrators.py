"""Heads that make probabilities honest: against scikit-learn, on models that are not, kept and read back."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

from engine.data.table import load
from engine.errors import UsageProblem
from engine.models.calibrators import METHODS, Calibrated, temperature
from engine.models.catalogue import key_of, spec_of
from engine.models.fitting import fit
from engine.models.persist import Artifact, dumps, loads
from engine.models.reasons import method_of, reasons
from engine.models.setting import Setting
from tests.engine.tables import recipe


class Says(ClassifierMixin, BaseEstimator):
    """A classifier that says what it is given."""

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.unique(y), X.shape[1]
        return self

    def predict(self, X):
        return np.asarray(X).argmax(axis=1)

    def predict_proba(self, X):
        return np.asarray(X)


def too_sure(n=1500, k=2, seed=0):
    """(probabilities that are too sure of themselves, classes)."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1, (n, k))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(k, p=row) for row in p])
    sure = np.exp(3 * z)
    return sure / sure.sum(axis=1, keepdims=True), y


def learned(method, p, y, labels=("a", "b")):
    return Calibrated.learn([p], y, Setting("binary", {"method": method, "folds": 5}, len(y), labels=tuple(labels)))


@pytest.mark.parametrize("k", [2, 4])
def test_the_temperature_is_scikit_learns(k):
    p, y = too_sure(k=k)
    p = np.clip(p, 1e-5, None)  # below a millionth they hold probabilities differently
    p /= p.sum(axis=1, keepdims=True)
    theirs = CalibratedClassifierCV(FrozenEstimator(Says().fit(p, y)), method="temperature").fit(p, y)
    mine = learned("temperature", p, y, "abcd"[:k]).combine([p])
    assert mine == pytest.approx(theirs.predict_proba(p), abs=2e-3)
    assert temperature(p, y) == pytest.approx(3.0, rel=0.12)
    assert mine.argmax(axis=1).tolist() == p.argmax(axis=1).tolist()  # nobody changes class
    assert log_loss(y, mine) < log_loss(y, p)


def test_isotonic_is_scikit_learns_between_its_ends():
    p, y = too_sure()
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p[:, 1], y).predict(p[:, 1])
    mine = learned("isotonic", p, y).combine([p])[:, 1]
    assert mine == pytest.approx(np.clip(theirs, 0.5 / 1501, 1 - 0.5 / 1501), abs=1e-9)
    assert 0 < mine.min() < mine.max() < 1


def test_a_sigmoid_undoes_what_was_overdone():
    p, y = too_sure()
    head = learned("sigmoid", p, y)
    assert head.b == pytest.approx(1 / 3, rel=0.12)
    assert head.a == pytest.approx(0.0, abs=0.15)
    said = head.combine([p])
    assert said.sum(axis=1) == pytest.approx(1.0)
    order = np.argsort(p[:, 1])
    assert (np.diff(said[order, 1]) >= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_head_is_plain_data(method):
    p, y = too_sure(300)
    head = learned(method, p, y)
    again = Calibrated.of_state(head.state())
    assert again == head
    assert np.array_equal(again.combine([p]), head.combine([p]))
    assert head.parameters == {"sigmoid": 2, "temperature": 1, "isotonic": 2 * len(head.xs)}[method]


def test_a_method_that_does_not_fit_is_refused():
    p, y = too_sure(k=3)
    with pytest.raises(UsageProblem, match="temperature for more"):
        learned("isotonic", p, y, "abc")
    with pytest.raises(UsageProblem, match='"magic" does not calibrate'):
        learned("magic", p[:, :2], y % 2)


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    """One column five times over, which naive Bayes counts five times."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=1600)
    frame = pd.DataFrame({f"x{i}": x.round(6) for i in range(5)})
    frame["target"] = np.where(rng.random(1600) < 1 / (1 + np.exp(-1.2 * x)), "leave", "stay")
    path = tmp_path_factory.mktemp("calibrated") / "t.csv"
    frame.to_csv(path, index=False)
    rules = recipe(types=dict.fromkeys(frame.columns[:-1], "number"), keep_together=False)
    return rules, load(path, rules)


@pytest.mark.parametrize("method", METHODS)
def test_a_calibrated_model_is_a_model_like_any_other(method, repeated):
    rules, table = repeated
    plain = {"name": "naive_bayes", "settings": {}}
    model = {"name": "calibrated", "settings": {"of": [plain], "method": method, "folds": 4}}
    assert key_of(model) == "calibrated:naive_bayes"
    assert spec_of(model, "binary").title == "Naive Bayes, calibrated"
    assert spec_of(model, "binary").tier == "T2"
    train, test = np.arange(1000), np.arange(1000, 1600)
    fitted = fit(model, rules, table, train)
    rows, y = table.frame.iloc[test], table.y[test]
    said = fitted.scores(rows)
    assert log_loss(y, said[:, 1]) < log_loss(y, fit(plain, rules, table, train).scores(rows)[:, 1]) - 0.05
    back = loads(dumps(Artifact(fitted, rules, {}, None))).fitted
    assert np.array_equal(back.scores(rows), said)
    assert fitted.scores(rows.iloc[:1])[0] == pytest.approx(said[0], abs=1e-12)


def test_the_head_learns_from_rows_that_its_model_had_not_seen(repeated):
    """Labels that nothing explains: a deep tree knows its own rows by heart, and only rows it had not seen say so."""
    rules, table = repeated
    y = np.random.default_rng(3).permutation(table.y)
    noise = replace(table, y=y)
    deep = {"name": "knn", "settings": {"k": 1}}
    model = {"name": "calibrated", "settings": {"of": [deep], "method": "sigmoid", "folds": 4}}
    said = fit(model, rules, noise, np.arange(1600)).scores(table.frame)[:, 1]
    assert np.abs(said - y.mean()).max() < 0.1  # as sure as it may be, even of the rows that it learned


def test_reasons_of_a_calibrated_line_are_the_lines_own(repeated):
    rules, table = repeated
    model = {"name": "calibrated", "settings": {"of": [{"name": "logistic", "settings": {}}], "method": "isotonic"}}
    fitted = fit(model, rules, table, np.arange(1000))
    assert method_of(fitted) == "exact"
    why = reasons(fitted, table.frame.iloc[:3], table.frame)
    assert all(w.base + w.total == pytest.approx(w.prediction, abs=1e-9) for w in why)
