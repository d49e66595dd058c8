"""Which settings are searched: within their ranges, the simplest known, each with its hypothesis."""

import subprocess
import sys

import pytest

from engine.models.catalogue import as_model
from engine.models.knobs import (
    KNOBS,
    TRIALS,
    affordable,
    default_values,
    described,
    drawn,
    fits_needed,
    halved,
    hypothesis,
    simplicity,
    tunable,
    widened,
)


@pytest.mark.parametrize("name", KNOBS)
def test_every_model_with_knobs_starts_from_its_default_and_stays_in_range(name):
    model = as_model(name)
    found = drawn(model, TRIALS[name])
    assert found[0] == default_values(model)
    assert len(found) == TRIALS[name] == len({repr(values) for values in found})
    assert found == drawn(model, TRIALS[name]), "the same seed draws the same settings"
    for values in found[1:]:
        assert all(-1e-9 <= knob.place(values[knob.name]) <= 1 + 1e-9 for knob in KNOBS[name])
        assert hypothesis(model, values).split(":")[0] in {
            side.split(":")[0] for knob in KNOBS[name] for side in (knob.simpler, knob.richer)
        }
    assert hypothesis(model, found[0]) == "as it is without a search"


def test_simplest_first_is_the_stronger_penalty_and_the_fewer_leaves():
    logistic, boosting = as_model("logistic"), as_model("boosting")
    assert simplicity(logistic, {"C": 0.001}) < simplicity(logistic, {"C": 1.0})
    start = default_values(boosting)
    assert simplicity(boosting, {**start, "max_leaf_nodes": 7}) < simplicity(boosting, start)
    assert simplicity(boosting, {**start, "min_samples_leaf": 80}) < simplicity(boosting, start)
    assert simplicity(boosting, {**start, "l2_regularization": 9.0}) < simplicity(boosting, start)
    assert simplicity(as_model("knn"), {"k": 61}) < simplicity(as_model("knn"), {"k": 5})
    fewer = {**start, "max_leaf_nodes": 7, "l2_regularization": 0.5}
    assert hypothesis(boosting, fewer).startswith("fewer leaves: less to memorise; a weaker penalty")
    assert described(boosting, start) == "leaves 15, smallest leaf 20, penalty 1, step 0.05"


def test_a_best_value_at_the_end_of_its_range_is_looked_past():
    assert widened(as_model("logistic"), {"C": 0.001}, 6) == [{"C": 0.0001}]
    assert widened(as_model("logistic"), {"C": 100.0}, 6) == [{"C": 1000.0}]
    assert widened(as_model("logistic"), {"C": 1.0}, 6) == []
    assert widened(as_model("tree"), {"max_leaf_nodes": 16}, 3) == [], "more leaves would be another tier"
    boosting = as_model("boosting")
    inside = {"max_leaf_nodes": 20, "min_samples_leaf": 20, "l2_regularization": 3.0, "learning_rate": 0.05}
    assert widened(boosting, inside, 40) == []
    past = widened(boosting, {**inside, "max_leaf_nodes": 62}, 40)
    assert past[0]["max_leaf_nodes"] == 127
    assert len(past) == 4
    assert all(62 < values["max_leaf_nodes"] <= 127 and values["learning_rate"] == 0.05 for values in past)
    assert len(widened(boosting, {**inside, "max_leaf_nodes": 62}, 6)) == 2
    both = widened(boosting, {**inside, "min_samples_leaf": 5, "learning_rate": 0.02}, 40)
    assert {values["min_samples_leaf"] for values in both} > {2}
    assert min(values["learning_rate"] for values in both) == 0.01


def test_the_budget_counts_every_fit_of_a_search():
    logistic = as_model("logistic")
    assert halved(6) == 6
    assert halved(40) == 20
    assert fits_needed(logistic, 6, 3) == 6 * 3 + 3 + 1
    assert fits_needed(as_model("boosting"), 40, 3) == 40 + 20 + 10 + 10 * 3 + 1
    assert affordable(logistic, 3, 1000) == 6
    assert affordable(logistic, 3, 15) == 3
    assert affordable(logistic, 3, 5) == 0
    assert not tunable(as_model("ridge")), "it chooses its penalty in every fit"


def test_naming_knobs_loads_no_library():
    code = "import sys, engine.models.knobs; print([m for m in ('numpy', 'sklearn') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
