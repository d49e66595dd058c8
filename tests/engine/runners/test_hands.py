"""Parts of a trial side by side: the same figures, ended at once when asked, alive when one of them dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import Cancelled, DataProblem
from engine.records import Progress, Trial
from engine.runners.again import FreshArtifacts, FreshEvidence
from engine.runners.context import Workplace
from engine.runners.hands import LocalHands
from engine.runners.inline import perform
from engine.runners.kept import KeptParts
from tests.engine.runners.kinds import KINDS
from tests.engine.runners.test_inline import NoBytes

ROOT = Path(__file__).resolve().parents[3]


class There:
    def path(self, fingerprint: str) -> Path:
        return Path("there.csv")


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHands]:
    """Two of them, made as on this system."""
    pair = LocalHands(tmp_path_factory.mktemp("logs"), most=2)
    yield pair
    pair.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "computed"


def place_of(hands: LocalHands | None, kept: Path | None = None) -> Workplace:
    parts = KeptParts(kept) if kept else None
    return Workplace(FreshEvidence(), FreshArtifacts(NoBytes()), There(), None, parts, hands)


def sums(log: Path, parts: int = 5, **more: Any) -> Trial:
    return Trial("sums", {"parts": parts, "log": str(log), **more}, "data", seed=7, label="Sums")


def computed(log: Path) -> list[int]:
    return [int(word) for word in log.read_text().split()] if log.exists() else []


def families(process: psutil.Process) -> list[psutil.Process]:
    """The living processes below it that compute parts."""
    living = [child for child in process.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if "engine.runners.nursery" in child.cmdline()]


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


def test_every_part_is_computed_once_whoever_does_it(hands: LocalHands, log: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    together = perform(sums(log), place_of(hands), told=told.append, kinds=KINDS)
    assert together.value == {"value": [7, 8, 11, 16, 23]}
    assert sorted(computed(log)) == [0, 1, 2, 3, 4]
    assert [p.step for p in told if p.point] == [1, 2, 3, 4, 5]
    alone = perform(sums(tmp_path / "alone"), place_of(None), kinds=KINDS)
    assert alone.value == together.value
    assert computed(tmp_path / "alone") == [0, 1, 2, 3, 4]


def test_two_are_at_work_at_the_same_time(hands: LocalHands, log: Path) -> None:
    perform(sums(log, 2), place_of(hands), kinds=KINDS)  # the process that they come from is there
    evidence = perform(sums(log.with_name("four"), 4, pause=0.5), place_of(hands), kinds=KINDS)
    spans = [tuple(map(float, line.split())) for line in log.with_name("four.spans").read_text().splitlines()]
    moments = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    assert max(accumulate(step for _, step in moments)) == 2
    assert evidence.peak_memory_mb > 10


def test_a_hand_goes_on_with_the_next_trial_on_the_same_table(hands: LocalHands, log: Path) -> None:
    def who(holds: str, **more: Any) -> set[int]:
        log.unlink(missing_ok=True)
        perform(sums(log, 4, holds=holds, pause=0.1, **more), place_of(hands), kinds=KINDS)
        return {hand.pid for hand in hands._idle}

    first = who("a")
    assert len(first) == 2
    assert who("a") == first
    victim = psutil.Process(min(first))
    victim.kill()  # while nobody looks: another takes its place, and no part is lost with it
    wait_until(lambda: victim.status() == psutil.STATUS_ZOMBIE)
    second = who("a")
    assert len(first & second) == 1
    wait_until(lambda: len(who("a")) == 2)  # it takes a moment to come up
    third = who("b")
    assert not third & second, "those that hold another table are ended"
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in second))


def test_what_processors_the_hands_took_is_in_the_cost(hands: LocalHands, log: Path) -> None:
    evidence = perform(sums(log, 2, pause=0.3), place_of(hands), kinds=KINDS)
    assert 0 < evidence.cpu_seconds < 0.6


def test_they_end_at_once_when_somebody_stops_the_trial(hands: LocalHands, log: Path) -> None:
    me = psutil.Process()
    perform(sums(log, 2), place_of(hands), kinds=KINDS)
    idle = len(families(me))
    began = time.monotonic()
    with pytest.raises(Cancelled):
        perform(sums(log, 3, pause=30.0), place_of(hands), stopped=lambda: time.monotonic() > began + 0.5, kinds=KINDS)
    assert time.monotonic() - began < 25, "they would have taken half a minute"
    wait_until(lambda: len(families(me)) <= idle)
    wait_until(lambda: not [p for p in me.children(recursive=True) if p.status() == psutil.STATUS_ZOMBIE])


def test_what_is_finished_is_not_computed_again(hands: LocalHands, log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    perform(sums(log, 2), place_of(hands, kept), kinds=KINDS)
    assert sorted(computed(log)) == [0, 1]
    three = {"parts": 2, "log": str(log)}  # each part is told how many there are, so these are the same parts
    again = perform(Trial("sums", three, "data", seed=7), place_of(None, kept), kinds=KINDS)
    assert again.value == {"value": [7, 8]}
    assert sorted(computed(log)) == [0, 1]
    perform(Trial("sums", three, "data", seed=8), place_of(hands, kept), kinds=KINDS)  # another seed: other parts
    assert sorted(computed(log)) == [0, 0, 1, 1]
    perform(Trial("sums", three, "other", seed=7), place_of(hands, kept), kinds=KINDS)  # and other data
    assert len(computed(log)) == 6


def test_a_kept_part_that_was_damaged_is_computed_again(hands: LocalHands, log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    perform(sums(log, 2), place_of(hands, kept), kinds=KINDS)
    for file in kept.iterdir():
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert perform(sums(log, 2), place_of(hands, kept), kinds=KINDS).value == {"value": [7, 8]}
    assert sorted(computed(log)) == [0, 0, 1, 1]


def test_a_process_that_is_ended_from_outside_costs_its_part_once_more(hands: LocalHands, log: Path) -> None:
    evidence = perform(sums(log, 5, which=2, how="killed"), place_of(hands), kinds=KINDS)
    assert evidence.value == {"value": [7, 8, 11, 16, 23]}
    assert sorted(computed(log)) == [0, 1, 2, 2, 3, 4]


@pytest.mark.parametrize(("how", "why"), [("killed", "for want of memory"), ("crashed", r"crashed \(SIGSEGV\)")])
def test_one_that_dies_again_alone_is_said_plainly_and_the_next_trial_runs(
    hands: LocalHands, log: Path, tmp_path: Path, how: str, why: str
) -> None:
    kept = tmp_path / "kept"
    with pytest.raises(
        DataProblem, match=rf"Sums: part 2 of 4 could not be computed, .*{why}.*, also when it ran alone"
    ):
        perform(sums(log, 4, which=1, how=how, times=99), place_of(hands, kept), kinds=KINDS)
    assert set(computed(log)) >= {0, 1}
    assert perform(sums(log, 3), place_of(hands), kinds=KINDS).ok


def test_what_a_part_raises_is_raised_here(hands: LocalHands, log: Path, tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="put it back"):
        perform(sums(log, 3, which=1, how="data", times=9), place_of(hands), kinds=KINDS)
    failed = perform(sums(log, 3, which=1, how="raised", times=9), place_of(hands), kinds=KINDS)
    assert "Sums could not be computed: ZeroDivisionError: by nothing." in failed.error


def test_one_of_several_tells_of_its_steps(hands: LocalHands, log: Path) -> None:
    told: list[Progress] = []
    perform(sums(log, 2, pause=0.3, speaks=True), place_of(hands), told=told.append, kinds=KINDS)
    assert any("epoch" in p.point for p in told)
    assert any(p.left is not None and 0 <= p.left < 0.6 for p in told)


def test_who_speaks_when_another_is_done_tells_its_curve_from_the_beginning(hands: LocalHands, log: Path) -> None:
    told: list[Progress] = []
    late = sums(log, 2, pause=0.4, slower=2, speaks=True, after=0)  # the other begins while the first one speaks
    perform(late, place_of(hands), told=told.append, kinds=KINDS)
    points = [p.point for p in told if "epoch" in p.point]
    curves = {n: [point["epoch"] for point in points if point["n"] == n] for n in (0.0, 1.0)}
    assert curves[1.0] == [float(n + 1) for n in range(len(curves[1.0]))]
    assert len(curves[1.0]) > len(curves[0.0]) > 0
    assert [point["n"] for point in points] == sorted(point["n"] for point in points), "one after the other"


def test_hands_that_are_no_forks_do_the_same(log: Path, tmp_path: Path) -> None:
    """As on systems where a process with such libraries in it cannot be forked."""
    apart = LocalHands(most=2, forks=False)
    evidence = perform(sums(log, 3, which=0, how="killed"), place_of(apart), kinds=KINDS)
    assert evidence.value == {"value": [7, 8, 11]}
    assert len([p for p in families(psutil.Process()) if "--hand" in p.cmdline()]) == 1, (
        "after the death, one at a time"
    )
    apart.close()
    assert not [p for p in families(psutil.Process()) if "--hand" in p.cmdline()]


def test_memory_bounds_how_many_there_are(hands: LocalHands, log: Path) -> None:
    free = psutil.virtual_memory().available
    began = time.monotonic()
    perform(sums(log, 2, pause=0.4, bytes=free), place_of(hands), kinds=KINDS)
    assert time.monotonic() - began >= 0.8, "one after the other"


ALONE = """
import sys
from pathlib import Path
from engine.runners.hands import LocalHands
from engine.runners.inline import perform
from tests.engine.runners.kinds import KINDS
from tests.engine.runners.test_hands import place_of, sums
place = place_of(LocalHands(most=2), Path(sys.argv[2]))
print(perform(sums(Path(sys.argv[1]), 6, pause=0.3), place, kinds=KINDS).value)
"""


def test_a_killed_worker_takes_its_hands_along_and_leaves_what_is_finished(log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    process = subprocess.Popen([sys.executable, "-c", ALONE, str(log), str(kept)], cwd=ROOT)
    try:
        wait_until(lambda: kept.exists() and len([f for f in kept.iterdir() if len(f.name) == 64]) >= 2, 200)
        below = families(psutil.Process(process.pid))
        assert len(below) >= 2
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in below))
    finished = len([f for f in kept.iterdir() if len(f.name) == 64])
    before = len(computed(log))
    again = subprocess.run(
        [sys.executable, "-c", ALONE, str(log), str(kept)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert again.stdout.strip() == "{'value': [7, 8, 11, 16, 23, 32]}"
    assert len(computed(log)) - before == 6 - finished
