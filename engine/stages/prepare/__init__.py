"""Prepare the data: what each column is, which rows are locked away, what leaks, how columns become numbers."""

from __future__ import annotations

from engine.conductor import Stage, needed
from engine.effects import Conversation, Measure
from engine.errors import DataProblem
from engine.records import Trial
from engine.session import Session
from engine.stages.columns import Profile
from engine.stages.prepare import changes, columns, exams, features, leaks, look, rows, series, trying

QUESTIONS = (
    *columns.QUESTIONS,
    *rows.QUESTIONS,
    *series.QUESTIONS,
    *exams.QUESTIONS,
    *look.QUESTIONS,
    *leaks.QUESTIONS,
    trying.KEEP,
    *changes.QUESTIONS,
    *features.QUESTIONS,
)


def prepare(s: Session) -> Conversation:
    profile, seen = yield from _read_again(s)
    if s.material == "series":
        yield from series.series(s, profile, seen)
        return

    yield from columns.columns(s, profile, seen)  # structure first: it may look at all rows
    yield from rows.rows(s, profile, seen)
    if not s.input_types():
        raise DataProblem(
            f"No column is left to predict “{s.target}” from: each is a key, is dropped, or is the target. Go back and "
            "keep one, or bring a table with more columns; for a series give its times as dates."
        )
    drawn = yield from exams.exams(s, profile, seen)

    looked = yield from look.look(s)  # from here on the rows for practice only
    yield from leaks.leaks(s, profile)
    known = changes.Known(profile, seen, looked.value, looked)
    yield from changes.changes(s, known)
    yield from features.features(s, known)
    yield from features.recheck(s)
    yield features.ask_more(s, profile, drawn.value, drawn)


def _read_again(s: Session) -> Conversation:
    """The profile of the table as *define* read it; returns (Profile, Evidence)."""
    settings = s.choice("data.load")
    (seen,) = yield Measure((Trial("profile", {"read": None}, s.data),))
    if needed([seen])[0]["read"] != settings:
        (seen,) = yield Measure((Trial("profile", {"read": settings}, s.data),))
    return Profile(needed([seen])[0]), seen


PREPARE = Stage("prepare", "Prepare data", prepare, QUESTIONS)
