"""A glance at data, for the dialog that begins a session: which paths there are, which columns a table has.

Cheap and forgiving; the real reading is done by the worker, and says what is wrong.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.data import glance
from engine.data.address import MARK, path_of, split
from engine.data.formats import ENDINGS, folder_format
from engine.errors import DataProblem


def complete(typed: str, most: int = 50) -> list[str]:
    """Folders and data whose path begins with what was typed, folders first; "~" is understood.  Behind `file.db::`,
    the tables of an SQLite file."""
    if MARK in typed:
        return _tables(typed, most)
    shown = os.path.expanduser(typed)
    folder, _, start = shown.rpartition("/")
    folder = folder or ("/" if shown.startswith("/") else ".")
    try:
        entries = [(e.name, e.is_dir()) for e in os.scandir(folder)]
    except (OSError, ValueError):
        return []
    prefix = typed.rpartition("/")[0] + "/" if "/" in typed else ""
    fitting = [
        (not is_dir, name.casefold(), prefix + name + ("/" if is_dir else ""))
        for name, is_dir in entries
        if name.casefold().startswith(start.casefold())
        and (start.startswith(".") or not name.startswith("."))
        and (is_dir or name.casefold().endswith(ENDINGS))
    ]
    return [path for _, _, path in sorted(fitting)][:most]


def _tables(typed: str, most: int) -> list[str]:
    file, _, start = typed.partition(MARK)
    tables = glance.tables(Path(file).expanduser())
    return [f"{file}{MARK}{name}" for name in tables if name.casefold().startswith(start.casefold())][:most]


def columns(path: Path) -> list[str]:
    """The names of the columns; empty where they cannot be read at a glance."""
    return glance.columns(path)


def problem(typed: str) -> str:
    """What is wrong with where the data should lie, in one sentence; empty when nothing is."""
    if not typed.strip():
        return "Write where your table lies, e.g. data/customers.csv."
    file, part = split(path_of(typed))
    if not os.path.exists(file):
        return f"There is no file {file if part else typed}."
    if file.is_dir():
        try:
            folder_format(file)
        except DataProblem:
            return f"{typed} is a folder; choose a table in it."
        return ""
    if not os.access(file, os.R_OK):
        return f"{file if part else typed} may not be read."
    tables = glance.tables(file)
    if part and tables and " " not in part and part.casefold() not in (name.casefold() for name in tables):
        return f"{file} has no table {part}; it has {', '.join(tables[:8])}."
    if not part and len(tables) > 1:
        return f"{file} holds {len(tables)} tables; name one, such as {file}{MARK}{tables[0]}."
    return ""
