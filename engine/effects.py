"""The three things a stage may want: an answer, measurements, or to put down a choice of its own.

A stage yields an effect and is sent what came of it: an `Ask` or `Decide` the `Decision`, a `Measure` the list of
`Evidence` in the order of its trials.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.questions import Judgement, Question
from engine.records import Check, Evidence, Json, Option, Trial, digest
from engine.views import View

if TYPE_CHECKING:
    from engine.session import Session


def _no_objection(choice: Json) -> Judgement:
    return Judgement()


@dataclass(frozen=True)
class Measure:
    """Trials whose evidence the stage needs before it can go on.

    optional: the stage can do without one that fails; it is sent evidence that says why (`Evidence.error`).
    """

    trials: tuple[Trial, ...]
    title: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Ask:
    """A question with what stands at this moment.

    judge: what the guide makes of a possible answer (pure; called for the chosen one, and to warn beforehand).
    read: extra reading of an answer that depends on the data, e.g. an SQL condition; raises InvalidAnswer.
    evidence: what was shown; the decision cites it.  taken: the engine answers this in every pace (see `Decide`).
    """

    question: Question
    subject: str = ""
    options: tuple[Option, ...] = ()
    recommended: Json = None
    reason: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    shows: tuple[View, ...] = ()
    judge: Callable[[Json], Judgement] = _no_objection
    read: Callable[[Json], Json] | None = None
    taken: bool = False

    @property
    def place(self) -> tuple[str, str]:
        return (self.question.id, self.subject)

    @property
    def name(self) -> str:
        return self.question.id + (f":{self.subject}" if self.subject else "")

    @property
    def prompt(self) -> str:
        return fill(self.question.prompt, {"subject": self.subject, **self.facts})

    @property
    def offered(self) -> tuple[Option, ...]:
        return self.options or self.question.options

    @property
    def asked(self) -> str:
        """Equal for two moments at which the same was asked on the same evidence."""
        keys = [option.key for option in self.offered]
        return digest([self.name, keys, self.recommended, [e.key for e in self.evidence]])

    def accept(self, raw: Json) -> Json:
        """The answer as it will be kept.  Raises InvalidAnswer."""
        value = self.question.read(raw, self.offered)
        return self.read(value) if self.read else value

    def whys(self, session: Session | None = None) -> list[tuple[str, str, str]]:
        """*Keep asking why*: (question, answer, source), with this session's figures put in; at least three."""
        from engine.asking_why import chain

        return chain(self, session)


def Decide(  # noqa: N802 - reads as the effect that it makes
    question: Question,
    choice: Json,
    why: str,
    *,
    subject: str = "",
    options: tuple[Option, ...] = (),
    check: Check | None = None,
    evidence: Sequence[Evidence] = (),
    shows: Sequence[View] = (),
    facts: Mapping[str, Json] | None = None,
    judgement: Judgement | None = None,
) -> Ask:
    """A choice that the engine takes itself, journalled with its why and check like any other."""
    verdict = judgement or Judgement(check=check)
    return Ask(
        question,
        subject=subject,
        options=options,
        recommended=choice,
        reason=why,
        facts=facts or {},
        evidence=tuple(evidence),
        shows=tuple(shows),
        judge=lambda _: verdict,
        taken=True,
    )


Effect = Measure | Ask
Conversation = Generator[Effect, Any, Any]  # a stage returns nothing; a part that stages share may return what it found


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def fill(template: str, facts: Mapping[str, Json]) -> str:
    """The template with the facts put in; a fact not known yet reads as a question mark."""
    try:
        return template.format_map(_Facts(facts))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        return template  # a format such as {x:.1%} whose fact is not known
