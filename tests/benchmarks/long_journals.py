"""Long journals and large cohorts to measure on: what a store of years, or a class of two hundred, would hold."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.records import GENESIS, Check, Decision
from storage.journal import write_decision
from storage.rows import as_kept
from storage.store import Store
from tests.engine.review.journals import say
from tests.storage.samples import decision
from tests.tui.reviewed import sound_session


def long_journal(place: Path, length: int) -> None:
    """A store with a session `churn` of so many decisions; each 50th puts a model on a rung."""
    table = place.with_name("data.csv")
    table.write_text("a,b\n1,2\n")
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(table))
        branch, previous = store.sessions.branch("churn").id, GENESIS
        with store._connection.write() as db:
            for seq in range(1, length + 1):
                sealed = as_kept(_one(seq)).sealed(seq, previous)
                write_decision(db, branch, sealed)
                previous = sealed.hash


def _one(seq: int) -> Decision:
    rung = {"rung": f"model {seq % 7}", "parameters": 46} if seq % 50 == 0 else {}
    check = Check("roc_auc", 0.5 + seq % 400 / 1000, 0.5, 0.95, 0.5, "5x2 folds", "better", rung)
    why = f"The team calls in order, so word{seq % 97} counts more than word{seq % 89} here."
    return decision(f"question.{seq}", subject=f"column {seq % 13}", check=check, why=why, stage=f"stage {seq // 2000}")


def a_cohort(folder: Path, size: int) -> None:
    """So many stores, each with one session of some forty decisions; every third has something serious flagged."""
    folder.mkdir()
    made = []
    for flagged in (False, True):
        place = folder.parent / f"trainee-{flagged}.sqlite3"
        with Store.open(place) as store:
            sound_session(store, place.with_suffix(".csv"), *([say("problem.unit", "customer")] if flagged else []))
        made.append(place)
    for number in range(size):
        shutil.copyfile(made[number % 3 == 0], folder / f"trainee-{number:03}.sqlite3")
