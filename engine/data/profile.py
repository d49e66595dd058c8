"""The first look at a table: what each column is, what is missing, what repeats, and what the target may be."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.data.cells import to_texts
from engine.data.columnwise import Seen, look_at
from engine.data.hashing import mixed_hashes
from engine.data.kinds import may_group
from engine.data.naming import BIRTH_TOKENS, is_time, quoted, target_guess, tokens
from engine.data.near import counts, near_copies
from engine.data.read import Raw, ReadSettings, read
from engine.data.series.shapes import side_by_side
from engine.records import Json, Progress
from engine.trials import Context

PIXEL_NAME = re.compile(r"(pixel|pix|px|p|x|v|col|column|f|attribute)?[ _.-]?\d+([_x.-]\d+)*", re.IGNORECASE)
LEAST_PIXELS = 16
LEAST_MOMENTS = 10
MANY_ROWS = 50_000  # from which two columns at a time gain more than threads cost
MOST_THREADS = 4  # each holds a column in a few forms
MOST_DRAWN = 500  # columns; of more, nobody looks at the histograms


def profile(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: describe a file.  params: {"read": settings or null to find them}.

    Looks at all rows (4.1) and never at relations between inputs and target.  Cells are cut to 200 characters.
    """
    settings = ReadSettings.from_dict(params["read"]) if params.get("read") else None
    raw = read(ctx.source(), settings)
    columns = _Columns(raw)
    raw = dataclasses.replace(raw, table=raw.table.select([]))  # so that a column goes once it was looked at
    copies = _Copies(raw.rows)
    seen: list[Seen] = []
    every = max(1, len(raw.names) // 20)
    for i, column in enumerate(columns.looked_at()):
        if i % every == 0:
            ctx.report(Progress(i, len(raw.names), "column", quoted(column.column.name)))
        if column.hashes is not None and column.counts is not None:
            copies.add(column.hashes, column.counts)
        column.hashes = column.counts = None
        column.column.emptied()
        seen.append(column)
    found = _summary(raw, seen, _pixels(seen), copies)
    if found["kind"] in ("text", "image"):
        ctx.report(Progress(len(raw.names), len(raw.names), "column", "near copies"))
        found["duplicates"]["near"] = _near(ctx.source(), raw, found, copies)
    return found


def _near(path: Path, raw: Raw, found: dict[str, Json], copies: _Copies) -> Json:
    """How many rows are near copies: takes all texts, or all pixels, at once, so they are read again.  None where that
    was too much."""
    picture = found["kind"] == "image"
    names = [c["name"] for c in found["columns"] if (c.get("pixel") if picture else c["type"] == "text")]
    again = read(path, raw.settings, columns=names)

    def cells(name: str) -> np.ndarray:
        return again.numbers(name)[0] if picture else to_texts(again.cells(name))

    number = near_copies(names, cells, again.rows, found["kind"])
    return None if number is None else counts(number, np.unique(copies.total, return_inverse=True)[1])


class _Columns:
    """The columns of a table, each let go once it was looked at."""

    def __init__(self, raw: Raw) -> None:
        self._raw, self._names = raw, deque(raw.names)
        self._columns = deque(raw.table.columns)
        self._raw = dataclasses.replace(raw, table=raw.table.select([]))
        self._drawn = len(raw.names) <= MOST_DRAWN

    def looked_at(self) -> Iterator[Seen]:
        """What is seen of each, in their order; of large ones several at a time are looked at, in threads."""
        threads = min(MOST_THREADS, os.cpu_count() or 1) if self._raw.rows >= MANY_ROWS else 1
        if threads == 1:
            while self._columns:
                yield self._look(self._names.popleft(), self._columns.popleft())
            return
        pool = ThreadPoolExecutor(threads)
        waiting: deque[Future[Seen]] = deque()
        try:
            while self._columns or waiting:
                while self._columns and len(waiting) <= threads:
                    waiting.append(pool.submit(self._look, self._names.popleft(), self._columns.popleft()))
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _look(self, name: str, column: pa.ChunkedArray) -> Seen:
        alone = dataclasses.replace(self._raw, table=pa.table([column], names=["0"]), read_columns=[name])
        return look_at(alone, name, self._drawn)


class _Copies:
    """Gathers a hash per row, column by column, keys left out; and how often two rows would agree by chance."""

    def __init__(self, rows: int) -> None:
        self.total = np.zeros(rows, dtype=np.uint64)
        self.agree = 1.0  # chance that two rows agree in every column, were the columns independent

    def add(self, hashes: np.ndarray, counts: np.ndarray) -> None:
        """Take a column in: a hash of each cell, and how often each distinct value occurs."""
        self.total = mixed_hashes(self.total, hashes)
        n = len(hashes)
        if n > 1:
            sizes = np.append(counts, n - counts.sum()).astype(float)  # empty cells agree with each other, too
            self.agree *= float((sizes * (sizes - 1)).sum() / (n * (n - 1)))

    def counts(self) -> dict[str, Json]:
        n = len(self.total)
        sizes = np.unique(self.total, return_counts=True)[1]
        more = sizes[sizes > 1]
        return {
            "exact": int((more - 1).sum()),
            "rows": int(more.sum()),
            "groups": len(more),
            "pairs": int((more * (more - 1) // 2).sum()),
            "pairs_by_chance": self.agree * n * (n - 1) / 2,
        }


def _pixels(seen: list[Seen]) -> set[str]:
    """Columns that are the points of a picture: at least 16 numbered columns of whole numbers within 0 to 255.

    Where the names do not say pixel, they must also fill a square of 8 × 8 or more, once or in three colours.  They
    are numbers then, whatever they were taken for.
    """
    found = [
        s for s in seen
        if s.ends is not None and s.column.integer and not s.column.missing and PIXEL_NAME.fullmatch(s.column.name)
        and s.ends[0] >= 0 and s.ends[1] <= 255
    ]  # fmt: skip
    named = sum("pix" in s.column.name.lower() for s in found) > 0.5 * len(found)
    square = any(len(found) == colours * math.isqrt(len(found) // colours) ** 2 for colours in (1, 3))
    if len(found) < LEAST_PIXELS or not (named or (square and len(found) >= 64)):
        return set()
    for s in found:
        s.id_like = ""
        if s.kind != "number":  # a code by its name, two values, or one: all the same a place in the picture
            s.kind, s.ask = "number", False
    return {s.column.name for s in found}


def _summary(raw: Raw, seen: list[Seen], pixels: set[str], copies: _Copies) -> dict[str, Json]:
    names = raw.names
    dates = {s.column.name: s.column.date_format for s in seen if s.kind == "date" and s.column.date_format}
    beside = _side_by_side(seen)
    guess = beside["columns"][-1] if beside else target_guess(names)
    settings = dataclasses.replace(raw.settings, dates=dates)
    mixed = [quoted(s.column.name) for s in seen if "of its cells are numbers, the others" in s.why]
    warnings = list(raw.warnings)
    if mixed:
        warnings.append(f"Columns that mix numbers and text, read as categories: {', '.join(mixed[:5])}.")
    if len(names) > 1000:
        warnings.append(f"{len(names):,} columns for {raw.rows:,} rows: who chose them, and on which rows?")
    if raw.rows == 1:
        warnings.append("There is one row only: nothing can be compared.")
    return {
        "read": settings.as_dict(),
        "rows": raw.rows,
        "bad_lines": raw.bad_lines,
        "bad_examples": [[line.cells, line.text] for line in raw.bad_examples],
        "bytes": raw.bytes,
        "guesses": [*raw.guesses, *_date_guesses(seen, raw.settings)],
        "columns": [s.described(s.column.name in pixels) for s in seen],
        "duplicates": copies.counts(),
        "suspicious": [entry for s in seen for entry in s.suspicious],
        "target_guess": guess,
        "time_guess": _time_guess(seen),
        "group_guess": [
            {"column": s.column.name, "rows_per_value": s.column.present / s.column.distinct}
            for s in seen
            if may_group(s.column, s.kind)
        ],
        "kind": "series" if beside else _kind(seen, pixels, guess, raw.rows),
        "warnings": warnings,
        **({"side_by_side": beside} if beside else {}),
    }


def _side_by_side(seen: list[Seen]) -> Json:
    """Whether the columns are series, or steps of them (see engine.data.series.shapes)."""
    numbers = [s.column.name for s in seen if s.column.is_number and s.kind in ("number", "category", "id")]
    keys = [s.column.name for s in seen if not s.column.is_number and s.column.distinct == s.column.present > 0]
    times = [s.column.name for s in seen if s.times is not None and _regular(s.times)]
    return side_by_side(numbers, keys, times[0] if times else None)


def _date_guesses(seen: list[Seen], settings: ReadSettings) -> list[dict[str, Json]]:
    """By what the dates were found to be written; nothing of a column whose format was said."""
    return [
        {
            "setting": "dates", "value": {s.column.name: s.column.date_format}, "count": s.column.present,
            "why": f"{s.column.present - sum(s.column.unparsed.values()):,} of {s.column.present:,} cells read so",
        }
        for s in seen
        if s.kind == "date" and s.column.date_format and s.column.name not in settings.dates
    ]  # fmt: skip


def _time_guess(seen: list[Seen]) -> str | None:
    """The date column that orders the rows: one named so, else the only one; never a date of birth."""
    dates = [s.column.name for s in seen if s.kind == "date" and BIRTH_TOKENS.isdisjoint(tokens(s.column.name))]
    named = [name for name in dates if is_time(name)]
    return named[0] if named else dates[0] if len(dates) == 1 else None


def _kind(seen: list[Seen], pixels: set[str], target: str, rows: int) -> str:
    """What the whole file is, by `problem.task`: image, text, series or table."""
    inputs = [s for s in seen if s.column.name != target]
    places = sum(s.column.name in pixels for s in inputs)
    if places >= LEAST_PIXELS and places >= 0.8 * len(inputs):
        return "image"
    texts = [s for s in inputs if s.kind == "text"]
    if len(texts) == 1 and texts[0].length > sum(s.length or 8.0 for s in inputs if s is not texts[0]):
        return "text"
    goal = next((s for s in seen if s.column.name == target), None)
    regular = any(s.times is not None and (_regular(s.times) or _several(s.times, inputs)) for s in inputs)
    return "series" if regular and goal is not None and goal.column.is_number and rows >= 10 else "table"


def _several(times: np.ndarray, inputs: list[Seen]) -> bool:
    """Whether these are the times of several series one below the other: even steps, each there once for each level of
    a column that names the series (up to a fifth may be missing)."""
    if np.isnat(times).any():
        return False
    moments = np.unique(times)
    if len(moments) < LEAST_MOMENTS or len(moments) > len(times) / 2 or not _regular(moments):
        return False
    named = [s.column.distinct for s in inputs if s.kind in ("category", "yes_no", "id") and s.column.distinct > 1]
    return any(abs(k * len(moments) - len(times)) <= 0.2 * len(times) for k in named)


def _regular(times: np.ndarray) -> bool:
    """Whether every row comes one even step after the row before (months and years count as even)."""
    steps = np.diff(times).astype("int64")
    if not len(steps) or np.isnat(times).any() or steps.min() <= 0:
        return False
    usual = float(np.median(steps))
    return bool(np.mean(np.abs(steps - usual) <= 0.11 * usual) >= 0.9)
