"""What a condition or a formula may call beside SQLite's own functions: mathematics, and dates without a clock.  Light.

SQLite tells the present time wherever a date function gets 'now', however that word came about, or no date at all; and
a rule must say the same tomorrow.  So the date functions here are ours: they read a date as this program writes it, and
ask SQLite itself only where modifiers such as '+1 month' are given.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import cache

Value = float | int | str | None

EPOCH = 1721424.5  # the Julian day of day 0 of Python's calendar
WRITTEN = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d(?:\.\d{3}|\.\d{6})?)?)?", re.ASCII)
OF_A_ROW = re.compile(r"\s*(?:\d{1,2}:\d\d|[+-]?\d)")  # a date, a time or a day number; never 'now' or 'auto'
MOVES = re.compile(r"\s*(?:[+-]?\s*\d|start of |weekday \d|ceiling|floor)", re.IGNORECASE)  # never 'localtime'
USUAL = re.compile(r"(?:[^%]|%[YmdHMSjw])*")  # codes of strftime that Python and SQLite write alike


def install(con: sqlite3.Connection) -> None:
    """Give a connection these functions."""
    for name, arguments, function in ADDED:
        con.create_function(name, arguments, function, deterministic=True)


def _real(function: Callable[..., float]) -> Callable[..., float | None]:
    """A function of numbers that says nothing where mathematics has no answer."""

    def answer(*given: object) -> float | None:
        if not all(isinstance(x, int | float) for x in given):
            return None
        try:
            found = float(function(*given))
        except (ValueError, OverflowError, ZeroDivisionError, TypeError):
            return None
        return found if math.isfinite(found) else None

    return answer


def _moment(value: Value) -> datetime | None:
    """A date as this program writes it; None for anything else."""
    if not isinstance(value, str) or not WRITTEN.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:  # the 30th of February
        return None


@cache
def _sqlite() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", check_same_thread=False)


def _asked(name: str, value: Value, moves: tuple[Value, ...], *first: Value) -> Value:
    """SQLite's own answer, for a date that is the row's and modifiers that only move it; else None."""
    if value is None or (isinstance(value, str) and not OF_A_ROW.match(value)):
        return None
    if not all(isinstance(move, str) and MOVES.match(move) for move in moves):
        return None
    given = (*first, value, *moves)
    return _sqlite().execute(f"SELECT {name}({', '.join('?' * len(given))})", given).fetchone()[0]


def _julianday(value: Value = None, *moves: Value) -> Value:
    at = None if moves else _moment(value)
    if at is None:
        return _asked("julianday", value, moves)
    seconds = at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6
    return at.toordinal() + EPOCH + seconds / 86400


def _date(value: Value = None, *moves: Value) -> Value:
    at = None if moves else _moment(value)
    return _asked("date", value, moves) if at is None else at.date().isoformat()


def _strftime(codes: Value = None, value: Value = None, *moves: Value) -> Value:
    at = None if moves or not isinstance(codes, str) else _moment(value)
    if at is None or at.year < 1000 or not USUAL.fullmatch(str(codes)):
        return _asked("strftime", value, moves, codes)
    return at.strftime(str(codes))


def _days(first: Value, second: Value) -> float | None:
    """Days from the first date to the second."""
    a, b = _julianday(first), _julianday(second)
    return b - a if isinstance(a, float) and isinstance(b, float) else None


def _part(of: Callable[[datetime], int]) -> Callable[[Value], int | None]:
    def answer(value: Value) -> int | None:
        at = _moment(value)
        return None if at is None else of(at)

    return answer


ADDED: tuple[tuple[str, int, Callable[..., Value]], ...] = (
    ("ln", 1, _real(math.log)),
    ("log10", 1, _real(math.log10)),
    ("exp", 1, _real(math.exp)),
    ("sqrt", 1, _real(math.sqrt)),
    ("power", 2, _real(math.pow)),
    ("floor", 1, _real(math.floor)),
    ("ceil", 1, _real(math.ceil)),
    ("julianday", -1, _julianday),
    ("date", -1, _date),
    ("strftime", -1, _strftime),
    ("days", 2, _days),
    ("year", 1, _part(lambda at: at.year)),
    ("month", 1, _part(lambda at: at.month)),
    ("day", 1, _part(lambda at: at.day)),
    ("weekday", 1, _part(datetime.isoweekday)),  # Monday is 1
    ("hour", 1, _part(lambda at: at.hour)),
)
