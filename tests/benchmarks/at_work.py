"""A store as after some weeks: 199 sessions just begun, and one that stands before its network's practice exams.

    python -m tests.benchmarks.at_work FOLDER

The training itself is left to whoever opens the session, so that it is seen going on.
"""

from __future__ import annotations

import contextlib
import csv
import random
import sys
from pathlib import Path

from engine.answerers import accept_recommended, from_plan
from engine.models.networks.spec import NETWORKS
from engine.records import Evidence, Progress, Trial
from engine.stages import STAGES
from storage.store import Store
from tui import headless
from tui.opened import OpenSession, new_session
from tui.sample import SAMPLE, SAMPLE_TARGET
from tui.workers import workplace

SESSIONS = 200
TRAINING = "training"  # the session's name
TIMES = 6  # the sample's rows are taken so often
LEFT_OUT = ("customer_id", "retention_offer")  # a key and a leak: questions about them are not what is measured
ANSWERS = {
    "problem.target": SAMPLE_TARGET,
    "problem.smallest_gain": 0.3,
    "data.order": {},
    "simple.candidates": ["logistic", "tree", "boosting"],  # the gate asks for one of each kind
    "improve.next": "stop",
    "deep.gate": "open",
}
WHYS = {
    "problem.target": "It is the column that the sample is there for.",
    "problem.smallest_gain": "No gain matters here.",
    "data.order": "An order of plans has nothing to do with how fast a key is.",
    "simple.candidates": "One of each kind is what the gate asks for, and no more is needed.",
    "improve.next": "Improving is not what is measured either.",
    "deep.gate": "Training it is what this session is there to measure, whatever the net may find.",
}


class Reached(Exception):
    """The network would be trained now."""


class UntilTheNetwork:
    """A `tui.headless.Listener` that stops the run there."""

    def stage(self, name: str) -> None: ...

    def progressed(self, trial: Trial, progress: Progress) -> None: ...

    def ended(self, trial: Trial, evidence: Evidence) -> None: ...

    def began(self, trial: Trial) -> None:
        if is_training(trial):
            raise Reached


def is_training(trial: Trial) -> bool:
    """Whether it is a network's practice exams: not the first trainings on one split, which are soon over."""
    model = trial.params.get("model")
    return (
        trial.kind == "cross_validate"
        and trial.params.get("folds") != 1
        and isinstance(model, dict)
        and model.get("name") in {net.name for net in NETWORKS}
    )


def customers(path: Path) -> None:
    """The sample several times over, each time with slightly other figures."""
    draw = random.Random(0)
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name not in LEFT_OUT], extrasaction="ignore")
        writer.writeheader()
        for _ in range(TIMES):
            for row in rows:
                writer.writerow(row | {"data_gb": f"{float(row['data_gb']) * draw.uniform(0.5, 2):.2f}"})


def prepare(folder: Path) -> None:
    data = folder / "customers.csv"
    customers(data)
    with Store.open(folder / "rungwise.sqlite3") as store:
        new_session(store, data, TRAINING)
        opened = OpenSession.open(
            store, TRAINING, work="here", stages=STAGES, answerers=(from_plan(ANSWERS, WHYS), accept_recommended)
        )
        try:
            with contextlib.closing(workplace(store)) as place:
                headless.run(opened, place, UntilTheNetwork())
        except Reached:
            pass
        else:
            raise SystemExit("The run ended without a network.")
        finally:
            opened.close()
        for _ in range(SESSIONS - 1):
            new_session(store, data)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
