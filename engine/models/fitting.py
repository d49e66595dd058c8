"""Fitting a model to some rows of a table, preparation included, and asking it about others.

One way in for everybody: practice exams, lockbox, latency and the model that leaves all fit through `fit`, so that
nothing can be learned outside the rows that were given.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from engine.data.splitting import inner_folds, inner_split
from engine.data.table import Table
from engine.errors import DataProblem
from engine.models.catalogue import ModelSpec, Prepare, model_spec, seed_of
from engine.models.pipeline import assemble, blocks, categorical_positions, feature_names, parts_of, target_folds
from engine.models.quick import quick
from engine.models.setting import Setting
from engine.models.simple import count_parameters, fit_quietly
from engine.records import Json

OF_ONE_PIECE = ("terms", "tokens", "picture", "embed")  # no column of a text or a picture can be left out
LEADING = 2  # columns of a prepared row of a forecast before those that a model learns from: its level and its spread
FURTHEST = float(np.log(10.0))  # how far beyond the largest logarithm of the training part an answer may lie


@dataclass
class Fitted:
    """A model that has learned, with the preparation that belongs to it.

    columns: the input columns in their order.  labels: the classes, none for regression.  `scores` is what it says.
    most: the largest log(1 + y) that it may say, where it learned the logarithm of the target; else None.
    """

    spec: ModelSpec
    settings: dict[str, Json]
    task: str
    labels: list[str]
    columns: list[str]
    prepare: Any  # a fitted ColumnTransformer, or None
    estimator: Any
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)  # complaints of the library; what the model tells of itself
    prepared: Any = field(default=None, repr=False)  # the training part after preparation, until it is dropped
    net: dict[str, Json] = field(default_factory=dict)  # what the training of a network recorded
    found: dict[str, Json] = field(default_factory=dict)  # what a search for its settings tried, and which it chose
    most: float | None = None
    _quick: Any = field(default=None, repr=False, compare=False)  # the preparation of a single row, once asked for

    def transform(self, frame: pd.DataFrame) -> Any:
        """The frame as the estimator takes it: (n, features) numbers, or the frame itself."""
        inputs = frame if list(frame.columns) == self.columns else frame.loc[:, self.columns]
        if self.prepare is None:
            return inputs
        if len(inputs) == 1:
            if self._quick is None:
                self._quick = quick(self.prepare, self.columns) or self.prepare.transform
            return self._quick(inputs)
        return self.prepare.transform(inputs)

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """Classification: (n, K) probabilities in the order of labels.  Numbers: (n,) values."""
        return self.scores_of_prepared(self.transform(frame))

    def scores_of_prepared(self, X: Any) -> np.ndarray:
        if self.own_scale:
            level, spread, learned = off_scale(X)
            return np.asarray(self.estimator.predict(learned), dtype=np.float64).reshape(-1) * spread + level
        if not self.labels:
            values = np.asarray(self.estimator.predict(X), dtype=np.float64).reshape(-1)
            return values if self.most is None else np.expm1(np.minimum(values, self.most))
        proba = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        classes = np.asarray(getattr(self.estimator, "classes_", np.arange(len(self.labels))), dtype=int)
        if len(classes) == len(self.labels):
            return proba
        full = np.zeros((len(proba), len(self.labels)))  # a class that the training part did not hold has no chance
        full[:, classes] = proba
        return full

    @property
    def own_scale(self) -> bool:
        """Whether it learned from rows of a forecast, each on a scale of its own (see engine.models.window)."""
        return self.task == "forecast" and self.prepare is not None

    @property
    def ended_by_person(self) -> bool:
        """Whether it is a network whose training a person ended before it was through."""
        return self.net.get("ended") == "enough"

    @property
    def parameters(self) -> int:
        """Numbers learned and needed to predict; what is counted is said in `count_parameters`."""
        return count_parameters(self.estimator)

    @property
    def features(self) -> int:
        """Columns after preparation."""
        if self.prepare is None:
            return len(self.columns)
        return len(self.names()) - LEADING * self.own_scale

    def names(self) -> list[str]:
        return feature_names(self.prepare) if self.prepare is not None else list(self.columns)


def off_scale(X: Any) -> tuple[np.ndarray, np.ndarray, Any]:
    """The levels (n,), the spreads (n,), and the columns that a model learns from, of prepared rows of a forecast."""
    return X[:, 0], X[:, 1], X[:, LEADING:]


def decide(scores: np.ndarray, labels: list[str], threshold: float | None) -> np.ndarray:
    """Class codes from probabilities: the most probable class, or for two classes the second from the threshold on.

    scores: (n, K).  Returns (n,) int.  Two classes are in the order negative, positive.
    """
    if threshold is not None and len(labels) == 2:
        return (scores[:, 1] >= threshold).astype(int)
    return scores.argmax(axis=1)


def fit(
    model: Mapping[str, Json],
    recipe: Mapping[str, Json],
    table: Table,
    positions: np.ndarray,
    seed: int = 0,
    *,
    frame: pd.DataFrame | None = None,
    report: Any = None,
    ready: tuple[Any, Any] | None = None,
) -> Fitted:
    """Fit a model of the catalogue to rows of a table.

    model: {"name", "settings"}.  positions: (n,) of the rows it may see.  frame: those very rows, when they were cut
    out before.  report: called with an engine.records.Progress by a model that trains in steps.  ready: what
    `prepared` gave for the same recipe, kind of model, rows and seed, where several models are fitted to them.
    Raises UsageProblem when the model does not fit the task, DataProblem when a rule cannot be read or the target has
    no logarithm where one is asked for.
    """
    spec = model_spec(str(model["name"]), recipe["task"])
    if spec.composed:
        from engine.models.composed import fit_composed

        return fit_composed(model, recipe, table, positions, seed, frame=frame, report=report)
    settings = spec.with_defaults(model.get("settings"))
    seed = seed_of(settings, seed)
    rows: pd.DataFrame = table.frame.iloc[positions] if frame is None else frame
    y, most = as_learned(recipe, spec, table.y[positions])
    started = time.perf_counter()
    prepare, X = ready or prepared(recipe, spec.prepare, table, rows, y, positions, seed)
    labels = list(table.labels or ())
    fitted = Fitted(spec, settings, recipe["task"], labels, list(rows.columns), prepare, None, most=most)
    fitted.prepared = X
    if fitted.own_scale:
        level, spread, X = off_scale(X)
        y = (y - level) / spread
    if spec.network:
        from engine.models.networks.inputs import layout_of
        from engine.models.networks.spec import declared

        given = {"name": spec.name, "settings": settings}
        layout = layout_of(declared(spec.name, settings), prepare, X.shape[1], recipe)
        fitted.estimator = spec.builder()(given, recipe, X.shape[1], seed, report, layout)
    else:
        setting = Setting(
            task=recipe["task"],
            settings=settings,
            n_rows=len(y),
            n_columns=X.shape[1],
            labels=tuple(fitted.labels),
            categorical=_categorical(fitted) if spec.prepare == "native" else (),
            seed=seed,
            inner=lambda folds: _inner_folds(recipe, table, positions, folds, seed),
        )
        fitted.estimator = spec.builder()(setting)
    weights = _weights(recipe, spec, fitted.estimator, y)
    if spec.early_stop:
        inner, validation = _inner(recipe, table, positions, _inner_share(settings, len(y)), seed)
        held: dict[str, Any] = {"X_val": X[validation], "y_val": y[validation]}
        if weights is not None:
            held |= {"sample_weight": weights[inner], "sample_weight_val": weights[validation]}
        fitted.notes = fit_quietly(fitted.estimator, X[inner], y[inner], **held)
    else:
        more = {} if weights is None else {"sample_weight": weights}
        fitted.notes = fit_quietly(fitted.estimator, X, y, **more)
    fitted.notes += getattr(fitted.estimator, "told", ())
    if getattr(fitted.estimator, "n_jobs", None) not in (None, 1):
        fitted.estimator.n_jobs = 1  # threads would add up a forest's votes in any order: the last bits would vary
    if spec.network:
        fitted.estimator.report = None  # the listener belongs to this run, not to the model
        fitted.net = dict(fitted.estimator.trained_)
        for name in ("seconds", "rows_per_second", "remarks"):  # kept beside the model: the same one is the same bytes
            fitted.estimator.trained_.pop(name, None)
    fitted.seconds = time.perf_counter() - started
    return fitted


def _categorical(fitted: Fitted) -> tuple[int, ...]:
    """Positions of category codes among the columns that the estimator learns from."""
    return tuple(place - LEADING * fitted.own_scale for place in categorical_positions(fitted.prepare))


def as_learned(recipe: Mapping[str, Json], spec: ModelSpec, y: np.ndarray) -> tuple[np.ndarray, float | None]:
    """The target as the model learns it, and `Fitted.most`: its logarithm where the recipe says so.

    Baselines and rules say values of the target itself.  A line on logarithms can run away when it is turned back: an
    answer is held to ten times the largest value learned from.  Raises DataProblem for values of -1 and below.
    """
    how = (recipe.get("prepare") or {}).get("target")
    if how != "log1p" or recipe["task"] != "regression" or spec.prepare == "none":
        return y, None
    if len(y) and y.min() <= -1:
        raise DataProblem(
            f"The target goes down to {y.min():g}, and log(1 + y) needs values above -1: predict the value itself."
        )
    logged = np.log1p(y)
    return logged, float(logged.max(initial=0.0)) + FURTHEST


def _weights(recipe: Mapping[str, Json], spec: ModelSpec, estimator: Any, y: np.ndarray) -> np.ndarray | None:
    """A weight for each row, so that classes count alike; None without them, or for a model that takes none.

    Networks weigh the classes in their loss (engine.models.networks.losses).
    """
    if (recipe.get("prepare") or {}).get("weights") != "balanced" or recipe["task"] not in ("binary", "multiclass"):
        return None
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.validation import has_fit_parameter

    if spec.prepare == "none" or spec.network or not has_fit_parameter(estimator, "sample_weight"):
        return None
    return compute_sample_weight("balanced", y)


def prepared(
    recipe: Mapping[str, Json],
    style: Prepare,
    table: Table,
    frame: pd.DataFrame,
    y: np.ndarray,
    positions: np.ndarray,
    seed: int,
) -> tuple[Any, Any]:
    """The fitted preparation and the training part after it.

    It is fitted on the whole training part, the inner validation rows of an early-stopping model included: they belong
    to the training part, and no such model is prepared with the target, but for the choice of its columns.
    """
    if style == "none":
        return None, frame
    if recipe["task"] == "forecast" and style == "linear":
        style = "dense"  # few columns: the window as numbers, and the calendar
    made = blocks(recipe, style, frame)
    folds = 5
    if any(block.what == "target" for block in made):
        kind = recipe["split"]["kind"].replace("origins", "time")
        groups = table.groups[positions] if table.groups is not None and kind == "group" else None
        times = table.times[positions] if table.times is not None and kind == "time" else None
        folds = target_folds(groups, times)
    select = None if recipe["task"] == "forecast" else (recipe.get("prepare") or {}).get("select")
    select = None if style in OF_ONE_PIECE else select
    prepare = assemble(made, style, recipe["task"], seed, folds, select)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # columns without any value, levels never met: both have their place here
        X = prepare.fit_transform(frame, y)
    columns = parts_of(prepare)[0]
    for name, step, _ in [*columns.transformers, *columns.transformers_]:
        if name == "levels" and hasattr(step, "steps") and hasattr(step.steps[0][1], "cv"):
            step.steps[0][1].cv = 5  # the folds were the training rows'; what is stored must not carry them
    return prepare, X


def _inner_share(settings: Mapping[str, Json], rows: int) -> float:
    """The share of the training part to stop by: at least `validation_rows` rows where the model asks for so many."""
    wanted = max(float(settings["validation_share"]) * rows, float(settings.get("validation_rows", 0)))
    return min(wanted / rows, 1 / 3)


def _inner(
    recipe: Mapping[str, Json], table: Table, positions: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Places, within `positions`, of the rows to learn from and of those to stop by, split in the plan's own way."""
    train, validation = inner_split(table, positions, recipe, share, seed)
    place = _places(positions)
    return place[train], place[validation]


def _inner_folds(
    recipe: Mapping[str, Json], table: Table, positions: np.ndarray, folds: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Places, within `positions`, of the rows to learn from and of those to ask about, about `folds` times."""
    place = _places(positions)
    return [(place[train], place[test]) for train, test in inner_folds(table, positions, recipe, folds, seed)]


def _places(positions: np.ndarray) -> np.ndarray:
    place = np.empty(int(positions.max()) + 1, dtype=np.intp)
    place[positions] = np.arange(len(positions))
    return place
