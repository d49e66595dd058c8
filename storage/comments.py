"""What mentors and trainees say to each other about a session's decisions: append-only, in threads."""

from __future__ import annotations

import datetime as dt
import getpass
import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from engine.errors import UsageProblem
from engine.records import digest
from storage.connection import Connection, Row
from storage.rows import visible
from storage.search import indexed
from storage.times import iso

Mark = Literal["", "agree", "question", "disagree", "resolved", "reopened"]
MARKS: tuple[Mark, ...] = get_args(Mark)
WANTS_ANSWER = ("question", "disagree")
SETTLES = ("resolved", "reopened")
LONGEST_TEXT = 10_000
LONGEST_AUTHOR = 100


@dataclass(frozen=True)
class Comment:
    """One remark.

    uid: the same in every copy of the session.  about: hash of the decision, "" for the session as a whole; branch and
    seq say where that decision stands.  answers: id of the comment that began the thread, None for that one itself.
    """

    id: int
    uid: str
    author: str
    text: str
    mark: Mark
    at: str
    about: str
    branch: str | None
    seq: int | None
    answers: int | None


@dataclass(frozen=True)
class Thread:
    """A remark with all that was said to it since, oldest first."""

    first: Comment
    replies: tuple[Comment, ...] = ()

    @property
    def resolved(self) -> bool:
        """Whether the last word on that was that it is settled."""
        settled = [c.mark for c in self.replies if c.mark in SETTLES]
        return bool(settled) and settled[-1] == "resolved"

    @property
    def open(self) -> bool:
        """A question or objection that is not settled."""
        return self.first.mark in WANTS_ANSWER and not self.resolved

    @property
    def unanswered(self) -> bool:
        """Open, and nobody but who asked has said a word to it."""
        return self.open and not any(c.text and c.author != self.first.author for c in self.replies)


def uid_of(anchor: str, author: str, mark: str, text: str, at: str, answers: str) -> str:
    """What names a comment in every copy of its session: a hash of what it says, when, of what.

    anchor: hash of the decision, or of the session's first one.  answers: uid of the comment that began the thread.
    """
    return digest([anchor, author, mark, text, at, answers])


def whoami() -> str:
    """Who is at the keyboard, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"


class StoredComments:
    """Comments on decisions: they never change one, and none is changed; a thread is settled by one more remark."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, session: int, author: str, text: str, *, about: str = "", mark: Mark = "", answers: int | None = None
    ) -> int:
        """Keep a comment; returns its id.

        about: hash of the decision.  answers: id of any comment of the thread; what it is about is taken from there.
        Raises UsageProblem: no such decision or comment in the session, nothing said, too long; StoreProblem.
        """
        author, text = _author(author), _text(text, mark, answers)
        with self._connection.write():
            root = self._root(session, answers) if answers is not None else None
            about = root["about"] if root else about
            at = self._no_earlier(iso(self._connection.now()), root)
            uid = uid_of(about or self.anchor(session), author, mark, text, at, root["uid"] if root else "")
            return self.keep(session, uid, author, mark, text, at, about, root["id"] if root else None)

    def _no_earlier(self, at: str, root: Row | None) -> str:
        """The time, or that of what was said last in the thread where the clock was set back since: threads are read
        in the order of their times, in every copy."""
        if root is None:
            return at
        last = self._connection.row("select max(at) as at from comment where ?1 in (id, answers)", [root["id"]])
        before = (last or {}).get("at") or at
        if at >= before:
            return at
        after = dt.datetime.fromisoformat(before) + dt.timedelta(milliseconds=1)
        return after.isoformat(timespec="milliseconds")

    def keep(
        self, session: int, uid: str, author: str, mark: str, text: str, at: str, about: str, answers: int | None
    ) -> int:
        """Keep a comment as it was made, here or in another copy; one that is here already stays.  Returns its id."""
        known = self._connection.row("select id from comment where session = ? and uid = ?", [session, uid])
        if known:
            return known["id"]
        where = self._where(session, about) if about else {"branch": None, "seq": None}
        with self._connection.write() as db:
            cursor = db.execute(
                "insert into comment (uid, session, branch, seq, about, answers, author, mark, text, at) "
                "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [uid, session, where["branch"], where["seq"], about, answers, author, mark, text, at],
            )
            made = int(cursor.lastrowid or 0)
            indexed(db, "comment", made, {"author": author, "text": text})
            return made

    def of(self, session: int) -> list[Comment]:
        """A session's comments, oldest first."""
        rows = self._connection.rows(
            "select comment.*, branch.name as branch_name from comment left join branch on branch.id = comment.branch "
            "where comment.session = ? order by comment.at, comment.id",
            [session],
        )
        return [_comment(row) for row in rows]

    def threads(self, session: int) -> list[Thread]:
        """A session's threads, by when they began."""
        comments = self.of(session)
        replies: dict[int, list[Comment]] = {}
        for comment in comments:
            if comment.answers is not None:
                replies.setdefault(comment.answers, []).append(comment)
        return [Thread(c, tuple(replies.get(c.id, ()))) for c in comments if c.answers is None]

    def anchor(self, session: int) -> str:
        """What a remark on the session as a whole is tied to: its first decision; "" before there is one."""
        row = self._connection.row(
            "select d.hash from decision as d join branch on branch.id = d.branch "
            "where branch.session = ? and d.seq = 1 order by d.id limit 1",
            [session],
        )
        return row["hash"] if row else ""

    def _root(self, session: int, comment: int) -> Row:
        row = self._connection.row("select * from comment where id = ? and session = ?", [comment, session])
        if row is None:
            raise UsageProblem(f"There is no comment {comment} in this session; `rungwise review NAME` lists them.")
        return row if row["answers"] is None else self._root(session, row["answers"])

    def _where(self, session: int, about: str) -> Row:
        row = self._connection.row(
            "select d.branch, d.seq from decision as d join branch on branch.id = d.branch "
            "where branch.session = ? and d.hash = ?",
            [session, about],
        )
        if row is None:
            raise UsageProblem(f"No decision of this session has the hash {about[:16]}.")
        return row


def _author(raw: str) -> str:
    author = visible(raw).strip()
    odd = any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in author)
    if not author or len(author) > LONGEST_AUTHOR or odd:
        raise UsageProblem(
            f"Who says it is one line of 1 to {LONGEST_AUTHOR} characters; give a name with --author NAME."
        )
    return author


def _text(raw: str, mark: str, answers: int | None) -> str:
    text = visible(raw).strip()
    if len(text) > LONGEST_TEXT:
        raise UsageProblem(f"A comment has at most {LONGEST_TEXT:,} characters; this one has {len(text):,}.")
    if not text and mark not in ("agree", *SETTLES):
        raise UsageProblem("Say what you mean in a sentence: a comment without words helps nobody.")
    if mark in SETTLES and answers is None:
        raise UsageProblem("Name the comment that is settled: only a thread can be resolved or reopened.")
    return text


def _comment(row: Row) -> Comment:
    places = (row["about"], row["branch_name"], row["seq"], row["answers"])
    return Comment(row["id"], row["uid"], row["author"], row["text"], row["mark"], row["at"], *places)
