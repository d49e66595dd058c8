"""Arrow IPC, as a file (which Feather is) or as a stream: columns with their types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.data.formats.columns import found_in
from engine.data.formats.reader import Opened, TableReader, explained
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem


@contextmanager
def _opened(path: Path, settings: ReadSettings | None, like: ReadSettings | None) -> Iterator[Opened]:
    guesses: list[Guess] = []
    broken = (pa.ArrowException, OSError, ValueError)
    with explained(path, "an Arrow file", *broken), path.open("rb") as source:
        start = source.read(6)
        if start.startswith(b"FEA1"):
            raise DataProblem(f"{path} is a Feather file of the first version: save it again as Feather or Parquet.")
        source.seek(0)
        names, first = _schema_and_first(source, start)
        if settings is None:
            settings, guesses = found_in(first, ReadSettings(format="arrow"))

        def batches(wanted: list[int]) -> Iterator[list[pa.Array]]:
            source.seek(0)
            for batch in _batches(source, start):
                batch.validate(full=True)  # offsets from strangers may point anywhere
                yield [batch.column(i) for i in wanted]

        yield Opened(settings, names, batches, path.stat().st_size, guesses=guesses)


def _reader(source: Any, start: bytes) -> Any:
    return pa.ipc.open_file(source) if start.startswith(b"ARROW1") else pa.ipc.open_stream(source)


def _schema_and_first(source: Any, start: bytes) -> tuple[list[str], list[pa.Array]]:
    reader = _reader(source, start)
    first = next(_of(reader), None)
    if first is not None:
        first.validate(full=True)
    return [str(name) for name in reader.schema.names], first.columns if first is not None else []


def _batches(source: Any, start: bytes) -> Iterator[pa.RecordBatch]:
    reader = _reader(source, start)
    seen = False
    for batch in _of(reader):
        seen = True
        yield batch
    if not seen:
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)


def _of(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i)
    else:
        yield from reader


READER = TableReader(_opened)
