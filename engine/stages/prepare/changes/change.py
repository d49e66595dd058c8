"""One change of the preparation, as it is declared, and what is known when the changes are talked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.effects import Ask
from engine.questions import Question
from engine.records import Evidence, Json
from engine.session import Session
from engine.stages.columns import Profile, listed


@dataclass(frozen=True)
class Known:
    """What is known when the changes are talked about."""

    profile: Profile  # of all rows
    seen: Evidence
    look: Mapping[str, Json]  # of the rows for practice
    looked: Evidence

    def of(self, s: Session, *kinds: str) -> dict[str, dict[str, Json]]:
        """The inputs of these types as they were looked at, by name."""
        types = s.input_types()
        return {c["name"]: c for c in self.look["columns"] if types.get(c["name"]) in kinds}


@dataclass(frozen=True)
class Change:
    """One way to change the preparation.

    plain: the answer that changes nothing.  ask: the question with its recommendation, None where it has no place here.
    about: the inputs that it concerns, most of all the first.  words: the change in a few words, from the choice.
    """

    question: Question
    plain: Json | Callable[[Session], Json]
    ask: Callable[[Session, Known], Ask | None]
    about: Callable[[Session, Known], list[str]]
    words: Callable[[Json], str]


def option_words(question: Question) -> Callable[[Json], str]:
    """The chosen option as it is called on screen."""
    titles = {o.key: o.label for o in question.options}
    return lambda choice: f"{question.prompt.rstrip('?')}: {titles.get(choice, choice)}".lower()


def inputs_of(*kinds: str) -> Callable[[Session, Known], list[str]]:
    return lambda s, known: list(known.of(s, *kinds))


def chosen_words(words: str) -> Callable[[Json], str]:
    return lambda choice: words.format(listed(f"“{c}”" for c in choice) if isinstance(choice, list) else choice)


def inputs(s: Session, known: Known) -> list[str]:
    """Every input: for a change that concerns them all."""
    return list(s.input_types())
