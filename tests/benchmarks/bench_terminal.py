"""The terminal app against an empty Textual app: first paint, memory, keys and bytes while a network trains.

    python -m tests.benchmarks.bench_terminal [TURNS]

Each program runs in a pseudo-terminal of its own, in turns, so that a busy machine slows both; the ratio is the median
of the ratios of each turn.  Processor seconds are printed beside the clock's.  Targets: first paint at most 1.2 times
the empty app's, settled 2 times, with 2.5 times its processor time; 60 MiB resident, and 90 after an hour's updates of
a training, no more than after ten minutes'; a session of 200 decisions opened within 300 ms; while a network trains, 99
of 100 keys settled within 60 ms and at most 4 kB sent in any second when nobody types; nothing sent while idle; in a
list of 5,000 columns a key settles within 20 ms (50 ms for 99 of 100) and costs at most 1.5 kB, a page 16 kB, and a
held arrow stops half a second after it is let go.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

import psutil

from engine.ports import TrialState
from storage.store import Store
from tests.benchmarks.at_work import SESSIONS, TRAINING, is_training
from tests.benchmarks.long_journals import long_journal
from tests.benchmarks.pseudo_terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
EMPTY = [sys.executable, "-m", "tests.benchmarks.empty_app"]
RUNGWISE = [sys.executable, "-m", "tui.cli"]
SIZES = ((80, 24), (120, 40))
COLUMNS = [sys.executable, "-m", "tests.benchmarks.columns_app"]
TRAINS = [sys.executable, "-m", "tests.benchmarks.training_app"]
PAINT, SETTLED, SPENT, KEY_MS, BUSY_MS, BYTES = 1.2, 2.0, 2.5, 50.0, 60.0, 4000.0  # the targets
START_MIB, HOUR_MIB, GROWN_MIB, OPENED_MS = 60.0, 90.0, 4.0, 300.0
HAND_MS, KEY_BYTES, PAGE_BYTES, STOPS = 20.0, 1500.0, 16_000.0, 0.5
LINE = 32_000.0  # bytes a second of a slow line
TURNS = 5
LONG = 200  # decisions
KEYS = 120  # pressed while a network trains, in a terminal of each size
WATCHED = 5.0  # seconds in which nobody types
UP, DOWN, PAGE_DOWN = "\x1b[A", "\x1b[B", "\x1b[6~"
JOURNAL, WORKBENCH = "what stood then", "▸ define"  # the texts by which their screens are known


class Table:
    """Lines of what, value, floor, ratio, target, ok or over; printed as they come."""

    def __init__(self) -> None:
        self.over = False
        print(f"{'':52}{'value':>12}{'empty app':>12}{'ratio':>8}  {'target':>10}")

    def line(
        self, what: str, value: str, floor: str = "", ratio: float | None = None, target: str = "", ok: bool = True
    ) -> None:
        self.over = self.over or not ok
        shown = "" if ratio is None else f"{ratio:.2f}"
        verdict = ("ok" if ok else "OVER") if target else ""
        print(f"{what:52}{value:>12}{floor:>12}{shown:>8}  {target:>10}  {verdict}".rstrip(), flush=True)

    def ratios(
        self, what: str, ours: Sequence[float], floors: Sequence[float], show: Callable[[float], str], most: float = 0.0
    ) -> None:
        """Medians, and the median of the ratios turn by turn.  most: 0 for no target."""
        ratio = statistics.median(a / b for a, b in zip(ours, floors, strict=True))
        target, ok = (f"≤ {most:g}×", ratio <= most) if most else ("", True)
        self.line(what, show(statistics.median(ours)), show(statistics.median(floors)), ratio, target, ok)


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def mib(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"


def rungwise(store: Path, columns: int, rows: int) -> Terminal:
    return Terminal(RUNGWISE, columns, rows, {"RUNGWISE_STORE": str(store), "PYTHONPATH": str(ROOT)})


def empty(columns: int, rows: int) -> Terminal:
    return Terminal(EMPTY, columns, rows, {"PYTHONPATH": str(ROOT)})


def starts(table: Table, folder: Path, store: Path, turns: int) -> None:
    """First paint, until all is quiet, and memory then and on an opened workbench."""
    for columns, rows in SIZES:
        size = f"{columns}×{rows}"
        names = ("empty", "none", "many")
        paint: dict[str, list[float]] = {name: [] for name in names}
        cpu: dict[str, list[float]] = {name: [] for name in names}
        quiet: dict[str, list[float]] = {name: [] for name in names}
        memory: dict[str, list[float]] = {name: [] for name in (*names, "opened")}
        whole: dict[str, list[float]] = {name: [] for name in names}
        sent: list[int] = []
        for turn in range(turns + 1):  # the first fills the caches, and does not count
            for name in names:
                made = (
                    empty(columns, rows)
                    if name == "empty"
                    else rungwise(store if name == "many" else folder / f"none-{columns}-{turn}.sqlite3", columns, rows)
                )
                with made as terminal:
                    terminal.settle()
                    if not turn:
                        continue
                    paint[name].append(terminal.taken)
                    quiet[name].append(terminal.last - terminal.began)
                    cpu[name].append(terminal.cpu)
                    whole[name].append(terminal.used())
                    memory[name].append(terminal.memory())
                    if name == "many":
                        terminal.key("\r", 1.0)
                        terminal.settle(1.0)
                        memory["opened"].append(terminal.memory())
                        before = terminal.sent
                        terminal.settle(1.0)
                        sent.append(terminal.sent - before)
        for name, what in (("none", "an empty store"), ("many", f"{SESSIONS} sessions")):
            table.ratios(f"{size} first paint, {what}", paint[name], paint["empty"], ms, PAINT)
            table.ratios(f"{size}   its processor time", cpu[name], cpu["empty"], ms)
            table.ratios(f"{size} until all is quiet", quiet[name], quiet["empty"], ms, SETTLED)
            if name == "many":
                more = statistics.median(m - n for m, n in zip(quiet["many"], quiet["none"], strict=True)) * 1000
                table.line(f"{size}   what {SESSIONS} sessions add to it", f"{more:.0f} ms",
                           target=f"≤ {OPENED_MS:g} ms", ok=more <= OPENED_MS)  # fmt: skip
            table.ratios(f"{size}   its processor time", whole[name], whole["empty"], ms, SPENT)
            taken = statistics.median(memory[name]) / 2**20
            table.line(f"{size} memory on home, {what}", f"{taken:.1f} MiB", mib(statistics.median(memory["empty"])),
                       None, f"≤ {START_MIB:g} MiB", taken <= START_MIB)  # fmt: skip
        table.ratios(f"{size} memory on an opened workbench", memory["opened"], memory["empty"], mib)
        table.line(f"{size} sent by an idle workbench", f"{max(sent)} B/s", target="0 B/s", ok=not any(sent))


def by_hand(table: Table) -> None:
    """Keys in a list of 5,000 columns: how fast, how many bytes, and whether a held one stops when it is let go."""
    for columns, rows in SIZES:
        size = f"{columns}×{rows}"
        with Terminal(COLUMNS, columns, rows, {"PYTHONPATH": str(ROOT)}) as ours, empty(columns, rows) as floor:
            for terminal in (ours, floor):
                terminal.settle(1.0)
            times: list[float] = []
            floors: list[float] = []
            sent: list[float] = []
            for n in range(KEYS):
                before = ours.sent
                if answered := ours.key(DOWN if n % 40 < 30 else UP, 0.05):
                    times.append(answered[1])
                    sent.append(ours.sent - before)
                if answered := floor.key(DOWN, 0.05):
                    floors.append(answered[1])
            for share, name, most in ((0.5, "p50", HAND_MS), (0.99, "p99", KEY_MS)):
                mine, other = quantile(times, share), quantile(floors, share)
                table.line(f"{size} a key among 5,000 columns, settled, {name}", f"{mine:.1f} ms", f"{other:.1f} ms",
                           mine / other, f"≤ {most:g} ms", mine <= most)  # fmt: skip
            small = (columns, rows) == (80, 24)  # the goals: bytes of a key there, of a page on the larger one
            cost, most, pages = statistics.median(sent), f"≤ {KEY_BYTES:.0f} B" if small else "", []
            table.line(f"{size}   its bytes, median", f"{cost:.0f} B", "", None, most, not small or cost <= KEY_BYTES)
            for _ in range(10):
                before = ours.sent
                ours.key(PAGE_DOWN, 0.05)
                pages.append(ours.sent - before)
            page, most = max(pages), "" if small else f"≤ {PAGE_BYTES:.0f} B"
            table.line(f"{size}   bytes of a page down, most", f"{page} B", "", None, most, small or page <= PAGE_BYTES)
            ours.settle(0.5)
            after = ours.hold(DOWN, 90, 30.0, LINE)
            table.line(f"{size} a held arrow over {LINE / 1000:g} kB/s goes on for", f"{after:.2f} s",
                       target=f"≤ {STOPS:g} s", ok=after <= STOPS)  # fmt: skip
            before = ours.sent
            ours.settle(2.0)
            table.line(
                f"{size} sent while nobody types", f"{ours.sent - before} B", target="0 B", ok=ours.sent == before
            )


def long_session(table: Table, folder: Path) -> None:
    """Opening a session of 200 decisions, its journal and its workbench: from the key until it can be read."""
    place = folder / "long" / "long.sqlite3"
    place.parent.mkdir()
    long_journal(place, LONG)
    for (columns, rows), (key, text, what) in product(
        SIZES, (("r", JOURNAL, "journal"), ("\r", WORKBENCH, "workbench"))
    ):
        times = []
        for _ in range(3):
            with rungwise(place, columns, rows) as terminal:
                terminal.until("churn")
                terminal.settle(1.5)  # what the next screens need is imported meanwhile, as while a person reads
                times.append(terminal.press(key, text))
        most = statistics.median(times)
        table.line(f"{columns}×{rows} opening the {what} of {LONG} decisions", f"{most:.0f} ms",
                   target=f"≤ {OPENED_MS:g} ms", ok=most <= OPENED_MS)  # fmt: skip


def a_training(table: Table) -> None:
    """The worst second of a training that shows an epoch each quarter of one, and an hour of it as fast as it goes."""
    for columns, rows in SIZES:
        with Terminal(TRAINS, columns, rows, {"PYTHONPATH": str(ROOT)}) as terminal:
            terminal.until("epoch")
            sent = [terminal.during(0.25) for _ in range(4 * 22)][8:]
        worst = max(sum(sent[i : i + 4]) for i in range(len(sent) - 3))
        table.line(f"{columns}×{rows} most sent in a second of training", f"{worst} B", target=f"≤ {BYTES:.0f} B",
                   ok=worst <= BYTES)  # fmt: skip
    done = subprocess.run([*TRAINS, "--hour"], cwd=ROOT, capture_output=True, text=True, check=True)
    begun, hour = (json.loads(done.stdout)[name] / 2**20 for name in ("begun", "hour"))
    ok = hour <= HOUR_MIB and hour - begun <= GROWN_MIB
    table.line("memory after an hour's updates (after ten minutes')", f"{hour:.1f} MiB", f"({begun:.1f} MiB)",
               None, f"≤ {HOUR_MIB:g} MiB", ok)  # fmt: skip


@contextmanager
def trained(folder: Path, store: Path, columns: int, rows: int) -> Iterator[Terminal]:
    """The app with the session open whose network trains in the worker; the worker is ended afterwards."""
    copy = folder / f"copy-{columns}" / store.name
    shutil.copytree(store.parent, copy.parent)
    workers: list[psutil.Process] = []
    try:
        with rungwise(copy, columns, rows) as terminal:
            terminal.until("sessions")  # the store was read
            terminal.settle()
            for key in ("/", *TRAINING, "\r", "\r"):
                terminal.key(key)
            ends = time.monotonic() + 120
            while not (state := training(copy)) or state.progress is None:
                if time.monotonic() > ends:
                    raise SystemExit("The network was not trained within two minutes.")
                terminal.settle(0.2)
            workers = terminal.process.children()
            yield terminal
    finally:
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                worker.kill()
        psutil.wait_procs(workers, 10)


def training(store: Path) -> TrialState | None:
    """The network's exams, while they run."""
    with Store.open(store, read_only=True) as opened:
        return next((s for s in opened.queue.active() if s.status == "running" and is_training(s.trial)), None)


def at_work(table: Table, folder: Path, store: Path) -> None:
    """Bytes and keys while a network trains."""
    for columns, rows in SIZES:
        size = f"{columns}×{rows}"
        with trained(folder, store, columns, rows) as terminal, empty(columns, rows) as floor:
            copy = folder / f"copy-{columns}" / store.name
            terminal.settle(0.02)
            before, cpu, began = terminal.sent, terminal.used(), time.perf_counter()
            while time.perf_counter() - began < WATCHED:
                terminal.settle(0.05)
                time.sleep(0.05)
            seconds = time.perf_counter() - began
            rate, busy = (terminal.sent - before) / seconds, (terminal.used() - cpu) / seconds
            _still(copy)
            table.line(f"{size} sent while a network trains", f"{rate:.0f} B/s", target="≤ 4000 B/s", ok=rate <= BYTES)
            table.line(f"{size}   its share of a core meanwhile", f"{busy:.1%}")
            table.line(f"{size} memory meanwhile", mib(terminal.memory()), mib(floor.memory()))
            opened = terminal.press("j", JOURNAL)  # its keys are counted: it is still, the workbench behind it is not
            table.line(f"{size} opening the journal until it can be read", f"{opened:.0f} ms")
            terminal.settle(0.05)
            ours: list[tuple[float, float]] = []
            theirs: list[tuple[float, float]] = []
            spent = 0.0
            for block in range(KEYS // 20):
                if training(copy) is None:  # keys pressed afterwards would flatter it
                    break
                at = terminal.used()
                ours += [t for _ in range(20) if (t := terminal.key(DOWN if block % 2 else UP, 0.1))]
                spent += terminal.used() - at
                theirs += [t for _ in range(10) if (t := floor.key(DOWN, 0.1))]
            if not ours:
                raise SystemExit("The training ended before a key was pressed; measure again with a larger table.")
            table.line(f"{size} keys pressed in the journal while it trained", f"{len(ours)}", f"{len(theirs)}")
            for at, what in ((0, "first byte"), (1, "settled")):
                for share, name in ((0.5, "p50"), (0.99, "p99")):
                    mine, other = (quantile([t[at] for t in times], share) for times in (ours, theirs))
                    judged = at == 1 and name == "p99"
                    table.line(
                        f"{size} a key in the journal meanwhile, {what}, {name}", f"{mine:.1f} ms", f"{other:.1f} ms",
                        mine / other, f"≤ {BUSY_MS:g} ms" if judged else "", not judged or mine <= BUSY_MS,
                    )  # fmt: skip
            table.line(f"{size}   processor time of one", f"{spent / len(ours) * 1000:.1f} ms")


def _still(store: Path) -> None:
    if training(store) is None:
        print("  (the training ended before the measurement did: the rate is too good)")


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main(arguments: Sequence[str]) -> int:
    turns = int(arguments[0]) if arguments else TURNS
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        prepared = folder / "prepared"
        prepared.mkdir()
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.at_work", str(prepared)],
            cwd=ROOT,
            check=True,
            env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"},  # as the command line has it
        )
        store = prepared / "rungwise.sqlite3"
        table = Table()
        by_hand(table)
        a_training(table)
        long_session(table, folder)
        starts(table, folder, store, turns)
        at_work(table, folder, store)
    return int(table.over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
