"""The minutes of computing that all training may take, and what is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.metrics import figure
from engine.records import Evidence

DEFAULT = 120.0  # minutes, where nobody said (problem.training_cost)


@dataclass
class Purse:
    """budget: minutes, of the person.  What is taken out follows from evidence, so that a replay pays the same."""

    budget: float
    seconds: dict[str, float] = field(default_factory=dict)

    def paid(self, *trained: Evidence) -> None:
        """Take out what these exams took to train; the same ones only once."""
        for e in trained:
            if e.ok:
                self.seconds[e.key] = training_seconds(e)

    @property
    def spent(self) -> float:
        """Minutes."""
        return sum(self.seconds.values()) / 60

    @property
    def left(self) -> float:
        return max(0.0, self.budget - self.spent)

    def lacks(self, minutes: float) -> str:
        """Why so much cannot be paid any more, in a sentence; "" where it can."""
        if minutes <= self.left:
            return ""
        return (
            f"It would train for about {figure(minutes)} minutes, and {figure(self.left)} of your "
            f"{figure(self.budget)} are left."
        )

    @property
    def said(self) -> str:
        """“your budget is 120, of which 3.2 are spent”."""
        used = f", of which {figure(self.spent)} are spent" if self.spent >= 0.1 else ""
        return f"your budget is {figure(self.budget)}{used}"


def training_seconds(e: Evidence) -> float:
    """Of all trainings of some exams."""
    return float(sum(e.value.get("fit_seconds") or ()))


def minutes_of(trained: Sequence[Evidence]) -> float:
    return sum(training_seconds(e) for e in trained) / 60
