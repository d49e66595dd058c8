"""What a flag is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from engine.records import Decision
from engine.review.record import Record

Severity = Literal["red", "amber", "info"]
SEVERITIES: tuple[Severity, ...] = ("red", "amber", "info")  # the gravest first


@dataclass(frozen=True)
class Finding:
    """One place where a flag fires.  decision: the one it concerns, None for the session as a whole.

    milder: in this case less grave than the flag usually is.
    """

    what: str
    decision: Decision | None = None
    milder: Severity | None = None


@dataclass(frozen=True)
class Flag:
    """One thing a mentor looks for.

    rule: when it fires.  matters: why anybody should care.  do: what to do about it, one sentence each.
    find: looks for it; pure, from decisions and evidence only.
    """

    id: str
    severity: Severity
    title: str
    rule: str
    matters: str
    do: str
    source: str
    find: Callable[[Record], Iterable[Finding]]


@dataclass(frozen=True)
class Badge:
    """A good practice that a journal shows.  find: a sentence for each time it does."""

    id: str
    title: str
    source: str
    find: Callable[[Record], Iterable[Finding]]


def marked(record: Record, flag: str) -> Iterable[Decision]:
    """The decisions in force that were given this flag when they were taken."""
    return (d for d in record.in_force if flag in d.flags)
