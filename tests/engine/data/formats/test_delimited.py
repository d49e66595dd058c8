"""Lines are told apart the quick way only where no cell can hold a line's end."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.formats import delimited
from engine.data.opening import PIECE, WINDOW, scan
from engine.data.read import ReadSettings, read
from engine.errors import DataProblem

CELL = st.text(st.sampled_from('ab1" \n'), max_size=6)
QUIETLY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def said(path, settings: ReadSettings):
    try:
        raw = read(path, settings)
    except DataProblem as problem:
        return str(problem)
    return raw.names, raw.bad_lines, [raw.as_written(name).to_pylist() for name in raw.names]


@QUIETLY
@given(
    header=st.tuples(CELL, CELL),
    rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=40),
    quoting=st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONE)),
    quote=st.sampled_from(('"', "")),
)
def test_the_quick_way_reads_the_same(tmp_path, monkeypatch, header, rows, quoting, quote):
    path = tmp_path / "t.csv"
    lines = ([f"a{header[0]}", f"b{header[1]}"], *rows)
    if quoting == csv.QUOTE_NONE:
        path.write_text("\n".join(",".join(line) for line in lines) + "\n", newline="")
    else:
        with path.open("w", newline="") as stream:
            csv.writer(stream, quoting=quoting, lineterminator="\n").writerows(lines)
    told = ReadSettings(quote=quote)
    with monkeypatch.context() as patch:
        patch.setattr(delimited, "BLOCK", 64)
        quick = said(path, told)
        patch.setattr(delimited, "_may_span_lines", lambda *_: True)
        assert quick == said(path, told)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a,b\n1,2\n", False),
        ('"a","b"\n1,2\n', False),
        ('"a\nx","b"\n1,2\n', True),
        ('a,b\n"1",2\n', True),
        ('a",b\n1,2\n', True),
    ],
)
def test_where_a_cell_may_hold_a_lines_end(tmp_path, text, spans):
    path = tmp_path / "t.csv"
    path.write_text(text)
    names = [name.strip('"') for name in next(csv.reader(text.splitlines(keepends=True)))]
    told, scanned = ReadSettings(), scan(path, None)
    assert delimited._may_span_lines(told, scanned, names, 0) is spans
    assert not delimited._may_span_lines(ReadSettings(quote=""), scanned, names, 0)
    assert delimited._may_span_lines(ReadSettings(quote="'"), scanned, names, 0)
    assert delimited._may_span_lines(ReadSettings(encoding="utf-16"), scanned, names, 0)
    assert delimited._may_span_lines(told, scanned, names, 1) is ('"' in text)


def test_short_lines_are_not_measured_and_long_ones_are(tmp_path):
    path = tmp_path / "t.csv"
    line = b"x" * 99 + b"\n"
    path.write_bytes(line * (2 * PIECE // 100))
    assert scan(path, None).longest_line == 2 * WINDOW
    path.write_bytes(line * (PIECE // 100) + b"y" * (3 * WINDOW) + b"\n" + line * (PIECE // 100))
    assert scan(path, None).longest_line in (3 * WINDOW, 3 * WINDOW + 1)
    path.write_bytes(b'"a"\n' + b"b\n")
    found = scan(path, None)
    assert (found.quotes, found.last_quote, found.first_end) == (2, 2, 3)
