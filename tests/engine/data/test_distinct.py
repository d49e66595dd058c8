"""The quick ways through a column say what is said cell by cell."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.cells import ALWAYS_MISSING, SUSPECTS, parse_dates, stripped, to_numbers, without, word_dates
from engine.data.distinct import distinct, plain_numbers

SIMPLE = ("", "1", "2.5", "-3", "+4", "1e3", ".5", "NA", "nan", "?", "Unknown", "un\u212anown", ".", ",", "1,5", "inf")
CELL = st.one_of(
    st.sampled_from(SIMPLE),
    st.sampled_from((" 1", "a ", " ", "1e999", "$5", "5 %", "1 234", "1,234.5", "x", "-nan", "\u00a0", "na ", "ü")),
    st.text(st.sampled_from("0123456789.,-+eE $%?a'"), max_size=6),
)
COLUMN = st.lists(st.lists(st.one_of(CELL, st.none()), max_size=12), min_size=1, max_size=4)
NUMBERS = st.lists(st.lists(st.sampled_from(("7", "12.5", "-1", *SIMPLE)), max_size=12), min_size=1, max_size=4)


def column_of(chunks: list[list[str | None]]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())


@settings(max_examples=300, deadline=None)
@given(chunks=st.one_of(NUMBERS, COLUMN), decimal=st.sampled_from(".,"))
def test_plain_numbers_are_those_of_the_cells(chunks, decimal):
    column = column_of(chunks)
    found = plain_numbers(column, decimal)
    if found is None:
        return
    cells = stripped(column.fill_null(""))
    values, bad = to_numbers(cells, decimal)
    np.testing.assert_array_equal(found.values, values)
    assert found.missing == cells.null_count
    assert found.suspects == bad
    gone = Counter((text or "").strip() for chunk in chunks for text in chunk)
    assert dict(found.always) == {text: n for text, n in gone.items() if text.lower() in ALWAYS_MISSING}


def test_plain_numbers_give_up_where_a_closer_look_is_needed():
    for text in (" 1", "5 %", "1,000", "x", "1e999"):
        assert plain_numbers(column_of([["1", "2", "3", text]]), ".") is None
    assert plain_numbers(column_of([["1,5", "2", "1.000"]]), ",") is None
    assert plain_numbers(column_of([["a"] * 2000 + ["1"]]), ".") is None


@settings(max_examples=300, deadline=None)
@given(chunks=COLUMN, blanks=st.booleans(), missing=st.lists(st.sampled_from(("x", "1", "?", "a ", "")), max_size=2))
def test_distinct_cells_are_the_cells(chunks, blanks, missing):
    column = column_of(chunks)
    found = distinct(column, blanks, missing)
    cells = without(stripped(column.fill_null(""), blanks), missing).to_pylist()
    words = found.words.to_pylist()
    assert [([*words, None])[code] for code in found.codes] == cells
    assert words == list(dict.fromkeys(cell for cell in cells if cell is not None))
    assert found.missing == cells.count(None)
    assert found.counts.tolist() == [cells.count(word) for word in words]
    assert found.lengths.tolist() == [len(word) for word in words]
    assert found.suspect.tolist() == [word.lower() in SUSPECTS for word in words]
    known = list(dict.fromkeys([cell for cell in cells if cell is not None][:5]))
    assert sorted(found.first(5).to_pylist()) == sorted(known)
    texts = [(text or "").strip() for chunk in chunks for text in chunk]
    gone = Counter(text for text, cell in zip(texts, cells, strict=True) if cell is None)
    said = [(text, n) for text, n in gone.most_common() if text.lower() in ALWAYS_MISSING or text in missing]
    assert found.always == said  # equally common ones in the order in which they come


@settings(max_examples=300, deadline=None)
@given(chunks=COLUMN, decimal=st.sampled_from(".,"), thousands=st.sampled_from((None, "", ",", ".", " ", "'")))
def test_numbers_of_distinct_cells_are_those_of_the_cells(chunks, decimal, thousands):
    column = column_of([[cell for cell in chunk if (cell or "").lower() != "-nan"] for chunk in chunks])
    cells = distinct(column)
    values, odd = cells.numbers(decimal, thousands, ["1"])
    expected, bad = to_numbers(stripped(column.fill_null("")), decimal, None, thousands)
    expected[expected == 1] = np.nan
    np.testing.assert_array_equal(np.append(values, np.nan)[cells.codes], expected)
    assert {cells.words[int(i)].as_py(): int(cells.counts[i]) for i in odd} == bad


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(
        st.one_of(
            st.datetimes().map(lambda d: d.isoformat(" ")),
            st.dates().map(str),
            st.text(st.sampled_from("0123456789-: TZ.+"), max_size=25),
        ),
        max_size=4,
    )
)
def test_dates_read_the_quick_way_are_the_same(texts):
    np.testing.assert_array_equal(word_dates(pa.array(texts, pa.string()), "ISO8601"), parse_dates(texts, "ISO8601"))


@pytest.mark.parametrize(
    "text", ["2024-01-31", "2024-01-31 10:20", "2024-01-31T10:20:30.25", "2024-01-31T10:20:00+02:00"]
)
def test_usual_dates_are_read(text):
    (found,) = word_dates(pa.array([text]), "ISO8601")
    assert not np.isnat(found)
