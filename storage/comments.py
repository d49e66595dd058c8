"""What mentors and trainees say to each other about a session's decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.connection import Connection, Row
from storage.rows import visible
from storage.times import iso

Mark = Literal["", "agree", "question", "disagree"]


@dataclass(frozen=True)
class Comment:
    """One remark.  branch and seq name the decision it is about; answers is the comment that it answers."""

    id: int
    author: str
    text: str
    mark: Mark
    at: str
    branch: str | None
    seq: int | None
    answers: int | None
    closed_at: str | None


class StoredComments:
    """Comments on decisions: they never change one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        session: int,
        author: str,
        text: str,
        *,
        branch: int | None = None,
        seq: int | None = None,
        mark: Mark = "",
        answers: int | None = None,
    ) -> int:
        """Keep a comment; returns its id."""
        with self._connection.write() as db:
            cursor = db.execute(
                "insert into comment (session, branch, seq, answers, author, mark, text, at) "
                "values (?, ?, ?, ?, ?, ?, ?, ?)",
                [session, branch, seq, answers, visible(author), mark, visible(text), iso(self._connection.now())],
            )
            return int(cursor.lastrowid or 0)

    def of(self, session: int) -> list[Comment]:
        """A session's comments, oldest first."""
        rows = self._connection.rows(
            "select comment.*, branch.name as branch_name from comment left join branch on branch.id = comment.branch "
            "where comment.session = ? order by comment.id",
            [session],
        )
        return [_comment(row) for row in rows]

    def close(self, comment: int) -> None:
        """Mark a comment as dealt with."""
        with self._connection.write() as db:
            db.execute(
                "update comment set closed_at = ? where id = ? and closed_at is null",
                [iso(self._connection.now()), comment],
            )


def _comment(row: Row) -> Comment:
    return Comment(
        row["id"],
        row["author"],
        row["text"],
        row["mark"],
        row["at"],
        row["branch_name"],
        row["seq"],
        row["answers"],
        row["closed_at"],
    )
