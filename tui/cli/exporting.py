"""`rungwise export`: what leaves a session as files."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from engine.conductor import Conductor
from engine.data.address import name_of
from engine.errors import DataProblem, UsageProblem
from engine.export.dossier import Dossier, Product
from engine.export.registry import EXPORTS, Export, export_of, telling
from engine.ports import EvidenceStore, Journal
from engine.session import Session
from engine.stages.lessons import duration
from engine.views import View
from engine.words import literal
from storage.store import Store
from tui.cli.looking import opened

LONG = 3.0  # seconds of one fit from which on a check is announced


def export_session(
    path: Path, name: str, branch: str, form: str, output: Path | None, *, force: bool, **options: str
) -> None:
    """Write a session in the form wanted; one text goes to stdout where no file is named.

    options: what some forms take beside the session; empty ones were not given.
    """
    wanted = export_of(form)
    given = {key: value for key, value in options.items() if value}
    for key in given:
        if key not in wanted.options:
            fits = ", ".join(e.name for e in EXPORTS if key in e.options)
            raise UsageProblem(f"--{key} goes with --to {fits}, not with --to {wanted.name}.")
    if output is not None:
        _free(output, force=force)  # said before anything is computed
    elif wanted.shape == "folder" or wanted.binary:
        raise UsageProblem(
            f"--to {wanted.name} does not fit on a screen; name where it goes with -o {_usual(name, wanted)}"
        )
    if output is not None:
        given["stem"] = output.stem  # what lies beside a file is called after it
    build = wanted.builder()
    with opened(path) as store, telling(literal(name), wanted.name):
        session = replace(dossier(store, name, branch, shown=wanted.needs == "journal"), options=given)
        print(_meanwhile(session, wanted), end="", file=sys.stderr, flush=True)
        product = build(session)
    if output is None:
        if product.text is None:
            raise UsageProblem(
                f"--to {wanted.name} makes several files; name where they go with -o {_usual(name, wanted)}"
            )
        sys.stdout.write(product.text)
    else:
        for place in write(product, output, force=force):
            print(f"{wanted.title[:1].upper()}{wanted.title[1:]}: {literal(place)}")
    for line in product.said:
        print(literal(line), file=sys.stdout if output is not None else sys.stderr)


def _meanwhile(session: Dossier, wanted: Export) -> str:
    """What is said first where code is run for long before it is written; "" where it is not."""
    if wanted.name not in ("script", "notebook"):
        return ""
    seconds = session.final.value.get("fit_seconds")
    if not isinstance(seconds, int | float) or seconds < LONG:
        return ""
    return ("The code is run before it is written, to see that it says what the session says: the model is fitted "
            f"a few times, and once took {duration(seconds)}.\n")  # fmt: skip


def export_portfolio(path: Path, output: Path, *, force: bool) -> None:
    """Write one page of every session of the store."""
    from engine.export.portfolio import portfolio

    _free(output, force=force)
    with opened(path) as store:
        names = [info.name for info in store.sessions.list()]
        product = portfolio([dossier(store, name, shown=False) for name in names])
    write(product, output, force=force)
    print(f"Portfolio: {literal(output)}")
    for line in product.said:
        print(literal(line))


def _usual(name: str, wanted: Export) -> str:
    return f"{literal(name)}{wanted.ending}"


def dossier(store: Store, name: str, branch: str = "", *, shown: bool = True) -> Dossier:
    """A session with all that is kept of it, on the branch named or the current one; shown: with what was shown."""
    info = store.sessions.get(name)
    journal = store.journal(info.name, branch or None)
    known = store.evidence_of(info.name)
    decisions = journal.decisions()
    return Dossier(
        Session(info.name, info.dataset, decisions),
        decisions,
        _shows(Session(info.name, info.dataset), journal, known) if shown else {},
        source=name_of(info.path),
        branch=journal.branch,
        environment=store.environments.get,
        evidence=known.get,
        fetch=store.artifacts.fetch,
        data=lambda: store.datasets.path(info.dataset),
    )


def _shows(session: Session, journal: Journal, evidence: EvidenceStore) -> dict[int, Sequence[View]]:
    """What was shown for each decision, by its number, as far as the evidence is there."""
    from engine.stages import STAGES

    conductor = Conductor(STAGES, session, journal, evidence, read_only=True)
    with suppress(DataProblem):  # the session ended there, or its evidence is gone: exports go as far as they can
        conductor.advance()
    return {x.decision.seq: x.ask.shows for x in conductor.transcript}


def write(product: Product, output: Path, *, force: bool = False) -> list[Path]:
    """Write what leaves, and say where each file or folder went.  A folder whose name ends in .zip becomes one.

    Raises UsageProblem when something is there already, DataProblem when it cannot be written.
    """
    try:
        if "" in product.files:
            places = {_beside(output, name): content for name, content in product.files.items()}
            for place, content in places.items():
                _free(place, force=force or _same(place, content))  # a script and a notebook share one plan of exams
            for place, content in places.items():
                _put(place, _bytes(content))
            return list(places)
        if output.suffix == ".zip":
            _free(output, force=force)
            _put(output, _zipped(product, output.stem))
            return [output]
        for name, content in product.files.items():
            place = output / PurePosixPath(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            _put(place, _bytes(content))
        return [output]
    except OSError as problem:
        raise DataProblem(
            f"{output} cannot be written ({problem.strerror or problem}); choose another place with -o."
        ) from None


def _beside(output: Path, name: str) -> Path:
    return output.with_name(output.stem + name) if name else output


def _free(place: Path, *, force: bool) -> None:
    """An empty folder is free; a file, and a folder that holds something, only with --force."""
    taken = place.exists() and not (place.is_dir() and not any(place.iterdir()))
    if taken and not force:
        raise UsageProblem(f"{place} is there already; choose another name with -o, or say --force to replace it.")


def _same(place: Path, content: str | bytes) -> bool:
    return place.is_file() and place.read_bytes() == _bytes(content)


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", errors="backslashreplace")


def _put(place: Path, content: bytes) -> None:
    """The file appears under its name when it is complete."""
    handle, part = tempfile.mkstemp(prefix=f".{place.name[:40]}.", suffix=".part", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(part, 0o666 & ~mask)
        os.replace(part, place)
    finally:
        Path(part).unlink(missing_ok=True)


def _zipped(product: Product, stem: str) -> bytes:
    import io

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(product.files.items()):
            archive.writestr(zipfile.ZipInfo(f"{stem}/{name}"), _bytes(content), zipfile.ZIP_DEFLATED)
    return packed.getvalue()
