"""What data are, whatever they are called and wherever they lie: a hash of their content.  Light."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from engine.data.address import files_of, logs_beside, split
from engine.data.formats import folder_format


def fingerprint(path: Path | str) -> str:
    """SHA-256 of a file's bytes; that of a table or query of a database takes in its name, too; that of a folder takes
    in the names and the bytes of its files.

    Read in pieces: memory does not grow with the size.  Raises OSError, and DataProblem for a folder without data.
    """
    file, part = split(path)
    content = _of_folder(file) if file.is_dir() else _of_file(file)
    if part:
        return hashlib.sha256(f"{content}\0{part}".encode("utf-8", "surrogateescape")).hexdigest()
    return content


def _of_file(file: Path) -> str:
    """SHA-256 of the bytes; of a database with a log beside it, of the bytes of both."""
    hashes = []
    for held in (file, *logs_beside(file)):
        with held.open("rb") as stream:
            hashes.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\0".join(hashes).encode()).hexdigest()


def _of_folder(folder: Path) -> str:
    """SHA-256 over the sorted names of all files in it, each with the hash of its bytes."""
    folder_format(folder)  # says what is wrong where it holds no data
    whole = hashlib.sha256()
    for name in files_of(folder):
        with (folder / name).open("rb") as stream:
            whole.update(os.fsencode(name) + b"\0" + hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()
