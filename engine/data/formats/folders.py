"""What folders of files have in common: one sub-folder per class, one row per file, columns made from each file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from engine.data.raw import BadLine, Raw, places_of
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

FILE, LABEL = "file", "label"


def files_of(folder: Path, endings: Sequence[str]) -> list[tuple[Path, str | None]]:
    """Every file with such an ending, in the order of their names, and its class: the first folder on the way to it.

    Hidden files are left out.  Raises DataProblem when the folder cannot be read, or holds no such file.
    """
    found: list[tuple[Path, str | None]] = []

    def refuse(problem: OSError) -> None:
        raise DataProblem(f"{folder} cannot be read ({problem.strerror or problem}): check its permissions.")

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(place).relative_to(folder).parts
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in endings:
                found.append((Path(place, name), inside[0] if inside else None))
    if not found:
        raise DataProblem(f"{folder} holds no file that ends in {', '.join(endings)}: is it the right folder?")
    return found


def as_raw(
    folder: Path,
    settings: ReadSettings,
    read: Sequence[tuple[Path, str | None]],
    made: dict[str, pa.ChunkedArray],
    columns: Sequence[str] | None,
    *,
    bad: Sequence[tuple[Path, str]] = (),
    warnings: Sequence[str] = (),
    guesses: Sequence[Guess] = (),
) -> Raw:
    """The table of a folder: the file's name, its class where the files lie in sub-folders, and what was made of it.

    read: the files that became rows.  bad: those that could not be read, and why.
    """
    names: dict[str, pa.ChunkedArray] = {
        FILE: pa.chunked_array([pa.array([str(path.relative_to(folder)) for path, _ in read], pa.string())])
    }
    if any(label is not None for _, label in read):
        names[LABEL] = pa.chunked_array([pa.array([label or "" for _, label in read], pa.string())])
    names |= made
    wanted = places_of(folder, list(names), columns)
    keys = list(names)
    table = pa.table({str(i): names[keys[i]] for i in wanted})
    said = list(warnings)
    if bad:
        said.append(f"{len(bad):,} of {len(bad) + len(read):,} files could not be read and are left out: {bad[0][1]}")
    examples = [BadLine(0, f"{path.relative_to(folder)}: {why}"[:200]) for path, why in bad[:5]]
    size = sum(path.stat().st_size for path, _ in read)
    return Raw(
        folder, settings, table, keys, [keys[i] for i in wanted], len(read), size, len(bad), examples, said,
        list(guesses),
    )  # fmt: skip
