"""Practice exams on two cores against one, and what doing them apart costs.

    python -m tests.benchmarks.bench_folds [CSV TARGET POSITIVE]

Two processes take the exams of a 5×2 plan, one core each, against one process that takes them all; both through the
whole trial, as the worker runs it.  `wall` is what the clock says, the fastest of three in turn.  Where other programs
share the cores the clock tells little: `free cores` is what two idle ones gain by processor seconds, those of the trial
with one process over those of the longest way through it with two: its own process, what forking takes, and half of the
exams.  `overhead` is all processor seconds of the trial on two cores over those of the bare scikit-learn fits
(`bench_crossval.bare`).  Without a file it takes telco from ../shared/data, or made-up rows.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.evaluation.bench import open_bench
from engine.models.catalogue import as_model
from engine.records import Trial
from engine.runners.again import FreshArtifacts, FreshEvidence
from engine.runners.context import Workplace
from engine.runners.hands import Done, LocalHands, Tick, Work
from engine.runners.inline import perform
from tests.benchmarks.bench_crossval import Here, bare, made_up, recipe_of

MODELS = ("logistic", "boosting", "forest")
ROUNDS = 3
GAIN, OVERHEAD = 1.8, 1.15


@dataclass
class Took:
    """Seconds of one trial.  own, hands, forking: of processors, in its own process, in those that take the exams, and
    in making these."""

    wall: float
    own: float
    hands: float
    forking: float

    def through(self, share: float) -> float:
        """Where the busiest of the hands has this share of the exams."""
        return self.own + share * self.hands + self.forking

    @property
    def all(self) -> float:
        return self.own + self.hands + self.forking


class Counted(LocalHands):
    """Hands whose processor seconds are counted."""

    spent = 0.0

    def take(self, work: Work, places: Sequence[int], tick: Tick) -> Iterator[Done]:
        self.spent = 0.0
        for done in super().take(work, places, tick):
            self.spent += float(done.cost["cpu_seconds"])
            yield done

    def forking(self) -> float:
        """Processor seconds of the process that they come from."""
        assert self.nursery is not None
        spent = psutil.Process(self.nursery.process.pid).cpu_times()
        return spent.user + spent.system


class There:
    def __init__(self, file: Path) -> None:
        self.file = file

    def path(self, fingerprint: str) -> Path:
        return self.file


class Nowhere:
    def keep(self, content: bytes, media_type: str) -> str:
        raise NotImplementedError

    def fetch(self, digest: str) -> bytes:
        raise NotImplementedError


def through(hands: Counted, path: Path, recipe: dict[str, Any], name: str) -> Took:
    """One trial of practice exams; the table is in memory on both sides already."""
    place = Workplace(FreshEvidence(), FreshArtifacts(Nowhere()), There(path), None, None, hands)
    trial = Trial("cross_validate", {"recipe": recipe, "model": as_model(name), "folds": None}, "data")
    before, wall, own = hands.forking(), time.perf_counter(), time.process_time()
    evidence = perform(trial, place)
    wall, own = time.perf_counter() - wall, time.process_time() - own
    assert evidence.ok, evidence.error
    return Took(wall, own, hands.spent, hands.forking() - before)


def measure(path: Path, target: str, positive: str) -> bool:
    """Print the ratios; whether they are within what is promised."""
    recipe = recipe_of(path, target, positive)
    bench = open_bench({"recipe": recipe}, Here(path))  # type: ignore[arg-type]
    good = True
    one, two = Counted(most=1), Counted(most=2)
    try:
        for hands in (one, two):
            hands.start()
            through(hands, path, recipe, "logistic")  # what is imported and loaded once
        for name in MODELS:
            rounds = [(through(one, path, recipe, name), through(two, path, recipe, name)) for _ in range(ROUNDS)]
            plain = min(bare(bench, name) for _ in range(ROUNDS))
            wall = min(a.wall for a, _ in rounds) / min(b.wall for _, b in rounds)
            half = -(-len(bench.splits.folds) // 2) / len(bench.splits.folds)
            free = min(a.through(1.0) for a, _ in rounds) / min(b.through(half) for _, b in rounds)
            overhead = min(b.all for _, b in rounds) / plain
            good = good and free >= GAIN and overhead <= OVERHEAD
            print(
                f"{name:10} wall {wall:4.2f}×   free cores {free:4.2f}×   overhead over the bare fits {overhead:4.2f}×"
            )
    finally:
        one.close()
        two.close()
    print(f"promised: {GAIN}× of one core on two, at most {OVERHEAD}× the bare fits")
    return good


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        telco = Path(__file__).resolve().parents[3] / "shared" / "data" / "telco" / "train.csv"
        if arguments:
            return int(not measure(Path(arguments[0]), arguments[1], arguments[2]))
        if telco.exists():
            return int(not measure(telco, "Churn", "Yes"))
        made_up(Path(folder) / "made_up.csv")
        return int(not measure(Path(folder) / "made_up.csv", "y", "Yes"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
