"""What people did to a branch beside deciding on it: named it, abandoned it, took it up again.  Append-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from engine.errors import UsageProblem
from storage.connection import Connection
from storage.rows import visible
from storage.times import iso

Kind = Literal["named", "abandoned", "taken up"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST = 2_000


@dataclass(frozen=True)
class Note:
    """kind: what was done.  text: the why, or of `named` the name before."""

    kind: Kind
    text: str
    author: str
    at: str


class BranchNotes:
    """Notes on branches, oldest first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, branch: int, kind: Kind, text: str, author: str) -> None:
        """Keep a note.  Raises UsageProblem: no why for abandoning, too long."""
        text = visible(text).strip()
        if kind == "abandoned" and not text:
            raise UsageProblem("Say why the branch is abandoned: whoever finds it later learns from that.")
        if len(text) > LONGEST:
            raise UsageProblem(f"The why of a branch has at most {LONGEST:,} characters; this one has {len(text):,}.")
        self.keep(branch, Note(kind, text, author, iso(self._connection.now())))

    def keep(self, branch: int, note: Note) -> None:
        """Keep a note as it was made, here or in another copy of the session."""
        with self._connection.write() as db:
            db.execute(
                "insert into branch_note (branch, kind, text, author, at) values (?, ?, ?, ?, ?)",
                [branch, note.kind, note.text, note.author, note.at],
            )

    def of(self, branch: int) -> list[Note]:
        rows = self._connection.rows(
            "select kind, text, author, at from branch_note where branch = ? order by id", [branch]
        )
        return [Note(**row) for row in rows]


def note_from(raw: dict[str, Any]) -> Note:
    """A note from a bundle.  Raises ValueError, TypeError or KeyError where it is none."""
    note = Note(*(raw[name] for name in ("kind", "text", "author", "at")))
    texts = (note.text, note.author, note.at)
    if note.kind not in KINDS or not all(isinstance(text, str) and len(text) <= LONGEST for text in texts):
        raise ValueError("a note on a branch is not as Rungwise writes it")
    if note.kind == "abandoned" and not note.text:
        raise ValueError("a branch was abandoned without a why")
    return note
