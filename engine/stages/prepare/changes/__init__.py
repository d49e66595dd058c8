"""How columns become numbers: each change with when it is worth a try, its reason, and the rule it is kept by.

A change is one declared object of the rooms beside, named in CHANGES.  It asks only where it can matter; an answer that
differs from the plain preparation is tried on the practice exams at once (see `trying`).
"""

from __future__ import annotations

from engine.effects import Conversation
from engine.session import Session
from engine.stages.columns import listed
from engine.stages.prepare.changes import answers, fewer, levels, materials, numbers
from engine.stages.prepare.changes.change import Change, Known
from engine.stages.prepare.columns import ORDER
from engine.stages.prepare.trying import tried

CHANGES: tuple[Change, ...] = (  # in the order in which they are talked about
    fewer.TWINS,
    numbers.EMPTY,
    numbers.EXTREMES,
    numbers.SCALES,
    numbers.TAILS,
    levels.TOGETHER,
    levels.CODES,
    materials.CALENDAR,
    materials.WORDS,
    materials.PIXELS,
    numbers.STEPS,
    answers.LOGARITHM,
    answers.WEIGHTS,
    fewer.BEST,
)
QUESTIONS = tuple(change.question for change in CHANGES)


def changes(s: Session, known: Known) -> Conversation:
    """Go through the changes in their order, one at a time (1.4)."""
    if ordered := s.choice("data.order"):
        yield from tried(s, ORDER, f"the order of {listed(f'“{c}”' for c in ordered)}", list(ordered))
    for change in CHANGES:
        ask = change.ask(s, known)
        if ask is None:
            continue
        choice = (yield ask).choice
        if choice != (change.plain(s) if callable(change.plain) else change.plain):
            yield from tried(s, change.question, change.words(choice), change.about(s, known))
