"""One writer a session: who holds it, and whether that one still lives."""

from __future__ import annotations

import math
import os
import platform
import secrets
from types import TracebackType

from engine.errors import StoreProblem
from storage.connection import Connection, Row

SILENCE = 60.0  # seconds after which a holder on another machine, which cannot be looked at, is taken for dead


class Leases:
    """The sessions that this open store holds, and those that others hold.

    A holder on this machine is looked at: a dead process, or another one under its number, holds nothing.  One on
    another machine (a store on a shared disk) must beat.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._owner = secrets.token_hex(8)
        self._held: dict[int, int] = {}  # session -> how many times

    def hold(self, session: int, name: str) -> Hold:
        """Become the writer.  Raises StoreProblem when another window is."""
        with self._connection.write():
            self.check(session, name)
            self._take(session)
        self._held[session] = self._held.get(session, 0) + 1
        return Hold(self, session, name)

    def check(self, session: int, name: str) -> None:
        """Raise StoreProblem when another living holder has the session."""
        holder = self._connection.row("select * from lease where session = ?", [session])
        if holder is None or holder["owner"] == self._owner or not self._alive(holder):
            return
        where = "" if holder["host"] == platform.node() else f" on {holder['host']}"
        raise StoreProblem(
            f"Session {name} is open in another window (pid {holder['pid']}{where}); opened read-only. "
            "Close it there to record here."
        )

    def beat(self, session: int, name: str) -> None:
        """Say that this holder lives.  Raises StoreProblem when the session was taken over."""
        with self._connection.write(durable=False):
            self.check(session, name)
            self._take(session)

    def release(self, session: int) -> None:
        """Let go, when as many times as held."""
        times = self._held.get(session, 0)
        if times > 1:
            self._held[session] = times - 1
            return
        if self._held.pop(session, 0) and not self._connection.gone:  # where nobody can take it there is none to leave
            with self._connection.write(durable=False) as db:
                db.execute("delete from lease where session = ? and owner = ?", [session, self._owner])

    def release_all(self) -> None:
        for session in list(self._held):
            self._held[session] = 1
            self.release(session)

    def _take(self, session: int) -> None:
        self._connection.db.execute(
            "insert into lease (session, owner, pid, host, started_at, beat_at) values (?, ?, ?, ?, ?, ?) "
            "on conflict (session) do update set owner = excluded.owner, pid = excluded.pid, host = excluded.host, "
            "started_at = excluded.started_at, beat_at = excluded.beat_at",
            [session, self._owner, os.getpid(), platform.node(), _started(os.getpid()), self._connection.now()],
        )

    def _alive(self, holder: Row) -> bool:
        if holder["host"] != platform.node():
            return abs(self._connection.now() - holder["beat_at"]) < SILENCE  # a clock may be set back, too
        started = _started(holder["pid"])
        if started == 0.0:
            return False
        return math.isnan(started) or abs(started - holder["started_at"]) < 2.0  # the clock may be set in between


class Hold:
    """A session held for writing; let go when the block is left, or with `release`."""

    def __init__(self, leases: Leases, session: int, name: str) -> None:
        self._leases = leases
        self._session = session
        self._name = name
        self._released = False

    def beat(self) -> None:
        """Say that this holder lives, every few seconds.  Raises StoreProblem when the session was taken over."""
        self._leases.beat(self._session, self._name)

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._leases.release(self._session)

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _started(pid: int) -> float:
    """When a process began, in seconds since the epoch; 0 when there is none (any more), NaN when it tells nobody."""
    import psutil

    try:
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return 0.0
    except psutil.AccessDenied:  # it lives, and is somebody else's
        return math.nan
