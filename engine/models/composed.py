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
