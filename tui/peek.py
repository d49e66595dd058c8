"""A glance at a file, for the dialog that begins a session: which paths there are, which columns a table has.

Cheap and forgiving; the real reading is done by the worker, and says what is wrong.
"""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

GLANCE = 64 * 1024  # bytes
ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")


def complete(typed: str, most: int = 50) -> list[str]:
    """Folders and tables whose path begins with what was typed, folders first; "~" is understood."""
    shown = os.path.expanduser(typed)
    folder, _, start = shown.rpartition("/")
    folder = folder or ("/" if shown.startswith("/") else ".")
    try:
        entries = [(e.name, e.is_dir()) for e in os.scandir(folder)]
    except OSError:
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


def columns(path: Path) -> list[str]:
    """The names in the first line; empty when they cannot be read at a glance."""
    try:
        opener = gzip.open if path.name.endswith(".gz") else open
        with opener(path, "rb") as file:
            text = file.read(GLANCE).decode("utf-8-sig", "replace")
    except (OSError, EOFError):
        return []
    line = text.split("\n", 1)[0]
    separator = max(",;\t|", key=line.count)
    rows = csv.reader(text.splitlines(), delimiter=separator)
    try:
        return [name.strip() for name in next(rows, [])]
    except csv.Error:
        return []


def problem(typed: str) -> str:
    """What is wrong with a path, in one sentence; empty when nothing is."""
    if not typed.strip():
        return "Write where your table lies, e.g. data/customers.csv."
    path = Path(typed).expanduser()
    if not path.exists():
        return f"There is no file {typed}."
    if path.is_dir():
        return f"{typed} is a folder; choose a table in it."
    if not os.access(path, os.R_OK):
        return f"{typed} may not be read."
    return ""
