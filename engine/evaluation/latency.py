"""The trial *latency*: how long one prediction takes, by the protocol of the decision catalogue, 5.3.

What counts of a call is the time that the processor worked for it, never more than the clock says: on a machine that
is busy with something else a call waits for its turn, which says nothing about the model, and would rank models by the
moment at which they were timed.  How much was waited is said beside it.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.evaluation.bench import open_bench
from engine.evaluation.exams import Reporter
from engine.models.catalogue import model_spec, parts_of_model
from engine.models.final import schema
from engine.models.fitting import Fitted, decide, fit
from engine.models.persist import Artifact, dumps
from engine.records import Json, Progress
from engine.trials import Context

WARM_UP, CALLS, ROUNDS, BATCH = 50, 1_000, 3, 1_024
FEWEST = 100  # calls in a round, however slow the model
CAP = 1.0  # seconds after which a round stops, said in the result: a person waits for this
FINE = sys.platform != "win32"  # there processor time is told in steps of 15.6 ms, longer than most calls


def latency(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Time single predictions of a model fitted on the first practice exam's training part.

    params: recipe, model, threads (1 when missing).  One call takes one row as the reading leaves it (typed cells) and
    ends with the decision: preparation, model and cut.  p95_ms is the worst of the rounds.  A network is timed after
    one epoch (`as_built`).
    """
    bench = open_bench(params, ctx)
    train, test = bench.splits.folds[0]
    ctx.report(Progress(0, ROUNDS, "round", "fitting"))
    fitted = fit(as_built(params["model"]), bench.recipe, bench.table, train, ctx.seed, report=Reporter(ctx))
    frame = bench.table.frame.iloc[test]
    timed = time_calls(fitted, frame, threads=int(params.get("threads") or 1), report=ctx.report)
    fitted.prepared = None
    described = schema(frame, bench.recipe, fitted.labels, None)
    size = len(dumps(Artifact(fitted, dict(bench.recipe), described, None)))
    return {**timed, "model_bytes": size, "parameters": fitted.parameters}


def as_built(model: Mapping[str, Json]) -> dict[str, Json]:
    """The model with its networks trained for one epoch only, those that it is made of included; any other as it is.

    What a network computes for a row hangs on its layers and on its preparation, never on the values of its weights:
    it answers as fast, and weighs as much, before it has learned.
    """
    spec, settings = model_spec(str(model["name"])), dict(model.get("settings") or {})
    if spec.network:
        settings["epochs"] = 1
    elif spec.composed and model["name"] != "tuned":  # a search chooses between trained ones
        settings["of"] = [as_built(part) for part in parts_of_model(model)]
    return {**model, "settings": settings}


@dataclass
class _Round:
    milliseconds: np.ndarray
    capped: bool
    seconds: float  # by the clock, all calls together

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.milliseconds, share))


def time_calls(
    fitted: Fitted,
    frame: pd.DataFrame,
    *,
    threads: int = 1,
    threshold: float | None = None,
    report: Callable[[Progress], None] | None = None,
    cap: float | None = None,
) -> dict[str, Json]:
    """Time `fitted` on rows of `frame`, one at a time: percentiles in milliseconds, and rows per second in batches.

    A round ends after 1,000 calls, or after `cap` seconds once 100 are done; `calls` says how many each made, and
    `waited` the share of the clock's time in which other programs had the processor.
    """
    rows = [frame.iloc[[i]] for i in range(min(len(frame), CALLS))]
    batch = frame.iloc[np.resize(np.arange(len(frame)), BATCH)]

    def call(row: pd.DataFrame) -> Any:
        scores = fitted.scores(row)
        return decide(scores, fitted.labels, threshold) if fitted.labels else scores

    with _threads(threads):
        first = _milliseconds(call, rows[0])
        for i in range(WARM_UP):
            call(rows[i % len(rows)])
        rounds = []
        for r in range(ROUNDS):
            rounds.append(_round(call, rows, CAP if cap is None else cap))
            if report is not None:
                report(Progress(r + 1, ROUNDS, "round"))
        per_batch = min(_milliseconds(call, batch) for _ in range(3))
    return {
        "p50_ms": float(np.median([r.percentile(50) for r in rounds])),
        "p95_ms": max(r.percentile(95) for r in rounds),
        "p99_ms": float(np.median([r.percentile(99) for r in rounds])),
        "p95_rounds": [r.percentile(95) for r in rounds],
        "first_ms": first,
        "rows_per_second": BATCH / (per_batch / 1000),
        "threads": threads,
        "rounds": ROUNDS,
        "calls": [len(r.milliseconds) for r in rounds],
        "rows": len(rows),
        "capped": any(r.capped for r in rounds),
        "waited": _waited(rounds),
        "protocol": "one typed row in, decision out; batch 1; the processor's time; the worst p95 of the rounds",
    }


def _round(call: Callable[[pd.DataFrame], Any], rows: list[pd.DataFrame], cap: float) -> _Round:
    taken, calls = np.empty(CALLS), CALLS
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    started = time.perf_counter()
    try:
        for i in range(CALLS):
            taken[i] = _milliseconds(call, rows[i % len(rows)])
            if i + 1 >= FEWEST and time.perf_counter() - started > cap:
                calls = i + 1
                break
    finally:
        if collecting:
            gc.enable()
    return _Round(taken[:calls], calls < CALLS, time.perf_counter() - started)


def _milliseconds(call: Callable[[pd.DataFrame], Any], row: pd.DataFrame) -> float:
    """Of the process's processor time and the clock's the shorter: several threads work faster than the one tells."""
    started, working = time.perf_counter_ns(), time.process_time_ns()
    call(row)
    worked, taken = time.process_time_ns() - working, time.perf_counter_ns() - started
    return (min(worked, taken) if FINE else taken) / 1e6


def _waited(rounds: list[_Round]) -> float:
    clock = sum(r.seconds for r in rounds)
    return round(max(0.0, 1.0 - sum(float(r.milliseconds.sum()) for r in rounds) / 1000 / clock), 3)


class _threads:  # noqa: N801 - reads as a verb
    """So many threads inside, for BLAS, OpenMP and (where it is loaded) torch; put back afterwards."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted

    def __enter__(self) -> None:
        import sys

        from threadpoolctl import threadpool_limits

        self.pools = threadpool_limits(self.wanted)
        self.torch = sys.modules.get("torch")
        if self.torch is not None:
            self.before = self.torch.get_num_threads()
            self.torch.set_num_threads(self.wanted)

    def __exit__(self, *_: object) -> None:
        self.pools.restore_original_limits()
        if self.torch is not None:
            self.torch.set_num_threads(self.before)
