"""Reading a table in whatever form it comes: recognised by its content, read by its form's reader, kept for the next
time where that is faster."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.data import cache
from engine.data.address import split
from engine.data.cells import ALWAYS_MISSING, SUSPECTS
from engine.data.formats import FORMATS, START, Format, folder_format, recognised
from engine.data.formats.reader import Found
from engine.data.naming import quoted
from engine.data.opening import compression_of, start_of
from engine.data.raw import BadLine, Raw, no_column
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

__all__ = [
    "ALWAYS_MISSING", "SUSPECTS", "BadLine", "Raw", "ReadSettings", "chunks", "columns_of", "examine", "no_column",
    "read", "sniff",
]  # fmt: skip


def read(
    path: Path | str, settings: ReadSettings | None = None, columns: Sequence[str] | None = None, strict: bool = False
) -> Raw:
    """Read a whole table, or only some of its columns (which saves time and memory).

    path: a file, a folder, or `file.db::table` or query.  Without settings they are found, and `guesses` says by what.
    Rows that do not fit (a line with more or fewer cells than the header) are left out and counted; `strict` refuses
    them instead.  Raises DataProblem when the file cannot be read, is no table, lacks a column, or has a name twice.
    """
    path = Path(path)
    form = _form(path, settings)
    place = cache.place(path, form) if not strict else None
    if settings is None:
        found = place.found() if place else None
        if found is None and form.key == "csv" and place is None:
            return form.reader().sniffed(path, columns, strict)  # goes through the bytes once less
        if found is None:
            found = form.reader().examine(path)
            if place:
                place.keep_found(found)
        raw = _read(path, form, found.settings, columns, strict, place)
        return replace(raw, guesses=_said(form, found.guesses))
    return _read(path, form, settings, columns, strict, place)


def _read(
    path: Path, form: Format, settings: ReadSettings, columns: Sequence[str] | None, strict: bool,
    place: cache.Place | None,
) -> Raw:  # fmt: skip
    raw = place.get(path, settings, columns) if place else None
    if raw is None:
        raw = form.reader().read(path, settings, columns, strict)
        if place and columns is None:
            place.keep(raw, settings)
    return raw


def chunks(path: Path | str, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
    """Read some columns piece by piece, for files larger than memory.  A row that does not fit is refused: leaving it
    out would shift every prediction after it."""
    path = Path(path)
    return _form(path, settings).reader().chunks(path, settings, columns)


def columns_of(path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> list[str]:
    """The column names in file order.  A column without a name gets its place as one, with a warning.

    Raises DataProblem when two columns have the same name.
    """
    return _form(path, settings).reader().names(path, settings, warnings)


def sniff(path: Path | str) -> ReadSettings:
    """Find how to read a file.  Raises DataProblem when it is missing, unreadable, empty or no table."""
    return examine(path).settings


def examine(path: Path | str, like: ReadSettings | None = None) -> Found:
    """How a table would be read, and by what that was found; where it leaves a choice (which sheet), as in `like`."""
    path = Path(path)
    form = _form(path, None)
    found = form.reader().examine(path, like)
    return replace(found, guesses=_said(form, found.guesses))


def _said(form: Format, guesses: Sequence[Guess]) -> list[Guess]:
    """The guesses, with the form first where it is no plain text table."""
    if form.key == "csv":
        return list(guesses)
    why = "most of its files are" if not form.endings else "its first bytes say so"
    return [Guess(setting="format", value=form.key, why=f"{form.words}: {why}", count=1), *guesses]


def _form(path: Path, settings: ReadSettings | None) -> Format:
    """The form of what lies there, or the one that was said."""
    file, part = split(path)
    if settings is not None:
        form = FORMATS[settings.format]
    elif os.path.isdir(file):
        form = folder_format(file)
    else:
        form = _form_of_file(file)
    if part and not form.parts:
        raise DataProblem(
            f"{file} is {form.words}, which holds no tables by name: leave out {quoted('::' + part)}, or name a "
            "database."
        )
    return form


def _form_of_file(file: Path) -> Format:
    packed = compression_of(file)
    start = start_of(file, None, START)
    form = recognised(file, start)
    if form.key == "csv" and packed:
        inside = recognised(file, start_of(file, packed, START))
        if inside.key not in ("csv", "jsonl"):
            raise DataProblem(f"{file} holds {inside.words}, packed as {packed}: unpack it, and give that file.")
        return inside
    return form
