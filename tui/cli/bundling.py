"""`rungwise bundle`: a session as one file, and back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from engine.conductor import Conductor
from engine.errors import DataProblem, RungwiseError
from engine.records import Evidence
from engine.runners.environment import environment
from engine.session import Session
from engine.stages.columns import counted, listed
from engine.words import literal
from storage.store import Store
from tui.cli.looking import opened


def export_bundle(path: Path, name: str, output: Path, *, with_data: bool, redact: bool) -> None:
    """Write a session to a file, and say what is in it."""
    with opened(path) as store:
        keys = _rests_on(store, name)
        made_by = str(environment()["rungwise"] or "checkout")
        try:
            made = store.bundles.write(name, output, keys, data=with_data, redact=redact, made_by=made_by)
        except OSError as problem:
            why = problem.strerror or str(problem)
            raise DataProblem(f"{literal(output)} cannot be written ({why}); choose another place with -o.") from None
    inside = [
        counted(made.decisions, "decision"),
        f"{made.evidence} pieces of evidence",
        counted(made.comments, "comment"),
    ]
    inside += [counted(made.artifacts, "file")] if made.artifacts else []
    inside += ["the data"] if made.data else []
    print(
        f"{literal(made.file)}: {listed(inside)}, {made.bytes:,} bytes" + (", without raw values." if redact else ".")
    )


def import_bundle(path: Path, file: Path) -> None:
    """Take a bundle in, and say what came of it."""
    with Store.open(path) as store:
        got = store.bundles.read(file)
    what = [counted(got.decisions, "decision"), counted(got.comments, "comment")]
    if got.made:
        print(f"Session {literal(got.session)}: {listed(what)}.")
    elif got.decisions or got.comments:
        grown = f" on {listed(map(literal, got.branches))}" if got.branches else ""
        print(f"Session {literal(got.session)} was here already; new are {listed(what)}{grown}.")
    else:
        print(f"Session {literal(got.session)} was here already, with all that the bundle holds.")
    if got.redacted:
        print("Raw values were left out of it: it can be read, reviewed and compared, and not gone on with.")
    if got.data is not None:
        print(f"Its data lie at {literal(got.data)}.")


class _Noted:
    """Evidence, with the keys that were asked for."""

    def __init__(self, store: Store, name: str) -> None:
        self._known = store.evidence_of(name)
        self.keys: dict[str, None] = {}

    def get(self, key: str) -> Evidence | None:
        self.keys[key] = None
        return self._known.get(key)

    def put(self, evidence: Evidence) -> None:
        """Nothing is computed here."""


def _rests_on(store: Store, name: str) -> list[str]:
    """The keys of all evidence that the path of each branch comes by, what no decision cites included."""
    from engine.stages import STAGES

    noted = _Noted(store, name)
    info = store.sessions.get(name)
    for branch in store.sessions.branches(name):
        journal = store.journal(info.name, branch.name)
        session = Session(info.name, info.dataset, looks=lambda exam: store.sessions.looks(info.name, exam))
        with suppress(RungwiseError, LookupError, TypeError, ValueError, AttributeError):
            # where today's path cannot follow an old journal it ends; what decisions cite goes along all the same
            Conductor(STAGES, session, journal, noted, read_only=True).advance()
    return list(noted.keys)
