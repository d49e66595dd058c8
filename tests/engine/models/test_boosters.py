"""LightGBM and CatBoost as text: the same again from it, and categories as categories."""

import json
import subprocess
import sys

import numpy as np
import pytest

from engine.errors import UsageProblem
from engine.models import boosters
from engine.models.catalogue import BY_NAME, as_model
from engine.models.setting import Setting

NAMES = ("lightgbm", "catboost")


def table(n=900, seed=0):
    """X: five columns, the first of codes, with holes; what it says of y: (n,)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    X[:, 0] = rng.integers(0, 12, n)
    X[rng.random((n, 5)) < 0.05] = np.nan
    said = np.nan_to_num(X[:, 1]) + 2.0 * np.isin(X[:, 0], [1, 4, 7, 10])
    return X, said, rng


def made(name, labels=(), codes=(0,), **settings):
    pytest.importorskip(name)
    spec = BY_NAME[name]
    task = "regression" if not labels else "binary" if len(labels) == 2 else "multiclass"
    return spec.builder()(Setting(task, spec.with_defaults(settings), 700, 5, tuple(labels), tuple(codes), 3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [0, 2, 3])
def test_learns_repeats_and_comes_back_from_its_text(name, k):
    X, said, rng = table()
    noisy = said + rng.normal(size=len(said)) / 2
    y = noisy if not k else np.digitize(noisy, [0.7] if k == 2 else [0.0, 1.5])
    labels = "abc"[:k]
    model, again = (made(name, labels).fit(X[:600], y[:600], X[600:700], y[600:700]) for _ in range(2))
    assert model.text_ == again.text_
    other = type(model)(**model.get_params())
    vars(other).update(model.__getstate__())
    assert not hasattr(other, "_booster"), "what is stored is the text"
    if k:
        p = model.predict_proba(X[700:])
        assert p.shape == (200, k)
        assert p.sum(axis=1) == pytest.approx(1)
        assert np.array_equal(p, other.predict_proba(X[700:]))
        assert (p.argmax(axis=1) == y[700:]).mean() > (0.8 if k == 2 else 0.7)
    else:
        assert np.array_equal(model.predict(X[700:]), other.predict(X[700:]))
        assert np.corrcoef(model.predict(X[700:]), said[700:])[0, 1] > 0.9
    assert 0 < model.rounds_ < 500, "it stopped when the inner rows stopped gaining"
    assert model.parameters_ > model.rounds_


@pytest.mark.parametrize("name", NAMES)
def test_its_text_says_what_the_library_says(name):
    X, said, _ = table()
    model = made(name).fit(X[:600], said[:600], X[600:700], said[600:700])
    if name == "lightgbm":
        import lightgbm as lgb

        theirs = lgb.Booster(model_str=model.text_).predict(X[700:])
        assert model.parameters_ == sum(
            tree["num_leaves"] for tree in lgb.Booster(model_str=model.text_).dump_model()["tree_info"]
        )
    else:
        text = json.loads(model.text_)
        assert "train_finish_time" not in text["model_info"]
        assert len(text["oblivious_trees"]) == model.rounds_
        assert sum(len(tree["leaf_values"]) for tree in text["oblivious_trees"]) == model.parameters_
        theirs = model.predict(X[700:])
    assert np.array_equal(model.predict(X[700:]), theirs)
    ones = np.concatenate([model.predict(X[[i]]) for i in range(700, 720)])
    assert np.array_equal(ones, model.predict(X[700:720]))


@pytest.mark.parametrize("name", NAMES)
def test_codes_are_levels_and_no_numbers(name):
    """Every third level is high: as codes a handful of cuts finds it, and a level never met is answered."""
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.integers(0, 30, 1500), rng.normal(size=1500)]).astype(float)
    y = (X[:, 0] % 3 == 0).astype(float)
    settings = {"max_iter": 25, "learning_rate": 0.3, "l2_regularization": 0.0} | (
        {"depth": 1} if name == "catboost" else {"max_leaf_nodes": 2}
    )
    errors = []
    for codes in ((0,), ()):
        model = made(name, codes=codes, **settings).fit(X[:1000], y[:1000], X[1000:1200], y[1000:1200])
        errors.append(np.abs(model.predict(X[1200:]) - y[1200:]).mean())
        assert np.isfinite(model.predict(np.array([[99.0, 0.0], [np.nan, 0.0]]))).all()
    assert errors[0] < 0.6 * errors[1]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_metric_rewards(name):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(1200, 5)), rng.exponential(size=1200)
    spans = []
    for settings in ({"loss": None}, {"loss": "absolute_error"}, {"loss": "quantile", "quantile": 0.9}):
        model = made(name, codes=(), **settings).fit(X[:1000], y[:1000], X[1000:], y[1000:])
        spans.append(np.median(model.predict(X)))
    assert spans[1] < spans[0] < spans[2]
    assert (spans[2] > y).mean() == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("name", NAMES)
def test_classes_that_the_training_part_lacks(name):
    X, said, _ = table(300)
    y = np.where(said > 1, 2, 0)
    model = made(name, "abc").fit(X[:200], y[:200], X[200:], np.where(np.arange(100) < 5, 1, y[200:]))
    assert model.classes_.tolist() == [0, 2]
    assert model.predict_proba(X).shape == (300, 2)
    one = made(name, "ab").fit(X[:200], np.zeros(200, int), X[200:], np.zeros(100, int))
    assert np.array_equal(one.predict_proba(X), np.ones((300, 1)))


def test_a_library_that_is_not_installed_is_said_so(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not BY_NAME["lightgbm"].available
    assert BY_NAME["boosting"].available
    with pytest.raises(UsageProblem, match=r"LightGBM is not installed here: pip install 'rungwise\[boosters\]'"):
        BY_NAME["lightgbm"].builder()
    assert as_model("catboost")["settings"]["depth"] == 6


def test_looking_for_them_imports_nothing():
    code = (
        "import sys; from engine.models.catalogue import MODELS; found = [s.name for s in MODELS if s.available]; "
        "print([m for m in ('lightgbm', 'catboost', 'numpy') if m in sys.modules], 'boosting' in found)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[] True"


def test_a_damaged_text_is_refused():
    from engine.errors import DataProblem

    with pytest.raises(DataProblem, match="cannot be read back"):
        boosters._settled("no model")


def test_the_order_in_which_levels_happen_to_be_listed_makes_no_other_model():
    levels = [{"hash": 593172586, "value": "3"}, {"hash": 12, "value": "7"}]
    one, other = ({"features_info": {"cat_features_hash": order}, "trees": [2, 1]} for order in (levels, levels[::-1]))
    assert boosters._settled(json.dumps(one)) == boosters._settled(json.dumps(other))
    assert '"trees":[2,1]' in boosters._settled(json.dumps(one))
