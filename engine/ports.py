"""What the method needs from whoever keeps its records and runs its trials; storage/ and engine/runners/ fill it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from engine.records import Decision, Evidence, Progress, Trial


class Journal(Protocol):
    """The decisions of one branch, oldest first: append-only and hash-chained."""

    def decisions(self) -> Sequence[Decision]: ...

    def append(self, decision: Decision, evidence: Sequence[Evidence] = ()) -> Decision:
        """Seal the decision, and write it with the evidence it cites in one transaction.  Durable on return."""
        ...


class EvidenceStore(Protocol):
    """Evidence by trial key.  Written once; a second `put` of the same key leaves the first in place."""

    def get(self, key: str) -> Evidence | None: ...

    def put(self, evidence: Evidence) -> None: ...


class ArtifactStore(Protocol):
    """Bytes by their SHA-256 (fitted models, out-of-fold predictions)."""

    def keep(self, content: bytes, media_type: str) -> str: ...

    def fetch(self, digest: str) -> bytes: ...


class Datasets(Protocol):
    def path(self, fingerprint: str) -> Path:
        """Where a dataset lies.  Raises DataProblem when it is gone or has changed."""
        ...


TrialStatus = Literal["queued", "running", "done", "failed", "cancelled"]
Wish = Literal["", "cancel", "pause", "enough"]
"""What a person wants of a running trial: pause = wait until the wish is taken back; enough = trainings end after the
epoch they are in, and keep the best so far; nothing else."""


@dataclass(frozen=True)
class TrialState:
    """A queued trial as others see it."""

    trial: Trial
    status: TrialStatus
    progress: Progress | None = None
    curve: tuple[Progress, ...] = field(default=())  # every progress that carried a point, in order
    reason: str = ""  # why it failed, in plain words
    started_at: float | None = None  # seconds since the epoch
    elapsed: float = 0.0  # seconds it has run
    wish: Wish = ""  # what a person wants of it while it runs

    @property
    def learns(self) -> bool:
        """Whether it trains in epochs, so that it has a best so far: known from its first one on."""
        return bool(self.curve) and "epoch" in self.curve[-1].point


class TrialQueue(Protocol):
    """Work handed from whoever asks to whoever computes."""

    def submit(self, trials: Sequence[Trial]) -> None:
        """Queue trials that are not there yet; one that failed or was cancelled is queued again."""
        ...

    def states(self, keys: Sequence[str]) -> dict[str, TrialState]: ...

    def cancel(self, keys: Sequence[str]) -> None: ...

    def want(self, keys: Sequence[str], wish: Wish) -> None:
        """Say what is wanted of these, where they run; "" takes a pause back.  Cancelling goes before all else."""
        ...

    # the worker's side
    def claim(self, worker: str) -> Trial | None:
        """The next queued trial, now running under this worker; None when there is none."""
        ...

    def report(self, key: str, progress: Progress) -> None: ...

    def cancelled(self, key: str) -> bool: ...

    def wish(self, key: str) -> Wish: ...

    def finish(self, key: str, status: TrialStatus, reason: str = "") -> None: ...

    def beat(self, worker: str) -> None:
        """Say that this worker lives; a running trial whose worker has been silent too long is marked failed."""
        ...
