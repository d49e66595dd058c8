"""Drives the stages' conversation: the journal answers what was answered before, others answer the rest.

Resuming, replaying, forking and running headless are this one mechanism.  For every `Ask` the conductor looks for the
decision in the journal, else asks its answerers in turn, else says that a person is waited for.  For every `Measure` it
looks the evidence up, else says which trials are missing.  The caller runs those, or brings the answer, and calls
`advance` again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.answerers import Answerer
from engine.effects import Ask, Conversation, Effect, Measure
from engine.errors import DataProblem, InvalidAnswer, Refused, RungwiseError, WhyNeeded
from engine.ports import EvidenceStore, Journal
from engine.questions import Catalogue, Form, Level, Option, Question
from engine.records import Answer, Decision, Evidence, Json, Trial
from engine.session import Session
from engine.views import Table
from engine.whys import ADVICE, judge_why


@dataclass(frozen=True)
class Stage:
    """One part of the path: its conversation, and the questions that it may ask."""

    name: str
    title: str
    conversation: Callable[[Session], Conversation]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Asking:
    """A person is waited for."""

    ask: Ask
    stage: str
    before: Decision | None = None  # the earlier answer, where it is asked again


@dataclass(frozen=True)
class Measuring:
    """Evidence is waited for: these trials have none yet."""

    measure: Measure
    missing: tuple[Trial, ...]
    stage: str


@dataclass(frozen=True)
class Finished:
    """The last stage wanted is through."""

    stage: str


Waiting = Asking | Measuring | Finished


@dataclass(frozen=True)
class Exchange:
    """What was asked, and what was decided."""

    ask: Ask
    decision: Decision


SETTLED = Question(
    id="project.settled",
    prompt="{answers} of the stage “{stage}” {were} taken for you. Keep {them}?",
    form=Form.CHOICE,
    asks="person",
    options=(Option("keep", "Keep them all"),),
    source="The pace is the person's; nothing is decided out of sight.",
)


def catalogue(stages: Sequence[Stage]) -> Catalogue:
    return Catalogue((*(q for stage in stages for q in stage.questions), SETTLED))


class Conductor:
    """One branch of one session, taken as far as answers and evidence reach.

    journal, evidence: see `engine.ports`.  answerers: tried in order before a person is waited for.
    read_only: nothing is appended; what the journal does not answer is waited for, and cannot be answered.
    stop_after: name of the last stage to go through.  now, clock: UTC time and seconds, for tests.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        session: Session,
        journal: Journal,
        evidence: EvidenceStore,
        *,
        answerers: Sequence[Answerer] = (),
        environment: str = "",
        read_only: bool = False,
        stop_after: str = "",
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stages = tuple(stages)
        self.catalogue = catalogue(stages)
        self.session = session
        self.journal = journal
        self.evidence = evidence
        self.answerers = tuple(answerers)
        self.environment = environment
        self.read_only = read_only
        self.stop_after = stop_after
        self.transcript: list[Exchange] = []
        self.differences: list[str] = []  # between the journal and what is asked today
        self.stage = self.stages[0].name
        self._now = now
        self._clock = clock
        self._asked_at = clock()
        self._recorded: dict[tuple[str, str], Decision] = {d.place: d for d in journal.decisions()}
        self._unmatched = dict(self._recorded)
        self._cited = {key for d in self._recorded.values() for key in d.evidence}
        self._left_out: dict[str, str] = {}
        self._counted: set[str] = set()
        self._added_to: set[str] = set()  # stages in which an old journal lacked an answer
        self._path = self._walk()
        self._effect: Effect | None = None
        self._waiting: Waiting | None = None
        self._finished = False
        self._failure: Exception | None = None
        self._send(None)

    # -- going on --------------------------------------------------------------------------------------------------

    def advance(self) -> Waiting:
        """Go on as far as possible, and say what is waited for.  Raises DataProblem when a needed trial failed."""
        while True:
            if self._failure is not None:
                raise self._failure
            if self._effect is None or self._finished:
                self._waiting = Finished(self.stage)
                self._report_unasked()
                return self._waiting
            if isinstance(self._effect, Measure):
                found = [self._evidence_of(trial, self._effect) for trial in self._effect.trials]
                missing = tuple(t for t, e in zip(self._effect.trials, found, strict=True) if e is None)
                if missing:
                    self._waiting = Measuring(self._effect, missing, self.stage)
                    return self._waiting
                self._send(found)
                continue
            ask = self._effect
            decision = self._from_journal(ask) or self._from_others(ask)
            if decision is None:
                before = self._recorded.get(ask.place)
                if not (isinstance(self._waiting, Asking) and self._waiting.ask is ask):
                    self._waiting = Asking(ask, self.stage, before)
                    self._asked_at = self._clock()
                return self._waiting
            self._accepted(ask, decision)

    def leave_out(self, key: str, reason: str) -> None:
        """Go on without the evidence of a trial, where the stage can.  Nothing is stored: it may be tried again later.

        Raises DataProblem with the reason where the stage cannot.
        """
        if not isinstance(self._effect, Measure) or not self._effect.optional:
            raise DataProblem(reason)
        self._left_out[key] = reason

    def answer(self, answer: Answer) -> Decision:
        """Record a person's answer to what is asked now, and go on.

        Raises InvalidAnswer when it is not offered, WhyNeeded when it stands only with a better why, Refused when the
        guide blocks it.  Nothing is recorded then, and the same is asked still.
        """
        if not isinstance(self._waiting, Asking) or self._effect is not self._waiting.ask:
            raise InvalidAnswer("Nothing is asked at the moment.")
        if self.read_only:
            raise Refused("This view only reads; open the session to answer.")
        ask = self._waiting.ask
        decision = self._record(ask, answer, seconds=self._clock() - self._asked_at)
        self._accepted(ask, decision)
        return decision

    # -- the path --------------------------------------------------------------------------------------------------

    def _walk(self) -> Conversation:
        for stage in self.stages:
            self.stage = stage.name
            yield from stage.conversation(self.session)
            yield from self._settle(stage)
            if stage.name == self.stop_after:
                return

    def _settle(self, stage: Stage) -> Conversation:
        """Show what the pace answered for the person in this stage, before going on."""
        here = {x.ask.place: x for x in self.transcript if x.decision.stage == stage.name}
        taken = [x for x in here.values() if _for_the_person(x)]
        if not taken:
            return
        rows = [(x.decision.prompt or x.ask.name, _answered(x.decision), x.decision.why) for x in taken]
        yield Ask(
            SETTLED,
            subject=stage.name,
            options=SETTLED.options if len(taken) > 1 else (Option("keep", "Keep it"),),
            recommended="keep",
            reason=f"{'Each' if len(taken) > 1 else 'It'} follows the rule shown beside it.",
            facts={"stage": stage.title, **_counted(len(taken))},
            shows=(Table("Taken for you", ("question", "answer", "why"), rows),),
        )

    def _evidence_of(self, trial: Trial, measure: Measure) -> Evidence | None:
        found = self.evidence.get(trial.key)
        if found is not None:
            self._count(found)
            return found
        reason = self._left_out.get(trial.key)
        unseen = trial.key not in self._cited  # evidence that a decision cites was there, and is computed again
        if reason is None and measure.optional and unseen and (self.read_only or self._unmatched):
            reason = "It was left out when this was recorded."  # what followed was decided without it
        return None if reason is None else Evidence(trial.key, trial.kind, {}, error=reason)

    def _count(self, found: Evidence) -> None:
        """What was computed costs its seconds once, in the stage that first needed it."""
        if found.key not in self._counted:
            self._counted.add(found.key)
            spent = self.session.spent
            spent[self.stage] = spent.get(self.stage, 0.0) + found.seconds

    def _send(self, value: object) -> None:
        try:
            self._effect = self._path.send(value) if value is not None else next(self._path)
        except StopIteration:
            self._effect, self._finished = None, True
        except Exception as problem:  # the conversation is over; going on would take its end for a finished path
            self._effect, self._failure = None, problem
            raise

    def _accepted(self, ask: Ask, decision: Decision) -> None:
        self.session.take(decision)
        self.transcript.append(Exchange(ask, decision))
        self._unmatched.pop(ask.place, None)
        self._send(decision)

    # -- where answers come from -----------------------------------------------------------------------------------

    def _from_journal(self, ask: Ask) -> Decision | None:
        recorded = self._recorded.get(ask.place)
        if recorded is None:
            return None
        try:
            ask.accept(recorded.choice)
        except RungwiseError:
            self._differs(f"{ask.name}: the recorded answer {_short(recorded.choice)} is no longer offered.")
            return None
        return recorded

    def _from_others(self, ask: Ask) -> Decision | None:
        if ask.taken or self._was_added_later(ask):
            if not ask.taken:
                self._differs(f"{ask.name}: not asked when this was recorded; the recommendation stands.")
                self._added_to.add(self.stage)
            return self._record(ask, Answer(_recommended_or_default(ask), ask.reason, "engine", "engine"))
        for answerer in self.answerers:
            if (answer := answerer(ask, self.session)) is None:
                continue
            try:
                return self._record(ask, answer)
            except WhyNeeded:
                if answer.author != "person":
                    raise
                # a person's answer of another branch, whose why does not carry it here: the person is asked
        return None

    def _was_added_later(self, ask: Ask) -> bool:
        """Whether a question that comes after this one was answered before: then this one is new to an old journal."""
        if ask.place in self._recorded:
            return False
        if ask.question.id == SETTLED.id and self.read_only and self.stage in self._added_to:
            return True  # a list of what was added just now: whoever only reads has it in the differences
        here = self._order(ask.question.id, ask.subject)
        return any(self._order(*place) > here for place in self._unmatched)

    def _order(self, question: str, subject: str) -> float:
        """Where a question stands on the path; one that is not asked any more stands nowhere, before all others."""
        if question == SETTLED.id:  # after the last question of its stage
            asked = [q.id for stage in self.stages if stage.name == subject for q in stage.questions]
            return max((self.catalogue.order[q] for q in asked), default=-1) + 0.5
        return self.catalogue.order[question] if question in self.catalogue else -1

    def _report_unasked(self) -> None:
        if self.stop_after:
            return
        for decision in self._unmatched.values():
            self._differs(f"{decision.name}: recorded, but no longer asked.")
        self._unmatched.clear()

    def _differs(self, how: str) -> None:
        if how not in self.differences:
            self.differences.append(how)

    # -- recording -------------------------------------------------------------------------------------------------

    def _record(self, ask: Ask, answer: Answer, seconds: float = 0.0) -> Decision:
        choice = ask.accept(answer.choice)
        judgement = ask.judge(choice)
        by_engine = answer.author == "engine"
        if blocks := judgement.at(Level.BLOCK):
            raise Refused(f"{ask.name}: {blocks[0].message}")
        overruled = not ask.question.fact and ask.recommended is not None and choice != ask.recommended
        why = answer.why.strip()
        asked_text = " ".join([ask.prompt, *(o.text for o in ask.offered), str(ask.recommended)])
        verdict = "ok" if by_engine else judge_why(why, asked_text, self._whys_given())
        holds = judgement.at(Level.HOLD)
        if not by_engine:
            if holds and verdict != "ok":
                raise WhyNeeded(f"{ask.name}: {holds[0].message} {ADVICE[verdict]}")
            person_must_say = overruled or ask.question.why_required
            if person_must_say and verdict == "missing" and answer.author == "person":
                raise WhyNeeded(f"{ask.name}: {ADVICE['missing']}")
        flags = [o.flag for o in judgement.objections if o.flag and o.level in (Level.HOLD, Level.FLAG)]
        if (overruled or ask.question.why_required) and verdict != "ok":
            flags.append("M04")
        level = judgement.level
        before = self._recorded.get(ask.place)
        decision = Decision(
            stage=self.stage,
            question=ask.question.id,
            subject=ask.subject,
            prompt=ask.prompt,
            options=ask.offered,
            recommended=ask.recommended,
            reason=ask.reason,
            choice=choice,
            why=why,
            why_author=answer.why_author,
            why_verdict=verdict,
            author=answer.author,
            overruled=overruled,
            level=str(level) if level else "",
            flags=tuple(dict.fromkeys(flags)),
            check=judgement.check,
            evidence=tuple(e.key for e in ask.evidence if e.ok),
            asked=ask.asked,
            decided_at=self._now().isoformat(timespec="milliseconds"),
            seconds=round(seconds, 1),
            environment=self.environment,
            supersedes=before.seq if before else None,
        )
        if not self.read_only:
            decision = self.journal.append(decision, [e for e in ask.evidence if e.ok])
        self._recorded[ask.place] = decision
        return decision

    def _whys_given(self) -> list[str]:
        return [x.decision.why for x in self.transcript if x.decision.author != "engine" and x.decision.why]


def needed(evidence: Sequence[Evidence]) -> list[Mapping[str, Json]]:
    """The values of evidence that the path cannot go on without.  Raises DataProblem with the first failure."""
    for e in evidence:
        if not e.ok:
            raise DataProblem(e.error)
    return [e.value for e in evidence]


def _recommended_or_default(ask: Ask) -> Json:
    return ask.question.default if ask.recommended is None else ask.recommended


def _for_the_person(exchange: Exchange) -> bool:
    """Whether the pace answered something that a person would have been asked in the guided one."""
    return exchange.decision.author == "engine" and not exchange.ask.taken


def _counted(taken: int) -> dict[str, Json]:
    if taken > 1:
        return {"answers": f"These {taken} answers", "were": "were", "them": "them"}
    return {"answers": "This answer", "were": "was", "them": "it"}


def _answered(decision: Decision) -> str:
    """An answer in the words that it was offered in, where it was one of several."""
    words = {option.key: option.text for option in decision.options if not isinstance(option.key, bool)}
    if isinstance(decision.choice, str | int | float) and not isinstance(decision.choice, bool):
        return _short(words.get(decision.choice, decision.choice))
    if isinstance(decision.choice, bool):
        return "yes" if decision.choice else "no"
    if isinstance(decision.choice, dict):
        said = {key: value for key, value in decision.choice.items() if value not in (None, "", [], {})}
        return _short([f"{key}: {value}" for key, value in said.items()] or "none")
    return _short([words.get(one, one) if isinstance(one, str) else one for one in decision.choice or ["none"]])


def _short(choice: Json) -> str:
    text = ", ".join(map(str, choice)) if isinstance(choice, list) else str(choice)
    return text if len(text) <= 60 else text[:57] + "…"
