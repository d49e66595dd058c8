"""Reading a table: every cell as text, through Arrow's CSV reader; types are given later, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from engine.data.cells import ALWAYS_MISSING, SUSPECTS, Cells, stripped
from engine.data.naming import closest, quoted, shown
from engine.data.opening import Scan, opened, scan
from engine.data.sniffing import ReadSettings, examine, header_row, sniff
from engine.errors import DataProblem

__all__ = ["ALWAYS_MISSING", "SUSPECTS", "BadLine", "Raw", "ReadSettings", "chunks", "columns_of", "read", "sniff"]

BLOCK = 1 << 22  # bytes that one parser thread takes at a time
BAD_SHARE = 0.001  # more rejected lines than this must be said (`data.load`)


@dataclass(frozen=True)
class BadLine:
    """A line that was left out because it has more or fewer cells than the header."""

    cells: int
    text: str  # its beginning


@dataclass(frozen=True)
class Raw:
    """A file's cells as text, unstripped, and what was noticed on the way."""

    path: Path
    settings: ReadSettings
    table: pa.Table  # of string; columns named by position: "0", "1", …
    names: list[str]  # of all columns of the file, in file order
    read_columns: list[str]  # of the columns that were read
    rows: int
    bytes: int
    bad_lines: int = 0
    bad_examples: list[BadLine] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def cells(self, name: str) -> Cells:
        """One column, stripped, null where missing.  Raises DataProblem when the file has no such column."""
        return stripped(self.as_written(name))

    def as_written(self, name: str) -> Cells:
        """One column with its blanks.  Raises DataProblem when the file has no such column."""
        if name not in self._places:
            raise DataProblem(no_column(self.path, name, self.names))
        return self.table.column(self._places[name])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.read_columns)}

    def frame(self) -> pd.DataFrame:
        """All cells that were read, stripped, as a frame of text."""
        return pd.DataFrame({name: self.cells(name).to_pandas() for name in self.read_columns})


def no_column(path: Path, name: str, names: Sequence[str]) -> str:
    near = closest(name, names)
    hint = f"did you mean {shown(near)}?" if near else f"its columns are {shown(names)}."
    return f"{path} has no column {quoted(name)}: {hint}"


def read(
    path: Path | str, settings: ReadSettings | None = None, columns: Sequence[str] | None = None, strict: bool = False
) -> Raw:
    """Read a whole file as text, or only some of its columns (which saves time and memory).

    Lines with more or fewer cells than the header are left out and counted; `strict` refuses them instead.
    Raises DataProblem when the file cannot be read, is no table, lacks a column, or has a name twice.
    """
    path = Path(path)
    settings, scanned, warnings = _prepared(path, settings)
    names = columns_of(path, settings, warnings)
    wanted = _wanted(path, names, columns)
    bad = _Rejects(path, len(names), strict)
    block = max(BLOCK, 4 * scanned.longest_line)
    while True:
        bad.clear()
        try:
            with _explained(path, settings, bad), opened(path, settings.compression) as stream:
                table = pacsv.read_csv(stream, *_options(settings, names, wanted, bad, block, threads=True))
            break
        except pa.ArrowInvalid:  # a row longer than a block: rows may hold many lines, so the scan cannot know
            if block > 2 * scanned.bytes:
                raise DataProblem(f"{path} has a row too long to be one: is a quote opened and never closed?") from None
            block *= 8
    _check_rows(path, table, bad, names)
    _check_quotes(path, settings, scanned, table)
    return Raw(
        path, settings, table, names, [names[i] for i in wanted], table.num_rows, scanned.bytes, bad.count,
        bad.examples, warnings + bad.sentences(table.num_rows),
    )  # fmt: skip


def chunks(path: Path | str, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
    """Read some columns piece by piece, for files larger than memory.  A line of another length is refused: leaving
    it out would shift every prediction after it."""
    path = Path(path)
    settings, scanned, warnings = _prepared(path, settings)
    names = columns_of(path, settings, warnings)
    wanted = _wanted(path, names, columns)
    bad = _Rejects(path, len(names), strict=True)
    block = min(max(BLOCK, 16 * scanned.longest_line), 1 << 30)
    with _explained(path, settings, bad, long_rows=True), opened(path, settings.compression) as stream:
        for batch in pacsv.open_csv(stream, *_options(settings, names, wanted, bad, block, threads=False)):
            table = pa.Table.from_batches([batch])
            if table.num_rows:
                yield Raw(path, settings, table, names, [names[i] for i in wanted], table.num_rows, scanned.bytes)
        if bad.first:
            raise DataProblem(bad.first)


def columns_of(path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> list[str]:
    """The column names in file order.  A column without a name gets its place as one, with a warning.

    Raises DataProblem when two columns have the same name.
    """
    try:
        cells = header_row(path, settings)
    except UnicodeError as error:
        raise _wrong_encoding(path, settings, str(error)) from None
    if cells and cells[0].startswith("\ufeff"):
        cells[0] = cells[0][1:]
    if settings.header:
        names = [cell.strip() or f"column {i}" for i, cell in enumerate(cells, 1)]
        nameless = [f"column {i}" for i, cell in enumerate(cells, 1) if not cell.strip()]
    else:
        names = nameless = [f"column {i}" for i in range(1, len(cells) + 1)]
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names, 1):
        places.setdefault(name, []).append(i)
    twice = {name: at for name, at in places.items() if len(at) > 1}
    if twice:
        name, at = next(iter(twice.items()))
        others = f" (and {len(twice) - 1} more names)" if len(twice) > 1 else ""
        raise DataProblem(
            f"{path}: {len(at)} columns are called {quoted(name)}, number {at[0]} and {at[1]}{others}: "
            "rename or remove one, so that each name means one thing."
        )
    if warnings is not None and not settings.header:
        warnings.append(f"The file has no header; its columns are called 'column 1' to 'column {len(names)}'.")
    elif warnings is not None and nameless:
        warnings.append(
            f"{len(nameless)} of {len(names)} columns have no name; called by their place: {shown(nameless)}."
        )
    return names


def _prepared(path: Path, settings: ReadSettings | None) -> tuple[ReadSettings, Scan, list[str]]:
    if settings is None:
        settings, scanned = examine(path)
    else:
        scanned = scan(path, settings.compression)
    odd = scanned.odd_byte
    return settings, scanned, [f"Read as {settings.encoding}: {odd}."] if odd else []


def _wanted(path: Path, names: list[str], columns: Sequence[str] | None) -> list[int]:
    if columns is None:
        return list(range(len(names)))
    place = {name: i for i, name in enumerate(names)}
    missing = [name for name in columns if name not in place]
    if len(missing) == 1:
        raise DataProblem(no_column(path, missing[0], names))
    if missing:
        raise DataProblem(f"{path} lacks {len(missing)} columns: {shown(missing)}. Its columns are {shown(names)}.")
    return [place[name] for name in dict.fromkeys(columns)]


class _Rejects:
    """Counts the lines that Arrow hands back as too short or too long."""

    def __init__(self, path: Path, expected: int, strict: bool) -> None:
        self.path, self.expected, self.strict = path, expected, strict
        self.clear()

    def clear(self) -> None:
        self.count, self.first = 0, ""
        self.examples: list[BadLine] = []
        self.lengths: dict[int, int] = {}

    def __call__(self, row: pacsv.InvalidRow) -> str:
        self.count += 1
        self.lengths[row.actual_columns] = self.lengths.get(row.actual_columns, 0) + 1
        if len(self.examples) < 5:
            self.examples.append(BadLine(row.actual_columns, row.text[:200]))
        if self.strict and not self.first:
            where = f"row {row.number:,} (the header is row 1)" if row.number else f"the row {quoted(row.text)}"
            self.first = (
                f"{self.path}: {where} has {row.actual_columns} cells, the header {row.expected_columns}: correct it "
                "(is a text with a separator missing its quotes?), so that no row is left out."
            )
        return "error" if self.strict else "skip"

    def sentences(self, rows: int) -> list[str]:
        if self.count <= BAD_SHARE * (rows + self.count):
            return []
        example = self.examples[0]
        return [
            f"{self.count:,} of {rows + self.count:,} lines are left out: they have not {self.expected} cells, as the "
            f"header has, but for example {example.cells}: {quoted(example.text)}."
        ]


def _options(
    settings: ReadSettings, names: list[str], wanted: list[int], bad: _Rejects, block: int, threads: bool
) -> tuple[pacsv.ReadOptions, pacsv.ParseOptions, pacsv.ConvertOptions]:
    keys = [str(i) for i in range(len(names))]
    encoding = "utf8" if settings.encoding in ("utf-8", "utf-8-sig") else settings.encoding
    return (
        pacsv.ReadOptions(
            column_names=keys, skip_rows_after_names=int(settings.header), block_size=block, encoding=encoding,
            use_threads=threads,
        ),
        pacsv.ParseOptions(
            delimiter=settings.separator, quote_char=settings.quote or False, newlines_in_values=True,
            invalid_row_handler=bad,
        ),
        pacsv.ConvertOptions(
            column_types={keys[i]: pa.string() for i in wanted}, include_columns=[keys[i] for i in wanted],
            strings_can_be_null=False,
        ),
    )  # fmt: skip


@contextmanager
def _explained(path: Path, settings: ReadSettings, bad: _Rejects, long_rows: bool = False) -> Iterator[None]:
    """Say in our words what Arrow or a codec found.  A row longer than a block stays so unless `long_rows`."""
    try:
        yield
    except UnicodeError as error:
        raise _wrong_encoding(path, settings, str(error)) from None
    except pa.ArrowInvalid as error:
        text = str(error)
        if bad.first:
            raise DataProblem(bad.first) from None
        if "UTF8" in text or "codec" in text:
            raise _wrong_encoding(path, settings, text) from None
        if "straddl" in text or "block" in text:
            if long_rows:
                raise DataProblem(f"{path} has a row too long to be one: is a quote opened and never closed?") from None
            raise
        raise DataProblem(f"{path} cannot be read as a table: {text.splitlines()[0]}") from None


def _wrong_encoding(path: Path, settings: ReadSettings, text: str) -> DataProblem:
    try:
        found = scan(path, settings.compression)
    except DataProblem as problem:
        return problem
    odd = f" ({found.odd_byte})" if found.odd_byte else ""
    return DataProblem(
        f"{path} is not written in {settings.encoding}{odd}: it looks like {found.encoding}; read it so."
    )


def _check_rows(path: Path, table: pa.Table, bad: _Rejects, names: list[str]) -> None:
    if table.num_rows == 0 and bad.count == 0:
        raise DataProblem(f"{path} has a header ({shown(names, 4)}) but no rows: nothing to learn from.")
    if bad.count > table.num_rows:
        cells, count = max(bad.lengths.items(), key=lambda item: item[1])
        raise DataProblem(
            f"{path}: the header has {len(names)} cells, but {count:,} of {table.num_rows + bad.count:,} rows have "
            f"{cells} (for example {quoted(bad.examples[0].text)}): is a column name missing, or the separator another?"
        )


def _check_quotes(path: Path, settings: ReadSettings, scanned: Scan, table: pa.Table) -> None:
    """A quote that is opened and never closed swallows the rest of the file into one cell."""
    if settings.quote != '"' or scanned.quotes % 2 == 0 or table.num_rows == 0:
        return
    for i in range(table.num_columns):
        cell = table.column(i)[-1].as_py() or ""
        if cell.count("\n") > 1:
            raise DataProblem(
                f"{path}: in row {table.num_rows:,} a quote is opened and never closed, and takes in the "
                f"{cell.count(chr(10)):,} lines after it: {quoted(cell)}. Close it, or double it inside a text."
            )
