"""The trial *cuts*: from which probability on to act.  (Decision catalogue, improve.threshold.)

A cut that is looked for is chosen, for each exam, on answers out of fold about its training rows, and scored on its
test part; so what is said of it holds for rows that had no part in choosing it.  (Sheng & Ling, 2006, on cuts by cost.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.crossval import read_out_of_fold
from engine.evaluation.intervals import corrected_t, wilson
from engine.evaluation.paired import corrected_variance
from engine.metrics import best_cut, cost_matrix
from engine.records import Json, Progress
from engine.trials import Context

CUTS = 100  # tried, at quantiles of what is said


@dataclass(frozen=True)
class Said:
    """What one exam said of its rows.  p: (n,) of the positive class.  y: (n,) bool.  fold: (n,) int."""

    p: np.ndarray
    y: np.ndarray
    fold: np.ndarray

    def of(self, folds: np.ndarray) -> Said:
        chosen = np.isin(self.fold, folds)
        return Said(self.p[chosen], self.y[chosen], self.fold[chosen])


Choose = Callable[[Said], float]


def cuts(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Ways of choosing a cut, each chosen and scored as said above.

    params: recipe, model, floor (least share of the positive rows to catch, or None); uses: the key of the model's
    cross-validation.  ways: name, cut (chosen on all answers), and what it does where it had no part in being chosen:
    caught of positives, false alarms per 1,000 rows, precision, recall with Wilson interval, cost per case with its
    corrected interval.  Ways: half (0.5), costs (what they imply), cheapest (the least cost out of fold), floor,
    capacity, share (the share of positive rows).  gain: how much less `cheapest` costs than `costs` a case, and its
    standard error.  curve: the same figures along 100 cuts, chosen by nobody.
    """
    bench = open_bench(params, ctx)
    stored = read_out_of_fold(ctx.fetch(str(ctx.evidence(ctx.uses[0])["oof"])))
    positions, scores = stored["positions"], stored["scores"]
    said = Said(scores[:, 1], bench.table.y[positions] == 1, stored["fold"])
    matrix = cost_matrix(bench.recipe.get("costs"), bench.table.labels)
    C = None if matrix is None else np.asarray(matrix)
    rules = _ways(bench, said, C, params.get("floor"))
    ways, by_exam = [], {}
    for step, (name, choose) in enumerate(rules.items()):
        found, costs = _scored(bench, said, choose, C)
        ways.append({"way": name, **found})
        by_exam[name] = costs
        ctx.report(Progress(step + 1, len(rules), "way"))
    first = said.of(_first_repeat(bench))
    return {
        "ways": ways,
        "gain": _gain(bench, by_exam),
        "curve": [_figures(first.p >= cut, first.y, C) | {"cut": float(cut)} for cut in candidates(first.p)],
        "rows": len(first.y),
        "positives": int(first.y.sum()),
        "share": float(first.y.mean()),
    }


def candidates(p: np.ndarray) -> np.ndarray:
    """The cuts that are tried: midway between neighbouring values where few are said, else at 100 quantiles."""
    values = np.unique(p)
    if len(values) <= CUTS:
        return np.unique(np.r_[values[:1], (values[1:] + values[:-1]) / 2])
    return np.unique(np.quantile(p, np.linspace(0, 1, CUTS + 2)[1:-1]))


# --- ways ------------------------------------------------------------------------------------------------------------


def _ways(bench: Bench, said: Said, C: np.ndarray | None, floor: float | None) -> dict[str, Choose]:
    ways: dict[str, Choose] = {"half": lambda _: 0.5, "share": lambda part: float(part.y.mean())}
    if C is not None:
        given = best_cut(bench.recipe.get("costs"))
        if given is not None:
            ways["costs"] = lambda _: float(given)
            ways["cheapest"] = lambda part: cheapest(part, C)
    if floor:
        ways["floor"] = lambda part: for_floor(part, float(floor))
    capacity = bench.recipe.get("capacity")
    if capacity:
        ways["capacity"] = lambda part: float(np.quantile(part.p, 1 - float(capacity)))
    return ways


def cheapest(part: Said, C: np.ndarray) -> float:
    """The cut of least cost on these rows; of equals the highest, which acts least."""
    tried = candidates(part.p)
    cost = [float(C[part.y.astype(int), (part.p >= cut).astype(int)].mean()) for cut in tried]
    best = np.flatnonzero(np.array(cost) <= min(cost) + 1e-12)
    return float(tried[best[-1]])


def for_floor(part: Said, floor: float) -> float:
    """The highest cut whose recall on these rows has its Wilson lower end at the floor; the lowest where none has."""
    tried, total = candidates(part.p), int(part.y.sum())
    for cut in tried[::-1]:
        band = wilson(int((part.p[part.y] >= cut).sum()), total)
        if band is not None and band.low is not None and band.low >= floor:
            return float(cut)
    return float(tried[0])


# --- scoring ---------------------------------------------------------------------------------------------------------


def _first_repeat(bench: Bench) -> np.ndarray:
    folds = len(bench.splits.folds)
    return np.arange(folds if bench.splits.ordered else min(bench.splits.k, folds))


def _others(bench: Bench, fold: int) -> np.ndarray:
    """The exams on whose answers a cut for this one is chosen: the others of its repeat; in time order those before.

    The models that gave these answers had rows of this exam among those that they learned from, as in any stacking: the
    scores know of them, the cut, one number chosen by other rows' labels, hardly does.
    """
    if bench.splits.ordered:
        return np.arange(fold)
    k = bench.splits.k
    repeat = np.arange(k) + k * (fold // k)
    return repeat[repeat != fold]


def _scored(bench: Bench, said: Said, choose: Choose, C: np.ndarray | None) -> tuple[dict[str, Json], np.ndarray]:
    """The figures of a way, and its cost a case in each exam (NaN where none could be chosen)."""
    folds = np.unique(said.fold)
    cost = np.full(len(folds), np.nan)
    acted, actual, chosen = [], [], []
    first = set(_first_repeat(bench).tolist())
    for i, fold in enumerate(folds.tolist()):
        learned, asked = said.of(_others(bench, fold)), said.of(np.array([fold]))
        if not len(learned.y) or not learned.y.any() or learned.y.all():
            continue
        cut = choose(learned)
        act = asked.p >= cut
        if C is not None:
            cost[i] = C[asked.y.astype(int), act.astype(int)].mean()
        if fold in first:
            acted.append(act)
            actual.append(asked.y)
            chosen.append(cut)
    whole = choose(said.of(np.array(sorted(first))))
    if not acted:
        return {"cut": whole}, cost
    figures = _figures(np.concatenate(acted), np.concatenate(actual), None)
    found: dict[str, Json] = {"cut": whole, "cut_low": min(chosen), "cut_high": max(chosen), **figures}
    if C is not None:
        rho = float(np.mean([len(test) / len(train) for train, test in bench.splits.folds]))
        band = corrected_t(cost, rho, ordered=bench.splits.ordered)
        if band is not None:
            found |= {"cost": band.value, "cost_low": band.low, "cost_high": band.high}
    return found, cost


def _figures(act: np.ndarray, y: np.ndarray, C: np.ndarray | None) -> dict[str, Json]:
    caught, positives, flagged = int((act & y).sum()), int(y.sum()), int(act.sum())
    band = wilson(caught, positives)
    n = len(y)
    return {
        "caught": caught,
        "positives": positives,
        "recall": caught / positives if positives else None,
        "recall_low": band.low if band else None,
        "recall_high": band.high if band else None,
        "precision": caught / flagged if flagged else None,
        "false_per_1000": 1000 * (flagged - caught) / n,
        "acted_per_1000": 1000 * flagged / n,
        **({} if C is None else {"cost": float(C[y.astype(int), act.astype(int)].mean())}),
    }


def _gain(bench: Bench, by_exam: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """What the cheapest cut saves a case against the one that the costs imply, mean and standard error (2.3)."""
    if "costs" not in by_exam or "cheapest" not in by_exam:
        return None
    d = by_exam["costs"] - by_exam["cheapest"]
    d = d[np.isfinite(d)]
    if len(d) < 2:
        return None
    rho = float(np.mean([len(test) / len(train) for train, test in bench.splits.folds]))
    return {"mean": float(d.mean()), "se": float(np.sqrt(corrected_variance(d, rho, bench.splits.ordered)))}
