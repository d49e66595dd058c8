"""`rungwise predict` and `rungwise sample`: files that are written."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.data.address import exists, split
from engine.errors import DataProblem, UsageProblem
from engine.export.registry import telling
from engine.records import Decision, Evidence
from engine.stages.columns import counted
from engine.words import literal, short
from storage.store import Store
from tui.cli.looking import opened

if TYPE_CHECKING:
    from engine.models.persist import Artifact

PIPE = Path("-")  # the standard input, or output


def predict_rows(
    path: Path, name: str, branch: str, data: Path, output: Path, *, why: bool = False, check: bool = False
) -> None:
    """Write the predictions of the model that the session ended with; what differs in the file is said first."""
    with opened(path) as store, telling(literal(name), "predictions"):
        final = _final(store, name, branch).value
        content, taught = store.artifacts.fetch(str(final["artifact"])), int(final["rows"])
        stopped = store.journal(name, branch or None).decisions() if check else ()
        learned = store.datasets.path(store.sessions.get(name).dataset) if why else None
    if data != PIPE and not exists(data):
        raise DataProblem(f"There is no file {split(data)[0]}; check the path.")
    from engine.models.persist import loads

    artifact = loads(content)
    with _piped(data, output) as (source, place):
        options = {
            "why": _reasons(artifact, learned, taught) if learned else None,
            "watch": _watch(artifact, name, stopped) if check else None,
        }
        said = _predict(artifact, source, place, options)
    where = "the standard output" if output == PIPE else literal(output)
    print(f"{said[0]} written to {where}", file=sys.stderr if output == PIPE else sys.stdout)
    for line in said[1:]:
        print(f"  ! {line}", file=sys.stderr)


def _predict(artifact: Artifact, data: Path, output: Path, options: Mapping[str, Any]) -> list[str]:
    """Write the predictions; returns what was written, and what could not be read and was not said before."""
    from engine.models.arriving import LOOKED_AT, differences
    from engine.models.predict import predict_file

    looked = artifact.recipe.get("material") in (None, "table", "text")
    if looked:
        for sentence in differences(artifact, data):
            print(f"  ! {literal(sentence)}", file=sys.stderr)
    unread: dict[str, int] = {}
    rows = predict_file(artifact, data, output, unread=unread, **options)
    what = "row" if artifact.recipe.get("material") != "series" else "forecast value"
    told = [counted(rows, what)]
    for column, cells in unread.items() if rows > LOOKED_AT or not looked else ():
        of = "1 cell is" if cells == 1 else f"{cells:,} cells are"
        told.append(f"{short(column, 60)}: {of} not of the column's type, and taken as empty.")
    return told


@contextmanager
def _piped(data: Path, output: Path) -> Iterator[tuple[Path, Path]]:
    """Where to read and write: files in between for the standard input and output, which are no files.

    Reading goes over a table several times, and nothing is written before every row could be predicted.
    """
    if PIPE not in (data, output):
        yield data, output
        return
    with tempfile.TemporaryDirectory() as between:
        source, place = Path(between, "in"), Path(between, "out.csv")
        if data == PIPE:
            with source.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        try:
            yield source if data == PIPE else data, place if output == PIPE else output
        except DataProblem as problem:
            raise DataProblem(str(problem).replace(str(source), "The standard input")) from None
        if output == PIPE:
            with place.open(encoding="utf-8", newline="") as written:
                shutil.copyfileobj(written, sys.stdout)


def _reasons(artifact: Artifact, learned: Path, rows: int) -> Callable[[Any], list[str]]:
    """What tells the reasons of rows, against rows of the file that the model learned from; what they mean is said."""
    from engine.models.why import background_of, refuse, scale_of, why_of

    if artifact.recipe.get("material") == "series":
        raise UsageProblem(
            "A forecast has no reasons for single rows: --why is for models of tables.  Predict without it."
        )
    refuse(artifact)
    told = why_of(artifact, background_of(learned, artifact.recipe, rows))
    print(f"  {literal(scale_of(artifact))}", file=sys.stderr)
    return told


def _watch(artifact: Artifact, name: str, decisions: Sequence[Decision]) -> Callable[[Any, Any], list[str]]:
    """What says which rows a person should see.  Raises UsageProblem where the session did not agree on that."""
    from engine.models.watch import watch_of

    agreed = next((d for d in reversed(decisions) if d.question == "present.guard"), None)
    if agreed is None or agreed.choice != "on" or agreed.check is None:
        raise UsageProblem(
            f"Session {name} did not decide which answers a person should see (present.guard); predict without --check."
        )
    cut = agreed.check.details.get("cut")
    return watch_of(artifact, cut if isinstance(cut, int | float) else None)


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
