"""The trial *lockbox*: the one final exam.  (Decision catalogue, present.lockbox and 2.10.)"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.crossval import Exam, by_class, class_report, score_interval
from engine.evaluation.errors import with_wilson
from engine.evaluation.exams import Reporter, exams_of
from engine.evaluation.intervals import Draws, bootstrap, wilson
from engine.evaluation.metrics import weighted_metrics
from engine.evaluation.paired import corrected_variance
from engine.models.catalogue import spec_of
from engine.models.fitting import decide, fit
from engine.plans import exams_of_net
from engine.records import Json, Progress
from engine.trials import Context

ROLES = ("model", "baseline", "simple")
FRESH = 7_919  # added to the plan's seed when there is no lockbox: splits that nobody has chosen anything on


def lockbox(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Fit on development rows, predict the locked rows once, and give every figure its interval.

    params: recipe, model, baseline, simple (models; the last two may be missing), threshold (the cut for two classes,
    or None).  Differences are model minus the other, in the metric's own unit, on the same resamples.  Without a
    lockbox the models take practice exams on fresh splits, and the result says that it is not independent.
    """
    bench = open_bench(params, ctx)
    models = {role: params[role] for role in ROLES if params.get(role)}
    if params.get("threshold") is not None:
        bench = Bench({**bench.recipe, "threshold": params["threshold"]}, bench.table, bench.splits)
    if not len(bench.splits.lockbox):
        return _without_lockbox(params, bench, models, ctx)
    scores: dict[str, np.ndarray] = {}
    ended = False
    for i, (role, model) in enumerate(models.items()):
        ctx.report(Progress(i, len(models) + 1, "model", f"fitting the {role} on development rows"))
        known = next((scores[other] for other in scores if models[other] == model), None)
        if known is not None:
            scores[role] = known  # the champion often is the simple model itself
            continue
        fitted = fit(model, bench.recipe, bench.table, bench.splits.dev, ctx.seed, report=Reporter(ctx))
        scores[role] = fitted.scores(bench.table.frame.iloc[bench.splits.lockbox])
        ended = ended or (role == "model" and fitted.ended_by_person)
    ctx.report(Progress(len(models), len(models) + 1, "model", "drawing intervals"))
    found = judge(bench, scores, ctx.seed)
    ctx.report(Progress(len(models) + 1, len(models) + 1, "model"))
    return {**found, **({"ended_by_person": 1} if ended else {})}


def judge(bench: Bench, scores: dict[str, np.ndarray], seed: int) -> dict[str, Json]:
    """All figures of the models' answers for the locked rows.  scores: role -> (n, K) or (n,)."""
    rows, table = bench.splits.lockbox, bench.table
    y = table.y[rows]
    alone = table.groups is None and not bench.splits.ordered
    prepared = {
        f"{role}/{name}": of
        for role, said in scores.items()
        for name, of in weighted_metrics(*bench.scored(rows, said), **bench.cuts(rows)).items()
        if role == "model" or name == bench.metric
    }
    draws = bootstrap(
        prepared,
        len(rows),
        seed=seed,
        classes=y if bench.classifies else None,
        groups=None if table.groups is None else table.groups[rows],
        times=table.times[rows] if bench.splits.ordered and table.times is not None else None,
        block=_block(bench),
    )
    intervals = {n.partition("/")[2]: _interval(draws, n) for n in prepared if n.startswith("model/")}
    method = "bootstrap"
    report: dict[str, Json] = {}
    if bench.classifies:
        codes = decide(scores["model"], table.labels, bench.recipe.get("threshold"))
        report = class_report(y, codes, table.labels)
        report["per_class"] = with_wilson(report)
        right = wilson(int((codes == y).sum()), len(y))
        if alone and right is not None:
            intervals["accuracy"] = right.as_list()
            method = "wilson" if bench.metric == "accuracy" else method
    value, low, high = intervals.get(bench.metric, [None, None, None])
    result = {
        "metric": bench.metric,
        "value": value,
        "low": low,
        "high": high,
        "intervals": intervals,
        **report,
        "rows": len(rows),
        "fitted_on": len(bench.splits.dev),
        "threshold": bench.recipe.get("threshold"),
        "lockbox_hash": bench.splits.lockbox_hash,
        "method": method,
        "label": "for the model before any refit, on rows that nothing was chosen by",
        "independent": True,
    }
    for role in scores:
        if role != "model":
            value, low, high = _interval(draws, f"{role}/{bench.metric}")
            result[role] = {"value": value, "low": low, "high": high}
            between = draws.difference(f"model/{bench.metric}", f"{role}/{bench.metric}")
            result[f"difference_to_{role}"] = between.as_list() if between else [None, None, None]
    return result


def _block(bench: Bench) -> int:
    """Rows that are drawn together, so that what hangs together in time stays so.  A forecast: a horizon or a season of
    all its series, the longer; at most a third of the locked times, or no two resamples would differ (2.10)."""
    rows, steps = bench.splits.lockbox, bench.table.steps
    if steps is None:
        return max(1, round(len(rows) ** (1 / 3)))
    times = len(np.unique(steps.target[rows]))
    length = max(1, min(max(steps.horizon, steps.season), times // 3))
    return max(1, round(length * len(rows) / times))


def _interval(draws: Draws, name: str) -> list[float | None]:
    interval = draws.interval(name)
    return interval.as_list() if interval else [None, None, None]


def _without_lockbox(
    params: Mapping[str, Json], bench: Bench, models: dict[str, Mapping[str, Json]], ctx: Context
) -> dict[str, Json]:
    """The frozen procedure on practice exams with a fresh seed, side by side; all development rows, interval 2.2."""
    plan = dict(bench.recipe.get("plan") or {})
    plan["seed"] = int(plan.get("seed") or 0) + FRESH
    asked = {**bench.recipe, **params["recipe"], "plan": plan}  # as it was asked for, before series became rows
    fresh = open_bench({"recipe": asked}, ctx)
    folds = fresh.splits.folds[: _so_many(fresh, models)]
    exams: dict[str, list[Exam]] = {}
    done, steps = 0, len(folds) * len(models)

    def told(place: int, exam: Exam) -> None:
        nonlocal done
        done += 1
        ctx.report(Progress(done, steps, "fold", "fresh splits"))

    for role, model in models.items():
        if same := next((exams[other] for other in exams if models[other] == model), None):
            exams[role], done = same, done + len(same)  # the champion often is the simple model itself
            continue
        wanted = [{"recipe": asked, "model": model, "fold": j} for j in range(len(folds))]
        exams[role] = exams_of(ctx, fresh, wanted, told)
    rho, ordered = fresh.splits.rho, fresh.splits.ordered
    names = list(dict.fromkeys(name for exam in exams["model"] for name in exam.measured))

    def values(role: str, name: str) -> list[float | None]:
        return [exam.measured.get(name) for exam in exams[role]]

    intervals = {name: score_interval(name, values("model", name), rho, ordered) for name in names}
    value, low, high = intervals[bench.metric]
    report = by_class(fresh, exams["model"])
    if report:
        report["per_class"] = with_wilson(report)
    result = {
        "metric": bench.metric,
        "value": value,
        "low": low,
        "high": high,
        "intervals": intervals,
        **report,
        "rows": len(bench.splits.dev),
        "threshold": bench.recipe.get("threshold"),
        "lockbox_hash": bench.splits.lockbox_hash,
        "plan_hash": fresh.splits.plan_hash,
        "method": "nested",
        "label": "cross-validated, not independent",
        "independent": False,
        "final_exams": {"taken": len(folds), "drawn": len(fresh.splits.folds)},
    }
    for role in exams:
        if role != "model":
            of_role = values(role, bench.metric)
            value, low, high = score_interval(bench.metric, of_role, rho, ordered)
            result[role] = {"value": value, "low": low, "high": high}
            result[f"difference_to_{role}"] = _difference(values("model", bench.metric), of_role, rho, ordered)
    return result


def _so_many(fresh: Bench, models: Mapping[str, Mapping[str, Json]]) -> int:
    """How many of the fresh exams are taken: all, or as many as a network takes in practice where one stands."""
    splits = fresh.splits
    if splits.ordered or not any(spec_of(model).network for model in models.values()):
        return len(splits.folds)
    folds = int((fresh.recipe.get("plan") or {}).get("folds") or 0)
    return min(len(splits.folds), exams_of_net(len(splits.dev), folds)) if folds else len(splits.folds)


def _difference(mine: list[float | None], other: list[float | None], rho: float, ordered: bool) -> list[float | None]:
    """[difference, low, high]: two-sided 95 % by 2.3, over the exams that both have."""
    from scipy.stats import t

    d = np.array([a - b for a, b in zip(mine, other, strict=True) if a is not None and b is not None])
    if len(d) == 0:
        return [None, None, None]
    if len(d) < 2:
        return [float(d.mean()), None, None]
    half = float(t.ppf(0.975, len(d) - 1)) * float(np.sqrt(corrected_variance(d, rho, ordered)))
    return [float(d.mean()), float(d.mean()) - half, float(d.mean()) + half]
