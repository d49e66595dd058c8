"""The expert's rule as a model: SQL conditions, the first that matches decides; nothing is learned but a last resort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from engine.models.setting import Setting
from engine.records import Json


class RuleModel(BaseEstimator):
    """Rules as an estimator.  A row that no rule answers gets the most frequent class, or the median, of training.

    rules: [{"when": condition, "then": label or number}, …, {"otherwise": label or number}].  A class is given with
    probability 1: the rule says what to do, not how sure it is.
    """

    def __init__(self, rules: list[dict[str, Json]], task: str, labels: list[str]) -> None:
        self.rules = rules
        self.task = task
        self.labels = labels

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> RuleModel:
        if self.task == "regression":
            self.fallback_ = float(np.median(y))
        else:
            self.fallback_ = int(np.bincount(y, minlength=len(self.labels)).argmax())
        self.classes_ = np.arange(len(self.labels))
        return self

    def _answers(self, X: pd.DataFrame) -> np.ndarray:
        from engine.data.rules import evaluate

        answers = np.asarray(evaluate(self.rules, X), dtype=object)  # None where no rule answers
        if self.task == "regression":
            return np.array([self.fallback_ if a is None else float(a) for a in answers])
        code = {label: k for k, label in enumerate(self.labels)}
        return np.array([self.fallback_ if a is None else code[str(a)] for a in answers], dtype=int)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self._answers(X)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """(n, K) of 0 and 1."""
        return np.eye(len(self.labels))[self._answers(X)]


def rule_model(setting: Setting) -> Any:
    return RuleModel(list(setting.settings["rules"]), setting.task, list(setting.labels))
