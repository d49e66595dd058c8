"""One contract for every model of the catalogue."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from engine.data.table import load
from engine.errors import UsageProblem
from engine.models.catalogue import BY_NAME, MODELS, as_model, model_spec, models_for
from engine.models.coefficients import coefficients
from engine.models.fitting import fit
from tests.engine.tables import customers, recipe, sales, series_recipe

RULE = {"rules": [{"when": "plan = 'basic' AND age > 50", "then": "stay"}, {"otherwise": "leave"}]}
NUMERIC_RULE = {"rules": [{"when": "age > 50", "then": 120}, {"otherwise": 90}]}
QUICK = {"epochs": 3, "patience": 2}


def settings_of(spec, task):
    if spec.name == "rule":
        if task == "multiclass":
            return {"rules": [{"when": "age > 60", "then": "high"}, {"otherwise": "low"}]}
        return NUMERIC_RULE if task == "regression" else RULE
    if spec.composed:
        linear = "logistic" if task in ("binary", "multiclass") else "ridge"
        return {"of": [as_model(name) for name in ("tree", linear)[: spec.members[0]]]}
    if spec.network:
        return QUICK | ({"widths": [16, 16]} if spec.tier == "T7" and not spec.material else {})
    own = {"forest": {"trees": 10}, "extra_trees": {"trees": 10}, "smoothing": {"season": 12}}
    return own.get(spec.name, {"percent": 5.0} if spec.name == "season_growth" else {})


CASES = [(s, t) for s in MODELS if not s.material for t in sorted(s.tasks)]  # of others see networks/test_families.py


@pytest.mark.parametrize(("spec", "task"), CASES, ids=[f"{s.name}-{t}" for s, t in CASES])
def test_fits_answers_and_repeats(spec, task, tmp_path):
    if spec.network:
        pytest.importorskip("torch")
    if spec.package:
        pytest.importorskip(spec.package)
    rules = series_recipe() if task == "forecast" else recipe(task)
    made = sales(tmp_path / "t.csv") if task == "forecast" else customers(tmp_path / "t.csv", 200, task=task)
    table = load(made, rules)
    rules |= table.of_rows
    train, test = np.arange(100), table.frame.iloc[100:150]
    model = {"name": spec.name, "settings": settings_of(spec, task)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (fit(model, rules, table, train, 3) for _ in range(2))
        a, b = first.scores(test), second.scores(test)
    assert np.array_equal(a, b), "the same seed gives the same answers to the bit"
    assert np.isfinite(a).all()
    if task in ("regression", "forecast"):
        assert a.shape == (50,)
    else:
        assert a.shape == (50, len(table.labels))
        assert np.allclose(a.sum(axis=1), 1)
    own_scale = task == "forecast" and (spec.prepare != "none" or spec.composed)
    prepared = first.prepared if isinstance(first.prepared, list) else [first.prepared]
    assert first.features == max(part.shape[1] for part in prepared) - 2 * own_scale
    learns = spec.name not in ("rule", "season_growth") and (task, spec.tier) != ("forecast", "T0")
    assert (first.parameters > 0) == learns


def test_declares_every_field():
    tiers = {f"T{i}" for i in range(9)}
    for spec in MODELS:
        assert spec.tier in tiers
        assert spec.tasks
        assert spec.why.endswith(".")
        assert spec.title
    assert len(BY_NAME) == len(MODELS)
    assert [s.name for s in models_for("regression", ("T0",))] == ["mean", "median", "quantile"]
    floors = [s.name for s in models_for("forecast", ("T0",))]
    assert floors == ["naive", "seasonal_naive", "drift", "series_mean"]


def test_says_what_there_is_instead():
    with pytest.raises(UsageProblem, match=r"no model 'oracle'.*logistic"):
        model_spec("oracle")
    with pytest.raises(UsageProblem, match=r"does not fit a regression task.*ridge"):
        model_spec("logistic", "regression")
    with pytest.raises(UsageProblem, match=r"no setting 'c'.*C, max_iter"):
        as_model("logistic", {"c": 1})


def test_naming_models_loads_no_library():
    code = (
        "import sys, engine.models.catalogue; "
        "print([m for m in ('numpy', 'pandas', 'sklearn', 'scipy', 'torch', 'keras') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_coefficients_are_named_and_sorted(tmp_path):
    rules = recipe()
    table = load(customers(tmp_path / "t.csv"), rules)
    fitted = fit(as_model("logistic"), rules, table, np.arange(len(table)), 0)
    told = coefficients(fitted, table.frame)
    assert len(told) == fitted.features
    assert {row["name"] for row in told[:3]} & {"age", "plan = basic"}
    sizes = [abs(row["per_sd"]) for row in told]
    assert sizes == sorted(sizes, reverse=True)
    assert coefficients(fit(as_model("tree"), rules, table, np.arange(len(table)), 0), table.frame) == []
