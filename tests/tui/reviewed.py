"""A store with sessions as the review's journals have them, and the command line over it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.records import Decision, Evidence
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
    known = EVIDENCE | {e.key: e for e in more}
    journal = store.journal(session)
    journal.decisions()
    for i, d in enumerate(decisions):
        at = d.decided_at or f"2026-01-02T00:{i:02}:00.000+00:00"
        journal.append(Decision.from_dict(d.as_dict() | {"decided_at": at}), [known[key] for key in d.evidence])


def sound_session(
    store: Store, data: Path, *changed: Decision, name: str = "churn", without: Iterable[str] = ()
) -> str:
    decisions = {n: d for n, d in sound().items() if n not in without}
    return put(store, name, data, (decisions | {d.name: d for d in changed}).values())
