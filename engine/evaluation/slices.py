"""View 2 of the errors: slices of the rows in which a model is measurably worse.  (Catalogue, improve.errors.)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.data.naming import is_protected
from engine.evaluation.answers import Answers
from engine.evaluation.bench import Bench
from engine.models.pipeline import WINDOW
from engine.records import Json

SMALLEST_SLICE = 30  # rows
FALSE_DISCOVERIES = 0.10  # Benjamini–Hochberg q
WEAK_RATIO = 1.25
MANY_LEVELS = 50  # of a column or of the groups; more are not looked at level by level
SURE = 1.96  # standard errors from which a slice is off to one side


@dataclass(frozen=True)
class Slice:
    """Some rows, named.  kind: missing, level, quarter, month or group."""

    name: str
    column: str
    kind: str
    mask: np.ndarray


def slices(
    frame: pd.DataFrame, types: Mapping[str, str], groups: np.ndarray | None = None, group: str = ""
) -> Iterator[Slice]:
    """Every slice worth a look: levels, quarters of numbers, months, empty cells, groups.

    frame: (n, columns) as models see them.  groups: (n,) codes, of the column named `group`.
    """
    for column in map(str, frame.columns):
        values, kind = frame[column], types[column]
        if kind in WINDOW:  # of a forecast: its steps have a view of their own
            continue
        empty = values.isna().to_numpy()
        if empty.any():
            yield Slice(f"{column} is missing", column, "missing", empty)
        if kind in ("category", "yes_no"):
            common = values.value_counts().to_dict()
            for level in [level for level, rows in common.items() if rows >= SMALLEST_SLICE][:MANY_LEVELS]:
                yield Slice(f"{column} = {level}", column, "level", (values == level).to_numpy())
        elif kind == "number":
            yield from _quarters(column, values.to_numpy(dtype=float))
        elif kind == "date":
            month = values.dt.month
            for m in range(1, 13):
                yield Slice(f"{column} in month {m}", column, "month", (month == m).to_numpy())
    if groups is not None:
        found, counts = np.unique(groups, return_counts=True)
        for g in found[np.argsort(-counts)][:MANY_LEVELS]:
            yield Slice(f"{group}, group {g}", group, "group", groups == g)


def _quarters(column: str, values: np.ndarray) -> Iterator[Slice]:
    present = values[np.isfinite(values)]
    edges = np.unique(np.quantile(present, [0, 0.25, 0.5, 0.75, 1])) if len(present) else np.array([])
    for i in range(len(edges) - 1):
        last = i == len(edges) - 2
        upper = values <= edges[i + 1] if last else values < edges[i + 1]
        name = f"{column} from {edges[i]:g} to {edges[i + 1]:g}"
        yield Slice(name, column, "quarter", (values >= edges[i]) & upper)


def judge_slices(bench: Bench, answers: Answers, aside: pd.DataFrame | None = None) -> list[dict[str, Json]]:
    """Slices whose mean loss is above the rest's, weak ones first, the worst ratio first.

    Welch's t on rows (on means of groups, where rows come in groups), Benjamini–Hochberg over all slices; weak: q at
    most .10 and a loss at least 1.25 times that of the rest.  aside: protected columns that are no inputs, of all rows
    of the table.  off, off_se: mean of said − true inside and its standard error; relative: the ratio of the losses
    over the mean size of what is predicted; both where they mean something, else None.
    """
    if bench.recipe.get("material") == "image":
        return []  # a quarter of one pixel's values is no group of pictures that anybody could name
    frame, types = bench.table.frame.iloc[answers.positions], dict(bench.recipe["types"])
    if aside is not None:
        frame = pd.concat([frame, aside.iloc[answers.positions]], axis=1)
        types |= {str(c): _kind(aside[c]) for c in aside.columns}
    groups = None if bench.table.groups is None else bench.table.groups[answers.positions]
    found: list[tuple[Slice, float | None, float, float]] = []
    for part in slices(frame, types, groups, str(bench.recipe.get("group") or "")):
        rows = int(part.mask.sum())
        if SMALLEST_SLICE <= rows <= len(part.mask) - SMALLEST_SLICE:
            inside, rest = answers.loss[part.mask], answers.loss[~part.mask]
            found.append((part, _welch(inside, rest, groups, part.mask), float(inside.mean()), float(rest.mean())))
    qs = benjamini_hochberg([p for _, p, _, _ in found])
    judged = []
    for (part, p, inside, rest), q in zip(found, qs, strict=True):
        ratio = inside / rest if rest > 0 else None
        weak = q is not None and q <= FALSE_DISCOVERIES and ratio is not None and ratio >= WEAK_RATIO
        entry = {
            "slice": part.name,
            "column": part.column,
            "kind": part.kind,
            "protected": is_protected(part.column),
            "rows": int(part.mask.sum()),
            "loss": inside,
            "rest": rest,
            "ratio": ratio,
            "p": p,
            "q": q,
            "weak": bool(weak),
        }
        judged.append(entry | _to_one_side(bench, answers, part.mask, groups))
    return sorted(judged, key=lambda s: (not s["weak"], -(s["ratio"] or 0.0)))


def _kind(column: Any) -> str:
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    return "number" if pd.api.types.is_numeric_dtype(column) else "category"


def _to_one_side(bench: Bench, answers: Answers, mask: np.ndarray, groups: np.ndarray | None) -> dict[str, Json]:
    """Whether the answers inside lean to one side, and of numbers whether they are off more for their size."""
    if answers.off is None:
        return {"off": None, "off_se": None, "relative": None}
    inside = answers.off[mask]
    means = inside if groups is None else _group_means(inside, groups[mask])
    se = float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else None
    relative = None
    if not bench.classifies:
        size = np.abs(bench.table.y[answers.positions])
        here, there = float(size[mask].mean()), float(size[~mask].mean())
        a, b = float(answers.loss[mask].mean()), float(answers.loss[~mask].mean())
        power = 2 if answers.loss_name == "squared error" else 1
        if min(here, there, a, b) > 0:
            relative = (a / here**power) / (b / there**power)
    return {"off": float(inside.mean()), "off_se": se, "relative": relative}


def _welch(inside: np.ndarray, rest: np.ndarray, groups: np.ndarray | None, mask: np.ndarray) -> float | None:
    """Two-sided p of Welch's t; None where there is no spread to test with."""
    from scipy.stats import ttest_ind

    if groups is not None:
        inside, rest = _group_means(inside, groups[mask]), _group_means(rest, groups[~mask])
    if min(len(inside), len(rest)) < 2 or (inside.std() == 0 and rest.std() == 0):
        return None
    found: Any = ttest_ind(inside, rest, equal_var=False)
    return float(found.pvalue) if np.isfinite(found.pvalue) else None


def _group_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    _, place = np.unique(groups, return_inverse=True)
    return np.bincount(place, weights=values) / np.bincount(place)


def benjamini_hochberg(ps: list[float | None]) -> list[float | None]:
    """q-values, in the order given; None stays None.  (Benjamini & Hochberg, 1995.)"""
    from scipy.stats import false_discovery_control

    known = [i for i, p in enumerate(ps) if p is not None]
    qs: list[float | None] = [None] * len(ps)
    if known:
        for i, q in zip(known, false_discovery_control([ps[i] for i in known]), strict=True):
            qs[i] = float(q)
    return qs
