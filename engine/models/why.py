"""Why each prediction of a file: one line of words a row, for models whose reasons are exact.  (present.reasons.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from engine.errors import UsageProblem
from engine.models.persist import Artifact
from engine.models.reasons import method_of, reasons, unwrapped

TOP = 3  # reasons up, and as many down


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
    if method_of(fitted) == "approximation":
        raise UsageProblem(
            f"{fitted.spec.title} has no exact reasons for single rows: --why is for lines, small trees and rules."
        )

    def told(frame: pd.DataFrame) -> list[str]:
        return [
            "; ".join(reason.words for reason in found.reasons) for found in reasons(fitted, frame, background, top)
        ]

    return told


def _by_group(model: Any, frame: pd.DataFrame) -> list[str]:
    """Of the best single column, the group that a row is in."""
    names = [f"{model.column_}: {name}" for name in model.names()]
    return [names[group] for group in model.groups_of(frame)]


def _by_rule(rules: list[dict], frame: pd.DataFrame) -> list[str]:
    from engine.data.rules import RuleSet

    found = RuleSet(rules, list(frame.columns))
    words = [f"rule {i + 1}: {rule['when']}" for i, rule in enumerate(found.rules)] + ["no rule decides"]
    return [words[place] for place in found.first_match(frame)]
