"""How long a decision takes to be on the disk, against the same bytes in a bare table; and how long a session to open.

    python -m tests.benchmarks.bench_storage [FOLDER]

The folder should lie on the disk that is to be measured.  Targets: append p99 ≤ 10 ms, 1,000 decisions open in ≤ 0.3 s.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.records import Check
from storage.rows import decision_row
from storage.store import Store
from tests.storage.samples import decision, evidence

DECISIONS = 1000

OPENS = """
import time
started = time.perf_counter()
import sys
from storage.store import Store
imported = time.perf_counter()
with Store.open(sys.argv[1]) as store:
    count = len(store.journal("churn").decisions())
    ended = time.perf_counter()
assert count == 1000
print(imported - started, ended - imported)
"""


def timed(step: Callable[[int], object], times: int) -> list[float]:
    """Milliseconds of each of so many calls, in order of size."""
    taken = []
    for number in range(times):
        started = time.perf_counter()
        step(number)
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)


def quantile(taken: Sequence[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))]


def one(number: int) -> dict[str, object]:
    check = Check("roc_auc", 0.84, 0.83, 0.85, 0.71, "5x2 folds", "better", {"rung": "logistic", "parameters": 46})
    return {"question": f"question.{number}", "check": check, "evidence": (evidence(number % 50).key,)}


def floor(folder: Path) -> Callable[[int], object]:
    """A bare insert of the same columns, committed as durably."""
    raw = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
        raw.execute(f"pragma {pragma}")
    row = decision_row(decision(**one(0)))
    raw.execute(f"create table decision (id integer primary key, {', '.join(row)})")
    sql = f"insert into decision ({', '.join(row)}) values ({', '.join('?' * len(row))})"
    values = list(row.values())
    return lambda _: raw.execute(sql, values)


def appends(place: Path, folder: Path) -> tuple[list[float], list[float]]:
    """Both in turns of ten, so that a busy disk is busy for both: the bare ones, and ours."""
    (folder / "data.csv").write_text("a,b\n1,2\n")
    bare_insert = floor(folder)
    bare: list[float] = []
    ours: list[float] = []
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(folder / "data.csv"))
        with store.hold("churn"):
            journal = store.journal("churn")
            for start in range(0, DECISIONS, 10):
                bare += timed(bare_insert, 10)
                ours += timed(
                    lambda n, at=start: journal.append(decision(**one(at + n)), [evidence((at + n) % 50)]), 10
                )
    return sorted(bare), sorted(ours)


def main(arguments: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(dir=arguments[0] if arguments else None) as name:
        folder = Path(name)
        place = folder / "store.sqlite3"
        bare, ours = appends(place, folder)
        print(f"{'':26}{'p50':>9}{'p99':>9}{'max':>9}")
        for title, taken in (("bare insert and commit", bare), ("append a decision", ours)):
            p50, p99 = quantile(taken, 0.5), quantile(taken, 0.99)
            print(f"{title:26}{p50:6.2f} ms{p99:6.2f} ms{taken[-1]:6.2f} ms")
        ratios = [quantile(ours, share) / quantile(bare, share) for share in (0.5, 0.99)]
        print(f"{'ratio':26}{ratios[0]:8.2f}×{ratios[1]:8.2f}×    target: append p99 ≤ 10 ms")
        rounds = []
        for _ in range(5):
            done = subprocess.run(
                [sys.executable, "-c", OPENS, str(place)], capture_output=True, text=True, check=True, timeout=60
            )
            rounds.append([float(part) for part in done.stdout.split()])
        imports, opened = (sorted(part)[len(rounds) // 2] for part in zip(*rounds, strict=True))
        print(f"a fresh process: imports {imports * 1000:.0f} ms, opening and reading {DECISIONS} decisions "
              f"{opened * 1000:.0f} ms    target: ≤ 300 ms together")  # fmt: skip
        print(f"together {(imports + opened) * 1000:.0f} ms; the file has {place.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
