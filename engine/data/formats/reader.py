"""What every form of table offers, and how a form that opens as columns of Arrow offers it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import psutil
import pyarrow as pa

from engine.data import typed
from engine.data.naming import shown
from engine.data.opening import words_of
from engine.data.raw import BadLine, Raw, column_names, places_of
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

MOST_MEMORY = 0.6  # of the machine's: a table that takes more is refused, before it takes the machine down


@dataclass(frozen=True)
class Found:
    """How a table would be read without being told, and by what that was found."""

    settings: ReadSettings
    guesses: list[Guess] = field(default_factory=list)


class Reader(Protocol):
    """A form of table.  Every path may be an address (`file.db::table`).  Each raises DataProblem, and nothing else,
    for what cannot be read."""

    def examine(self, path: Path, like: ReadSettings | None = None) -> Found:
        """Find the settings; where the file leaves a choice (a sheet), as they were in `like`."""
        ...

    def names(self, path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> list[str]:
        """The names of the columns, in file order."""
        ...

    def read(self, path: Path, settings: ReadSettings, columns: Sequence[str] | None, strict: bool) -> Raw:
        """The whole table, or some of its columns; strict: no row may be left out."""
        ...

    def chunks(self, path: Path, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
        """The table piece by piece, strictly; in one piece where the form allows no other way."""
        ...


@dataclass
class Opened:
    """A table that lies open.  batches: given places of columns, yields Arrow arrays for them, part by part.

    names: as they are written.  bad_lines, bad_examples: filled as the batches go by; strict: told before they do.
    """

    settings: ReadSettings
    names: list[str]
    batches: Callable[[list[int]], Iterator[list[pa.Array]]]
    bytes: int = 0
    rows: int | None = None  # where the file says so beforehand
    header: bool = True
    guesses: list[Guess] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    strict: bool = False
    bad_lines: int = 0
    bad_examples: list[BadLine] = field(default_factory=list)


Opener = Callable[[Path, ReadSettings | None, ReadSettings | None], AbstractContextManager[Opened]]


class TableReader:
    """A `Reader` of a form that opens as columns.

    opener: (path, settings or None to find them, settings to be like) → an `Opened`.
    """

    def __init__(self, opener: Opener) -> None:
        self._open = opener

    def examine(self, path: Path, like: ReadSettings | None = None) -> Found:
        with self._open(path, None, like) as opened:
            return Found(opened.settings, opened.guesses)

    def names(self, path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> list[str]:
        with self._open(path, settings, None) as opened:
            return column_names(path, opened.names, opened.header, warnings)

    def read(self, path: Path, settings: ReadSettings, columns: Sequence[str] | None, strict: bool) -> Raw:
        with self._open(path, settings, None) as opened:
            opened.strict = strict
            warnings: list[str] = []
            names = column_names(path, opened.names, opened.header, warnings)
            wanted = places_of(path, names, columns)
            if opened.rows is not None:
                fits_memory(path, opened.rows * max(1, len(wanted)) * 8)
            parts: list[list[pa.Array]] = [[] for _ in wanted]
            held = 0
            for batch in opened.batches(wanted):
                for part, array in zip(parts, batch, strict=True):
                    part.append(array)
                    held += array.nbytes
                fits_memory(path, held)
            table = pa.table(
                [typed.joined(part, opened.settings.decimal) for part in parts],
                names=[str(place) for place in wanted],
            )
            if table.num_rows == 0 and opened.bad_lines == 0:
                raise no_rows(path, names, strict)
            warnings += opened.warnings + nested_warning(table, [names[i] for i in wanted])
            return Raw(
                path, opened.settings, table, names, [names[i] for i in wanted], table.num_rows,
                opened.bytes or table.nbytes, opened.bad_lines, opened.bad_examples, warnings,
            )  # fmt: skip

    def chunks(self, path: Path, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
        with self._open(path, settings, None) as opened:
            opened.strict = True
            names = column_names(path, opened.names, opened.header)
            wanted = places_of(path, names, columns)
            for batch in opened.batches(wanted):
                table = pa.table([typed.joined([a]) for a in batch], names=[str(place) for place in wanted])
                if table.num_rows:
                    yield Raw(
                        path, opened.settings, table, names, [names[i] for i in wanted], table.num_rows, opened.bytes
                    )


class FolderReader:
    """A `Reader` of a folder, which is read in one piece; the last one read stays in memory until a file in it changes.

    read_folder: (folder, settings, columns or None) → Raw.
    """

    def __init__(self, key: str, read_folder: Callable[[Path, ReadSettings, Sequence[str] | None], Raw]) -> None:
        self._key, self._read_folder = key, read_folder

    def examine(self, path: Path, like: ReadSettings | None = None) -> Found:
        """Pictures to predict from are drawn as those that were learned from (`like`)."""
        if like is not None:
            return Found(replace(like, format=self._key))
        found = self._whole(path, ReadSettings(format=self._key))
        shape = {guess["setting"]: guess["value"] for guess in found.guesses}
        return Found(replace(ReadSettings(format=self._key), **shape), found.guesses)

    def names(self, path: Path, settings: ReadSettings, warnings: list[str] | None = None) -> list[str]:
        return self._whole(path, settings).names

    def read(self, path: Path, settings: ReadSettings, columns: Sequence[str] | None, strict: bool) -> Raw:
        whole = self._whole(path, settings)
        if columns is None:
            return whole
        wanted = places_of(path, whole.names, columns)
        table = whole.table.select([str(i) for i in wanted])
        return replace(whole, table=table, read_columns=[whole.names[i] for i in wanted])

    def chunks(self, path: Path, settings: ReadSettings, columns: Sequence[str]) -> Iterator[Raw]:
        yield self.read(path, settings, columns, strict=True)

    def _whole(self, path: Path, settings: ReadSettings) -> Raw:
        key = (self._key, str(path), repr(settings), _listing(path))
        with _last_folder_lock:
            if _last_folder and _last_folder[0][0] == key:
                return _last_folder[0][1]
        found = self._read_folder(path, settings, None)
        with _last_folder_lock:
            _last_folder[:] = [(key, found)]
        return found


_last_folder: list[tuple[tuple[str, ...], Raw]] = []
_last_folder_lock = threading.Lock()


def _listing(folder: Path) -> str:
    """A digest of the names, sizes and times of change of all files in a folder."""
    seen = hashlib.sha256()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            with contextlib.suppress(OSError):
                stat = os.stat(os.path.join(place, name))
                seen.update(f"{place}/{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return seen.hexdigest()


def no_rows(path: Path, names: Sequence[str], predicting: bool) -> DataProblem:
    end = "nothing to predict" if predicting else "nothing to learn from"
    return DataProblem(f"{path} has a header ({shown(names, 4)}) but no rows: {end}.")


def fits_memory(path: Path, held: int) -> None:
    """Raises DataProblem when so many bytes are more than the machine should hold."""
    whole = psutil.virtual_memory().total
    if held > MOST_MEMORY * whole:
        raise DataProblem(
            f"{path} does not fit into this machine's memory: it takes more than {MOST_MEMORY * whole / 1e9:,.0f} GB "
            f"of {whole / 1e9:,.0f} GB. Take fewer rows or columns, for example by a query."
        )


def nested_warning(table: pa.Table, names: Sequence[str]) -> list[str]:
    """What a person should know of columns that are no plain cells."""
    nested = [name for name, kind in zip(names, table.schema.types, strict=True) if typed.is_nested(kind)]
    bytes_ = [name for name, kind in zip(names, table.schema.types, strict=True) if typed.is_bytes(kind)]
    said = []
    if nested:
        said.append(f"Lists or records inside cells are read as JSON text: {shown(nested)}.")
    if bytes_:
        said.append(f"Bytes inside cells are read as text where they are text, else as their number: {shown(bytes_)}.")
    return said


@contextlib.contextmanager
def explained(path: Path, words: str, *errors: type[Exception]) -> Iterator[None]:
    """Whatever a library says of a damaged file, in one sentence."""
    try:
        yield
    except DataProblem:
        raise
    except FileNotFoundError:
        raise DataProblem(f"There is no file {path}: check the name, or give the whole path.") from None
    except PermissionError:
        raise DataProblem(f"{path} may not be read by you: ask its owner, or change its permissions.") from None
    except MemoryError:
        raise DataProblem(f"{path} does not fit into this machine's memory, or says a size that cannot be.") from None
    except errors as error:
        raise DataProblem(
            f"{path} is {words} that cannot be read ({words_of(error)}): it is damaged or was cut off."
        ) from None
