"""Whether a store is still as this program wrote it: every hash computed again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from engine.records import GENESIS
from storage.connection import Connection, Row
from storage.evidence import StoredEvidence
from storage.rows import EVIDENCE_COLUMNS, UNREADABLE, decision_from, evidence_digest, spelled_hash
from storage.schema import GUARDS


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written.  The other fields are empty for the store as a whole."""

    problem: str
    session: str = ""
    branch: str = ""
    seq: int = 0
    question: str = ""

    def __str__(self) -> str:
        if not self.session:
            return self.problem
        where = f"session {self.session}, branch {self.branch}"
        return where + (f", decision {self.seq} ({self.question})" if self.seq else "") + f": {self.problem}"


def verify(connection: Connection, session: str | None = None) -> list[Finding]:
    """The first broken link of each session, then what is wrong with the store as a whole.  Empty when sound.

    With one session named, the other sessions and the file's pages are left out; records that were taken out and guards
    that are gone are told all the same, since whose they were cannot be said.
    """
    sessions = connection.rows("select id, name from session where ?1 is null or name = ?1 order by id", [session])
    findings = [found for row in sessions if (found := _first_broken_link(connection, row))]
    findings += _missing_rows(connection) + _guards(connection)
    if session is None:
        findings += _file(connection)
    return findings + _evidence(connection) + _artifacts(connection)


def first_broken_link(connection: Connection, session: str) -> Finding | None:
    """The first decision of one session that is not as it was written, or does not follow; None where all do."""
    row = connection.row("select id, name from session where name = ?", [session])
    return _first_broken_link(connection, row) if row else None


def _first_broken_link(connection: Connection, session: Row) -> Finding | None:
    """Walk each branch from the decision that it was forked at; a parent is older than its branches."""
    known = StoredEvidence(connection, session["id"]).keys()
    hashes: dict[int, dict[int, str]] = {}  # branch -> seq -> hash
    for branch in connection.rows("select * from branch where session = ? order by id", [session["id"]]):
        shared = hashes.get(branch["parent"], {})
        line = {seq: value for seq, value in shared.items() if seq <= branch["forked_at"]}
        if len(line) != branch["forked_at"]:
            problem = f"decisions that it shares up to {branch['forked_at']} are missing"
            return Finding(problem, session["name"], branch["name"])
        expected, previous = branch["forked_at"] + 1, line.get(branch["forked_at"], GENESIS)
        for row in connection.each(_DECISIONS, [branch["id"]]):
            problem = _problem(known, row, expected, previous)
            if problem:
                return Finding(problem, session["name"], branch["name"], row["seq"], row["question"])
            line[row["seq"]] = previous = row["hash"]
            expected += 1
        hashes[branch["id"]] = line
    return None


def _problem(known: frozenset[str], row: Row, expected: int, previous: str) -> str:
    if row["seq"] != expected:
        return f"decision {expected}, which belongs before it, is missing"
    if row["valid"] and row["prev_hash"] == previous and spelled_hash(row) == row["hash"]:
        cited = () if row["evidence"] == "[]" else tuple(json.loads(row["evidence"]))
    else:  # it is spelled otherwise, or not as it was written: only reading it tells
        try:
            decision = decision_from(row)
        except UNREADABLE as error:
            return f"it cannot be read ({error})"
        if decision.prev_hash != previous:
            return "it does not follow from the decision before it"
        if decision.hash != decision.fingerprint():
            return "its hash does not fit its content"
        cited = decision.evidence
    for key in cited:
        if key not in known:
            return f"the evidence {key[:12]} that it cites is missing"
    return ""


# json_valid: see `storage.rows.spelled_hash`
_DECISIONS = """
select *, json_valid(options) and json_valid(recommended) and json_valid(choice) and json_valid(flags)
  and json_valid(evidence) and (details is null or json_valid(details)) as valid
from decision where branch = ? order by seq
"""


def _missing_rows(connection: Connection) -> list[Finding]:
    """Decisions are numbered without gaps over the whole store, so that one cut off at the end is missed too."""
    last = connection.row("select seq from sqlite_sequence where name = 'decision'")
    there = connection.row("select count(*) as n from decision")
    missing = (last["seq"] if last else 0) - (there["n"] if there else 0)
    return [Finding(f"{missing} of the decisions recorded in this store were taken out")] if missing else []


def _guards(connection: Connection) -> list[Finding]:
    there = {row["name"] for row in connection.rows("select name from sqlite_master where type = 'trigger'")}
    gone = sorted(GUARDS - there)
    return [Finding(f"the guards against changing records were taken out ({', '.join(gone)})")] if gone else []


def _file(connection: Connection) -> list[Finding]:
    result = [row["quick_check"] for row in connection.rows("pragma quick_check")]
    findings = [] if result == ["ok"] else [Finding(f"the file is damaged: {line}") for line in result]
    for row in connection.rows("pragma foreign_key_check"):
        findings.append(Finding(f"a row of {row['table']} belongs to a row of {row['parent']} that is missing"))
    return findings


def _evidence(connection: Connection) -> list[Finding]:
    findings = []
    for row in connection.rows("select key from evidence order by rowid"):  # one at a time: they can be large
        kept = connection.row("select * from evidence where key = ?", [row["key"]])
        if kept and evidence_digest(kept) != kept["digest"]:
            findings.append(Finding(f"evidence {kept['key'][:12]} ({kept['kind']}): its content was changed"))
    for row in connection.rows("select session, key from imported_evidence order by session, key"):
        where = [row["session"], row["key"]]
        columns = ", ".join(EVIDENCE_COLUMNS)
        kept = connection.row(f"select {columns} from imported_evidence where session = ? and key = ?", where)  # noqa: S608
        if kept and evidence_digest(kept) != kept["digest"]:
            findings.append(Finding(f"imported evidence {kept['key'][:12]} ({kept['kind']}): its content was changed"))
    return findings


def _artifacts(connection: Connection) -> list[Finding]:
    findings = []
    for row in connection.rows("select digest from artifact"):
        kept = connection.row("select content from artifact where digest = ?", [row["digest"]])
        if kept and hashlib.sha256(kept["content"]).hexdigest() != row["digest"]:
            findings.append(Finding(f"file {row['digest'][:12]}: its content was changed"))
    return findings
