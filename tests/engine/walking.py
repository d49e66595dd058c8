"""A session without a store: journal, evidence and files in memory, trials computed here; for tests of the path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.answerers import Answerer, accept_recommended, from_plan
from engine.conductor import Asking, Conductor, Finished, Measuring, Stage, Waiting
from engine.effects import Ask
from engine.records import Answer, Decision, Evidence, Json
from engine.runners.context import Workplace
from engine.runners.inline import perform
from engine.session import Session


class MemoryJournal:
    """Decisions sealed as the store seals them."""

    def __init__(self, decisions: Sequence[Decision] = ()) -> None:
        self.taken = list(decisions)
        self.cited: list[str] = []

    def decisions(self) -> Sequence[Decision]:
        return tuple(self.taken)

    def append(self, decision: Decision, evidence: Sequence[Evidence] = ()) -> Decision:
        sealed = decision.sealed(len(self.taken) + 1, self.taken[-1].hash if self.taken else "0" * 64)
        self.taken.append(sealed)
        self.cited += [e.key for e in evidence]
        return sealed

    def until(self, k: int) -> MemoryJournal:
        """A fork that shares the first k decisions."""
        return MemoryJournal(self.taken[:k])


class MemoryEvidence:
    def __init__(self) -> None:
        self.known: dict[str, Evidence] = {}

    def get(self, key: str) -> Evidence | None:
        return self.known.get(key)

    def put(self, evidence: Evidence) -> None:
        self.known.setdefault(evidence.key, evidence)


class MemoryArtifacts:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, content: bytes, media_type: str) -> str:
        name = hashlib.sha256(content).hexdigest()
        self.kept[name] = content
        return name

    def fetch(self, digest: str) -> bytes:
        return self.kept[digest]


class OneFile:
    def __init__(self, file: Path) -> None:
        self.file = file

    def path(self, fingerprint: str) -> Path:
        return self.file


class Walk:
    """One table taken along the real path, or along other stages; what is computed once is kept for every branch."""

    def __init__(self, file: Path, stages: Sequence[Stage] | None = None) -> None:
        if stages is None:
            from engine.stages import STAGES as stages  # noqa: N811 - the path
        self.stages = tuple(stages)
        self.fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()
        self.evidence = MemoryEvidence()
        self.place = Workplace(self.evidence, MemoryArtifacts(), OneFile(file))
        self.journal = MemoryJournal()

    def conductor(self, *answerers: Answerer, journal: MemoryJournal | None = None, **more: Any) -> Conductor:
        return Conductor(
            self.stages,
            Session("walk", self.fingerprint),
            self.journal if journal is None else journal,
            self.evidence,
            answerers=answerers,
            **more,
        )

    def on(self, conductor: Conductor) -> Waiting:
        """Go on until somebody is asked or the path ends; trials run here, and one that fails is left out."""
        while isinstance(waiting := conductor.advance(), Measuring):
            for trial in waiting.missing:
                evidence = perform(trial, self.place)
                if evidence.ok:
                    self.evidence.put(evidence)
                else:
                    conductor.leave_out(trial.key, evidence.error)
        return waiting

    def headless(
        self,
        answers: Mapping[str, Json],
        whys: Mapping[str, str] | None = None,
        *,
        journal: MemoryJournal | None = None,
        stop_after: str = "",
    ) -> Conductor:
        """As `run … --accept-recommended` goes."""
        conductor = self.conductor(
            from_plan(answers, whys or {}),
            accept_recommended,
            journal=MemoryJournal() if journal is None else journal,
            stop_after=stop_after,
        )
        ended = self.on(conductor)
        assert isinstance(ended, Finished)
        return conductor


def said(conductor: Conductor, question: str, subject: str = "") -> Decision:
    """The decision on a question.  Raises AssertionError naming what was asked instead."""
    found = conductor.session.decision(question, subject)
    assert found is not None, f"{question} {subject} not among {[d.name for d in conductor.session.decisions()]}"
    return found


def asked(conductor: Conductor, question: str, subject: str = "") -> Ask:
    return next(x.ask for x in conductor.transcript if x.ask.place == (question, subject))


def texts(ask: Ask) -> list[str]:
    """Every text of a question that a person may come to read."""
    out = [ask.prompt, ask.reason]
    out += [part for o in ask.offered for part in (o.text, o.note)]
    out += [part for why in ask.whys() for part in why]
    for view in ask.shows:
        out.append(view.title)
        out += [str(view.text)] if hasattr(view, "text") else []
    return out


def person(conductor: Conductor, choice: Json, why: str = "") -> Decision:
    """Answer what is asked now, as a person at the terminal would."""
    assert isinstance(conductor.advance(), Asking)
    return conductor.answer(Answer(choice, why))
