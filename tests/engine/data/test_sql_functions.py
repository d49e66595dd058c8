"""The functions of conditions and formulas: dates without a clock, mathematics that says nothing rather than fail."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.conditions import Condition, matching, values_of
from engine.data.sql_functions import install

MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(2999, 12, 31)).map(lambda at: at.replace(microsecond=0))


@pytest.fixture(scope="module")
def ours():
    con = sqlite3.connect(":memory:")
    install(con)
    return con


def ask(con: sqlite3.Connection, text: str, *given: object) -> object:
    return con.execute(f"SELECT {text}", given).fetchone()[0]


@given(MOMENTS, st.sampled_from(["julianday(?)", "date(?)", "strftime('%Y-%m-%dT%H:%M:%S %j %w', ?)"]))
def test_dates_are_read_as_sqlite_reads_them(at: datetime, text: str) -> None:
    con, plain = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    install(con)
    for written in (str(at), str(at.date())):
        said, expected = ask(con, text, written), ask(plain, text, written)
        assert said == (pytest.approx(expected, abs=1e-8) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("text", ["date(?, '+1 month')", "strftime('%s', ?)", "julianday(?, 'start of year')"])
def test_modifiers_and_rarer_codes_are_sqlites_own(ours, text) -> None:
    assert ask(ours, text, "2024-01-31") == ask(sqlite3.connect(":memory:"), text, "2024-01-31")


@pytest.mark.parametrize(
    "text",
    ["julianday('n' || 'ow')", "strftime('%Y')", "date(substr('know', 2))", "julianday()",
     "date('2024-01-01', 'localtime')", "julianday('auto')", "date('2024-02-30x')",
     "strftime('%Y', 'now')", "year('now')"],
)  # fmt: skip
def test_no_way_leads_to_the_clock(ours, text) -> None:
    assert ask(ours, text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("days('2024-02-28', '2024-03-01 12:00:00')", 2.5), ("days('2024-02-28', NULL)", None),
        ("weekday('2024-01-01')", 1), ("month('2024-12-31')", 12), ("hour('2024-12-31 23:15:00')", 23),
        ("hour('2024-12-31')", 0), ("year('soon')", None), ("day('2024-12-31')", 31),
        ("ln(0)", None), ("sqrt(-1)", None), ("exp(1e9)", None), ("power(-8, 0.5)", None), ("log10(1000)", 3.0),
        ("ln('e')", None), ("power(2, 10)", 1024.0),
    ],
)  # fmt: skip
def test_what_each_says(ours, text, said) -> None:
    found = ask(ours, text)
    assert found == said or found == pytest.approx(said)


def test_division_is_that_of_real_numbers() -> None:
    rows = [(4.0, "abc"), (5.0, "a/b")]
    types = {"a": "REAL", "t": "TEXT"}
    assert values_of(Condition("9 / 5 * a", ("a",)), types, rows) == [7.2, 9.0]
    assert values_of(Condition("length(t) / 2", ("t",)), types, rows) == [1.5, 1.5]
    assert matching(Condition("t = 'a/b' AND 1 / 2 > 0.4", ("t",)), types, rows) == [1]
