"""A journal as it stood at any of its moments: the answers in force, the ladder, what changed in between.  Light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.conductor import SETTLED
from engine.records import Decision
from engine.session import Rung, Session


@dataclass(frozen=True)
class Changed:
    """An answer that is not the same at two moments; None where there was none."""

    name: str
    before: Decision | None
    after: Decision | None


@dataclass(frozen=True)
class Between:
    """What lies between two moments of one journal.

    taken: decisions that were taken.  changed: answers that came or are others now.  gone: models that left the ladder;
    come: those that came.  seconds: people's time at the questions.
    """

    taken: int
    changed: tuple[Changed, ...]
    gone: tuple[Rung, ...]
    come: tuple[Rung, ...]
    seconds: float
    environments: int


class Past:
    """The moments of a journal, from 0 (after the first decision) on."""

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self.decisions = decisions

    @cached_property
    def _steps(self) -> list[tuple[int, int, Rung | None]]:
        """Where the ladder changed: the moment, the rung's place on it, and the rung, None where it went.

        An answer replaces the earlier one to the same question, and with it its rung, in the place of the first
        (`engine.session.Session.take`).  Read once, so that looking at a moment costs next to nothing.
        """
        steps: list[tuple[int, int, Rung | None]] = []
        first: dict[tuple[str, str], int] = {}
        has: set[int] = set()
        for at, d in enumerate(self.decisions):
            place = first.setdefault(d.place, at)
            check = d.check
            if check is not None and check.value is not None and check.details.get("rung"):
                figures = (check.metric, check.value, check.low, check.high, check.details)
                steps.append((at, place, Rung(d.stage, str(check.details["rung"]), *figures)))
                has.add(place)
            elif place in has:
                steps.append((at, place, None))
                has.discard(place)
        return steps

    def rungs(self, at: int) -> tuple[Rung, ...]:
        """The ladder after the decision at this place."""
        return tuple(rung for _, rung in sorted(self._standing(at).items(), key=lambda item: item[0]))

    def _standing(self, at: int) -> dict[int, Rung]:
        """The rungs then, by their places: two models may have come to the same figures."""
        standing: dict[int, Rung | None] = {}
        for moment, place, rung in self._steps:
            if moment > at:
                break
            standing[place] = rung
        return {place: rung for place, rung in standing.items() if rung is not None}

    def in_force(self, at: int) -> tuple[Decision, ...]:
        """The answers that stood after the decision at this place, in the order of their questions."""
        return Session("", "", self.decisions[: at + 1]).decisions()

    def between(self, first: int, second: int) -> Between:
        """From one moment to another, the earlier first."""
        first, second = sorted((first, second))
        old = {d.place: d for d in self.in_force(first)}
        new = {d.place: d for d in self.in_force(second)}
        changed = [
            Changed(d.name, old.get(place), d)
            for place, d in new.items()
            if d.question != SETTLED.id and (place not in old or old[place].choice != d.choice)
        ]
        taken = self.decisions[first + 1 : second + 1]
        was, now = self._standing(first), self._standing(second)
        gone = tuple(was[place] for place in sorted(was) if was[place] != now.get(place))
        come = tuple(now[place] for place in sorted(now) if now[place] != was.get(place))
        return Between(
            len(taken), tuple(changed), gone, come,
            sum(d.seconds for d in taken), len({d.environment for d in self.decisions[first : second + 1]}),
        )  # fmt: skip
