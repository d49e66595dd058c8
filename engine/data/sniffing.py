"""How is a text table written?  Encoding, separator, quotes, notation of numbers and header, from its bytes."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data.naming import quoted
from engine.data.opening import LONGEST_LINE, Scan, compression_of, opened, scan
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

__all__ = ["ReadSettings", "examine_text", "header_row", "notation", "sample_text"]

SEPARATORS = (",", ";", "\t", "|")
OTHERS = (
    "^",
    "~",
    "\x01",
    "\x1f",
    "\x1e",
    "\x02",
    "!",
    "#",
    "@",
    "&",
    "*",
    "=",
    "$",
    ":",
    " ",
)  # where none of those fits
SHY = (":", " ")  # stand inside texts and times, too: taken only where a column of numbers comes out
SAMPLE = 1 << 18  # characters looked at to find separator, quotes and header
LEAD = 30  # lines before the header at most
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
COMMA_DECIMAL = re.compile(r"[+-]?(\d*,(\d{1,2}|\d{4,})|0,\d+)$")  # 12,5 but not 12,500 (a thousands sign, perhaps)
THREES = re.compile(r"[+-]?\d{1,3}\.\d{3}$")  # 1.234: a decimal point, or a thousands mark
_GAP = "[ \u00a0\u2009\u202f]"
GROUPED = {
    ",": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"),
    ".": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?$"),
    " ": re.compile(rf"[+-]?[1-9]\d{{0,2}}({_GAP}\d{{3}})+([.,]\d+)?$"),
    "'": re.compile(r"[+-]?[1-9]\d{0,2}(['’]\d{3})+([.,]\d+)?$"),
}
_UNIT = re.compile(r"^[$€£¥₹]\s*|\s*[$€£¥₹%]$")
_WORDS = {",": "comma", ".": "point", " ": "blank", "'": "apostrophe"}


def examine_text(path: Path) -> tuple[ReadSettings, Scan, list[Guess]]:
    """The settings of a text table, the facts of the whole file that reading needs, and by what each was found.

    Raises DataProblem when it is missing, unreadable, empty or no table of text.
    """
    compression = compression_of(path)
    scanned = scan(path, compression)
    sample = sample_text(path, compression, scanned.encoding)
    _refuse_other_formats(path, sample)
    quote = _quote(sample)
    separator, skip, said = _separator(path, sample, quote)
    body = "".join(_lines(sample)[skip:]) if skip else sample
    written = _records(body, separator, quote, most=2000)
    rows = [[cell.strip() for cell in row] for row in written[:200]]
    decimal, thousands, numbers = notation(cell.strip() for row in written[1:] for cell in row)
    header = has_header(rows, decimal)
    settings = ReadSettings(
        separator, scanned.encoding, decimal, quote, compression, header, thousands=thousands, skip=skip
    )
    return settings, scanned, [
        *_packing(compression), _encoding(scanned), *said, *_quoting(quote, body), *numbers, _heading(rows, header),
        *blanks(written[1:]),
    ]  # fmt: skip


def _packing(compression: str | None) -> list[Guess]:
    if compression is None:
        return []
    return [Guess(setting="compression", value=compression, why=f"its first bytes are those of {compression}", count=1)]


def _encoding(scanned: Scan) -> Guess:
    why = {
        "utf-8": "every byte of the file reads as UTF-8",
        "utf-8-sig": "it begins with the mark of UTF-8, and every byte reads so",
    }.get(scanned.encoding, scanned.odd_byte or "its byte order mark or its zero bytes say so")
    return Guess(setting="encoding", value=scanned.encoding, why=why, count=scanned.bytes)


def _quoting(quote: str, sample: str) -> list[Guess]:
    count = len(re.findall(rf"(?:^|(?<=[^\w\s]|[\t\r\n])){re.escape(quote)}", sample)) if quote else 0
    if not count:
        return []
    return [Guess(setting="quote", value=quote, why=f"texts stand between {quote} and {quote}", count=count)]


def _heading(rows: list[list[str]], header: bool) -> Guess:
    first = ", ".join(quoted(cell, 20) for cell in (rows[0] if rows else [])[:4])
    why = (
        f"the first line ({first}) names what stands below"
        if header
        else f"the first line ({first}) holds numbers as the lines below do"
    )
    return Guess(setting="header", value=header, why=why, count=max(0, len(rows) - 1))


def blanks(rows: Iterable[Iterable[str]]) -> list[Guess]:
    """What to say of cells with blanks around them; nothing where there are none."""
    count = sum(cell != cell.strip() for row in rows for cell in row)
    if not count:
        return []
    return [Guess(setting="blanks", value=True, why="cells begin or end with blanks, which are cut", count=count)]


@dataclass
class _Marks:
    """What the numbers of a sample look like: how many speak for a decimal point and a comma."""

    point: int = 0  # 12.5
    comma: int = 0  # 12,5
    threes: int = 0  # 1.234, which may be either


def notation(cells: Iterable[str]) -> tuple[str, str | None, list[Guess]]:
    """The decimal sign of numbers written as text, and their thousands mark; None where none was seen, or several.

    A mark counts only where every number that holds it sets threes of digits apart by it.
    """
    numbers = Counter(
        bare for cell in cells if len(cell) <= 40 and any(c in cell for c in ".,' \u00a0\u2009\u202f’")
        and (bare := _UNIT.sub("", cell))[:1] in "0123456789+-.," and bare[-1:] in "0123456789."
    )  # fmt: skip
    marks = _Marks()
    for cell, times in numbers.items():
        tight = re.sub(rf"(?<=\d)({_GAP}|['’])(?=\d{{3}})", "", cell)
        if COMMA_DECIMAL.match(tight) or re.match(r"[+-]?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})$", tight):
            marks.comma += times
        elif re.match(r"[+-]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})$", tight):
            marks.point += times
        elif THREES.match(tight):
            marks.threes += times
        elif "." in tight and NUMBER.match(tight):
            marks.point += times
    points = marks.point + marks.threes if marks.point or not marks.comma else 0
    decimal = "," if marks.comma > points else "."
    guesses = []
    if marks.comma or marks.point or marks.threes:
        count = marks.comma if decimal == "," else marks.point + marks.threes
        against = marks.point if decimal == "," else marks.comma
        example = next((cell for cell in numbers if decimal in cell), "")
        why = f"numbers such as {quoted(example)}" + (f"; {against:,} others speak against it" if against else "")
        guesses.append(Guess(setting="decimal", value=decimal, why=why, count=count))
    thousands, said = _thousands(numbers, decimal)
    return decimal, thousands, guesses + said


def _thousands(numbers: Counter[str], decimal: str) -> tuple[str | None, list[Guess]]:
    other = "," if decimal == "." else "."
    found: dict[str, tuple[int, bool, str]] = {}  # mark → count, whether one is sure, an example
    for mark in (other, " ", "'"):
        signs = {" ": " \u00a0\u2009\u202f", "'": "'’"}.get(mark, mark)
        holding = {c: n for c, n in numbers.items() if any(s in c for s in signs) and re.fullmatch(r"[\d.,+'’\s-]+", c)}
        fitting = {c: n for c, n in holding.items() if GROUPED[mark].match(c)}
        if not fitting or len(fitting) < len(holding) or any(_against(c, mark, decimal) for c in fitting):
            continue
        sure = mark != other or any(decimal in c or c.count(other) > 1 for c in fitting)
        found[mark] = sum(fitting.values()), sure, next(iter(fitting))
    if len(found) != 1:
        return None, []
    ((mark, (count, sure, example)),) = found.items()
    why = f"numbers such as {quoted(example)} set threes of digits apart by a {_WORDS[mark]}"
    if not sure:
        why += f"; a guess, as none of them has decimals: it could be a decimal {_WORDS[mark]}, too"
    return mark, [Guess(setting="thousands", value=mark, why=why, count=count)]


def _against(cell: str, mark: str, decimal: str) -> bool:
    """Whether a grouped number has another decimal sign than the file."""
    other = "," if decimal == "." else "."
    return mark != other and other in cell


def sample_text(path: Path, compression: str | None, encoding: str) -> str:
    """The first SAMPLE characters, cut at a line's end.  Undecodable bytes become '�'."""
    with opened(path, compression) as stream:
        text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")  # pyright: ignore
        sample = text.read(SAMPLE)
        text.detach()
    ends = max(sample.rfind("\n"), sample.rfind("\r"))
    return sample[: ends + 1] if len(sample) == SAMPLE and ends > 0 else sample


def header_row(path: Path, settings: ReadSettings) -> tuple[list[str], int]:
    """The cells of the first row that is not blank, as they stand, and how many lines stand before it."""
    with opened(path, settings.compression) as stream:
        text = io.TextIOWrapper(stream, encoding=settings.encoding, errors="replace", newline="")  # pyright: ignore
        limit = csv.field_size_limit(LONGEST_LINE)
        try:
            before, line = 0, text.readline(LONGEST_LINE)
            while line and (before < settings.skip or not line.strip("\ufeff \t\r\n")):
                before, line = before + 1, text.readline(LONGEST_LINE)
            rows = csv.reader(itertools.chain([line], text), delimiter=settings.separator,
                              quotechar=settings.quote or None,
                              quoting=csv.QUOTE_MINIMAL if settings.quote else csv.QUOTE_NONE)  # fmt: skip
            return next((row for row in rows if row), []), before
        except csv.Error as error:
            raise DataProblem(f"{path}: the first line is no header ({error}).") from None
        finally:
            csv.field_size_limit(limit)
            text.detach()


def _refuse_other_formats(path: Path, sample: str) -> None:
    start = sample.lstrip("\ufeff \t\r\n")[:200].lower()
    what = None
    if start.startswith(("<!doctype", "<html", "<?xml", "<table", "<head", "<body", "<svg")):
        what = "a web or XML page"
    elif re.match(r'\{\s*("|\})|\[\s*(\{|\[|"|\])', start):
        what = "JSON"
    elif start.startswith("{\\rtf"):
        what = "a formatted document"
    elif start.startswith("version https://git-lfs"):
        what = "a pointer to a file kept elsewhere (Git LFS)"
    if what:
        raise DataProblem(
            f"{path} is {what}, not a table: export it as CSV, one row a line, columns separated by commas."
        )


def _lines(text: str) -> list[str]:
    """The lines with their ends.  Not `splitlines`, which ends a line at signs that separate cells here."""
    return re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)


def _bare(sample: str, quote: str, separators: Sequence[str]) -> str:
    """The sample with quoted cells blanked, so that separators and line ends inside them do not count."""
    if not quote:
        return sample
    q, seps = re.escape(quote), "".join(map(re.escape, separators))
    bare = re.sub(rf"(^|(?<=[{seps}\r\n])){q}(?:[^{q}]|{q}{q})*{q}", "q", sample)
    opened_at = re.search(rf"(^|(?<=[{seps}\r\n])){q}", bare)
    if opened_at and len(sample) > SAMPLE // 2:  # the sample was cut inside a quoted cell
        bare = bare[: opened_at.start()]
    return bare


def _quote(sample: str) -> str:
    seps = "".join(map(re.escape, SEPARATORS))
    single = len(re.findall(rf"(?:^|(?<=[{seps}\r\n]))'[^'\r\n]*'(?=[{seps}\r\n]|$)", sample))
    double = len(re.findall(rf'(?:^|(?<=[{seps}\r\n]))"', sample))
    return "'" if single > 2 * double and single > 0.5 * sample.count("\n") else '"'


def _separator(path: Path, sample: str, quote: str) -> tuple[str, int, list[Guess]]:
    """The separator, the lines before the header, and by what they were found."""
    all_lines = re.split(r"\r\n|\n|\r", _bare(sample, quote, SEPARATORS))
    lines = [line for line in all_lines if line.strip()][:2000]
    best, best_share, best_columns = "", 0.0, 0
    for separator in SEPARATORS:
        counts = [line.count(separator) for line in lines]
        if not counts or counts[0] == 0:
            continue
        share = sum(count == counts[0] for count in counts) / len(counts)
        if len(counts) > 1 and share < 1:  # the share of the rows below, the header always agrees with itself
            share = sum(count == counts[0] for count in counts[1:]) / (len(counts) - 1)
        if (round(share, 2), counts[0]) > (round(best_share, 2), best_columns):
            best, best_share, best_columns = separator, share, counts[0]
    if best_share < 0.9 and (other := _other_separator(sample, quote)):
        return other, 0, [_parted(other, lines)]
    odd = (
        best_share < 0.5 or lines[0].startswith("#") or (best_columns > 1 and _is_sparse(lines[0], best, best_columns))
    )
    if odd and (below := _below_the_lead(all_lines, quote)):
        separator, skip = below
        why = f"the {skip:,} lines before the header are no rows of the table"
        lead = Guess(setting="skip", value=skip, why=why, count=skip)
        return separator, skip, [_parted(separator, [line for line in all_lines[skip:] if line.strip()][:2000]), lead]
    if not best:
        first = quoted(lines[0]) if lines else "nothing"
        raise DataProblem(
            f"{path} has one column only: line 1 is {first}, without comma, semicolon, tab or '|'. "
            "A model needs a target and at least one input column: is this a table?"
        )
    if len(lines) > 2 and best_share < 0.1:
        common, times = Counter(line.count(best) + 1 for line in lines[1:]).most_common(1)[0]
        raise DataProblem(
            f"{path} is not a table as it stands: line 1 has {best_columns + 1} cells, but {times:,} of the "
            f"{len(lines) - 1:,} lines after it have {common}. Give a file with a header and equally long rows."
        )
    return best, 0, [_parted(best, lines)]


def _parted(separator: str, lines: Sequence[str]) -> Guess:
    times = lines[0].count(separator) if lines else 0
    alike = sum(line.count(separator) == times for line in lines)
    name = {"\t": "tab", " ": "blank"}.get(separator, repr(separator))
    why = f"{alike:,} of the first {len(lines):,} lines have {name} {times:,} times each, as the first of them has"
    return Guess(setting="separator", value=separator, why=why, count=alike)


def _other_separator(sample: str, quote: str) -> str:
    """A sign that parts every line into equally many cells; "" where none does, or it is not sure enough."""
    best, best_columns = "", 0
    for separator in OTHERS:
        lines = [line for line in re.split(r"\r\n|\n|\r", _bare(sample, quote, [separator])) if line.strip()][:2000]
        counts = {line.count(separator) for line in lines}
        if len(lines) < 3 or len(counts) != 1 or (columns := counts.pop()) <= best_columns:
            continue
        if separator in SHY and not _has_numbers_below(lines, separator):
            continue
        best, best_columns = separator, columns
    return best


def _has_numbers_below(lines: Sequence[str], separator: str) -> bool:
    first, *below = [line.split(separator) for line in lines]
    if any(NUMBER.match(cell.strip()) for cell in first):
        return False
    return any(all(NUMBER.match(row[i].strip()) for row in below) for i in range(len(first)))


def _is_sparse(line: str, separator: str, columns: int) -> bool:
    """Whether at most half of the cells that a row has are filled; columns: separators of a row."""
    return sum(bool(cell.strip()) for cell in line.split(separator)) <= 0.5 * (columns + 1)


def _below_the_lead(lines: Sequence[str], quote: str) -> tuple[str, int] | None:
    """The separator and how many lines stand before the header, where these are few and have few cells each (a title,
    a date of export, comments); None where the table begins with the first line, or is none."""
    found: list[tuple[int, int, str]] = []  # where it begins, separators of a row (negative), the separator
    for separator in SEPARATORS:
        counts = Counter(line.count(separator) for line in lines[:2000] if line.strip())
        common = max((count for count in counts if count), key=lambda count: counts[count], default=0)
        fits = (
            i
            for i, line in enumerate(lines[:LEAD])
            if common and line.count(separator) == common and not _is_sparse(line, separator, common)
        )
        start = next(fits, 0)
        below = [line for line in lines[start:2000] if line.strip()]
        lead = [line for line in lines[:start] if line.strip()]
        if not lead or len(below) < 3 or sum(line.count(separator) == common for line in below) < 0.8 * len(below):
            continue
        if not all(line.startswith("#") or _is_sparse(line, separator, common) for line in lead):
            continue
        first = next(iter(_records("\n".join(below), separator, quote)), [])
        if sum(bool(cell.strip()) and not NUMBER.match(cell.strip()) for cell in first) > 0.5 * (common + 1):
            found.append((start, -common, separator))
    return (min(found)[2], min(found)[0]) if found else None


def _records(sample: str, separator: str, quote: str, most: int = 200) -> list[list[str]]:
    """The first rows, their cells as they are written."""
    rows: list[list[str]] = []
    limit = csv.field_size_limit(LONGEST_LINE)
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator, quotechar=quote):
            if row:
                rows.append(row)
            if len(rows) >= most:
                break
    except csv.Error:
        pass  # the sample may end inside a quoted cell: what was read before is enough
    finally:
        csv.field_size_limit(limit)
    return rows


def has_header(rows: list[list[str]], decimal: str) -> bool:
    """No header when the first row holds numbers where the column below does, unless they count up or are years."""
    if len(rows) < 2:
        return True

    def number(cell: str) -> bool:
        return bool(NUMBER.match(cell.replace(",", ".") if decimal == "," else cell))

    below = rows[1:50]
    numeric = [
        i
        for i in range(len(rows[0]))
        if sum(i < len(r) and number(r[i]) for r in below) > 0.8 * sum(i < len(r) and r[i] != "" for r in below) > 0
    ]
    first = [rows[0][i] for i in numeric if number(rows[0][i])]
    if not first or len(first) < 0.5 * len(numeric):
        return True
    if len(first) > 1 and all(re.fullmatch(r"\d+", cell) for cell in first):
        whole = [int(cell) for cell in first]
        if all(b - a == 1 for a, b in itertools.pairwise(whole)):
            return True
        return len(set(whole)) == len(whole) and all(1900 <= year <= 2100 for year in whole)
    return False
