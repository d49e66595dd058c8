"""Models that are made of other models: their parts, each fitted with its own preparation, and a head on top.

A head joins what its parts say to one answer.  It is declared by its spec's `build` ("module:Class"), learns from
answers that no part was fitted on (out of fold, inside the training part), and is kept as plain JSON in a model's card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd

from engine.data.splitting import inner_folds
from engine.data.table import Table
from engine.errors import UsageProblem
from engine.models.catalogue import parts_of_model, spec_of
from engine.models.fitting import Fitted, fit
from engine.models.setting import Setting
from engine.records import Json, Progress


class Head(Protocol):
    """What joins the answers of the parts.

    learns: whether it is fitted to answers that the parts gave about rows they had not seen; else `learn` gets none.
    `state` is all of it as JSON, without NaN; `of_state(state)` gives the same head back to the last bit.
    """

    learns: ClassVar[bool]

    @classmethod
    def learn(cls, scores: Sequence[np.ndarray], y: np.ndarray, setting: Setting) -> Self:
        """scores: one array a part, (m, K) probabilities or (m,) values, out of fold; y: (m,) what was true.  Where
        `learns` is false both are empty.  setting: task, labels, seed and the settings of the composed model."""
        ...

    @classmethod
    def of_state(cls, state: Mapping[str, Json]) -> Self: ...

    def state(self) -> dict[str, Json]: ...

    def combine(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """One array a part, (n, K) or (n,), to one of the same shape; rows of probabilities add up to 1."""
        ...

    @property
    def parameters(self) -> int:
        """Numbers that it learned."""
        ...


@dataclass
class Composed(Fitted):
    """A fitted model made of others; it is asked, stored and timed as any other, but has no estimator of its own.

    parts: fitted models, simple or composed themselves, each fed with the same input columns.  prepared: the training
    part after the preparation of each.
    """

    parts: list[Fitted] = field(default_factory=list)
    head: Any = None  # a Head

    def transform(self, frame: pd.DataFrame) -> list[Any]:
        """What each part takes."""
        return [part.transform(frame) for part in self.parts]

    def scores_of_prepared(self, X: Sequence[Any]) -> np.ndarray:
        return self.head.combine([part.scores_of_prepared(x) for part, x in zip(self.parts, X, strict=True)])

    @property
    def ended_by_person(self) -> bool:
        """Whether it holds such a network."""
        return any(part.ended_by_person for part in self.parts)

    @property
    def parameters(self) -> int:
        return sum(part.parameters for part in self.parts) + self.head.parameters

    @property
    def features(self) -> int:
        """Columns after preparation, of the part that has most."""
        return max(part.features for part in self.parts)

    def names(self) -> list[str]:
        return list(dict.fromkeys(name for part in self.parts for name in part.names()))


def fit_composed(
    model: Mapping[str, Json],
    recipe: Mapping[str, Json],
    table: Table,
    positions: np.ndarray,
    seed: int,
    *,
    frame: pd.DataFrame | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Fitted:
    """Fit the parts to all the rows given, and the head to what they say, fitted to most of these rows, of the others.

    A spec whose `build` names a function is fitted by that function instead, called with the same arguments.
    Raises UsageProblem when the model names too few parts or too many, and what `fit` raises.
    """
    spec = spec_of(model, recipe["task"])
    settings = spec.with_defaults(model.get("settings"))
    members = parts_of_model(model)
    least, most = spec.members
    if not least <= len(members) <= most:
        many = str(least) if least == most else f"{least} to {most}"
        raise UsageProblem(
            f'A model “{spec.name}” is made of {many} others, named in its setting "of"; here are {len(members)}.'
        )
    build: Any = spec.builder()
    if not isinstance(build, type):
        return build(model, recipe, table, positions, seed, frame=frame, report=report)
    head_class: Any = build
    labels = list(table.labels or ())
    setting = Setting(recipe["task"], settings, len(positions), labels=tuple(labels), seed=seed)
    inside, seconds = [np.empty(0, dtype=np.intp)], 0.0
    scores: list[np.ndarray] = []
    if head_class.learns:
        inside, scores, seconds = out_of_fold(members, recipe, table, positions, seed, int(settings["folds"]), report)
    head = head_class.learn(scores, table.y[np.concatenate(inside)], setting)
    parts = []
    for member in members:
        parts.append(fit(member, recipe, table, positions, seed, frame=frame, report=report))
        if report is not None:
            report(Progress(len(parts), len(members), "part", f"{len(parts)} of {len(members)} models"))
    prepared = [part.prepared for part in parts]
    for part in parts:
        part.prepared = None
    columns, notes = list(parts[0].columns), list(dict.fromkeys(note for part in parts for note in part.notes))
    fitted = Composed(spec, settings, str(recipe["task"]), labels, columns, None, None, parts=parts, head=head)
    fitted.seconds, fitted.notes, fitted.prepared = seconds + sum(part.seconds for part in parts), notes, prepared
    if fitted.ended_by_person:
        fitted.net = {"ended": "enough"}
    return fitted


def out_of_fold(
    members: Sequence[Mapping[str, Json]],
    recipe: Mapping[str, Json],
    table: Table,
    positions: np.ndarray,
    seed: int,
    folds: int,
    report: Callable[[Progress], None] | None = None,
) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """What each model says of rows of a training part that it was not fitted to.

    The folds are of the plan's own kind and lie within `positions`; in time order the earliest rows are never asked
    about.  Returns the positions asked about, fold by fold, the answers of each member in that order ((m, K) or (m,)),
    and the seconds that fitting took.
    """
    inner = inner_folds(table, positions, recipe, folds, seed)
    said: list[list[np.ndarray]] = [[] for _ in members]
    seconds, done = 0.0, 0
    for train, test in inner:
        frame = table.frame.iloc[test]
        for answers, member in zip(said, members, strict=True):
            fitted = fit(member, recipe, table, train, seed, report=report)
            fitted.prepared = None
            answers.append(fitted.scores(frame))
            seconds, done = seconds + fitted.seconds, done + 1
            if report is not None:
                report(Progress(done, len(inner) * len(members), "inner fit", "answers out of fold"))
    return [test for _, test in inner], [np.concatenate(answers) for answers in said], seconds


# --- heads -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Average:
    """The plain mean of what the parts say."""

    learns: ClassVar[bool] = False

    @classmethod
    def learn(cls, scores: Sequence[np.ndarray], y: np.ndarray, setting: Setting) -> Average:
        return cls()

    @classmethod
    def of_state(cls, state: Mapping[str, Json]) -> Average:
        return cls()

    def state(self) -> dict[str, Json]:
        return {}

    def combine(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        total = scores[0].astype(np.float64)
        for more in scores[1:]:
            total = total + more
        return total / len(scores)

    @property
    def parameters(self) -> int:
        return 0


@dataclass(frozen=True)
class Stack:
    """A linear model on what the parts say: logistic regression on logarithms of their probabilities (of two classes:
    on their log odds), ridge regression on their values.

    weights: a row a class (one row for two classes, and for numbers), a column an input.  classes: codes of the rows.
    Source: Wolpert 1992, stacked generalisation; Ting & Witten 1999, probabilities rather than classes.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    classes: tuple[int, ...]  # of those that were met out of fold; empty for numbers
    of: int  # how many classes there are

    learns: ClassVar[bool] = True

    @classmethod
    def learn(cls, scores: Sequence[np.ndarray], y: np.ndarray, setting: Setting) -> Stack:
        from sklearn.linear_model import LogisticRegression, Ridge

        X = _inputs(scores)
        if not setting.classifies:
            middle, unit = X.mean(axis=0), X.std(axis=0)
            unit[unit == 0] = 1.0
            ridge = Ridge(alpha=float(setting.settings["alpha"])).fit((X - middle) / unit, y)
            weights = np.atleast_2d(ridge.coef_ / unit)
            return cls(weights, np.atleast_1d(ridge.intercept_ - weights[0] @ middle), (), 0)
        met = np.unique(y)
        if len(met) == 1:  # nothing to weigh: the parts' answers are as good as any
            return cls(np.zeros((1, X.shape[1])), np.zeros(1), (int(met[0]),), len(setting.labels))
        logistic = LogisticRegression(C=1 / float(setting.settings["alpha"]), max_iter=2000).fit(X, y)
        return cls(logistic.coef_, logistic.intercept_, tuple(map(int, logistic.classes_)), len(setting.labels))

    @classmethod
    def of_state(cls, state: Mapping[str, Json]) -> Stack:
        weights, intercepts = np.array(state["weights"], dtype=float), np.array(state["intercepts"], dtype=float)
        return cls(weights, intercepts, tuple(map(int, state["classes"])), int(state["of"]))

    def state(self) -> dict[str, Json]:
        return {
            "weights": self.weights.tolist(),
            "intercepts": self.intercepts.tolist(),
            "classes": list(self.classes),
            "of": self.of,
        }

    def combine(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        X = _inputs(scores)
        # row by row sums, so that an answer does not depend on how many rows are asked about
        said = np.stack([(X * row).sum(axis=1) + b for row, b in zip(self.weights, self.intercepts, strict=True)], 1)
        if not self.of:
            return said[:, 0]
        if len(self.classes) == 1:
            shares = np.ones((len(X), 1))
        elif len(self.classes) == 2:
            from scipy.special import expit

            shares = np.stack([1 - expit(said[:, 0]), expit(said[:, 0])], axis=1)
        else:
            from scipy.special import softmax

            shares = softmax(said, axis=1)
        full = np.zeros((len(X), self.of))
        full[:, list(self.classes)] = shares
        return full

    @property
    def parameters(self) -> int:
        return int(self.weights.size + self.intercepts.size)


LEAST_SHARE = 1e-6  # a probability nearer to 0 than this says no more


def _inputs(scores: Sequence[np.ndarray]) -> np.ndarray:
    """(n, k): the values; of two classes the log odds; of more the logarithm of each probability."""
    columns: list[np.ndarray] = []
    for said in scores:
        if said.ndim == 1:
            columns.append(said[:, None])
            continue
        logs = np.log(np.clip(said, LEAST_SHARE, 1.0))
        columns.append(logs[:, 1:] - logs[:, :1] if said.shape[1] == 2 else logs)
    return np.concatenate(columns, axis=1)
