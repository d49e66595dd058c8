"""A file's bytes: unpacked, gone through once, and refused where they cannot be a table of text."""

from __future__ import annotations

import bz2
import codecs
import errno
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa

from engine.data.naming import quoted
from engine.errors import DataProblem

PIECE = 1 << 22  # bytes read at a time
WINDOW = 1 << 16  # bytes; a line that ends in each of them is short enough not to be measured
LONGEST_LINE = 1 << 26  # bytes; a longer line is no row of a table
MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
MOST_UNPACKED, MOST_RATIO = 1 << 28, 500  # bytes, and times a file's size: beyond both it is made to fill a machine
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
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"ARROW1", "an Arrow file"),
)


@dataclass(frozen=True)
class Scan:
    """Facts of the whole file, found in one pass over its (uncompressed) bytes."""

    bytes: int
    longest_line: int  # bytes; where all lines are short, no more than a bound
    quotes: int  # number of double quotes
    encoding: str
    odd_byte: str = ""  # why it is not UTF-8, in words
    last_quote: int = -1  # where the last double quote stands, in bytes from the beginning; -1 where there is none
    first_end: int = -1  # where the first line ends


def words_of(error: Exception | str, most: int = 200) -> str:
    """What a library says of an error, as part of a sentence: on one line, printable, and not too long."""
    line = " ".join(str(error).split())
    return quoted(line, most)[1:-1]


@contextmanager
def opened(path: Path, compression: str | None) -> Iterator[IO[bytes]]:
    """The file's bytes, uncompressed.  Raises DataProblem for whatever stands in the way, also while reading."""
    try:
        if compression == "zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(path, archive)) as stream:
                yield cast(IO[bytes], _Watched(stream, path))
        elif compression == "zstd":
            with path.open("rb") as packed, pa.CompressedInputStream(packed, "zstd") as stream:
                yield cast(IO[bytes], _Watched(stream, path))
        else:
            opener: Any = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open, None: open}[compression]
            with opener(path, "rb") as stream:
                yield stream if compression is None else cast(IO[bytes], _Watched(stream, path))
    except FileNotFoundError:
        raise DataProblem(f"There is no file {path}: check the name, or give the whole path.") from None
    except IsADirectoryError:
        raise DataProblem(f"{path} is a folder: name the data file inside it.") from None
    except PermissionError:
        raise DataProblem(f"{path} may not be read by you: ask its owner, or change its permissions.") from None
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise DataProblem(f"{path} is a damaged {compression} file ({words_of(error)}): fetch it again.") from None
    except RuntimeError as error:
        if compression != "zip":
            raise
        raise DataProblem(
            f"{path} cannot be unpacked ({words_of(error)}): unpack it yourself, and give the CSV file."
        ) from None
    except OSError as error:
        if compression and not error.errno:  # bz2 and gzip say bad data so
            raise DataProblem(f"{path} is a damaged {compression} file ({words_of(error)}): fetch it again.") from None
        if error.errno in (errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ENXIO, errno.ENOTDIR):
            raise DataProblem(f"{path} cannot be read: {error.strerror}.") from None
        raise


class _Watched(io.RawIOBase):
    """An unpacked stream that refuses to grow without end.  A table of one repeated cell packs to a 300th or so."""

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream, self._path = stream, path
        self._most = max(MOST_UNPACKED, MOST_RATIO * os.path.getsize(path))
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size if size is not None and size >= 0 else PIECE * 16)
        self._given += len(piece)
        if self._given > self._most:
            raise DataProblem(
                f"{self._path} unpacks to more than {self._most / 1e9:,.1f} GB, over {MOST_RATIO} times its size: it "
                "looks made to fill a machine. Unpack it yourself where there is room, and give the table."
            )
        return piece

    read1 = read


def start_of(path: Path, compression: str | None, size: int) -> bytes:
    """The first bytes, uncompressed."""
    found = b""
    with opened(path, compression) as stream:
        while len(found) < size and (piece := stream.read(size - len(found))):
            found += piece
    return found


def compression_of(path: Path) -> str | None:
    """gzip, bz2, xz, zip or zstd by the first bytes, never by the name."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):  # no error for odd names
        raise DataProblem(f"{path} is neither a file nor a folder: save the table in a file first.")
    with opened(path, None) as stream:
        start = stream.read(8)
    return next((name for magic, name in MAGIC if start.startswith(magic)), None)


def scan(path: Path, compression: str | None) -> Scan:
    """Go through all bytes once: encoding, NUL bytes, the longest line, the number of quotes."""
    size = longest = quotes = tail = 0
    last_quote = first_end = -1
    wide: str | None = None
    decoder = codecs.getincrementaldecoder("utf-8")()
    odd = -1
    cp1252 = True
    with opened(path, compression) as stream:
        first = stream.read(PIECE)
        _refuse_binary(path, first)
        wide = _wide_encoding(first)
        piece = first
        while piece:
            if wide is None and (nul := piece.find(b"\0")) >= 0:
                line = _line_of(path, compression, size + nul)[0]
                raise DataProblem(
                    f"{path} holds NUL bytes, first on line {line:,}: it is no text table, or was damaged when saved. "
                    "Export it again as CSV (UTF-8)."
                )
            if odd < 0 and wide is None and not (piece.isascii() and not decoder.getstate()[0]):
                odd = _first_odd(decoder, piece, size)
            if (
                cp1252
                and not piece.isascii()
                and any(b in piece for b in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"))
            ):
                cp1252 = False
            if (quote := piece.rfind(b'"')) >= 0:
                last_quote = size + quote
                quotes += int(np.count_nonzero(np.frombuffer(piece, dtype=np.uint8) == ord('"')))
            if first_end < 0 and (end := piece.find(b"\n")) >= 0:
                first_end = size + end
            longest, tail = _longest(piece, longest, tail)
            size += len(piece)
            piece = stream.read(PIECE)
    if size == 0 or (size < PIECE and not first.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")):
        raise DataProblem(f"{path} is empty: there are no rows in it. Was the export interrupted?")
    longest = max(longest, tail)
    if longest > LONGEST_LINE:
        raise DataProblem(
            f"{path} has a line of {longest / 1e6:,.0f} MB: a table has one row a line. Is it JSON? Export it as CSV."
        )
    if odd < 0 and wide is None and decoder.getstate()[0]:
        odd = size - 1  # the file ends inside a character
    if wide:
        return Scan(size, longest, quotes, wide, "", last_quote, first_end)
    if odd >= 0:
        encoding = "cp1252" if cp1252 else "latin-1"
        return Scan(size, longest, quotes, encoding, _odd_place(path, compression, odd), last_quote, first_end)
    encoding = "utf-8-sig" if first.startswith(codecs.BOM_UTF8) else "utf-8"
    return Scan(size, longest, quotes, encoding, "", last_quote, first_end)


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = [i for i in archive.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
    if any(i.filename == "[Content_Types].xml" for i in names):
        raise DataProblem(
            f"{path} is an Office document, not a table: save the table in it as CSV, and give that file."
        )
    if len(names) != 1:
        inside = ", ".join(quoted(i.filename) for i in names[:5]) or "nothing"
        raise DataProblem(f"{path} holds {len(names)} files ({inside}): unpack it, and give the one CSV file.")
    return names[0]


def _refuse_binary(path: Path, start: bytes) -> None:
    for magic, what in NOT_TABLES:
        if start.startswith(magic):
            raise DataProblem(f"{path} is {what}, not a table of text: give a CSV or TSV file with one row a line.")
    if start[257:262] == b"ustar":
        raise DataProblem(f"{path} is a tar archive, not a table: unpack it, and give the CSV file.")
    signs = sum(start.count(bytes([b])) for b in (*range(3, 9), *range(14, 27), 28, 29))  # 1, 2, 30, 31 part cells
    if _wide_encoding(start) is None and signs > 0.05 * max(1, len(start)):
        raise DataProblem(
            f"{path} is not text: it looks like a binary file. Give a CSV or TSV file with one row a line."
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
    line, byte = _line_of(path, compression, offset)
    return f"byte 0x{byte.hex().upper()} on line {line:,} is not UTF-8"


def _line_of(path: Path, compression: str | None, offset: int) -> tuple[int, bytes]:
    """The line of the byte that stands there, counted from 1, and the byte."""
    line, left = 1, offset
    with opened(path, compression) as stream:
        while left > 0 and (piece := stream.read(min(PIECE, left))):
            line += piece.count(b"\n")
            left -= len(piece)
        return line, stream.read(1)


def _longest(piece: bytes, longest: int, tail: int) -> tuple[int, int]:
    """Length of the longest line so far (or a bound of 128 kB), and of the unfinished one at the end of this piece."""
    if len(piece) == PIECE and all(piece.find(b"\n", at, at + WINDOW) >= 0 for at in range(0, PIECE, WINDOW)):
        return max(longest, tail + piece.find(b"\n"), 2 * WINDOW), PIECE - piece.rfind(b"\n") - 1
    codes = np.frombuffer(piece, dtype=np.uint8)
    ends = np.flatnonzero(codes == ord("\n"))
    if not len(ends) and b"\r" in piece:  # the line ends of an old Mac
        ends = np.flatnonzero(codes == ord("\r"))
    if not len(ends):
        return longest, tail + len(piece)
    longest = max(longest, tail + int(ends[0]), int(np.diff(ends, prepend=ends[0]).max()))
    return longest, len(piece) - int(ends[-1]) - 1
