"""What a run without a screen shows on stderr, and where it puts what other people's code prints."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from engine.records import Evidence, Progress, Trial
from engine.words import literal, short


class Lines:
    """One line a trial on stderr; on a terminal also how far the running one is."""

    def __init__(self, quiet: bool) -> None:
        self._out = sys.stderr
        self._quiet = quiet
        self._live = self._out.isatty()
        self._shown_at = 0.0

    def stage(self, name: str) -> None:
        self._line(name)

    def began(self, trial: Trial) -> None:
        self._over(f"  {short(trial.label or trial.kind, 60)} …")

    def progressed(self, trial: Trial, progress: Progress) -> None:
        if time.monotonic() - self._shown_at >= 0.1:
            how_far = f"{progress.unit} {progress.step} of {progress.steps}"
            if progress.left is not None:
                how_far += f", {progress.left:.0f} s left"
            self._over(f"  {short(trial.label or trial.kind, 50)} · {short(how_far, 36)}")

    def ended(self, trial: Trial, evidence: Evidence) -> None:
        how = f"{evidence.seconds:.1f} s" if evidence.ok else short(evidence.error, 300)
        self._line(f"  {short(trial.label or trial.kind, 60)} · {how}")

    def _over(self, text: str) -> None:
        if self._live and not self._quiet:
            self._shown_at = time.monotonic()
            self._out.write(f"\r\x1b[K{text}")
            self._out.flush()

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._out.write(("\r\x1b[K" if self._live else "") + literal(text) + "\n")
            self._out.flush()


class _Log(io.TextIOBase):
    """A log file that is made by the first thing written to it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text)
        return len(text)


@contextlib.contextmanager
def kept_quiet(log: Path) -> Iterator[None]:
    """What other people's code prints goes to a log: stdout is for the result, stderr for the progress."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
    stray = _Log(log)
    with contextlib.redirect_stdout(stray), contextlib.redirect_stderr(stray):
        yield
