"""Settings are searched inside the training part: what is tried, what is taken, and what the search never sees."""

import dataclasses
import json

import numpy as np
import pytest

from engine.data.table import load
from engine.errors import Cancelled, UsageProblem
from engine.evaluation.bench import open_bench
from engine.evaluation.crossval import cross_validate
from engine.evaluation.tuning import fit_tuned, gathered, search, tune
from engine.models.catalogue import as_model, key_of, spec_of
from engine.models.composed import Composed
from engine.models.final import final
from engine.models.fitting import fit
from engine.models.persist import loads
from engine.trials import one_by_one
from tests.engine.tables import Memory, customers, recipe, sales, series_recipe

SETTINGS = {"trials": 6, "folds": 3, "draw": 0}


def tuned(name, **settings):
    return {"name": "tuned", "settings": {"of": [as_model(name)], **settings}}


@pytest.fixture
def table(tmp_path):
    return load(customers(tmp_path / "t.csv", 240), recipe())


def test_the_search_never_sees_the_rows_that_the_model_is_asked_about(table):
    """Labels and inputs outside the training part are poisoned: every figure of the search stays as it was."""
    train = np.arange(150)
    y = table.y.copy()
    y[150:] = 1 - y[150:]
    frame = table.frame.copy()
    frame.loc[frame.index[150:], "age"] = 1e6
    poisoned = dataclasses.replace(table, y=y, frame=frame)
    one, two = (fit(tuned("logistic"), recipe(), t, train, 3) for t in (table, poisoned))
    assert one.found == two.found
    assert np.array_equal(one.scores(table.frame), two.scores(table.frame))
    inside = table.y.copy()
    inside[:10] = 1 - inside[:10]
    other = fit(tuned("logistic"), recipe(), dataclasses.replace(table, y=inside), train, 3)
    assert other.found != one.found, "it does read the labels inside"


def test_what_was_tried_is_told_with_its_hypothesis_and_result(table):
    found, seconds = search(as_model("logistic"), recipe(), table, np.arange(200), 3, SETTINGS)
    json.dumps(found, allow_nan=False)
    assert seconds > 0
    assert [t["values"]["C"] for t in found["trials"]][:6] == [1.0, 0.1, 10.0, 0.01, 100.0, 0.001]
    assert found["trials"][0]["gain"] == 0
    assert all(len(t["scores"]) == 3 for t in found["trials"])
    best, taken = found["trials"][found["best"]], found["trials"][found["taken"]]
    assert best["value"] == max(t["value"] for t in found["trials"])
    assert found["values"] == taken["values"]
    assert taken["values"]["C"] <= best["values"]["C"], "R4: of those within one standard error the simplest"
    assert found["trials"][1]["hypothesis"].startswith("a stronger penalty")
    again, _ = search(as_model("logistic"), recipe(), table, np.arange(200), 3, SETTINGS)
    assert again == found


def test_only_the_better_half_goes_on_and_the_default_always(table):
    found, _ = search(as_model("boosting", {"max_iter": 10}), recipe(), table, np.arange(200), 0,
                      {"trials": 16, "folds": 3, "draw": 0})  # fmt: skip
    drawn = found["trials"][:16]
    taken_exams = [sum(u is not None for u in t["scores"]) for t in drawn]
    assert taken_exams[0] == 3
    assert sorted(taken_exams, reverse=True).count(3) in (6, 7)  # 16, then 8 or 9, then 6 or 7 with the default
    after_one = sorted(t["scores"][0] for t in drawn)
    dropped = [t["scores"][0] for t, n in zip(drawn[1:], taken_exams[1:], strict=True) if n == 1]
    assert max(dropped) <= after_one[-8]


def test_a_best_value_at_the_end_is_looked_past_once(tmp_path):
    """Columns of pure noise: the strongest penalty is best, so one stronger still is tried, and no more."""
    path = customers(tmp_path / "t.csv", 240, seed=1)
    told = recipe(types={"income": "number", "zip": "category"}, metric="log_loss")
    found, _ = search(as_model("logistic"), told, load(path, told), np.arange(240), 0, SETTINGS)
    assert found["widened"]
    assert found["trials"][-1]["values"] == {"C": 0.0001}
    assert len(found["trials"]) == 7
    assert found["values"]["C"] <= 0.001


def test_a_tuned_model_is_its_part_with_the_settings_found(table, tmp_path):
    train = np.arange(200)
    fitted = fit(tuned("logistic"), recipe(), table, train, 3)
    by_hand = fit(as_model("logistic", fitted.found["values"]), recipe(), table, train, 3)
    assert not isinstance(fitted, Composed)
    assert np.array_equal(fitted.scores(table.frame), by_hand.scores(table.frame))
    fixed = fit(tuned("logistic", found={"C": 0.1}), recipe(), table, train, 3)
    assert fixed.found == {}
    assert fixed.settings["C"] == 0.1
    assert spec_of(tuned("boosting")).tier == "T4"
    assert spec_of(tuned("logistic")).title == "Logistic regression, tuned"
    assert spec_of(tuned("logistic")).readable
    assert key_of(tuned("boosting")) == "tuned:boosting"
    ctx = Memory(customers(tmp_path / "t.csv", 240))
    params = {"recipe": recipe(), "model": tuned("logistic"), "threshold": None}
    left = final(params, ctx)
    assert left["artifact"] == final(params, ctx)["artifact"]
    whole = fit(tuned("logistic"), recipe(), table, np.arange(len(table.y)), ctx.seed)
    assert np.array_equal(loads(ctx.fetch(left["artifact"])).fitted.scores(table.frame), whole.scores(table.frame))


def test_the_exams_tell_how_often_each_setting_was_taken(tmp_path):
    ctx = Memory(customers(tmp_path / "t.csv", 240))
    value = cross_validate({"recipe": recipe(), "model": tuned("tree", trials=3)}, ctx)
    json.dumps(value, allow_nan=False)
    told = value["search"]
    assert told["searches"] == value["J"] == sum(t["taken"] for t in told["trials"])
    assert [t["tried"] for t in told["trials"]] == [value["J"]] * 3
    assert value["failures"] == []


def test_gathering_counts_settings_tried_in_some_exams_only():
    def trial(c, gain):
        return {
            "values": {"C": c},
            "scores": [0.5, None],
            "value": None,
            "hypothesis": "h",
            "gain": gain,
            "held": gain > 0,
        }

    one = {"metric": "auc", "taken": 0, "widened": False, "trials": [trial(1.0, 0.0)]}
    two = {"metric": "auc", "taken": 1, "widened": True, "trials": [trial(1.0, 0.0), trial(9.0, 0.2)]}
    told = gathered([one, two])
    assert [(t["values"]["C"], t["tried"], t["taken"], t["held"]) for t in told["trials"]] == [
        (1.0, 2, 1, 0),
        (9.0, 1, 1, 1),
    ]
    assert told["widened"] == 1


def test_settings_that_fail_are_never_taken(table, monkeypatch):
    from engine.evaluation import tuning

    def fragile(model, *more, **named):
        if model["settings"]["C"] < 1:
            raise FloatingPointError("no")
        return fit(model, *more, **named)

    monkeypatch.setattr(tuning, "fit", fragile)
    found, _ = search(as_model("logistic"), recipe(), table, np.arange(200), 3, SETTINGS)
    assert found["values"]["C"] >= 1
    assert found["trials"][1]["value"] is None


def test_tuned_once_on_the_first_training_part(tmp_path):
    ctx = Memory(customers(tmp_path / "t.csv", 240))
    params = {"recipe": recipe(), "model": as_model("logistic"), "trials": 4, "folds": 3}
    found = tune(params, ctx)
    assert found["rows"] == 128
    assert found["values"] in [t["values"] for t in found["trials"]]
    stopped = Memory(ctx.path, stop_after=3)
    with pytest.raises(Cancelled):
        tune(params, stopped)


def test_a_forecast_is_searched_in_the_order_of_time(tmp_path):
    told, path = series_recipe(), sales(tmp_path / "t.csv")
    table = load(path, told)
    told |= table.of_rows
    fitted = fit_tuned(tuned("tree", trials=3), told, table, np.arange(len(table.y) // 2), 0)
    assert len(fitted.found["trials"]) == 3


def test_a_model_without_knobs_is_refused(table):
    with pytest.raises(UsageProblem, match="has no settings to search"):
        search(as_model("naive_bayes"), recipe(), table, np.arange(100), 0, SETTINGS)


def test_side_by_side_comes_to_the_same_figures(tmp_path):
    """The search of the trial falls into parts, which may be computed anywhere and in any order."""
    ctx = Memory(customers(tmp_path / "t.csv", 240))
    params = {"recipe": recipe(), "model": as_model("boosting", {"max_iter": 10}), "trials": 7, "folds": 3}
    found = tune(params, ctx)
    table = load(ctx.path, recipe())
    seen = open_bench(params, ctx).splits.folds[0][0]
    alone, _ = search(params["model"], recipe(), table, seen, ctx.seed, {"trials": 7, "folds": 3, "draw": 0})
    assert {name: found[name] for name in alone} == alone
    backwards = Backwards(ctx.path)
    assert {**tune(params, backwards), "seconds": 0} == {**found, "seconds": 0}
    assert backwards.most > 1, "several parts at once"


class Backwards(Memory):
    """Parts are done in another order than they were asked for."""

    most = 0

    def parts(self, division):
        self.most = max(self.most, len(division.parts))
        return reversed(list(one_by_one(self, division)))
