"""JSON as a table: one object a line, or an array of objects; each key is a column."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as _compute
import pyarrow.json as pajson

from engine.data import typed
from engine.data.formats.columns import SAMPLE, found_in
from engine.data.formats.reader import Found, fits_memory, nested_warning
from engine.data.naming import quoted, shown
from engine.data.opening import LONGEST_LINE, compression_of, opened, words_of
from engine.data.raw import BadLine, Raw, column_names, places_of
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

pc: Any = _compute
ROWS = 10_000  # held as Python values at a time
BAD_SHARE = 0.001  # more rejected lines than this must be said
BLOCK = 1 << 22  # bytes that one parser thread takes at a time
MOST_COLUMNS = 20_000  # more keys are no columns: then the keys are the data


class _JsonLines:
    """The `engine.data.formats.reader.Reader` of JSON.

    A line that is no object is left out and counted; read strictly, it is refused.  Lists and objects inside cells
    become JSON text, with a warning.
    """

    def examine(self, path: Path, like: ReadSettings | None = None) -> Found:
        packed = compression_of(path)
        settings = ReadSettings(format="jsonl", compression=packed)
        lines = _Lines(path, packed)
        rows = [row for row, _ in zip(lines, range(SAMPLE), strict=False)]
        lines.refuse_if_no_table(len(rows))
        columns = list(dict.fromkeys(key for row in rows for key in row))
        if len(columns) > MOST_COLUMNS:
            raise _too_many(path, len(columns))
        values = [[row.get(key) for row in rows] for key in columns]
        texts = [pa.array([v if isinstance(v, str) else None for v in column], pa.string()) for column in values]
        settings, guesses = found_in(texts, settings)
        if packed:
            why = f"its first bytes are those of {packed}"
            guesses.insert(0, Guess(setting="compression", value=packed, why=why, count=1))
        return Found(settings, guesses)

    def names(self, path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> list[str]:
        keys: dict[str, None] = {}
        lines = _Lines(path, settings.compression)
        count = 0
        for row in lines:
            count += 1
            if not keys.keys() >= row.keys():
                keys.update(dict.fromkeys(row))
                if len(keys) > MOST_COLUMNS:
                    raise _too_many(path, len(keys))
        lines.refuse_if_no_table(count)
        return column_names(path, list(keys), True, warnings)

    def read(self, path: Path, settings: ReadSettings, columns: Sequence[str] | None, strict: bool) -> Raw:
        table, lines = _fast(path, settings), None
        if table is None:
            table, lines = _careful(path, settings, columns, strict)
        warnings: list[str] = []
        names = column_names(path, table.column_names, True, warnings)
        wanted = places_of(path, names, columns)
        table = table.select(wanted).rename_columns([str(place) for place in wanted])
        read_columns = [names[i] for i in wanted]
        bad, examples, size = (lines.bad, lines.examples, lines.bytes) if lines else (0, [], path.stat().st_size)
        if lines:
            warnings += lines.sentences(table.num_rows) + lines.nested_sentences(names)
        warnings += nested_warning(table, read_columns)
        return Raw(path, settings, table, names, read_columns, table.num_rows, size, bad, examples, warnings)

    def chunks(self, path: Path, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
        wanted = list(dict.fromkeys(columns))
        for part in _parts(_Lines(path, settings.compression, strict=True)):
            found: dict[str, str] = {key.strip(): key for row in part for key in row}
            table = pa.table(
                [typed.column_of([row.get(found.get(name, name)) for row in part]) for name in wanted],
                names=[str(i) for i in range(len(wanted))],
            )
            yield Raw(path, settings, table, wanted, wanted, len(part), 0)


def _too_many(path: Path, keys: int) -> DataProblem:
    return DataProblem(
        f"{path} has {keys:,} different keys or more in its objects: are they data, and no names of columns?"
    )


class _Lines:
    """The objects of a file, one after the other, and what was left out on the way."""

    def __init__(self, path: Path, compression: str | None, strict: bool = False) -> None:
        self.path, self.compression, self.strict = path, compression, strict
        self.bad, self.bytes, self.is_array = 0, 0, False
        self.examples: list[BadLine] = []
        self.nested: dict[str, None] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with opened(self.path, self.compression) as raw:
            stream = raw if self.compression is None else io.BufferedReader(raw)  # pyright: ignore
            self.is_array = _first_sign(stream) == b"["
            if self.is_array:
                yield from self._array(stream)
            else:
                yield from self._lines(stream)

    def _lines(self, stream: IO[bytes]) -> Iterator[dict[str, Any]]:
        number = 0
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            self.bytes += len(line)
            if len(line) > LONGEST_LINE:
                raise DataProblem(
                    f"{self.path}: line {number:,} is longer than {LONGEST_LINE / 1e6:,.0f} MB: no row is."
                )
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                yield row
            else:
                self._reject(number, line)

    def _reject(self, number: int, line: bytes) -> None:
        text = line[:200].decode("utf-8", "replace").strip()
        if self.strict:
            raise DataProblem(
                f"{self.path}: line {number:,} is no JSON object ({quoted(text)}): correct it, so that no row is left "
                "out."
            )
        self.bad += 1
        if len(self.examples) < 5:
            self.examples.append(BadLine(0, text))

    def _array(self, stream: IO[bytes]) -> Iterator[dict[str, Any]]:
        content = stream.read()
        self.bytes = len(content)
        fits_memory(self.path, 8 * len(content))
        try:
            rows = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DataProblem(
                f"{self.path} begins as a JSON array, and cannot be read as one ({words_of(error)})."
            ) from None
        for number, row in enumerate(rows, 1):
            if isinstance(row, dict):
                yield row
            else:
                self._reject(number, json.dumps(row)[:200].encode())

    def refuse_if_no_table(self, rows: int) -> None:
        if rows == 0 and self.bad == 0:
            raise DataProblem(f"{self.path} holds no JSON objects: there are no rows in it.")
        if self.bad > rows:
            example = quoted(self.examples[0].text) if self.examples else "nothing"
            raise DataProblem(
                f"{self.path} is JSON, but not a table: most of its lines are no objects (for example {example}). Give "
                'one object a line, such as {"age": 31, "city": "Oslo"}, or an array of them.'
            )

    def sentences(self, rows: int) -> list[str]:
        if self.bad <= BAD_SHARE * (rows + self.bad):
            return []
        return [
            f"{self.bad:,} of {rows + self.bad:,} lines are left out: they are no JSON objects, for example "
            f"{quoted(self.examples[0].text)}."
        ]

    def nested_sentences(self, names: Sequence[str]) -> list[str]:
        nested = [name for name in names if name in self.nested]
        return [f"Lists or records inside cells are read as JSON text: {shown(nested)}."] if nested else []


def _first_sign(stream: Any) -> bytes:
    """The first byte that is no blank, without taking it."""
    start = stream.peek(256) if hasattr(stream, "peek") else b""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]


def _parts(lines: _Lines) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for row in lines:
        part.append(row)
        if len(part) == ROWS:
            yield part
            part = []
    if part:
        yield part


def _careful(
    path: Path, settings: ReadSettings, columns: Sequence[str] | None, strict: bool
) -> tuple[pa.Table, _Lines]:
    """Line by line: whatever the columns hold."""
    lines = _Lines(path, settings.compression, strict)
    keys: dict[str, list[pa.Array]] = {}
    rows = held = 0
    for part in _parts(lines):
        for key in dict.fromkeys(key for row in part for key in row):
            if key not in keys:
                keys[key] = [pa.nulls(rows)] if rows else []
        if len(keys) > MOST_COLUMNS:
            raise _too_many(path, len(keys))
        rows += len(part)
        for key, arrays in keys.items():
            values = [row.get(key) for row in part]
            if any(isinstance(value, dict | list) for value in values):
                lines.nested[key.strip()] = None
            array = typed.column_of(values, settings.decimal)
            arrays.append(array)
            held += array.nbytes
        fits_memory(path, held)
    lines.refuse_if_no_table(rows)
    return pa.table([typed.joined(arrays, settings.decimal) for arrays in keys.values()], names=list(keys)), lines


def _fast(path: Path, settings: ReadSettings) -> pa.Table | None:
    """Arrow's own reader, many times as fast; None where it would read otherwise than line by line: mixed columns,
    nested ones, odd numbers, bad lines, an array."""
    lines = _Lines(path, settings.compression)
    sample = [row for row, _ in zip(lines, range(SAMPLE), strict=False)]
    keys = list(dict.fromkeys(key for row in sample for key in row))
    if lines.is_array or lines.bad or not sample or len(keys) > MOST_COLUMNS:
        return None
    texts = [key for key in keys if all(isinstance(row.get(key), str | None) for row in sample)]
    texts = [key for key in texts if any(isinstance(row.get(key), str) for row in sample)]
    schema = pa.schema([(key, pa.string()) for key in texts])  # else Arrow takes some texts for dates
    try:
        with opened(path, settings.compression) as stream:
            table = pajson.read_json(
                stream, pajson.ReadOptions(block_size=BLOCK), pajson.ParseOptions(explicit_schema=schema)
            )
    except (pa.ArrowException, UnicodeError, TypeError):
        return None
    if set(table.column_names) != set(keys) or not all(map(_alike, table.columns)):
        return None
    return table.select(keys)


def _alike(column: pa.ChunkedArray) -> bool:
    """Whether the column is what reading line by line makes of it."""
    kind = column.type
    if pa.types.is_floating(kind):
        ends = pc.min_max(column).as_py()
        return ends["min"] is None or (ends["min"] > -typed.WHOLE and ends["max"] < typed.WHOLE)
    return bool(
        pa.types.is_string(kind) or pa.types.is_int64(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)
    )


READER = _JsonLines()
