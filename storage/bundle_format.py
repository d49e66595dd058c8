"""What a bundle is as a file: a zip whose members are named, sized and hashed in its manifest.

Reading trusts nothing: every name is one of a few forms, every size is bounded before anything is unpacked, every hash
is computed, JSON is parsed with limits, and nothing is ever unpickled or run.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from engine.errors import DataProblem
from engine.records import Json

FORMAT = "rungwise-bundle"
VERSION = 1
MANIFEST = "manifest.json"
TABLES = ("session.json", "environments.jsonl", "decisions.jsonl", "evidence.jsonl", "comments.jsonl")
MOST_MEMBERS = 100_000
MOST_TEXT = 512 * 2**20  # bytes of one table, unpacked
ROOM, GROWTH = 100 * 2**20, 100  # a bundle unpacks to at most so many bytes and so many times its own size
SLICE = 2**20

_ARTIFACT = re.compile(r"artifacts/([0-9a-f]{64})")
_WHAT_ZIP_SAYS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError,
    RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, MemoryError,
)  # fmt: skip


class Member:
    """Writes the members of a bundle and keeps what the manifest says of them."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: list[dict[str, Json]] = []

    def add(self, name: str, content: bytes) -> None:
        self._note(name, len(content), hashlib.sha256(content).hexdigest())
        self._archive.writestr(_info(name), content)

    def add_lines(self, name: str, rows: Iterator[Mapping[str, Json]] | list[dict[str, Json]]) -> None:
        self.add(name, b"".join(json.dumps(row, ensure_ascii=True).encode() + b"\n" for row in rows))

    def add_file(self, name: str, file: Path) -> None:
        """A file, in slices."""
        size, whole = 0, hashlib.sha256()
        with file.open("rb") as source, self._archive.open(_info(name), "w", force_zip64=True) as target:
            while chunk := source.read(SLICE):
                target.write(chunk)
                whole.update(chunk)
                size += len(chunk)
        self._note(name, size, whole.hexdigest())

    def _note(self, name: str, size: int, sha256: str) -> None:
        self.members.append({"name": name, "bytes": size, "sha256": sha256})


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))  # the same for all: when it was made stands in the manifest
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


class Archive:
    """A bundle that was opened and found to be whole.  manifest: what it says of itself."""

    def __init__(self, file: Path, archive: zipfile.ZipFile) -> None:
        self.file = file
        self._archive = archive
        self.manifest, self._members = _manifest(file, archive)

    @property
    def names(self) -> list[str]:
        return [name for name in self._members if name != MANIFEST]

    def artifacts(self) -> Iterator[tuple[str, bytes]]:
        """(digest, content) of each file that the session keeps."""
        for name in self.names:
            if found := _ARTIFACT.fullmatch(name):
                content = self.read(name)
                if hashlib.sha256(content).hexdigest() != found[1]:
                    raise _not_whole(self.file, f"{name} is not the file that it is named after")
                yield found[1], content

    def read(self, name: str) -> bytes:
        """A member whose size and hash are those of the manifest.  Raises DataProblem."""
        return b"".join(self.slices(name))

    def slices(self, name: str) -> Iterator[bytes]:
        """The same in pieces; the hash is known to fit when the last has come."""
        said, whole, size = self._members[name], hashlib.sha256(), 0
        with _explained(self.file), self._archive.open(name) as stream:
            for chunk in _chunks(stream):
                size += len(chunk)
                if size > said["bytes"]:
                    break
                whole.update(chunk)
                yield chunk
        if size != said["bytes"] or whole.hexdigest() != said["sha256"]:
            raise _not_whole(self.file, f"{name} is not as it was written")

    def json(self, name: str) -> Json:
        """A member that is one JSON value."""
        return _parsed(self.file, name, self.read(name))

    def lines(self, name: str) -> list[dict[str, Any]]:
        """A member that is a JSON object a line; empty where there is none of that name."""
        if name not in self._members:
            return []
        rows = [_parsed(self.file, name, line) for line in self.read(name).splitlines() if line.strip()]
        if not all(isinstance(row, dict) for row in rows):
            raise _not_whole(self.file, f"{name} holds something that is no record")
        return rows

    def check(self) -> None:
        """Read everything once, so that nothing is imported from a bundle that is damaged at its end."""
        for name in self.names:
            for _ in self.slices(name):
                pass


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """A bundle, checked as a file.  Raises DataProblem: not there, damaged, too large, made by a newer version."""
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "is not there"
        raise DataProblem(f"The bundle {file} {what}; name the file that `rungwise bundle export` wrote.")
    with _explained(file):
        archive = zipfile.ZipFile(file)
    with archive:
        with _explained(file):
            found = Archive(file, archive)
        yield found


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except DataProblem:
        raise
    except _WHAT_ZIP_SAYS as problem:
        words = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise _not_whole(file, words) from problem


def _not_whole(file: Path, why: str) -> DataProblem:
    return DataProblem(f"{file} is no whole bundle ({why}); ask for it again, nothing was imported.")


def _manifest(file: Path, archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, Any]]:
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise _not_whole(file, f"it holds {len(infos):,} files, more than {MOST_MEMBERS:,}")
    by_name = {info.filename: info for info in infos}
    if MANIFEST not in by_name:
        raise _not_whole(file, "it has no manifest")
    for info in infos:
        _check_member(file, info)
    room = ROOM + GROWTH * file.stat().st_size
    if sum(info.file_size for info in infos) > room:
        raise _not_whole(file, f"it would unpack to more than {room // 2**20:,} MiB")
    with archive.open(MANIFEST) as stream:
        manifest = _parsed(file, MANIFEST, stream.read(min(by_name[MANIFEST].file_size, MOST_TEXT)))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _not_whole(file, "it is a zip file of something else")
    version = manifest.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _not_whole(file, "its version is no number")
    if version > VERSION:
        raise DataProblem(
            f"{file} was made by a newer Rungwise (bundle version {version}; this one knows {VERSION}); "
            "update Rungwise to import it."
        )
    said = {member["name"]: member for member in manifest["members"]}
    lies = {MANIFEST, *said} ^ set(by_name)
    if lies or len(infos) != len(by_name) or MANIFEST in said:
        raise _not_whole(file, "its files are not those that its manifest names")
    for name, member in said.items():
        if not isinstance(member["bytes"], int) or member["bytes"] != by_name[name].file_size:
            raise _not_whole(file, f"{name} is not as long as its manifest says")
    return manifest, said


def _check_member(file: Path, info: zipfile.ZipInfo) -> None:
    name = info.filename
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _not_whole(file, f"{name[:80]!r} is encrypted or packed in a way that no bundle is")
    if name != MANIFEST and name not in TABLES and not _ARTIFACT.fullmatch(name) and not safe_path(name):
        raise _not_whole(file, f"it holds {name[:80]!r}, which belongs in no bundle")
    if (name in TABLES or name == MANIFEST) and info.file_size > MOST_TEXT:
        raise _not_whole(file, f"{name} is larger than {MOST_TEXT // 2**20} MiB")


def safe_path(name: str) -> bool:
    """Whether a member is a file of the data that stays below the folder it is unpacked into, on every system."""
    if (
        not name.startswith("data/")
        or len(name) > 1_000
        or any(c in name for c in '\\:*?"<>|')
        or not name.isprintable()
    ):
        return False
    parts = name.split("/")
    plain = all(part and part == part.lstrip(" ").rstrip(" .") for part in parts)
    return plain and not PurePosixPath(name).is_absolute() and all(len(part) <= 200 for part in parts)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(SLICE):
        yield chunk


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _parsed(file: Path, name: str, text: bytes) -> Json:
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise _not_whole(file, f"{name} is no JSON") from problem
