"""One practice exam: a model fitted to one training part of the plan and scored on what it says of the test part.

An exam knows nothing of the others, so that each is a part of a trial (`engine.trials.Division`): computed side by side
with others, in whatever process or machine, on one core each, so that its figures do not depend on where.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from engine.data.table import load
from engine.errors import DataProblem, Enough, RungwiseError
from engine.evaluation.bench import Bench, bench_of, open_bench
from engine.models.catalogue import model_spec, parts_of_model, spec_of
from engine.models.fitting import Fitted, fit
from engine.records import Json, Progress
from engine.trials import Context, Division, parts_of

MOST_ROWS = 20_000  # of a thinned training part: a difference shows long before all rows are used


@dataclass
class Exam:
    """What came out of one practice exam.  scores: what the model said about the test part."""

    fold: int
    train: np.ndarray
    test: np.ndarray
    scores: np.ndarray
    measured: dict[str, float | None]
    measured_in_training: dict[str, float | None]
    fit_seconds: float
    predict_seconds: float
    parameters: int
    features: int
    failure: str = ""
    notes: list[str] = field(default_factory=list)
    net: dict[str, Json] = field(default_factory=dict)
    found: dict[str, Json] = field(
        default_factory=dict
    )  # what a search for settings tried, see engine.evaluation.tuning
    cpu_seconds: float = 0.0  # of all of it: preparing, fitting, answering and scoring


def placed(model: Mapping[str, Json], device: Json) -> dict[str, Json]:
    """The model with the device that was chosen for it among its settings; only networks have one."""
    settings = dict(model.get("settings") or {})
    if device and model_spec(str(model["name"])).network:
        settings["device"] = device
    return {"name": model["name"], "settings": settings}


def take_exam(
    bench: Bench,
    model: Mapping[str, Json],
    fold: int,
    train: np.ndarray,
    test: np.ndarray,
    seed: int,
    report: Callable[[Progress], None] | None = None,
) -> Exam:
    """Fit on the training part, answer for the test part; as the baseline where the model fails.

    Each exam has a seed of its own, so that a model's luck with its seed is part of what the exams measure.
    """
    failure = ""
    seed += fold
    began = time.process_time()
    try:
        fitted, scores, seconds = _attempt(bench, model, train, test, seed, report)
    except RungwiseError:
        raise  # cancelled, or something that a person must put right: no score would be honest
    except Exception as problem:  # whatever other people's code raises on these rows
        failure = f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else 'no message'}"
        fitted, scores, seconds = _attempt(bench, baseline_for(bench), train, test, seed, None)
    in_training = bench.score(train, fitted.scores_of_prepared(fitted.prepared)) if not failure else {}
    exam = Exam(
        fold,
        train,
        test,
        scores,
        bench.score(test, scores),
        in_training,
        fitted.seconds,
        seconds,
        fitted.parameters,
        fitted.features,
        failure,
        fitted.notes,
        fitted.net,
    )
    exam.found = fitted.found
    exam.cpu_seconds = time.process_time() - began
    return exam


def _attempt(
    bench: Bench, model: Mapping[str, Json], train: np.ndarray, test: np.ndarray, seed: int, report: Any
) -> tuple[Fitted, np.ndarray, float]:
    fitted = fit(model, bench.recipe, bench.table, train, seed, report=report)
    frame = bench.table.frame.iloc[test]
    started = time.perf_counter()
    scores = fitted.scores(frame)
    seconds = time.perf_counter() - started
    if not np.isfinite(scores).all():
        raise ValueError("the model answered with something that is no number")
    return fitted, scores, seconds


def baseline_for(bench: Bench) -> dict[str, Json]:
    """The model that a failure is scored as: class shares; the season before; the median for absolute errors, else
    the mean."""
    if bench.classifies:
        return {"name": "prior", "settings": {}}
    if bench.table.steps is not None:
        return {"name": "seasonal_naive", "settings": {}}
    return {"name": "median" if bench.metric in ("mae", "pinball") else "mean", "settings": {}}


# -- exams as parts of a trial -----------------------------------------------------------------------------------------


def exams_of(
    ctx: Context,
    bench: Bench,
    wanted: Sequence[Mapping[str, Json]],
    told: Callable[[int, Exam], None] = lambda place, exam: None,
) -> list[Exam]:
    """Exams in the order wanted, taken side by side where the context can; those taken before are not taken again.

    Models that are joined by a head that learns nothing are not fitted together: each part's exams are taken, which
    have mostly been taken before, and what the parts said is joined (such an exam has no scores in training).

    bench: the one whose folds are taken (the exams' own positions are filled in from it).  wanted: the parameters of
    `exam`, one mapping each.  told: called with the place and each exam as soon as it is there, in any order.
    """
    apart = [_apart(params) for params in wanted]
    parts = [(place, n) for place, members in enumerate(apart) for n in range(len(members))]
    every = tuple(apart[place][n] for place, n in parts)
    here = all(_stays(params["model"]) for params in every)
    learns = any(_learns(params["model"]) for params in every)
    division = Division(f"{__name__}:exam", f"{__name__}:prepare", every, here, learns)
    said: list[dict[int, Exam]] = [{} for _ in wanted]
    found: dict[int, Exam] = {}
    for number, content in parts_of(ctx, division):
        place, n = parts[number]
        said[place][n] = read(content, *rows_of(bench, wanted[place], ctx.seed))
        if len(said[place]) < len(apart[place]):
            continue
        exams = iter([said[place][n] for n in range(len(apart[place]))])
        found[place] = _together(bench, wanted[place]["model"], exams)
        said[place] = {}
        told(place, found[place])
    return [found[place] for place in range(len(wanted))]


def _apart(params: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The exam of each part, and of each part's parts, where joining them learns nothing; else the one of the whole."""
    model = params["model"]
    if not _only_joins(model):
        return [params]
    on_cpu = [placed(m, (m.get("settings") or {}).get("device") or "cpu") for m in parts_of_model(model)]
    return [one for member in on_cpu for one in _apart({**params, "model": member})]


def _only_joins(model: Mapping[str, Json]) -> bool:
    """Whether it is made of others by a head that learns nothing."""
    if not spec_of(model).composed:
        return False
    head: Any = spec_of(model).builder()
    return isinstance(head, type) and not head.learns  # pyright: ignore[reportAttributeAccessIssue] - a Head


def _together(bench: Bench, model: Mapping[str, Json], exams: Iterator[Exam]) -> Exam:
    """The exam of a model, from those that `_apart` parted it into, in their order."""
    if not _only_joins(model):
        return next(exams)
    return _joined(bench, model, [_together(bench, member, exams) for member in parts_of_model(model)])


def _joined(bench: Bench, model: Mapping[str, Json], parts: Sequence[Exam]) -> Exam:
    """One exam of what the parts said in theirs; where one failed, that is the whole's failure."""
    first, failed = parts[0], next((part for part in parts if part.failure), None)
    head: Any = spec_of(model).builder()
    scores = failed.scores if failed else head().combine([part.scores for part in parts])
    exam = Exam(
        first.fold,
        first.train,
        first.test,
        scores,
        bench.score(first.test, scores),
        {},
        sum(part.fit_seconds for part in parts),
        sum(part.predict_seconds for part in parts),
        sum(part.parameters for part in parts),
        max(part.features for part in parts),
        failed.failure if failed else "",
        list(dict.fromkeys(note for part in parts for note in part.notes)),
        {"ended": "enough"} if any(part.net.get("ended") == "enough" for part in parts) else {},
    )
    exam.cpu_seconds = sum(part.cpu_seconds for part in parts)
    return exam


def _learns(model: Mapping[str, Json]) -> bool:
    """Whether it is a network, or holds one."""
    return bool(spec_of(model).network) or any(_learns(part) for part in parts_of_model(model))


def _stays(model: Mapping[str, Json]) -> bool:
    """Whether its exams are taken by the trial's own process: what learns next to nothing, and what trains on a
    graphics card, which there is one of."""
    if parts := parts_of_model(model):
        return any(spec_of(part).network and _stays(part) for part in parts)
    spec, device = spec_of(model), (model.get("settings") or {}).get("device") or "cpu"
    return device != "cpu" if spec.network else spec.prepare == "none"


def exam(params: Mapping[str, Json], ctx: Context) -> bytes:
    """Take one exam: a part of a trial.  Returns it as npz, readable without pickle (see `read`).

    params: recipe, model, fold.  share: fit only to so much of the training part, nested (see `nested_order`).  thin:
    fit to at most MOST_ROWS of it.  plan: the recipe whose rows are asked, where it is another.
    """
    bench = _bench(params, ctx)
    train, test = rows_of(bench, params, ctx.seed)
    fold = int(params["fold"])
    return pack(take_exam(bench, params["model"], fold, train, test, ctx.seed, Reporter(ctx, fold)))


class Reporter:
    """What a model that trains in steps reports through: its own steps, with the exam it is in, where it is in one.

    saved: where a training keeps how far it has come, where there is such a place.  Raises Enough at the end of an
    epoch when a person has seen enough, and Cancelled.
    """

    def __init__(self, ctx: Context, fold: int | None = None) -> None:
        self._ctx, self._fold = ctx, fold
        self.saved = getattr(ctx, "saved", None)

    def __call__(self, progress: Progress) -> None:
        if self._fold is None:
            self._ctx.report(progress)
        else:
            said = f"fold {self._fold + 1}" + (f", {progress.message}" if progress.message else "")
            point = {**progress.point, "fold": self._fold + 1}
            self._ctx.report(Progress(progress.step, progress.steps, progress.unit, said, point))
        most = getattr(self._ctx, "most", None)
        if most is not None and progress.unit == "epoch" and progress.point and progress.step >= most:
            raise Enough(f"A person has seen enough after {most} epochs.")


def prepare(params: Mapping[str, Json], ctx: Context) -> tuple[int, str]:
    """Have the table and the folds of exams in memory before they are taken; returns the bytes of the table's cells,
    and what is in memory by now."""
    bench = _bench(params, ctx)
    network = spec_of(params["model"]).network
    if network:
        from engine.models.networks.backend import load_for_training

        load_for_training()
    rows, columns = bench.table.frame.shape
    return rows * columns * 8, f"{bench.table.key} {bench.splits.plan_hash} {network}"


def _bench(params: Mapping[str, Json], ctx: Context) -> Bench:
    plan = params.get("plan")
    if plan is None:
        return open_bench(dict(params), ctx)
    return same_questions(params["recipe"], ctx, bench_of(plan, load(ctx.source(), plan)))


def same_questions(recipe: Mapping[str, Json], ctx: Context, before: Bench) -> Bench:
    """The bench of a changed recipe that takes the exams of the one before it.

    Rows of a forecast change with what it looks back over; what its exams ask must not.  Raises DataProblem when the
    change left other rows to ask about.
    """
    table = load(ctx.source(), recipe)
    if table.steps is None:
        if not np.array_equal(table.y, before.table.y):
            raise DataProblem("A change of the preparation left other rows or labels, so that no exam can be compared.")
        return Bench(recipe, table, before.splits)
    bench = bench_of(recipe, table)
    y, asked = table.y, before.table.y
    pairs = list(zip(bench.splits.folds, before.splits.folds, strict=False))
    same = len(bench.splits.folds) == len(before.splits.folds)
    if not same or not all(np.array_equal(y[mine[1]], asked[other[1]]) for mine, other in pairs):
        raise DataProblem("A change of the preparation left other values to forecast, so no exam can be compared.")
    return bench


def rows_of(bench: Bench, params: Mapping[str, Json], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(train, test) positions of the exam that these parameters name."""
    fold = int(params["fold"])
    train, test = bench.splits.folds[fold]
    if params.get("thin"):
        return thinned(train, bench.table.y, fold), test
    share = params.get("share")
    if share is None or share == 1.0:
        return train, test
    return np.sort(nested_order(bench, train, seed + fold)[: round(share * len(train))]), test


def thinned(train: np.ndarray, y: np.ndarray, fold: int) -> np.ndarray:
    """MOST_ROWS of a training part, the same for every recipe and family, each class (or height of the target) with
    its share: in the order of the target, one of each run of neighbours is drawn."""
    if len(train) <= MOST_ROWS:
        return train
    rng = np.random.default_rng(fold)
    order = rng.permutation(len(train))
    order = order[np.argsort(y[train[order]], kind="stable")]
    edges = np.linspace(0, len(train), MOST_ROWS + 1)
    places = np.minimum(np.floor(rng.uniform(edges[:-1], edges[1:])), len(train) - 1).astype(np.intp)
    return np.sort(train[order[np.unique(places)]])


def nested_order(bench: Bench, train: np.ndarray, seed: int) -> np.ndarray:
    """The training part in such an order that its beginnings are smaller training parts of the plan's own kind.

    By time: the latest rows first, for a shorter history ends where the longer one does.  By group: whole groups in
    random order.  Else at random, each class spread evenly over the order.
    """
    rng = np.random.default_rng(seed)
    table, kind = bench.table, bench.recipe["split"]["kind"]
    if kind in ("time", "origins") and table.times is not None:
        return train[np.argsort(-table.times[train], kind="stable")]
    shuffled = rng.permutation(train)
    if kind == "group" and table.groups is not None:
        groups = table.groups[shuffled]
        turn = dict(zip(rng.permutation(np.unique(groups)).tolist(), range(len(groups)), strict=False))
        return shuffled[np.argsort([turn[g] for g in groups.tolist()], kind="stable")]
    if not bench.classifies:
        return shuffled
    y = table.y[shuffled]
    place = np.empty(len(y))
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return shuffled[np.argsort(place, kind="stable")]


# -- as bytes ----------------------------------------------------------------------------------------------------------

_ROWS = ("train", "test", "scores")  # arrays; of these only the scores are kept, the rows follow from the plan


def pack(exam: Exam) -> bytes:
    """The exam as npz: its scores, and the rest as JSON.  Rows are left out: the plan has them."""
    said = {f.name: getattr(exam, f.name) for f in fields(exam) if f.name not in _ROWS}
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(said).encode(), dtype=np.uint8)
    np.savez(buffer, said=text, scores=exam.scores)
    return buffer.getvalue()


def read(content: bytes, train: np.ndarray, test: np.ndarray) -> Exam:
    """The exam back from `pack`, on the rows that its parameters name.  Raises DataProblem for anything else."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            said, scores = json.loads(stored["said"].tobytes()), stored["scores"]
        known = {f.name for f in fields(Exam)}
        exam = Exam(train=train, test=test, scores=scores, **{k: v for k, v in said.items() if k in known})
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as problem:
        raise DataProblem(f"A kept practice exam cannot be read ({problem}); take the exams again.") from None
    if len(exam.scores) != len(test):
        raise DataProblem("A kept practice exam is of other rows than the plan says; take the exams again.")
    return exam
