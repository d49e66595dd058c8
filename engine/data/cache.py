"""Tables that took long to read, kept as Parquet in the user's cache: the second read of the same bytes is fast.

Only a convenience: without the folder, without room, or with a damaged file in it everything is read as if there were
none.  Nothing that a person decided is kept here, and everything may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.data.address import logs_beside, split, stamp
from engine.data.formats import Format
from engine.data.formats.reader import Found
from engine.data.opening import compression_of
from engine.data.raw import BadLine, Raw, places_of
from engine.data.settings import ReadSettings
from engine.errors import DataProblem
from engine.records import digest

VERSION = 1  # of what is kept: raised when a reader reads otherwise
MOST = 4 << 30  # bytes in all; the longest unused goes first
LEAST = 1 << 20  # bytes of a source below which reading anew is as fast
NOTHING_READ = ("dates", "decimal", "thousands", "missing", "blanks")  # settings that change no cell as it was written


def folder() -> Path | None:
    """The folder, made if need be, readable by its owner alone; None where there is none to write to."""
    told, home = os.environ.get("RUNGWISE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    place = Path(told) if told else (Path(home) if home else Path.home() / ".cache") / "rungwise"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = place.stat()
        if known.st_uid != os.getuid() or not stat.S_ISDIR(known.st_mode) or not os.access(place, os.W_OK | os.X_OK):
            return None
        if stat.S_IMODE(known.st_mode) & 0o077:
            place.chmod(0o700)
    except (OSError, RuntimeError, AttributeError):  # no home; no user ids on this system
        return None
    return place


@dataclass(frozen=True)
class Place:
    """Where what was read of one source is kept."""

    folder: Path
    content: str  # a hash of the source's bytes, its form, and the part of it that is named

    def found(self) -> Found | None:
        """How the source was found to be read; None where that is not kept."""
        with _forgiven(self._found):
            kept = json.loads(self._found.read_text("utf-8"))
            return Found(ReadSettings.from_dict(kept["settings"]), kept["guesses"])
        return None

    def keep_found(self, found: Found) -> None:
        said = {"settings": found.settings.as_dict(), "guesses": list(found.guesses)}
        _write(self._found, json.dumps(said).encode())

    def get(self, path: Path, settings: ReadSettings, columns: Sequence[str] | None) -> Raw | None:
        """The table as it was read with these settings; None where it is not kept.

        Raises DataProblem when a wanted column is not in it.
        """
        file = self._table(settings)
        table, said = None, {}
        with _forgiven(file), pq.ParquetFile(file) as kept:
            said = json.loads((kept.schema_arrow.metadata or {})[b"rungwise"])
            names: list[str] = said["names"]
            wanted = places_of(path, names, columns)
            table = kept.read([str(i) for i in wanted], use_threads=True)
            os.utime(file)
        if table is None:
            return None
        table = table.select([str(i) for i in wanted]).replace_schema_metadata()
        return Raw(
            path, replace(settings, **said["settled"]), table, names, [names[i] for i in wanted], table.num_rows,
            said["bytes"], said["bad_lines"], [BadLine(**line) for line in said["bad_examples"]], said["warnings"],
        )  # fmt: skip

    def keep(self, raw: Raw, settings: ReadSettings) -> None:
        """Keep a whole table, unless there is no room for it."""
        if raw.table.nbytes > MOST // 2 or raw.table.num_columns == 0:
            return
        said = {
            "names": raw.names, "bytes": raw.bytes, "bad_lines": raw.bad_lines, "warnings": raw.warnings,
            "bad_examples": [asdict(line) for line in raw.bad_examples],
            "settled": {k: v for k, v in asdict(raw.settings).items() if k in ("sheet", "table", "header", "skip")},
        }  # fmt: skip
        table = raw.table.replace_schema_metadata({b"rungwise": json.dumps(said).encode()})

        def write(file: Any) -> None:
            pq.write_table(table, file, compression="zstd", compression_level=1, write_statistics=False)

        with contextlib.suppress(OSError, pa.ArrowException, UnicodeError):
            if shutil.disk_usage(self.folder).free > 2 * raw.table.nbytes + (1 << 28):
                _write(self._table(settings), write)
                make_room(self.folder)

    @property
    def _found(self) -> Path:
        return self.folder / f"{self.content}.json"

    def _table(self, settings: ReadSettings) -> Path:
        return self.folder / f"{self.content}-{_digest(settings)}.parquet"


def _digest(settings: ReadSettings) -> str:
    said = {key: value for key, value in settings.as_dict().items() if key not in NOTHING_READ}
    if settings.format == "excel":  # numbers beside texts are written with the decimal sign of the texts
        said["decimal"] = settings.decimal
    return digest(said)[:16]


def place(path: Path, form: Format) -> Place | None:
    """Where the source's table is or would be kept; None where keeping it gains nothing, or there is no cache."""
    file, part = split(path)
    if os.path.isdir(file) or not _pays(file, part, form):
        return None
    try:
        size, changed = stamp(path)
        if size < LEAST or (kept_in := folder()) is None:
            return None
        return Place(kept_in, _content(kept_in, file, size, changed, f"{VERSION} {form.key} {part}"))
    except (OSError, DataProblem):
        return None  # reading says what is wrong


def _pays(file: Path, part: str, form: Format) -> bool:
    if form.kept == "packed":
        return compression_of(file) is not None
    return form.kept == "all" or (form.kept == "queries" and " " in part)


def _content(kept_in: Path, file: Path, size: int, changed: int, more: str) -> str:
    """A hash of the source's bytes; those of a file of the same place, size and time of change are known."""
    known = kept_in / f"seen-{digest([os.fsencode(file.resolve()).hex(), size, changed])[:32]}"
    with _forgiven(known):
        content = known.read_text("ascii")
        if len(content) == 64:
            os.utime(known)
            return digest([content, more])[:40]
    hashed = hashlib.sha256()
    for part in (file, *logs_beside(file)):
        with part.open("rb") as stream:
            hashed.update(hashlib.file_digest(stream, "sha256").digest())
    _write(known, hashed.hexdigest().encode("ascii"))
    return digest([hashed.hexdigest(), more])[:40]


def make_room(kept_in: Path, most: int = MOST) -> None:
    """Delete the files that were not used for the longest, until the others take `most` bytes or less."""
    files: list[tuple[int, int, Path]] = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(kept_in):
            with contextlib.suppress(OSError):
                known = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(known.st_mode):
                    files.append((known.st_mtime_ns, known.st_size, Path(entry.path)))
    held = sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if held <= most:
            return
        with contextlib.suppress(OSError):
            file.unlink()
        held -= size


def _write(file: Path, content: Any) -> None:
    """Write a file so that it is there whole or not at all; content: bytes, or a function that writes into a file."""
    part = None
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", suffix=".part", delete=False) as stream:
            part = Path(stream.name)  # readable by its owner alone, as temporary files are
            if callable(content):
                content(stream)
            else:
                stream.write(content)
        part.replace(file)
    except (OSError, pa.ArrowException):
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


@contextlib.contextmanager
def _forgiven(file: Path) -> Iterator[None]:
    """A file that is not there is nothing to speak of; one that cannot be read is deleted."""
    try:
        yield
    except FileNotFoundError:
        pass
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError, json.JSONDecodeError):
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
