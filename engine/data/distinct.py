"""A column of text with each distinct cell looked at once, and plain numbers straight from their text.

What comes out is what `cells` says of the same cells one by one; it only comes sooner where cells repeat, or where all
of a column reads as numbers at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from engine.data.cells import ALWAYS_MISSING, SUSPECTS, any_case, blank_numbers, encoded, pc, word_numbers

_ALWAYS = pa.array(any_case(ALWAYS_MISSING), pa.string())
_WORDS = pa.array([*any_case(ALWAYS_MISSING), *any_case(SUSPECTS)], pa.string())
_SUSPECT = f"^(?i:{'|'.join(map(re.escape, SUSPECTS))})$"
FIRST = 1000  # cells that tell whether trying is worth it


@dataclass(frozen=True)
class PlainNumbers:
    """A column whose cells are all plain numbers or empty, apart from a few usual words."""

    values: np.ndarray  # (n,) float64, NaN where missing
    always: list[tuple[str, int]]  # texts that always mean missing, "" for blank ones, commonest first
    suspects: dict[str, int]  # texts that are no numbers, such as '?'

    @property
    def missing(self) -> int:
        return sum(count for _, count in self.always)


def plain_numbers(column: pa.ChunkedArray, decimal: str) -> PlainNumbers | None:
    """The column as numbers; None where a cell needs a closer look (blanks around it, units, thousands, words).

    column: text as it was written, null where nothing stands.
    """
    pointed = column
    if decimal == ",":
        if pc.any(pc.match_substring(column, ".")).as_py():
            return None
        pointed = pc.replace_substring(column, ",", ".")
    hopeful = _mostly_numbers(pointed.slice(0, FIRST))  # a failure takes long, as an error is written for each cell
    values = _cast(pointed) if hopeful else None
    if values is not None:
        return PlainNumbers(values, [("", column.null_count)] if column.null_count else [], {})
    if not hopeful:
        return None
    words = pc.is_in(column, value_set=_WORDS)
    values = _cast(pc.if_else(words, pa.scalar(None, pa.string()), pointed))
    if values is None:
        return None
    found: dict[str, int] = {}
    for row in pc.value_counts(column.filter(pc.or_(words, pc.is_null(column)))).to_pylist():
        text = row["values"] or ""
        found[text] = found.get(text, 0) + row["counts"]
    always = [pair for pair in found.items() if pair[0].lower() in ALWAYS_MISSING]
    suspects = {text: count for text, count in found.items() if text.lower() not in ALWAYS_MISSING}
    return PlainNumbers(values, sorted(always, key=lambda pair: -pair[1]), suspects)


def _cast(column: pa.ChunkedArray) -> np.ndarray | None:
    """(n,) float64; None where a text is no number, or one that is none to us: nan and inf."""
    try:
        values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    odd = len(values) - int(np.isfinite(values).sum())
    return values if odd == column.null_count else None


def _mostly_numbers(column: pa.ChunkedArray) -> bool:
    known = column.drop_null()
    return not len(known) or pc.mean(pc.match_substring_regex(known, r"^[+-]?\.?\d[\d.eE+-]*$")).as_py() >= 0.5


@dataclass(frozen=True)
class Distinct:
    """The distinct cells of a column of text: stripped, missing ones apart, in the order in which they come first."""

    words: pa.Array  # (k,) of string
    codes: np.ndarray  # (n,) which of them each cell holds; k where it is missing
    always: list[tuple[str, int]]  # texts that always mean missing, "" for blank ones, commonest first

    @cached_property
    def counts(self) -> np.ndarray:
        """(k,) how many cells hold each word."""
        return np.bincount(self.codes, minlength=len(self.words) + 1)[:-1]

    @property
    def missing(self) -> int:
        return len(self.codes) - int(self.counts.sum())

    @cached_property
    def lengths(self) -> np.ndarray:
        """(k,) characters of each word."""
        return pc.utf8_length(self.words).to_numpy(zero_copy_only=False)

    @cached_property
    def suspect(self) -> np.ndarray:
        """(k,) bool: which words usually mean missing, whatever their case."""
        result = np.asarray(pc.match_substring_regex(self.words, _SUSPECT), dtype=bool).copy()
        for i in np.flatnonzero(result):  # it folds more letters than lower() does
            result[i] = self.words[int(i)].as_py().lower() in SUSPECTS
        return result

    def first(self, most: int) -> pa.ChunkedArray:
        """The distinct words among so many cells that are not missing."""
        known = self.codes[self.codes < len(self.words)][:most]
        return pa.chunked_array([self.words.take(pa.array(np.unique(known)))], pa.string())

    def numbers(self, decimal: str, thousands: str | None, marks: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(k,) float64 of the words, NaN where they are none; and the places of those that are none, infinite ones
        last."""
        values, odd = word_numbers(self.words, decimal, thousands)
        infinite = np.flatnonzero(np.isinf(values))
        if len(infinite):
            values[infinite], odd = np.nan, np.concatenate([odd, infinite])
        blank_numbers(values, marks, decimal)
        return values, odd


def distinct(column: pa.ChunkedArray, blanks: bool = True, missing: Sequence[str] = ()) -> Distinct:
    """column: text as it was written, null where nothing stands.  missing: further texts that mean missing."""
    words, codes = encoded(column)
    bare = pc.utf8_trim_whitespace(words)
    gone = pc.is_in(bare, value_set=_ALWAYS)
    kept = bare if blanks else words
    if missing:
        gone = pc.or_(gone, pc.is_in(kept, value_set=pa.array([mark.strip() for mark in missing], pa.string())))
    if not pc.any(gone).as_py() and kept.equals(words):
        empty = column.null_count
        return Distinct(words, codes, [("", empty)] if empty else [])
    always = _always(bare, np.asarray(gone, dtype=bool), codes, missing)
    left = pc.if_else(gone, pa.scalar(None, pa.string()), kept)
    after, place = encoded(pa.chunked_array([left]))
    return Distinct(after, np.append(place, len(after))[codes], always)


def _always(bare: pa.Array, gone: np.ndarray, codes: np.ndarray, missing: Sequence[str]) -> list[tuple[str, int]]:
    """The texts that always mean missing, commonest first; of equally common ones that which comes first."""
    k = len(bare)
    counts = np.bincount(codes, minlength=k + 1)
    rows: dict[str, list[int]] = {}
    for i in [*np.flatnonzero(gone), *([k] if counts[k] else [])]:
        text = "" if i == k else bare[int(i)].as_py()
        if text.lower() in ALWAYS_MISSING or text in missing:
            rows.setdefault(text, []).append(int(i))
    totals = {text: int(counts[places].sum()) for text, places in rows.items()}
    if len(set(totals.values())) < len(totals):
        first = {text: min(int((codes == i).argmax()) for i in places) for text, places in rows.items()}
        return sorted(totals.items(), key=lambda pair: (-pair[1], first[pair[0]]))
    return sorted(totals.items(), key=lambda pair: -pair[1])
