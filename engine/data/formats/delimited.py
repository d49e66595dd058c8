"""Text tables: every cell as text, through Arrow's CSV reader; types are given later, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from engine.data.formats.reader import Found, no_rows
from engine.data.naming import quoted
from engine.data.opening import Scan, opened, scan, words_of
from engine.data.raw import BadLine, Raw, column_names, places_of
from engine.data.settings import Guess, ReadSettings
from engine.data.sniffing import examine_text, header_row
from engine.errors import DataProblem

BLOCK = 1 << 22  # bytes that one parser thread takes at a time
BAD_SHARE = 0.001  # more rejected lines than this must be said (`data.load`)


class _Delimited:
    """The `engine.data.formats.reader.Reader` of text tables.

    Lines with more or fewer cells than the header are left out and counted; read strictly, they are refused.
    """

    def examine(self, path: Path, like: ReadSettings | None = None) -> Found:
        settings, _, guesses = examine_text(path)
        return Found(settings, guesses)

    def names(self, path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> list[str]:
        return _header(path, settings, warnings)[0]

    def read(self, path: Path, settings: ReadSettings, columns: Sequence[str] | None, strict: bool) -> Raw:
        return _read(path, settings, columns, strict, scan(path, settings.compression))

    def chunks(self, path: Path, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
        return _chunks(path, settings, columns)

    def sniffed(self, path: Path, columns: Sequence[str] | None, strict: bool) -> Raw:
        """The table as found: as `examine` and `read`, but going through the file's bytes once less."""
        settings, scanned, guesses = examine_text(path)
        return _read(path, settings, columns, strict, scanned, guesses)


READER = _Delimited()


def _read(
    path: Path, settings: ReadSettings, columns: Sequence[str] | None, strict: bool, scanned: Scan,
    guesses: Sequence[Guess] = (),
) -> Raw:  # fmt: skip
    warnings = [f"Read as {settings.encoding}: {scanned.odd_byte}."] if scanned.odd_byte else []
    names, lead = _header(path, settings, warnings)
    wanted = places_of(path, names, columns)
    if settings.header and scanned.longest_line == scanned.bytes:  # one line without an end: Arrow finds no row in it
        raise no_rows(path, names, strict)
    bad = _Rejects(path, len(names), strict)
    block = max(BLOCK, 4 * scanned.longest_line)
    long, threads = _may_span_lines(settings, scanned, names, lead), True
    while True:
        bad.clear()
        try:
            with _explained(path, settings, bad), opened(path, settings.compression) as stream:
                table = pacsv.read_csv(stream, *_options(settings, names, lead, wanted, bad, block, threads, long))
            if not (threads and bad.count and scanned.bytes > block):
                break
            threads = False  # which lines are found first is chance otherwise, and so the examples would be
        except pa.ArrowInvalid:  # a row longer than a block: rows may hold many lines, so the scan cannot know
            if block > 2 * scanned.bytes:
                raise DataProblem(f"{path} has a row too long to be one: is a quote opened and never closed?") from None
            block *= 8
    _check_rows(path, table, bad, names)
    _check_quotes(path, settings, scanned, table)
    return Raw(
        path, settings, table, names, [names[i] for i in wanted], table.num_rows, scanned.bytes, bad.count,
        bad.examples, warnings + bad.sentences(table.num_rows), list(guesses),
    )  # fmt: skip


def _chunks(path: Path, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
    scanned = scan(path, settings.compression)
    names, lead = _header(path, settings)
    wanted = places_of(path, names, columns)
    if settings.header and scanned.longest_line == scanned.bytes:
        raise no_rows(path, names, predicting=True)
    bad = _Rejects(path, len(names), strict=True)
    block = min(max(BLOCK, 16 * scanned.longest_line), 1 << 30)
    with _explained(path, settings, bad, long_rows=True), opened(path, settings.compression) as stream:
        for batch in pacsv.open_csv(stream, *_options(settings, names, lead, wanted, bad, block, threads=False)):
            table = pa.Table.from_batches([batch])
            if table.num_rows:
                yield Raw(path, settings, table, names, [names[i] for i in wanted], table.num_rows, scanned.bytes)
        if bad.first:
            raise DataProblem(bad.first)


def _header(path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> tuple[list[str], int]:
    """The column names in file order, and the lines before them."""
    try:
        cells, lead = header_row(path, settings)
    except UnicodeError as error:
        raise _wrong_encoding(path, settings, str(error)) from None
    if cells and cells[0].startswith("\ufeff"):
        cells[0] = cells[0][1:]
    return column_names(path, cells, settings.header, warnings), lead


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
    settings: ReadSettings, names: list[str], lead: int, wanted: list[int], bad: _Rejects, block: int, threads: bool,
    long: bool = True,
) -> tuple[pacsv.ReadOptions, pacsv.ParseOptions, pacsv.ConvertOptions]:  # fmt: skip
    keys = [str(i) for i in range(len(names))]
    encoding = "utf8" if settings.encoding in ("utf-8", "utf-8-sig") else settings.encoding
    return (
        pacsv.ReadOptions(
            column_names=keys, skip_rows=lead, skip_rows_after_names=int(settings.header), block_size=block,
            encoding=encoding, use_threads=threads,
        ),
        pacsv.ParseOptions(
            delimiter=settings.separator, quote_char=settings.quote or False, newlines_in_values=long,
            invalid_row_handler=bad,
        ),
        pacsv.ConvertOptions(
            column_types={keys[i]: pa.string() for i in wanted}, include_columns=[keys[i] for i in wanted],
            strings_can_be_null=True, null_values=[""],
        ),
    )  # fmt: skip


def _may_span_lines(settings: ReadSettings, scanned: Scan, names: list[str], lead: int) -> bool:
    """Whether a cell may hold a line's end: only between quotes.  Where none can, lines are told apart twice as fast.

    Quotes in the header alone are harmless when they close there.
    """
    if not settings.quote:
        return False
    if settings.quote != '"' or '"\n'.encode(settings.encoding, "replace") not in (b'"\n', b'\xef\xbb\xbf"\n'):
        return True
    above = lead == 0 and scanned.quotes % 2 == 0 and not any("\n" in name for name in names)
    return scanned.quotes > 0 and not (above and scanned.last_quote < scanned.first_end)


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
        raise DataProblem(f"{path} cannot be read as a table: {words_of(text)}") from None


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
        raise no_rows(path, names, bad.strict)
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
