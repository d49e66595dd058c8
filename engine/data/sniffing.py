"""What kind of file is this?  Compression, encoding, separator, quotes, decimal sign and header, from its bytes."""

from __future__ import annotations

import bz2
import codecs
import csv
import errno
import gzip
import io
import itertools
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from engine.data.naming import quoted
from engine.errors import DataProblem
from engine.records import Json

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 1 << 18  # characters looked at to find separator, quotes and header
PIECE = 1 << 22  # bytes read at a time
LONGEST_LINE = 1 << 26  # bytes; a longer line is no row of a table
MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"), (b"PK\x03\x04", "zip"))
NOT_TABLES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"ARROW1", "an Arrow file"),
)
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


@dataclass(frozen=True)
class Scan:
    """Facts of the whole file, found in one pass over its (uncompressed) bytes."""

    bytes: int
    longest_line: int  # bytes
    quotes: int  # number of double quotes
    encoding: str
    odd_byte: str = ""  # why it is not UTF-8, in words


@contextmanager
def opened(path: Path, compression: str | None) -> Iterator[IO[bytes]]:
    """The file's bytes, uncompressed.  Raises DataProblem for whatever stands in the way, also while reading."""
    try:
        if compression == "zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(path, archive)) as stream:
                yield stream
        else:
            opener: Any = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open, None: open}[compression]
            with opener(path, "rb") as stream:
                yield stream
    except FileNotFoundError:
        raise DataProblem(f"There is no file {path}: check the name, or give the whole path.") from None
    except IsADirectoryError:
        raise DataProblem(f"{path} is a folder: name the CSV file inside it.") from None
    except PermissionError:
        raise DataProblem(f"{path} may not be read by you: ask its owner, or change its permissions.") from None
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise DataProblem(f"{path} is a damaged {compression} file ({error}): fetch it again.") from None
    except RuntimeError as error:
        if compression != "zip":
            raise
        raise DataProblem(f"{path} cannot be unpacked ({error}): unpack it yourself, and give the CSV file.") from None
    except OSError as error:
        if compression and not error.errno:  # bz2 and gzip say bad data so
            raise DataProblem(f"{path} is a damaged {compression} file ({error}): fetch it again.") from None
        if error.errno in (errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ENXIO, errno.ENOTDIR):
            raise DataProblem(f"{path} cannot be read: {error.strerror}.") from None
        raise


def compression_of(path: Path) -> str | None:
    """gzip, bz2, xz or zip by the first bytes, never by the name."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DataProblem(f"{path} is neither a file nor a folder: save the table in a file first.")
    with opened(path, None) as stream:
        start = stream.read(8)
    return next((name for magic, name in MAGIC if start.startswith(magic)), None)


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


def scan(path: Path, compression: str | None) -> Scan:
    """Go through all bytes once: encoding, NUL bytes, the longest line, the number of quotes."""
    size = longest = quotes = tail = 0
    wide: str | None = None
    decoder = codecs.getincrementaldecoder("utf-8")()
    odd = -1
    cp1252 = True
    with opened(path, compression) as stream:
        first = stream.read(PIECE)
        _refuse_binary(path, first)
        wide = _wide_encoding(first)
        piece = first
        lines = 0
        while piece:
            if wide is None and (nul := piece.find(b"\0")) >= 0:
                line = lines + piece[:nul].count(b"\n") + 1
                raise DataProblem(
                    f"{path} holds NUL bytes, first on line {line:,}: it is no text table, or was damaged when saved. "
                    "Export it again as CSV (UTF-8)."
                )
            if odd < 0 and wide is None:
                odd = _first_odd(decoder, piece, size)
            if cp1252 and any(b in piece for b in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")):
                cp1252 = False
            quotes += piece.count(b'"')
            lines += piece.count(b"\n")
            longest, tail = _longest(piece, longest, tail)
            size += len(piece)
            piece = stream.read(PIECE)
    if size == 0 or (size < PIECE and not first.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")):
        raise DataProblem(f"{path} is empty: nothing to learn from. Was the export interrupted?")
    longest = max(longest, tail)
    if longest > LONGEST_LINE:
        raise DataProblem(
            f"{path} has a line of {longest / 1e6:,.0f} MB: a table has one row a line. Is it JSON? Export it as CSV."
        )
    if odd < 0 and wide is None and decoder.getstate()[0]:
        odd = size - 1  # the file ends inside a character
    if wide:
        return Scan(size, longest, quotes, wide)
    if odd >= 0:
        return Scan(size, longest, quotes, "cp1252" if cp1252 else "latin-1", _odd_place(path, compression, odd))
    return Scan(size, longest, quotes, "utf-8-sig" if first.startswith(codecs.BOM_UTF8) else "utf-8")


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


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = [i for i in archive.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
    if any(i.filename in ("xl/workbook.xml", "[Content_Types].xml") for i in names):
        raise DataProblem(f"{path} is an Excel or Office file: save the sheet as CSV (UTF-8), and give that file.")
    if len(names) != 1:
        inside = ", ".join(quoted(i.filename) for i in names[:5]) or "nothing"
        raise DataProblem(f"{path} holds {len(names)} files ({inside}): unpack it, and give the one CSV file.")
    return names[0]


def _refuse_binary(path: Path, start: bytes) -> None:
    for magic, what in NOT_TABLES:
        if start.startswith(magic):
            raise DataProblem(f"{path} is {what}, not a table: give a CSV or TSV file with one row a line.")
    if start[257:262] == b"ustar":
        raise DataProblem(f"{path} is a tar archive, not a table: unpack it, and give the CSV file.")
    signs = sum(start.count(bytes([b])) for b in (*range(1, 9), *range(14, 27), *range(28, 32)))
    if _wide_encoding(start) is None and signs > 0.05 * max(1, len(start)):
        raise DataProblem(
            f"{path} is not text: it looks like a binary file. Give a CSV or TSV file with one row a line."
        )


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


def _wide_encoding(start: bytes) -> str | None:
    """utf-16 or utf-32 by byte order mark, or by zeros in every second byte."""
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    part = start[:4096]
    pairs = len(part) // 2
    if pairs >= 4 and b"\n" in part:
        if part[1::2].count(0) > 0.8 * pairs and part[0::2].count(0) == 0:
            return "utf-16-le"
        if part[0::2].count(0) > 0.8 * pairs and part[1::2].count(0) == 0:
            return "utf-16-be"
    return None


def _first_odd(decoder: codecs.IncrementalDecoder, piece: bytes, before: int) -> int:
    held = len(decoder.getstate()[0])
    try:
        decoder.decode(piece)
    except UnicodeDecodeError as error:
        return before - held + error.start
    return -1


def _odd_place(path: Path, compression: str | None, offset: int) -> str:
    line, left, byte = 1, offset, b""
    with opened(path, compression) as stream:
        while left > 0 and (piece := stream.read(min(PIECE, left))):
            line += piece.count(b"\n")
            left -= len(piece)
        byte = stream.read(1)
    return f"byte 0x{byte.hex().upper()} on line {line:,} is not UTF-8"


def _longest(piece: bytes, longest: int, tail: int) -> tuple[int, int]:
    """Length of the longest line so far, and of the unfinished one at the end of this piece."""
    piece = piece.replace(b"\r", b"\n") if b"\r" in piece else piece
    first = piece.find(b"\n")
    if first < 0:
        return longest, tail + len(piece)
    longest = max(longest, tail + first)
    if len(piece) > longest:
        longest = max(longest, max(map(len, piece.split(b"\n"))))
    return longest, len(piece) - piece.rfind(b"\n") - 1


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
