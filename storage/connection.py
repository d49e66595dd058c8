"""One connection to the store: reading, and writing in transactions that are all or nothing."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import StoreProblem
from storage.problems import as_problem

if TYPE_CHECKING:
    from sqlite_utils import Database

Row = dict[str, Any]


class Connection:
    """The store's SQLite connection, shared by the threads of this process one at a time.

    now: seconds since the epoch; what is written at one time carries that time.
    """

    def __init__(self, raw: sqlite3.Connection, path: Path, *, read_only: bool, now: Callable[[], float]) -> None:
        self._raw = raw
        self.path = path
        self.read_only = read_only
        self.now = now
        self._place = path.absolute()
        self._file = _identity(self._place)
        self._lock = threading.RLock()

    @property
    def gone(self) -> bool:
        """Whether another file lies at the store's place by now, or none: what is written here nobody will find."""
        return self._file is not None and _identity(self._place) != self._file

    def check_there(self) -> None:
        """Raise StoreProblem where the file is gone."""
        if self.gone:
            raise StoreProblem(
                f"The store {self.path} was deleted or replaced while it was open, so nothing more can be recorded in "
                "it. Put its file back, or begin a new one, and open it again."
            )

    @cached_property
    def db(self) -> Database:
        """The connection as sqlite-utils has it, for what writes: who only reads does not wait for its import."""
        from storage.light import sqlite_utils

        return sqlite_utils().Database(self._raw, execute_plugins=False)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row of a query, as dictionaries."""
        with self._lock, self.explained():
            cursor = self._raw.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, values, strict=True)) for values in cursor]

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query, one at a time, for what need not be in memory at once.  Values go by column name."""
        with self._lock, self.explained():
            cursor = self._raw.cursor()
            cursor.row_factory = sqlite3.Row
            yield from cursor.execute(sql, parameters)

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        return next(iter(self.rows(sql, parameters)), None)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Database]:
        """A transaction that holds the write lock from its start; nothing of it stays when it raises.

        Durable: on the disk, not only in the system's memory, when the block is left.  What only says how far work has
        come need not be; it survives a killed process all the same.  A block inside another joins its transaction.
        """
        if self.read_only:
            raise StoreProblem(f"The store {self.path} was opened read-only; nothing can be recorded in it.")
        self.check_there()
        with self._lock, self.explained():
            db = self.db  # before the lock is taken: the first time it is imported
            if self._raw.in_transaction:
                yield db
                return
            if not durable:
                self._raw.execute("pragma synchronous = normal")
            try:
                self._raw.execute("begin immediate")
                try:
                    yield db
                    self._raw.execute("commit")
                except BaseException:
                    self._raw.rollback()
                    raise
            finally:
                if not durable:
                    self._raw.execute("pragma synchronous = full")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise StoreProblem in plain words for what SQLite says about the file or the disk."""
        try:
            yield
        except sqlite3.Error as error:
            problem = as_problem(error, self.path)
            if problem is None:
                raise
            raise problem from error

    def close(self) -> None:
        with self._lock:
            self._raw.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there, whatever its name; None for none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
