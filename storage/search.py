"""Words looked for in whys, answers and comments: SQLite's full-text index, through sqlite-utils."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.connection import Connection, Row
from storage.schema import SEARCHED

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST = 50
USUAL = 20_000  # characters of a why and an answer
START, END = "\x02", "\x03"  # around the words that were found, in `Hit.text`
_WORD = re.compile(r'"[^"]+"|\S+')


@dataclass(frozen=True)
class Hit:
    """One place where the words stand.

    what: why, answer or comment.  text: the part around the words; those found stand between START and END.
    """

    session: str
    branch: str
    seq: int | None
    place: str  # the question with its subject; "" for a comment on the whole session
    what: str
    author: str
    text: str


def indexed(db: Database, table: str, rowid: int, row: Mapping[str, Any]) -> None:
    """Add a row that was just written to the index of its table."""
    columns = SEARCHED[table]
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    values = [rowid, *(row[name] for name in columns)]
    db.execute(f"insert into {table}_fts (rowid, {names}) values (?, {marks})", values)  # noqa: S608


def search(connection: Connection, words: str, session: str | None = None, most: int = MOST) -> list[Hit]:
    """The best hits for all of these words, in one session or in all.  A part of a word at its start counts.

    A phrase stands in quotes.  Nothing that is typed is a command of the index.
    """
    query = as_query(words)
    if not query:
        return []
    found = connection.rows(_DECISIONS, [query, session, session, most])
    found += connection.rows(_COMMENTS, [query, session, session, most])
    return [_hit(row) for row in sorted(found, key=lambda row: row["rank"])[:most]]


def as_query(words: str) -> str:
    """What was typed as a query of the index: all words wanted, each quoted, so that no sign in it means anything."""
    typed = (word.strip('"') for word in _WORD.findall(words.replace("\0", " ")))
    quoted = [f'"{word.replace(chr(34), " ")}"*' for word in typed if any(c.isalnum() for c in word)]
    return " ".join(quoted)


def _hit(row: Row) -> Hit:
    place = row["question"] or ""
    place += f":{row['subject']}" if row["subject"] else ""
    return Hit(row["session"], row["branch"] or "", row["seq"], place, row["what"], row["author"], row["text"])


# What stands around the words is looked for in texts of a usual length only: it takes the square of how often they
# stand there.  Of one beyond that its beginning is shown.
_DECISIONS = f"""
select session.name as session, branch.name as branch, d.seq, d.question, d.subject, d.author,
  case when length(d.why) + length(d.choice) > {USUAL} then 'why'
    when instr(highlight(decision_fts, 3, char(2), ''), char(2)) then 'why' else 'answer' end as what,
  case when length(d.why) + length(d.choice) > {USUAL}
    then substr(case d.why when '' then d.choice else d.why end, 1, 160) || '…'
    when instr(highlight(decision_fts, 3, char(2), ''), char(2))
    then snippet(decision_fts, 3, char(2), char(3), '…', 24)
    else snippet(decision_fts, -1, char(2), char(3), '…', 24) end as text,
  bm25(decision_fts, 2.0, 2.0, 2.0, 4.0) as rank
from decision_fts
join decision as d on d.id = decision_fts.rowid
join branch on branch.id = d.branch
join session on session.id = branch.session
where decision_fts match ? and (? is null or session.name = ?)
order by rank limit ?
"""  # noqa: S608 - the words stand in this file

_COMMENTS = """
select session.name as session, branch.name as branch, c.seq, d.question, d.subject, c.author, 'comment' as what,
  snippet(comment_fts, 1, char(2), char(3), '…', 24) as text, bm25(comment_fts, 1.0, 4.0) as rank
from comment_fts
join comment as c on c.id = comment_fts.rowid
join session on session.id = c.session
left join branch on branch.id = c.branch
left join decision as d on d.branch = c.branch and d.seq = c.seq
where comment_fts match ? and (? is null or session.name = ?)
order by rank limit ?
"""
