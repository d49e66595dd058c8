"""`rungwise export`: what leaves a session as a file."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from engine.conductor import Conductor
from engine.errors import DataProblem, UsageProblem
from engine.session import Session
from engine.words import literal
from storage.store import Store
from tui.cli.looking import opened

FORMATS = ("md",)


def export_session(path: Path, name: str, branch: str, form: str, output: Path | None, *, force: bool) -> None:
    """Write a session in the form wanted; to stdout where no file is named."""
    if form not in FORMATS:
        raise UsageProblem(f"A session cannot be exported as {form!r} yet; it can as {', '.join(FORMATS)}.")
    with opened(path) as store:
        text = markdown(store, name, branch)
    if output is None:
        sys.stdout.write(text)
        return
    write_report(output, text, force=force)
    print(f"Report written to {literal(output)}")


def markdown(store: Store, name: str, branch: str = "") -> str:
    """The report of a session: its decisions, with what was shown for them as far as its evidence is there."""
    from engine.export.markdown import report
    from engine.stages import STAGES

    info = store.sessions.get(name)
    journal = store.journal(info.name, branch or None)
    conductor = Conductor(STAGES, Session(info.name, info.dataset), journal, store.evidence, read_only=True)
    with suppress(DataProblem):  # the session ended there, or its evidence is gone: the report goes as far as it can
        conductor.advance()
    shows = {x.decision.seq: x.ask.shows for x in conductor.transcript}
    session = Session(info.name, info.dataset, journal.decisions())
    return report(session, shows, source=info.path.name, branch=journal.branch)


def write_report(output: Path, text: str, *, force: bool = False) -> None:
    """Raises UsageProblem when the file is there already, DataProblem when it cannot be written."""
    if output.exists() and not force:
        raise UsageProblem(f"{output} is there already; choose another name with -o, or say --force to replace it.")
    try:
        output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as problem:
        raise DataProblem(
            f"{output} cannot be written ({problem.strerror or problem}); choose another place with -o."
        ) from None
