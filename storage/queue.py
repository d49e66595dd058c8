"""Trials handed from whoever asks to whoever computes, through the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.ports import TrialState, TrialStatus, Wish
from engine.records import Progress, Trial
from storage.connection import Connection
from storage.rows import to_json, trial_from, trial_row, visible

WISHES: Mapping[Wish, int] = {"": 0, "cancel": 1, "pause": 2, "enough": 3}  # as the column `stop` keeps them
_BY_NUMBER: Mapping[int, Wish] = {number: wish for wish, number in WISHES.items()}
DIED = "the worker ended unexpectedly (out of memory, or killed)"


class StoredQueue:
    """An `engine.ports.TrialQueue` that several processes share.

    silence: seconds without a beat after which a worker is taken for dead, and its running trial for failed.
    Beats and progress survive a killed process, but are not forced to the disk: they are many, and only say how far
    the work has come.
    """

    def __init__(self, connection: Connection, silence: float = 30.0) -> None:
        self._connection = connection
        self.silence = silence

    # -- whoever asks ----------------------------------------------------------------------------------------------

    def submit(self, trials: Sequence[Trial]) -> None:
        """Queue trials that are not there yet; one that failed, was cancelled or lost its evidence is queued again.

        Raises ValueError for parameters that JSON would change (e.g. numbers as keys).
        """
        with self._connection.write() as db:
            self._bury()
            for trial in trials:
                row = trial_row(trial)
                if trial_from(row).key != row["key"]:  # its evidence would be looked for under another key
                    raise ValueError(f"the parameters of {trial.kind} are no plain JSON: {trial.params!r}")
                known = self._connection.row(
                    "select status, stop, exists (select 1 from evidence where evidence.key = trial.key) as kept "
                    "from trial where key = ?",
                    [row["key"]],
                )
                if known is None:
                    db.table("trial").insert({**row, "status": "queued", "queued_at": self._connection.now()})
                elif known["status"] in ("failed", "cancelled") or (known["status"] == "done" and not known["kept"]):
                    self._requeue(row["key"])
                elif known["stop"] == WISHES["cancel"]:  # wanted again before the worker noticed that it was not
                    db.execute("update trial set stop = 0 where key = ?", [row["key"]])

    def states(self, keys: Sequence[str]) -> dict[str, TrialState]:
        """How each of these trials stands; those never submitted are left out."""
        wanted = to_json(list(keys))
        trials = self._connection.rows(
            "select trial.*, worker.beat_at from trial left join worker on worker.name = trial.worker "
            "where key in (select value from json_each(?))",
            [wanted],
        )
        reports: dict[str, list[Progress]] = {}
        for row in self._connection.rows(
            "select * from progress where trial in (select value from json_each(?)) order by id", [wanted]
        ):
            reports.setdefault(row["trial"], []).append(_progress(row))
        return {row["key"]: self._state(row, reports.get(row["key"], [])) for row in trials}

    def active(self) -> list[TrialState]:
        """Everything that waits or runs, in its order."""
        rows = self._connection.rows(
            "select key from trial where status in ('queued', 'running') order by status desc, queued_at, rowid"
        )
        states = self.states([row["key"] for row in rows])
        return [states[row["key"]] for row in rows if row["key"] in states]

    def cancel(self, keys: Sequence[str]) -> None:
        """A queued trial is cancelled at once; a running one when its worker next asks."""
        now = self._connection.now()
        with self._connection.write() as db:
            for key in keys:
                db.execute(
                    "update trial set status = 'cancelled', ended_at = ? where key = ? and status = 'queued'",
                    [now, key],
                )
                db.execute("update trial set stop = 1 where key = ? and status = 'running'", [key])
            self._bury()

    def want(self, keys: Sequence[str], wish: Wish) -> None:
        """Say what is wanted of these, where they run; "" takes a pause back.  What is being cancelled stays so."""
        with self._connection.write() as db:
            for key in keys:
                db.execute(
                    "update trial set stop = ? where key = ? and status = 'running' and stop <> ?",
                    [WISHES[wish], key, WISHES["cancel"]],
                )

    # -- the worker's side -----------------------------------------------------------------------------------------

    def claim(self, worker: str) -> Trial | None:
        """The next queued trial, now running under this worker; None when there is none.  Two never get the same.

        Raises StoreProblem where the store's file was deleted or replaced.
        """
        self._connection.check_there()
        if self._next() is None:  # an idle worker takes no lock
            return None
        with self._connection.write() as db:
            row = self._next()
            if row is None:
                return None
            self._touch(worker)
            db.execute(
                "update trial set status = 'running', worker = ?, started_at = ?, ended_at = null, reason = '', "
                "stop = 0 where key = ?",
                [worker, self._connection.now(), row["key"]],
            )
        return trial_from(row)

    def report(self, key: str, progress: Progress) -> None:
        """Keep how far a trial is.  Reports with a point stay, for its curve; of the others, the last."""
        with self._connection.write(durable=False) as db:
            db.execute("delete from progress where trial = ? and point = '{}'", [key])
            db.execute(
                "insert into progress (trial, at, step, steps, unit, message, point, seconds_left) "
                "values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(key, self._connection.now(), progress.step, progress.steps, visible(progress.unit)),
                    *(visible(progress.message), to_json(dict(progress.point)), progress.left),
                ],
            )
            db.execute(
                "update worker set beat_at = ? where name = (select worker from trial where key = ?)",
                [self._connection.now(), key],
            )

    def cancelled(self, key: str) -> bool:
        """Whether it is to stop; so it is where the store's file is gone, as nobody would find what came out."""
        if self._connection.gone:
            return True
        row = self._connection.row("select stop, status from trial where key = ?", [key])
        return row is not None and (row["stop"] == WISHES["cancel"] or row["status"] == "cancelled")

    def wish(self, key: str) -> Wish:
        row = self._connection.row("select stop from trial where key = ?", [key])
        return "" if row is None else _wish(row["stop"])

    def finish(self, key: str, status: TrialStatus, reason: str = "") -> None:
        """Say how a trial ended.  One that was wanted again while it was being stopped is queued again."""
        with self._connection.write() as db:
            if status == "cancelled" and not self.cancelled(key):
                self._requeue(key)
                return
            db.execute(
                "update trial set status = ?, reason = ?, stop = 0, ended_at = ? where key = ?",
                [status, visible(reason), self._connection.now(), key],
            )

    def beat(self, worker: str) -> None:
        """Say that this worker lives; a running trial whose worker has been silent too long is marked failed."""
        with self._connection.write(durable=False):
            self._touch(worker)
            self._bury()

    def leave(self, worker: str) -> None:
        """Say that this worker ends in good order."""
        with self._connection.write(durable=False) as db:
            db.execute("delete from worker where name = ?", [worker])
            self._bury()

    def workers(self) -> list[str]:
        """Those that have been heard of within the silence."""
        since = self._connection.now() - self.silence
        return [row["name"] for row in self._connection.rows("select name from worker where beat_at >= ?", [since])]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _next(self) -> dict[str, Any] | None:
        return self._connection.row("select * from trial where status = 'queued' order by queued_at, rowid limit 1")

    def _requeue(self, key: str) -> None:
        db = self._connection.db
        db.execute("delete from progress where trial = ?", [key])
        db.execute(
            "update trial set status = 'queued', reason = '', stop = 0, worker = null, started_at = null, "
            "ended_at = null, queued_at = ? where key = ?",
            [self._connection.now(), key],
        )

    def _touch(self, worker: str) -> None:
        self._connection.db.execute(
            "insert into worker (name, beat_at) values (?, ?) "
            "on conflict (name) do update set beat_at = excluded.beat_at",
            [worker, self._connection.now()],
        )

    def _bury(self) -> None:
        """Mark what silent workers were running: failed, or cancelled where that was asked for."""
        now = self._connection.now()
        db = self._connection.db
        db.execute(
            "update trial set status = iif(stop = 1, 'cancelled', 'failed'), reason = iif(stop = 1, '', ?), stop = 0, "
            "ended_at = ? where status = 'running' and not exists "
            "(select 1 from worker where worker.name = trial.worker and worker.beat_at >= ?)",
            [DIED, now, now - self.silence],
        )
        db.execute("delete from worker where beat_at < ?", [now - self.silence])

    def _state(self, row: dict[str, Any], reports: list[Progress]) -> TrialState:
        status, reason, now = row["status"], row["reason"], self._connection.now()
        if status == "running" and (row["beat_at"] is None or row["beat_at"] < now - self.silence):
            stopped = row["stop"] == WISHES["cancel"]
            status, reason = ("cancelled", "") if stopped else ("failed", DIED)  # before anybody wrote it down
        started = row["started_at"]
        return TrialState(
            trial=trial_from(row),
            status=status,
            progress=reports[-1] if reports else None,
            curve=tuple(report for report in reports if report.point),
            reason=reason,
            started_at=started,
            elapsed=0.0 if started is None else max(0.0, (row["ended_at"] or now) - started),
            wish=_wish(row["stop"]) if status == "running" else "",
        )


def _wish(stop: int) -> Wish:
    return _BY_NUMBER.get(stop, "")


def _progress(row: dict[str, Any]) -> Progress:
    left = row.get("seconds_left")  # a store that is only read may be older than the column
    return Progress(row["step"], row["steps"], row["unit"], row["message"], json.loads(row["point"]), left)
