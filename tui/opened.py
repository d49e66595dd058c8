"""One session opened for work: its conductor, and the trials that it waits for."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from engine.answerers import Answerer, carried_over, quick_pace
from engine.conductor import SETTLED, Asking, Conductor, Measuring, Stage, Waiting
from engine.data.address import split
from engine.data.formats import FORMATS, PACKINGS
from engine.effects import Ask
from engine.errors import DataProblem, StoreProblem, UsageProblem
from engine.ports import TrialState, Wish
from engine.records import Answer, Decision
from engine.runners.environment import environment
from engine.session import Session
from engine.views import Samples, View, samples_as_tables
from engine.words import short
from storage.comments import Mark, whoami
from storage.lease import Hold
from storage.sessions import Branch, still_open
from storage.store import Store
from tui.desk import Moment, Proof, Reviewed
from tui.workers import bury_dead_workers, ensure_worker

Work = Literal["queue", "here"]

MOST_PROOFS = 40  # of one decision that are read to be shown
ONLY_READ = "You asked only to read."
_BEAT_EVERY = 10.0  # seconds between two signs that this window still holds its session
_LOOK_EVERY = 1.0  # seconds between two looks whether the worker still lives


class OpenSession:
    """Takes a session on: answers, measurements, going back.  One thread at a time.

    name, branch: what is open.  read_only, read_only_reason: whether answers can be recorded, and why not;
    asked_only_to_read: for no other reason than that it was wanted.
    conductor, session: the conversation so far, and its state.  waiting: what is waited for, None before `advance`.
    problem: the sentence of the last DataProblem, "" when the path goes on.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        branch: Branch,
        *,
        stages: Sequence[Stage],
        answerers: Sequence[Answerer],
        work: Work,
        stop_after: str,
        hold: Hold | None,
        reason: str,
    ) -> None:
        self.name = name
        self.branch = branch.name
        self.read_only = hold is None
        self.read_only_reason = reason
        self.asked_only_to_read = reason == ONLY_READ
        self.waiting: Waiting | None = None
        self.problem = ""
        self._store = store
        self._stages = tuple(stages)
        self._given = tuple(answerers)
        self._answerers = () if self.read_only else _on_branch(store, name, branch, answerers)
        self._work: Work = work
        self._stop_after = stop_after
        self._hold = hold
        self._environment = "" if self.read_only else store.environments.put(environment())
        self._beaten_at = self._looked_at = time.monotonic()
        self._data = store.sessions.known(name).dataset
        self._journal = store.journal(name, branch.name)
        self._journal.decisions()  # here, and not when a screen asks for them: it waits for the disk
        self._conductor = None if self.asked_only_to_read else self._begin()

    @property
    def conductor(self) -> Conductor:
        """Who takes the conversation on; whoever only looks at the journal does not wait for it."""
        if self._conductor is None:
            self._conductor = self._begin()
        return self._conductor

    @classmethod
    def open(
        cls,
        store: Store,
        name: str,
        *,
        branch: str = "",
        read_only: bool = False,
        answerers: Sequence[Answerer] = (quick_pace,),
        work: Work = "queue",
        stages: Sequence[Stage] | None = None,
        stop_after: str = "",
    ) -> OpenSession:
        """Open a branch (the current one when none is named), as its one writer where that can be.

        work: "queue" hands trials to the store's worker; "here" leaves them to the caller (see `tui.headless`).
        Raises UsageProblem for an unknown session or branch.
        """
        if stages is None:
            from engine.stages import STAGES as stages  # noqa: N811 - the path
        info = store.sessions.known(name)
        found = store.sessions.branch(name, branch or None)
        if not read_only:
            still_open(info.name, found)
        hold, reason = None, ONLY_READ if read_only else ""
        if not read_only:
            try:
                hold = store.hold(name)
                if found.name != info.branch:
                    store.sessions.switch(name, found.name)
            except StoreProblem as problem:
                reason = str(problem)
        try:
            return cls(
                store, info.name, found, stages=stages, answerers=answerers, work=work, stop_after=stop_after,
                hold=hold, reason=reason,
            )  # fmt: skip
        except BaseException:
            if hold is not None:
                hold.release()
            raise

    # -- going on --------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        return self.conductor.session

    def _with_rows(self, waiting: Waiting) -> Waiting:
        """What is asked, with the rows of the data that it shows fetched from where they are kept."""
        if not isinstance(waiting, Asking) or not any(isinstance(view, Samples) for view in waiting.ask.shows):
            return waiting
        shows = tuple(table for view in waiting.ask.shows for table in self._fetched(view))
        return replace(waiting, ask=replace(waiting.ask, shows=shows))

    def _fetched(self, view: View) -> list[View]:
        if not isinstance(view, Samples):
            return [view]
        try:
            content = json.loads(self._store.artifacts.fetch(view.digest))
        except (StoreProblem, ValueError):
            return [view]
        return list(samples_as_tables(view, content)) if isinstance(content, dict) else [view]

    def advance(self) -> Waiting:
        """Go on as far as possible; trials without evidence are queued, and a worker is seen to.

        Raises DataProblem when the path cannot go on with what was measured or answered; the session stays open, and
        what can still be done is to go back.
        """
        try:
            self.waiting = self._with_rows(self.conductor.advance())
        except DataProblem as problem:
            self._stuck(problem)
            raise
        self.problem = ""
        self._see_to_work()
        return self.waiting

    def answer(self, answer: Answer) -> Decision:
        """Record a person's answer; see `Conductor.answer` for what it raises.  `advance` then goes on."""
        self._beat(now=True)
        try:
            return self.conductor.answer(answer)
        except DataProblem as problem:
            self._stuck(problem)
            raise

    def decisions(self) -> Sequence[Decision]:
        """Every decision of the branch, oldest first, also those that were replaced."""
        return self._journal.decisions()

    def close(self) -> None:
        """Let the session go; queued work goes on without it."""
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    # -- the trials that are waited for ----------------------------------------------------------------------------

    def trials(self) -> dict[str, TrialState]:
        """What is waited for now, in its order: status, progress and curve.  Empty when nothing is."""
        if not isinstance(self.waiting, Measuring):
            return {}
        keys = [trial.key for trial in self.waiting.missing]
        now = time.monotonic()
        if self._work == "queue" and now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            self._store.check_there()  # else its trials would wait for ever: no worker finds them
            self._beat()
            if not self._store.read_only:
                bury_dead_workers(self._store)
                if any(state.status == "queued" for state in self._store.queue.states(keys).values()):
                    ensure_worker(self._store.path)
        states = self._store.queue.states(keys)
        return {key: states[key] for key in keys if key in states}

    def cancel(self, keys: Sequence[str] | None = None) -> None:
        """Stop trials (all that are waited for, when none are named) at their next fold, epoch or batch."""
        self._store.queue.cancel(self._waited(keys))

    def want(self, keys: Sequence[str], wish: Wish) -> None:
        """Have running trials wait ("pause"), go on (""), or end their trainings with the best so far ("enough")."""
        self._store.queue.want(self._waited(keys), wish)

    def retry(self, keys: Sequence[str] | None = None) -> None:
        """Queue trials again that failed or were cancelled."""
        if isinstance(self.waiting, Measuring):
            wanted = set(self._waited(keys))
            self._store.queue.submit([t for t in self.waiting.missing if t.key in wanted])
            ensure_worker(self._store.path)

    def leave_out(self, key: str, reason: str = "") -> None:
        """Go on without a trial that failed or was cancelled; nothing is stored, so it may be tried again another day.

        Raises DataProblem with the reason where the path cannot go on without it.
        """
        if not reason:
            state = self._store.queue.states([key]).get(key)
            reason = (state.reason if state else "") or "It was left out."
        self.conductor.leave_out(key, reason)

    # -- going back ------------------------------------------------------------------------------------------------

    def go_back(self, seq: int) -> OpenSession:
        """A new branch on which decisions 1 to seq - 1 stand, and decision seq is asked again.

        Answers after it are taken over where exactly the same is asked again on the same evidence.  This session is
        closed.  Raises UsageProblem when there is no such decision.
        """
        if self.read_only:
            raise StoreProblem(f"{self.read_only_reason} Going back starts a branch, which cannot be recorded now.")
        if not 1 <= seq <= len(self.decisions()):
            raise UsageProblem(f"Branch {self.branch} has decisions 1 to {len(self.decisions())}; there is no {seq}.")
        branch = self._store.sessions.fork(self.name, self.branch, seq - 1)
        opened = OpenSession.open(
            self._store, self.name, branch=branch.name, answerers=self._given, work=self._work, stages=self._stages,
            stop_after=self._stop_after,
        )  # fmt: skip
        self.close()
        return opened

    # -- looking back ----------------------------------------------------------------------------------------------

    def moment(self, decision: Decision) -> Moment:
        """What is kept beside a decision: its evidence and environment, read for whoever looks at it."""
        known = self._store.evidence_of(self.name)
        found = [(key, known.get(key)) for key in decision.evidence[:MOST_PROOFS]]
        from tui.proofs import told

        proofs = tuple(Proof(key, told(e), e.seconds) for key, e in found if e is not None)
        environment = self._store.environments.get(decision.environment) if decision.environment else None
        return Moment(proofs, environment or {}, self._data)

    # -- reviewing -------------------------------------------------------------------------------------------------

    def review(self) -> Reviewed:
        """The branch as a mentor sees it."""
        from engine.review.review import review, summary

        record = self._store.record(self.name, self.branch)
        threads = self._store.comments.threads(self._store.sessions.id(self.name))
        return Reviewed(record.decisions, review(record), summary(record), threads)

    def comment(self, about: str, mark: Mark, text: str, answers: int | None) -> None:
        """Keep a remark on the decision of this hash ("" for the session as a whole), or an answer to another."""
        session = self._store.sessions.id(self.name)
        self._store.comments.add(session, whoami(), text, about=about, mark=mark, answers=answers)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _begin(self) -> Conductor:
        return Conductor(
            self._stages,
            Session(self.name, self._data, looks=lambda exam: self._store.sessions.looks(self.name, exam)),
            self._journal,
            self._store.evidence_of(self.name),
            answerers=self._answerers,
            environment=self._environment,
            read_only=self.read_only,
            stop_after=self._stop_after,
        )

    def _stuck(self, problem: DataProblem) -> None:
        """The conversation ended by raising; the journal takes a new one to the same place."""
        self.problem = str(problem)
        self.waiting = None
        self._conductor = self._begin()

    def _see_to_work(self) -> None:
        if self._work != "queue" or self.read_only or not isinstance(self.waiting, Measuring):
            return
        states = self._store.queue.states([trial.key for trial in self.waiting.missing])
        fresh = [t for t in self.waiting.missing if t.key not in states or states[t.key].status == "done"]
        if fresh:  # one that failed or was cancelled waits for `retry` or `leave_out`
            self._store.queue.submit(fresh)
        if fresh or any(state.status in ("queued", "running") for state in states.values()):
            bury_dead_workers(self._store)
            ensure_worker(self._store.path)

    def _waited(self, keys: Sequence[str] | None) -> list[str]:
        if not isinstance(self.waiting, Measuring):
            return []
        missing = [trial.key for trial in self.waiting.missing]
        return missing if keys is None else [key for key in missing if key in keys]

    def _beat(self, now: bool = False) -> None:
        if self._hold is not None and (now or time.monotonic() - self._beaten_at >= _BEAT_EVERY):
            self._beaten_at = time.monotonic()
            self._hold.beat()


def new_session(store: Store, data: Path, name: str = "") -> str:
    """Begin a session on a file; returns its name, which is the file's where none is given.

    Raises DataProblem when the file cannot be read, UsageProblem when the name is taken.
    """
    fingerprint = store.datasets.record(data)
    return store.sessions.create(name or store.sessions.free_name(_name_after(data)), fingerprint).name


def _name_after(data: Path) -> str:
    """A file's name without its endings, or the table's in it; its folder's, where the file's says nothing."""
    file, part = split(data)
    stem = file.name
    for ending in (*PACKINGS, *(ending for form in FORMATS.values() for ending in form.endings)):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) and len(stem) > len(ending) else stem
    if stem.lower() in ("train", "training", "data") and file.absolute().parent.name:
        stem = file.absolute().parent.name
    if part.isidentifier():
        stem = part
    return short(stem.strip() or "session", 60)


def _on_branch(store: Store, name: str, branch: Branch, answerers: Sequence[Answerer]) -> tuple[Answerer, ...]:
    """Who answers on a branch: nobody where a person went back to answer anew; then the one it left, then the others.

    Read from the store, so that a branch that is opened another day goes on in the same way.
    """
    if branch.parent is None:
        return tuple(answerers)
    left = store.journal(name, branch.parent).decisions()
    anew = {d.place for d in left if d.seq == branch.forked_at + 1}
    later = [d for d in left if d.seq > branch.forked_at + 1 and d.question != SETTLED.id]
    return tuple(_silent_about(anew, answerer) for answerer in (carried_over(later), *answerers))


def _silent_about(places: set[tuple[str, str]], answerer: Answerer) -> Answerer:
    def answer(ask: Ask, session: Session) -> Answer | None:
        return None if ask.place in places else answerer(ask, session)

    return answer
