"""The tables, as numbered steps from the oldest schema to today's.

A step that was released is never edited: a change is a new step at the end, with a test that it keeps every row.  The
steps taken are listed in the table `migration`; their number is the file's `user_version`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.light import sqlite_utils
from storage.schema import TABLES, VIEWS

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations
else:
    Migrations = sqlite_utils().Migrations

APPLICATION_ID = 0x52554E47  # "RUNG"


class _Migrations(Migrations):
    migrations_table = "migration"


migrations = _Migrations("rungwise")


@migrations()
def m001_tables(db: Database) -> None:
    for statement in TABLES:
        db.execute(statement)


@migrations()
def m002_append_only(db: Database) -> None:
    """The log is the truth: nobody rewrites it.  `replace` is refused too, which would delete without saying so."""
    for table, same in (
        ("decision", "branch = new.branch and seq = new.seq"),
        ("evidence", "key = new.key"),
        ("artifact", "digest = new.digest"),
    ):
        message = f"table {table} is append-only"
        for verb in ("update", "delete"):
            db.execute(
                f"create trigger {table}_no_{verb} before {verb} on {table} begin select raise(abort, '{message}'); end"
            )
        taken = f"exists (select 1 from {table} where {same})"  # noqa: S608 - the words stand above
        db.execute(
            f"create trigger {table}_no_replace before insert on {table} "
            f"when {taken} begin select raise(abort, '{message}'); end"
        )


@migrations()
def m003_views(db: Database) -> None:
    for name, query in VIEWS.items():
        db.create_view(name, query)


NUMBER = len(migrations._migrations)
GUARDS = {
    f"{table}_no_{verb}" for table in ("decision", "evidence", "artifact") for verb in ("update", "delete", "replace")
}


def migrate(db: Database) -> None:
    """Bring the schema to today's, in one transaction that the caller holds."""
    migrations.apply(db)
    db.execute(f"pragma application_id = {APPLICATION_ID}")
    db.execute(f"pragma user_version = {NUMBER}")
