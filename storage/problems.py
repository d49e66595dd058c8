"""What SQLite says, as one sentence that a person can act on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.errors import RungwiseError, StoreProblem


def as_problem(error: sqlite3.Error, path: Path) -> RungwiseError | None:
    """The sentence for an error that came from the file or the disk; None for one that is this program's own."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    sentence = _SENTENCES.get(code)
    if sentence is None:
        if "no such table" in str(error) or "no such column" in str(error) or "Could not decode" in str(error):
            return StoreProblem(
                f"The store {path} was changed by another program ({error}); open a copy kept before that, "
                "or begin a new one with --store."
            )
        return None
    return StoreProblem(sentence.format(path=path, folder=path.parent, error=error))


_SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk that holds the store {path} is full, so the last step was not recorded; "
    "everything before it is kept. Make room and try again.",
    sqlite3.SQLITE_BUSY: "The store {path} is locked by another program that has been writing for too long; "
    "close it, or try again in a moment.",
    sqlite3.SQLITE_LOCKED: "The store {path} is locked by another program; close it, or try again in a moment.",
    sqlite3.SQLITE_READONLY: "The store {path} cannot be written to; change its permissions and those of its folder, "
    "or copy it to a folder of yours and open that with --store.",
    sqlite3.SQLITE_PERM: "The store {path} may not be opened by this user; change its permissions.",
    sqlite3.SQLITE_CANTOPEN: "The store {path} cannot be opened; check that its folder {folder} exists and that you "
    "may read and write there, or choose another place with --store.",
    sqlite3.SQLITE_IOERR: "Reading or writing the store {path} failed ({error}); check the disk and its free space. "
    "Everything recorded before is kept.",
    sqlite3.SQLITE_CORRUPT: "The store {path} is damaged ({error}); open a backup, or save what can be read with "
    "`sqlite3 STORE .recover`.",
    sqlite3.SQLITE_NOTADB: "{path} is not a Rungwise store (not a SQLite file); choose another place with --store.",
    sqlite3.SQLITE_TOOBIG: "Something larger than SQLite takes (1 GB) was to be kept in the store {path}; "
    "nothing was recorded.",
}
