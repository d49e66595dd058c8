"""What must be beaten: models that look at the target only, and the expert's rule (decision catalogue, 4.4)."""

from __future__ import annotations

from typing import Any

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
