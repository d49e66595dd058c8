"""From the text of a cell to a value.

Every rule here looks at one cell at a time, so that training, prediction and chunked prediction read alike.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as _compute

pc: Any = _compute  # its functions are made when it is imported, which type checkers cannot see

ALWAYS_MISSING = ("", "na", "n/a", "nan", "null", "none", "nil")  # in any case, after stripping
SUSPECTS = ("-", "--", "?", ".", "unknown", "missing", "#n/a")  # asked about (`data.missing_marks`), in any case


def any_case(words: tuple[str, ...]) -> list[str]:
    """Every spelling of the words in upper and lower case letters."""
    return [
        "".join(letters)
        for word in words
        for letters in itertools.product(*(sorted({c.lower(), c.upper()}) for c in word))
    ]


_ALWAYS = pa.array(any_case(ALWAYS_MISSING), pa.string())
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_THOUSANDS = {".": r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$", ",": r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$"}
_GAPS = {None: r" '’\x{00A0}\x{2009}\x{202F}", " ": r" \x{00A0}\x{2009}\x{202F}", "'": "'’"}  # between threes of digits
_UNITS = "[$€£¥₹]|USD|EUR|GBP|CHF|DKK|SEK|NOK|kr\\.?"
_BEFORE = rf"^([+-]?)\s*(?:{_UNITS})\s*([+-]?[\d.,])"
_AFTER = rf"(\d[.,]?)\s*(?:{_UNITS}|%)$"
_UNIT = rf"^[+-]?\s*(?P<before>{_UNITS})\s*[+-]?[\d.,]|\d[.,]?\s*(?P<after>{_UNITS}|%)$"
_MAYBE = (
    rf"^[+-]?\s*(?:{_UNITS})?\s*[+-]?[\d., '’\x{{00A0}}\x{{2009}}\x{{202F}}]+([eE][+-]?\d+)?[.,]?\s*(?:{_UNITS}|%)?$"
)
_SPACED = r"^[+-]?[1-9]\d{0,2}([%s]\d{3})+([.,]\d+)?$"  # 1 234 567,8 and 1'234.5

Cells: TypeAlias = pa.ChunkedArray  # of string; null where missing once `stripped`


def stripped(column: pa.ChunkedArray | pa.Array, blanks: bool = True) -> Cells:
    """Cells without blanks around them (unless these are to stay), and null where they always mean missing."""
    bare = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(bare, value_set=_ALWAYS)
    cells = pc.if_else(missing, pa.scalar(None, pa.string()), bare if blanks else column)
    return cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])


def without(cells: Cells, marks: list[str]) -> Cells:
    """Cells that are one of the marks become null."""
    if not marks:
        return cells
    hit = pc.is_in(cells, value_set=pa.array([mark.strip() for mark in marks], pa.string()))
    return pc.if_else(hit, pa.scalar(None, pa.string()), cells)


def to_numbers(
    cells: Cells, decimal: str = ".", marks: list[str] | None = None, thousands: str | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Stripped cells as float64, NaN where missing, marked or no number; and the texts that are no numbers, counted.

    '1,234.5' reads as 1234.5 (with the decimal comma: '1.234,5'), and so do 1 234.5 and 1'234.5.  A currency or a
    percent sign around a number is cut: '$1,300' is 1300 and '12.5 %' is 12.5.  Infinite values count as no numbers.
    thousands: the one mark that may set threes of digits apart, "" for none; None takes any.
    """
    marks = marks or []
    cells = without(cells, marks)
    try:
        if decimal == ",":
            raise pa.ArrowInvalid("a decimal comma takes the careful way")
        numbers = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
        bad: dict[str, int] = {}
    except pa.ArrowInvalid:
        numbers, bad = _careful_numbers(cells, decimal, thousands)
    numbers = np.array(numbers, dtype=np.float64)  # Arrow's memory is read-only
    infinite = np.isinf(numbers)
    if infinite.any():
        found = pc.value_counts(cells.filter(pa.array(infinite)))
        bad |= {row["values"]: row["counts"] for row in found.to_pylist()}
        numbers[infinite] = np.nan
    blank_numbers(numbers, marks, decimal)
    return numbers, bad


def blank_numbers(numbers: np.ndarray, marks: Sequence[str], decimal: str = ".") -> None:
    """Make NaN, in place, of every number that one of the marks is."""
    for mark in marks:
        if re.match(_NUMBER, text := mark.strip().replace(",", ".") if decimal == "," else mark.strip()):
            numbers[numbers == float(text)] = np.nan


def encoded(cells: Cells) -> tuple[pa.Array, np.ndarray]:
    """The distinct texts, in the order in which they come first, and (n,) which of them each cell holds; where it is
    null, the number of texts."""
    chunks = pc.dictionary_encode(cells).chunks  # each of them carries the dictionary of all
    if not chunks:
        return pa.array([], pa.string()), np.zeros(0, dtype=np.int64)
    words = chunks[-1].dictionary
    return words, np.concatenate([c.indices.fill_null(len(words)).to_numpy(zero_copy_only=False) for c in chunks])


def _careful_numbers(cells: Cells, decimal: str, thousands: str | None) -> tuple[np.ndarray, dict[str, int]]:
    """Cell by distinct cell: keep what is a number, count what is not."""
    words, codes = encoded(cells)
    values, odd = word_numbers(words, decimal, thousands)
    counts = np.bincount(codes, minlength=len(words) + 1)[odd]
    bad = dict(zip(words.take(pa.array(odd)).to_pylist(), counts.tolist(), strict=True))
    return np.append(values, np.nan)[codes], bad


def word_numbers(words: pa.Array, decimal: str, thousands: str | None) -> tuple[np.ndarray, np.ndarray]:
    """(k,) float64 of stripped texts, NaN where they are no numbers; and the places of these.  May be infinite.

    Only a text that is no plain number, but may be one with a unit or a thousands mark, is looked at closely.
    """
    plain = np.asarray(pc.match_substring_regex(words, _NUMBER.replace(r"\.", re.escape(decimal))), dtype=bool)
    values = np.full(len(words), np.nan)
    values[plain] = _cast(words.filter(pa.array(plain)), decimal)
    rest = np.flatnonzero(~plain)
    if len(rest):
        maybe = np.asarray(pc.match_substring_regex(words.take(pa.array(rest)), _MAYBE), dtype=bool)
        near = rest[maybe]
        bare = _bare(words.take(pa.array(near)), decimal, thousands)
        good = np.asarray(pc.match_substring_regex(bare, _NUMBER), dtype=bool)
        values[near[good]] = _cast(bare.filter(pa.array(good)), ".")
        rest = np.concatenate([rest[~maybe], near[~good]])
    return values, np.sort(rest)


def _cast(words: pa.Array, decimal: str) -> np.ndarray:
    pointed = pc.replace_substring(words, ",", ".") if decimal == "," else words
    return pc.cast(pointed, pa.float64()).to_numpy(zero_copy_only=False)


def _bare(words: pa.Array, decimal: str, thousands: str | None) -> pa.Array:
    """Texts without the units and thousands marks of numbers, with a decimal point."""
    plain = pc.replace_substring_regex(words, _BEFORE, r"\1\2")
    plain = pc.replace_substring_regex(plain, _AFTER, r"\1")
    if thousands in _GAPS:
        spaced = pc.match_substring_regex(plain, _SPACED % _GAPS[thousands])
        plain = pc.if_else(spaced, pc.replace_substring_regex(plain, r"[^\d.,+-]", ""), plain)
    other = "," if decimal == "." else "."
    if thousands in (None, other):
        grouped = pc.match_substring_regex(plain, _THOUSANDS[decimal])
        plain = pc.if_else(grouped, pc.replace_substring(plain, other, ""), plain)
    return pc.replace_substring(plain, ",", ".") if decimal == "," else plain


def units(cells: Cells) -> list[str]:
    """The currencies and percent signs around the numbers of a column, each once; "" for numbers without one, " " for
    those whose thousands are set apart by blanks.

    A column that mixes them counts different things, so that cutting them would make 5 % and 5 the same.  Looks at
    1,000 cells.
    """
    words = pc.unique(cells.drop_null().slice(0, 1000))
    found = pc.extract_regex(words, _UNIT)
    spaced = pc.match_substring_regex(words, _SPACED % _GAPS[None]).to_pylist()
    if found.null_count == len(words) and not any(spaced):
        return [""]
    pairs = [(row or {}).values() for row in found.to_pylist()]
    named = ("".join(part or "" for part in pair).rstrip(".") for pair in pairs)
    return sorted({name or (" " if blank else "") for name, blank in zip(named, spaced, strict=True)})


def to_texts(cells: Cells, marks: list[str] | None = None) -> np.ndarray:
    """Stripped cells as an object array of str, None where missing or marked.

    '1.0' becomes '1': tools write whole codes so as soon as one cell of the column is empty, and a level must keep
    its name from file to file.  Equal texts share one str.
    """
    words, codes = encoded(without(cells, marks or []))
    return np.array([*_whole_words(words), None], dtype=object)[codes]


def _whole_words(words: pa.Array) -> list[str]:
    """`whole` of each, called only where it changes something."""
    texts = words.to_pylist()
    for i in np.flatnonzero(np.asarray(pc.match_substring_regex(words, r"\.0+\s*$"), dtype=bool)).tolist():
        texts[i] = whole(texts[i])
    return texts


_WHOLE = re.compile(r"([+-]?\d+)\.0+$")


def whole(text: str) -> str:
    """'1.0' → '1'; anything else as it is."""
    match = _WHOLE.match(text)
    return match.group(1) if match else text


DATE_FORMATS = (
    "ISO8601",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y", "%d/%m/%y", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S",
    "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%Y %H:%M", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y", "%b-%y", "%Y-%b",
)  # fmt: skip
_DATE_LIKE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([T ].*)?$|(\d{1,4}[ -])?[A-Za-z]{3,9}[ -]\d{1,4}(, ?\d{4})?$|"
    r"\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}$|\d{4}-[A-Za-z]{3}$"
)


def date_format(texts: list[str], needed: float = 0.95) -> str | None:
    """The first format in which at least `needed` of the texts are dates; the one that reads most of them wins."""
    if not texts or sum(bool(_DATE_LIKE.match(text)) for text in texts[:200]) < needed * len(texts[:200]):
        return None
    best, best_share = None, 0.0
    for fmt in DATE_FORMATS:
        share = 1.0 - float(np.isnat(parse_dates(texts, fmt)).mean())
        if share >= needed and share > best_share:
            best, best_share = fmt, share
        if best_share == 1.0:
            break
    return best


def word_dates(words: pa.Array, fmt: str) -> np.ndarray:
    """As `parse_dates`, of an array of texts; quicker where all are dates such as 2026-11-20 or 2026-11-20 08:30."""
    if fmt == "ISO8601":
        with contextlib.suppress(pa.ArrowInvalid):  # what it reads is what pandas reads, but it does not read it all
            return pc.cast(words, pa.timestamp("us")).to_numpy(zero_copy_only=False)
    return parse_dates(words.to_pylist(), fmt)


def parse_dates(texts: list[str], fmt: str) -> np.ndarray:
    """Texts as datetime64[us] in UTC, NaT where they do not fit the format."""
    parsed = pd.to_datetime(pd.Series(texts, dtype=object), format=fmt, errors="coerce", utc=True)
    return parsed.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")


def to_dates(cells: Cells, fmt: str | None, marks: list[str] | None = None) -> tuple[np.ndarray, dict[str, int]]:
    """Stripped cells as datetime64[us], NaT where missing or unreadable; and the unreadable texts, counted."""
    words, codes = encoded(without(cells, marks or []))
    texts = _whole_words(words)
    if fmt is None:
        fmt = date_format(texts[:1000], needed=0.5) or "ISO8601"
    parsed = np.append(word_dates(pa.array(texts, pa.string()), fmt), np.datetime64("NaT", "us"))
    counts = np.bincount(codes, minlength=len(texts) + 1)
    bad: dict[str, int] = {}
    for i in np.flatnonzero(np.isnat(parsed[:-1])).tolist():
        bad[texts[i]] = bad.get(texts[i], 0) + int(counts[i])
    return parsed[codes], bad
