"""JSON rows: keys are columns, nested values become text, and Arrow's fast reader gives what reading by line gives."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.formats import jsonlines
from engine.data.read import chunks, read
from engine.data.settings import ReadSettings
from engine.errors import DataProblem

JSONL = ReadSettings(format="jsonl")


def lines(path, *rows) -> None:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")


def test_keys_that_come_and_go(tmp_path):
    lines(tmp_path / "t", {"a": 1, "b": "x"}, {"b": "y", "c": 2.5}, {})
    raw = read(tmp_path / "t")
    assert raw.names == ["a", "b", "c"]
    assert [raw.cells(name).to_pylist() for name in raw.names] == [
        ["1", None, None],
        ["x", "y", None],
        [None, "2.5", None],
    ]


def test_nested_values_are_json_text_and_said(tmp_path):
    lines(tmp_path / "t", {"a": 1, "b": {"c": [1, "ø"]}}, {"a": 2, "b": None})
    raw = read(tmp_path / "t")
    assert raw.cells("b").to_pylist() == ['{"c": [1, "ø"]}', None]
    assert raw.warnings == ["Lists or records inside cells are read as JSON text: 'b'."]


def test_texts_keep_their_letters(tmp_path):
    lines(
        tmp_path / "t",
        {"zip": "0123", "day": "2026-01-02", "n": "1.50"},
        {"zip": "0456", "day": "2026-01-03", "n": "2"},
    )
    raw = read(tmp_path / "t")
    assert [raw.cells(name)[0].as_py() for name in raw.names] == ["0123", "2026-01-02", "1.50"]


def test_bad_lines_are_counted_and_refused_for_predictions(tmp_path):
    lines(tmp_path / "t", *[{"a": i, "b": 2} for i in range(50)], '{"a": 1, "b"', "7", {"a": 3, "b": 4})
    raw = read(tmp_path / "t")
    assert (raw.rows, raw.bad_lines) == (51, 2)
    assert "2 of 53 lines are left out: they are no JSON objects" in raw.warnings[0]
    with pytest.raises(DataProblem, match=r"line 51 is no JSON object \('{\"a\": 1, \"b\"'\)"):
        list(chunks(tmp_path / "t", raw.settings, ["a"]))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1, 2", "but no rows"),
        ('[{"a": 1}, {"a": ', "begins as a JSON array, and cannot be read as one"),
        ("[]", "no JSON objects"),
        ('{"a": 1}\n' + "7\n" * 9, "most of its lines are no objects"),
        ('{"a": ' * 3000, "JSON"),
        ('[{"a":' * 30000, "cannot be read as one"),
    ],
)
def test_json_that_is_no_table(tmp_path, content, says):
    (tmp_path / "t").write_text(content)
    with pytest.raises(DataProblem, match=says):
        read(tmp_path / "t")


def test_keys_that_are_data_are_refused(tmp_path):
    lines(tmp_path / "t", {f"customer {i}": i for i in range(jsonlines.MOST_COLUMNS + 1)}, {"a": 1})
    with pytest.raises(DataProblem, match="are they data, and no names"):
        read(tmp_path / "t")


VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=6)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1, max_size=3)
KINDS = st.sampled_from(
    [st.integers(-5, 5), st.floats(-9, 9), st.text(max_size=4), st.booleans(), st.just("2026-01-02")]
)
EVEN = KINDS.flatmap(
    lambda kind: st.lists(st.fixed_dictionaries({"a": kind, "b": st.none() | kind}), min_size=1, max_size=9)
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(OBJECTS, min_size=1, max_size=9) | EVEN)
def test_the_fast_way_reads_as_the_careful_one(tmp_path, rows):
    lines(tmp_path / "t", *rows)
    raw = read(tmp_path / "t", JSONL)
    careful, _ = jsonlines._careful(tmp_path / "t", JSONL, None, False)
    fast = jsonlines._fast(tmp_path / "t", JSONL)
    assert careful.column_names == raw.names
    if fast is not None:
        assert fast.column_names == careful.column_names
        assert fast.to_pylist() == careful.to_pylist()


def test_even_rows_do_take_the_fast_way(tmp_path):
    lines(tmp_path / "t", *[{"a": i, "b": f"{i}", "c": i / 4, "d": True} for i in range(9)])
    assert jsonlines._fast(tmp_path / "t", JSONL) is not None
