"""The loop of the process that runs queued trials: claim one, compute it, say how far it is, keep what came out."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

from engine.errors import Cancelled, RungwiseError
from engine.ports import TrialQueue, Wish
from engine.records import Progress, Trial
from engine.runners.context import Workplace
from engine.runners.inline import perform
from engine.trials import BY_NAME, TrialKind

BEAT_EVERY = 2.0  # seconds
POLL_EVERY = 0.15  # seconds between two looks at an empty queue
IDLE_MINUTES = 10.0
_WARM = ("pandas", "sklearn.linear_model", "sklearn.ensemble", "skrub")  # torch is loaded by the first network only


class Ended(BaseException):
    """The worker was asked to end (SIGTERM, SIGINT, SIGHUP).  Not an Exception: no trial may swallow it."""


def worker_name() -> str:
    """Which process on which machine, as `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Worker:
    """Runs queued trials one after the other, their parts side by side, until asked to end, or idle for long.

    A thread says that this process lives, so that a fold of an hour does not look like a death: the queue must be
    usable from two threads.  said: where to note what happens (the worker's log).
    """

    def __init__(
        self,
        queue: TrialQueue,
        place: Workplace,
        *,
        name: str = "",
        idle_minutes: float = IDLE_MINUTES,
        kinds: Mapping[str, TrialKind] = BY_NAME,
        said: Callable[[str], None] = lambda text: print(text, flush=True),
        warm: bool = True,
    ) -> None:
        self.name = name or worker_name()
        self._queue = queue
        self._place = place
        self._idle = idle_minutes * 60
        self._kinds = kinds
        self._said = said
        self._cold = list(_WARM) if warm else []
        self._ending = False
        self._computing = False

    def work(self) -> None:
        """Until idle for long, or asked to end."""
        self._said(f"{self.name} began.")
        with contextlib.closing(self._place), self._alive(), self._signals():
            last = time.monotonic()
            while not self._ending and time.monotonic() - last < self._idle:
                trial = self._queue.claim(self.name)
                if trial is not None:
                    self._do(trial)
                    last = time.monotonic()
                elif self._cold:
                    self._warm_up(self._cold.pop(0))
                    if not self._cold and self._place.hands is not None:
                        with self._noted("Practice exams cannot be taken yet"):
                            self._place.hands.start()
                else:
                    time.sleep(POLL_EVERY)
        self._said(f"{self.name} ended: {'asked to' if self._ending else 'nothing left to do'}.")

    # -- one trial -------------------------------------------------------------------------------------------------

    def _do(self, trial: Trial) -> None:
        if self._place.evidence.get(trial.key) is not None:  # another session, or another process, had it computed
            self._queue.finish(trial.key, "done")
            return

        def told(progress: Progress) -> None:
            with self._noted("How far it is could not be written"):
                self._queue.report(trial.key, progress)

        def stopped() -> bool:
            with self._noted("Whether it was stopped could not be read"):
                return self._queue.cancelled(trial.key)
            return False

        def wished() -> Wish:
            with self._noted("What is wanted of it could not be read"):
                return self._queue.wish(trial.key)
            return ""

        try:
            with self._interruptible():
                evidence = perform(trial, self._place, told=told, stopped=stopped, wished=wished, kinds=self._kinds)
            if evidence.ok:
                self._place.evidence.put(evidence)
        except Ended:
            self._queue.finish(trial.key, "cancelled")  # nobody cancelled it, so the queue keeps it for the next worker
        except Cancelled:
            self._queue.finish(trial.key, "cancelled", "You stopped it.")
        except RungwiseError as problem:  # the data is gone, or what came out cannot be kept (a full disk)
            self._queue.finish(trial.key, "failed", str(problem))
        else:
            self._queue.finish(trial.key, "done" if evidence.ok else "failed", evidence.error)
            self._said(f"{trial.label or trial.kind}: {evidence.error or f'{evidence.seconds:.1f} s'}")

    @contextlib.contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """Note what the store could not do for a moment (a lock held long, a full disk): the computing goes on."""
        try:
            yield
        except RungwiseError as problem:
            self._said(f"{what}: {problem}")

    def _warm_up(self, module: str) -> None:
        """Import what nearly every trial needs, one module between two looks at the queue, while the person reads."""
        try:
            importlib.import_module(module)
        except ImportError as problem:
            self._said(f"{module} cannot be imported: {problem}")

    # -- signs of life, and the end --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _alive(self) -> Iterator[None]:
        ended = threading.Event()

        def beats() -> None:
            while not ended.is_set():
                with self._noted("No sign of life could be written"):
                    self._queue.beat(self.name)
                ended.wait(BEAT_EVERY)

        thread = threading.Thread(target=beats, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=BEAT_EVERY)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """End cleanly when asked to: between two trials, or by breaking off the one that runs."""

        def end(number: int, frame: FrameType | None) -> None:
            self._ending = True
            if self._computing:
                self._computing = False
                raise Ended

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread receives signals
            return
        before = {number: signal.signal(number, end) for number in _ending_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Where `Ended` may be raised; outside, a signal waits, so that evidence and status are written together."""
        self._computing = True
        try:
            if self._ending:
                raise Ended
            yield
        finally:
            self._computing = False


def _ending_signals() -> tuple[signal.Signals, ...]:
    names = ("SIGTERM", "SIGINT", "SIGHUP")
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


def lower_priority() -> None:
    """Give way to whatever a person does on this machine."""
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(10)
