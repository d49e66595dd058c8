"""The trial *look*: the rows for practice from all sides.  Rows of the lockbox are never read here (4.2)."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, ks_2samp, rankdata

from engine.data.association import between
from engine.data.figures import histogram, outliers
from engine.evaluation.bench import Bench, open_bench
from engine.records import Json, Progress
from engine.trials import Context

MOST_ROWS = 200_000  # rows that associations are taken from
PAIR_ROWS, PAIR_COLUMNS = 20_000, 60
FEW = 50  # levels up to which a number is also looked at as a category
RARE = 10
ALIKE = 0.95  # from which two inputs are named as a pair
SHIFT, SURE = 0.1, 0.01  # how far early and late must differ, and the chance (of all columns together) that none does
LONGEST = 80

Column = dict[str, Any]


def look(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Describe the development rows of a recipe: each input, what is missing together, what goes with the target, what
    goes with another input, how late rows differ from early ones, and a few rows themselves.

    params: recipe.  The rows are kept as an artifact; the evidence holds only its digest.  Shares and counts are of the
    development rows, associations of at most 200,000 of them.  Raises DataProblem when the data does not fit.
    """
    bench = open_bench(params, ctx)
    dev = bench.splits.dev
    frame, y = bench.table.frame.iloc[dev], bench.table.y[dev]
    types = bench.recipe["types"]
    steps = len(frame.columns) + 4
    columns: list[dict[str, Json]] = []
    for i, name in enumerate(frame.columns):
        ctx.report(Progress(i, steps, "column", name))
        columns.append(_describe(name, types[name], frame[name]))
    some = _some(len(dev), MOST_ROWS)
    coded = {name: _coded(frame[name].iloc[some], types[name]) for name in frame.columns if types[name] != "text"}
    target: Column = {"codes": y[some]} if bench.classifies else {"values": y[some].astype(float)}
    found = {name: between(column, target) for name, column in coded.items()}
    ctx.report(Progress(steps - 3, steps, "column", "what goes together"))
    pairs = _pairs(coded, _some(len(some), PAIR_ROWS))
    ctx.report(Progress(steps - 2, steps, "column", "early and late"))
    shifts = _early_late(bench, coded, some)
    ctx.report(Progress(steps - 1, steps, "column", "rows to look at"))
    return {
        "rows": len(dev),
        "rows_used": len(some),
        "columns": columns,
        "missing": _missing(bench, frame, y),
        "associations": [[n, m, round(v, 4)] for n, (m, v) in sorted(found.items(), key=lambda item: -item[1][1])],
        "pairs": pairs,
        "early_late": shifts,
        "ordered_by": "time" if bench.table.times is not None else "the order of the file",
        "target": _target(bench, y),
        "rows_digest": _rows(bench, frame, y, ctx),
    }


def _some(n: int, most: int) -> np.ndarray:
    """Positions of at most so many rows, drawn evenly, in order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def _describe(name: str, kind: str, column: pd.Series) -> dict[str, Json]:
    said: dict[str, Json] = {"name": name, "type": kind, "missing": int(column.isna().sum())}
    said |= {"outliers": None, "skew": None, "histogram": None, "levels": [], "rare": 0, "rare_rows": 0, "negative": 0}
    if kind in ("number", "date"):
        x = _numbers(column)
        x = x[np.isfinite(x)]
        if len(x):
            said |= _spread(x) if kind == "number" else {"histogram": histogram(*np.unique(x, return_counts=True))}
        return said
    if kind == "text":
        return said
    counts = column.value_counts()
    rare = counts[counts < RARE]
    said["levels"] = [[str(value)[:LONGEST], int(count)] for value, count in counts.iloc[:12].items()]
    said["rare"], said["rare_rows"] = len(rare), int(rare.sum())
    return said


def _spread(x: np.ndarray) -> dict[str, Json]:
    """How numbers are spread: x (n,), finite, n > 0."""
    values, counts = np.unique(x, return_counts=True)
    far = outliers(values, counts)
    return {
        "histogram": histogram(values, counts),
        "outliers": far and far | {"extreme": _extreme_z(x)},
        "skew": _skew(x),
        "negative": int((x < 0).sum()),
    }


def _extreme_z(x: np.ndarray) -> float | None:
    """The largest robust z, in units of 1.4826 MAD."""
    away = np.abs(x - np.median(x))
    spread = 1.4826 * float(np.median(away))
    found = float(away.max() / spread) if spread > 0 else np.inf
    return round(found, 2) if np.isfinite(found) else None


def _numbers(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(column):
        seconds = column.to_numpy(dtype="datetime64[us]").astype("int64").astype(float) / 1e6
        seconds[column.isna().to_numpy()] = np.nan
        return seconds
    return column.to_numpy(dtype=float)


def _skew(x: np.ndarray) -> float | None:
    sd = x.std()
    if not np.isfinite(sd) or sd <= 1e-12 * max(1.0, np.abs(x).max()):
        return None
    z = (x - x.mean()) / sd
    return round(float((z * z * z).mean()), 4)


def _coded(column: pd.Series, kind: str) -> Column:
    if kind in ("number", "date"):
        return {"values": _numbers(column)}
    codes, levels = pd.factorize(column, use_na_sentinel=True)
    return {"codes": codes.astype(np.int64), "levels": len(levels)}


def _pairs(coded: dict[str, Column], some: np.ndarray) -> list[list[Json]]:
    """Inputs that nearly say the same, strongest first; numbers of few levels are held against categories, too."""
    columns: dict[str, Column] = {}
    for name, column in list(coded.items())[:PAIR_COLUMNS]:
        part = {key: value[some] for key, value in column.items() if key in ("values", "codes")}
        if "codes" in part and column["levels"] > len(some) / 5:
            continue  # nearly every row its own level: such a column goes with anything
        if "values" in part:
            part |= {"few": _as_levels(part["values"])}
            if np.isfinite(part["values"]).all():
                part |= {"ranks": rankdata(part["values"])}
        columns[name] = part
    found = []
    for a, b in itertools.combinations(columns, 2):
        _, strength = between(*_same_kind(columns[a], columns[b]), both_ways=True)
        if strength >= ALIKE:
            found.append([a, b, round(strength, 4)])
    return sorted(found, key=lambda row: -float(row[2]))


def _same_kind(a: Column, b: Column) -> tuple[Column, Column]:
    """A number of few levels beside a category is a category, so that 1, 2, 3 is found to be first, second, third."""
    if ("codes" in a) == ("codes" in b):
        return a, b
    number, other = (a, b) if "values" in a else (b, a)
    return number["few"] or number, other


def _as_levels(values: np.ndarray) -> Column:
    """A number of few levels as a category; nothing where it has more."""
    known = np.isfinite(values)
    levels = np.unique(values[known])
    if len(levels) > FEW:
        return {}
    codes = np.searchsorted(levels, np.nan_to_num(values, nan=levels[0] if len(levels) else 0.0))
    return {"codes": np.where(known, codes, -1)}


def _early_late(bench: Bench, coded: dict[str, Column], some: np.ndarray) -> list[list[Json]]:
    """How the later half of the rows differs from the earlier one, where that is no accident: Kolmogorov-Smirnov for
    numbers, total variation for categories; Bonferroni over the columns."""
    positions = bench.splits.dev[some]
    order = bench.table.rows[positions].astype(float) if bench.table.times is None else bench.table.times[positions]
    late = order > np.median(order)
    if late.all() or not late.any():
        return []
    found: list[list[Json]] = []
    for name, column in coded.items():
        if "values" in column:
            early, after = (v[np.isfinite(v)] for v in (column["values"][~late], column["values"][late]))
            if min(len(early), len(after)) < 20:
                continue
            result: Any = ks_2samp(early, after, method="asymp")
            size, p = float(result.statistic), float(result.pvalue)
        else:
            counts = _two_rows(column["codes"], late)
            if counts is None:
                continue
            shares = counts / counts.sum(axis=1, keepdims=True)
            size = float(np.abs(shares[0] - shares[1]).sum() / 2)
            tested: Any = chi2_contingency(counts)
            p = float(tested.pvalue)
        if size >= SHIFT and p < SURE / len(coded):
            found.append([name, "KS distance" if "values" in column else "total variation", round(size, 4)])
    return sorted(found, key=lambda row: -row[2])


def _two_rows(codes: np.ndarray, late: np.ndarray) -> np.ndarray | None:
    """Counts of each level, early and late; levels under 10 rows together, for the test's sake."""
    k = int(codes.max(initial=-1)) + 1
    if k < 2:
        return None
    counts = np.array([np.bincount(codes[side & (codes >= 0)], minlength=k) for side in (~late, late)], dtype=float)
    rare = counts.sum(axis=0) < RARE
    if rare.any():
        counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    counts = counts[:, counts.sum(axis=0) > 0]
    return counts if counts.shape[1] > 1 and (counts.sum(axis=1) > 0).all() else None


def _missing(bench: Bench, frame: pd.DataFrame, y: np.ndarray) -> dict[str, Json]:
    """Which cells are empty together, and in which class (or quarter of a number) how often."""
    empty = frame.isna()
    columns = [name for name, some in zip(frame.columns, np.any(empty, axis=0), strict=True) if some]
    if not columns:
        return {"patterns": [], "together": [], "by_target": []}
    flags = empty[columns].to_numpy()
    bits = [1 << j for j in range(min(40, len(columns)))][::-1]  # as one number a row: a row's columns sort slowly
    held = np.zeros(len(flags), dtype=np.int64)
    for j, bit in enumerate(bits):
        held += flags[:, j] * bit
    codes, counts = np.unique(held, return_counts=True)
    patterns = [
        [[columns[j] for j, bit in enumerate(bits) if code & bit], n]
        for code, n in zip(codes.tolist(), counts.tolist(), strict=True)
        if code
    ]
    most = [columns[j] for j in np.argsort(-flags.sum(axis=0), kind="stable")[:8]]
    together = []
    for a, b in itertools.combinations(most, 2):
        one, other = empty[a].to_numpy(), empty[b].to_numpy()
        together.append([a, b, round(float((one & other).sum() / (one | other).sum()), 4)])
    parts = _parts(bench, y)
    by_target = [
        [c, {label: round(float(empty[c].to_numpy()[rows].mean()), 4) for label, rows in parts.items()}] for c in most
    ]
    return {
        "patterns": sorted(patterns, key=lambda p: -p[1])[:12],
        "together": together,
        "by_target": by_target,
    }


def _parts(bench: Bench, y: np.ndarray) -> dict[str, np.ndarray]:
    """The rows of each class, or of each quarter of a number."""
    if bench.classifies:
        return {label: y == k for k, label in enumerate(bench.table.labels[:12]) if (y == k).any()}
    edges = np.unique(np.percentile(y, [25, 50, 75]))
    quarter = np.searchsorted(edges, y, side="right")
    names = ["lowest quarter", "second quarter", "third quarter", "highest quarter"]
    return {names[q]: quarter == q for q in range(len(edges) + 1) if (quarter == q).any()}


def _target(bench: Bench, y: np.ndarray) -> dict[str, Json]:
    if bench.classifies:
        counts = np.bincount(y, minlength=len(bench.table.labels))
        return {"classes": {label: int(n) for label, n in zip(bench.table.labels, counts, strict=True)}}
    found = _spread(y.astype(float))
    return {key: found[key] for key in ("histogram", "outliers", "skew")}


def _rows(bench: Bench, frame: pd.DataFrame, y: np.ndarray, ctx: Context) -> str:
    """Some rows at random, those with the furthest values, and examples of each class, kept as an artifact."""
    n = len(frame)
    rng = np.random.default_rng(0)
    random = np.sort(rng.choice(n, min(10, n), replace=False))
    parts = {"random": random, "extreme": _extreme(frame)}
    if bench.classifies:
        each = [rng.permutation(np.flatnonzero(rows))[:5] for rows in list(_parts(bench, y).values())[:6]]
        parts["classes"] = np.concatenate(each) if each else random[:0]
    target = bench.recipe["target"]
    columns = [target, *frame.columns[:40]]
    content = {
        part: {
            "columns": ["row", *columns],
            "rows": [
                [int(bench.table.rows[bench.splits.dev[i]]) + 1, _label(bench, y[i]), *_cells(frame.iloc[i, :40])]
                for i in positions
            ],
        }
        for part, positions in parts.items()
        if len(positions)
    }
    return ctx.keep(json.dumps(content, ensure_ascii=False).encode(), "application/vnd.rungwise.rows+json")


def _extreme(frame: pd.DataFrame) -> np.ndarray:
    """Positions of the five rows that hold the values furthest from all others, by robust z."""
    worst = np.zeros(len(frame))
    for name in frame.columns:
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column):
            continue
        x = column.to_numpy(dtype=float)
        known = x[np.isfinite(x)]
        if len(known) < 20:
            continue
        middle = np.median(known)
        spread = np.median(np.abs(known - middle))
        if spread > 0:
            worst = np.fmax(worst, np.nan_to_num(np.abs(x - middle) / spread))
    return np.argsort(-worst, kind="stable")[:5] if (worst > 6).any() else np.zeros(0, dtype=int)


def _label(bench: Bench, value: Any) -> Json:
    return bench.table.labels[int(value)] if bench.classifies else float(value)


def _cells(row: pd.Series) -> list[Json]:
    return [_cell(value) for value in row.tolist()]


def _cell(value: Any) -> Json:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, int | float | np.number):
        return float(value)
    text = str(value).removesuffix(" 00:00:00")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
