"""The rule an experienced person would use, run on a table and scored like any model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from engine.data.conditions import Condition, matching, read_rules, validate_condition
from engine.data.splitting import lockbox_and_plan
from engine.data.table import load
from engine.errors import DataProblem, InvalidAnswer
from engine.records import Json, Progress
from engine.trials import Context

CHUNK = 50_000  # rows in memory as Python objects at a time
SURE = 0.999  # what a rule's class is given; it says yes or no, and nothing about how often it is right


class RuleSet:
    """Conditions over a table's columns, tried in order; the first that is true decides a row."""

    def __init__(self, rules: Sequence[dict[str, Json]], columns: Sequence[str]) -> None:
        """rules: as `conditions.read_rules` gives them.  Raises DataProblem when one does not fit the columns."""
        self.rules = [rule for rule in rules if "when" in rule]
        last = [rule["otherwise"] for rule in rules if "otherwise" in rule]
        self.otherwise: Json = last[0] if last else None
        try:
            self.conditions: list[Condition] = [validate_condition(r.get("when"), columns) for r in self.rules]
        except InvalidAnswer as problem:
            raise DataProblem(f"The rule does not fit this table: {problem}") from None

    @property
    def columns(self) -> list[str]:
        """The columns that the conditions read."""
        return list(dict.fromkeys(name for condition in self.conditions for name in condition.columns))

    def first_match(self, frame: pd.DataFrame) -> np.ndarray:
        """Which condition decides each row: int (n,), the number of conditions where none does.

        Numbers compare as numbers, everything else as the text of the file; dates as 2026-11-20, with the time behind
        if there is one; missing is NULL.  Raises DataProblem when a condition runs away.
        """
        decided = np.full(len(frame), len(self.conditions))
        for start in range(0, len(frame), CHUNK):
            part = frame.iloc[start : start + CHUNK]
            for place in reversed(range(len(self.conditions))):
                condition = self.conditions[place]
                affinities = {name: _affinity(part[name]) for name in condition.columns}
                cells = list(zip(*(_cells(part[name]) for name in condition.columns), strict=True))
                try:
                    hits = matching(condition, affinities, cells or [()] * len(part), list(frame.columns))
                except InvalidAnswer as problem:
                    raise DataProblem(f"Rule {place + 1} failed: {problem}") from None
                decided[start + np.array(hits, dtype=int)] = place  # earlier ones are written last, and win
        return decided


def _affinity(column: pd.Series) -> str:
    return "REAL" if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) else "TEXT"


def _cells(column: pd.Series) -> list[float | str | None]:
    if pd.api.types.is_datetime64_any_dtype(column):
        text = column.astype("string").str.replace(r" 00:00:00(?:\.0+)?$", "", regex=True)
        return [None if pd.isna(value) else str(value) for value in text]
    if _affinity(column) == "REAL":
        return [None if np.isnan(value) else float(value) for value in column.to_numpy(dtype=float, na_value=np.nan)]
    return [None if pd.isna(value) else str(value) for value in column]


def evaluate(rules: Sequence[dict[str, Json]], frame: pd.DataFrame) -> np.ndarray:
    """What follows for each row: object (n,), None where no rule decides and there is no `otherwise`.

    Raises DataProblem when a rule does not fit the columns of the frame.
    """
    found = RuleSet(rules, list(frame.columns))
    follows = np.empty(len(found.rules) + 1, dtype=object)
    follows[:] = [*(rule.get("then") for rule in found.rules), found.otherwise]
    return follows[found.first_match(frame)]


def check_rule(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """The trial `rule`.  params: {"recipe", "rules": [{"when", "then"}, …, {"otherwise"}]}.

    Returns {"ok", "rules" (as they will be kept), "matches" (development rows that each rule decides), "otherwise",
    "rows"}.  Raises DataProblem when a rule cannot be read: what, where, and which columns there are.
    """
    recipe = params["recipe"]
    table = load(ctx.source(), recipe)
    try:
        rules = read_rules(
            params["rules"],
            {name: recipe["types"].get(name, "") for name in table.frame.columns},
            task=recipe["task"],
            labels=table.labels or (),
            positive=recipe.get("positive"),
        )
    except InvalidAnswer as problem:
        raise DataProblem(str(problem)) from None
    frame = table.frame
    if recipe.get("split"):
        frame = frame.iloc[lockbox_and_plan(table, recipe).dev]
    ctx.report(Progress(0, 1, "rule"))
    found = RuleSet(rules, list(frame.columns))
    counts = np.bincount(found.first_match(frame), minlength=len(found.rules) + 1)
    ctx.report(Progress(1, 1, "rule"))
    return {
        "ok": True,
        "rules": rules,
        "matches": [int(k) for k in counts[:-1]],
        "otherwise": int(counts[-1]),
        "rows": len(frame),
    }


class RuleClassifier(ClassifierMixin, BaseEstimator):
    """A rule as a classifier: nothing in it is learnt, save the commonest class where nothing else says what follows.

    rules: [{"when", "then"}, …, {"otherwise"}]; labels: the classes, of which y holds the codes (without them y holds
    the classes themselves); positive: what a rule without `then` means (of two labels the second).  Rows that no rule
    decides get `otherwise`; without it, of two classes the one no rule names, else the commonest of the training part.
    """

    def __init__(
        self, rules: list[dict[str, Json]], labels: list[str] | None = None, positive: str | None = None
    ) -> None:
        self.rules = rules
        self.labels = labels
        self.positive = positive

    def fit(self, X: pd.DataFrame, y: Any) -> RuleClassifier:
        """X: (n, columns) as loaded, unprepared; y: (n,).  Raises DataProblem when the rule does not fit them."""
        y = np.asarray(y)
        self.classes_ = np.unique(y) if self.labels is None else np.arange(len(self.labels))
        names = [_text(c) for c in self.classes_] if self.labels is None else list(self.labels)
        self.shares_ = np.array([(y == c).mean() for c in self.classes_])
        ruleset = RuleSet(self.rules, list(X.columns))
        positive = self.positive if self.positive is not None else names[-1] if len(names) == 2 else None
        thens = [_place(rule.get("then", positive), names) for rule in ruleset.rules]
        if ruleset.otherwise is not None:
            last = _place(ruleset.otherwise, names)
        elif len(names) == 2 and len(set(thens)) == 1:
            last = 1 - thens[0]
        else:
            last = int(self.shares_.argmax())
        self.follows_ = np.array([*thens, last])
        self.feature_names_in_ = np.array(list(X.columns), dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """(n,), in the terms of the y that `fit` was given."""
        return self.classes_[self._places(X)]

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """(n, classes): 0.999 for the rule's class, the rest shared equally: no probability, so that its log
        loss says how often it is wrong, and not how well it knows."""
        places, k = self._places(X), len(self.classes_)
        if k == 1:
            return np.ones((len(places), 1))
        shares = np.full((len(places), k), (1 - SURE) / (k - 1))
        shares[np.arange(len(places)), places] = SURE
        return shares

    def _places(self, X: pd.DataFrame) -> np.ndarray:
        return self.follows_[RuleSet(self.rules, list(X.columns)).first_match(X)]


class RuleRegressor(RegressorMixin, BaseEstimator):
    """A rule as a regressor: every `then` is a number; rows that no rule decides get `otherwise`,
    else the training median.
    """

    def __init__(self, rules: list[dict[str, Json]]) -> None:
        self.rules = rules

    def fit(self, X: pd.DataFrame, y: Any) -> RuleRegressor:
        """X: (n, columns) as loaded; y: (n,) numbers.  Raises DataProblem when the rule does not fit them."""
        ruleset = RuleSet(self.rules, list(X.columns))
        last = float(np.median(np.asarray(y, dtype=float))) if ruleset.otherwise is None else ruleset.otherwise
        self.follows_ = np.array([_number(value) for value in [*(r.get("then") for r in ruleset.rules), last]])
        self.feature_names_in_ = np.array(list(X.columns), dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """(n,) float64, in the target's unit."""
        return self.follows_[RuleSet(self.rules, list(X.columns)).first_match(X)]


def _text(value: object) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _place(label: Json, names: list[str]) -> int:
    if label is None or _text(label) not in names:
        given = "A rule does not say which class follows" if label is None else f"{label} is no class of the target"
        raise DataProblem(f"{given}; the classes are: {', '.join(names)}.")
    return names.index(_text(label))


def _number(value: Json) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise DataProblem(f"The target is a number, so what follows from a rule must be one; {value!r} is not.")
    return number
