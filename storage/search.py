"""Words looked for in whys, answers and comments: SQLite's full-text index, through sqlite-utils."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.answers import words_of_answer
from storage.connection import Connection, Row
from storage.schema import SEARCHED

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST = 50
AROUND = 40  # characters around an answer's words, at a time
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
    given = [query, session, session, most]
    found = connection.rows(_DECISIONS, given)
    known = {row["id"] for row in found}
    found += [row for row in connection.rows(_ANSWERS, given) if row["id"] not in known]
    found += connection.rows(_COMMENTS, given)
    best = sorted(found, key=lambda row: row["rank"])[:most]
    looked_for = _pattern(words)
    return [_hit(row, looked_for) for row in best]


def as_query(words: str) -> str:
    """What was typed as a query of the index: all words wanted, each quoted, so that no sign in it means anything."""
    quoted = [f'"{word.replace(chr(34), " ")}"*' for word in _typed(words)]
    return " ".join(quoted)


def _typed(words: str) -> list[str]:
    """The words and phrases of what was typed, those without a letter or digit left out."""
    found = (word.strip('"') for word in _WORD.findall(words.replace("\0", " ")))
    return [word for word in found if any(c.isalnum() for c in word)]


def _pattern(words: str) -> re.Pattern[str]:
    """Finds in `_folded` text what the index found: each word at its beginning."""
    parts = [re.findall(r"[^\W_]+", _folded(word)) for word in _typed(words)]
    either = "|".join(r"[\W_]+".join(part) + r"[^\W_]*" for part in parts if part)
    return re.compile(rf"(?<![^\W_])(?:{either})" if either else r"(?!)")


def _folded(text: str) -> str:
    """Without case and accents, letter by letter, so that places in it are places in the text."""
    return "".join(unicodedata.normalize("NFD", c)[0].lower()[:1] for c in text)


def marked(text: str, words: str) -> str:
    """A short text, such as the name of a question, with what was looked for between START and END."""
    text = text.replace(START, " ").replace(END, " ")
    return _between(text, _folded(text), _pattern(words), 0, len(text))


def _marked(text: str, looked_for: re.Pattern[str]) -> str:
    """What stands around the words, those found between START and END; of a text without them its beginning."""
    text = text.replace(START, " ").replace(END, " ")
    folded = _folded(text)
    first = looked_for.search(folded)
    begin = max(0, first.start() - AROUND) if first and first.start() > 2 * AROUND else 0
    end = min(len(text), begin + 4 * AROUND)
    inside = _between(text, folded, looked_for, begin, end)
    return "".join(["…" if begin else "", inside, "…" if end < len(text) else ""])


def _between(text: str, folded: str, looked_for: re.Pattern[str], begin: int, end: int) -> str:
    """A part of a text, with what is found in it between START and END."""
    parts, at = [], begin
    for found in looked_for.finditer(folded, begin, end):
        parts += [text[at : found.start()], START, text[found.start() : found.end()], END]
        at = found.end()
    return "".join([*parts, text[at:end]])


def _hit(row: Row, looked_for: re.Pattern[str]) -> Hit:
    place = row["question"] or ""
    place += f":{row['subject']}" if row["subject"] else ""
    text = row["text"]
    if row["what"] == "answer":  # a person reads the words of an option, not its key
        text = _marked(words_of_answer(row["options"], row["choice"]), looked_for)
    return Hit(row["session"], row["branch"] or "", row["seq"], place, row["what"], row["author"], text)


# What stands around the words is looked for in texts of a usual length only: it takes the square of how often they
# stand there.  Of one beyond that its beginning is shown.
_DECISIONS = f"""
select d.id, session.name as session, branch.name as branch, d.seq, d.question, d.subject, d.author,
  d.options, d.choice,
  case when length(d.why) + length(d.choice) > {USUAL} then 'why'
    when instr(highlight(decision_fts, 3, char(2), ''), char(2)) then 'why' else 'answer' end as what,
  case when length(d.why) + length(d.choice) > {USUAL}
    then substr(case d.why when '' then d.choice else d.why end, 1, 160) || '…'
    when instr(highlight(decision_fts, 3, char(2), ''), char(2))
    then snippet(decision_fts, 3, char(2), char(3), '…', 24)
    else '' end as text,
  bm25(decision_fts, 2.0, 2.0, 2.0, 4.0) as rank
from decision_fts
join decision as d on d.id = decision_fts.rowid
join branch on branch.id = d.branch
join session on session.id = branch.session
where decision_fts match ? and (? is null or session.name = ?)
order by rank limit ?
"""  # noqa: S608 - the words stand in this file

_ANSWERS = """
select d.id, session.name as session, branch.name as branch, d.seq, d.question, d.subject, d.author,
  d.options, d.choice, 'answer' as what, '' as text, bm25(answer_fts) as rank
from answer_fts
join decision as d on d.id = answer_fts.rowid
join branch on branch.id = d.branch
join session on session.id = branch.session
where answer_fts match ? and (? is null or session.name = ?)
order by rank limit ?
"""

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
