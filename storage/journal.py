"""The decisions of one branch, kept for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.errors import StoreProblem
from engine.records import GENESIS, Decision, Evidence
from storage.answers import words_of_options
from storage.connection import Connection
from storage.evidence import StoredEvidence
from storage.lease import Leases
from storage.rows import UNREADABLE, as_kept, decision_from, decision_row
from storage.search import indexed

if TYPE_CHECKING:
    from sqlite_utils import Database

# The branch and those that it left, each with the last decision that it shares.
LINE = """
with recursive line (ancestor, upto) as (
  select id, 9223372036854775807 from branch where id = ?
  union all
  select branch.parent, min(line.upto, branch.forked_at)
  from line join branch on branch.id = line.ancestor where branch.parent is not null
)
"""
_FROM_LINE = "from line join decision as d on d.branch = line.ancestor and d.seq <= line.upto"


def write_decision(db: Database, branch: int, sealed: Decision) -> None:
    """Add a sealed decision to a branch, and to what is searched for words; in the caller's transaction."""
    row = {"branch": branch, **decision_row(sealed)}
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    cursor = db.execute(f"insert into decision ({names}) values ({marks})", list(row.values()))  # noqa: S608
    made = int(cursor.lastrowid or 0)
    indexed(db, "decision", made, row)
    if words := words_of_options(row["options"], row["choice"]):
        db.execute("insert into answer_fts (rowid, words) values (?, ?)", [made, words])


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """While much is read that will stay, Python does not look through all of it again and again for what may go.

    That looking took a quarter of the time in which a journal of 10,000 decisions is read.  What was read then counts
    as old, unseen: or a key press soon after would wait for it to be looked through (70 ms of such a journal).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # into the oldest generation
        if was_on:
            gc.enable()


class StoredJournal:
    """The decisions of a branch, oldest first: an `engine.ports.Journal`.

    Reading gives the parent's decisions up to the fork, then the branch's own.  The hash chain runs through both.
    """

    def __init__(
        self, connection: Connection, leases: Leases, session: tuple[int, str], branch: tuple[int, str]
    ) -> None:
        self._connection = connection
        self._leases = leases
        self._session, self.session = session
        self._branch, self.branch = branch
        self._evidence = StoredEvidence(connection, self._session)
        self._head = self._last()
        self._known: tuple[Decision, ...] = ()  # as they were read last

    def decisions(self) -> tuple[Decision, ...]:
        """Every decision that stands on the branch.  Raises StoreProblem naming the one that cannot be read."""
        head = self._last()
        if self._known and head == (self._known[-1].seq, self._known[-1].hash):
            self._head = head
            return self._known  # nothing is ever rewritten: the same end is the same journal
        with _nothing_to_collect():
            self._known = tuple(self._read())
        if self._known:
            self._head = (self._known[-1].seq, self._known[-1].hash)
        return self._known

    def _read(self) -> Iterator[Decision]:
        for row in self._connection.each(f"{LINE} select d.* {_FROM_LINE} order by d.seq", [self._branch]):
            try:
                yield decision_from(row)
            except UNREADABLE as error:
                raise StoreProblem(
                    f"Session {self.session}, branch {self.branch}, decision {row['seq']} ({row['question']}) was "
                    f"changed and cannot be read ({error}); `rungwise verify` lists what was."
                ) from error

    def append(self, decision: Decision, evidence: Sequence[Evidence] = ()) -> Decision:
        """Seal the decision, and write it with the evidence it cites in one transaction.  On the disk on return.

        Raises StoreProblem, with nothing written: another window holds the session or has added a decision, evidence
        that is cited is not there, the disk is full.
        """
        kept = as_kept(decision)
        with self._connection.write() as db:
            self._leases.check(self._session, self.session)
            head = self._last()
            if head != self._head:
                raise StoreProblem(
                    f"Session {self.session}, branch {self.branch} has gone on in another window (to decision "
                    f"{head[0]}); open it again."
                )
            for item in evidence:
                self._evidence.put(item)
            missing = [key for key in kept.evidence if not self._evidence.has(key)]
            if missing:
                raise StoreProblem(
                    f"Decision {decision.name} of session {self.session} cites evidence that is not in the store "
                    f"({missing[0][:12]}); measure it again."
                )
            sealed = kept.sealed(head[0] + 1, head[1])
            write_decision(db, self._branch, sealed)
        self._head = (sealed.seq, sealed.hash)
        return sealed

    def _last(self) -> tuple[int, str]:
        """Number and hash of the last decision that stands."""
        row = self._connection.row(
            f"{LINE} select d.seq, d.hash {_FROM_LINE} order by d.seq desc limit 1", [self._branch]
        )
        return (row["seq"], row["hash"]) if row else (0, GENESIS)
