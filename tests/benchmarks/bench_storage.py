"""How long a decision takes to be on the disk, against a bare insert; how long a session to open; and long journals.

Of 10,000 decisions: opened, scrubbed through, verified and searched; and a cohort of 200 stores, listed.

    python -m tests.benchmarks.bench_storage [FOLDER]

The folder should lie on the disk that is to be measured.  Each figure is printed with its goal.  Where other programs
work meanwhile the processor time beside it says what is left of it without them.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.records import Check
from storage.cohort import cohort
from storage.rows import decision_row
from storage.store import Store
from tests.benchmarks.long_journals import a_cohort, long_journal
from tests.benchmarks.pseudo_terminal import Terminal
from tests.storage.samples import decision, evidence

DECISIONS = 1000
LONG, COHORT = 10_000, 200
LEFT, RIGHT, HOME = "\x1b[D", "\x1b[C", "\x1b[H"
KEYS = 200
WORDS = ("word7", "team calls", '"counts more"', "column question.77")

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


def one(number: int) -> dict[str, Any]:
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


READS = """
import sys, time
started, used = time.perf_counter(), time.process_time()
from storage.store import Store
with Store.open(sys.argv[1], read_only=True) as store:
    decisions = store.journal("churn").decisions()
print(time.perf_counter() - started, time.process_time() - used, len(decisions))
"""


def told(what: str, figure: float, unit: str, goal: str, good: bool, cpu: float | None = None) -> None:
    """One line with its goal.  cpu: processor seconds."""
    beside = "" if cpu is None else f"  ({cpu * 1000:,.0f} ms of a processor)"
    print(f"{what:58}{figure:>10,.1f} {unit:6}{goal:>22}  {'✓' if good else '✗ missed'}{beside}")


def long_ones(folder: Path) -> None:
    place = folder / "long.sqlite3"
    long_journal(place, LONG)
    rounds = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", READS, str(place)], capture_output=True, text=True, check=True, timeout=120
        )
        rounds.append(tuple(map(float, done.stdout.split()[:2])))
    wall, cpu = sorted(rounds)[len(rounds) // 2]
    told(f"a fresh process opens and reads {LONG:,} decisions", wall * 1000, "ms", "≤ 500 ms", wall <= 0.5, cpu)
    with Store.open(place, read_only=True) as store:
        started, used = time.perf_counter(), time.process_time()
        assert store.verify("churn") == []
        wall, cpu = time.perf_counter() - started, time.process_time() - used
        told("decisions verified in a second", LONG / wall, "/s", "≥ 20,000 /s", LONG / wall >= 20_000, cpu)
        for words in WORDS:
            assert store.search(words)
            taken = timed(lambda _, words=words: store.search(words), 20)
            told(f"search {words}, p50", quantile(taken, 0.5), "ms", "≤ 50 ms", quantile(taken, 0.5) <= 50)
    for columns, rows in ((80, 24), (120, 40)):
        scrubbed(place, columns, rows)
    a_cohort(folder / "class", COHORT)
    started, used = time.perf_counter(), time.process_time()
    assert len(cohort(folder / "class")) == COHORT
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    told(f"a cohort of {COHORT} stores is listed", wall * 1000, "ms", "≤ 2,000 ms", wall <= 2, cpu)


def scrubbed(place: Path, columns: int, rows: int) -> None:
    """The journal screen over the long one, with keys pressed as a person would who looks at each decision."""
    size = f"{columns}×{rows}"
    command = [sys.executable, "-m", "tui.cli"]
    with Terminal(command, columns, rows, {"RUNGWISE_STORE": str(place)}) as terminal:
        terminal.until("churn")
        terminal.settle()
        used = terminal.used()
        opened = terminal.press("r", "what stood then")
        told(f"{size}  the journal of {LONG:,} opens", opened, "ms", "≤ 500 ms", opened <= 500, terminal.used() - used)
        terminal.settle()
        terminal.key(HOME)
        for _ in range(rows):
            terminal.key(RIGHT)
        used, sent = terminal.used(), terminal.sent
        pressed = [t for i in range(KEYS) if (t := terminal.key(LEFT if i % 50 < 10 else RIGHT, 0.1))]
        used, sent = (terminal.used() - used) / KEYS, (terminal.sent - sent) / KEYS
        for at, what in ((0, "seen"), (1, "settled")):
            taken = sorted(t[at] for t in pressed)
            for share, name in ((0.5, "p50"), (0.99, "p99")):
                ms = quantile(taken, share)
                goal, good = ("≤ 50 ms", ms <= 50) if name == "p99" else ("", True)
                told(f"{size}  a key while scrubbing, {what}, {name}", ms, "ms", goal, good, used)
        print(f"{size}  {sent / 1000:.1f} kB a key")


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
        long_ones(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
