"""Parquet: columns with their types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.data.formats.columns import SAMPLE, found_in
from engine.data.formats.reader import Opened, TableReader, explained, fits_memory
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

ROWS = 1 << 16  # at a time
TAIL = 8  # bytes: a length, and the magic again


@contextmanager
def _opened(path: Path, settings: ReadSettings | None, like: ReadSettings | None) -> Iterator[Opened]:
    guesses: list[Guess] = []
    with explained(path, "a Parquet file", pa.ArrowException, OSError, ValueError):
        _check_ends(path)
        with pq.ParquetFile(path, memory_map=False) as file:
            names = [str(name) for name in file.schema_arrow.names]
            if not names:
                raise DataProblem(f"{path} is a Parquet file without columns: there is nothing in it.")
            rows = file.metadata.num_rows
            if settings is None:
                settings, guesses = found_in(_first(file), ReadSettings(format="parquet"))

            def batches(wanted: list[int]) -> Iterator[list[pa.Array]]:
                chosen = [names[i] for i in wanted]
                fits_memory(path, min(rows, ROWS) * 8 * len(wanted))
                seen = 0
                for batch in file.iter_batches(ROWS, columns=chosen):
                    seen += batch.num_rows
                    yield [batch.column(name) for name in chosen]
                if seen == 0:
                    yield [pa.array([], file.schema_arrow.field(name).type) for name in chosen]

            yield Opened(settings, names, batches, path.stat().st_size, rows, guesses=guesses)


def _first(file: pq.ParquetFile) -> list[pa.Array]:
    for batch in file.iter_batches(SAMPLE):
        return batch.columns
    return []


def _check_ends(path: Path) -> None:
    """Raises DataProblem for a file that was cut off or locked, in plainer words than the library's."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(max(0, size - TAIL))
        end = stream.read(TAIL)
    if start == b"PARE" or end.endswith(b"PARE"):
        raise DataProblem(f"{path} is an encrypted Parquet file: give one without encryption.")
    if size < 12 or not end.endswith(b"PAR1"):
        raise DataProblem(f"{path} is a Parquet file that was cut off: its end is missing. Fetch it again.")
    if int.from_bytes(end[:4], "little") > size:
        raise DataProblem(f"{path} is a damaged Parquet file: its description is longer than the file. Fetch it again.")


READER = TableReader(_opened)
