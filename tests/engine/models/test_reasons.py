"""Why one prediction: exact where it can be, and measured where it is an approximation."""

import numpy as np
import pytest

from engine.data.table import load
from engine.models.catalogue import as_model
from engine.models.fitting import fit
from engine.models.reasons import effects_of, fidelity, method_of, reasons
from tests.engine.tables import customers, recipe

LINE = {"binary": "logistic", "multiclass": "logistic", "regression": "ridge"}


def fitted(path, name, task, **changes):
    rules = recipe(task, **changes)
    table = load(customers(path, 400, task=task), rules)
    return fit(as_model(name), rules, table, np.arange(len(table.y))), table.frame


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_of_a_line_the_parts_add_up_to_what_it_says(task, tmp_path):
    model, frame = fitted(tmp_path / "t.csv", LINE[task], task)
    rows = frame.iloc[:30]
    found = reasons(model, rows, frame, top=1000)
    assert method_of(model) == "exact"
    said = model.scores(rows)
    for i, why in enumerate(found):
        assert why.base + why.total == pytest.approx(why.prediction, abs=1e-9)
        assert why.base + sum(r.effect for r in why.reasons) == pytest.approx(why.prediction, abs=1e-9)
        if task == "binary":
            assert 1 / (1 + np.exp(-why.prediction)) == pytest.approx(said[i, 1], abs=1e-12)
            assert why.label == "leave"
        elif task == "regression":
            assert why.prediction == pytest.approx(said[i], abs=1e-9)
        else:
            assert why.label == model.labels[int(said[i].argmax())]


def test_of_a_line_on_logarithms_the_parts_are_factors(tmp_path):
    model, frame = fitted(tmp_path / "t.csv", "ridge", "regression", prepare={"target": "log1p"})
    why = reasons(model, frame.iloc[:5], frame)[0]
    assert why.unit == "log"
    assert np.expm1(why.prediction) == pytest.approx(model.scores(frame.iloc[:1])[0])
    assert all(": ×" in r.words for r in why.reasons)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_of_a_tree_the_path_leads_from_the_root_to_the_leaf(task, tmp_path):
    model, frame = fitted(tmp_path / "t.csv", "tree", task)
    said = model.scores(frame.iloc[:30])
    for i, why in enumerate(reasons(model, frame.iloc[:30], frame, top=1000)):
        assert why.method == "path"
        assert why.base + why.total == pytest.approx(why.prediction, abs=1e-9)
        wanted = said[i] if task == "regression" else said[i, 1] if task == "binary" else said[i].max()
        assert why.prediction == pytest.approx(wanted, abs=1e-9)


def test_the_tests_of_a_path_hold_for_the_row(tmp_path):
    model, frame = fitted(tmp_path / "t.csv", "tree", "regression")
    known = frame[frame["age"].notna()].iloc[:40]
    for i, why in enumerate(reasons(model, known, frame)):
        for r in why.reasons:
            if r.columns == ("age",) and "≤" in r.words and "<" not in r.words:
                assert known["age"].iloc[i] <= float(r.words.split("≤ ")[1].split(":")[0]) + 0.5


def test_an_approximation_finds_what_matters_and_says_how_well_it_tells(tmp_path):
    model, frame = fitted(tmp_path / "t.csv", "boosting", "binary")
    rows = frame.iloc[:100]
    found = reasons(model, rows, frame)
    assert {why.method for why in found} == {"approximation"}
    first = [why.reasons[0].columns[0] for why in found if why.reasons]
    assert np.mean([c in ("age", "plan") for c in first]) > 0.8  # the target was made of these two
    faithful = fidelity(model, frame, frame)
    assert faithful is not None
    assert faithful > 0.9
    assert fidelity(fitted(tmp_path / "u.csv", "logistic", "binary")[0], frame, frame) == 1.0


def test_of_a_line_replacing_a_column_gives_the_exact_effect(tmp_path):
    """With every row as background the approximation of a linear model is its own contribution."""
    model, frame = fitted(tmp_path / "t.csv", "ridge", "regression")
    rows, background = frame.iloc[:10], frame.iloc[:50]
    _, effects = effects_of(model, rows, background, [[c] for c in model.columns])
    exact = reasons(model, rows, background, top=1000)
    for i, why in enumerate(exact):
        of = {r.columns[0]: r.effect for r in why.reasons if len(r.columns) == 1 and r.columns[0] != "note"}
        for c, column in enumerate(model.columns):
            if column in of:
                assert effects[i, c, 0] == pytest.approx(of[column], abs=1e-6), column


def test_words_say_the_value_and_what_it_did(tmp_path):
    model, frame = fitted(tmp_path / "t.csv", "logistic", "binary")
    known = frame[frame["plan"].notna() & frame["age"].notna()].iloc[:1]
    words = [r.words for why in reasons(model, known, frame, top=9) for r in why.reasons]
    age = next(w for w in words if w.startswith("age = "))
    assert age.startswith(f"age = {known['age'].iloc[0]:g}: odds × ")
    assert any(w.startswith("plan = ") for w in words)
