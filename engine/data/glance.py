"""A glance at a file for whoever is typing its name: its columns, its tables, as far as that is cheap.

Light and forgiving: nothing here reads more than a file's beginning, and what cannot be told at a glance is not told.
The real reading is done by a worker, and says what is wrong.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.data.address import split
from engine.data.formats import FORMATS, START, recognised

GLANCE = 64 * 1024  # bytes
_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


def columns(path: Path) -> list[str]:
    """The names of the columns; empty where they cannot be told at a glance."""
    file, part = split(path)
    try:
        with file.open("rb") as stream:
            start = stream.read(START)
        form = recognised(file, start)
        if form.key == "sqlite":
            return _columns_of_table(file, part)
        if form.key == "csv":
            opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
            if opener:
                with opener(file, "rb") as stream:
                    start = stream.read(GLANCE)
                form = recognised(file, start)
        if form.key == "jsonl":
            return _keys(start)
        return _first_line(start) if form.key == "csv" and b"\0" not in start[:1000] else []
    except (OSError, EOFError, ValueError, lzma.LZMAError, sqlite3.Error):
        return []


def tables(path: Path) -> list[str]:
    """The tables of an SQLite file; empty for anything else."""
    file, _ = split(path)
    try:
        with file.open("rb") as stream:
            if not FORMATS["sqlite"].fits(file, stream.read(16)):
                return []
        with _connected(file) as connection:
            found = connection.execute(
                "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%' "
                "escape '\\' order by type, rowid limit 1000"
            ).fetchall()
            return [str(name) for (name,) in found]
    except (OSError, ValueError, sqlite3.Error):
        return []


class _connected:  # noqa: N801 - used as a function
    """An SQLite file opened for reading; it is closed, which `with` on a connection does not do."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> sqlite3.Connection:
        self._open = sqlite3.connect(f"file:{quote(str(self._file.absolute()))}?mode=ro", uri=True, timeout=0.1)
        return self._open

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _columns_of_table(file: Path, table: str) -> list[str]:
    known = tables(file)
    table = table or (known[0] if len(known) == 1 else "")
    if table not in known:
        return []  # a query: running it is no glance
    with _connected(file) as connection:
        rows = connection.execute("select name from pragma_table_info(?)", [table]).fetchall()
        return [str(name) for (name,) in rows]


def _keys(start: bytes) -> list[str]:
    """The keys of the first rows, in their order."""
    text = start.decode("utf-8-sig", "ignore").lstrip()
    found: dict[str, None] = {}
    decoder = json.JSONDecoder()
    place = 1 if text.startswith("[") else 0
    while len(found) < 10_000:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        try:
            row, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            break  # the end of what was read
        if not isinstance(row, dict):
            break
        found.update(dict.fromkeys(str(key).strip() for key in row))
    return list(found)


def _first_line(start: bytes) -> list[str]:
    text = start.decode("utf-8-sig", "replace").lstrip("\r\n")
    line = text.split("\n", 1)[0]
    separator = max(",;\t|", key=line.count)
    rows = csv.reader(text.splitlines(), delimiter=separator)
    try:
        return [name.strip() for name in next(rows, [])]
    except csv.Error:
        return []
