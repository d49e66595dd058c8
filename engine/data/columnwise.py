"""A first look at one column: its type and by which rule, what is missing, figures, what contradicts its name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pyarrow as pa

from engine.data import typed
from engine.data.cells import ALWAYS_MISSING, SUSPECTS, date_format, pc, units, whole, word_dates
from engine.data.distinct import Distinct, distinct, plain_numbers
from engine.data.figures import histogram, moments, outliers, rare_levels
from engine.data.kinds import (
    CONSTANT_SHARE,
    NUMBER_CODES,
    PARSES,
    Column,
    Mark,
    id_like,
    number_marks,
    quantiles,
    task_of,
    text_marks,
    type_of,
)
from engine.data.naming import is_protected
from engine.data.raw import Raw
from engine.data.suspicion import of_dates, of_numbers
from engine.data.target import positive_guess
from engine.records import Json

TOP, TOP_NUMBERS = 60, 20  # commonest values kept: of levels, and of numbers that have more values than that
LONGEST = 200  # characters of a cell kept
LONGEST_DATE = 1000  # characters; a column with a longer cell holds no dates
UNITS_SEEN = 1000  # cells
MIXED = 0.2  # share of numbers from which a column of text is worth a word
NOTHING: dict[str, Json] = {
    **dict.fromkeys(("min", "max", "mean", "sd", "median", "q1", "q3", "skew", "beyond_5sd")),
    **dict.fromkeys(("outliers", "histogram", "characters")),
    "rare": 0, "rare_rows": 0, "words": 0.0, "length": 0.0,
}  # fmt: skip


@dataclass
class Seen:
    """A column and what the rules say of it."""

    column: Column
    kind: str
    why: str
    ask: bool
    id_like: str
    said: dict[str, Json]  # what the profile says of it
    length: float = 0.0  # mean characters a cell
    times: np.ndarray | None = None  # dates, in file order
    ends: tuple[float, float] | None = None  # its smallest and its largest number
    hashes: np.ndarray | None = None  # (n,) uint64, equal where cells are equal; None for a key
    counts: np.ndarray | None = None  # (k,) how often each distinct value occurs, where there are hashes
    suspicious: list[dict[str, Json]] = field(default_factory=list)  # values that contradict the column's name

    def described(self, pixel: bool) -> dict[str, Json]:
        """What the profile says of it, once it is known whether it is a place in a picture."""
        kind = {"type": self.kind, "ask_type": self.ask, "id_like": self.id_like, "pixel": pixel}
        return self.said | kind


def look_at(raw: Raw, name: str, drawn: bool = True) -> Seen:
    """raw: a table that holds this column, as it was read.  drawn: whether histograms are wanted."""
    settings, column = raw.settings, raw.column(name)
    if not settings.missing and (values := typed.numbers(column)) is not None:
        empty = int(np.isnan(values).sum())
        if empty < len(values):
            return _numbers(name, values, empty, _always(raw, [("", empty)] if empty else []), {}, drawn)
    text = typed.nullable_text(column, settings.decimal)
    if (
        not settings.missing
        and (plain := plain_numbers(text, settings.decimal)) is not None
        and np.isfinite(plain.values).any()
    ):
        marks = _always(raw, plain.always) + text_marks(plain.suspects)
        return _numbers(name, plain.values, plain.missing, marks, {}, drawn)
    cells = distinct(text, settings.blanks, settings.missing)
    marks = _always(raw, cells.always)
    parsed, read = _read_numbers(raw, name, cells)
    if read is not None and _are_amounts(cells, read[0]):
        numbers, suspects, strange = read
        return _numbers(name, numbers, cells.missing, marks + text_marks(suspects), strange, drawn)
    return _texts(raw, name, cells, marks, parsed, drawn)


def _always(raw: Raw, found: list[tuple[str, int]]) -> list[Mark]:
    """Which of the texts that always mean missing occur, and how often."""
    why = {"": "the cell is blank"}
    return [
        Mark(text, count, why.get(text, "it always means 'missing'"), always=True)
        for text, count in found
        if text.lower() in ALWAYS_MISSING or text in raw.settings.missing
    ]


def _read_numbers(
    raw: Raw, name: str, cells: Distinct
) -> tuple[int, tuple[np.ndarray, dict[str, int], dict[str, int]] | None]:
    """How many cells are numbers; and where at least 95% are, the numbers, the texts that usually mean missing, and
    the other texts."""
    settings, counts = raw.settings, cells.counts
    if not settings.blanks:  # its words keep their blanks, numbers have none
        numbers, bad = raw.numbers(name)
        parsed = int(np.isfinite(numbers).sum())
        suspects = {text: count for text, count in bad.items() if text.lower() in SUSPECTS}
        strange = {text: count for text, count in bad.items() if text not in suspects}
        enough = 0 < parsed >= PARSES * (parsed + sum(strange.values()))
        return parsed, (numbers, suspects, strange) if enough else None
    values, odd = cells.numbers(settings.decimal, settings.thousands, settings.missing)
    parsed = int(counts[np.isfinite(values)].sum())
    suspect = cells.suspect[odd]
    if not 0 < parsed >= PARSES * (parsed + int(counts[odd[~suspect]].sum())):
        return parsed, None
    words = [cells.words.take(pa.array(odd[which])).to_pylist() for which in (suspect, ~suspect)]
    suspects, strange = (
        dict(zip(texts, counts[odd[which]].tolist(), strict=True))
        for texts, which in zip(words, (suspect, ~suspect), strict=True)
    )
    return parsed, (np.append(values, np.nan)[cells.codes], suspects, strange)


def _are_amounts(cells: Distinct, numbers: np.ndarray) -> bool:
    """Whether its numbers count the same thing: a bare number beside $5 is dollars, beside 5 % it may be anything.

    A few levels written with a unit (5 %, 10 %) stay the texts that they are, as labels have to.
    """
    found = units(cells.first(UNITS_SEEN))
    if found == [""]:
        return True
    alike = len(found) == 1 or (len(found) == 2 and "" in found and "%" not in found)
    return alike and len(_sorted(numbers)[0]) > NUMBER_CODES


def _sorted(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct numbers in order, and how often each occurs."""
    return np.unique(numbers[np.isfinite(numbers)] + 0.0, return_counts=True)


def _numbers(
    name: str, numbers: np.ndarray, missing: int, marks: list[Mark], strange: dict[str, int], drawn: bool
) -> Seen:
    column = Column(name, len(numbers), missing, *_sorted(numbers), is_number=True, unparsed=strange)
    column.integer = bool(np.all(column.values == np.floor(column.values)))
    column.ascending = _is_sorted(numbers[np.isfinite(numbers)])
    found = number_marks(column)
    column.marks = marks + found
    kind, why, ask = type_of(column)
    key = id_like(column, kind)
    sentinels = [float(mark.value) for mark in found if not mark.ask]
    kept = ~np.isin(column.values, sentinels) if sentinels else slice(None)
    values, counts = column.values[kept], column.counts[kept]
    said = moments(values, counts)
    if kind == "number":
        said |= {"outliers": outliers(values, counts), "histogram": histogram(values, counts) if drawn else None}
    return Seen(
        column, kind, why, ask, key, _described(column, kind, why, said),
        ends=(float(column.values[0]), float(column.values[-1])),
        hashes=None if key else np.where(np.isnan(numbers), np.nan, numbers + 0.0).view(np.uint64),
        counts=None if key else column.counts,
        suspicious=of_numbers(name, values, counts) if kind == "number" and not key else [],
    )  # fmt: skip


def _texts(raw: Raw, name: str, cells: Distinct, marks: list[Mark], numbers: int, drawn: bool) -> Seen:
    counts, odd = cells.counts, cells.suspect
    values = cells.words.filter(pa.array(~odd)) if odd.any() else cells.words
    suspects = {cells.words[int(i)].as_py(): int(counts[i]) for i in np.flatnonzero(odd)}
    column = Column(name, raw.rows, cells.missing, values, counts[~odd], marks=marks + text_marks(suspects))
    column.words = _median_words(cells.words, counts)
    days = None
    if len(values) and cells.lengths.max() < LONGEST_DATE:
        column.date_format, days = _dates(column, raw.settings.dates.get(name))
    times = None
    if days is not None:
        unread = np.flatnonzero(np.isnat(days))
        column.unparsed = {column.text(i): int(column.counts[i]) for i in unread.tolist()}
        every = np.full(len(counts) + 1, np.datetime64("NaT", "us"))
        every[:-1][~odd] = days
        times = every[cells.codes]
        column.ascending = _is_sorted(times[~np.isnat(times)], alone=True)
    kind, why, ask = type_of(column)
    if kind == "category" and numbers >= MIXED * max(1, column.present):
        why += f"; {numbers / column.present:.0%} of its cells are numbers, the others are not"
    key = id_like(column, kind)
    length = float((cells.lengths * counts).sum() / max(1, counts.sum())) if len(counts) else 0.0
    said: dict[str, Json] = {"words": column.words, "length": length}
    if kind == "date" and days is not None and not np.isnat(days).all():
        known = ~np.isnat(days)
        said |= {"min": str(days[known].min()), "max": str(days[known].max())}
        if drawn:
            said["histogram"] = histogram(*_totals(days[known].astype(np.int64) / 1e6, column.counts[known]))
    if kind == "text":
        sizes = _totals(cells.lengths[~odd].astype(float), column.counts)
        said["characters"] = quantiles(*sizes, (0.0, 0.25, 0.5, 0.75, 1.0))
        said["histogram"] = histogram(*sizes) if drawn else None
    return Seen(
        column, kind, why, ask, key, _described(column, kind, why, said), length, times if kind == "date" else None,
        hashes=None if key else cells.codes.astype(np.uint64), counts=None if key else counts,
        suspicious=of_dates(name, times) if kind == "date" and times is not None else [],
    )  # fmt: skip


def _totals(values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values that may repeat as sorted distinct ones with their counts."""
    found, place = np.unique(values, return_inverse=True)
    return found, np.bincount(place, weights=counts).astype(np.int64)


def _is_sorted(known: np.ndarray, alone: bool = False) -> bool:
    """Whether values rise or fall all the way; alone: so does a single one."""
    before, after = known[:-1], known[1:]  # compared, not subtracted: that may be more than a float holds
    return (alone or len(after) > 0) and bool(np.all(after >= before) or np.all(after <= before))


def _dates(column: Column, said: str | None) -> tuple[str | None, np.ndarray | None]:
    """The format that was said, or in which at least 95% of the cells are dates; and the distinct values so read."""
    fmt = said
    if fmt is None:
        step = max(1, column.distinct // 500)
        fmt = date_format(column.values.take(pa.array(range(0, column.distinct, step))).to_pylist(), PARSES)
    if fmt is None:
        return None, None
    days = word_dates(column.values, fmt)
    if said is None and column.counts[~np.isnat(days)].sum() < PARSES * column.present:
        return None, None
    return fmt, days


def _median_words(texts: pa.Array, counts: np.ndarray) -> float:
    if not len(texts):
        return 0.0
    step = max(1, len(texts) // 50_000)
    words = pc.count_substring_regex(texts.take(pa.array(np.arange(0, len(texts), step))), r"\S+")
    values, inverse = np.unique(words.to_numpy(zero_copy_only=False), return_inverse=True)
    weights = np.bincount(inverse, weights=counts[::step]).astype(np.int64)
    return quantiles(values[weights > 0].astype(float), weights[weights > 0], (0.5,))[0] if weights.sum() else 0.0


def _commonest(counts: np.ndarray, most: int) -> np.ndarray:
    """Places of so many largest counts, largest first; equal ones in their order."""
    if len(counts) <= 4 * most:
        return np.argsort(-counts, kind="stable")[:most]
    least = np.partition(counts, -most)[-most]
    more = np.flatnonzero(counts > least)
    return np.concatenate([
        more[np.argsort(-counts[more], kind="stable")], np.flatnonzero(counts == least)[: most - len(more)]
    ])  # fmt: skip


def _described(column: Column, kind: str, why: str, said: dict[str, Json]) -> dict[str, Json]:
    most = TOP_NUMBERS if kind == "number" and column.distinct > TOP else TOP
    top = [[_cut(column.text(i)), int(column.counts[i])] for i in _commonest(column.counts, most).tolist()]
    task = task_of(column, kind)
    positive = None
    if task == "binary":
        positive = positive_guess([whole(column.text(i)) for i in range(column.distinct)], column.counts)
    spread = np.linspace(0, column.distinct - 1, min(5, column.distinct)).astype(int)
    rare = rare_levels(column.counts) if kind in ("category", "yes_no") else {}
    return {
        "name": column.name,
        "type": kind,
        "why_type": why,
        "ask_type": False,
        "distinct": column.distinct,
        "missing": column.missing,
        "marks": [asdict(replace(mark, value=_cut(mark.value))) for mark in column.marks],
        "unparsed": [[_cut(text), count] for text, count in list(column.unparsed.items())[:20]],
        **(NOTHING | said | rare),
        "top": top,
        "integer": column.integer,
        "sorted": column.ascending,
        "rows_per_value": column.present / column.distinct if column.distinct else 0.0,
        "id_like": "",
        "constant": column.distinct <= 1,
        "near_constant": bool(top) and top[0][1] >= CONSTANT_SHARE * column.rows,
        "top_share": top[0][1] / column.rows if top else 0.0,
        "protected": is_protected(column.name),
        "pixel": False,
        "task": task,
        "positive": positive,
        "date_format": column.date_format,
        "examples": [_cut(column.text(i)) for i in spread.tolist()],
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
