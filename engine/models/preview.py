"""The trial *preview*: a few real rows before and after the preparation, so that a person sees what it does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from engine.evaluation.bench import open_bench
from engine.models.catalogue import Prepare
from engine.models.fitting import prepared
from engine.models.pipeline import features
from engine.records import Json
from engine.trials import Context

ROWS, COLUMNS, NAMES, LONGEST = 6, 12, 60, 80


def preview(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Prepare the training part of the first exam, and show some of its rows.

    params: recipe; columns (those to show, all where missing); style (how the columns reach the model: linear, tree,
    native, net).  The rows are kept as an artifact, {"before": {"columns", "rows"}, "after": …}; the evidence holds its
    digest, how many columns there are before and after, and the names of the columns made from those shown.
    Raises DataProblem when the data does not fit the recipe.
    """
    bench = open_bench(params, ctx)
    style: Prepare = params.get("style") or "linear"
    train, _ = bench.splits.folds[0]
    frame = bench.table.frame.iloc[train]
    prepare, X = prepared(bench.recipe, style, bench.table, frame, bench.table.y[train], train, ctx.seed)
    sources, names = zip(*features(prepare), strict=True) if features(prepare) else ((), ())
    shown = [c for c in params.get("columns") or list(frame.columns) if c in frame.columns]
    made = [i for i, source in enumerate(sources) if source in shown]
    picked = _telling(frame, shown)
    after = _rows(X, picked, made[:COLUMNS])
    content = {
        "before": {
            "columns": shown[:COLUMNS],
            "rows": [[_cell(v) for v in row] for row in frame.iloc[picked][shown[:COLUMNS]].to_numpy(dtype=object)],
        },
        "after": {"columns": [names[i] for i in made[:COLUMNS]], "rows": after},
    }
    digest = ctx.keep(json.dumps(content, ensure_ascii=False).encode(), "application/vnd.rungwise.rows+json")
    return {
        "rows_digest": digest,
        "rows": [int(r) for r in bench.table.rows[train[picked]]],
        "before": len(frame.columns),
        "after": len(names),
        "names": [names[i] for i in made[:NAMES]],
    }


def _telling(frame: pd.DataFrame, shown: list[str]) -> np.ndarray:
    """Positions of a few rows: some with an empty cell, those with the largest numbers, and the first others."""
    part = frame[shown] if shown else frame
    empty = np.flatnonzero(part.isna().to_numpy().any(axis=1))[:2]
    numbers = part.select_dtypes("number")
    largest = [int(np.nanargmax(v)) for v in numbers.to_numpy(dtype=float).T[:2] if np.isfinite(v).any()]
    order = [*empty.tolist(), *largest, *range(len(frame))]
    return np.sort(np.array(list(dict.fromkeys(order))[:ROWS], dtype=np.intp))


def _rows(X: Any, rows: np.ndarray, columns: list[int]) -> list[list[Json]]:
    part = X[rows][:, columns]
    dense = part.toarray() if hasattr(part, "toarray") else np.asarray(part, dtype=np.float64)
    return [[None if np.isnan(v) else round(float(v), 4) for v in row] for row in dense]


def _cell(value: Any) -> Json:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, float | np.floating):
        return float(value)
    text = str(value).removesuffix(" 00:00:00")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
