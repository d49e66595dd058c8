"""Finished parts of trials, kept in files beside the store, so that nothing is computed twice.

Only a convenience: each file may be deleted at any time, and one that cannot be read or written counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine.records import Json

MOST = 1 << 30  # bytes in all; the longest unused go first
_LOOK_EVERY = 64  # parts kept between two looks at how much there is

Part = tuple[bytes, dict[str, Json]]  # what came out, and what it cost


class StateFile:
    """How far a part has come, in a file of its own: whole or not at all.  What cannot be written is not kept."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def load(self) -> bytes | None:
        with contextlib.suppress(OSError):
            return self.file.read_bytes()
        return None

    def save(self, content: bytes) -> None:
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = ""
            try:
                handle, part = tempfile.mkstemp(dir=self.file.parent, prefix=".", suffix=".part")
                with os.fdopen(handle, "wb") as stream:
                    stream.write(content)
                os.replace(part, self.file)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(part)

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self.file.unlink()


class KeptParts:
    """Parts by their key, in a folder that is made by the first of them.

    A file is one line of JSON (what the part cost, and the hash of what follows) and then the bytes.  It is there whole
    or not at all, whenever a process is killed.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self.folder = folder
        self._most = most
        self._put = 0

    def get(self, key: str) -> Part | None:
        """The part, and its cost; None where it is not kept, or not as it was written."""
        file = self.folder / key
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            line, _, content = file.read_bytes().partition(b"\n")
            said = json.loads(line)
            if hashlib.sha256(content).hexdigest() == said["sha256"]:
                with contextlib.suppress(OSError):  # a store that may only be read
                    os.utime(file)
                return content, dict(said["cost"])
        return None

    def put(self, key: str, content: bytes, cost: Mapping[str, Json]) -> None:
        """Keep a part, unless there is no room or no right to."""
        if len(content) > self._most // 4:
            return
        said = json.dumps({"sha256": hashlib.sha256(content).hexdigest(), "cost": dict(cost)}).encode()
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = ""
            try:
                handle, part = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
                with os.fdopen(handle, "wb") as stream:
                    stream.write(said + b"\n" + content)
                os.replace(part, self.folder / key)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(part)
            if self._put % _LOOK_EVERY == 0:
                self._make_room()
            self._put += 1

    def state(self, key: str) -> StateFile:
        """Where a part that is being computed keeps how far it has come."""
        return StateFile(self.folder / f"{key}.state")

    def _make_room(self) -> None:
        files: list[tuple[int, int, str]] = []
        for entry in os.scandir(self.folder):
            with contextlib.suppress(OSError):
                known = entry.stat(follow_symlinks=False)
                files.append((known.st_mtime_ns, known.st_size, entry.path))
        held = sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if held <= self._most:
                return
            with contextlib.suppress(OSError):
                os.unlink(file)
            held -= size
