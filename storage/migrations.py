"""The tables, as numbered steps from the oldest schema to today's.

A step that was released is never edited: a change is a new step at the end, with a test that it keeps every row.  The
steps taken are listed in the table `migration`; their number is the file's `user_version`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.records import digest
from storage.answers import words_of_options
from storage.light import sqlite_utils
from storage.schema import (
    ANSWERED,
    APPLICATION_ID,
    BRANCH_NOTE,
    BRANCHES,
    COMMENTS,
    DRAFT,
    IMPORTED_EVIDENCE,
    NUMBER,
    SEARCHED,
    TABLES,
    TOKENS,
    VIEWS,
)

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations
else:
    Migrations = sqlite_utils().Migrations


class _Migrations(Migrations):
    migrations_table = "migration"


migrations = _Migrations("rungwise")


@migrations()
def m001_tables(db: Database) -> None:
    for statement in TABLES:
        db.execute(statement)


def _append_only(db: Database, table: str, same: str) -> None:
    """Refuse what would change a row.  same: when a new row would take the place of one that is there."""
    message = f"table {table} is append-only"
    for verb in ("update", "delete"):
        db.execute(
            f"create trigger {table}_no_{verb} before {verb} on {table} begin select raise(abort, '{message}'); end"
        )
    taken = f"exists (select 1 from {table} where {same})"  # noqa: S608 - the words stand in this file
    db.execute(
        f"create trigger {table}_no_replace before insert on {table} "
        f"when {taken} begin select raise(abort, '{message}'); end"
    )


@migrations()
def m002_append_only(db: Database) -> None:
    """The log is the truth: nobody rewrites it.  `replace` is refused too, which would delete without saying so."""
    for table, same in (
        ("decision", "branch = new.branch and seq = new.seq"),
        ("evidence", "key = new.key"),
        ("artifact", "digest = new.digest"),
    ):
        _append_only(db, table, same)


@migrations()
def m003_views(db: Database) -> None:
    for name, query in VIEWS.items():
        db.create_view(name, query)


@migrations()
def m004_comments_are_append_only(db: Database) -> None:
    """A comment is never changed: what settled it becomes one more remark, and each has a name of its own (uid), so
    that copies of a session can be put together."""
    old = list(db.query("select * from comment order by id"))
    db.execute("drop table comment")
    for statement in COMMENTS:
        db.execute(statement)
    hashes = {(d["branch"], d["seq"]): d["hash"] for d in db.query("select branch, seq, hash from decision")}
    uids: dict[int, str] = {}
    answered = {c["id"]: c["answers"] for c in old}

    def root(comment: int) -> int:
        return comment if answered[comment] is None else root(answered[comment])

    for c in old:
        about = hashes.get((c["branch"], c["seq"]), "")
        uids[c["id"]] = digest([about or c["session"], c["author"], c["mark"], c["text"], c["at"], c["id"]])
        kept = {name: c[name] for name in ("id", "session", "author", "mark", "text", "at")}
        kept["answers"] = None if c["answers"] is None else root(c["answers"])
        place = {"branch": c["branch"], "seq": c["seq"]} if about else {}
        db.table("comment").insert({**kept, **place, "uid": uids[c["id"]], "about": about})
    for c in old:
        if c["closed_at"]:
            said = {"mark": "resolved", "text": "", "at": c["closed_at"], "answers": root(c["id"])}
            about = hashes.get((c["branch"], c["seq"]), "")
            place = {"branch": c["branch"], "seq": c["seq"]} if about else {}
            row = {"session": c["session"], "author": c["author"], "about": about, **place, **said}
            db.table("comment").insert({**row, "uid": digest([uids[c["id"]], "resolved", c["closed_at"]])})
    _append_only(db, "comment", "id = new.id or (session = new.session and uid = new.uid)")


@migrations()
def m005_progress_says_how_long(db: Database) -> None:
    """Whoever computes several parts at once knows how long the rest takes; steps done by now do not tell it."""
    db.execute("alter table progress add column seconds_left real")


@migrations()
def m006_drafts(db: Database) -> None:
    """What is typed and not yet recorded outlives the window it was typed in."""
    db.execute(DRAFT)


@migrations()
def m007_imported_evidence(db: Database) -> None:
    """What somebody else measured is kept apart from what was measured here: a trial's key says what was to be
    computed, not that it was."""
    db.execute(IMPORTED_EVIDENCE)
    _append_only(db, "imported_evidence", "session = new.session and key = new.key")


@migrations()
def m008_search(db: Database) -> None:
    """Every word of whys, answers and comments, found at once however long the journal grows.

    No triggers keep the index: a store from a stranger runs nothing of its own, and SQLite counts an index that a
    trigger writes to as that.  Whoever adds a row adds it to the index (`storage.search.indexed`).
    """
    for table, columns in SEARCHED.items():
        db.table(table).enable_fts(list(columns), tokenize=TOKENS)


@migrations()
def m009_branch_notes(db: Database) -> None:
    """A branch that leads nowhere stays, with the reason why it was left; and it may be called what it is about."""
    for statement in BRANCH_NOTE:
        db.execute(statement)
    _append_only(db, "branch_note", "id = new.id")
    db.create_view("branches", BRANCHES)


@migrations()
def m010_words_of_answers(db: Database) -> None:
    """An answer is found by the words that were read when it was given, not only by the key that is kept of it."""
    db.execute(ANSWERED)
    for row in db.query("select id, options, choice from decision where options <> '[]'"):
        if words := words_of_options(row["options"], row["choice"]):
            db.execute("insert into answer_fts (rowid, words) values (?, ?)", [row["id"], words])


assert len(migrations._migrations) == NUMBER, "storage.schema.NUMBER says how many steps there are"


def migrate(db: Database) -> None:
    """Bring the schema to today's, in one transaction that the caller holds."""
    migrations.apply(db)
    db.execute(f"pragma application_id = {APPLICATION_ID}")
    db.execute(f"pragma user_version = {NUMBER}")
