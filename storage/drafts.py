"""What was typed for a question and not yet recorded: kept so that neither a crash nor a lost line takes it."""

from __future__ import annotations

import json

from engine.records import Json
from storage.connection import Connection
from storage.rows import to_json

LARGEST = 100_000  # characters; more than anybody types


class StoredDrafts:
    """One draft for each question of a session, the last one.  No part of the journal: it may change, and go."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, session: str, question: str, subject: str) -> Json:
        """The draft, or None."""
        row = self._connection.row(
            "select content from draft join session on session.id = draft.session "
            "where session.name = ? and question = ? and subject = ?",
            [session, question, subject],
        )
        try:
            return None if row is None else json.loads(row["content"])
        except ValueError:
            return None  # written by hand: nothing that could be put back

    def keep(self, session: str, question: str, subject: str, content: Json) -> None:
        """In the place of the draft that was there; None takes it away.  Survives a killed process at once, a power cut
        when the system has written it out."""
        if self._connection.read_only:
            return
        text = to_json(content)
        with self._connection.write(durable=False) as db:
            db.execute(
                "delete from draft where session = (select id from session where name = ?) and question = ? "
                "and subject = ?",
                [session, question, subject],
            )
            if content is not None and len(text) <= LARGEST:
                db.execute(
                    "insert into draft (session, question, subject, content, kept_at) "
                    "select id, ?, ?, ?, ? from session where name = ?",
                    [question, subject, text, self._connection.now(), session],
                )
