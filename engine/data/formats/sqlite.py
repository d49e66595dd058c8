"""A table or a query of an SQLite file: read, and nothing else."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from engine.data import typed
from engine.data.address import split
from engine.data.formats.columns import found_in
from engine.data.formats.database import MOST_SECONDS, Part, one_of, quoted_name
from engine.data.formats.reader import Opened, TableReader
from engine.data.opening import words_of
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

ROWS = 20_000  # held as Python values at a time
LONGEST = 100_000_000  # bytes of one value
ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
FORBIDDEN = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zipfile", "fsdir"})


@contextmanager
def _opened(path: Path, settings: ReadSettings | None, like: ReadSettings | None) -> Iterator[Opened]:
    file, part = split(path)
    guesses: list[Guess] = []
    with _connected(path, file) as connection:
        found = one_of(path, part, settings or like, _tables(connection), settled=settings is not None)
        query = _query(found)
        names = _names(path, connection, query, found)
        if settings is None:
            settings = replace(ReadSettings(format="sqlite"), table=found.said)
            first = next(_batches(connection, query, list(range(len(names))), "."))
            settings, more = found_in(first, settings)
            guesses = found.guesses + more
        opened = Opened(settings, names, lambda wanted: iter(()), file.stat().st_size, guesses=guesses)
        decimal = settings.decimal
        opened.batches = lambda wanted: _batches(connection, query, wanted, decimal)
        with _in_words(path, found):
            yield opened


def query_of(path: Path, settings: ReadSettings) -> str:
    """The query by which the table that the address or the settings name is read.  Raises DataProblem."""
    file, part = split(path)
    with _connected(path, file) as connection:
        return _query(one_of(path, part, settings, _tables(connection), settled=True))


def _query(found: Part) -> str:
    return found.query or f"select * from {quoted_name(found.table)}"  # noqa: S608 - a quoted name


@contextmanager
def _connected(path: Path, file: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for reading alone: no attaching, no extension, no function that touches files."""
    connection = None
    try:
        connection = _connect(file)
        yield connection
    except (sqlite3.Error, UnicodeError) as error:  # a name that is no text
        raise _problem(path, error) from None
    finally:
        if connection is not None:
            connection.close()


def _connect(file: Path) -> sqlite3.Connection:
    place = quote(str(file.absolute()))
    for how in ("mode=ro", "mode=ro&immutable=1"):  # the second where its log cannot be opened beside it
        connection = sqlite3.connect(f"file:{place}?{how}", uri=True, timeout=2.0, check_same_thread=False)
        try:
            connection.text_factory = lambda held: held.decode("utf-8", "replace")
            connection.execute("pragma trusted_schema = off")
            connection.execute("pragma cell_size_check = on")
            connection.execute("pragma query_only = on")
            connection.execute("select count(*) from sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if how == "mode=ro" and any(said in str(error) for said in ("unable to open", "readonly")):
                continue
            raise
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        connection.set_authorizer(_allows)
        return connection
    raise sqlite3.OperationalError("unable to open database file")


def _allows(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    if action in ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in FORBIDDEN:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' "
        "order by type, rowid"
    )
    return [name for (name,) in rows]


def _names(path: Path, connection: sqlite3.Connection, query: str, part: Part) -> list[str]:
    with _in_words(path, part):
        cursor = connection.execute(query)
        names = [str(column[0]) for column in cursor.description or ()]
        cursor.close()
    if not names:
        raise DataProblem(f"{path}: the query gives no columns; write one that begins with select.")
    return names


@contextmanager
def _in_words(path: Path, part: Part) -> Iterator[None]:
    """What SQLite says of a query, as what the person wrote."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, UnicodeError) as error:
        text = words_of(error)
        if "not authorized" in text or "prohibited" in text:
            raise DataProblem(f"{path}: a query may read tables, and nothing else ({text}).") from None
        if part.query and ("syntax" in text or "no such" in text or "one statement" in text or "ambiguous" in text):
            raise DataProblem(f"{path}: the query cannot be run ({text}). {part.tables_in_words}") from None
        raise _problem(path, error) from None


def _problem(path: Path, error: Exception) -> DataProblem:
    text = words_of(error)
    if "locked" in text or "busy" in text:
        return DataProblem(f"{path} is being written to by another program: close that, or read a copy of the file.")
    if "interrupted" in text:
        return DataProblem(f"{path}: the query took longer than {MOST_SECONDS // 60} minutes, and was stopped.")
    if "not a database" in text:
        return DataProblem(f"{path} is an encrypted or damaged SQLite file: give one that opens without a key.")
    if "unable to open" in text:
        return DataProblem(f"{path} cannot be opened as an SQLite database: is it there, and may you read it?")
    return DataProblem(f"{path} is an SQLite file that cannot be read ({text}): it is damaged, or was cut off.")


def _batches(connection: sqlite3.Connection, query: str, wanted: list[int], decimal: str) -> Iterator[list[pa.Array]]:
    timer = threading.Timer(MOST_SECONDS, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        cursor = connection.execute(query)
        seen = False
        while rows := cursor.fetchmany(ROWS):
            seen = True
            columns = list(zip(*rows, strict=True))
            yield [typed.column_of(list(columns[i]), decimal) for i in wanted]
        if not seen:
            yield [pa.array([], pa.string()) for _ in wanted]
    finally:
        timer.cancel()


READER = TableReader(_opened)
