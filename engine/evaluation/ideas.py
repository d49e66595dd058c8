"""The trial *ideas*: columns computed from two others, or bent at an edge, that may tell what the champion misses.

Everything happens inside the training part of the first exam: the champion is fitted on inner exams, what it missed on
their test rows is held against candidates, and the best of these are fitted in, with and without.  A proposal is a
hypothesis, no result: it must still earn its place on the practice exams (R5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from engine.data.conditions import quoted
from engine.data.splitting import inner_folds
from engine.data.table import load
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.exams import thinned
from engine.metrics import BY_NAME, figure
from engine.models.composed import out_of_fold
from engine.models.fitting import fit
from engine.records import Json, Progress
from engine.trials import Context

FOLDS = 3
STRONGEST = 6  # columns that are paired
TRIED = 3  # candidates that are fitted in
SURE = 3.5  # correlation with what is missed, in standard errors: of a hundred candidates of noise one passes in twenty


@dataclass(frozen=True)
class Idea:
    """name, formula and the values it gives, (n,) with NaN where it gives none; why: what it could tell."""

    name: str
    formula: str
    why: str
    values: np.ndarray


def ideas(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Propose columns for the model.

    params: recipe, model, columns (of weak slices: they are looked at first), taken (names that are in use).
    Returns {"ideas": [{name, formula, why, gain, strength}], "looked_at", "rows"}: those whose gain on the inner exams
    is above 0 (oriented, mean of three), best first; strength: of the correlation, in standard errors.
    """
    bench = open_bench(params, ctx)
    train, _ = bench.splits.folds[0]
    seen = thinned(train, bench.table.y, 0)
    ctx.report(Progress(0, 2 + TRIED, "step", "what the champion misses"))
    asked, (said,), _ = out_of_fold([params["model"]], bench.recipe, bench.table, seen, ctx.seed, FOLDS, ctx.report)
    missed = _missed(bench, np.concatenate(asked), said)
    fold = np.repeat(np.arange(len(asked)), [len(part) for part in asked])
    positions = np.concatenate(asked)
    candidates = list(candidates_of(bench, seen, list(params.get("columns") or ()), set(params.get("taken") or ())))
    ctx.report(Progress(1, 2 + TRIED, "step", f"{len(candidates)} candidates"))
    strength = {idea.name: strength_of(idea.values[positions], missed, fold) for idea in candidates}
    best = sorted((i for i in candidates if strength[i.name] >= SURE), key=lambda i: -strength[i.name])[:TRIED]
    told = []
    plain = _scores(bench, params["model"], seen, ctx) if best else np.empty(0)
    for n, idea in enumerate(best):
        ctx.report(Progress(2 + n, 2 + TRIED, "step", f"trying {idea.name}"))
        made = [*(bench.recipe.get("features") or ()),
                {"name": idea.name, "formula": idea.formula, "type": "number"}]  # fmt: skip
        recipe = {**bench.recipe, "features": made, "types": {**bench.recipe["types"], idea.name: "number"}}
        changed = Bench(recipe, load(ctx.source(), recipe), bench.splits)
        gain = float(np.nanmean(_scores(changed, params["model"], seen, ctx) - plain))
        if gain > 0:
            told.append({"name": idea.name, "formula": idea.formula, "why": idea.why, "gain": gain,
                         "strength": strength[idea.name]})  # fmt: skip
    ctx.report(Progress(2 + TRIED, 2 + TRIED, "step"))
    return {"ideas": sorted(told, key=lambda t: -t["gain"]), "looked_at": len(candidates), "rows": len(seen)}


def _missed(bench: Bench, positions: np.ndarray, said: np.ndarray) -> np.ndarray:
    """(m, k): true minus said, of a number, of the second of two classes, or of each of several classes."""
    y = bench.table.y[positions]
    if not bench.classifies:
        return (y - said)[:, None]
    truth = np.eye(len(bench.table.labels))[y]
    return (truth - said)[:, 1:] if said.shape[1] == 2 else truth - said


def candidates_of(bench: Bench, seen: np.ndarray, first: Sequence[str], taken: set[str]) -> Sequence[Idea]:
    """Ratios, differences and products of the columns of weak slices and of those that go most with the target, and
    each bent at its median."""
    frame = bench.table.frame
    numbers = [str(c) for c in frame.columns if bench.recipe["types"].get(str(c)) == "number"]
    y = bench.table.y[seen].astype(float)
    strong = sorted(numbers, key=lambda c: -_going_along(frame[c].to_numpy(dtype=float)[seen], y))
    wanted = list(dict.fromkeys([c for c in first if c in numbers] + strong))[:STRONGEST]
    values = {c: frame[c].to_numpy(dtype=float) for c in wanted}
    found: list[Idea] = []

    def add(name: str, formula: str, why: str, made: np.ndarray) -> None:
        inside = made[seen]
        if name not in taken and np.isfinite(inside).sum() > len(seen) / 2 and np.nanstd(inside) > 0:
            found.append(Idea(name, formula, why, made))

    with np.errstate(all="ignore"):
        for a, b in combinations(wanted, 2):
            x, z = values[a], values[b]
            for n, d, over, under in ((a, b, x, z), (b, a, z, x)):
                ratio = np.where(under == 0, np.nan, over / under)
                add(f"{n} per {d}", f"{quoted(n)} / NULLIF({quoted(d)} * 1.0, 0)",
                    f"{n} for each unit of {d} may tell more than either", ratio)  # fmt: skip
            add(f"{a} minus {b}", f"{quoted(a)} - {quoted(b)}", f"how far {a} lies above {b}", x - z)
            add(f"{a} times {b}", f"{quoted(a)} * {quoted(b)}", f"{a} may count more where {b} is high", x * z)
        for c in wanted:
            edge = float(f"{np.nanmedian(values[c][seen]):.4g}")
            add(f"{c} above {figure(edge)}", f"MAX({quoted(c)} - {edge!r}, 0)",
                f"{c} may act otherwise above its middle", np.maximum(values[c] - edge, 0))  # fmt: skip
    return found


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(values)


def _going_along(x: np.ndarray, y: np.ndarray) -> float:
    """|Spearman's correlation| over the rows where x is known."""
    known = np.isfinite(x)
    if known.sum() < 3:
        return 0.0
    return abs(_correlated(_ranks(x[known]), _ranks(y[known])))


def _correlated(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def strength_of(x: np.ndarray, missed: np.ndarray, fold: np.ndarray) -> float:
    """How surely a column goes along with what is missed: |mean correlation| of its ranks over the inner exams, in
    standard errors; 0 where the exams do not agree on its sign.

    x: (m,), missed: (m, k), of which the column counts that goes along most; fold: (m,) the inner exam of each row.
    """
    most = 0.0
    for r in missed.T:
        found, known = [], np.isfinite(x)
        for j in np.unique(fold):
            rows = known & (fold == j)
            if rows.sum() >= 10:
                found.append(_correlated(_ranks(x[rows]), r[rows]))
        if len(found) < 2 or not (all(c > 0 for c in found) or all(c < 0 for c in found)):
            continue
        most = max(most, abs(float(np.mean(found))) * float(np.sqrt(known.sum())))
    return most


def _scores(bench: Bench, model: Mapping[str, Json], seen: np.ndarray, ctx: Context) -> np.ndarray:
    """Oriented scores on the inner exams, NaN where there is none."""
    metric: Any = BY_NAME[bench.metric]
    scores = []
    for train, test in inner_folds(bench.table, seen, bench.recipe, FOLDS, ctx.seed):
        fitted = fit(model, bench.recipe, bench.table, train, ctx.seed)
        value = bench.score(test, fitted.scores(bench.table.frame.iloc[test])).get(bench.metric)
        scores.append(np.nan if value is None else float(metric.oriented(value)))
    return np.array(scores)
