"""Small kinds of trials for tests of what runs them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from engine.errors import DataProblem
from engine.records import Json, Progress
from engine.trials import Context, Division, TrialKind, parts_of


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


# -- a trial that falls into parts -------------------------------------------------------------------------------------


def sums(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Of parts that each note in a file that they were computed, and end as `how` says where they are the one named."""
    many = tuple({**params, "n": n} for n in range(params["parts"]))
    done: dict[int, int] = {}
    here = "tests.engine.runners.kinds"
    for place, content in parts_of(ctx, Division(f"{here}:part", f"{here}:begin", many)):
        done[place] = int(content)
        ctx.report(Progress(len(done), len(many), "part", point={"n": place}))
    return {"value": [done[n] for n in range(len(many))]}


def begin(params: dict[str, Json], ctx: Context) -> tuple[int, str]:
    return int(params.get("bytes", 0)), str(params.get("holds", ""))


def part(params: dict[str, Json], ctx: Context) -> bytes:
    with open(params["log"], "a") as log:
        log.write(f"{params['n']}\n")
    before = Path(params["log"]).read_text().split().count(str(params["n"]))
    if params["n"] == params.get("which") and before <= params.get("times", 1):
        match params["how"]:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "crashed":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "data":
                raise DataProblem("The file is gone; put it back.")
            case "raised":
                raise ZeroDivisionError("by nothing")
    if params.get("after") is not None and params["n"] != params["after"]:  # that one is to be heard first
        while not Path(f"{params['log']}.spoke").exists():
            time.sleep(0.01)
        time.sleep(0.2)
    began = time.monotonic()
    until = began + params.get("pause", 0.0) * (1 + params["n"] * params.get("slower", 0))
    epoch = 0
    while time.monotonic() < until:
        time.sleep(0.01)
        epoch += 1
        point = {"epoch": float(epoch), "n": float(params["n"])} if params.get("speaks") else {}
        ctx.report(Progress(1, 2, "step", point=point))
        if params["n"] == params.get("after"):
            Path(f"{params['log']}.spoke").touch()
    with open(f"{params['log']}.spans", "a") as spans:
        spans.write(f"{began} {time.monotonic()}\n")
    return str(params["n"] ** 2 + ctx.seed).encode()


KINDS = {
    name: TrialKind(name, f"tests.engine.runners.kinds:{name}", name)
    for name in ("double", "steps", "memory", "breaks", "infinite", "reads", "sums")
}
