"""The trial *final*: the model that leaves, with everything that somebody needs to feed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.evaluation.bands import bands
from engine.evaluation.bench import open_bench
from engine.evaluation.exams import Reporter
from engine.models.fitting import fit
from engine.models.persist import MEDIA_TYPE, Artifact, dumps
from engine.records import Json, Progress
from engine.trials import Context

MOST_LEVELS = 255  # named in the schema; columns with more hold free text or keys
USUAL = (0.001, 0.999)  # what is called the usual range of a number


def final(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Fit the frozen model once more, and keep it.

    params: recipe, model, threshold (the cut for two classes, or None), rows: "all" labelled rows (the default) or
    "development" (the model that the lockbox scored, to the bit).  A network's training that was broken off goes on
    from its last epoch, and a person may end it with the best so far; `remarks` and `ended_by_person` say so.
    """
    bench = open_bench(params, ctx)
    chosen = params.get("rows") or "all"
    positions = bench.splits.dev if chosen == "development" else np.arange(len(bench.table.y))
    ctx.report(Progress(0, 1, "fit", f"fitting {len(positions):,} rows"))
    frame = bench.table.frame.iloc[positions]
    fitted = fit(params["model"], bench.recipe, bench.table, positions, ctx.seed, frame=frame, report=Reporter(ctx))
    threshold = params.get("threshold")
    described = schema(frame, bench.recipe, fitted.labels, threshold)
    if bench.table.steps is not None:
        described |= {
            "columns": _of_series(params["recipe"]),
            "bands": bands(bench, params["model"], ctx.seed, Reporter(ctx)),
        }
    artifact = Artifact(fitted, dict(bench.recipe), described, threshold)
    content = dumps(artifact)
    ctx.report(Progress(1, 1, "fit"))
    return {
        "artifact": ctx.keep(content, MEDIA_TYPE),
        "format": artifact.format,
        "model": dict(params["model"]),
        "schema": described,
        "parameters": fitted.parameters,
        "features": fitted.features,
        "fit_seconds": fitted.seconds,
        "bytes": len(content),
        "rows": len(positions),
        "fitted_on": chosen,
        "notes": fitted.notes,
        **({"remarks": fitted.net["remarks"]} if fitted.net.get("remarks") else {}),
        **({"ended_by_person": 1} if fitted.ended_by_person else {}),
        **({"bands": described["bands"]} if "bands" in described else {}),
    }


def _of_series(recipe: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The columns of a history: when, of what, the value, and the other inputs; ahead: known beyond the last value."""
    said, target = recipe["series"], recipe["target"]
    wide = said.get("shape") in ("wide", "rows")
    columns = [(said.get("time"), "time"), (said.get("id"), "series"), (target, "value")]
    columns += [(name, "value" if wide else kind) for name, kind in recipe["types"].items()]
    known = set(said.get("known") or ())
    unique = {name: kind for name, kind in reversed(columns) if name}
    return [{"name": name, "type": unique[name], "ahead": name in known} for name in reversed(unique)]


def schema(
    frame: pd.DataFrame, recipe: Mapping[str, Json], labels: list[str], threshold: float | None
) -> dict[str, Json]:
    """What comes in and what goes out.  frame: the rows the model learned from, inputs only.

    Aggregates only: levels of a column are named while there are few, never free text or dates of single rows.
    """
    return {
        "target": recipe["target"],
        "task": recipe["task"],
        "labels": labels,
        "positive": labels[1] if recipe["task"] == "binary" else None,
        "threshold": threshold,
        "columns": [_described(name, recipe["types"][str(name)], column) for name, column in frame.items()],
    }


def _described(name: Any, kind: str, column: pd.Series) -> dict[str, Json]:
    entry: dict[str, Any] = {"name": str(name), "type": kind, "missing": float(column.isna().mean())}
    present = column.dropna()
    if kind == "number" and len(present):
        low, high = np.quantile(present.to_numpy(), USUAL)
        entry |= {
            "min": float(present.min()),
            "max": float(present.max()),
            "usual": [float(low), float(high)],
            "whole": bool((present == present.round()).all()),
        }
    elif kind == "date" and len(present):
        entry |= {"min": present.min().isoformat(), "max": present.max().isoformat()}
    elif kind in ("category", "yes_no"):
        levels = sorted(map(str, present.unique()))
        entry |= {"distinct": len(levels), "levels": levels if len(levels) <= MOST_LEVELS else None}
    return entry
