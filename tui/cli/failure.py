"""What is written down about a mistake of this program's own."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import traceback
from pathlib import Path

from engine.words import short


def write_down(problem: Exception) -> str:
    """Keep the traceback in a log file; returns the sentence for the person."""
    what = f"{type(problem).__name__}: {short(problem, 160)}"
    said = f"Rungwise made a mistake ({what}). Everything recorded before is kept."
    for folder in _folders():
        file = folder / "rungwise-errors.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"{dt.datetime.now(dt.UTC).isoformat()} rungwise {' '.join(sys.argv[1:])}\n")
                log.writelines(traceback.format_exception(problem))
        except OSError:
            continue
        return f"{said} Details: {file}"
    return said


def _folders() -> list[Path]:
    from storage.opening import default_path
    from tui.workers import logs_of

    return [logs_of(default_path()), Path(tempfile.gettempdir())]
