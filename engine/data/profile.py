"""The first look at a table: what each column is, what is missing, what repeats, and what the target may be."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from engine.data.cells import ALWAYS_MISSING, SUSPECTS, Cells, date_format, encoded, parse_dates, pc, units, whole
from engine.data.hashing import mixed_hashes, text_hashes
from engine.data.kinds import (
    CONSTANT_SHARE,
    NUMBER_CODES,
    PARSES,
    Column,
    Mark,
    as_text,
    id_like,
    may_group,
    number_marks,
    quantiles,
    task_of,
    text_marks,
    type_of,
)
from engine.data.naming import BIRTH_TOKENS, is_protected, is_time, quoted, target_guess, tokens
from engine.data.read import Raw, ReadSettings, read
from engine.data.suspicion import of_dates, of_numbers
from engine.data.target import positive_guess
from engine.records import Json, Progress
from engine.trials import Context

TOP = 60  # commonest values kept
LONGEST = 200  # characters of a cell kept
PIXEL_NAME = re.compile(r"(pixel|pix|px|p|x|v|col|column|f|attribute)?[ _.-]?\d+([_x.-]\d+)*", re.IGNORECASE)
LEAST_PIXELS = 16
MIXED = 0.2  # share of numbers from which a column of text is worth a word


def profile(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: describe a file.  params: {"read": settings or null to find them}.

    Looks at all rows (4.1) and never at relations between inputs and target.  Cells are cut to 200 characters.
    """
    settings = ReadSettings.from_dict(params["read"]) if params.get("read") else None
    raw = read(ctx.source(), settings)
    copies = _Copies(raw.rows)
    seen: list[_Seen] = []
    every = max(1, len(raw.names) // 20)
    for i, name in enumerate(raw.names):
        if i % every == 0:
            ctx.report(Progress(i, len(raw.names), "column", quoted(name)))
        seen.append(_look(raw, name, copies))
    _mark_pixels(seen)
    return _summary(raw, seen, copies)


@dataclass
class _Seen:
    """A column and what the rules say of it."""

    column: Column
    kind: str
    why: str
    ask: bool
    id_like: str
    length: float = 0.0  # mean characters a cell
    stats: dict[str, Json] = field(default_factory=dict)
    times: np.ndarray | None = None  # dates, in file order
    pixel: bool = False
    suspicious: list[dict[str, Json]] = field(default_factory=list)  # values that contradict the column's name


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


def _look(raw: Raw, name: str, copies: _Copies) -> _Seen:
    cells = raw.cells(name)
    missing = cells.null_count
    always = _always_marks(raw, name, cells) if missing else []
    numbers, bad = raw.numbers(name)
    suspects = text_marks(bad)
    strange = {text: count for text, count in bad.items() if text.lower() not in SUSPECTS}
    parsed = int(np.isfinite(numbers).sum())
    if parsed and parsed >= PARSES * (parsed + sum(strange.values())) and _are_amounts(cells, numbers):
        return _look_at_numbers(Column(name, raw.rows, missing, *_distinct(numbers), is_number=True, unparsed=strange),
                                numbers, always + suspects, copies)  # fmt: skip
    return _look_at_texts(raw, name, cells, missing, always, parsed, copies)


def _are_amounts(cells: Cells, numbers: np.ndarray) -> bool:
    """Whether its numbers count the same thing: a bare number beside $5 is dollars, beside 5 % it may be anything.

    A few levels written with a unit (5 %, 10 %) stay the texts that they are, as labels have to.
    """
    found = units(cells)
    if found == [""]:
        return True
    alike = len(found) == 1 or (len(found) == 2 and "" in found and "%" not in found)
    return alike and len(_distinct(numbers)[0]) > NUMBER_CODES


def _distinct(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(numbers[np.isfinite(numbers)] + 0.0, return_counts=True)


def _look_at_numbers(column: Column, numbers: np.ndarray, marks: list[Mark], copies: _Copies) -> _Seen:
    column.integer = bool(np.all(column.values == np.floor(column.values)))
    known = numbers[np.isfinite(numbers)]
    before, after = known[:-1], known[1:]  # compared, not subtracted: that may be more than a float holds
    column.ascending = len(after) > 0 and bool(np.all(after >= before) or np.all(after <= before))
    found = number_marks(column)
    column.marks = marks + found
    kind, why, ask = type_of(column)
    key = id_like(column, kind)
    if not key:
        copies.add(np.where(np.isnan(numbers), np.nan, numbers + 0.0).view(np.uint64), column.counts)
    sentinels = [float(mark.value) for mark in found if not mark.ask]
    kept = ~np.isin(column.values, sentinels)
    values, counts = column.values[kept], column.counts[kept]
    strange = of_numbers(column.name, values, counts) if kind == "number" and not key else []
    return _Seen(column, kind, why, ask, key, stats=_moments(values, counts), suspicious=strange)


def _look_at_texts(
    raw: Raw, name: str, cells: Cells, missing: int, marks: list[Mark], numbers: int, copies: _Copies
) -> _Seen:
    words, codes = encoded(cells)
    texts = words.to_pylist()
    counts = np.bincount(codes, minlength=len(texts) + 1)[:-1]
    suspects = text_marks({text: count for text, count in zip(texts, counts, strict=True) if text.lower() in SUSPECTS})
    usual = np.array([text.lower() not in SUSPECTS for text in texts], dtype=bool)
    values = np.array(texts, dtype=object)[usual]
    column = Column(name, raw.rows, missing, values, counts[usual], marks=marks + suspects)
    lengths = pc.utf8_length(words).to_numpy(zero_copy_only=False)
    column.words = _median_words(words, counts)
    times = None
    if len(values) and lengths.max() < 1000 and (fmt := raw.settings.dates.get(name) or _dates(column)):
        parsed = np.append(parse_dates(texts, fmt), np.datetime64("NaT", "us"))
        column.date_format, times = fmt, parsed[codes]
        unread = np.isnat(parsed[:-1]) & usual
        column.unparsed = {texts[i]: int(counts[i]) for i in np.flatnonzero(unread)}
        known = times[~np.isnat(times)]
        column.ascending = bool(np.all(known[1:] >= known[:-1]) or np.all(known[1:] <= known[:-1]))
    kind, why, ask = type_of(column)
    if kind == "category" and numbers >= MIXED * max(1, column.present):
        why += f"; {numbers / column.present:.0%} of its cells are numbers, the others are not"
    key = id_like(column, kind)
    if not key:
        hashes = text_hashes([*texts, ""])
        copies.add(hashes[codes], counts)
    stats: dict[str, Json] = {}
    if times is not None and kind == "date" and not np.isnat(times).all():
        stats = {"min": str(np.nanmin(times)), "max": str(np.nanmax(times))}
    length = float((lengths * counts).sum() / max(1, counts.sum())) if len(texts) else 0.0
    if kind != "date" or times is None:
        return _Seen(column, kind, why, ask, key, length, stats)
    return _Seen(column, kind, why, ask, key, length, stats, times, suspicious=of_dates(name, times))


def _always_marks(raw: Raw, name: str, cells: Cells) -> list[Mark]:
    """Which of the texts that always mean missing occur, and how often."""
    column = pc.utf8_trim_whitespace(raw.as_written(name))
    found = pc.value_counts(column.filter(pc.is_null(cells))).to_pylist()
    why = {"": "the cell is blank"}
    return [
        Mark(row["values"], row["counts"], why.get(row["values"], "it always means 'missing'"), always=True)
        for row in sorted(found, key=lambda row: -row["counts"])
        if row["values"].lower() in ALWAYS_MISSING or row["values"] in raw.settings.missing
    ]


def _dates(column: Column) -> str | None:
    """The format in which at least 95% of the cells are dates."""
    step = max(1, column.distinct // 500)
    fmt = date_format([str(value) for value in column.values[::step]], PARSES)
    if fmt is None:
        return None
    good = ~np.isnat(parse_dates([str(value) for value in column.values], fmt))
    return fmt if column.counts[good].sum() >= PARSES * column.present else None


def _median_words(texts: pa.Array, counts: np.ndarray) -> float:
    if not len(texts):
        return 0.0
    step = max(1, len(texts) // 50_000)
    words = pc.count_substring_regex(texts.take(pa.array(np.arange(0, len(texts), step))), r"\S+")
    values, inverse = np.unique(words.to_numpy(zero_copy_only=False), return_inverse=True)
    weights = np.bincount(inverse, weights=counts[::step]).astype(np.int64)
    return quantiles(values[weights > 0].astype(float), weights[weights > 0], (0.5,))[0] if weights.sum() else 0.0


def _moments(values: np.ndarray, counts: np.ndarray) -> dict[str, Json]:
    """Mean, spread, quartiles and skew of sorted distinct values that occur `counts` times; and the share of them
    beyond 5 standard deviations of the mean."""
    n = counts.sum()
    if n == 0:
        return {}
    scale = float(np.abs(values).max()) or 1.0  # against overflow of squares and cubes
    x = values / scale
    mean = float((x * counts).sum() / n)
    d = x - mean
    second = float((d**2 * counts).sum())
    third = float((d**3 * counts).sum() / n)
    q1, median, q3 = quantiles(values, counts, (0.25, 0.5, 0.75))
    spread = math.sqrt(second / n)
    return {
        "min": _finite(values[0]),
        "max": _finite(values[-1]),
        "mean": _finite(mean * scale),
        "sd": _finite(math.sqrt(second / (n - 1)) * scale) if n > 1 else None,
        "median": _finite(median),
        "q1": _finite(q1),
        "q3": _finite(q3),
        "skew": _finite(third / spread**3) if spread > 1e-12 else None,
        "beyond_5sd": float(counts[np.abs(d) > 5 * spread].sum() / n) if spread > 1e-12 else 0.0,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _mark_pixels(seen: list[_Seen]) -> None:
    """Columns that are the points of a picture: at least 16 numbered columns of whole numbers within 0 to 255.

    Where the names do not say pixel, they must also fill a square of 8 × 8 or more, once or in three colours.
    """
    found = [
        s for s in seen
        if s.column.is_number and s.column.integer and not s.column.missing and PIXEL_NAME.fullmatch(s.column.name)
        and s.column.values[0] >= 0 and s.column.values[-1] <= 255
    ]  # fmt: skip
    named = sum("pix" in s.column.name.lower() for s in found) > 0.5 * len(found)
    square = any(len(found) == colours * math.isqrt(len(found) // colours) ** 2 for colours in (1, 3))
    if len(found) >= LEAST_PIXELS and (named or (square and len(found) >= 64)):
        for s in found:
            s.pixel = True
            s.id_like = ""
            if s.kind != "number":  # a code by its name, two values, or one: all the same a place in the picture
                s.kind, s.ask = "number", False


def _described(s: _Seen) -> dict[str, Json]:
    column = s.column
    order = np.argsort(-column.counts, kind="stable")[:TOP]
    text: Any = as_text if column.is_number else _cut
    top = [[text(column.values[i]), int(column.counts[i])] for i in order]
    task = task_of(column, s.kind)
    positive = None
    if task == "binary":
        labels = [as_text(v) if column.is_number else whole(str(v)) for v in column.values]
        positive = positive_guess(labels, column.counts)
    empty = dict.fromkeys(("min", "max", "mean", "sd", "median", "q1", "q3", "skew", "beyond_5sd"))
    spread = np.linspace(0, column.distinct - 1, min(5, column.distinct)).astype(int)
    return {
        "name": column.name,
        "type": s.kind,
        "why_type": s.why,
        "ask_type": s.ask,
        "distinct": column.distinct,
        "missing": column.missing,
        "marks": [asdict(replace(mark, value=_cut(mark.value))) for mark in column.marks],
        "unparsed": [[_cut(text), count] for text, count in list(column.unparsed.items())[:20]],
        **(empty | s.stats),
        "top": top,
        "integer": column.integer,
        "sorted": column.ascending,
        "words": column.words,
        "length": s.length,
        "rows_per_value": column.present / column.distinct if column.distinct else 0.0,
        "id_like": s.id_like,
        "constant": column.distinct <= 1,
        "near_constant": bool(len(order)) and top[0][1] >= CONSTANT_SHARE * column.rows,
        "top_share": top[0][1] / column.rows if top else 0.0,
        "protected": is_protected(column.name),
        "pixel": s.pixel,
        "task": task,
        "positive": positive,
        "date_format": column.date_format,
        "examples": [text(column.values[i]) for i in spread],
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _summary(raw: Raw, seen: list[_Seen], copies: _Copies) -> dict[str, Json]:
    names = raw.names
    dates = {s.column.name: s.column.date_format for s in seen if s.kind == "date" and s.column.date_format}
    guess = target_guess(names)
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
        "columns": [_described(s) for s in seen],
        "duplicates": copies.counts(),
        "suspicious": [entry for s in seen for entry in s.suspicious],
        "target_guess": guess,
        "time_guess": _time_guess(seen),
        "group_guess": [
            {"column": s.column.name, "rows_per_value": s.column.present / s.column.distinct}
            for s in seen
            if may_group(s.column, s.kind)
        ],
        "kind": _kind(seen, guess, raw.rows),
        "warnings": warnings,
    }


def _date_guesses(seen: list[_Seen], settings: ReadSettings) -> list[dict[str, Json]]:
    """By what the dates were found to be written; nothing of a column whose format was said."""
    return [
        {
            "setting": "dates", "value": {s.column.name: s.column.date_format}, "count": s.column.present,
            "why": f"{s.column.present - sum(s.column.unparsed.values()):,} of {s.column.present:,} cells read so",
        }
        for s in seen
        if s.kind == "date" and s.column.date_format and s.column.name not in settings.dates
    ]  # fmt: skip


def _time_guess(seen: list[_Seen]) -> str | None:
    """The date column that orders the rows: one named so, else the only one; never a date of birth."""
    dates = [s.column.name for s in seen if s.kind == "date" and BIRTH_TOKENS.isdisjoint(tokens(s.column.name))]
    named = [name for name in dates if is_time(name)]
    return named[0] if named else dates[0] if len(dates) == 1 else None


def _kind(seen: list[_Seen], target: str, rows: int) -> str:
    """What the whole file is, by `problem.task`: image, text, series or table."""
    inputs = [s for s in seen if s.column.name != target]
    pixels = sum(s.pixel for s in inputs)
    if pixels >= LEAST_PIXELS and pixels >= 0.8 * len(inputs):
        return "image"
    texts = [s for s in inputs if s.kind == "text"]
    if len(texts) == 1 and texts[0].length > sum(s.length or 8.0 for s in inputs if s is not texts[0]):
        return "text"
    goal = next((s for s in seen if s.column.name == target), None)
    regular = any(s.times is not None and _regular(s.times) for s in inputs)
    return "series" if regular and goal is not None and goal.column.is_number and rows >= 10 else "table"


def _regular(times: np.ndarray) -> bool:
    """Whether every row comes one even step after the row before (months and years count as even)."""
    steps = np.diff(times).astype("int64")
    if not len(steps) or np.isnat(times).any() or steps.min() <= 0:
        return False
    usual = float(np.median(steps))
    return bool(np.mean(np.abs(steps - usual) <= 0.11 * usual) >= 0.9)
