"""What a trial's function is given: its data, earlier evidence, a place for bytes, and someone to report to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Cancelled
from engine.ports import ArtifactStore, Datasets, EvidenceStore
from engine.records import Json, Progress, Trial

_PROGRESS_EVERY = 0.1  # seconds; a network reports every batch, and each report is a write that others read
_LOOK_EVERY = 0.05  # seconds between two looks whether somebody stopped the trial


@dataclass(frozen=True)
class Workplace:
    """What trials run against.  logs: the folder for tracebacks; without one they are not kept."""

    evidence: EvidenceStore
    artifacts: ArtifactStore
    datasets: Datasets
    logs: Path | None = None


def nobody_listens(progress: Progress) -> None:
    return None


def never() -> bool:
    return False


class RunContext:
    """`engine.trials.Context` for one trial.

    told: takes each progress; those without a point of a curve may be left out when they come thick and fast.
    stopped: whether somebody cancelled the trial.
    """

    def __init__(
        self,
        trial: Trial,
        place: Workplace,
        told: Callable[[Progress], None] = nobody_listens,
        stopped: Callable[[], bool] = never,
    ) -> None:
        self.data = trial.data
        self.seed = trial.seed
        self.uses = trial.uses
        self._place = place
        self._told = told
        self._stopped = stopped
        self._told_at = self._looked_at = -1.0

    def source(self) -> Path:
        return self._place.datasets.path(self.data)

    def evidence(self, key: str) -> dict[str, Json]:
        found = self._place.evidence.get(key)
        if found is None or not found.ok:
            raise KeyError(key)
        return dict(found.value)

    def report(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            if self._stopped():
                raise Cancelled("Stopped before it was through.")
        if progress.point or progress.step >= progress.steps or now - self._told_at >= _PROGRESS_EVERY:
            self._told_at = now
            self._told(progress)

    def keep(self, content: bytes, media_type: str) -> str:
        return self._place.artifacts.keep(content, media_type)

    def fetch(self, digest: str) -> bytes:
        return self._place.artifacts.fetch(digest)
