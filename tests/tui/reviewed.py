"""A store with sessions as the review's journals have them, and the command line over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.records import Decision, Evidence, digest
from storage.store import Store
from tests.engine.review.journals import EVIDENCE, sound


def put(store: Store, name: str, data: Path, decisions: Iterable[Decision], more: Iterable[Evidence] = ()) -> str:
    """A session with these decisions; returns its name."""
    if not data.exists():
        data.write_text("tenure,fee,since,Churn\n1,2,2020-01-01,yes\n3,4,2020-01-02,no\n")
    session = store.sessions.create(name, store.datasets.record(data)).name
    append(store, session, decisions, more)
    return session


def append(store: Store, session: str, decisions: Iterable[Decision], more: Iterable[Evidence] = ()) -> None:
    """Add decisions a minute apart; evidence is kept under the hash of the name that the journals call it by."""
    known = EVIDENCE | {e.key: e for e in more}
    journal = store.journal(session)
    taken = len(journal.decisions())
    for i, d in enumerate(decisions, taken):
        at = d.decided_at or f"2026-01-02T{i // 60:02}:{i % 60:02}:00.000+00:00"
        cited = [replace(known[name], key=digest(name)) for name in d.evidence]
        placed = d.as_dict() | {"decided_at": at, "evidence": [e.key for e in cited], "environment": ""}
        journal.append(Decision.from_dict(placed), cited)


def sound_session(
    store: Store, data: Path, *changed: Decision, name: str = "churn", without: Iterable[str] = ()
) -> str:
    decisions = {n: d for n, d in sound().items() if n not in without}
    return put(store, name, data, (decisions | {d.name: d for d in changed}).values())
