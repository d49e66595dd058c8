"""Parquet and Arrow: typed columns read as a CSV of the same table, and what is cut off or hostile is said."""

from __future__ import annotations

import datetime as dt
import gzip

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.data import typed
from engine.data.read import chunks, read, sniff
from engine.data.settings import ReadSettings
from engine.errors import DataProblem
from tests.engine.data.formats.writers import WRITERS

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
MOMENT = dt.datetime(2026, 1, 2, 8, 30)


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        ([1, None], pa.int8(), ["1", None]),
        ([2**64 - 1, 0], pa.uint64(), [str(2**64 - 1), "0"]),
        ([1.0, 0.1, float("nan"), 1e300], pa.float64(), ["1", "0.1", None, "1e+300"]),
        ([0.1, 2.0], pa.float32(), ["0.1", "2"]),
        ([0.5, 2.0], pa.float16(), ["0.5", "2"]),
        ([True, None, False], pa.bool_(), ["True", None, "False"]),
        ([" x", "NA", ""], pa.large_string(), ["x", None, None]),
        (["x", None], pa.string_view(), ["x", None]),
        (["x", None, "x"], pa.dictionary(pa.int8(), pa.string()), ["x", None, "x"]),
        ([b"x", b"y"], pa.binary(), ["x", "y"]),
        ([b"\xff\xfe", b"y"], pa.large_binary(), ["2 bytes", "y"]),
        ([MOMENT, None], pa.timestamp("ns"), ["2026-01-02 08:30:00", None]),
        ([MOMENT], pa.timestamp("ms", "Europe/Oslo"), ["2026-01-02 08:30:00"]),
        ([MOMENT.date()], pa.date32(), ["2026-01-02"]),
        ([MOMENT.date()], pa.date64(), ["2026-01-02"]),
        ([MOMENT.time()], pa.time64("us"), ["08:30:00"]),
        ([dt.timedelta(hours=3)], pa.duration("s"), ["3:00:00"]),
        ([[1, None], None], pa.list_(pa.int64()), ["[1, null]", None]),
        ([{"a": "ø"}], pa.struct([("a", pa.string())]), ['{"a": "ø"}']),
        ([None, None], pa.null(), [None, None]),
    ],
)
def test_columns_of_every_type(tmp_path, values, kind, cells):
    table = pa.table({"id": list(range(len(values))), "c": pa.array(values, kind)})
    with pa.OSFile(str(tmp_path / "t"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    raw = read(tmp_path / "t")
    assert raw.cells("c").to_pylist() == cells
    if pa.types.is_nested(kind):
        assert raw.warnings == ["Lists or records inside cells are read as JSON text: 'c'."]


@pytest.mark.parametrize("kind", [pa.int32(), pa.uint64(), pa.float64(), pa.float32(), pa.decimal128(9, 2), pa.bool_()])
@pytest.mark.parametrize("marks", [[], ["2"], ["2.0", "x"]])
def test_numbers_are_those_of_their_text(kind, marks, tmp_path):
    table = pa.table({"c": pa.array([0, 1, 2, None], pa.float64()).cast(kind), "id": [1, 2, 3, 4]})
    pq.write_table(table, tmp_path / "t")
    table = table.set_column(0, "c", typed.as_text(table.column("c")))
    pq.write_table(table, tmp_path / "text")
    straight, round_about = read(tmp_path / "t"), read(tmp_path / "text")
    np.testing.assert_array_equal(straight.numbers("c", marks)[0], round_about.numbers("c", marks)[0])
    assert straight.numbers("c", marks)[1] == round_about.numbers("c", marks)[1]


def test_infinite_numbers_are_no_numbers_in_any_form(tmp_path):
    frame = pd.DataFrame({"a": [1.0, np.inf, -np.inf], "b": [1, 2, 3]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    one, other = read(tmp_path / "t.parquet").numbers("a"), read(tmp_path / "t.csv").numbers("a")
    assert one[1] == other[1] == {"inf": 1, "-inf": 1}


def test_texts_in_a_typed_table_keep_their_notation(tmp_path):
    frame = pd.DataFrame({"t": ["1.234,5", "12,5", "0,25"], "x": [1.234, 2.5, 1000.0]})
    frame.to_parquet(tmp_path / "t")
    raw = read(tmp_path / "t")
    assert (raw.settings.decimal, raw.settings.thousands) == (",", ".")
    assert list(raw.numbers("t")[0]) == [1234.5, 12.5, 0.25]
    assert list(raw.numbers("x")[0]) == [1.234, 2.5, 1000.0]
    assert raw.cells("x").to_pylist() == ["1,234", "2,5", "1000"]  # as a CSV of this notation would have it


def test_names_with_points_and_columns_beside_nested_ones(tmp_path):
    table = pa.table({"a": [{"b": 1}, {"b": 2}], "a.b": [3, 4], "a.c": ["x", "y"]})
    pq.write_table(table, tmp_path / "t")
    raw = read(tmp_path / "t", columns=["a.b"])
    assert raw.cells("a.b").to_pylist() == ["3", "4"]
    assert read(tmp_path / "t").cells("a").to_pylist() == ['{"b": 1}', '{"b": 2}']


@pytest.mark.parametrize("key", ["parquet", "feather", "arrows"])
def test_what_is_cut_off_is_said(tmp_path, key):
    WRITERS[key](tmp_path / "t", FRAME)
    whole = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(DataProblem, match=r"cut off"):
        read(tmp_path / "t")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PARE" + bytes(100) + b"PARE", "an encrypted Parquet file"),
        (b"PAR1" + bytes(20) + b"\xff\xff\xff\x00PAR1", "its description is longer than the file"),
        (b"FEA1" + bytes(100) + b"FEA1", "Feather file of the first version"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, content, says):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(DataProblem, match=says):
        read(tmp_path / "t")


def test_a_small_file_of_endless_rows_is_refused_before_it_is_read(tmp_path, monkeypatch):
    pq.write_table(pa.table({"a": pa.array(np.zeros(2_000_000, dtype=np.int64))}), tmp_path / "t")
    settings = sniff(tmp_path / "t")
    known = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: known._replace(total=1 << 24))
    with pytest.raises(DataProblem, match="does not fit into this machine's memory"):
        read(tmp_path / "t")
    assert sum(part.rows for part in chunks(tmp_path / "t", settings, ["a"])) == 2_000_000  # piece by piece it is read


def test_two_columns_of_a_name_are_refused(tmp_path):
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "t")
    with pytest.raises(DataProblem, match="2 columns are called 'a', number 1 and 2"):
        read(tmp_path / "t")


def test_a_table_packed_twice_is_named(tmp_path):
    WRITERS["parquet"](tmp_path / "t", FRAME)
    (tmp_path / "t.gz").write_bytes(gzip.compress((tmp_path / "t").read_bytes()))
    with pytest.raises(DataProblem, match="holds a Parquet file, packed as gzip: unpack it"):
        read(tmp_path / "t.gz")


def test_a_form_that_was_said_and_is_not_there(tmp_path):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    for form in ("parquet", "arrow", "excel", "sqlite", "duckdb"):
        with pytest.raises(DataProblem) as caught:
            read(tmp_path / "t.csv", ReadSettings(format=form))
        assert "\n" not in str(caught.value)
