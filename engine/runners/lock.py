"""A lock that the system takes back from a process that dies, however it dies."""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from engine.errors import StoreProblem


class FileLock:
    """Held by one process at a time.  The file stays where it is: what is locked is the open file, not its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def take(self, patience: float = 0.0) -> bool:
        """Take the lock if nobody holds it.  Raises StoreProblem when the file cannot be made.

        patience: seconds to go on trying; whoever means to keep it needs some, since `held_by_somebody` takes it for a
        moment to look.
        """
        until = time.monotonic() + patience
        while not (taken := self._try()) and time.monotonic() < until:
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - two that wait should not wake together
        return taken

    def _try(self) -> bool:
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as problem:
            raise StoreProblem(f"{self.path} cannot be written to ({problem.strerror}); check its folder.") from problem
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)  # closing unlocks
            self._handle = None

    @property
    def held_by_somebody(self) -> bool:
        """Whether another process holds it at this moment."""
        if self._handle is not None or not self.path.exists():
            return False
        with suppress(StoreProblem):  # a folder that cannot be written to: nobody can hold a lock in it either
            if not self.take():
                return True
            self.release()
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
