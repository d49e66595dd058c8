"""What a piece of computing costs: wall seconds, processor seconds and memory at its highest."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_EVERY = 0.05  # seconds between samples where the system keeps no high-water mark that can be reset


class Meter:
    """Measures what happens inside its `with` block.

    seconds: wall time.  cpu_seconds: of all threads of this process, not of its children.
    peak_memory_mb: the highest resident set of this process (MiB), interpreter and libraries included.  On Linux it is
    the kernel's own high-water mark, reset when the block begins, so that nothing short is missed; elsewhere it is
    sampled every 50 ms, and a shorter peak can be missed.  Memory of a GPU and of child processes is not in it.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.peak_memory_mb = 0.0
        self._ended = threading.Event()
        self._sampler: threading.Thread | None = None

    def __enter__(self) -> Self:
        if not _reset_high_water():
            self._sampler = threading.Thread(target=self._sample, name="memory meter", daemon=True)
            self._sampler.start()
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.seconds = time.perf_counter() - self._wall
        self.cpu_seconds = time.process_time() - self._cpu
        if self._sampler is None:
            self.peak_memory_mb = _high_water_mb()
        else:
            self._ended.set()
            self._sampler.join()

    def _sample(self) -> None:
        import psutil

        process = psutil.Process()
        while True:
            self.peak_memory_mb = max(self.peak_memory_mb, process.memory_info().rss / 2**20)
            if self._ended.wait(_EVERY):
                return


def _reset_high_water() -> bool:
    """Ask Linux to begin its resident-set high-water mark anew; False where that cannot be done."""
    try:
        _CLEAR.write_text("5")
        return _high_water_mb() > 0
    except OSError:
        return False


def _high_water_mb() -> float:
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
