"""What trials returned, and the bytes they left, each under the hash of what it comes from."""

from __future__ import annotations

import hashlib

from engine.errors import StoreProblem
from engine.records import Evidence
from storage.connection import Connection, Row
from storage.rows import EVIDENCE_COLUMNS, UNREADABLE, evidence_from, evidence_row
from storage.times import iso


class StoredEvidence:
    """Evidence by trial key: an `engine.ports.EvidenceStore`.  Written once.

    What was measured here counts for every session; what came with a session from elsewhere, for that one alone.
    session: with it, what came with that session counts too, first.  working: for whoever computes trials, who may read
    what came with any session where nothing was measured here; what is computed is kept as measured here.
    """

    def __init__(self, connection: Connection, session: int | None = None, *, working: bool = False) -> None:
        self._connection = connection
        self._session = session
        self._working = working

    def get(self, key: str) -> Evidence | None:
        row = self._row(key)
        if row is None:
            return None
        try:
            return evidence_from(row)
        except UNREADABLE as error:
            raise StoreProblem(
                f"The evidence {key[:12]} in {self._connection.path} was changed and cannot be read ({error}); "
                "`rungwise verify` lists what was."
            ) from error

    def put(self, evidence: Evidence) -> None:
        """Keep it; what is kept under the same key already stays.  Raises ValueError for NaN, StoreProblem."""
        with self._connection.write() as db:
            known = self.has(evidence.key) if self._session is not None else self._here(evidence.key) is not None
            if not known:  # a decision cites again what was kept long before
                db.table("evidence").insert(evidence_row(evidence))

    def has(self, key: str) -> bool:
        return self._row(key) is not None

    def keys(self) -> frozenset[str]:
        """The keys of all that `get` finds."""
        came = "select key from imported_evidence where session = ?" if self._session is not None else ""
        rows = self._connection.rows("select key from evidence")
        rows += self._connection.rows(came, [self._session]) if came else []
        return frozenset(row["key"] for row in rows)

    def _row(self, key: str) -> Row | None:
        if self._session is not None:
            return self._imported("session = ? and key = ?", [self._session, key]) or self._here(key)
        return self._here(key) or (self._imported("key = ? order by session", [key]) if self._working else None)

    def _here(self, key: str) -> Row | None:
        return self._connection.row("select * from evidence where key = ?", [key])

    def _imported(self, which: str, values: list[int | str]) -> Row | None:
        columns = ", ".join(EVIDENCE_COLUMNS)
        return self._connection.row(f"select {columns} from imported_evidence where {which} limit 1", values)  # noqa: S608


class StoredArtifacts:
    """Bytes by their SHA-256: an `engine.ports.ArtifactStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, content: bytes, media_type: str) -> str:
        """Keep the bytes; returns their digest.  The same bytes are kept once."""
        digest = hashlib.sha256(content).hexdigest()
        with self._connection.write() as db:
            if self._connection.row("select 1 from artifact where digest = ?", [digest]) is None:
                db.execute(
                    "insert into artifact (digest, media_type, bytes, kept_at, content) values (?, ?, ?, ?, ?)",
                    [digest, media_type, len(content), iso(self._connection.now()), content],
                )
        return digest

    def fetch(self, digest: str) -> bytes:
        """The bytes.  Raises StoreProblem when there are none, or when they are not those that were kept."""
        row = self._connection.row("select content from artifact where digest = ?", [digest])
        if row is None:
            raise StoreProblem(
                f"The store {self._connection.path} holds no file {digest[:12]}; run the step that made it again."
            )
        if hashlib.sha256(row["content"]).hexdigest() != digest:
            raise StoreProblem(
                f"The file {digest[:12]} in {self._connection.path} was changed and is not used; "
                "open a copy of the store kept before that."
            )
        return row["content"]
