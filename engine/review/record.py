"""A journal as a reviewer reads it: one branch in order, what else the session did, and the evidence by key.  Light."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.errors import RungwiseError
from engine.metrics import BY_NAME, Metric
from engine.models.catalogue import BY_NAME as MODELS
from engine.models.catalogue import spec_of
from engine.records import Decision, Evidence, Json, digest
from engine.session import Session

_OPENED = "present.result"


def _nothing(key: str) -> Evidence | None:
    return None


@dataclass(frozen=True)
class Record:
    """One branch of a session, for the review.

    decisions: those of the branch, oldest first, replaced ones too.  others: the whole lines of the other branches.
    evidence: by trial key; None for what is not there.  drifted: what came out otherwise when every figure was computed
    again, one sentence each; None where that was not done.
    """

    name: str
    decisions: tuple[Decision, ...]
    others: tuple[tuple[Decision, ...], ...] = ()
    evidence: Callable[[str], Evidence | None] = _nothing
    branch: str = "main"
    data: str = ""
    drifted: tuple[str, ...] | None = None
    _read: dict[str, Evidence | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def session(self) -> Session:
        return Session(self.name, self.data, self.decisions)

    @cached_property
    def in_force(self) -> tuple[Decision, ...]:
        """The last answer to each question, in the order of their numbers."""
        return tuple(sorted(self.session.decisions(), key=lambda d: d.seq))

    def of(self, question: str, *subjects: str) -> list[Decision]:
        """The answers in force to a question, about these subjects or about any."""
        return [d for d in self.in_force if d.question == question and (not subjects or d.subject in subjects)]

    def about(self, question: str) -> Decision | None:
        """The answer in force to a question that is asked once."""
        return self.session.decision(question)

    # -- evidence --------------------------------------------------------------------------------------------------

    def cited(self, decision: Decision, kind: str = "") -> Iterator[Evidence]:
        """The evidence that a decision cites, of one kind of trial or of all."""
        for key in decision.evidence:
            if key not in self._read:
                self._read[key] = self.evidence(key)
            found = self._read[key]
            if found is not None and (not kind or found.kind == kind):
                yield found

    def value(self, question: str, kind: str) -> Mapping[str, Json] | None:
        """What a trial of this kind returned, cited by the answer in force to a question."""
        for decision in reversed(self.of(question)):
            for found in self.cited(decision, kind):
                return found.value
        return None

    # -- the ladder ------------------------------------------------------------------------------------------------

    @cached_property
    def rungs(self) -> tuple[Decision, ...]:
        """The decisions in force that put a model on the ladder."""
        return tuple(d for d in self.in_force if is_rung(d))

    def before(self, decision: Decision) -> Session:
        """The state as it stood up to and with a decision."""
        return Session(self.name, self.data, (d for d in self.decisions if d.seq <= decision.seq))

    @property
    def metric(self) -> Metric | None:
        return BY_NAME.get(self.session.metric)

    @cached_property
    def classes(self) -> Mapping[str, int]:
        """Rows for practice of each class; empty for numbers, and where the rows were not parted yet."""
        drawn = self.value("split.drawn", "split") or {}
        counts = drawn.get("classes")
        return counts if isinstance(counts, Mapping) else {}

    @property
    def rarest(self) -> float | None:
        """The share of the rarest class, where the answer is a class."""
        total = sum(self.classes.values())
        return min(self.classes.values()) / total if total and len(self.classes) > 1 else None

    # -- what the session did on other branches ----------------------------------------------------------------------

    @cached_property
    def elsewhere(self) -> tuple[Decision, ...]:
        """Decisions of other branches that this one does not share."""
        mine = {d.hash for d in self.decisions}
        found = {d.hash: d for line in self.others for d in line if d.hash not in mine}
        return tuple(sorted(found.values(), key=lambda d: d.decided_at))

    def earlier_than(self, decision: Decision) -> list[Decision]:
        """Everything that the session had decided before, here or on another branch, oldest first."""
        here = [d for d in self.decisions if d.seq < decision.seq]
        there = [d for d in self.elsewhere if d.decided_at < decision.decided_at]
        return sorted([*there, *here], key=lambda d: d.decided_at)

    @cached_property
    def openings(self) -> tuple[Decision, ...]:
        """Every look at the locked rows that this session took, on whatever branch, oldest first."""
        found = [d for d in (*self.decisions, *self.elsewhere) if d.question == _OPENED]
        return tuple(sorted(found, key=lambda d: d.decided_at))


def is_rung(decision: Decision) -> bool:
    check = decision.check
    return check is not None and bool(check.details.get("rung")) and check.value is not None


def comparison(decision: Decision) -> Mapping[str, Json]:
    """The row of the paired comparison that a decision was held against; empty where there was none."""
    found = decision.check.details.get("comparison") if decision.check else None
    return found if isinstance(found, Mapping) else {}


def model_of(decision: Decision) -> Mapping[str, Json]:
    """The model that a decision was about: its name and settings."""
    details = decision.check.details if decision.check else {}
    found = details.get("model")
    return found if isinstance(found, Mapping) else {"name": str(details.get("rung", ""))}


def tier_of(model: Mapping[str, Json] | str) -> str:
    """T0 … T8 of a model, or of its key in decisions, such as `tuned:boosting`; "" for one that is not known today."""
    if isinstance(model, str):
        tiers = [MODELS[name].tier for name in re.split(r"[:+]", model) if name in MODELS]
        return max(tiers, default="")
    try:
        return spec_of(model).tier
    except (RungwiseError, KeyError, TypeError, ValueError):
        return tier_of(str(model.get("name", "")))


def title_of(model: Mapping[str, Json]) -> str:
    try:
        return spec_of(model).title
    except (RungwiseError, KeyError, TypeError, ValueError):
        return str(model.get("name", "")) or "a model"


def rung_title(rung: str) -> str:
    """A rung's key in decisions as people read it: Best single column for one_column."""
    return MODELS[rung].title if rung in MODELS else rung.replace("_", " ")


def fingerprint(session: Session) -> str:
    """Hash of all that decides what leaves: the preparation, the model on the last rung, and the cut."""
    top = session.rungs[-1].described if session.rungs else {}
    return digest([recipe_of(session), dict(top), session.choice("improve.threshold")])


def recipe_of(session: Session) -> Mapping[str, Json]:
    """How rows become what a model is fitted to; the answers themselves where this version reads one no longer."""
    try:
        return session.recipe()
    except RungwiseError:
        return {"answers": {d.name: d.choice for d in session.decisions() if d.stage in ("define", "prepare")}}


def prose(decisions: Iterable[Decision]) -> Iterator[tuple[Decision, str]]:
    """What people wrote themselves: whys that are not the guide's, and texts given as an answer."""
    for d in decisions:
        said = [d.why] if d.why_author != "engine" else []
        if isinstance(d.choice, str) and d.author != "engine" and d.choice != d.recommended and " " in d.choice:
            said.append(d.choice)
        for text in said:
            yield d, text
