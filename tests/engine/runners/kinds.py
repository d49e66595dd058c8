"""Small kinds of trials for tests of what runs them."""

from __future__ import annotations

import time

from engine.errors import DataProblem
from engine.records import Json, Progress
from engine.trials import Context, TrialKind


def double(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    return {"value": 2 * params["n"], "seed": ctx.seed}


def steps(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    for step in range(params["steps"]):
        time.sleep(params["pause"])
        ctx.report(Progress(step + 1, params["steps"], "epoch", point={"epoch": step + 1.0, "loss": 1 / (step + 1)}))
    return {"value": params["steps"]}


def memory(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    block = bytearray(params["mb"] * 2**20)
    block[:: 2**12] = b"x" * len(block[:: 2**12])  # touch every page
    return {"value": len(block)}


def breaks(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    if params.get("how") == "memory":
        raise MemoryError
    if params.get("how") == "data":
        raise DataProblem("The file is gone; put it back.")
    raise ValueError("\x1b[31mthe column\nhas no values" + "!" * 500)


def infinite(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    return {"value": float("inf")}


def reads(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    digest = ctx.keep(b"bytes", "text/plain")
    return {"before": ctx.evidence(ctx.uses[0])["value"], "again": ctx.fetch(digest).decode()}


KINDS = {
    name: TrialKind(name, f"tests.engine.runners.kinds:{name}", name)
    for name in ("double", "steps", "memory", "breaks", "infinite", "reads")
}
