"""What a trial's function is given: its data, earlier evidence, a place for bytes, and someone to report to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import Cancelled
from engine.ports import ArtifactStore, Datasets, EvidenceStore, Wish
from engine.records import Json, Progress, Trial, digest
from engine.runners.environment import code_key
from engine.runners.eta import Underway
from engine.runners.hands import Asked, Hands, State, Work
from engine.runners.kept import KeptParts
from engine.trials import Division, take_part

_PROGRESS_EVERY = 0.1  # seconds; a network reports every batch, and each report is a write that others read
_LOOK_EVERY = 0.05  # seconds between two looks whether somebody stopped the trial
_WAIT = 0.1  # seconds between two looks while it is paused
_SAID_AGAIN = 1.0  # seconds between two words on how long it will still take, while no part is done


@dataclass(frozen=True)
class Workplace:
    """What trials run against.

    logs: the folder for tracebacks; without one they are not kept.  kept: where finished parts of trials are kept;
    without it a trial that is broken off begins anew.  hands: who computes parts; without them this process does, one
    after the other, with the same figures.
    """

    evidence: EvidenceStore
    artifacts: ArtifactStore
    datasets: Datasets
    logs: Path | None = None
    kept: KeptParts | None = None
    hands: Hands | None = None

    def close(self) -> None:
        """End the processes that computed for it."""
        if self.hands is not None:
            self.hands.close()


@dataclass
class Cost:
    """What parts cost that were not computed by this process, or before.  cpu_seconds; peak_memory_mb: the highest."""

    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0

    def add(self, cost: Mapping[str, Json]) -> None:
        self.cpu_seconds += float(cost.get("cpu_seconds", 0.0))
        self.peak_memory_mb = max(self.peak_memory_mb, float(cost.get("peak_memory_mb", 0.0)))


def nobody_listens(progress: Progress) -> None:
    return None


def never() -> bool:
    return False


def nothing() -> Wish:
    return ""


class RunContext:
    """`engine.trials.Context` for one trial.

    told: takes each progress; those without a point of a curve may be left out when they come thick and fast.
    stopped: whether somebody cancelled the trial.  wished: what else a person wants of it.

    saved: where a training keeps how far it has come, of the part that is being computed here, or of the trial itself;
    None where nothing is kept.  most: epochs after which a person has seen enough of every training of the trial; None
    while nobody said so.
    """

    most: int | None = None

    def __init__(
        self,
        trial: Trial,
        place: Workplace,
        told: Callable[[Progress], None] = nobody_listens,
        stopped: Callable[[], bool] = never,
        wished: Callable[[], Wish] = nothing,
    ) -> None:
        self._wished = wished
        self._wish: Wish = ""
        self._epochs = 0  # done by the training that told of itself last
        self.data = trial.data
        self.seed = trial.seed
        self.uses = trial.uses
        self._place = place
        self._told = told
        self._stopped = stopped
        self._label = trial.label
        self._told_at = self._looked_at = -1.0
        self._state: State | None = None  # of the parts that are being computed
        self._here = True  # whether that is done by this process
        self._last: Progress | None = None
        self.saved = self._own = place.kept.state(self._key_of(trial)) if place.kept is not None else None
        self.cost = Cost()

    def source(self) -> Path:
        return self._place.datasets.path(self.data)

    def evidence(self, key: str) -> dict[str, Json]:
        found = self._place.evidence.get(key)
        if found is None or not found.ok:
            raise KeyError(key)
        return dict(found.value)

    def report(self, progress: Progress) -> None:
        self._look()
        if self._state is None or self._here:
            self._wait()
        if self._state is not None and progress.left is None:
            progress = replace(progress, left=self._state.left)
        if "epoch" in progress.point:
            self._epochs = int(progress.point["epoch"])
        now = time.monotonic()
        if progress.point or progress.step >= progress.steps or now - self._told_at >= _PROGRESS_EVERY:
            self._told_at = now
            self._last = replace(progress, point={})
            self._told(progress)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            if self._stopped():
                raise Cancelled("Stopped before it was through.")
            self._wish = self._wished()
            if self._wish == "enough" and self.most is None:
                self.most = self._epochs + 1

    def _wait(self) -> None:
        """While a person wants it paused: nothing is computed, and nothing is lost."""
        while self._wish == "pause":
            time.sleep(_WAIT)
            self._look()

    # -- work that falls into parts --------------------------------------------------------------------------------

    def parts(self, division: Division) -> Iterator[tuple[int, bytes]]:
        """(place, result) of every part, as each is done; those that were computed before come first, at once."""
        keys = [self._key(division, params) for params in division.parts]
        seconds: list[float] = []
        missing: list[int] = []
        for place, key in enumerate(keys):
            found = self._place.kept.get(key) if self._place.kept is not None else None
            if found is None:
                missing.append(place)
                continue
            content, cost = found
            seconds.append(float(cost.get("seconds", 0.0)))
            self.cost.add(cost)
            yield place, content
        alone = self._here = division.here or self._place.hands is None
        try:
            compute = self._alone if alone else self._side_by_side
            for place, content, cost in compute(division, missing, seconds, keys):
                if self._place.kept is not None and self.most is None:  # what a person cut short is no part of another
                    self._place.kept.put(keys[place], content, cost)
                yield place, content
        finally:
            self._state = None

    @staticmethod
    def _key_of(trial: Trial) -> str:
        """Of what the trial itself is in the middle of; another code's training is not gone on with."""
        return digest({"trial": trial.key, "code": code_key()})

    def _key(self, division: Division, params: Mapping[str, Json]) -> str:
        what = {"part": division.function, "params": params, "data": self.data, "seed": self.seed}
        return digest({**what, "code": code_key()})

    def _alone(
        self, division: Division, missing: Sequence[int], before: list[float], keys: Sequence[str]
    ) -> Iterator[tuple[int, bytes, dict[str, Json]]]:
        """The parts in this process, one after the other."""
        finished = list(before)
        for done, place in enumerate(missing):
            wall, cpu = time.perf_counter(), time.process_time()
            self._state = State(finished, [Underway(0.0)], len(missing) - done - 1)
            self.saved = self._place.kept.state(keys[place]) if self._place.kept is not None else None
            content = take_part(self, division, place)
            self.saved = self._own
            seconds = time.perf_counter() - wall
            finished.append(seconds)
            self._state = State(finished, [], len(missing) - done - 1)
            yield place, content, {"seconds": seconds, "cpu_seconds": time.process_time() - cpu}

    def _side_by_side(
        self, division: Division, missing: Sequence[int], before: list[float], keys: Sequence[str]
    ) -> Iterator[tuple[int, bytes, dict[str, Json]]]:
        if not missing:
            return
        assert self._place.hands is not None

        def tick(state: State) -> Asked:
            self._look()
            self._state = replace(state, finished=[*before, *state.finished])
            if state.progress is not None:
                self.report(state.progress)
            elif self._last is not None and time.monotonic() - self._told_at >= _SAID_AGAIN:
                self.report(replace(self._last, left=None, message=state.remark))
            return Asked(self._wish == "pause", self.most)

        kept = self._place.kept
        states = [kept.state(key).file for key in keys] if kept is not None else []
        work = Work(division, self.source(), self.data, self.seed, self._label, states)
        for done in self._place.hands.take(work, missing, tick):
            self.cost.add(done.cost)
            yield done.place, done.content, dict(done.cost)

    def keep(self, content: bytes, media_type: str) -> str:
        return self._place.artifacts.keep(content, media_type)

    def fetch(self, digest: str) -> bytes:
        return self._place.artifacts.fetch(digest)
