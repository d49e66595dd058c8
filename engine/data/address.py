"""Where data lie: a file, a folder, or a part of a database (`shop.db::orders`).  Light: the screens ask here, too.

An address travels as a `Path` whose text may hold `::`.  A file that has `::` in its very name is taken for that file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import quote, unquote

from engine.errors import DataProblem

MARK = "::"
KEPT_TEXT = "%"  # begins a part that a Path would change (two slashes become one), written with %2F for each slash
LOGS = ("-wal", ".wal")  # where SQLite and DuckDB keep rows that are not yet in the file itself
MOST_FILES = 2_000_000  # in a folder; more is no data set, but a disk


def path_of(text: str | Path) -> Path:
    """An address as typed, as a Path that keeps every character of its query."""
    typed = str(text)
    if MARK not in typed or str(Path(typed)) == typed or os.path.exists(typed):
        return Path(typed).expanduser()
    file, _, part = typed.partition(MARK)
    return Path(f"{file}{MARK}{KEPT_TEXT}{quote(part, safe=' ')}").expanduser()


def split(path: Path | str) -> tuple[Path, str]:
    """The file (or folder), and the table or query in it; "" where none is named."""
    text = str(path)
    if MARK not in text or os.path.lexists(text):
        return Path(path), ""
    file, _, part = text.partition(MARK)
    part = unquote(part[len(KEPT_TEXT) :]) if part.startswith(KEPT_TEXT) else part
    return Path(file), part.strip()


def exists(path: Path | str) -> bool:
    return os.path.exists(split(path)[0])


def files_of(folder: Path) -> list[str]:
    """The files in a folder and all below, relative to it, sorted; hidden ones and links to folders are left out.

    Raises DataProblem when there are more than two million.
    """
    found: list[str] = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = os.path.relpath(place, folder)
        inside = "" if relative == "." else f"{relative}/"
        found += [inside + name for name in names if not name.startswith(".")]
        if len(found) > MOST_FILES:
            raise DataProblem(f"{folder} holds more than {MOST_FILES:,} files: name the folder of the data alone.")
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise DataProblem(f"The folder {error.filename} cannot be read: {error.strerror or error}.")


def stamp(path: Path | str) -> tuple[int, int]:
    """Bytes, and a number that changes when the data may have: the time of change in nanoseconds of a plain file; of a
    folder, or a database that keeps a log beside it, a hash of the files' names, sizes and times.

    Nothing of the content is read.  Raises OSError, or DataProblem for a folder that cannot be gone through.
    """
    file, _ = split(path)
    if not os.path.isdir(file):
        known = os.stat(file)
        logs = [(log, size, changed) for log, size, changed in _logs(file)]
        if not logs:
            return known.st_size, known.st_mtime_ns
        return known.st_size, _number([("", known.st_size, known.st_mtime_ns), *logs])
    seen = []
    for name in files_of(file):
        known = os.stat(file / name)
        seen.append((name, known.st_size, known.st_mtime_ns))
    return sum(size for _, size, _ in seen), _number(seen)


def logs_beside(file: Path) -> list[Path]:
    """The logs of a database that hold something: part of its content, though not in its file."""
    return [Path(str(file) + log) for log, _, _ in _logs(file)]


def _logs(file: Path) -> list[tuple[str, int, int]]:
    found = []
    for ending in LOGS:
        try:
            known = os.stat(str(file) + ending)
        except (OSError, ValueError):
            continue
        if known.st_size:
            found.append((ending, known.st_size, known.st_mtime_ns))
    return found


def _number(seen: list[tuple[str, int, int]]) -> int:
    text = "\0".join(f"{name}\0{size}\0{changed}" for name, size, changed in seen)
    return int.from_bytes(hashlib.sha256(os.fsencode(text)).digest()[:8], "big") >> 1  # as SQLite's integers hold it


def name_of(path: Path | str) -> str:
    """The last part of the path, with the table or query behind it."""
    file, part = split(path)
    return f"{file.name}{MARK}{part}" if part else file.name
