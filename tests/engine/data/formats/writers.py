"""Writes one table in every form that can be read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet


def plain(value: object) -> object:
    """A cell as Python knows it; None where it is empty."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value


def written(moment: Any) -> str:
    """A moment as pandas writes a column of days to CSV."""
    return moment.isoformat(" ").removesuffix(" 00:00:00")


def rows_of(frame: pd.DataFrame) -> list[list[object]]:
    return [[plain(value) for value in row] for row in frame.astype(object).to_numpy()]


def arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def csv(path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(path, index=False)


def packed(pack: Callable[[bytes], bytes]) -> Callable[[Path, pd.DataFrame], None]:
    def write(path: Path, frame: pd.DataFrame) -> None:
        path.write_bytes(pack(frame.to_csv(index=False).encode()))

    return write


def zipped(content: bytes, name: str = "table.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def parquet(path: Path, frame: pd.DataFrame) -> None:
    pyarrow.parquet.write_table(arrow(frame), path, row_group_size=max(1, len(frame) // 2))


def feather(path: Path, frame: pd.DataFrame) -> None:
    pyarrow.feather.write_feather(arrow(frame), path)


def stream(path: Path, frame: pd.DataFrame) -> None:
    table = arrow(frame)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=max(1, len(frame) // 3))


def excel(
    path: Path, frame: pd.DataFrame, before: int = 0, sheets: dict[str, list[list[object]]] | None = None
) -> None:
    book = openpyxl.Workbook(write_only=True)
    for name, rows in (sheets or {}).items():
        other = book.create_sheet(name)
        for row in rows:
            other.append(row)
    sheet = book.create_sheet("the data")
    for i in range(before):
        sheet.append(["Report of 2026"] if i == 0 else [])
    sheet.append(list(frame.columns))
    for row in rows_of(frame):
        sheet.append(row)
    book.save(path)


def opendocument(path: Path, frame: pd.DataFrame) -> None:
    def cell(value: object) -> str:
        value = plain(value)
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, bool):
            return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value={quoteattr(repr(value))}/>'
        if hasattr(value, "isoformat"):
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'  # pyright: ignore
        return f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'

    rows = [list(frame.columns), *frame.astype(object).to_numpy().tolist()]
    body = "".join("<table:table-row>" + "".join(map(cell, row)) + "</table:table-row>" for row in rows)
    uris = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content{uris} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="one">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")


def jsonl(path: Path, frame: pd.DataFrame) -> None:
    rows = [dict(zip(frame.columns, row, strict=True)) for row in rows_of(frame)]
    path.write_text("".join(json.dumps(row, default=written) + "\n" for row in rows))


def json_array(path: Path, frame: pd.DataFrame) -> None:
    rows = [dict(zip(frame.columns, row, strict=True)) for row in rows_of(frame)]
    path.write_text(json.dumps(rows, default=written, ensure_ascii=False), "utf-8")


def sqlite(path: Path, frame: pd.DataFrame, table: str = "orders") -> None:
    connection = sqlite3.connect(path)
    names = ", ".join(f'"{name}"' for name in frame.columns)
    connection.execute(f'create table "{table}" ({names})')
    marks = ", ".join("?" for _ in frame.columns)
    rows = [
        [
            str(value) if isinstance(value, bool) else written(value) if hasattr(value, "isoformat") else value
            for value in row
        ]
        for row in rows_of(frame)
    ]
    connection.executemany(f'insert into "{table}" values ({marks})', rows)
    connection.commit()
    connection.close()


def duck(path: Path, frame: pd.DataFrame, table: str = "orders") -> None:
    connection = duckdb.connect(str(path))
    held = arrow(frame)
    connection.register("held", held)
    connection.execute(f'create table "{table}" as select * from held')
    connection.close()


WRITERS: dict[str, Callable[[Path, pd.DataFrame], None]] = {
    "csv": csv,
    "csv.gz": packed(gzip.compress),
    "csv.bz2": packed(bz2.compress),
    "csv.xz": packed(lzma.compress),
    "csv.zst": packed(lambda content: pa.Codec("zstd").compress(content).to_pybytes()),
    "csv.zip": packed(zipped),
    "parquet": parquet,
    "feather": feather,
    "arrows": stream,
    "xlsx": excel,
    "ods": opendocument,
    "jsonl": jsonl,
    "json": json_array,
    "db": sqlite,
    "duckdb": duck,
}
