"""The trial *cross_validate*: one model on every practice exam of the plan."""

from __future__ import annotations

import io

import numpy as np

from engine.errors import DataProblem
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.comparison import MANY_SERIES
from engine.evaluation.exams import Exam, baseline_for, exams_of, placed, take_exam
from engine.evaluation.intervals import corrected_t
from engine.evaluation.metrics import by_series
from engine.evaluation.tuning import gathered
from engine.metrics import BY_NAME, guards_of
from engine.models.catalogue import spec_of
from engine.models.fitting import decide
from engine.records import Json, Progress
from engine.trials import Context

__all__ = ["Exam", "baseline_for", "cross_validate", "placed", "take_exam"]  # at home in engine.evaluation.exams


def cross_validate(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Fit and score a model on each exam of the plan; preparation is refitted in each training part.

    params: recipe, model, folds (only the first so many exams; all when missing), device (where a network trains).  A
    model that fails on an exam is scored there as the baseline, and said so in `failures`; one that fails on all of
    them raises DataProblem.  Exams are taken side by side; those that another number of folds took are not taken again.
    Scores are in the metric's own unit, one per exam, None where an exam leaves the metric undefined.
    """
    bench = open_bench(params, ctx)
    model = placed(params["model"], params.get("device"))
    folds = bench.splits.folds[: params.get("folds") or None]
    taken: list[Exam] = []

    def told(fold: int, exam: Exam) -> None:
        taken.append(exam)
        point = exam.measured.get(bench.metric)
        ctx.report(Progress(len(taken), len(folds), "fold", point={} if point is None else {bench.metric: point}))

    wanted = [{"recipe": params["recipe"], "model": model, "fold": j} for j in range(len(folds))]
    exams = exams_of(ctx, bench, wanted, told)
    if all(exam.failure for exam in exams):
        title = spec_of(model).title
        raise DataProblem(f"{title} failed on every practice exam; the first time: {exams[0].failure}")
    return summary(bench, model, exams) | {"oof": ctx.keep(out_of_fold(exams), "application/x-npz")}


def summary(bench: Bench, model: dict[str, Json], exams: list[Exam]) -> dict[str, Json]:
    """The evidence of these exams, without the predictions themselves."""
    names = list(dict.fromkeys(name for exam in exams for name in exam.measured))
    scores = {name: [exam.measured.get(name) for exam in exams] for name in names}
    n_train, n_test = [bench.table.values(e.train) for e in exams], [bench.table.values(e.test) for e in exams]
    rho = float(np.mean(np.divide(n_test, n_train)))
    ordered = bool(bench.splits.ordered)
    intervals = {name: score_interval(name, values, rho, ordered) for name, values in scores.items()}
    value, low, high = intervals.get(bench.metric, [None, None, None])
    in_training = list(dict.fromkeys(name for exam in exams for name in exam.measured_in_training))
    return {
        "model": dict(model),
        "metric": bench.metric,
        "value": value,
        "low": low,
        "high": high,
        "scores": scores,
        "intervals": intervals,
        "J": len(exams),
        "rho": rho,
        "ordered": ordered,
        "plan_hash": bench.splits.plan_hash,
        "n_train": n_train,
        "n_test": n_test,
        "train_scores": {name: [exam.measured_in_training.get(name) for exam in exams] for name in in_training},
        "fit_seconds": [exam.fit_seconds for exam in exams],
        "predict_seconds": [exam.predict_seconds for exam in exams],
        "cpu_seconds": [exam.cpu_seconds for exam in exams],
        "parameters": int(np.median([exam.parameters for exam in exams])),
        "features": int(np.median([exam.features for exam in exams])),
        "failures": [{"fold": exam.fold, "message": exam.failure} for exam in exams if exam.failure],
        "notes": list(dict.fromkeys(note for exam in exams for note in exam.notes)),
        **by_class(bench, exams),
        **_of_series(bench, exams),
        **({"net": _of_nets(exams)} if any(exam.net for exam in exams) else {}),
        **({"search": gathered(found)} if (found := [exam.found for exam in exams if exam.found]) else {}),
    }


def score_interval(name: str, values: list[float | None], rho: float, ordered: bool) -> list[float | None]:
    """[mean, low, high] of a metric over exams, in its own unit and within what it can be (2.2)."""
    metric = BY_NAME.get(name)
    bounds = (metric.low, metric.high) if metric else (-np.inf, np.inf)
    interval = corrected_t(values, rho, ordered=ordered, bounds=bounds)
    return interval.as_list() if interval else [None, None, None]


def _of_series(bench: Bench, exams: list[Exam]) -> dict[str, Json]:
    """Of a forecast of ten series or more, what decides, by series: the mean over the exams it was asked in."""
    steps = bench.table.steps
    if steps is None or len(steps.names) < MANY_SERIES:
        return {}
    wanted = {bench.metric, *guards_of(bench.recipe["task"], bench.metric)}
    found: dict[str, np.ndarray] = {}
    for j, exam in enumerate(exams):
        units = bench.cuts(exam.test)["units"]
        scored = by_series(bench.table.y[exam.test], exam.scores, bench.recipe.get("costs"), units)
        for name, values in scored.items():
            grid = found.setdefault(name, np.full((len(exams), len(steps.names)), np.nan))
            grid[j, np.unique(units.series)] = values
    kept = {name: grid for name, grid in found.items() if name in wanted}
    means = {name: [_or_none(column[~np.isnan(column)]) for column in grid.T] for name, grid in kept.items()}
    return {"by_series": means}


def _or_none(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _of_nets(exams: list[Exam]) -> dict[str, Json]:
    """The course of training in the first exam; of all: epochs, what had to be done otherwise, and how many a person
    ended."""
    nets = [exam.net for exam in exams if exam.net]
    ended = sum(net.get("ended") == "enough" for net in nets)
    stopped = {"ended_by_person": ended} if ended else {}
    remarks = list(dict.fromkeys(remark for net in nets for remark in net.get("remarks") or ()))
    return {**nets[0], "epochs_per_fold": [net.get("epochs") for net in nets], "remarks": remarks, **stopped}


def by_class(bench: Bench, exams: list[Exam]) -> dict[str, Json]:
    """Per class precision, recall, F1, and the confusion (actual by predicted); nothing for regression.

    Each row counts once, by the first exam that asked about it, so that the counts are of rows.
    """
    if not bench.classifies:
        return {}
    positions, scores = first_answers(exams)
    actual = bench.table.y[positions]
    predicted = decide(scores, bench.table.labels, bench.recipe.get("threshold"))
    return class_report(actual, predicted, bench.table.labels)


def first_answers(exams: list[Exam]) -> tuple[np.ndarray, np.ndarray]:
    """(positions, scores) of every row asked about, each once."""
    positions = np.concatenate([exam.test for exam in exams])
    scores = np.concatenate([exam.scores for exam in exams])
    once, first = np.unique(positions, return_index=True)
    return once, scores[first]


def class_report(actual: np.ndarray, predicted: np.ndarray, labels: list[str]) -> dict[str, Json]:
    """actual, predicted: (n,) codes.  A figure that has no rows to stand on is None."""
    k = len(labels)
    confusion = np.bincount(actual * k + predicted, minlength=k * k).reshape(k, k)
    hits, support, said = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    rows = [
        {
            "label": label,
            "precision": _share(hits[i], said[i]),
            "recall": _share(hits[i], support[i]),
            "f1": _share(2 * hits[i], support[i] + said[i]),
            "support": int(support[i]),
        }
        for i, label in enumerate(labels)
    ]
    return {"per_class": rows, "confusion": confusion.tolist()}


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def out_of_fold(exams: list[Exam]) -> bytes:
    """The answers of all exams as npz, readable without pickle: positions, fold, and scores ((n, K) or (n,))."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        positions=np.concatenate([exam.test for exam in exams]).astype(np.int64),
        fold=np.concatenate([np.full(len(exam.test), exam.fold, dtype=np.int32) for exam in exams]),
        scores=np.concatenate([exam.scores for exam in exams]),
    )
    return buffer.getvalue()


def read_out_of_fold(content: bytes) -> dict[str, np.ndarray]:
    """positions (m,), fold (m,), scores (m, K) or (m,).  Raises DataProblem when the bytes are something else."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in ("positions", "fold", "scores")}
    except (ValueError, KeyError, OSError) as problem:
        raise DataProblem(
            f"The stored out-of-fold predictions cannot be read ({problem}); run the exams again."
        ) from None
