"""What the dialog that begins a session says of a path while it is typed."""

import pandas as pd
import pytest

from tests.engine.data.formats.writers import csv, sqlite
from tui import peek

FRAME = pd.DataFrame({"age": [1, 2], "left": ["no", "yes"]})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """t.csv, shop.db with two tables, notes.doc, pictures in sub-folders, and an empty folder."""
    csv(tmp_path / "t.csv", FRAME)
    sqlite(tmp_path / "shop.db", FRAME)
    sqlite(tmp_path / "shop.db", FRAME, table="customers")
    (tmp_path / "notes.doc").write_text("x")
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "cat" / "1.png").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_completing_paths_and_tables(folder):
    assert peek.complete("") == ["empty/", "pets/", "shop.db", "t.csv"]
    assert peek.complete("s") == ["shop.db"]
    assert peek.complete("shop.db::") == ["shop.db::orders", "shop.db::customers"]
    assert peek.complete("shop.db::CU") == ["shop.db::customers"]
    assert peek.complete("none.db::") == []
    assert peek.complete("t.csv\0") == []


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("t.csv", ""),
        ("pets", ""),
        ("shop.db::orders", ""),
        ("shop.db::select * from orders", ""),
        ("", "Write where your table lies"),
        ("none.csv", "There is no file none.csv."),
        ("none.db::orders", "There is no file none.db."),
        ("empty", "empty is a folder; choose a table in it."),
        ("shop.db", "shop.db holds 2 tables; name one, such as shop.db::orders."),
        ("shop.db::ordres", "shop.db has no table ordres; it has orders, customers."),
        ("n" * 5000, "There is no file"),
    ],
)
def test_what_is_wrong_with_a_path(folder, typed, says):
    found = peek.problem(typed)
    assert found == "" if not says else found.startswith(says)


def test_columns(folder):
    assert peek.columns(folder / "shop.db::customers") == ["age", "left"]
    assert peek.columns(folder / "pets") == []
