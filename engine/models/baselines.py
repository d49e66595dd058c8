"""Models that look at the target only: the floor that everything else must clear (decision catalogue, 4.4)."""

from __future__ import annotations

from typing import Any

from engine.models.setting import Setting


def dummy_classifier(setting: Setting) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy=setting.settings["strategy"], random_state=setting.seed)


def dummy_regressor(setting: Setting) -> Any:
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy=setting.settings["strategy"])
