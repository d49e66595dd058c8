"""A session as one file: written, and taken in again, here or by somebody else.

Nothing in a bundle is trusted.  Everything is read, bounded (`storage.bundle_format`) and checked
(`storage.bundle_contents`) before the first row is written, and the rows are written in one transaction.  Decisions
must form the chain that their hashes say; what was measured elsewhere is kept apart from what was measured here
(`storage.evidence`); comments that are here already stay, others are added.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import ZipFile

from engine.data.address import files_of, logs_beside, split
from engine.errors import DataProblem, RungwiseError, StoreProblem, UsageProblem
from engine.records import Decision, Evidence, Json
from storage import bundle_format as form
from storage.bundle_contents import HASH, ODD, Contents
from storage.comments import StoredComments
from storage.connection import Connection
from storage.datasets import StoredDatasets
from storage.evidence import StoredArtifacts, StoredEvidence
from storage.journal import write_decision
from storage.redaction import redacted
from storage.rows import decision_from, evidence_row, visible
from storage.sessions import Branch, SessionInfo, Sessions
from storage.times import iso
from storage.verify import first_broken_link


@dataclass(frozen=True)
class Written:
    """What went into a bundle."""

    file: Path
    bytes: int
    decisions: int
    evidence: int
    comments: int
    artifacts: int
    data: bool


@dataclass(frozen=True)
class Imported:
    """What came out of a bundle.  session: its name here.  made: whether it is new here; branches: those added."""

    session: str
    made: bool
    branches: tuple[str, ...]
    decisions: int
    comments: int
    redacted: bool
    data: Path | None


class Bundles:
    """Writes and reads bundles of a store's sessions; see `storage.store.Store.bundles`."""

    def __init__(
        self, connection: Connection, sessions: Sessions, datasets: StoredDatasets, artifacts: StoredArtifacts
    ) -> None:
        self._connection = connection
        self._sessions = sessions
        self._datasets = datasets
        self._artifacts = artifacts

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(
        self,
        session: str,
        file: Path,
        keys: Iterable[str],
        *,
        data: bool = False,
        redact: bool = False,
        made_by: str = "",
    ) -> Written:
        """Write a session with all its branches to a new file.

        keys: of evidence that it rests on beside what its decisions cite.  data: its table too.  redact: no raw values.
        Raises UsageProblem: both asked for, or the file is there; StoreProblem: a decision is not as it was written;
        DataProblem: the data cannot be taken along.
        """
        if data and redact:
            raise UsageProblem("--with-data takes raw values along and --redact leaves them out; choose one.")
        if file.exists():
            raise UsageProblem(f"{file} is there already; name another file.")
        info = self._sessions.get(session)
        if broken := first_broken_link(self._connection, info.name):
            raise StoreProblem(
                f"The bundle would not be whole ({broken}): nobody could take it in. `rungwise verify` lists "
                "what was changed; go back to a copy of the store from before."
            )
        lines = self._lines(info.id)
        known = StoredEvidence(self._connection, info.id)
        wanted = dict.fromkeys([*(k for _, d in lines for k in d.evidence), *keys])
        evidence = [e for key in wanted if (e := known.get(key)) is not None]
        kept = [redacted(e) for e in evidence] if redact else evidence
        digests = [] if redact else self._named_files(evidence, [d for _, d in lines])
        comments = self._comments(info.id)
        parts = _data_files(self._datasets.path(info.dataset)) if data else []
        with _written_whole(file) as partial:
            with ZipFile(partial, "w") as archive:
                member = form.Member(archive)
                member.add("session.json", _json(self._about(info, [d for d, _ in parts])))
                member.add_lines("environments.jsonl", self._environments(kept, [d for _, d in lines]))
                member.add_lines("decisions.jsonl", [{"branch": b, **d.as_dict()} for b, d in lines])
                member.add_lines("evidence.jsonl", [evidence_row(e) for e in kept])
                member.add_lines("comments.jsonl", comments)
                types = {}
                for name in digests:
                    row = self._connection.row("select media_type from artifact where digest = ?", [name]) or {}
                    types[name] = row["media_type"]
                    member.add(f"artifacts/{name}", self._artifacts.fetch(name))
                for name, source in parts:
                    member.add_file(name, source)
                manifest = {
                    "format": form.FORMAT, "version": form.VERSION, "made_by": made_by,
                    "made_at": iso(self._connection.now()), "redacted": redact, "media_types": types,
                    "members": member.members,
                }  # fmt: skip
                archive.writestr(form._info(form.MANIFEST), _json(manifest))
            size = partial.stat().st_size
        return Written(file, size, len(lines), len(kept), len(comments), len(digests), bool(parts))

    def _lines(self, session: int) -> list[tuple[str, Decision]]:
        """Every decision of the session with the branch that it was taken on, parents before children."""
        rows = self._connection.rows(
            "select branch.name as branch_name, d.* from decision as d join branch on branch.id = d.branch "
            "where branch.session = ? order by branch.id, d.seq",
            [session],
        )
        return [(row.pop("branch_name"), decision_from(row)) for row in rows]

    def _about(self, info: SessionInfo, data: list[str]) -> dict[str, Json]:
        branches = [
            {"name": b.name, "parent": b.parent, "forked_at": b.forked_at, "created_at": b.created_at,
             "notes": [asdict(note) for note in self._sessions.notes.of(b.id)]}
            for b in self._sessions.branches(info.name)
        ]  # fmt: skip
        whole, part = split(info.path)
        row = self._connection.row("select bytes from dataset where fingerprint = ?", [info.dataset]) or {"bytes": 0}
        return {
            "name": info.name, "branch": info.branch, "created_at": info.created_at, "branches": branches,
            "dataset": {"fingerprint": info.dataset, "name": visible(whole.name), "part": part, "bytes": row["bytes"],
                        "files": data},
        }  # fmt: skip

    def _named_files(self, evidence: list[Evidence], decisions: list[Decision]) -> list[str]:
        """The digests of files of this store that evidence or decisions name."""
        found: dict[str, None] = {}
        for value in (*(e.value for e in evidence), *(d.check.details for d in decisions if d.check)):
            for text in _hashes(value):
                if self._connection.row("select 1 from artifact where digest = ?", [text]):
                    found[text] = None
        return list(found)

    def _environments(self, evidence: list[Evidence], decisions: list[Decision]) -> list[dict[str, Json]]:
        keys = dict.fromkeys(x.environment for x in (*evidence, *decisions) if x.environment)
        rows = [self._connection.row("select key, content from environment where key = ?", [key]) for key in keys]
        return [{"key": row["key"], "content": row["content"]} for row in rows if row]

    def _comments(self, session: int) -> list[dict[str, Json]]:
        comments = StoredComments(self._connection).of(session)
        uids = {c.id: c.uid for c in comments}
        return [
            {"uid": c.uid, "about": c.about, "answers": None if c.answers is None else uids[c.answers],
             "author": c.author, "mark": c.mark, "text": c.text, "at": c.at}
            for c in comments
        ]  # fmt: skip

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, file: Path) -> Imported:
        """Take a bundle in: a session that is new here, or what is new of one that is here.

        Raises DataProblem with one sentence, and nothing is written: not a bundle, damaged, tampered with, too large,
        newer than this program; StoreProblem: the store is read-only, or another window holds the session.
        """
        with form.opened(file) as archive:
            archive.check()
            try:
                bundle = Contents.of(archive)
            except RungwiseError:
                raise
            except ODD as problem:
                raise form._not_whole(file, f"a record is not as Rungwise writes it: {_words(problem)}") from problem
            data = None
            try:
                with self._connection.write():
                    if bundle.files and not self._reachable(bundle.fingerprint):
                        data = _unpacked(archive, bundle, self._connection.path.parent)
                    return self._take(archive, bundle, data)
            except BaseException:
                if data is not None:
                    shutil.rmtree(data.folder, ignore_errors=True)
                raise

    def _reachable(self, fingerprint: str) -> bool:
        try:
            return self._datasets.get(fingerprint) is not None and self._datasets.path(fingerprint) is not None
        except DataProblem:
            return False

    def _take(self, archive: form.Archive, bundle: Contents, data: _Unpacked | None) -> Imported:
        self._know_dataset(archive, bundle, data)
        session, made = self._session(bundle)
        here = self._sessions.get(session)
        if not made:
            self._sessions.check(here.id, here.name)
        self._keep_figures(archive, bundle, here.id)
        before = self._connection.row("select count(*) as n from decision")
        branches = [added for name in bundle.order if (added := self._line(here, bundle, name, made=made))]
        after = self._connection.row("select count(*) as n from decision")
        current = bundle.branch if made and bundle.branch in bundle.order else None if made else here.branch
        found = self._sessions.branch(session, current)  # a fork makes itself the current one
        self._connection.db.execute("update session set branch = ? where id = ?", [found.id, here.id])
        new = self._say(here.id, bundle)
        for name in bundle.order:
            self._note(here, name, bundle)
        decisions = (after or {})["n"] - (before or {})["n"]
        return Imported(session, made, tuple(branches), decisions, new, bundle.redacted, data and data.place)

    def _know_dataset(self, archive: form.Archive, bundle: Contents, data: _Unpacked | None) -> None:
        if data is not None:
            if (found := self._datasets.record(data.place)) != bundle.fingerprint:
                raise form._not_whole(archive.file, f"its data have another fingerprint ({found[:12]})")
            return
        self._connection.db.execute(
            "insert into dataset (fingerprint, path, bytes, modified_ns, recorded_at) values (?, ?, ?, 0, ?) "
            "on conflict (fingerprint) do nothing",
            [bundle.fingerprint, bundle.data_name, bundle.data_bytes, iso(self._connection.now())],
        )

    def _session(self, bundle: Contents) -> tuple[str, bool]:
        """The session that the bundle is about: the one here with the same first decision, else a new one."""
        if bundle.anchor:
            row = self._connection.row(
                "select session.name from decision as d join branch on branch.id = d.branch "
                "join session on session.id = branch.session where d.seq = 1 and d.hash = ? and session.dataset = ? "
                "order by session.id limit 1",
                [bundle.anchor, bundle.fingerprint],
            )
            if row:
                return row["name"], False
        made = self._sessions.create(self._sessions.free_name(bundle.name), bundle.fingerprint)
        return made.name, True

    def _keep_figures(self, archive: form.Archive, bundle: Contents, session: int) -> None:
        db, now = self._connection.db, iso(self._connection.now())
        for key, content in bundle.environments.items():
            db.execute(
                "insert into environment (key, content, recorded_at) values (?, ?, ?) on conflict (key) do nothing",
                [key, content, now],
            )
        known = StoredEvidence(self._connection, session)
        for row in bundle.evidence:
            if not known.has(row["key"]):
                db.table("imported_evidence").insert({"session": session, **row})
        for name, content in archive.artifacts():
            self._artifacts.keep(content, bundle.media_types.get(name, "application/octet-stream"))

    def _line(self, here: SessionInfo, bundle: Contents, name: str, *, made: bool) -> str:
        """Bring one branch of the bundle in; the name of the branch that was made or grew, "" where nothing is new.

        made: the session was new here, and becomes as it is in the bundle, with branches on which nothing was decided.
        """
        wanted = bundle.lines[name]
        branches = self._sessions.branches(here.name)
        common = [(self._common(b, wanted), b) for b in branches]
        # Of equals the one of this name, where it can be gone on with, else the oldest.
        shared, parent = max(
            common, key=lambda c: (c[0], c[0] == c[1].length and c[1].name.casefold() == name.casefold())
        )
        taken = {b.name.casefold() for b in branches}
        # What left a branch at its end goes on from it as that branch would, and is still another one.
        another = any(n.casefold() == parent.name.casefold() != name.casefold() for n in bundle.order)
        if shared == len(wanted) and (not made or name.casefold() in taken):
            return ""
        if shared < parent.length or (another and parent.length):
            free = next(
                n for i in range(1, len(taken) + 2) if (n := name if i == 1 else f"{name}-{i}").casefold() not in taken
            )
            parent = self._sessions.fork(here.name, parent.name, shared, free)
        elif name.casefold() != parent.name.casefold() and not parent.length:
            self._connection.db.execute("update branch set name = ? where id = ?", [name, parent.id])
        for d in wanted[shared:]:
            write_decision(self._connection.db, parent.id, d)
        return name if parent.length == 0 else parent.name

    def _common(self, branch: Branch, wanted: tuple[Decision, ...]) -> int:
        """How many decisions from the first on a branch shares with a line."""
        hashes = self._sessions.hashes(branch.id)
        return next(
            (i for i, (a, d) in enumerate(zip(hashes, wanted, strict=False)) if a != d.hash),
            min(len(hashes), len(wanted)),
        )

    def _note(self, here: SessionInfo, name: str, bundle: Contents) -> None:
        """What was done to a branch elsewhere, of the branch here that has the same decisions."""
        line = bundle.lines[name]
        branches = [b for b in self._sessions.branches(here.name) if self._common(b, line) == len(line) == b.length]
        named = [b for b in branches if b.name.casefold() == name.casefold()]
        alone = all(other == name or decisions != line for other, decisions in bundle.lines.items())
        for b in (named or (branches if alone else []))[:1]:
            known = self._sessions.notes.of(b.id)
            for note in bundle.notes.get(name, ()):
                if note not in known:
                    self._sessions.notes.keep(b.id, note)

    def _say(self, session: int, bundle: Contents) -> int:
        """Add the comments that are not here yet, those that began a thread first; how many they were."""
        comments = StoredComments(self._connection)
        ids = {c.uid: c.id for c in comments.of(session)}
        new = 0
        for c in sorted(bundle.comments, key=lambda c: c["answers"] is not None):
            if c["uid"] in ids:
                continue
            answers = None if c["answers"] is None else ids[c["answers"]]
            said = (c["author"], c["mark"], c["text"], c["at"])
            ids[c["uid"]] = comments.keep(session, c["uid"], *said, c["about"], answers)
            new += 1
        return new


def _words(problem: Exception) -> str:
    return (" ".join(str(problem).split()) or type(problem).__name__)[:120]


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=True, indent=1).encode()


def _hashes(value: Json) -> Iterable[str]:
    if isinstance(value, Mapping):
        for v in value.values():
            yield from _hashes(v)
    elif isinstance(value, list | tuple):
        for v in value:
            yield from _hashes(v)
    elif isinstance(value, str) and HASH.fullmatch(value):
        yield value


# -- the data, and files that are whole or not there ---------------------------------------------------------------


def _data_files(path: Path) -> list[tuple[str, Path]]:
    """(member, file) of the data, in order.  Raises DataProblem for what cannot be taken along."""
    whole, _ = split(path)
    if whole.is_dir():
        files = [(f"data/{whole.name}/{name}", whole / name) for name in files_of(whole)]
    else:
        if logs_beside(whole):
            raise DataProblem(f"{whole} has a log beside it; close the program that writes to it, then export again.")
        files = [(f"data/{whole.name}", whole)]
    for name, _ in files:
        if not form.safe_path(name):
            raise DataProblem(f"The name {name.removeprefix('data/')} cannot stand on every system; rename the file.")
    return files


@dataclass(frozen=True)
class _Unpacked:
    """The data of a bundle, in a folder of their own; place: where they are, with the part that is read."""

    folder: Path
    place: Path


def _unpacked(archive: form.Archive, bundle: Contents, beside: Path) -> _Unpacked:
    """The data's files in a new folder beside the store.  Raises DataProblem, with nothing left there."""
    (beside / "imported").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{bundle.fingerprint[:12]}-", dir=beside / "imported"))
    try:
        for name in bundle.files:
            target = folder.joinpath(*name.split("/")[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                for chunk in archive.slices(name):
                    out.write(chunk)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    place = folder / bundle.files[0].split("/")[1]
    return _Unpacked(folder, Path(f"{place}::{bundle.data_part}") if bundle.data_part else place)


class _written_whole:  # noqa: N801 - reads as what it makes sure of
    """A file beside the one wanted, which takes its place when the block is left without an error."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> Path:
        handle, name = tempfile.mkstemp(prefix=".rungwise-", dir=self._file.parent)
        os.close(handle)
        self._partial = Path(name)
        return self._partial

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            os.replace(self._partial, self._file)
        else:
            with suppress(OSError):
                self._partial.unlink()
