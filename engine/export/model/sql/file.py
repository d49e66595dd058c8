"""The export *sql*: the statement with what a reader must know, run before it leaves."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

import pandas as pd

from engine.errors import DataProblem, UsageProblem
from engine.export.dossier import Dossier, Product
from engine.export.model.common import artifact_of, furthest, inputs, leaves, read_rows, said_of
from engine.export.model.sql.statement import DIALECTS, statement, text_of_sql
from engine.export.model.terms import NoForm, hold_against
from engine.export.told import exam_of, name_of
from engine.words import literal

ALLOWED = 1e-6


def sql(d: Dossier) -> Product:
    """The model as one SELECT, in the dialect of `options["dialect"]`, over the table `options["table"]`.

    Raises NoForm for a model without an SQL form, DataProblem when a database says something else than the model.
    """
    artifact = artifact_of(d)
    dialect = d.options.get("dialect") or "sqlite"
    table = parts_of(d.options.get("table") or re.sub(r"\W+", "_", d.source.partition(".")[0]) or "rows")
    text = f"{_header(d, dialect, table)}{text_of_sql(statement(artifact, *table), dialect)};\n"
    rows = read_rows(d, artifact.recipe)
    frame = inputs(rows, artifact.recipe)
    for part in leaves(artifact.fitted):
        hold_against(part, frame)
    wanted = said_of(artifact, frame)
    columns = list(wanted.columns)
    said = []
    for name, run in (("sqlite", in_sqlite), ("duckdb", in_duckdb)):
        query = text_of_sql(statement(artifact, table[-1]), name)
        found = run(query, rows, table[-1]).loc[:, columns]
        largest = furthest(found, wanted, DIALECTS[name], ALLOWED)
        said.append(f"{DIALECTS[name]}, {len(rows):,} rows of the session: largest difference {largest:.2g}.")
    return Product({"": text}, tuple(said))


def parts_of(table: str) -> tuple[str, ...]:
    """`shop.customers` as a schema and its table; a name that holds a dot stands between double quotes.

    Raises UsageProblem for what is no such name.
    """
    parts = [quoted or plain for quoted, plain in re.findall(r'"([^"]+)"|([^."]+)', table)]
    if not 1 <= len(parts) <= 3 or len(parts) != table.count(".") - sum(part.count(".") for part in parts) + 1:
        raise UsageProblem(
            f'"{literal(table)}" is no name of a table; say TABLE, SCHEMA.TABLE or PROJECT.SCHEMA.TABLE.'
        )
    return tuple(parts)


def _header(d: Dossier, dialect: str, table: Sequence[str]) -> str:
    s = d.session
    lines = [f"{d.name}: predicts {s.target}, as one SELECT for {DIALECTS.get(dialect, dialect)}."]
    if s.rungs:
        top = s.rungs[-1]
        lines.append(f"Model: {name_of(top)}.")
    result = s.decision("present.result")
    if result is not None and result.check is not None:
        lines.append(f"Final exam: {exam_of(result.check)}.")
    lines += [
        f'It reads the table "{".".join(table)}", whose columns are called as in {d.source}.  Every column comes back,',
        "then what was worked out, step by step, and last the prediction.  Numbers are numbers there, an empty cell is",
        "NULL, and every other cell is compared as the text that stood in the file; true and false may be as such.",
    ]
    return "".join(f"-- {literal(line)}\n" for line in lines)


def in_sqlite(query: str, rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """What SQLite answers.  Raises NoForm where it cannot run the statement, say for want of EXP."""
    with sqlite3.connect(":memory:") as con:
        names = ", ".join(f"{_quoted(c)} {'REAL' if rows[c].dtype.kind == 'f' else 'TEXT'}" for c in rows.columns)
        con.execute(f"create table {_quoted(table)} ({names})")
        holes = ", ".join("?" for _ in rows.columns)
        con.executemany(f"insert into {_quoted(table)} values ({holes})", _cells(rows))  # noqa: S608 - quoted
        try:
            cursor = con.execute(query)
        except sqlite3.Error as problem:
            raise NoForm(
                f"SQLite {sqlite3.sqlite_version} cannot run this model ({problem}); take --to onnx."
            ) from None
        return pd.DataFrame(cursor.fetchall(), columns=[c[0] for c in cursor.description])


def in_duckdb(query: str, rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """What DuckDB answers.  Raises DataProblem where it cannot run the statement."""
    import duckdb

    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as con:  # a formula reads no file
        names = ", ".join(f"{_quoted(c)} {'DOUBLE' if rows[c].dtype.kind == 'f' else 'VARCHAR'}" for c in rows.columns)
        con.execute(f"create table {_quoted(table)} ({names})")
        held = pd.DataFrame({c: pd.Series(list(column), dtype=object) for c, column in
                             zip(rows.columns, zip(*_cells(rows), strict=True), strict=True)})  # fmt: skip
        con.register("held", held)
        con.execute(f"insert into {_quoted(table)} select * from held")  # noqa: S608 - quoted
        try:
            return con.execute(query).df()
        except duckdb.Error as problem:
            raise DataProblem(
                f"DuckDB cannot run this model ({str(problem).splitlines()[0]}); take --to onnx."
            ) from None


def _cells(rows: pd.DataFrame) -> Sequence[tuple]:
    made = [
        [None if v != v else float(v) for v in rows[c]] if rows[c].dtype.kind == "f"
        else [None if v is None or v != v else str(v) for v in rows[c]]
        for c in rows.columns
    ]  # fmt: skip
    return list(zip(*made, strict=True))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
