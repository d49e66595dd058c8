"""Where data lie: a path, a part of a database, a folder; whatever is typed comes back as it was."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.address import exists, files_of, name_of, path_of, split, stamp
from engine.data.formats import folder_format
from engine.errors import DataProblem


@pytest.mark.parametrize(
    ("typed", "file", "part"),
    [
        ("shop.db::orders", "shop.db", "orders"),
        ("a/shop.db::select a/b from t", "a/shop.db", "select a/b from t"),
        (
            "shop.db::select * from t where url like 'http://x%'",
            "shop.db",
            "select * from t where url like 'http://x%'",
        ),
        ("shop.db::select 1 // 2 /./ 3/", "shop.db", "select 1 // 2 /./ 3/"),
        ("shop.db::select '%2F'", "shop.db", "select '%2F'"),
        ("plain.csv", "plain.csv", ""),
        ("x.db::", "x.db", ""),
    ],
)
def test_an_address_is_kept_to_the_letter(typed, file, part):
    assert split(path_of(typed)) == (Path(file), part)
    assert split(Path(str(path_of(typed))).absolute())[1] == part


@given(part=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_any_query_survives_being_a_path(part):
    if not part.strip().startswith("%"):  # how a part begins that is kept by other means
        assert split(Path(path_of(f"shop.db::{part}")).absolute())[1] == part.strip()


def test_a_file_that_has_the_mark_in_its_name_is_that_file(tmp_path, monkeypatch):
    (tmp_path / "a::b.csv").write_text("x")
    assert split(tmp_path / "a::b.csv") == (tmp_path / "a::b.csv", "")
    assert exists(tmp_path / "a::b.csv")
    assert not exists(tmp_path / "b::c.csv")
    assert not exists(tmp_path / ("b::" + "select " * 1000))
    assert name_of(tmp_path / "s.db::select a/b") == "s.db::select a/b"


def test_a_stamp_changes_with_what_it_stamps(tmp_path):
    file = tmp_path / "s.db"
    file.write_text("abc")
    first = stamp(f"{file}::orders")
    assert first == (3, file.stat().st_mtime_ns) == stamp(file)
    (tmp_path / "s.db-wal").write_text("")
    assert stamp(file) == first  # an empty log holds nothing
    (tmp_path / "s.db-wal").write_text("more")
    assert stamp(file) != first


def test_a_folder_s_stamp_takes_in_names_sizes_and_times(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(b"12")
    (tmp_path / "2.png").write_bytes(b"3")
    (tmp_path / ".hidden").write_bytes(b"3")
    assert files_of(tmp_path) == ["2.png", "cat/1.png"]
    first = stamp(tmp_path)
    assert first[0] == 3
    os.utime(tmp_path / "2.png", ns=(1, 1))
    touched = stamp(tmp_path)
    (tmp_path / "2.png").rename(tmp_path / "3.png")
    assert len({first, touched, stamp(tmp_path)}) == 3


def test_what_a_folder_holds(tmp_path):
    def folder(name, *files):
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
        return tmp_path / name

    assert folder_format(folder("a", "cat/1.png", "dog/2.JPG", "labels.csv")).key == "images"
    assert folder_format(folder("b", "good/1.txt", "bad/2.txt")).key == "texts"
    with pytest.raises(DataProblem, match=r"name one data file in it, such as (t.csv|u.parquet)"):
        folder_format(folder("c", "t.csv", "u.parquet"))
    with pytest.raises(DataProblem, match="neither pictures nor texts"):
        folder_format(folder("d", "run.sh"))
