"""What must be beaten: models that look at the target only, and the expert's rule (decision catalogue, 4.4)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from engine.metrics import cost_matrix
from engine.models.setting import Setting


def dummy_classifier(setting: Setting) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy=setting.settings["strategy"], random_state=setting.seed)


def dummy_regressor(setting: Setting) -> Any:
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy=setting.settings["strategy"], quantile=setting.settings.get("quantile"))


def rule(setting: Setting) -> Any:
    """Nothing is learned but what to say where the rules say nothing."""
    from engine.data.rules import RuleClassifier, RuleRegressor

    rules = list(setting.settings["rules"])
    return RuleClassifier(rules, labels=list(setting.labels)) if setting.classifies else RuleRegressor(rules)


def cheapest(setting: Setting) -> Any:
    return Cheapest(cost_matrix(setting.settings["costs"], list(setting.labels)) or [])


class Cheapest(ClassifierMixin, BaseEstimator):
    """Takes for every row the one action that costs least over the rows it learned from.

    costs: C[actual][said], in the order of the classes.
    """

    def __init__(self, costs: list[list[float]]) -> None:
        self.costs = costs

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """X: (n, columns), not looked at; y: (n,) codes."""
        table = np.asarray(self.costs, dtype=np.float64)
        self.classes_ = np.arange(len(table))
        shares = np.bincount(y, minlength=len(table)) / len(y)
        self.said_ = int(np.argmin(shares @ table))
        self.parameters_ = 1
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes): all on the action it takes."""
        said = np.zeros((len(X), len(self.classes_)))
        said[:, self.said_] = 1.0
        return said
