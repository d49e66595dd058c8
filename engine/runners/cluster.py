"""The parts of a trial on a Dask cluster: the same parts, the same figures, other machines.

A Dask task is one part.  The worker that runs it has the part computed by a process of its own (`LocalHands`), as here,
so that it runs on one core, can be ended in the middle, and takes nobody with it when memory runs out.  Before the
first part the cluster is asked what it computes with, and refused where that differs.

A network that trains there can be watched, paused and ended with its best as here.  How far it has come lies in a
variable of the scheduler (up to 32 MB), so that another worker goes on where one died, and comes back here when the
work is broken off.
"""

from __future__ import annotations

import contextlib
import os
import queue
import tempfile
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.data.address import files_of, logs_beside, split, stamp
from engine.errors import DataProblem, RungwiseError
from engine.records import Json, Progress
from engine.runners.environment import code_key
from engine.runners.eta import Underway
from engine.runners.hands import Asked, Done, State, Tick, Work
from engine.runners.kept import StateFile
from engine.runners.on_cluster import MOST_STATE, end_of_client, heed, sees, stop, take_part, topic
from engine.runners.terms import check, connected

SENDABLE = 256 << 20  # bytes of data that are sent to workers that cannot see them
_PATIENCE = 30.0  # seconds for a result that is there to arrive
_ALONE = 60.0  # seconds without any worker after which a trial is given up
_SOON = 1.0  # seconds for a variable that is there
_LET_GO = 3  # times that a part is asked for again which the scheduler dropped, say with the worker that had it
_TICK = 0.1
_ASK_EVERY = 2.0  # seconds between two looks how many workers there are


class ClusterHands:
    """A Dask cluster as `engine.runners.hands.Hands`.  address: of its scheduler, such as tcp://10.0.0.5:8786."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._client: Any = None
        self._token = uuid.uuid4().hex[:12]
        self._sent: dict[str, str] = {}  # the data that were sent, and the plugin that sends them
        self._seen: set[tuple[str, frozenset[str]]] = set()  # data, and the workers that were asked for them

    def start(self) -> None:
        """Connect, and see that figures will be the same.  Raises UsageProblem where that cannot be."""
        if self._client is None or self._client.status != "running":
            self.close()
            self._client = connected(self.address)
            try:
                check(self._client, self.address)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if client.status == "running":
            with contextlib.suppress(Exception):  # whatever a cluster says that is gone in this moment
                client.run(end_of_client, self._token, wait=True, on_error="ignore")
                for name in self._sent.values():
                    client.unregister_worker_plugin(name)
        self._sent.clear()
        self._seen.clear()
        with contextlib.suppress(Exception):
            client.close(timeout=2)

    def take(self, work: Work, places: Sequence[int], tick: Tick) -> Iterator[Done]:
        self.start()
        assert self._client is not None
        run = uuid.uuid4().hex[:12]
        futures: dict[Any, int] = {}
        name = ""

        def ask(place: int, times: int = 0) -> None:
            assert self._client is not None
            job = _job(work, place) | {"run": run, "client": self._token, "file": name, "code": code_key()}
            key = f"rungwise-{run}-{place}" + (f"-{times}" if times else "")
            futures[self._client.submit(take_part, job, key=key, pure=False)] = place

        try:
            tick(State(waiting=len(places), remark=f"asking {self.address}"))
            with self._reaching(work):
                name = self._see_to_data(self._client, work)
                for place in places:
                    self._give_state(work, place)
                    ask(place)
            with self._told_of(work, run) as told:
                yield from self._awaited(work, futures, tick, run, told, ask)
        finally:
            if futures:
                self._stop(run, list(futures))
                for place in futures.values():
                    self._take_state(work, place)

    # -- trainings -------------------------------------------------------------------------------------------------

    def _give_state(self, work: Work, place: int) -> None:
        """Let the workers know how far a training has come before."""
        if name := _state_of(work, place):
            content = StateFile(work.states[place]).load() or b""
            self._variable(name).set(content if len(content) <= MOST_STATE else b"")

    def _take_state(self, work: Work, place: int) -> None:
        """Keep here how far a training has come that was broken off there."""
        if not (name := _state_of(work, place)) or self._client is None or self._client.status != "running":
            return
        with contextlib.suppress(Exception):  # whatever a scheduler says that is gone in this moment
            if content := self._variable(name).get(timeout=_SOON):
                StateFile(work.states[place]).save(content)
            self._variable(name).delete()

    def _variable(self, name: str) -> Any:
        from distributed import Variable

        return Variable(name, client=self._client)

    @contextlib.contextmanager
    def _told_of(self, work: Work, run: str) -> Iterator[queue.SimpleQueue[tuple[int, Progress]]]:
        """What trainings tell of their epochs, each with its place, as it comes."""
        told: queue.SimpleQueue[tuple[int, Progress]] = queue.SimpleQueue()
        if not _learning(work):
            yield told
            return

        def hear(event: Any) -> None:
            _, said = event
            for progress in said["progress"]:
                told.put((int(said["place"]), Progress(*progress)))

        client = self._client
        assert client is not None
        client.subscribe_topic(topic(run), hear)
        try:
            yield told
        finally:
            with contextlib.suppress(Exception):
                client.unsubscribe_topic(topic(run))

    def _heed(self, run: str, asked: Asked) -> None:
        assert self._client is not None
        self._client.run(heed, run, asked.paused, asked.most, on_error="ignore")

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _awaited(
        self, work: Work, futures: dict[Any, int], tick: Tick, run: str, told: queue.SimpleQueue[tuple[int, Progress]],
        ask: Callable[[int, int], None],
    ) -> Iterator[Done]:  # fmt: skip
        assert self._client is not None
        lost: Counter[int] = Counter()  # how often the scheduler let go of a part that nobody took back
        speaks, asked = -1, Asked()  # one of several tells of its epochs, so that its curve is one part's
        untold: dict[int, list[Progress]] = {}  # of each that does not: told when it speaks, from the beginning on
        cores, asked_at, alone_since = 1, -_ASK_EVERY, time.monotonic()
        finished: list[float] = []
        begun: list[float] = []  # when those parts began that are likely to be underway, as no worker tells
        while futures:
            now = time.monotonic()
            if now - asked_at >= _ASK_EVERY:
                asked_at, cores = now, self._cores(work)
                if asked != Asked():
                    self._heed(run, asked)  # a worker that joined meanwhile does not know
                alone_since = now if cores else alone_since
            if now - alone_since > _ALONE:
                raise DataProblem(
                    f"The cluster at {self.address} has had no worker for {_ALONE:.0f} s; start one with `dask worker "
                    f"{self.address}` and try again: what is finished is kept."
                )
            for future in [future for future in futures if future.cancelled()]:
                place = futures[future]
                lost[place] += 1
                self._cores(work)  # where the scheduler is gone, everything is cancelled
                with self._reaching(work):
                    if lost[place] > _LET_GO:
                        raise OSError(f"cancelled {lost[place]} times")
                    ask(place, lost[place])
                del futures[future]
            for future in [future for future in futures if future.done()]:
                result = self._result(work, futures[future], future)
                if result is None:
                    continue
                place, (content, cost) = futures.pop(future), result
                speaks = -1 if speaks == place else speaks
                untold.pop(place, None)
                if name := _state_of(work, place):
                    self._variable(name).delete()
                finished.append(float(cost["seconds"]))
                del begun[:1]
                yield Done(place, content, cost)
            begun = [*begun, *[now] * len(futures)][: min(cores, len(futures))]
            underway = [Underway(now - at) for at in begun]
            waiting = len(futures) - len(underway)
            remark = "" if cores else f"{self.address} has no worker; waiting for one"
            state = State(finished, underway, waiting, max(cores, 1), remark=remark)
            while not told.empty():
                place, progress = told.get()
                speaks = place if speaks < 0 and place in futures.values() else speaks
                untold.setdefault(place, []).append(progress)
                if place == speaks:
                    for said in untold.pop(place):
                        tick(replace(state, progress=said))
            wanted = tick(state)
            if wanted is not None and wanted != asked:
                asked = wanted
                self._heed(run, asked)
            if futures:
                time.sleep(_TICK)

    def _cores(self, work: Work) -> int:
        """How many parts the cluster can compute at once.  Raises DataProblem where it is gone."""
        assert self._client is not None
        with self._reaching(work):
            if self._client.status != "running":
                raise OSError(self._client.status)
            return sum(self._client.nthreads().values())
        raise AssertionError

    @contextlib.contextmanager
    def _reaching(self, work: Work) -> Iterator[None]:
        """Say in a sentence that the cluster cannot be reached, whatever a connection raises that is being closed."""
        try:
            yield
        except RungwiseError:
            raise
        except Exception as problem:
            raise self._gone(work) from problem

    def _gone(self, work: Work) -> DataProblem:
        return DataProblem(
            f"{work.label or 'The trial'}: the scheduler at {self.address} went away; start it again, or go on without "
            "--cluster. What is finished is kept."
        )

    def _result(self, work: Work, place: int, future: Any) -> tuple[bytes, Mapping[str, Json]] | None:
        """What a part came to; None where it is computed again, as it died with the worker that held it.

        Raises what it raised, and DataProblem where it was given up.
        """
        if future.status in ("cancelled", "lost"):  # in this very moment: it is computed again
            return None
        with self._reaching(work):
            if future.status != "error":
                with contextlib.suppress(TimeoutError):
                    return future.result(timeout=_PATIENCE)
                return None
            problem = future.exception(timeout=_PATIENCE)
        if type(problem).__name__ == "KilledWorker":
            raise DataProblem(
                f"{work.label or 'The trial'}: part {place + 1} of {len(work.division.parts)} was given up, as every "
                "worker of the cluster that it was given to died of it, most often for want of memory. What else is "
                "finished is kept; give the workers more memory, or go on without it."
            )
        assert isinstance(problem, Exception)
        raise problem

    def _stop(self, run: str, futures: list[Any]) -> None:
        """Let go of what is not done, and have the workers end what they are at."""
        if self._client is None or self._client.status != "running":
            return
        with contextlib.suppress(Exception):  # the cluster may be gone, which stops it, too
            self._client.cancel(futures, force=True)
            self._client.run(stop, run, wait=True, on_error="ignore")

    def _see_to_data(self, client: Any, work: Work) -> str:
        """Have every worker find the data, by sending them where one cannot; the name that they were sent under.

        Raises DataProblem where they are too large to be sent.
        """
        workers = frozenset(client.nthreads())
        if work.data in self._sent:
            return _name(work)
        if (work.data, workers) in self._seen:
            return ""
        found = client.run(sees, os.fsencode(work.source).hex(), work.data, on_error="return")
        if all(seen is True for seen in found.values()):
            self._seen.add((work.data, workers))
            return ""
        size, _ = stamp(work.source)
        if size > SENDABLE:
            blind = next(worker for worker, seen in found.items() if seen is not True)
            raise DataProblem(
                f"The worker {blind} of the cluster does not find {work.source}, or other content there, and "
                f"{size / 2**20:,.0f} MB are too many to send (up to {SENDABLE >> 20} MB are). Put the data on a disk "
                "that all workers see, under the same path, and name them by it."
            )
        self._send(client, work)
        return _name(work)

    def _send(self, client: Any, work: Work) -> None:
        """Have the data on every worker, also those that join later."""
        from distributed.diagnostics.plugin import UploadFile

        with tempfile.TemporaryDirectory(prefix="rungwise-") as folder:
            packed = Path(folder) / _name(work)
            _pack(work.source, packed)
            plugin = f"{_name(work)}-{self._token}"
            client.register_plugin(UploadFile(str(packed), load=False), name=plugin)
        self._sent[work.data] = plugin


def _name(work: Work) -> str:
    return f"rungwise-{work.data[:32]}.zip"


def _pack(source: Path, packed: Path) -> None:
    """The file, with a database's logs, or the folder's files, as a zip.  A folder's own name is kept."""
    file, _ = split(source)
    whole = [file / name for name in files_of(file)] if file.is_dir() else [file, *logs_beside(file)]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as stream:
        for member in whole:
            stream.write(member, member.relative_to(file.parent))


def _learning(work: Work) -> bool:
    return work.division.learns and bool(work.states)


def _state_of(work: Work, place: int) -> str:
    """The name under which the scheduler holds how far the training of a part has come; "" where none is kept."""
    return f"rungwise-{work.states[place].stem}" if _learning(work) else ""


def _job(work: Work, place: int) -> dict[str, Json]:
    division = work.division
    return {
        "function": division.function,
        "prepare": division.prepare,
        "params": dict(division.parts[place]),
        "source": os.fsencode(work.source).hex(),
        "data": work.data,
        "seed": work.seed,
        "label": work.label,
        "state": _state_of(work, place),
        "place": place,
        "parts": len(division.parts),
    }
