"""Opening the store: where it lies, whether it is ours, and whether it can be read and written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from engine.errors import StoreProblem
from storage.connection import Connection
from storage.problems import as_problem
from storage.schema import APPLICATION_ID, NUMBER

BUSY_SECONDS = 5.0  # how long a writer waits for another; writes take milliseconds


def default_path() -> Path:
    """RUNGWISE_STORE, or rungwise.sqlite3 in the user's data directory."""
    if named := os.environ.get("RUNGWISE_STORE"):
        return Path(named).expanduser()
    from platformdirs import user_data_dir

    return Path(user_data_dir("rungwise", appauthor=False)) / "rungwise.sqlite3"


def open_connection(path: Path, *, read_only: bool, now: Callable[[], float], still: bool = False) -> Connection:
    """The store at this path, made when it is not there, and brought to today's schema.

    still: of one that is only read nobody writes to it meanwhile; then SQLite makes no files beside it either.
    What can only be read is opened read-only.  Raises StoreProblem: not a store, newer than this program, not to be
    made or read.
    """
    exists = _look(path, make=not read_only)
    read_only = read_only or (exists and not _writable(path))
    try:
        raw = _connect_read_only(path, still=still) if read_only else _connect(path, "rwc")
        try:
            raw = _prepare(raw, path, read_only=read_only)
        except BaseException:
            raw.close()
            raise
    except sqlite3.Error as error:
        raise as_problem(error, path) or StoreProblem(f"The store {path} cannot be opened: {error}.") from error
    return Connection(raw, path, read_only=read_only, now=now)


def _look(path: Path, *, make: bool) -> bool:
    """Whether there is a file; its folder is made where it may be.  Raises StoreProblem."""
    try:
        if path.is_dir():
            raise StoreProblem(f"{path} is a folder; name a file in it, such as {path / 'rungwise.sqlite3'}.")
        if path.exists():
            with path.open("rb") as file:
                start = file.read(16)
            if start and start != b"SQLite format 3\0":
                raise StoreProblem(
                    f"{path} is not a Rungwise store (not a SQLite file); choose another place with --store."
                )
            return True
        if not make:
            raise StoreProblem(f"There is no store at {path}; check the path given with --store.")
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        if path.exists():
            raise StoreProblem(f"The store {path} cannot be read ({reason}); change its permissions.") from error
        raise StoreProblem(
            f"The folder {path.parent} for the store cannot be made or entered ({reason}); choose another place "
            "with --store or RUNGWISE_STORE."
        ) from error
    if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise StoreProblem(
            f"No store can be made in {path.parent}: it may not be written to. Choose another place with --store "
            "or RUNGWISE_STORE."
        )
    return False


def _writable(path: Path) -> bool:
    """Whether the file and its folder may be written: SQLite keeps its log beside the file."""
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))


def _connect(path: Path, mode: str, extra: str = "") -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}{extra}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _connect_read_only(path: Path, *, still: bool) -> sqlite3.Connection:
    """A connection that writes nothing, not even beside the file where that cannot be."""
    steps = path.with_name(path.name + "-wal")
    if still and not (steps.exists() and steps.stat().st_size):
        return _connect(path, "ro", "&immutable=1")
    raw = _connect(path, "ro")
    try:
        raw.execute("select count(*) from sqlite_master").fetchone()
        return raw
    except sqlite3.OperationalError:
        raw.close()
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise StoreProblem(
                f"The store {path} has steps beside it ({wal.name}) that cannot be read where nothing may be written; "
                "copy both to a folder of yours and open that with --store."
            ) from None
    return _connect(path, "ro", "&immutable=1")  # nobody can write in this folder


def _prepare(raw: sqlite3.Connection, path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Check that the file is ours, set it up, and bring it to today's schema."""
    raw.execute("pragma trusted_schema = off")  # a store from a stranger runs nothing of its own
    raw.execute("pragma cell_size_check = on")
    application, version = (raw.execute(f"pragma {name}").fetchone()[0] for name in ("application_id", "user_version"))
    empty = raw.execute("select count(*) from sqlite_master").fetchone()[0] == 0
    if application != APPLICATION_ID and not (application == 0 and empty):
        raise StoreProblem(
            f"{path} is a SQLite file of another program, not a Rungwise store; choose another place with --store."
        )
    if version > NUMBER:
        raise StoreProblem(
            f"The store {path} was written by a newer Rungwise (format {version}; this one knows {NUMBER}); "
            "update Rungwise to open it."
        )
    if read_only:
        if empty:
            raise StoreProblem(
                f"The store {path} is empty and may not be written to; choose another place with --store."
            )
        if version < NUMBER:
            raw = _brought_up_to_date(raw)
        raw.execute("pragma query_only = on")
        return raw
    raw.execute("pragma journal_mode = wal")
    raw.execute("pragma synchronous = full")  # a decision is on the disk when it is said to be recorded
    raw.execute("pragma foreign_keys = on")
    raw.execute("pragma recursive_triggers = on")  # a row that another takes the place of counts as deleted
    if version < NUMBER:
        from storage.light import sqlite_utils
        from storage.migrations import migrate  # not imported where there is nothing to do: it takes 50 ms

        raw.execute("begin immediate")
        try:
            if raw.execute("pragma user_version").fetchone()[0] < NUMBER:  # another window may have been first
                migrate(sqlite_utils().Database(raw, execute_plugins=False))
            raw.execute("commit")
        except BaseException:
            raw.rollback()
            raise
    return raw


def _brought_up_to_date(old: sqlite3.Connection) -> sqlite3.Connection:
    """A copy in memory with today's schema: whoever only reads changes nothing in the file of an older program."""
    from storage.light import sqlite_utils
    from storage.migrations import migrate

    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        old.backup(copy)
        copy.execute("pragma trusted_schema = off")
        copy.execute("begin")
        migrate(sqlite_utils().Database(copy, execute_plugins=False))
        copy.execute("commit")
    except BaseException:
        copy.close()
        raise
    old.close()
    return copy
