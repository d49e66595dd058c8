"""The trial *probe*: what changes of the preparation make, in paired differences and nothing else.

Before the baseline is confirmed nobody may see how good a model is (1.1), yet a change of the preparation has to be
measured.  So a default linear model and default boosting take the exams with and without it, and only how much they
gain is told (4.3).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.data.table import load
from engine.errors import UsageProblem
from engine.evaluation import exams
from engine.evaluation.acceptance import holm
from engine.evaluation.bench import Bench, bench_of
from engine.evaluation.comparison import metric_named
from engine.evaluation.exams import exams_of, rows_of, same_questions
from engine.evaluation.paired import ALPHA, Difference, overlap, paired_difference
from engine.metrics import ABSOLUTE, BY_NAME, quantile_of
from engine.models.catalogue import as_model, model_spec
from engine.models.pipeline import blocks
from engine.records import Json, Progress, digest
from engine.trials import Context

KEPT = 64  # results of one recipe and family that this process keeps

_cache: OrderedDict[str, Answers] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Answers:
    """What one family scored with one recipe.  scores: per metric (J,) in its own unit, NaN where there is none.

    n_train: rows of the plan's training parts.  That thinned ones share fewer rows than these is left out of account:
    it makes the differences more certain, never less.
    """

    scores: Mapping[str, np.ndarray]
    n_train: np.ndarray
    n_test: np.ndarray
    failed: int
    seconds: float


def probe(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Compare each changed recipe with the one before it, family by family.

    params: recipe; changes, [{"name", "recipe"}]; families, of "linear" and "boosting"; metric; guards; delta (for
    *equivalent*); folds (only the first so many exams; all when missing); tiny (too few rows for a verdict).
    Each change of a round is held to Holm's share of .05 to be called better, family by family; worse needs no share.
    Training parts of more than 20,000 rows are thinned, the same rows for every recipe.  All recipes take the exams of
    the first, also where a changed column makes other rows each other's copies.
    Raises UsageProblem when there is nothing to try, DataProblem when a recipe does not fit the data.
    """
    changes, families = params["changes"], list(params["families"])
    if not changes or not families:
        raise UsageProblem("probe: at least one change and one family of models are needed.")
    before = _bench(params["recipe"], ctx, None)
    folds = params.get("folds") or len(before.splits.folds)
    folds = min(int(folds), len(before.splits.folds))
    steps = _Steps(ctx, (1 + len(changes)) * len(families) * folds)
    metric = metric_named(params["metric"])
    rows: list[dict[str, Json]] = []
    first = params["recipe"]
    for family in families:
        plain = _answers(before, first, first, family, folds, ctx, steps)
        tried = [
            _answers(_bench(c["recipe"], ctx, before), c["recipe"], first, family, folds, ctx, steps) for c in changes
        ]
        gains = [_difference(before, metric, plain, other, float(params.get("delta") or 0.0)) for other in tried]
        better = holm([gain.p for gain in gains], ALPHA)
        for change, gain, other, (_, earned) in zip(changes, gains, tried, better, strict=True):
            guards = {
                name: _difference(before, BY_NAME[name], plain, other)
                for name in params.get("guards") or ()
                if name in BY_NAME and name != metric.name and name in plain.scores and name in other.scores
            }
            rows.append(_row(change["name"], family, gain, guards, other, earned, bool(params.get("tiny"))))
    largest = max(len(train) for train, _ in before.splits.folds[:folds])
    used = exams.MOST_ROWS if largest > exams.MOST_ROWS else None
    return {"rows": rows, "folds": folds, "rows_used": used, "metric": metric.name}


class _Steps:
    """Counts fits for the progress; recipes that were measured before count at once."""

    def __init__(self, ctx: Context, total: int) -> None:
        self.ctx, self.total, self.done = ctx, total, 0

    def add(self, k: int, message: str) -> None:
        self.done += k
        self.ctx.report(Progress(self.done, self.total, "fit", message))


def _bench(recipe: Mapping[str, Json], ctx: Context, before: Bench | None) -> Bench:
    if before is None:
        return bench_of(recipe, load(ctx.source(), recipe))
    return same_questions(recipe, ctx, before)


def _answers(bench: Bench, recipe: Json, first: Json, family: str, folds: int, ctx: Context, steps: _Steps) -> Answers:
    """Fit one family with one recipe to each exam of the first; what was measured before is not measured again."""
    model = default_of(family, bench.recipe)
    wanted = [_exam(bench, recipe, first, model, j) for j in range(folds)]
    parts = [rows_of(bench, params, ctx.seed) for params in wanted]
    key = digest([bench.table.key, bench.splits.plan_hash, model, _reaches(bench, model, parts), ctx.seed])
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            found = _cache[key]
            steps.add(folds, family)
            return found
    taken = exams_of(ctx, bench, wanted, lambda place, exam: steps.add(1, family))
    names = list(dict.fromkeys(name for exam in taken for name in exam.measured))
    scores = {
        name: np.array([np.nan if (u := exam.measured.get(name)) is None else u for exam in taken]) for name in names
    }
    found = Answers(
        scores,
        np.array([bench.table.values(train) for train, _ in bench.splits.folds[:folds]], dtype=float),
        np.array([bench.table.values(test) for _, test in bench.splits.folds[:folds]], dtype=float),
        sum(bool(e.failure) for e in taken),
        float(np.mean([e.fit_seconds for e in taken])),
    )
    with _lock:
        _cache[key] = found
        while len(_cache) > KEPT:
            _cache.popitem(last=False)
    return found


def _exam(bench: Bench, recipe: Json, first: Json, model: Mapping[str, Json], fold: int) -> dict[str, Json]:
    """The parameters of an exam; no more of them than are needed, so that the model's own exams are the same ones."""
    params = {"recipe": recipe, "model": model, "fold": fold}
    if recipe != first:
        params["plan"] = first
    if len(bench.splits.folds[fold][0]) > exams.MOST_ROWS:
        params["thin"] = True
    return params


def _reaches(bench: Bench, model: Mapping[str, Json], exams: list[tuple[np.ndarray, np.ndarray]]) -> Json:
    """What of a recipe reaches a model: boosting, say, never sees how numbers are scaled, so that a change of the scale
    need not be fitted again to find no difference."""
    recipe, style = bench.recipe, model_spec(str(model["name"])).prepare
    parts = [
        [[block.name, list(block.columns), block.what, dict(block.options)] for block in made]
        for made in (blocks(recipe, style, bench.table.frame.iloc[train]) for train, _ in exams)
    ]
    prepare = recipe.get("prepare") or {}
    rest = [prepare.get(key) for key in ("target", "weights", "select", "images")]
    return [parts, rest, recipe["metric"], recipe.get("costs"), recipe.get("capacity"), recipe["split"], recipe["plan"]]


def default_of(family: str, recipe: Mapping[str, Json]) -> dict[str, Json]:
    """The default model of a family for the recipe's task, aiming at what the metric rewards."""
    numbers = recipe["task"] in ("regression", "forecast")
    if family == "linear":
        return as_model("ridge" if numbers else "logistic")
    if family != "boosting":
        raise UsageProblem(f"probe: there is no family {family!r}; linear and boosting are tried.")
    quantile = quantile_of(recipe.get("costs")) if recipe["metric"] == "pinball" else None
    if numbers and quantile is not None:
        return as_model("boosting", {"loss": "quantile", "quantile": quantile})
    if numbers:
        loss = "absolute_error" if recipe["metric"] in ABSOLUTE else "squared_error"
        return as_model("boosting", {"loss": loss})
    return as_model("boosting")


def _difference(bench: Bench, metric: Any, plain: Answers, other: Answers, delta: float = 0.0) -> Difference:
    missing = np.full(len(plain.n_test), np.nan)
    a, b = (np.asarray(metric.oriented(x.scores.get(metric.name, missing)), dtype=float) for x in (other, plain))
    rho = overlap(plain.n_train, plain.n_test)
    return paired_difference(a, b, rho, ordered=bool(bench.splits.ordered), delta=delta)


def _row(
    name: str, family: str, gain: Difference, guards: Mapping[str, Difference], other: Answers, earned: bool, tiny: bool
) -> dict[str, Json]:
    verdict: str = gain.verdict
    if verdict == "better" and not earned:  # one of several: the luckiest of a round is held to more
        verdict = "unclear"
    found = asdict(gain) | {"verdict": _shown(verdict, tiny), "diff": gain.diff if gain.exams else None}
    return {
        "name": name,
        "family": family,
        **found,
        "failed": other.failed,
        "seconds": round(other.seconds, 4),
        "guards": [
            {"metric": g, "verdict": _shown(v.verdict, tiny), "diff": v.diff, "lower": v.lower, "upper": v.upper}
            for g, v in guards.items()
        ],
    }


def _shown(verdict: str, tiny: bool) -> str:
    """With too few rows no verdict above *unclear* is given."""
    return "unclear" if tiny and verdict != "identical" else verdict
