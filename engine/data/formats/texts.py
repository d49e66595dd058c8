"""A folder of texts: one sub-folder per class, one row per file, its whole text in one column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from engine.data.formats import TEXTS
from engine.data.formats.folders import as_raw, files_of
from engine.data.formats.reader import fits_memory
from engine.data.naming import quoted
from engine.data.raw import Raw
from engine.data.settings import ReadSettings
from engine.errors import DataProblem

TEXT = "text"
LONGEST = 1 << 24  # bytes of one text


def read_folder(path: Path, settings: ReadSettings, columns: Sequence[str] | None = None) -> Raw:
    """The texts as rows: UTF-8 where the bytes are, else the settings' encoding, else Windows-1252.

    Files that are no text are left out and counted.  Raises DataProblem when none can be read.
    """
    files = files_of(path, TEXTS)
    fits_memory(path, 4 * sum(file.stat().st_size for file, _ in files))
    texts: list[str] = []
    read: list[tuple[Path, str | None]] = []
    bad: list[tuple[Path, str]] = []
    for file, label in files:
        try:
            content = file.read_bytes()
        except OSError as problem:
            bad.append((file, f"{quoted(file.name)} cannot be read ({problem.strerror or problem})."))
            continue
        if len(content) > LONGEST or b"\0" in content[:4096].replace(b"\xff\xfe", b""):
            why = "is longer than 16 MB" if len(content) > LONGEST else "holds bytes that are no text"
            bad.append((file, f"{quoted(file.name)} {why}."))
            continue
        texts.append(_decoded(content, settings.encoding))
        read.append((file, label))
    if not read:
        raise DataProblem(f"{path}: no text can be read: {bad[0][1]}")
    made = {TEXT: pa.chunked_array([pa.array(texts, pa.string())])}
    return as_raw(path, settings, read, made, columns, bad=bad)


def _decoded(content: bytes, encoding: str) -> str:
    for attempt in ("utf-8-sig", encoding):
        try:
            return content.decode(attempt).replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace").replace("\r\n", "\n")
