"""How long a first look at a large table takes, and how much memory, against reading the same file with pandas.

    python -m tests.benchmarks.bench_profile [ROWS]

The table has 30 columns: 12 measures (6 with empty cells), 8 whole numbers, 6 categories of 3 to 2,000 levels,
a date, a moment, a key and a short text.  Both run in fresh processes, in turns, and the quickest of each counts, so
that a busy machine is busy for both.  Memory is the most that a process ever held, its libraries included, against the
table in memory as pandas holds it.  Targets: 3 × the time of `pandas.read_csv(engine="pyarrow")`, 3 × the table.
A second table has few rows and 10,000 columns.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.records import Json, Progress

ROWS, ROUNDS = 1_000_000, 4
WIDE_ROWS, WIDE_COLUMNS = 2_000, 10_000
WORDS = "the a customer called about bill line router was slow again asked for refund thanks ok broken sent new one"


def columns(rows: int) -> dict[str, np.ndarray]:
    """The columns of the large table, numbers as float64 (NaN where empty) and int64, all others as text."""
    rng = np.random.default_rng(0)
    made: dict[str, np.ndarray] = {}
    for i in range(12):
        values = np.round(rng.normal(10 * i, 5, rows) if i % 3 else rng.gamma(2, 100, rows), (2, 4, 6, 3)[i % 4])
        made[f"measure_{i}"] = np.where(rng.random(rows) < 0.03 * (i + 1), np.nan, values) if i < 6 else values
    for i, top in enumerate((5, 12, 100, 1000, 10_000, 100_000, 1_000_000, 100_000_000)):
        made[f"whole_{i}"] = rng.integers(0, top, rows)
    for i, levels in enumerate((3, 6, 20, 100, 500, 2000)):
        made[f"kind_{i}"] = np.array([f"level {j}" for j in range(levels)])[rng.integers(0, levels, rows)]
    start = np.datetime64("2019-01-01T00:00:00")
    made["opened_on"] = (start.astype("datetime64[D]") + rng.integers(0, 2000, rows)).astype(str)
    made["changed_at"] = np.char.replace((start + rng.integers(0, 2000 * 86400, rows)).astype(str), "T", " ")
    made["record_id"] = np.char.add("r", np.char.zfill(np.arange(rows).astype(str), 8))
    words = np.array(WORDS.split())[rng.integers(0, len(WORDS.split()), (rows, 6))]
    made["note"] = np.array([" ".join(row) for row in words], dtype=object)
    return made


def write(made: dict[str, np.ndarray], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in made.items()})
    pacsv.write_csv(table, path, pacsv.WriteOptions(quoting_style="none"))


def most_held() -> float:
    """The most memory that this process has held so far, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return 1024.0 * int(found.group(1)) if found else float("nan")


def measured(step: Callable[[Path], Any], path: Path) -> dict[str, float]:
    """Seconds and bytes of one step in a process of its own, which has imported what it needs."""
    started = time.perf_counter()
    done = step(path)
    seconds = time.perf_counter() - started
    table = float(done.memory_usage(deep=True).sum()) if hasattr(done, "memory_usage") else 0.0
    return {"seconds": seconds, "held": most_held(), "table": table}


def floor() -> Callable[[Path], Any]:
    import pandas as pd
    import pyarrow  # noqa: F401 - imported, not timed

    return lambda path: pd.read_csv(path, engine="pyarrow")


def ours() -> Callable[[Path], Any]:
    from engine.data.profile import profile

    return lambda path: profile({"read": None}, Here(path))


class Here:
    """The context of a trial on one file."""

    data, seed, uses = "", 0, ()

    def __init__(self, path: Path) -> None:
        self.path = path

    def source(self) -> Path:
        return self.path

    def evidence(self, key: str) -> dict[str, Json]:
        raise KeyError(key)

    def report(self, progress: Progress) -> None:
        pass

    def keep(self, content: bytes, media_type: str) -> str:
        return ""

    def fetch(self, digest: str) -> bytes:
        raise KeyError(digest)


STEPS = {"floor": floor, "ours": ours}


def alone(name: str, path: Path) -> dict[str, float]:
    """What `measured` says in a fresh process."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_profile", name, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return json.loads(done.stdout)


def compare(title: str, path: Path, rounds: int) -> None:
    found: dict[str, list[dict[str, float]]] = {name: [] for name in STEPS}
    for _ in range(rounds):
        for name in STEPS:
            found[name].append(alone(name, path))
    table = found["floor"][0]["table"]
    best = {name: {key: min(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()}
    print(f"{title}: a file of {path.stat().st_size / 1e6:.0f} MB, a table of {table / 1e6:.0f} MB")
    for name, words in (("floor", "pandas.read_csv"), ("ours", "profile")):
        held = best[name]["held"]
        print(f"  {words:18}{best[name]['seconds']:7.2f} s {held / 1e6:7.0f} MB held ({held / table:.2f} × the table)")
    ratio = best["ours"]["seconds"] / best["floor"]["seconds"]
    print(f"  {'ratio':18}{ratio:7.2f} ×                        target: 3 × the time, 3 × the table")


def main(arguments: Sequence[str]) -> None:
    if arguments and arguments[0] in STEPS:
        print(json.dumps(measured(STEPS[arguments[0]](), Path(arguments[1]))))
        return
    rows = int(arguments[0]) if arguments else ROWS
    with tempfile.TemporaryDirectory() as folder:
        large, wide = Path(folder) / "large.csv", Path(folder) / "wide.csv"
        write(columns(rows), large)
        print(f"{os.cpu_count()} cores; quickest of {ROUNDS} runs each, in turns")
        compare(f"{rows:,} rows × 30 columns", large, ROUNDS)
        large.unlink()
        rng = np.random.default_rng(0)
        write({f"c{i}": rng.integers(0, 1000, WIDE_ROWS) for i in range(WIDE_COLUMNS)}, wide)
        compare(f"{WIDE_ROWS:,} rows × {WIDE_COLUMNS:,} columns", wide, 2)


if __name__ == "__main__":
    main(sys.argv[1:])
