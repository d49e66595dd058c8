"""Turning a model's knobs inside a training part: no row that the model is examined on is ever seen.

Random search over a stated number of settings, on inner exams of the plan's own kind; after each inner exam the better
half goes on (successive halving: Jamieson & Talwalkar 2016), the default always.  Of those that took all of them R4
takes the simplest within one standard error of the best (Breiman et al. 1984); a best value at the end of its range is
looked past once.  (Decision catalogue, improve.tune, 2.5 and 2.9; Cawley & Talbot 2010.)
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.data.splitting import inner_folds
from engine.data.table import Table
from engine.errors import RungwiseError, UsageProblem
from engine.evaluation.acceptance import simplest
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.exams import thinned
from engine.evaluation.paired import corrected_variance
from engine.metrics import BY_NAME
from engine.models.catalogue import model_spec, parts_of_model, spec_of
from engine.models.fitting import Fitted, as_learned, fit, prepared
from engine.models.knobs import KNOBS, Values, drawn, halved, hypothesis, simplicity, tunable, widened
from engine.records import Json, Progress
from engine.trials import Context, Division, parts_of

Report = Callable[[Progress], None] | None
Examiner = Callable[[Sequence[Values], int], Iterator[tuple[int, float, float]]]
"""Takes an inner exam, by its number, with several settings: the place of each in any order, its oriented score (NaN
where the metric is undefined there, -inf where the model failed), and seconds."""

LOADS = "engine.evaluation.exams:prepare"  # the table and its exams, before parts are taken
TOGETHER = 3  # settings that are tried one after the other on rows prepared once for them


def fit_tuned(
    model: Mapping[str, Json],
    recipe: Mapping[str, Json],
    table: Table,
    positions: np.ndarray,
    seed: int,
    *,
    frame: pd.DataFrame | None = None,
    report: Report = None,
) -> Fitted:
    """Fit the one part of a `tuned` model with the settings that a search inside these rows finds.

    Settings of the model: of, trials, folds (inner), draw (the seed of the draws: the same settings are tried in every
    training part), found (settings that were found before: nothing is searched then).  The result is the part itself,
    so that whatever can be done with it still can; `Fitted.found` says what was tried.  Raises what `fit` raises.
    """
    (part,) = parts_of_model(model)
    settings = model_spec("tuned").with_defaults(model.get("settings"))
    values, searched, seconds = settings["found"], {}, 0.0
    if values is None:
        searched, seconds = search(part, recipe, table, positions, seed, settings, report)
        values = searched["values"]
    fitted = fit(turned(part, values), recipe, table, positions, seed, frame=frame, report=report)
    fitted.seconds += seconds
    fitted.found = searched
    return fitted


def turned(part: Mapping[str, Json], values: Mapping[str, Json]) -> dict[str, Json]:
    """The model with these settings in place of its own."""
    return {"name": part["name"], "settings": {**(part.get("settings") or {}), **values}}


def search(
    part: Mapping[str, Json],
    recipe: Mapping[str, Json],
    table: Table,
    positions: np.ndarray,
    seed: int,
    settings: Mapping[str, Json],
    report: Report = None,
) -> tuple[dict[str, Json], float]:
    """Try settings of a model on inner exams within `positions`.  settings: trials, folds, draw, as of `tuned`.

    Returns {"values": those taken, "trials": [{"values", "scores", "value", "hypothesis", "gain", "held"}], "taken",
    "best": their places, "widened", "metric"} and the seconds that it took.  Scores are oriented, one an inner exam,
    None where the setting had dropped out; `gain` is the mean difference to the default on the exams that both took,
    `held` whether the gain is beyond one standard error: true, false, or None where it cannot be told.
    Raises UsageProblem for a model without knobs.
    """
    inner = _Inner(part, recipe, table, positions, seed, int(settings["folds"]))
    return _searched(inner, settings, inner.scores, report)


def _searched(
    inner: _Inner, settings: Mapping[str, Json], examine: Examiner, report: Report
) -> tuple[dict[str, Json], float]:
    """What `search` returns, and raises.  examine: who takes the inner exams."""
    part, draw = inner.part, int(settings["draw"])
    if not tunable(part):
        raise UsageProblem(f"{model_spec(str(part['name'])).title} has no settings to search: those that have are "
                           f"{', '.join(KNOBS)}.")  # fmt: skip
    tried = drawn(part, int(settings["trials"]), draw)
    scores = [[np.nan] * len(inner.folds) for _ in tried]
    going = list(range(len(tried)))
    done, fits, seconds = 0, _steps(len(tried), len(inner.folds)), 0.0

    def tell(j: int) -> None:
        if report is not None:
            report(Progress(done, fits, "setting", f"inner exam {j + 1} of {len(inner.folds)}"))

    def take(places: Sequence[int], j: int) -> None:
        nonlocal done, seconds
        tell(j)
        for n, score, took in examine([tried[i] for i in places], j):
            scores[places[n]][j] = score
            done, seconds = done + 1, seconds + took
            tell(j)

    for j in range(len(inner.folds)):
        take(going, j)
        if j + 1 < len(inner.folds):
            order = sorted(going, key=lambda i: -_mean(scores[i][: j + 1]))
            going = sorted({0, *order[: halved(len(going))]})
    best = max(going, key=lambda i: _mean(scores[i]))
    more = widened(part, tried[best], len(tried), draw)
    added = list(range(len(tried), len(tried) + len(more)))
    fits += len(more) * len(inner.folds)
    tried += more
    scores += [[np.nan] * len(inner.folds) for _ in more]
    for j in range(len(inner.folds) if more else 0):
        take(added, j)
    going = [*going, *added]
    going = [i for i in going if not np.isneginf(scores[i]).any()] or [0]
    best = max(going, key=lambda i: _mean(scores[i]))
    order = sorted(going, key=lambda i: simplicity(part, tried[i]))
    grid = np.array([scores[i] for i in going])
    taken = going[simplest(grid, inner.rho, [going.index(i) for i in order], ordered=inner.ordered)]
    return {
        "metric": inner.metric.name,
        "values": tried[taken],
        "taken": taken,
        "best": best,
        "widened": bool(more),
        "trials": [_told(part, values, row, scores[0], inner) for values, row in zip(tried, scores, strict=True)],
    }, seconds


def _steps(number: int, folds: int) -> int:
    total = 0
    for _ in range(folds):
        total, number = total + number, halved(number)
    return total


def _mean(scores: Sequence[float]) -> float:
    known = [score for score in scores if np.isfinite(score)]
    return float(np.mean(known)) if known else -np.inf


def _told(
    part: Mapping[str, Json], values: Values, row: Sequence[float], default: Sequence[float], inner: _Inner
) -> dict[str, Json]:
    """One trial as the evidence keeps it."""
    both = np.isfinite(row) & np.isfinite(default)
    d = np.asarray(row)[both] - np.asarray(default)[both]
    held = None
    if len(d) > 1 and d.any():
        held = bool(d.mean() > np.sqrt(corrected_variance(d, inner.rho, inner.ordered)))
    complete = np.isfinite(row).all()
    return {
        "values": values,
        "scores": [float(u) if np.isfinite(u) else None for u in row],
        "value": float(np.mean(row)) if complete else None,
        "hypothesis": hypothesis(part, values),
        "gain": float(d.mean()) if len(d) else None,
        "held": held,
    }


class _Inner:
    """The inner exams of a training part: each prepared once, and taken by one setting after the other."""

    def __init__(
        self,
        part: Mapping[str, Json],
        recipe: Mapping[str, Json],
        table: Table,
        positions: np.ndarray,
        seed: int,
        folds: int,
    ) -> None:
        self.part, self.recipe, self.table, self.seed = part, recipe, table, seed
        self.folds = inner_folds(table, positions, recipe, folds, seed)
        self.ordered = recipe["split"]["kind"] in ("time", "origins")
        self.rho = float(np.mean([len(test) / len(train) for train, test in self.folds]))
        self.metric = BY_NAME[str(recipe["metric"])]
        self.bench = Bench(recipe, table, splits=None)  # type: ignore[arg-type]  # only scores; it draws no exams

    def scores(self, tried: Sequence[Values], j: int) -> Iterator[tuple[int, float, float]]:
        """Settings after settings on inner exam j, as an `Examiner` gives them."""
        started = time.perf_counter()
        ready = self._prepared(*self.folds[j])
        seconds = time.perf_counter() - started  # of preparing: the first one's
        for place, values in enumerate(tried):
            score, took = self._score(values, j, ready)
            yield place, score, seconds + took
            seconds = 0.0

    def _score(self, values: Values, j: int, ready: tuple[Any, Any, Any]) -> tuple[float, float]:
        train, test = self.folds[j]
        prepare, X, asked = ready
        try:
            fitted = fit(turned(self.part, values), self.recipe, self.table, train, self.seed, ready=(prepare, X))
            said = fitted.scores_of_prepared(asked)
        except RungwiseError:
            raise
        except Exception:  # whatever other people's code raises with these settings: they are not for these rows
            return -np.inf, 0.0
        value = self.bench.score(test, said).get(self.metric.name)
        return np.nan if value is None else float(self.metric.oriented(value)), fitted.seconds

    def _prepared(self, train: np.ndarray, test: np.ndarray) -> tuple[Any, Any, Any]:
        spec = model_spec(str(self.part["name"]))
        y, _ = as_learned(self.recipe, spec, self.table.y[train])
        frame = self.table.frame.iloc[train]
        prepare, X = prepared(self.recipe, spec.prepare, self.table, frame, y, train, self.seed)
        inputs = self.table.frame.iloc[test]
        asked = inputs if prepare is None else prepare.transform(inputs)
        return prepare, X, asked


# --- the trial -------------------------------------------------------------------------------------------------------


def tune(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Search once, on the training part of the first exam, for settings that are then fixed (2.9: from 10,000 rows on).

    params: recipe, model, trials, folds, draw.  At most 20,000 of the rows are used, each class (or height of the
    target) with its share.  Returns what `search` returns, with "rows" that it saw, and "seconds".
    """
    inner, rows = _first_part(params, ctx)
    shared = {name: params[name] for name in ("recipe", "model", "folds")}

    def side_by_side(tried: Sequence[Values], j: int) -> Iterator[tuple[int, float, float]]:
        several = -(-len(tried) // TOGETHER)
        places = [range(n, len(tried), several) for n in range(several)]  # dear and cheap ones mixed
        parts = tuple({**shared, "exam": j, "tried": [tried[i] for i in mine]} for mine in places)
        here = bool(spec_of(params["model"]).network)  # there may be one graphics card only
        for part, content in parts_of(ctx, Division(f"{__name__}:settings_tried", LOADS, parts, here)):
            for i, (score, took) in zip(places[part], json.loads(content), strict=True):
                yield i, score, took

    settings = {"trials": params["trials"], "draw": params.get("draw", 0)}
    found, seconds = _searched(inner, settings, side_by_side, ctx.report)
    return {**found, "rows": rows, "seconds": seconds}


def settings_tried(params: Mapping[str, Json], ctx: Context) -> bytes:
    """A part of the trial: (score, seconds) of several settings on one inner exam, as JSON with NaN and Infinity.

    params: recipe, model, folds, exam (its number), tried (the settings).
    """
    inner, _ = _first_part(params, ctx)
    scores = inner.scores(params["tried"], int(params["exam"]))
    return json.dumps([(score, seconds) for _, score, seconds in scores]).encode()


def _first_part(params: Mapping[str, Json], ctx: Context) -> tuple[_Inner, int]:
    """The inner exams of the first exam's training part, and how many rows they have."""
    bench = open_bench(params, ctx)
    train, _ = bench.splits.folds[0]
    seen = thinned(train, bench.table.y, 0) if bench.table.steps is None else train
    return _Inner(params["model"], bench.recipe, bench.table, seen, ctx.seed, int(params["folds"])), len(seen)


def gathered(searches: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """What the searches of several exams found, setting by setting: mean inner score and gain, and how often taken.

    Settings past the end of a range were tried in some of them only; a row says in how many.
    """
    rows: dict[str, dict[str, Any]] = {}
    for found in searches:
        for i, trial in enumerate(found["trials"]):
            key = repr(sorted(trial["values"].items()))
            row = rows.setdefault(key, {"values": trial["values"], "hypothesis": trial["hypothesis"], "scores": [],
                                        "gains": [], "held": 0, "taken": 0, "tried": 0})  # fmt: skip
            known = [u for u in trial["scores"] if u is not None]
            row["tried"] += 1
            row["taken"] += i == found["taken"]
            row["held"] += bool(trial["held"])
            if known:
                row["scores"].append(float(np.mean(known)))
            if trial["gain"] is not None:
                row["gains"].append(trial["gain"])
    told = [
        {
            "values": row["values"],
            "hypothesis": row["hypothesis"],
            "value": float(np.mean(row["scores"])) if row["scores"] else None,
            "gain": float(np.mean(row["gains"])) if row["gains"] else None,
            "held": row["held"],
            "taken": row["taken"],
            "tried": row["tried"],
        }
        for row in rows.values()
    ]
    return {"searches": len(searches), "metric": searches[0]["metric"], "trials": told,
            "widened": sum(bool(found["widened"]) for found in searches)}  # fmt: skip
