"""The door to the store: everything that is kept, behind one object."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from storage.comments import StoredComments
from storage.connection import Connection
from storage.datasets import StoredDatasets, StoredEnvironments
from storage.drafts import StoredDrafts
from storage.evidence import StoredArtifacts, StoredEvidence
from storage.journal import StoredJournal
from storage.lease import Hold, Leases
from storage.opening import default_path, open_connection
from storage.queue import StoredQueue
from storage.sessions import Sessions
from storage.verify import Finding, first_broken_link, verify

if TYPE_CHECKING:
    from engine.review.record import Record
    from storage.bundles import Bundles
    from storage.search import Hit


class Store:
    """An open store.  Threads may share it; each process opens its own.

    sessions, datasets, environments, comments, drafts: what there is.  evidence, artifacts, queue: fill `engine.ports`.
    """

    def __init__(self, connection: Connection, silence: float = 30.0) -> None:
        self._connection = connection
        self._leases = Leases(connection)
        self.sessions = Sessions(connection, self._leases)
        self.datasets = StoredDatasets(connection)
        self.environments = StoredEnvironments(connection)
        self.evidence = StoredEvidence(connection)
        self.artifacts = StoredArtifacts(connection)
        self.comments = StoredComments(connection)
        self.drafts = StoredDrafts(connection)
        self.queue = StoredQueue(connection, silence)

    @classmethod
    def open(
        cls,
        path: Path | str | None = None,
        *,
        read_only: bool = False,
        still: bool = False,
        silence: float = 30.0,
        now: Callable[[], float] = time.time,
    ) -> Store:
        """Open the store at a path, by default RUNGWISE_STORE or the user's own; it is made when it is not there.

        A store that may not be written to is opened read-only (see `read_only`).  still: nobody writes to it meanwhile.
         silence: see `StoredQueue`.
        now: seconds since the epoch, for tests.  Raises StoreProblem.
        """
        place = default_path() if path is None else Path(path).expanduser()
        return cls(open_connection(place, read_only=read_only, now=now, still=still), silence)

    @property
    def path(self) -> Path:
        return self._connection.path

    @property
    def read_only(self) -> bool:
        return self._connection.read_only

    @property
    def gone(self) -> bool:
        """Whether its file was deleted or replaced since it was opened."""
        return self._connection.gone

    def check_there(self) -> None:
        """Raise StoreProblem where its file was deleted or replaced since it was opened."""
        self._connection.check_there()

    @property
    def bundles(self) -> Bundles:
        """Writes sessions to files, and takes them in."""
        from storage.bundles import Bundles

        return Bundles(self._connection, self.sessions, self.datasets, self.artifacts)

    def journal(self, session: str, branch: str | None = None) -> StoredJournal:
        """The decisions of a branch (the current one when none is named).  Raises UsageProblem when there is none."""
        info, found = self.sessions.known(session), self.sessions.branch(session, branch)
        return StoredJournal(self._connection, self._leases, (info.id, info.name), (found.id, found.name))

    def evidence_of(self, session: str) -> StoredEvidence:
        """The evidence that a session may rest on: what was measured here, and what came with it from elsewhere."""
        return StoredEvidence(self._connection, self.sessions.id(session))

    @property
    def evidence_at_work(self) -> StoredEvidence:
        """The evidence as trials read it while they are computed, and keep it."""
        return StoredEvidence(self._connection, working=True)

    def record(self, session: str, branch: str | None = None) -> Record:
        """A branch as the review reads it, with what the session did on its others.  Raises UsageProblem."""
        from engine.review.record import Record

        info, chosen = self.sessions.known(session), self.sessions.branch(session, branch)
        own = (info.id, info.name)
        branches = [chosen, *(b for b in self.sessions.branches(session) if b.id != chosen.id)]
        journals = (StoredJournal(self._connection, self._leases, own, (b.id, b.name)) for b in branches)
        decisions, *others = (journal.decisions() for journal in journals)
        known = StoredEvidence(self._connection, info.id)
        return Record(info.name, decisions, tuple(others), known.get, chosen.name, info.dataset)

    def hold(self, session: str) -> Hold:
        """Become the one writer of a session.  Raises StoreProblem: another window is, or the store is read-only."""
        info = self.sessions.known(session)
        return self._leases.hold(info.id, info.name)

    def search(self, words: str, session: str | None = None) -> list[Hit]:
        """Where these words stand in whys, answers and comments.  Raises UsageProblem for an unknown session."""
        from storage.search import search

        return search(self._connection, words, session and self.sessions.known(session).name)

    def verify(self, session: str | None = None) -> list[Finding]:
        """What is not as it was written; empty when all is sound.  Raises UsageProblem for an unknown session."""
        return verify(self._connection, session and self.sessions.known(session).name)

    def first_broken_link(self, session: str) -> Finding | None:
        """The first decision of a session that is not as it was written; None where all are."""
        return first_broken_link(self._connection, self.sessions.known(session).name)

    def close(self) -> None:
        """Let go of every session, and close the file."""
        if not self.read_only and not self.gone:
            self._leases.release_all()
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
