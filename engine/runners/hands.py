"""Where the parts of a trial are computed side by side: processes of this machine, or a cluster's.

A part is pure and runs on one core (`engine.trials.Division`), so that its figures are the same wherever it is taken
and however many are taken at once; the gain is in doing several at once.  Processes and not threads: they can be ended
in the middle of a fit, one that runs out of memory takes nobody with it, and preparation is Python, which threads
take in turns.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine.errors import DataProblem
from engine.records import Json, Progress
from engine.runners.environment import cpus
from engine.runners.eta import Underway, left
from engine.runners.processes import Hand, Nursery, NurseryGone, raised
from engine.runners.wire import receive, send
from engine.trials import Division

_TICK = 0.1  # seconds between two looks whether somebody stopped the trial
_LIVES = 2  # deaths of a part's process before it is given up, the second time alone on the machine
_SHARE = 0.8  # of the free memory that hands may take
_MOST_PARTS = 500  # of one hand
_COPIES = 4.0  # memory of one exam in multiples of the table: training part, prepared, and what a fit adds
_LEAST = 150 << 20  # bytes that any hand takes of its own


@dataclass(frozen=True)
class Work:
    """Parts to compute, and what they need: the dataset's file and fingerprint, and the trial's seed.

    states: for each part the file in which a training keeps how far it has come; none where nothing is kept.
    """

    division: Division
    source: Path
    data: str
    seed: int
    label: str = ""
    states: Sequence[Path] = ()


@dataclass(frozen=True)
class Asked:
    """What a person wants of the parts meanwhile.  most: epochs after which every training ends."""

    paused: bool = False
    most: int | None = None


@dataclass(frozen=True)
class Done:
    """A part that is done.  cost: seconds, cpu_seconds, peak_memory_mb."""

    place: int
    content: bytes
    cost: Mapping[str, Json]


@dataclass
class State:
    """How far the parts are: told ten times a second.  progress: what a part says of itself, once."""

    finished: list[float] = field(default_factory=list)  # seconds of each
    underway: list[Underway] = field(default_factory=list)
    waiting: int = 0
    hands: int = 1
    progress: Progress | None = None
    remark: str = ""

    @property
    def left(self) -> float | None:
        return left(self.finished, self.underway, self.waiting, self.hands)


Tick = Callable[[State], Asked | None]  # may raise, which ends everything that runs


class Hands(Protocol):
    """Whoever computes parts."""

    def start(self) -> None:
        """Get ready in the background; to be called when work is to be expected."""
        ...

    def take(self, work: Work, places: Sequence[int], tick: Tick) -> Iterator[Done]:
        """Compute these parts, in any order.  Raises what a part raises, and DataProblem where one cannot be done."""
        ...

    def close(self) -> None: ...


class LocalHands:
    """Processes of this machine: as many as it has cores, or as its memory has room for.

    logs: a folder for what they print; without one it is thrown away.  most: how many at once, by default the cores.
    forks: whether they are made by forking a process that has loaded the table, which shares its memory.
    """

    def __init__(self, logs: Path | None = None, most: int = 0, forks: bool = sys.platform == "linux") -> None:
        self._logs = logs
        self._most = most or cpus()
        self._forks = forks
        self.nursery: Nursery | None = None
        self._starting = threading.Lock()
        self._idle: list[Hand] = []  # from trials before: they hold what the parts share, and know their libraries
        self._held = ""  # what those have loaded

    def start(self) -> None:
        if not self._forks:
            return
        with self._starting:
            if self.nursery is None or not self.nursery.lives:
                self.nursery = Nursery(self._logs)

    def close(self) -> None:
        """End whatever runs."""
        with self._starting:
            nursery, self.nursery = self.nursery, None
        self._end_idle()
        if nursery is not None:
            nursery.end()

    def take(self, work: Work, places: Sequence[int], tick: Tick) -> Iterator[Done]:
        crew = _Crew(self, work, list(places), tick)
        try:
            yield from crew.work()
        finally:
            crew.dismiss()

    # -- for the crew ----------------------------------------------------------------------------------------------

    def ready(self, work: Work, tick: Callable[[], None]) -> int:
        """See that the table is loaded where hands are made; returns how many there may be."""
        if not self._forks:
            return self._most
        for _ in range(_LIVES):
            self.start()
            if (nursery := self.nursery) is None:
                continue
            try:
                taken, held = nursery.prepare(_said_of(work, 0) | {"function": work.division.prepare}, tick)
            except NurseryGone:
                nursery.end()
                continue
            if held != self._held:  # the table of trials before; those to come share the new one
                self._end_idle()
                self._held = held
            room = _SHARE * _free_memory() / max(_COPIES * taken, _LEAST)
            return max(1, min(self._most, int(room)))
        raise DataProblem(
            f"{work.label or 'The trial'}: the process that loads the table was ended twice, most often for want of "
            "memory. Close other programs, or begin with fewer rows."
        )

    def bury(self, pids: Sequence[int]) -> None:
        """Have those that are ended taken off the system's list."""
        nursery, known = self.nursery, [pid for pid in pids if pid]
        if nursery is not None and known:
            nursery.bury(known)

    def hire(self) -> Hand:
        with self._starting:
            idle = self._idle.pop() if self._idle else None
        if idle is not None:
            if idle.lives:
                return idle
            idle.end()
            return self.hire()
        if not self._forks:
            return Hand.by_itself(self._logs)
        if (nursery := self.nursery) is None:
            raise NurseryGone
        return nursery.fork()

    def give_back(self, hand: Hand) -> None:
        """Keep it for the next trial on the same table, unless it has done much: what libraries leak ends with it."""
        if hand.done >= _MOST_PARTS:
            hand.end()
            self.bury([hand.pid])
            return
        with self._starting:
            self._idle.append(hand)

    def _end_idle(self) -> None:
        with self._starting:
            idle, self._idle = self._idle, []
        for hand in idle:
            hand.end()
        self.bury([hand.pid for hand in idle])


@dataclass
class _Task:
    place: int
    began: float
    share: float = 0.0
    untold: list[Progress] = field(default_factory=list)  # points of its curve, while another one speaks


class _Crew:
    """The hands that work on one trial's parts, until they are through or sent away."""

    def __init__(self, owner: LocalHands, work: Work, places: list[int], tick: Tick) -> None:
        self._owner, self._job, self._tick = owner, work, tick
        self._waiting = list(reversed(places))
        self._deaths: dict[int, int] = {}
        self._at: dict[Hand, _Task | None] = {}
        self._most = 1
        self._finished: list[float] = []
        self._through = False
        self._speaks: Hand | None = None  # one of several tells of its steps, so that its curve is one part's
        self._selector = selectors.DefaultSelector()
        self._asked = Asked()

    def work(self) -> Iterator[Done]:
        # `_tell` looks for cancelling while the table is being loaded, too.
        self._most = self._owner.ready(self._job, self._tell)
        while self._waiting or any(self._at.values()):
            self._employ()
            for key, _ in self._selector.select(_TICK):
                if (done := self._heard(key.data)) is not None:
                    yield done
            self._tell()
        self._through = True

    def dismiss(self) -> None:
        """Give the hands back, or end them where the trial ended in the middle."""
        gone = []
        for hand, task in list(self._at.items()):
            if self._through and task is None and hand.pid:
                self._selector.unregister(hand.socket)
                self._owner.give_back(hand)
            else:
                gone.append(hand.pid)
                self._let_go(hand)
        self._selector.close()
        self._owner.bury(gone)

    def _employ(self) -> None:
        while len(self._at) < min(self._most, len(self._waiting) + sum(map(bool, self._at.values()))):
            try:
                hand = self._owner.hire()
            except NurseryGone:
                self._owner.ready(self._job, self._tell)
                continue
            self._at[hand] = None
            self._selector.register(hand.socket, selectors.EVENT_READ, hand)
        for hand, task in list(self._at.items()):
            if task is None and self._waiting and not self._asked.paused:
                place = self._waiting.pop()
                self._at[hand] = _Task(place, time.monotonic())
                with contextlib.suppress(OSError):  # it died: the selector says so next
                    send(hand.socket, _said_of(self._job, place) | {"most": self._asked.most})

    def _heard(self, hand: Hand) -> Done | None:
        if hand not in self._at:
            return None
        message, task = receive(hand.socket), self._at[hand]
        if message is None:
            self._died(hand, task)
            return None
        said, body = message
        match said["said"]:
            case "here":
                hand.pid = int(said["pid"])
            case "progress" if task is not None:
                self._progressed(hand, task, Progress(*said["progress"]))
            case "failed":
                raise raised(said)
            case "done" if task is not None:
                self._at[hand] = None
                hand.done += 1
                self._speaks = None if self._speaks is hand else self._speaks
                self._finished.append(time.monotonic() - task.began)
                return Done(task.place, body, said["cost"])
        return None

    def _progressed(self, hand: Hand, task: _Task, progress: Progress) -> None:
        task.share = progress.step / progress.steps if progress.steps else 0.0
        self._speaks = self._speaks or hand
        if hand is not self._speaks:
            task.untold += [progress] if progress.point else []
            return
        for said in task.untold:  # its curve has a beginning, whoever spoke then
            self._tell(said)
        task.untold.clear()
        self._tell(progress)

    def _tell(self, progress: Progress | None = None, remark: str = "") -> None:
        now = time.monotonic()
        underway = [Underway(now - task.began, task.share) for task in self._at.values() if task is not None]
        asked = self._tick(State(self._finished, underway, len(self._waiting), self._most, progress, remark))
        if asked is not None and asked != self._asked:
            self._asked = asked
            for hand in self._at:
                with contextlib.suppress(OSError):
                    send(hand.socket, {"do": "heed", "paused": asked.paused, "most": asked.most})

    def _died(self, hand: Hand, task: _Task | None) -> None:
        """A hand was ended from outside.  Its part is taken once more, when no other takes memory beside it."""
        how = hand.end_of(self._owner.nursery)
        self._let_go(hand)
        if task is None:
            return
        self._deaths[task.place] = self._deaths.get(task.place, 0) + 1
        if self._deaths[task.place] >= _LIVES:
            raise DataProblem(_ended(self._job, task.place, how))
        self._waiting.insert(0, task.place)
        self._most = 1
        for other, its in list(self._at.items()):
            if its is None:
                self._let_go(other)

    def _let_go(self, hand: Hand) -> None:
        self._at.pop(hand, None)
        self._speaks = None if self._speaks is hand else self._speaks
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(hand.socket)
        hand.end()


def _ended(work: Work, place: int, how: int) -> str:
    if how in (0, signal.SIGKILL):
        why = "the system ended its process, most often for want of memory"
    else:
        why = f"its process crashed ({signal.Signals(how).name if how in set(signal.Signals) else f'signal {how}'})"
    name, parts = work.label or "The trial", len(work.division.parts)
    which = f"{name}: part {place + 1} of {parts}" if parts > 1 else name
    return (
        f"{which} could not be computed, {why}, also when it ran alone; what else is finished is kept. Close other "
        "programs and try again, or go on without it."
    )


def _said_of(work: Work, place: int) -> dict[str, Json]:
    return {
        "do": "part",
        "function": work.division.function,
        "params": dict(work.division.parts[place]),
        "source": os.fsencode(work.source).hex(),
        "data": work.data,
        "seed": work.seed,
        "state": os.fsencode(work.states[place]).hex() if work.states else "",
    }


def _free_memory() -> float:
    """Bytes that this process may still take: of the machine, or of the container that it runs in."""
    import psutil

    free = float(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):
        most = int(Path("/sys/fs/cgroup/memory.max").read_text())  # "max" where there is no limit
        free = min(free, most - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    return max(free, 0.0)
