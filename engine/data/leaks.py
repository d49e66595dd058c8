"""Looking for leaks: every detector of the catalogue (4.2.1) that can run on a table, on its development rows."""

from __future__ import annotations

import numpy as np

from engine.data.detectors.base import FOLDS, Detector, Finding, NotRun, Rows
from engine.data.detectors.copies import COPIES
from engine.data.detectors.file import PREPARED, ROW_ORDER, STRADDLING
from engine.data.detectors.names import LATE_NAME, SELECTED_BEFORE
from engine.data.detectors.population import GROUP_LEAK, POPULATION, TIME_LEAK
from engine.data.detectors.single import MISSING_TELLS, NEAR_PERFECT
from engine.data.detectors.sums import IDENTITIES, JOINT
from engine.data.splitting import Splits, lockbox_and_plan
from engine.data.table import Table, load
from engine.records import Json, Progress
from engine.trials import Context

# In this order: the first two put down the columns that are the target itself, which the others leave out.
DETECTORS: tuple[Detector, ...] = (
    COPIES,
    IDENTITIES,
    NEAR_PERFECT,
    LATE_NAME,
    MISSING_TELLS,
    ROW_ORDER,
    JOINT,
    STRADDLING,
    GROUP_LEAK,
    TIME_LEAK,
    PREPARED,
    SELECTED_BEFORE,
    POPULATION,
)


def leaks(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """The trial `leaks`.  params: {"recipe", "beside"?}; beside: {"group", "time"}, columns that the split does not go
    by, for LK8 and LK9 to measure what that hides.

    Returns {"findings": [...] worst first, "settled": [...], "ran": ids, "skipped": {id: reason}, "copies": {...}}.
    `settled` holds what was measured but the split already answers (LK8 under a split by group, LK9 by time).
    `copies` counts development rows with equal inputs, and how many of them a plain random split into five would have
    put on both sides.  Raises DataProblem when the file does not fit the recipe, Cancelled when stopped.
    """
    recipe = params["recipe"]
    asked = {**recipe, **{name: column for name, column in (params.get("beside") or {}).items() if column}}
    table = load(ctx.source(), asked)
    rows = development_rows(table, lockbox_and_plan(table, recipe), asked)
    return look(rows, ctx)


def look(rows: Rows, ctx: Context) -> dict[str, Json]:
    """Run every detector over these rows; see `leaks` for what comes back."""
    steps = len(DETECTORS) + len(rows.columns)
    done = 0

    def tick(column: str) -> None:
        nonlocal done
        done = min(done + (column in rows.frame.columns), steps)
        ctx.report(Progress(done, steps, "column", column))

    rows.tick = tick
    found: list[Finding] = []
    ran: list[str] = []
    skipped: dict[str, str] = {}
    for detector in DETECTORS:
        ctx.report(Progress(done, steps, "column", detector.title))
        try:
            found.extend(detector.look(rows))
        except NotRun as reason:
            if detector.id not in ran:
                skipped[detector.id] = str(reason)
        else:
            ran.append(detector.id)
            skipped.pop(detector.id, None)
        done = min(done + 1, steps)
    ctx.report(Progress(steps, steps, "column"))
    settled = [f for f in found if (f.detector, rows.kind) in {("LK8", "group"), ("LK9", "time")} and not f.column]
    found = [f for f in found if f not in settled]
    found.sort(key=lambda f: (not f.exact, f.level != "red"))
    return {
        "findings": [f.as_dict() for f in found],
        "settled": [f.as_dict() for f in settled],
        "ran": list(dict.fromkeys(ran)),
        "skipped": skipped,
        "copies": copies_of(rows),
    }


def development_rows(table: Table, splits: Splits, recipe: dict[str, Json]) -> Rows:
    """What the detectors see of a table: everything but the lockbox, save the inputs of all rows for LK10."""
    dev = np.asarray(splits.dev)
    place = np.full(len(table.y), -1)
    place[dev] = np.arange(len(dev))
    regression = recipe["task"] == "regression"
    y, labels = table.y[dev], tuple(table.labels or ())
    if not regression:  # a class that stands in the lockbox only is no class here
        there, y = np.unique(y, return_inverse=True)
        labels = tuple(labels[k] for k in there)
    return Rows(
        frame=table.frame.iloc[dev].reset_index(drop=True),
        y=y,
        labels=() if regression else labels,
        target=recipe["target"],
        types=dict(recipe["types"]),
        row=np.asarray(table.rows)[dev],
        whole=table.frame,
        positive=recipe.get("positive"),
        groups=None if table.groups is None else np.unique(table.groups[dev], return_inverse=True)[1],
        times=None if table.times is None else table.times[dev],
        group=recipe.get("group") or "",
        time=recipe.get("time") or "",
        time_is_date=_is_date(recipe, table.times),
        kind=recipe["split"]["kind"],
        cluster=np.unique(table.copies[dev], return_inverse=True)[1],
        folds_of_plan=[(place[train], place[test]) for train, test in splits.folds],
        seed=int(recipe["plan"].get("seed", 0)),
    )


def _is_date(recipe: dict[str, Json], times: np.ndarray | None) -> bool:
    """Whether the times are seconds since 1970, so that date inputs can be held against them.

    Said by the recipe, or seen: their middle lies after 1973, which no year and no row number does.
    """
    if times is None:
        return False
    time, read = recipe.get("time"), recipe.get("read") or {}
    if recipe["types"].get(time) == "date" or time in (read.get("dates") or {}):
        return True
    there = times[np.isfinite(times)]
    return len(there) > 0 and 1e8 < float(np.median(there)) < 1e10


def copies_of(rows: Rows) -> dict[str, Json]:
    """How many development rows have equal inputs, and how many a random split into five would put on both sides."""
    sizes = np.zeros(0, dtype=int) if rows.cluster is None else np.bincount(rows.cluster)
    repeated = sizes[sizes > 1]
    crossing = float((repeated * (1 - (1 / FOLDS) ** (repeated - 1))).sum())
    return {"rows": int(repeated.sum()), "sets": len(repeated), "would_straddle": round(crossing)}
