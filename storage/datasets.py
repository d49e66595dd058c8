"""Data by the hash of their content, and the environments that trials ran in."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.address import path_of, split, stamp
from engine.data.fingerprint import fingerprint
from engine.errors import DataProblem
from engine.records import Json, digest
from storage.connection import Connection
from storage.rows import to_json, visible
from storage.times import iso


@dataclass(frozen=True)
class Dataset:
    """Data as they were last seen: a file, a folder, or a part of a database (`engine.data.address`).

    bytes: the size; modified_ns: a file's time of change in nanoseconds; of a folder, and of a database with a log
    beside it, a number that is another as soon as one of its files has another name, size or time.
    """

    fingerprint: str
    path: Path
    bytes: int
    modified_ns: int


class StoredDatasets:
    """Where datasets lie: an `engine.ports.Datasets`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, path: Path | str) -> str:
        """The fingerprint of data, with where they lie kept in the store.

        That of a file is the SHA-256 of its bytes; that of a table or query of a database takes in its name, too; that
        of a folder takes in the names and the bytes of its files.  The same content at another place updates the
        place.  Raises DataProblem: not there, not readable, a folder that holds no data.
        """
        seen = _read(path_of(path).absolute())
        self._keep(seen)
        return seen.fingerprint

    def get(self, fingerprint: str) -> Dataset | None:
        row = self._connection.row(
            "select fingerprint, path, path_bytes, bytes, modified_ns from dataset where fingerprint = ?", [fingerprint]
        )
        return None if row is None else _from_row(row)

    def path(self, fingerprint: str) -> Path:
        """Where a dataset lies.  Raises DataProblem when it is gone or has changed.

        A file of the same size and time of change is taken for the same; any other is read again.
        """
        known = self.get(fingerprint)
        if known is None:
            raise DataProblem(f"The store {self._connection.path} does not know the data {fingerprint[:12]}.")
        try:
            now = stamp(known.path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise DataProblem(
                f"The data {_kind(known.path)} {known.path} cannot be reached ({reason}); put it back, or start a "
                "session on the data where they lie now: the same content is recognised."
            ) from error
        if now == (known.bytes, known.modified_ns):
            return known.path
        seen = _read(known.path)
        if seen.fingerprint != fingerprint:
            raise DataProblem(
                f"The data {_kind(known.path)} {known.path} has changed since the session read it; bring the old "
                "content back, or start a new session on the new one."
            )
        if not self._connection.read_only:
            self._keep(seen)
        return known.path

    def _keep(self, seen: Dataset) -> None:
        text = str(seen.path)
        odd = os.fsencode(seen.path) if visible(text) != text else None
        values = [seen.fingerprint, visible(text), odd, seen.bytes, seen.modified_ns, iso(self._connection.now())]
        with self._connection.write() as db:
            db.execute(
                "insert into dataset (fingerprint, path, path_bytes, bytes, modified_ns, recorded_at) "
                "values (?, ?, ?, ?, ?, ?) on conflict (fingerprint) do update set path = excluded.path, "
                "path_bytes = excluded.path_bytes, bytes = excluded.bytes, modified_ns = excluded.modified_ns",
                values,
            )


def dataset_path(row: dict[str, Any]) -> Path:
    """The place in a row with the columns path and path_bytes."""
    return Path(os.fsdecode(row["path_bytes"]) if row["path_bytes"] is not None else row["path"])


def _from_row(row: dict[str, Any]) -> Dataset:
    return Dataset(row["fingerprint"], dataset_path(row), row["bytes"], row["modified_ns"])


def _kind(path: Path) -> str:
    return "folder" if split(path)[0].is_dir() else "file"


def _read(path: Path) -> Dataset:
    """The data as they lie there, hashed in pieces: memory does not grow with their size."""
    file, _ = split(path)
    try:
        before = stamp(path)
        seen = fingerprint(path)
        after = stamp(path)
    except (FileNotFoundError, NotADirectoryError):
        raise DataProblem(f"There is no file {file}; check the path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataProblem(f"The {_kind(path)} {file} cannot be read: {reason}.") from error
    if before != after:
        raise DataProblem(
            f"The {_kind(path)} {file} is being written to at this moment; try again when it is complete."
        )
    return Dataset(seen, path, *after)


class StoredEnvironments:
    """What trials and decisions were made in: versions, processor, system."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, content: dict[str, Json]) -> str:
        """Keep an environment; returns its key, equal for equal ones."""
        key = digest(content)
        if self.get(key) is None:
            with self._connection.write() as db:
                db.execute(
                    "insert into environment (key, content, recorded_at) values (?, ?, ?) on conflict (key) do nothing",
                    [key, to_json(content), iso(self._connection.now())],
                )
        return key

    def get(self, key: str) -> dict[str, Json] | None:
        row = self._connection.row("select content from environment where key = ?", [key])
        return None if row is None else json.loads(row["content"])
