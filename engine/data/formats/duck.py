"""A table or a query of a DuckDB file: read, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.data.address import split
from engine.data.formats.columns import found_in
from engine.data.formats.database import MOST_SECONDS, Part, one_of, quoted_name
from engine.data.formats.reader import Opened, TableReader
from engine.data.opening import words_of
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

ROWS = 1 << 16  # at a time
SHUT: dict[str, Any] = {  # no file but this one, no extension, no spill beside the data; and no query may change that
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "lock_configuration": "true",
}


@contextmanager
def _opened(path: Path, settings: ReadSettings | None, like: ReadSettings | None) -> Iterator[Opened]:
    import duckdb

    file, part = split(path)
    guesses: list[Guess] = []
    connection: Any = None
    try:
        connection = duckdb.connect(str(file.absolute()), read_only=True, config=SHUT)
        found = one_of(path, part, settings or like, list(_tables(connection)), settled=settings is not None)
        query = _query(path, connection, found)
        names = [str(name) for name in connection.sql(query).columns]
        if settings is None:
            settings = replace(ReadSettings(format="duckdb"), table=found.said)
            first = next(_batches(connection, query, list(range(len(names)))), [])
            settings, more = found_in(first, settings)
            guesses = found.guesses + more
        yield Opened(
            settings, names, lambda wanted: _batches(connection, query, wanted), file.stat().st_size, guesses=guesses
        )
    except duckdb.Error as error:
        raise _problem(path, str(error)) from None
    except OSError as error:
        raise DataProblem(f"{path} cannot be read: {error.strerror or error}.") from None
    finally:
        if connection is not None:
            connection.close()


def query_of(path: Path, settings: ReadSettings) -> str:
    """The query by which the table that the address or the settings name is read.  Raises DataProblem."""
    import duckdb

    file, part = split(path)
    try:
        with duckdb.connect(str(file.absolute()), read_only=True, config=SHUT) as connection:
            return _query(path, connection, one_of(path, part, settings, list(_tables(connection)), settled=True))
    except duckdb.Error as error:
        raise _problem(path, str(error)) from None


def _query(path: Path, connection: Any, found: Part) -> str:
    if not found.query:
        return f"select * from {_spelled(connection, found.table)}"  # noqa: S608 - a quoted name
    _check_query(path, connection, found)
    return found.query


def _tables(connection: Any) -> dict[str, tuple[str, str]]:
    """Tables and views by what they are called, those outside the schema `main` with it before; schema and name."""
    rows = connection.execute(
        "select schema_name, table_name from duckdb_tables() where not internal and not temporary union all "
        "select schema_name, view_name from duckdb_views() where not internal and not temporary"
    ).fetchall()
    return {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in rows}


def _spelled(connection: Any, table: str) -> str:
    return ".".join(map(quoted_name, _tables(connection)[table]))


def _check_query(path: Path, connection: Any, part: Part) -> None:
    """Raises DataProblem unless it is one statement that selects."""
    import duckdb

    try:
        kinds = [statement.type for statement in connection.extract_statements(part.query)]
    except duckdb.Error as error:
        said = words_of(error)
        raise DataProblem(f"{path}: the query cannot be run ({said}). {part.tables_in_words}") from None
    if kinds != [duckdb.StatementType.SELECT]:
        raise DataProblem(f"{path}: a query may read tables, and nothing else; write one that begins with select.")


def _batches(connection: Any, query: str, wanted: list[int]) -> Iterator[list[pa.Array]]:
    timer = threading.Timer(MOST_SECONDS, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        reader = connection.sql(query).to_arrow_reader(ROWS)
        seen = False
        for batch in reader:
            seen = True
            yield [batch.column(i) for i in wanted]
        if not seen:
            yield [pa.array([], reader.schema.field(i).type) for i in wanted]
    finally:
        timer.cancel()


def _problem(path: Path, text: str) -> DataProblem:
    said = words_of(text)
    file, _ = split(path)
    if "lock" in said and ("Conflicting" in said or "Could not set lock" in said):
        return DataProblem(f"{file} is being written to by another program: close that, or read a copy of the file.")
    if "INTERRUPT" in said.upper():
        return DataProblem(f"{path}: the query took longer than {MOST_SECONDS // 60} minutes, and was stopped.")
    if "encrypt" in said.lower():
        return DataProblem(f"{file} is an encrypted DuckDB file: give one that opens without a key.")
    if "version number" in said or "newer" in said:
        return DataProblem(
            f"{file} was written by another version of DuckDB: export the table as Parquet ({said[:150]})."
        )
    if any(
        word in said for word in ("Binder Error", "Catalog Error", "Parser Error", "Permission Error", "Conversion")
    ):
        return DataProblem(f"{path}: the query cannot be run ({said}).")
    if "Out of Memory" in said:
        return DataProblem(f"{path} does not fit into this machine's memory: take fewer rows or columns by a query.")
    return DataProblem(f"{file} is a DuckDB file that cannot be read ({said}): it is damaged, or was cut off.")


READER = TableReader(_opened)
