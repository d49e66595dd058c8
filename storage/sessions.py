"""Sessions and their branches."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.naming import alike
from engine.errors import StoreProblem, UsageProblem
from engine.session import Rung
from engine.words import short
from storage.branch_notes import BranchNotes
from storage.connection import Connection, Row
from storage.datasets import dataset_path
from storage.journal import LINE
from storage.lease import Leases
from storage.times import iso

MAIN = "main"
LONGEST_NAME = 100


@dataclass(frozen=True)
class Branch:
    """A line of decisions.  It shares its parent's up to forked_at; length counts those too.

    abandoned: why nobody goes on with it, "" where somebody may.
    """

    id: int
    name: str
    parent: str | None
    forked_at: int
    length: int
    created_at: str
    abandoned: str = ""

    @property
    def own(self) -> int:
        """How many decisions were taken on it."""
        return self.length - self.forked_at


@dataclass(frozen=True)
class Known:
    """What names a session.  dataset: fingerprint; branch: the current one."""

    id: int
    name: str
    dataset: str
    branch: str


@dataclass(frozen=True)
class SessionInfo:
    """A session as a list shows it; target, stage and ladder are those of its current branch.

    stage: where the last decision was taken, "" before the first.  running: trials on its data that wait or run.
    """

    id: int
    name: str
    dataset: str  # fingerprint
    path: Path
    branch: str
    target: str
    stage: str
    ladder: tuple[Rung, ...]
    decisions: int
    branches: int
    comments: int  # open ones
    running: int
    created_at: str
    changed_at: str


class Sessions:
    """Sessions by their unique names, upper and lower case alike."""

    def __init__(self, connection: Connection, leases: Leases) -> None:
        self._connection = connection
        self._leases = leases
        self.notes = BranchNotes(connection)

    def create(self, name: str, dataset: str) -> SessionInfo:
        """A new session on a recorded dataset (its fingerprint), with an empty branch `main`.

        Raises UsageProblem when the name is taken or no name, StoreProblem when the dataset was not recorded.
        """
        name = _name(name, "session")
        now = iso(self._connection.now())
        with self._connection.write() as db:
            if self._connection.row("select 1 from session where name = ?", [name]):
                raise UsageProblem(
                    f"A session named {name} exists already; open it with `rungwise open {name}`, "
                    f"or name the new one otherwise, e.g. {self.free_name(name)}."
                )
            if not self._connection.row("select 1 from dataset where fingerprint = ?", [dataset]):
                raise StoreProblem(f"The store {self._connection.path} does not know the data {dataset[:12]}.")
            session = db.execute(
                "insert into session (name, dataset, created_at) values (?, ?, ?)", [name, dataset, now]
            ).lastrowid
            branch = db.execute(
                "insert into branch (session, name, created_at) values (?, ?, ?)", [session, MAIN, now]
            ).lastrowid
            db.execute("update session set branch = ? where id = ?", [branch, session])
        return self.get(name)

    def free_name(self, wanted: str) -> str:
        """The name itself where it is free, else with the first number that makes it so."""
        name, number = wanted, 1
        while self._connection.row("select 1 from session where name = ?", [name]):
            number += 1
            name = f"{wanted}-{number}"
        return name

    def list(self) -> list[SessionInfo]:
        """Every session, the one that was worked on last first."""
        rows = self._connection.rows(f"{_SESSIONS} order by session.id")
        return sorted(map(self._info, rows), key=lambda info: (info.changed_at, info.id), reverse=True)

    def get(self, name: str) -> SessionInfo:
        """One session.  Raises UsageProblem, naming those that are like it."""
        row = self._connection.row(f"{_SESSIONS} where session.name = ?", [name])
        return self._info(self._there(name, row))

    def known(self, name: str) -> Known:
        """What names a session, without what a list shows of it.  Raises UsageProblem as `get` does."""
        row = self._connection.row(
            "select session.id, session.name, session.dataset, branch.name as branch from session "
            "join branch on branch.id = session.branch where session.name = ?",
            [name],
        )
        return Known(**self._there(name, row))

    def id(self, name: str) -> int:
        """A session's number, without what a list shows of it.  Raises UsageProblem as `get` does."""
        return self._there(name, self._connection.row("select id from session where name = ?", [name]))["id"]

    def _there(self, name: str, row: Row | None) -> Row:
        if row is None:
            raise UsageProblem(f"There is no session named {name}" + _instead(name, self.names()))
        return row

    def names(self) -> list[str]:
        return [row["name"] for row in self._connection.rows("select name from session order by id desc")]

    # -- branches --------------------------------------------------------------------------------------------------

    def branches(self, session: str) -> list[Branch]:
        """A session's branches, oldest first."""
        rows = self._connection.rows(_BRANCHES, [self.id(session)])
        return [_branch(row) for row in rows]

    def branch(self, session: str, name: str | None = None) -> Branch:
        """A branch by name; the current one when none is given.  Raises UsageProblem."""
        if not name:
            row = self._connection.row(
                "select branch.name from session join branch on branch.id = session.branch where session.name = ?",
                [session],
            )
            name = str(self._there(session, row)["name"])
        found = {branch.name.casefold(): branch for branch in self.branches(session)}
        if name.casefold() not in found:
            others = [branch.name for branch in found.values()]
            raise UsageProblem(f"Session {session} has no branch named {name}" + _instead(name, others))
        return found[name.casefold()]

    def fork(self, session: str, branch: str | None, at_seq: int, name: str | None = None) -> Branch:
        """A new branch that shares decisions 1 to at_seq, and is the current one from here.

        Its name is `name`, else the first free one of branch-2, branch-3, …  Raises UsageProblem; StoreProblem when
        another window holds the session.
        """
        with self._connection.write() as db:
            info, parent = self.known(session), self.branch(session, branch)
            self._leases.check(info.id, info.name)
            if not 0 <= at_seq <= parent.length:
                raise UsageProblem(
                    f"Branch {parent.name} of session {session} has decisions 1 to {parent.length}; "
                    f"it cannot be left at {at_seq}."
                )
            taken = {other.name.casefold() for other in self.branches(session)}
            if name is None:
                name = next(free for n in range(2, len(taken) + 3) if (free := f"branch-{n}") not in taken)
            name = _name(name, "branch")
            if name.casefold() in taken:
                raise UsageProblem(f"Session {session} has a branch named {name} already; choose another name.")
            new = db.execute(
                "insert into branch (session, name, parent, forked_at, created_at) values (?, ?, ?, ?, ?)",
                [info.id, name, parent.id, at_seq, iso(self._connection.now())],
            ).lastrowid
            db.execute("update session set branch = ? where id = ?", [new, info.id])
        return self.branch(session, name)

    def switch(self, session: str, branch: str) -> None:
        """Make a branch the current one.

        Raises UsageProblem: there is none, or it was abandoned; StoreProblem when another window holds the session.
        """
        with self._connection.write() as db:
            info, chosen = self.known(session), self.branch(session, branch)
            self._leases.check(info.id, info.name)
            still_open(session, chosen)
            db.execute("update session set branch = ? where id = ?", [chosen.id, info.id])

    def rename(self, session: str, branch: str, name: str, author: str) -> Branch:
        """Call a branch otherwise; what it was called is kept as a note.  Raises as `switch` does."""
        with self._connection.write() as db:
            info, chosen = self.known(session), self.branch(session, branch)
            self._leases.check(info.id, info.name)
            name = _name(name, "branch")
            others = {other.name.casefold() for other in self.branches(session) if other.id != chosen.id}
            if name.casefold() in others:
                raise UsageProblem(f"Session {session} has a branch named {name} already; choose another name.")
            if name != chosen.name:
                self.notes.add(chosen.id, "named", chosen.name, author)
                db.execute("update branch set name = ? where id = ?", [name, chosen.id])
        return self.branch(session, name)

    def abandon(self, session: str, branch: str, why: str, author: str) -> str:
        """Say that nobody goes on with a branch, and why; returns the branch that is the current one then.

        Nothing of it is deleted.  Raises as `switch` does; UsageProblem without a why, or where no other is left.
        """
        with self._connection.write() as db:
            info, chosen = self.known(session), self.branch(session, branch)
            self._leases.check(info.id, info.name)
            still_open(session, chosen)
            left = [other for other in self.branches(session) if other.id != chosen.id and not other.abandoned]
            if not left:
                raise UsageProblem(
                    f"{chosen.name} is the only branch of session {session} that is left; go back to an earlier "
                    "decision first, which begins another."
                )
            self.notes.add(chosen.id, "abandoned", why, author)
            if info.branch == chosen.name:
                back = next((other for other in left if other.name == chosen.parent), left[-1])
                db.execute("update session set branch = ? where id = ?", [back.id, info.id])
        return self.branch(session).name

    def take_up(self, session: str, branch: str, why: str, author: str) -> None:
        """Go on with an abandoned branch after all.  Raises as `switch` does."""
        with self._connection.write():
            info, chosen = self.known(session), self.branch(session, branch)
            self._leases.check(info.id, info.name)
            if not chosen.abandoned:
                raise UsageProblem(f"Branch {chosen.name} of session {session} was not abandoned.")
            self.notes.add(chosen.id, "taken up", why, author)

    def hashes(self, branch: int) -> list[str]:
        """The hashes of a branch's decisions, from the first."""
        rows = self._connection.rows(f"{LINE} select d.hash {_STANDING} order by d.seq", [branch])
        return [row["hash"] for row in rows]

    def check(self, session: int, name: str) -> None:
        """Raise StoreProblem when another window holds the session."""
        self._leases.check(session, name)

    # -- the lockbox -----------------------------------------------------------------------------------------------

    def looks(self, session: str, exam: str) -> tuple[int, int]:
        """How many other exams have looked at locked rows of this session's data: in this session, and in others.

        exam: key of the trial that is about to be run; the same exam again shows nothing new, and is not counted.  One
        that was computed and whose result nobody recorded, for the window was closed or a decision taken back before,
        counts among the others: its answers lie in the store.
        """
        info = self.known(session)
        rows = self._connection.rows(
            "select distinct branch.session as session, cited.value as exam from decision "
            "join branch on branch.id = decision.branch join session on session.id = branch.session, "
            "json_each(decision.evidence) as cited "
            "where decision.question = 'present.result' and session.dataset = ? and cited.value <> ?",
            [info.dataset, exam],
        )
        computed = self._connection.rows(
            "select key as exam from trial where kind = 'lockbox' and status = 'done' and data = ? and key <> ?",
            [info.dataset, exam],
        )
        here = {row["exam"] for row in rows if row["session"] == info.id}
        return len(here), len({row["exam"] for row in (*rows, *computed)} - here)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _info(self, row: Row) -> SessionInfo:
        last = self._connection.row(
            f"{LINE} select d.seq, d.stage {_STANDING} order by d.seq desc limit 1", [row["branch"]]
        )
        target = self._connection.row(
            f"{LINE} select d.choice {_STANDING} where d.question = 'problem.target' order by d.seq desc limit 1",
            [row["branch"]],
        )
        rungs = self._connection.rows(f"{LINE} {_RUNGS}", [row["branch"]])
        return SessionInfo(
            id=row["id"],
            name=row["name"],
            dataset=row["dataset"],
            path=dataset_path(row),
            branch=row["branch_name"],
            target=_as_text(target["choice"]) if target else "",
            stage=last["stage"] if last else "",
            ladder=_rungs(rungs),
            decisions=last["seq"] if last else 0,
            branches=row["branches"],
            comments=row["comments"],
            running=row["running"],
            created_at=row["created_at"],
            changed_at=max(row["created_at"], row["decided_at"] or ""),
        )


_STANDING = "from line join decision as d on d.branch = line.ancestor and d.seq <= line.upto"

# Of the many decisions those that put a model on a rung, and those that answer the same question again.
_RUNGS = f"""
, on_line as (select d.* {_STANDING}),
  placed as (select distinct question, subject from on_line where details like '%"rung"%')
select d.seq, d.stage, d.question, d.subject, d.metric, d.value, d.low, d.high, d.details
from on_line as d join placed using (question, subject) order by d.seq
"""  # noqa: S608 - the words stand in this file

# abandoned: what was said last of whether it is
_BRANCHES = """
select branch.*, parent.name as parent_name,
  coalesce((select max(seq) from decision where decision.branch = branch.id), branch.forked_at) as length,
  coalesce((select case kind when 'abandoned' then text else '' end from branch_note
    where branch_note.branch = branch.id and kind in ('abandoned', 'taken up')
    order by id desc limit 1), '') as abandoned
from branch left join branch as parent on parent.id = branch.parent
where branch.session = ? order by branch.id
"""

_SESSIONS = """
select session.*, branch.name as branch_name, dataset.path, dataset.path_bytes,
  (select count(*) from branch where branch.session = session.id) as branches,
  (select count(*) from comment as c where c.session = session.id
     and c.answers is null and c.mark in ('question', 'disagree') and coalesce((
       select mark from comment as r where r.answers = c.id and r.mark in ('resolved', 'reopened')
       order by r.at desc, r.id desc limit 1), '') <> 'resolved') as comments,
  (select count(*) from trial where trial.data = session.dataset and trial.status in ('queued', 'running')) as running,
  (select max(last) from (
     select (select decided_at from decision where decision.branch = b.id order by seq desc limit 1) as last
     from branch as b where b.session = session.id)) as decided_at
from session
join branch on branch.id = session.branch
join dataset on dataset.fingerprint = session.dataset
"""


def _rungs(rows: list[dict[str, Any]]) -> tuple[Rung, ...]:
    """The ladder, as `engine.session.Session.rungs` has it: the decisions in force whose check names a rung."""
    in_force: dict[tuple[str, str], Row] = {}
    for row in rows:
        in_force.pop((row["question"], row["subject"]), None)
        in_force[row["question"], row["subject"]] = row
    found = []
    for row in in_force.values():
        details = json.loads(row["details"]) if row["details"] else {}
        if details.get("rung") and row["value"] is not None:
            figures = (row["value"], row["low"], row["high"])
            found.append(Rung(row["stage"], str(details["rung"]), row["metric"], *figures, details))
    return tuple(found)


def still_open(session: str, branch: Branch) -> None:
    """Raise UsageProblem for a branch that was abandoned."""
    if branch.abandoned:
        raise UsageProblem(
            f"Branch {branch.name} of session {session} was abandoned ({short(branch.abandoned, 80)}); "
            f"`rungwise branches {session} --take-up {branch.name}` takes it up again."
        )


def _branch(row: Row) -> Branch:
    names = ("id", "name", "parent_name", "forked_at", "length", "created_at", "abandoned")
    return Branch(*(row[name] for name in names))


def _as_text(choice: str) -> str:
    value = json.loads(choice)
    return value if isinstance(value, str) else "" if value is None else str(value)


def _name(raw: str, what: str) -> str:
    """A name that can be shown on one line and typed on a command line.  Raises UsageProblem."""
    name = raw.strip()
    if not name or len(name) > LONGEST_NAME:
        raise UsageProblem(f"The name of a {what} has 1 to {LONGEST_NAME} characters; {raw[:40]!r} does not fit.")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise UsageProblem(f"The name of a {what} is one line of plain text; {raw!r} holds control characters.")
    return name


def _instead(name: str, names: list[str]) -> str:
    """The end of a sentence that says what there is instead."""
    if not names:
        return "; there is none yet: `rungwise new DATA` begins one."
    near = alike(name, names) or names[:5]
    return f"; there is {', '.join(near)}" + (" and more." if len(near) < len(names) else ".")
