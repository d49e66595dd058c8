"""Which answers a person should see: known cases, and what holds for any model."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from engine.evaluation.crossval import cross_validate
from engine.evaluation.guard import SHARES, guard, sureness, unusual
from engine.models.catalogue import as_model
from tests.engine.export.leaving import PLAIN
from tests.engine.tables import Memory, customers, recipe


def test_inputs_where_hardly_any_row_lay_are_counted():
    rng = np.random.default_rng(0)
    known = pd.DataFrame(
        {"a": rng.normal(size=5000), "b": ["x"] * 4999 + ["rare"], "c": [f"text {i}" for i in range(5000)]}
    )
    rows = pd.DataFrame(
        {"a": [0.0, 9.0, np.nan, -9.0], "b": ["x", "rare", None, "new"], "c": ["text 1", "other", "other", None]}
    )
    assert unusual(known, rows).tolist() == [0, 2, 0, 2]


def test_sureness_is_the_way_to_the_cut_or_to_the_next_class():
    two = np.array([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
    assert sureness(two, 0.4) == pytest.approx([0.25, 2 / 3, 0.0])
    assert sureness(two, None) == pytest.approx([0.4, 0.6, 0.2])
    assert sureness(np.array([[0.2, 0.5, 0.3]]), None) == pytest.approx([0.2])


@pytest.mark.parametrize(("task", "threshold"), [("binary", 0.4), ("multiclass", None)])
def test_more_rows_to_a_person_hold_more_of_the_errors(task, threshold, tmp_path):
    ctx = Memory(customers(tmp_path / "t.csv", 400, task=task))
    asked, model = recipe(task, types=PLAIN), as_model("logistic")
    ctx.known["exams"] = cross_validate({"recipe": asked, "model": model}, ctx)
    ctx.uses = ("exams",)
    found = guard({"recipe": asked, "model": model, "threshold": threshold}, ctx)
    json.dumps(found, allow_nan=False)
    assert found["rows"] == 320
    assert [row["share"] for row in found["shares"]] == list(SHARES)
    held, stopped = ([row[key] for row in found["shares"]] for key in ("errors", "rows"))
    assert held == sorted(held)
    assert stopped == sorted(stopped)
    assert held[-1] / found["errors"] > stopped[-1] / found["rows"], "least sure rows are wrong more often"
    assert found["shares"][-1]["rest"] < found["errors"] / found["rows"]


def test_numbers_have_no_sureness_and_are_stopped_for_their_inputs(tmp_path):
    ctx = Memory(customers(tmp_path / "t.csv", 200, task="regression"))
    asked, model = recipe("regression", types=PLAIN), as_model("ridge")
    ctx.known["exams"] = cross_validate({"recipe": asked, "model": model}, ctx)
    ctx.uses = ("exams",)
    found = guard({"recipe": asked, "model": model, "threshold": None}, ctx)
    assert found["shares"] == []
    assert found["errors"] == 16  # the upper tenth of 160 rows
    assert found["unusual"]["rows"] <= 5
