"""A folder of stores and bundles, as whoever mentors several people has it: one line a session."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RungwiseError
from engine.review.flag import SEVERITIES, Severity
from engine.review.review import Review, Step, review, steps
from storage.store import Store

SQLITE = b"SQLite format 3\0"
ZIP = b"PK\x03\x04"
MOST_FILES = 10_000


@dataclass(frozen=True)
class Trainee:
    """One session of the cohort.  place: the file it lies in.  problem: why it could not be read, "" otherwise."""

    place: Path
    session: str = ""
    branch: str = ""
    stage: str = ""
    decisions: int = 0
    rungs: tuple[Step, ...] = ()
    review: Review | None = None
    open: int = 0  # questions and objections that are not settled
    unanswered: int = 0  # of those, the ones nobody has said a word to
    problem: str = ""
    altered: str = ""  # the first decision that is not as it was written, "" where all are

    def flags(self, severity: Severity) -> int:
        return self.review.count(severity) if self.review else 0

    @property
    def gain(self) -> float | None:
        """From the first rung to the last, positive where it got better; None with one rung or where metrics differ."""
        gains = [s.gain for s in self.rungs[1:]]
        return sum(g for g in gains if g is not None) if gains and None not in gains else None

    @property
    def gravity(self) -> tuple[int, ...]:
        """What sorts those first who need a mentor most."""
        return (not self.altered, *(-self.flags(s) for s in SEVERITIES), -self.unanswered)


def cohort(folder: Path) -> list[Trainee]:
    """Every session of every store and bundle in a folder, those first that need a mentor most.

    Nothing in the folder is changed.  A file that cannot be read is a line that says why; what is neither store nor
    bundle is passed over.  Raises OSError where the folder cannot be listed.
    """
    found: list[Trainee] = []
    for file in sorted(p for p in folder.rglob("*") if p.is_file())[:MOST_FILES]:
        found += _of(file)
    return sorted(found, key=lambda t: (not t.problem, t.gravity, str(t.place), t.session))


def _of(file: Path) -> Iterator[Trainee]:
    kind = _start(file)
    if kind not in (SQLITE, ZIP) or file.name.endswith(("-wal", "-shm")):
        return
    try:
        if kind == ZIP:
            if _is_bundle(file):
                yield from _in_bundle(file)
        elif _is_store(file):
            with Store.open(file, read_only=True, still=True) as store:
                yield from _in_store(store, file)
    except RungwiseError as problem:
        yield Trainee(file, problem=str(problem))


def _start(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            start = stream.read(16)
    except OSError:
        return b""
    return ZIP if start[:4] == ZIP else start


def _is_bundle(file: Path) -> bool:
    """Whether a zip file has our manifest; others, such as a workbook, are none of ours."""
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            return "manifest.json" in archive.namelist() and "session.json" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return file.suffix == ".rungwise"


def _is_store(file: Path) -> bool:
    """Whether an SQLite file is a store of ours, by the mark in its header."""
    with file.open("rb") as stream:
        stream.seek(68)
        return stream.read(4) == b"RUNG"


def _in_bundle(file: Path) -> Iterator[Trainee]:
    with tempfile.TemporaryDirectory(prefix="rungwise-") as folder, Store.open(Path(folder) / "one.db") as store:
        store.bundles.read(file)
        yield from _in_store(store, file)


def _in_store(store: Store, file: Path) -> Iterator[Trainee]:
    for name in reversed(store.sessions.names()):
        try:
            info = store.sessions.get(name)
            record = store.record(name)
            threads = store.comments.threads(info.id)
            altered = store.first_broken_link(name)
            yield Trainee(
                file, name, info.branch, info.stage, info.decisions, steps(record), review(record),
                sum(t.open for t in threads), sum(t.unanswered for t in threads), "", str(altered or ""),
            )  # fmt: skip
        except (RungwiseError, sqlite3.Error) as problem:
            yield Trainee(file, name, problem=str(problem))
