"""What kind of file is this?  Compression, encoding, separator, quotes, decimal sign and header, from its bytes."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine.data.naming import quoted
from engine.data.opening import LONGEST_LINE, Scan, compression_of, opened, scan
from engine.errors import DataProblem
from engine.records import Json

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 1 << 18  # characters looked at to find separator, quotes and header
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
COMMA_DECIMAL = re.compile(r"[+-]?(\d*,(\d{1,2}|\d{4,})|0,\d+)$")  # 12,5 but not 12,500 (a thousands sign, perhaps)


@dataclass(frozen=True)
class ReadSettings:
    """How a file is read; JSON with `as_dict`, back with `from_dict`."""

    separator: str = ","
    encoding: str = "utf-8"  # a Python codec name; utf-8-sig when there is a byte order mark
    decimal: str = "."
    quote: str = '"'
    compression: str | None = None  # gzip, bz2, xz, zip
    header: bool = True
    dates: dict[str, str] = field(default_factory=dict)  # column → strptime format or ISO8601, fixed by the profile

    def as_dict(self) -> dict[str, Json]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Json]) -> ReadSettings:
        """Settings from JSON; what is not said is the default, what is unknown is left out."""
        known = set(cls.__dataclass_fields__)
        settings = cls(**{key: value for key, value in raw.items() if key in known})
        try:
            codecs.lookup(settings.encoding)
        except LookupError:
            raise DataProblem(
                f"There is no encoding called {settings.encoding!r}; utf-8 and cp1252 are usual."
            ) from None
        if len(settings.separator) != 1 or len(settings.quote) > 1 or settings.decimal not in (".", ","):
            raise DataProblem("A separator and a quote are one character each, the decimal sign is '.' or ','.")
        return settings


def sniff(path: Path | str) -> ReadSettings:
    """Find how to read a file.  Raises DataProblem when it is missing, unreadable, empty or no table of text."""
    return examine(Path(path))[0]


def examine(path: Path) -> tuple[ReadSettings, Scan]:
    """The settings, and the facts of the whole file that reading needs."""
    compression = compression_of(path)
    scanned = scan(path, compression)
    sample = sample_text(path, compression, scanned.encoding)
    _refuse_other_formats(path, sample)
    quote = _quote(sample)
    separator = _separator(path, sample, quote)
    rows = _records(sample, separator, quote)
    decimal = _decimal(rows)
    return ReadSettings(
        separator, scanned.encoding, decimal, quote, compression, header=_has_header(rows, decimal)
    ), scanned


def sample_text(path: Path, compression: str | None, encoding: str) -> str:
    """The first SAMPLE characters, cut at a line's end.  Undecodable bytes become '�'."""
    with opened(path, compression) as stream:
        text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")  # pyright: ignore
        sample = text.read(SAMPLE)
        text.detach()
    ends = max(sample.rfind("\n"), sample.rfind("\r"))
    return sample[: ends + 1] if len(sample) == SAMPLE and ends > 0 else sample


def header_row(path: Path, settings: ReadSettings) -> list[str]:
    """The cells of the first row that is not blank, as they stand."""
    with opened(path, settings.compression) as stream:
        text = io.TextIOWrapper(stream, encoding=settings.encoding, errors="replace", newline="")  # pyright: ignore
        limit = csv.field_size_limit(LONGEST_LINE)
        try:
            rows = csv.reader(text, delimiter=settings.separator, quotechar=settings.quote or None,
                              quoting=csv.QUOTE_MINIMAL if settings.quote else csv.QUOTE_NONE)  # fmt: skip
            return next((row for row in rows if row), [])
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


def _bare(sample: str, quote: str) -> str:
    """The sample with quoted cells blanked, so that separators and line ends inside them do not count."""
    if not quote:
        return sample
    q, seps = re.escape(quote), "".join(map(re.escape, SEPARATORS))
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


def _separator(path: Path, sample: str, quote: str) -> str:
    lines = [line for line in re.split(r"\r\n|\n|\r", _bare(sample, quote)) if line.strip()][:2000]
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
    return best


def _records(sample: str, separator: str, quote: str, most: int = 200) -> list[list[str]]:
    rows: list[list[str]] = []
    limit = csv.field_size_limit(LONGEST_LINE)
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator, quotechar=quote):
            if row:
                rows.append([cell.strip() for cell in row])
            if len(rows) >= most:
                break
    except csv.Error:
        pass  # the sample may end inside a quoted cell: what was read before is enough
    finally:
        csv.field_size_limit(limit)
    return rows


def _decimal(rows: list[list[str]]) -> str:
    cells = Counter()
    for row in rows[1:]:
        for cell in row:
            if COMMA_DECIMAL.match(cell):
                cells[","] += 1
            elif "." in cell and NUMBER.match(cell):
                cells["."] += 1
    return "," if cells[","] > cells["."] else "."


def _has_header(rows: list[list[str]], decimal: str) -> bool:
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
