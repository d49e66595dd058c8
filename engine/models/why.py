"""Why each prediction of a file: one line of words a row, for models whose reasons are exact.  (present.reasons.)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from engine.data.table import load_features
from engine.errors import UsageProblem
from engine.models.persist import Artifact
from engine.models.predict import CHUNK
from engine.models.reasons import method_of, reasons, unwrapped
from engine.records import Json

TOP = 3  # reasons up, and as many down
AT_ONCE = 1_000  # rows taken apart in one go: prepared texts are wide
BACKGROUND = 2_000  # rows that the mean of each column is taken of


def why_of(artifact: Artifact, background: pd.DataFrame, top: int = TOP) -> Callable[[pd.DataFrame], list[str]]:
    """A function from inputs to a line a row: of a line what each column added, of a tree the tests on its path, of a
    rule the condition that decided.

    background: rows that the model learned from, inputs only: reasons are told against their mean.
    Raises UsageProblem for a model whose reasons would be approximations.
    """
    fitted = artifact.fitted
    inner: Any = unwrapped(fitted)
    rules = getattr(inner.estimator, "rules", None)
    if rules is not None and inner.prepare is None:
        return lambda frame: _by_rule(list(rules), frame)
    if hasattr(inner.estimator, "groups_of"):
        return lambda frame: _by_group(inner.estimator, frame)
    refuse(artifact)

    def told(frame: pd.DataFrame) -> list[str]:
        said = []
        for start in range(0, len(frame), AT_ONCE):
            part = frame.iloc[start : start + AT_ONCE]
            found = reasons(fitted, part, background, top, most=BACKGROUND)
            said += ["; ".join(reason.words for reason in one.reasons) for one in found]
        return said

    return told


def refuse(artifact: Artifact) -> None:
    """Raises UsageProblem for a model whose reasons would be approximations."""
    fitted = artifact.fitted
    inner: Any = unwrapped(fitted)
    decided = hasattr(inner.estimator, "groups_of") or (
        getattr(inner.estimator, "rules", None) is not None and inner.prepare is None
    )
    if not decided and method_of(fitted) == "approximation":
        raise UsageProblem(
            f"{fitted.spec.title} has no exact reasons for single rows: --why is for lines, small trees and rules. "
            "Predict without it, or take a session with such a model."
        )


def background_of(data: Path, recipe: Mapping[str, Json], rows: int) -> pd.DataFrame:
    """Rows of the file that the model learned from, inputs only, evenly spread: whoever sorted it moves no mean.

    rows: how many it has; the file is read piece by piece.
    """
    step = max(1, rows // BACKGROUND)
    parts, seen = [], 0
    for frame in load_features(data, recipe, CHUNK):
        parts.append(frame.iloc[-seen % step :: step])
        seen += len(frame)
    return pd.concat(parts, ignore_index=True)


def scale_of(artifact: Artifact) -> str:
    """What the figures of the reasons mean, in a sentence."""
    model: Any = unwrapped(artifact.fitted)
    rules = getattr(model.estimator, "rules", None)
    if (rules is not None and model.prepare is None) or hasattr(model.estimator, "groups_of"):
        return "The column why says what decided."
    labels = artifact.fitted.labels
    path = method_of(artifact.fitted) == "path"
    if labels:
        about = f"“{labels[1]}”" if len(labels) == 2 else "the class predicted"
        if len(labels) > 2 and not path and type(model.estimator).__name__ != "Margin":
            about += " (held against the geometric mean of all classes)"  # what softmax adds to, class by class
        unit = f"percentage points that each test on the way adds to the share of {about}" if path else (
            f"what each column multiplies the odds of {about} by, against the average row of training")  # fmt: skip
    elif model.most is not None and not path:
        unit = "what each column multiplies the answer (plus 1) by, against the average row of training"
    else:
        unit = (
            "what each test on the way adds" if path else "what each column adds, against the average row of training"
        )
    return f"The column why: {unit}; the {TOP} that raise it most and the {TOP} that lower it most."


def _by_group(model: Any, frame: pd.DataFrame) -> list[str]:
    """Of the best single column, the group that a row is in."""
    names = [f"{model.column_}: {name}" for name in model.names()]
    return [names[group] for group in model.groups_of(frame)]


def _by_rule(rules: list[dict], frame: pd.DataFrame) -> list[str]:
    from engine.data.rules import RuleSet

    found = RuleSet(rules, list(frame.columns))
    words = [f"rule {i + 1}: {rule['when']}" for i, rule in enumerate(found.rules)] + ["no rule decides"]
    return [words[place] for place in found.first_match(frame)]
