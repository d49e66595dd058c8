"""The values that outlive a run: checks, decisions, trials and evidence.

A decision is logged and is the truth.  Evidence is computed from a trial and kept under the trial's key; deleting it
costs time, never truth.  Everything here is plain data that JSON can carry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

Json = Any  # what json.dumps takes

Author = Literal["person", "plan", "engine"]

GENESIS = "0" * 64  # the hash before the first decision


def canonical(value: Json) -> str:
    """One spelling per value, so that equal values have equal hashes.  NaN and infinity are refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def in_order(value: Json) -> Json:
    """The same with the names of each object in their canonical order, as it comes back from a store."""
    if isinstance(value, Mapping):
        return {name: in_order(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [in_order(item) for item in value]
    return value


def digest(value: Json) -> str:
    """SHA-256 of the canonical spelling, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Check:
    """The measured figure that a decision was held against.

    value, low, high and reference are in the metric's own unit; protocol says how they were measured;
    verdict is one of better, worse, equivalent, unclear, identical, measured, or the engine's word for the rule.
    """

    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    protocol: str = ""
    verdict: str = "measured"
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Option:
    """One of the answers that stood: its short key, its words, and the figures measured for it."""

    key: Json
    label: str = ""
    note: str = ""
    figures: Mapping[str, Json] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.label or str(self.key)


@dataclass(frozen=True)
class Decision:
    """One answer, with everything that stood when it was given.

    seq, prev_hash and hash are given by the journal that takes it in (see `sealed`).
    """

    stage: str
    question: str
    subject: str
    prompt: str
    options: tuple[Option, ...]
    recommended: Json
    reason: str
    choice: Json
    why: str
    why_author: Author
    why_verdict: str
    author: Author
    overruled: bool
    level: str  # the strongest objection that was overruled: "", note, flag or hold
    flags: tuple[str, ...]
    check: Check | None
    evidence: tuple[str, ...]  # trial keys
    asked: str  # digest of what was asked; equal digests mean the same question on the same evidence
    decided_at: str  # ISO 8601, UTC
    seconds: float  # time the person took
    environment: str  # key of the environment record
    supersedes: int | None = None
    seq: int = 0
    prev_hash: str = GENESIS
    hash: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """What a decision answers: a question, and the thing it is about."""
        return (self.question, self.subject)

    @property
    def name(self) -> str:
        return self.question + (f":{self.subject}" if self.subject else "")

    def as_dict(self) -> dict[str, Json]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Decision:
        """The decision back from `as_dict`; fields that a newer version added are left out."""
        values = _known(cls, raw)
        values["options"] = tuple(Option(**_known(Option, o)) for o in values["options"])
        values["check"] = Check(**_known(Check, values["check"])) if values.get("check") else None
        values["flags"] = tuple(values["flags"])
        values["evidence"] = tuple(values["evidence"])
        return cls(**values)

    def sealed(self, seq: int, prev_hash: str) -> Decision:
        """This decision in its place in the chain: numbered, and hashed over all else."""
        placed = replace(self, seq=seq, prev_hash=prev_hash, hash="")
        return replace(placed, hash=placed.fingerprint())

    def fingerprint(self) -> str:
        """The hash that this decision should have."""
        body = self.as_dict()
        del body["hash"]
        return digest(body)


def _known(cls: type[Check] | type[Option] | type[Decision], raw: Mapping[str, Json]) -> dict[str, Json]:
    names = {f.name for f in fields(cls)}
    return {name: value for name, value in raw.items() if name in names}


@dataclass(frozen=True)
class Trial:
    """A pure description of one piece of computing.  Its key is the hash of all that decides the result.

    What is equal must compute the same: so params are held in canonical order.  A model that is asked to choose between
    two columns that are as good takes the first, and a store gives objects back in another order than they had.
    """

    kind: str
    params: Mapping[str, Json] = field(default_factory=dict)
    data: str = ""  # fingerprint of the dataset
    seed: int = 0
    uses: tuple[str, ...] = ()  # keys of the evidence it reads
    label: str = field(default="", compare=False)  # for people; not part of the key

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", in_order(self.params))

    @cached_property
    def key(self) -> str:
        return digest(
            {"kind": self.kind, "params": self.params, "data": self.data, "seed": self.seed, "uses": self.uses}
        )

    def as_dict(self) -> dict[str, Json]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Trial:
        return cls(**{**raw, "uses": tuple(raw["uses"])})


@dataclass(frozen=True)
class Evidence:
    """What a trial returned, and what it cost.  `error` is one sentence when it could not be computed."""

    key: str
    kind: str
    value: Mapping[str, Json]
    error: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    device: str = "cpu"
    environment: str = ""
    computed_at: str = ""

    @property
    def ok(self) -> bool:
        return not self.error


@dataclass(frozen=True)
class Progress:
    """How far a running trial is: step of steps (folds, epochs, …), and the point it adds to its curve."""

    step: int
    steps: int
    unit: str = "fold"
    message: str = ""
    point: Mapping[str, float] = field(default_factory=dict)  # e.g. {"epoch": 3, "train loss": .41, "validation": .44}
    left: float | None = None  # seconds that the whole trial will still take, where whoever computes it can tell


@dataclass(frozen=True)
class Answer:
    """What an answerer says to a question."""

    choice: Json
    why: str = ""
    why_author: Author = "person"
    author: Author = "person"
