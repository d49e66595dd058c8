"""A table as it was read: cells as text, or typed where the file says their type, and what was noticed on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from engine.data import typed
from engine.data.cells import Cells, blank_numbers, stripped, to_dates, to_numbers, without
from engine.data.naming import closest, quoted, shown
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem


@dataclass(frozen=True)
class BadLine:
    """A line that was left out because it has more or fewer cells than the header."""

    cells: int
    text: str  # its beginning


@dataclass(frozen=True)
class Raw:
    """A table's cells, unstripped, and what was noticed on the way."""

    path: Path
    settings: ReadSettings
    table: pa.Table  # of string, or of the file's types; columns named by position: "0", "1", …
    names: list[str]  # of all columns of the file, in file order
    read_columns: list[str]  # of the columns that were read
    rows: int
    bytes: int
    bad_lines: int = 0
    bad_examples: list[BadLine] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)  # what was found without being told, and by what

    def cells(self, name: str) -> Cells:
        """One column as text, stripped, null where missing.  Raises DataProblem when the file has no such column."""
        return self._known(name, self.settings.blanks)

    def _known(self, name: str, blanks: bool) -> Cells:
        return without(stripped(self.as_written(name), blanks), list(self.settings.missing))

    def as_written(self, name: str) -> Cells:
        """One column as text with its blanks.  Raises DataProblem when the file has no such column."""
        return typed.as_text(self.column(name), self.settings.decimal)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column as it came, of string or of the file's type."""
        if name not in self._places:
            raise DataProblem(no_column(self.path, name, self.names))
        return self.table.column(self._places[name])

    def numbers(self, name: str, marks: Sequence[str] = ()) -> tuple[np.ndarray, dict[str, int]]:
        """One column as float64, NaN where missing, marked or no number; and the texts that are no numbers, counted.

        What `cells.to_numbers` makes of the cells; a column that the file calls numbers takes the short way there.
        """
        settings, values = self.settings, typed.numbers(self.column(name))
        every = [*settings.missing, *marks]
        if values is None:
            return to_numbers(self._known(name, blanks=True), settings.decimal, every, settings.thousands)
        blank_numbers(values, every, settings.decimal)
        return values, {}

    def dates(self, name: str, marks: Sequence[str] = ()) -> tuple[np.ndarray, dict[str, int]]:
        """One column as datetime64[us], NaT where missing, marked or unreadable; and the unreadable texts, counted.

        What `cells.to_dates` makes of the cells; a column that the file calls dates takes the short way there.
        """
        values = None if marks or self.settings.missing else typed.dates(self.column(name))
        if values is None:
            return to_dates(self._known(name, blanks=True), self.settings.dates.get(name), list(marks))
        return values, {}

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


def column_names(path: Path, cells: Sequence[str], header: bool = True, warnings: list[str] | None = None) -> list[str]:
    """The names of the columns, from the cells of the header (or of the first row, where there is none).

    A column without a name gets its place as one, with a warning.  Raises DataProblem when two have the same name.
    """
    if header:
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
    if warnings is not None and not header:
        warnings.append(f"The file has no header; its columns are called 'column 1' to 'column {len(names)}'.")
    elif warnings is not None and nameless:
        warnings.append(
            f"{len(nameless)} of {len(names)} columns have no name; called by their place: {shown(nameless)}."
        )
    return names


def places_of(path: Path, names: Sequence[str], columns: Sequence[str] | None) -> list[int]:
    """Where the wanted columns stand; all of them where None.  Raises DataProblem naming those that are not there."""
    if columns is None:
        return list(range(len(names)))
    place = {name: i for i, name in enumerate(names)}
    missing = [name for name in columns if name not in place]
    if len(missing) == 1:
        raise DataProblem(no_column(path, missing[0], names))
    if missing:
        raise DataProblem(f"{path} lacks {len(missing)} columns: {shown(missing)}. Its columns are {shown(names)}.")
    return [place[name] for name in dict.fromkeys(columns)]
