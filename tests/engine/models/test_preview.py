"""A few real rows before and after the preparation: readable, few, and never of the lockbox."""

import json

import numpy as np
import pytest

from engine.data.splitting import lockbox_and_plan
from engine.data.table import load
from engine.models.preview import LONGEST, preview
from tests.engine.tables import Memory, customers, recipe


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return customers(tmp_path_factory.mktemp("preview") / "t.csv", 200)


def shown(path, **params):
    ctx = Memory(path)
    told = preview({"recipe": recipe(), **params}, ctx)
    json.dumps(told, allow_nan=False)
    return told, json.loads(ctx.fetch(told["rows_digest"]))


@pytest.mark.parametrize("style", ["linear", "net", "tree", "native"])
def test_rows_before_and_after(path, style):
    told, parts = shown(path, style=style)
    assert told["before"] == 7
    assert told["after"] >= 7
    assert len(told["names"]) == min(told["after"], 60)
    assert 1 <= len(parts["before"]["rows"]) == len(parts["after"]["rows"]) <= 8
    for part in parts.values():
        assert all(len(row) == len(part["columns"]) for row in part["rows"])
        assert all(cell is None or isinstance(cell, (int, float)) or len(cell) <= LONGEST for row in part["rows"]
                   for cell in row)  # fmt: skip


def test_only_the_columns_asked_for_and_an_empty_cell_among_them(path):
    told, parts = shown(path, columns=["age"], style="linear")
    assert parts["before"]["columns"] == ["age"]
    assert parts["after"]["columns"] == ["age", "age is missing"]
    assert [None] in parts["before"]["rows"]
    filled = [
        row for row, before in zip(parts["after"]["rows"], parts["before"]["rows"], strict=True) if before == [None]
    ]
    assert all(row[1] == 1 and row[0] is not None for row in filled)
    assert set(told["names"]) == {"age", "age is missing"}


def test_names_of_bins_and_of_an_order_belong_to_their_column(path):
    order = {"ordered": {"plan": ["basic", "[red]pro", "gold, with extras"]}}
    plain = recipe(prepare={"numbers": {"bins": ["age"], "indicator": False}, "categories": order})
    assert set(shown(path, recipe=plain, columns=["plan"])[0]["names"]) == {"plan"}
    told, parts = shown(path, recipe=plain, columns=["age", "plan"])
    assert "plan" in parts["after"]["columns"]
    assert sum("age" in name for name in told["names"]) == 6, "the number and five bins"
    assert not any("income" in name for name in told["names"])
    assert set(told["names"]) - {n for n in told["names"] if "age" in n} == {"plan"}


def test_no_row_is_of_the_lockbox(path):
    table = load(path, recipe())
    locked = set(table.rows[lockbox_and_plan(table, recipe()).lockbox].tolist())
    told, parts = shown(path)
    assert not locked & set(told["rows"])
    first = table.frame.iloc[np.searchsorted(table.rows, told["rows"])]
    assert [row[0] for row in parts["before"]["rows"]] == [None if np.isnan(v) else v for v in first["age"]]
