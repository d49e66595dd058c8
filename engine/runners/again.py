"""Computing evidence again: where it is put meanwhile, and how it compares with what was recorded."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.ports import ArtifactStore
from engine.records import Evidence, Json, Trial

SAME = 1e-9  # relative: sums taken in another order
TOLERATED = 1e-4  # relative: 32-bit arithmetic on another processor or with another number of threads

# What tells the clock or carries a time; it is never the same twice, and says nothing about the figures.
_TIMED = ("seconds", "_ms", "per_second", "bytes")
_ASIDE = frozenset({"oof", "artifact", "timings", "chosen", "why", "threads", "remarks", "worst_when", "final_exams"})

_TIMED_KINDS = frozenset({"latency", "device"})  # trials that measure this machine at this moment

Outcome = Literal["reproduced", "within tolerance", "drifted", "timed again", "new"]


class FreshEvidence:
    """Evidence of this process only: an `engine.ports.EvidenceStore` that begins empty."""

    def __init__(self) -> None:
        self._by_key: dict[str, Evidence] = {}

    def get(self, key: str) -> Evidence | None:
        return self._by_key.get(key)

    def put(self, evidence: Evidence) -> None:
        self._by_key.setdefault(evidence.key, evidence)


class FreshArtifacts:
    """Bytes of this process first, then those of the store; the store gets none."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._by_digest: dict[str, bytes] = {}

    def keep(self, content: bytes, media_type: str) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._by_digest[digest] = content
        return digest

    def fetch(self, digest: str) -> bytes:
        found = self._by_digest.get(digest)
        return self._store.fetch(digest) if found is None else found


@dataclass(frozen=True)
class Difference:
    """One figure, named by its path in the evidence, as it was recorded and as it came out now."""

    where: str
    recorded: Json
    again: Json

    @property
    def outcome(self) -> Outcome:
        """within tolerance or drifted: what is the same is no difference."""
        return "within tolerance" if self.within(TOLERATED) else "drifted"

    def within(self, relative: float) -> bool:
        pair = (self.recorded, self.again)
        return all(map(_is_number, pair)) and math.isclose(*pair, rel_tol=relative, abs_tol=relative * 1e-3)


@dataclass(frozen=True)
class Comparison:
    """A trial computed again.  differences: those beyond SAME; recorded: False when the store has no evidence of it."""

    trial: Trial
    figures: int
    differences: tuple[Difference, ...] = ()
    recorded: bool = True
    failed: str = field(default="")
    cause: str = ""  # of what came out otherwise, see `engine.runners.causes`

    @property
    def outcome(self) -> Outcome:
        if not self.recorded:
            return "new"
        if not self.differences:
            return "timed again" if self.trial.kind in _TIMED_KINDS else "reproduced"
        return "within tolerance" if all(d.within(TOLERATED) for d in self.differences) else "drifted"


def compare(trial: Trial, recorded: Evidence | None, again: Evidence) -> Comparison:
    """How evidence that was computed again stands to what was recorded."""
    if recorded is None:
        return Comparison(trial, 0, recorded=False, failed=again.error)
    if recorded.ok != again.ok:
        return Comparison(trial, 1, (Difference("error", recorded.error, again.error),), failed=again.error)
    if trial.kind in _TIMED_KINDS:
        return Comparison(trial, 0)
    pairs = list(_pairs(recorded.value, again.value, ""))
    found = tuple(Difference(*pair) for pair in pairs if not _same(pair[1], pair[2]))
    return Comparison(trial, len(pairs), found)


def _pairs(old: Json, new: Json, where: str) -> Iterator[tuple[str, Json, Json]]:
    """Every leaf of two JSON values, side by side; one of another shape counts as one leaf."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(set(old) | set(new)):
            if key not in _ASIDE and not key.endswith(_TIMED):
                yield from _pairs(old.get(key), new.get(key), f"{where}.{key}" if where else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _pairs(a, b, f"{where}[{i}]")
    else:
        yield where, old, new


def _same(old: Json, new: Json) -> bool:
    if _is_number(old) and _is_number(new):
        return math.isclose(old, new, rel_tol=SAME, abs_tol=1e-12)
    return old == new


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
