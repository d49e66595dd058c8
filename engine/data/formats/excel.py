"""A sheet of a workbook: Excel's old and new forms, and OpenDocument."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.data import typed
from engine.data.formats.columns import found_in
from engine.data.formats.reader import Opened, TableReader, explained
from engine.data.naming import closest, quoted, shown
from engine.data.opening import MOST_RATIO, MOST_UNPACKED
from engine.data.settings import Guess, ReadSettings
from engine.data.sniffing import has_header
from engine.errors import DataProblem

ROWS = 10_000  # held as Python values at a time
TOP = 60  # rows looked at to find the header
LEAD = 30  # rows before the header at most
WIDE = 0.6  # of the usual number of filled cells: from there a row is the header


@dataclass(frozen=True)
class _Sheet:
    """A sheet, and where its table is: the row of the header, the columns that are filled at all."""

    name: str
    held: Any
    rows: int
    columns: int


@contextmanager
def _opened(path: Path, settings: ReadSettings | None, like: ReadSettings | None) -> Iterator[Opened]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    broken = (CalamineError, OSError, ValueError, OverflowError)
    guesses: list[Guess] = []
    _check_size(path)
    with explained(path, "an Excel workbook", *broken), path.open("rb") as stream:
        try:
            workbook = CalamineWorkbook.from_filelike(stream)  # tells the form by the content
        except PasswordError:
            raise _locked(path) from None
        except CalamineError as error:
            if "password" in str(error).lower() or _is_locked(path):
                raise _locked(path) from None
            raise
        try:
            wanted = settings.sheet if settings else None
            sheet, said = _sheet(path, workbook, wanted, like.sheet if like else None)
            top = [list(row) for row, _ in zip(sheet.held.iter_rows(), range(TOP + 1000), strict=False)]
            if settings is None:
                settings, more = _found(sheet, top, several=len(workbook.sheet_names) > 1)
                guesses = [*said, *more]
            yield _table(path, sheet, top, settings, guesses)
        finally:
            workbook.close()


def _table(path: Path, sheet: _Sheet, top: list[list[Any]], settings: ReadSettings, guesses: list[Guess]) -> Opened:
    first = next((row for row in top[settings.skip :] if any(map(_filled, row))), None)
    if first is None:
        raise DataProblem(f"{path}: sheet {quoted(sheet.name)} holds no rows from row {settings.skip + 1} on.")
    width = max((i + 1 for row in top[settings.skip :] for i, cell in enumerate(row) if _filled(cell)), default=0)
    start = next((i for i in range(width) if any(i < len(row) and _filled(row[i]) for row in top[settings.skip :])), 0)
    names = [typed.cell_text(_value(cell)) or "" for cell in first[start:width]]
    places = range(start, start + len(names))

    def batches(wanted: list[int]) -> Iterator[list[pa.Array]]:
        yield from _batches(sheet, settings, [places[i] for i in wanted])

    return Opened(settings, names, batches, path.stat().st_size, header=settings.header, guesses=guesses)


def _batches(sheet: _Sheet, settings: ReadSettings, places: Sequence[int]) -> Iterator[list[pa.Array]]:
    """Rows without a filled cell are left out, as blank lines of a text table are."""
    columns: list[list[Any]] = [[] for _ in places]
    to_skip, header = settings.skip, settings.header
    seen = False
    for row in sheet.held.iter_rows():
        if to_skip:
            to_skip -= 1
            continue
        if not any(map(_filled, row)):
            continue
        if header:
            header = False
            continue
        for column, place in zip(columns, places, strict=True):
            column.append(_value(row[place]) if place < len(row) else None)
        if len(columns[0]) >= ROWS:
            seen = True
            yield [typed.column_of(column, settings.decimal) for column in columns]
            columns = [[] for _ in places]
    if not seen or (columns and columns[0]):
        yield [typed.column_of(column, settings.decimal) for column in columns]


def _found(sheet: _Sheet, top: list[list[Any]], *, several: bool) -> tuple[ReadSettings, list[Guess]]:
    """Where the header is, and how the numbers in texts are written."""
    skip = _header_at(top)
    rows = [row for row in top[skip:] if any(map(_filled, row))]
    texts = [[(typed.cell_text(_value(cell)) or "").strip() for cell in row] for row in rows]
    header = has_header(texts, ".") if texts else True
    guesses = []
    if skip:
        why = f"rows 1 to {skip} have few filled cells: a title, or nothing"
        guesses.append(Guess(setting="skip", value=skip, why=why, count=skip))
    if texts:
        first = ", ".join(quoted(cell, 20) for cell in texts[0][:4])
        why = f"row {skip + 1} ({first}) " + (
            "names what stands below" if header else "holds numbers as those below do"
        )
        guesses.append(Guess(setting="header", value=header, why=why, count=len(texts) - 1))
    settings = ReadSettings(format="excel", header=header, skip=skip, sheet=sheet.name if several else None)
    width = max(map(len, rows), default=0)
    columns = [[_value(row[i]) if i < len(row) else None for row in rows[1:]] for i in range(width)]
    texts_only = [pa.array([v if isinstance(v, str) else None for v in column], pa.string()) for column in columns]
    settings, more = found_in(texts_only, settings)
    return settings, guesses + more


def _header_at(top: list[list[Any]]) -> int:
    """The first row that is filled as widely as the rows usually are."""
    filled = [sum(map(_filled, row)) for row in top[:TOP]]
    wide = sorted(k for k in filled if k > 1) or sorted(k for k in filled if k)
    if not wide:
        return 0
    usual = wide[len(wide) // 2]
    return next((i for i, k in enumerate(filled[:LEAD]) if k >= max(1, WIDE * usual)), 0)


def _sheet(path: Path, workbook: Any, wanted: str | None, like: str | None) -> tuple[_Sheet, list[Guess]]:
    """The sheet that is named, else the one with most cells among those that are shown."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    known = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    seen = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.name in known
    ]
    if wanted is None and like in known:
        wanted = like
    if wanted is not None:
        named = [name for name in known if name == wanted] or [
            name for name in known if name.casefold() == wanted.casefold()
        ]
        if not named:
            near = closest(wanted, known)
            hint = f"did you mean {shown(near)}?" if near else f"its sheets are {shown(known)}."
            raise DataProblem(f"{path} has no sheet {quoted(wanted)}: {hint}")
        return _loaded(workbook, named[0]), []
    sheets = [_loaded(workbook, name) for name in seen or known]
    filled = [sheet for sheet in sheets if sheet.rows and sheet.columns]
    if not filled:
        raise DataProblem(f"{path} is a workbook whose sheets are empty: there is nothing to read in it.")
    best = max(filled, key=lambda sheet: sheet.rows * sheet.columns)
    if len(filled) == 1 and len(known) == 1:
        return best, []
    others = [f"{quoted(s.name)} ({s.rows:,} × {s.columns:,})" for s in filled if s is not best]
    why = f"it is the largest of {len(known)} sheets, with {best.rows:,} rows × {best.columns:,} columns"
    if others:
        why += f"; the others are {', '.join(others[:5])}"
    return best, [Guess(setting="sheet", value=best.name, why=why, count=best.rows)]


def _loaded(workbook: Any, name: str) -> _Sheet:
    sheet = workbook.get_sheet_by_name(name)
    return _Sheet(name, sheet, sheet.height, sheet.width)


def _filled(cell: Any) -> bool:
    return not (cell is None or cell == "" or (isinstance(cell, str) and not cell.strip()))


def _value(cell: Any) -> Any:
    """A cell as `typed` takes it: lengths of time and clock times as text, all else as it is."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, dt.timedelta):
        seconds = cell.total_seconds()
        return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
    return cell.isoformat() if isinstance(cell, dt.time) else cell


def _check_size(path: Path) -> None:
    """Raises DataProblem for a workbook whose parts unpack to what no workbook is."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            whole = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # the library says what is wrong
    if whole > max(MOST_UNPACKED * 16, 0) or (whole > MOST_UNPACKED and whole > MOST_RATIO * path.stat().st_size):
        raise DataProblem(
            f"{path} unpacks to {whole / 1e9:,.1f} GB: no workbook is so large. Save the sheet as CSV, and give that."
        )


def _is_locked(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(1 << 20)
    return start.startswith(b"\xd0\xcf\x11\xe0") and "EncryptedPackage".encode("utf-16-le") in start


def _locked(path: Path) -> DataProblem:
    return DataProblem(f"{path} is protected by a password: save it without one, and give that file.")


READER = TableReader(_opened)
