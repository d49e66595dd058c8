"""The forms that a table comes in, each declared once.  Light: a reader is imported when its first file comes.

To add a form: a module here with a `READER` (see `engine.data.formats.reader.Reader`), and a line in `FORMATS`.
"""

from __future__ import annotations

import importlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.errors import DataProblem

START = 1 << 16  # bytes looked at to tell a form
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
TEXTS = (".txt", ".text", ".md", ".html", ".htm", ".eml")
LOOKED_AT = 5000  # files of a folder that are looked at to tell what it holds


@dataclass(frozen=True)
class Format:
    """A form of table.  words: with its article.  module: where its READER is.  fits: told by a file's first bytes
    (uncompressed), never by the name.  kept: of which of them the cache keeps the table, for there a second read was
    measured to be so much faster that it pays.  parts: an address may name a table or query in it."""

    key: str
    words: str
    module: str
    endings: tuple[str, ...]
    fits: Callable[[Path, bytes], bool]
    kept: Literal["all", "packed", "queries", "none"] = "none"
    parts: bool = False

    def reader(self) -> Any:
        """An `engine.data.formats.reader.Reader`: the module's READER, or one of its `read_folder`."""
        module = importlib.import_module(self.module)
        if hasattr(module, "READER"):
            return module.READER
        from engine.data.formats.reader import FolderReader

        return FolderReader(self.key, module.read_folder)


def _starts(*magics: bytes, at: int = 0) -> Callable[[Path, bytes], bool]:
    return lambda path, start: start[at:].startswith(magics)


def _never(path: Path, start: bytes) -> bool:
    return False


def _is_excel(path: Path, start: bytes) -> bool:
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return any(word in start for word in _OLE_WORKBOOK) or _ole_holds(path)
    if not start.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            opendocument = "mimetype" in names and archive.getinfo("mimetype").file_size < 200
            if opendocument and b"opendocument.spreadsheet" in archive.read("mimetype"):
                return True
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, KeyError, ValueError):
        return b"xl/" in start and b"[Content_Types].xml" in start
    return bool(names & {"xl/workbook.xml", "xl/workbook.bin"})


_OLE_WORKBOOK = tuple(
    name.encode("utf-16-le") for name in ("Workbook", "EncryptedPackage")
)  # of an old or a locked workbook


def _ole_holds(path: Path) -> bool:
    """Whether the directory of an old Office file, which may lie anywhere in it, names a workbook."""
    try:
        with path.open("rb") as stream:
            content = stream.read(1 << 26)
    except OSError:
        return False
    return any(word in content for word in (*_OLE_WORKBOOK, "Book".encode("utf-16-le")))


def _is_stream(path: Path, start: bytes) -> bool:
    """An Arrow stream: a continuation mark, then the length of a first message that names a schema."""
    length = int.from_bytes(start[4:8], "little")
    return start[:4] == b"\xff\xff\xff\xff" and 0 < length < 1 << 24 and length % 8 == 0


def _is_json(path: Path, start: bytes) -> bool:
    from engine.data.formats.jsonstart import is_json

    return is_json(start)


_ALL = (
    Format("csv", "a text table", "engine.data.formats.delimited", (".csv", ".tsv", ".txt", ".tab", ".psv", ".data"),
           _never, kept="packed"),
    Format("jsonl", "JSON", "engine.data.formats.jsonlines", (".jsonl", ".ndjson", ".json"), _is_json, kept="all"),
    Format("parquet", "a Parquet file", "engine.data.formats.parquet", (".parquet", ".pq"), _starts(b"PAR1", b"PARE")),
    Format("arrow", "an Arrow file", "engine.data.formats.arrow", (".arrow", ".feather", ".ipc", ".arrows"),
           lambda path, start: start.startswith((b"ARROW1", b"FEA1")) or _is_stream(path, start)),
    Format("excel", "an Excel workbook", "engine.data.formats.excel", (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
           _is_excel, kept="all"),
    Format("sqlite", "an SQLite database", "engine.data.formats.sqlite", (".db", ".sqlite", ".sqlite3", ".db3"),
           _starts(b"SQLite format 3\x00"), kept="all", parts=True),
    Format("duckdb", "a DuckDB database", "engine.data.formats.duck", (".duckdb", ".ddb"), _starts(b"DUCK", at=8),
           kept="queries", parts=True),
    Format("images", "a folder of pictures", "engine.data.formats.images", (), _never),
    Format("texts", "a folder of texts", "engine.data.formats.texts", (), _never),
)  # fmt: skip

FORMATS = {format.key: format for format in _ALL}
PACKINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")
ENDINGS = tuple(
    ending
    for format in _ALL
    for ending in (
        *format.endings,
        *(e + p for p in PACKINGS if format.key in ("csv", "jsonl") for e in format.endings),
    )
)


def recognised(path: Path, start: bytes) -> Format:
    """The form of a file, by its first bytes; a text table where nothing else fits."""
    return next((format for format in _ALL if format.fits(path, start)), FORMATS["csv"])


def folder_format(folder: Path) -> Format:
    """What the sub-folders of a folder hold: pictures or texts, by most of the files' endings.

    Raises DataProblem when it is neither: then a file in it should be named.
    """
    pictures = texts = seen = 0
    tables: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(place) != folder
        for name in sorted(names):
            ending = os.path.splitext(name)[1].lower()
            pictures += ending in PICTURES  # without classes they can still be predicted
            texts += inside and ending in TEXTS
            if name.lower().endswith(ENDINGS) and (ending not in TEXTS or not inside):
                tables.append(str(Path(place, name).relative_to(folder)))
            seen += 1
        if seen > LOOKED_AT:
            break
    if pictures and pictures >= max(texts, len(tables)):
        return FORMATS["images"]
    if texts and texts >= len(tables):
        return FORMATS["texts"]
    if tables:
        raise DataProblem(f"{folder} is a folder: name one data file in it, such as {tables[0]}.")
    raise DataProblem(
        f"{folder} is a folder that holds neither pictures nor texts: name the data file, or a folder with one "
        "sub-folder of pictures or texts for each class."
    )
