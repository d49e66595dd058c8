"""The trial *importance*: what a model leans on.  (Decision catalogue, improve.importance.)

A column, or a cluster of columns that say nearly the same, is shuffled in the test part of an exam: what the score
loses is what the model leaned on it for (Breiman, 2001).  Impurity is not used: it is taken from training rows, and
favours columns of many values (Strobl et al., 2007).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.data.association import between
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.dependence import dependences
from engine.evaluation.fold_models import each_exam, fold_model
from engine.evaluation.intervals import corrected_t
from engine.evaluation.metrics import Weighted, weighted_metrics
from engine.metrics import BY_NAME
from engine.models.fitting import Fitted
from engine.models.pipeline import WINDOW
from engine.records import Json
from engine.trials import Context

REPEATS = 10
MOST_EXAMS = 10
MANY_ROWS, ENOUGH_EXAMS = 10_000, 5  # from so many development rows on, fewer exams
MOST_ASKED = 1_000_000  # rows that all shuffles together ask about: a person waits for this
LEAST_TESTED, MOST_TESTED = 500, 5_000  # rows of a test part that are asked, drawn evenly
ALIKE = 0.8  # from which columns are shuffled together
PAIR_ROWS, PAIR_COLUMNS, FEW_LEVELS = 5_000, 200, 50
LARGE = 200_000  # parameters of a model (a forest of many rows) from which on the least number of rows is asked
RULES = 0.8  # of what the model gains over the baseline, from which one cluster rules (LK14)
DRAWN = 4  # columns whose effect is drawn
SERIES = "the series so far"


def importance(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Shuffle each cluster of columns ten times in the test part of each exam of the first repeat.

    params: recipe, model, floor (the baseline's score, in the metric's unit, or None).  clusters: columns, drop (how
    much worse the metric gets, mean over the exams), its corrected 95 % interval, sd over the shuffles of that mean,
    important (mean − 2·sd and the interval above 0), share (of what the model gains over the baseline); the largest
    drop first.  Of large test parts some rows are asked, as many as a million answers in all allow.
    """
    bench = open_bench(params, ctx)
    metric = BY_NAME[bench.metric]
    folds, clusters = _exams(bench), clusters_of(bench)
    tested = min(max(MOST_ASKED // (REPEATS * len(folds) * len(clusters)), LEAST_TESTED), MOST_TESTED)
    shared = {"recipe": params["recipe"], "model": params["model"], "clusters": clusters, "tested": tested}
    parts = [{**shared, "fold": j, "draw": step == 0} for step, j in enumerate(folds)]
    found = dict(each_exam(ctx, f"{__name__}:one_exam", params["model"], parts))
    taken = [found[place] for place in sorted(found) if found[place]]
    if not taken:
        return {"clusters": [], "exams": 0, "rules": None, "metric": metric.name, "dependence": []}
    types = bench.recipe["types"]
    names = [SERIES if types[columns[0]] in WINDOW else " and ".join(columns) for columns in clusters]
    drops, rho = np.array([exam["drops"] for exam in taken]), float(np.mean([exam["rho"] for exam in taken]))
    rows = _summed(drops, clusters, names, rho, bool(bench.splits.ordered))
    score = float(np.mean([exam["score"] for exam in taken]))  # oriented
    floor = params.get("floor")
    gain = None if floor is None else score - float(metric.oriented(floor))
    for row in rows:
        row["share"] = row["drop"] / gain if gain and gain > 0 else None
    top = rows[0]
    rules = top["columns"] if top["share"] is not None and top["share"] >= RULES and top["important"] else None
    return {
        "metric": metric.name,
        "clusters": rows,
        "exams": len(taken),
        "repeats": REPEATS,
        "score": score if metric.best == "zero" else float(metric.oriented(score)),
        "gain": gain,
        "rules": rules,
        "dependence": taken[0]["dependence"],
    }


def one_exam(params: Mapping[str, Json], ctx: Context) -> bytes:
    """A part of the trial: the drops in one exam.  params: recipe, model, fold, clusters, tested, draw (whether the
    effects of the columns that matter most here are drawn).  "null" where the model failed, or the metric does not
    apply."""
    bench = open_bench(dict(params), ctx)
    fitted = fold_model(bench, params, ctx)
    if fitted is None:
        return b"null"
    fold, clusters = int(params["fold"]), params["clusters"]
    train, test = bench.splits.folds[fold]
    rng = np.random.default_rng([ctx.seed, fold])
    tested = LEAST_TESTED if fitted.parameters > LARGE else int(params["tested"])
    asked = np.sort(rng.choice(test, min(len(test), tested), replace=False))
    found = shuffled(bench, fitted, asked, clusters, rng)
    if found is None:
        return b"null"
    score, drops = found
    drawn: list[dict[str, Json]] = []
    if params["draw"]:
        means, sds = drops.mean(axis=1), drops.std(axis=1, ddof=1)
        most = [c for c in np.argsort(-means, kind="stable") if means[c] > 2 * sds[c]]
        drawn = dependences(bench, fitted, asked, [column for c in most for column in clusters[c]][:DRAWN])
    rho = bench.table.values(test) / bench.table.values(train)
    return json.dumps({"score": score, "drops": drops.tolist(), "rho": rho, "dependence": drawn}).encode()


def _exams(bench: Bench) -> list[int]:
    """The exams of the first repeat: each development row is asked about once."""
    first = bench.splits.k or len(bench.splits.folds)
    most = ENOUGH_EXAMS if len(bench.splits.dev) >= MANY_ROWS else MOST_EXAMS
    count = len(bench.splits.folds)
    wanted = min(first, most, count)
    return list(range(count - wanted, count) if bench.splits.ordered else range(wanted))  # the latest, in time order


def shuffled(
    bench: Bench, fitted: Fitted, asked: np.ndarray, clusters: Sequence[Sequence[str]], rng: np.random.Generator
) -> tuple[float, np.ndarray] | None:
    """The oriented score on these rows, and by how much it falls with each cluster shuffled: (clusters, REPEATS).

    None where the metric is undefined on these rows.  All shuffles of a cluster are asked in one call.
    """
    metric = BY_NAME[bench.metric]
    frame = bench.table.frame.iloc[asked].reset_index(drop=True)
    n = len(frame)
    ones = np.ones((1, n))

    def scored(scores: np.ndarray) -> float:
        prepared: Mapping[str, Weighted] = weighted_metrics(*bench.scored(asked, scores), **bench.cuts(asked))
        of = prepared.get(bench.metric)
        return float(metric.oriented(float(of(ones)[0]))) if of is not None else np.nan

    whole = scored(fitted.scores(frame))
    if not np.isfinite(whole):
        return None
    many = pd.concat([frame] * REPEATS, ignore_index=True)
    drops = np.zeros((len(clusters), REPEATS))
    for c, columns in enumerate(clusters):
        order = np.concatenate([rng.permutation(n) for _ in range(REPEATS)])  # the same for all columns of a cluster
        other = many.copy(deep=False)
        for column in columns:
            other[column] = pd.Series(frame[column].array.take(order), index=other.index, dtype=frame[column].dtype)
        said = fitted.scores(other)
        drops[c] = [whole - scored(said[r * n : (r + 1) * n]) for r in range(REPEATS)]
    return whole, drops


def _summed(
    drops: np.ndarray, clusters: Sequence[Sequence[str]], names: Sequence[str], rho: float, ordered: bool
) -> list[dict[str, Any]]:
    """drops: (exams, clusters, REPEATS), oriented."""
    rows: list[dict[str, Any]] = []
    for c, columns in enumerate(clusters):
        each = drops[:, c, :]
        mean, sd = float(each.mean()), float(each.mean(axis=0).std(ddof=1))  # of the exams' mean, by shuffle
        band = corrected_t(each.mean(axis=1), rho, ordered=ordered)
        rows.append(
            {
                "columns": list(columns),
                "name": names[c],
                "drop": mean,
                "low": band.low if band else None,
                "high": band.high if band else None,
                "sd": sd,
                "important": mean - 2 * sd > 0 and (band is None or band.low is None or band.low > 0),
            }
        )
    return sorted(rows, key=lambda row: -row["drop"])


def clusters_of(bench: Bench) -> list[list[str]]:
    """The inputs, those together that say nearly the same of each other: |Spearman| of two numbers, η of ranks and a
    category, V of two categories, from .8 on; chains of such pairs are one cluster.  What a forecast looks back on is
    one, too."""
    types = bench.recipe["types"]
    columns = [str(c) for c in bench.table.frame.columns]
    window = [c for c in columns if types[c] in WINDOW]
    others = [c for c in columns if c not in window]
    rng = np.random.default_rng(0)
    dev = bench.splits.dev
    some = dev if len(dev) <= PAIR_ROWS else np.sort(rng.choice(dev, PAIR_ROWS, replace=False))
    frame = bench.table.frame.iloc[some]
    coded = {c: _coded(frame[c], types[c]) for c in others[:PAIR_COLUMNS] if types[c] != "text"}
    leader = {c: c for c in others}

    def root(c: str) -> str:
        while leader[c] != c:
            c = leader[c]
        return c

    for a, b in itertools.combinations(coded, 2):
        if _alike(coded[a], coded[b]) >= ALIKE:
            leader[root(b)] = root(a)
    together: dict[str, list[str]] = {}
    for c in others:
        together.setdefault(root(c), []).append(c)
    return ([window] if window else []) + list(together.values())


def _coded(column: pd.Series, kind: str) -> dict[str, Any]:
    if kind in ("number", "date"):
        if kind == "date":
            values = column.to_numpy(dtype="datetime64[us]").astype("int64").astype(float)
            values[column.isna().to_numpy()] = np.nan
        else:
            values = column.to_numpy(dtype=float)
        levels = np.unique(values[np.isfinite(values)])
        codes = np.where(np.isfinite(values), np.searchsorted(levels, np.nan_to_num(values)), -1)
        return {"values": values, "few": {"codes": codes} if len(levels) <= FEW_LEVELS else None}
    codes, levels = pd.factorize(column, use_na_sentinel=True)
    return {"codes": codes.astype(np.int64), "levels": len(levels)}


def _alike(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """A number of few levels beside a category is a category, so that 1, 2, 3 is found to be first, second, third."""
    if max(a.get("levels", 0), b.get("levels", 0)) > FEW_LEVELS:
        return 0.0  # nearly every row its own level: such a column goes with anything
    if ("codes" in a) != ("codes" in b):
        a, b = (x if "codes" in x else x["few"] or x for x in (a, b))
    return float(between(a, b, both_ways=True)[1])
