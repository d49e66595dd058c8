"""`rungwise predict` and `rungwise sample`: files that are written."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from engine.data.address import exists, split
from engine.errors import DataProblem, UsageProblem
from engine.records import Evidence
from engine.stages.columns import counted
from engine.words import literal, short
from storage.store import Store
from tui.cli.looking import opened


def predict_rows(path: Path, name: str, branch: str, data: Path, output: Path) -> None:
    """Write the predictions of the model that the session ended with."""
    with opened(path) as store:
        content = store.artifacts.fetch(str(_final(store, name, branch).value["artifact"]))
    if not exists(data):
        raise DataProblem(f"There is no file {split(data)[0]}; check the path.")
    from engine.models.persist import loads
    from engine.models.predict import predict_file

    unread: dict[str, int] = {}
    rows = predict_file(loads(content), data, output, unread=unread)
    print(f"{counted(rows, 'row')} written to {literal(output)}")
    for column, cells in unread.items():
        of = "1 cell is" if cells == 1 else f"{cells:,} cells are"
        print(f"  ! {short(column, 60)}: {of} not of the column's type, and taken as empty.", file=sys.stderr)


def _final(store: Store, name: str, branch: str) -> Evidence:
    """The evidence of the model that leaves: the last one that a decision cites.  Raises UsageProblem."""
    session = store.sessions.get(name).name
    for decision in reversed(store.journal(session, branch or None).decisions()):
        for key in decision.evidence:
            found = store.evidence_of(session).get(key)
            if found is not None and found.ok and found.value.get("artifact") and found.kind == "final":
                return found
    raise UsageProblem(
        f"Session {session} has no model yet: it is fitted at the end of the stage “present”.  Go on with "
        f"`rungwise open {session}`."
    )


def write_sample(output: Path, *, force: bool) -> None:
    from tui.sample import SAMPLE

    if output.is_dir():
        output = output / SAMPLE.name
    if output.exists() and not force:
        raise UsageProblem(f"{output} is there already; choose another name with -o, or say --force to replace it.")
    try:
        shutil.copyfile(SAMPLE, output)
    except OSError as problem:
        raise DataProblem(
            f"{output} cannot be written ({problem.strerror or problem}); choose another place with -o."
        ) from None
    print(f"{literal(output)}: 1,500 customers.  Next: rungwise new {literal(output)} --target churned")
