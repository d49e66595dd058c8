"""An expert's rule as code: its conditions as SQL, and what follows from each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.data.conditions import _divided
from engine.data.rules import SURE, RuleSet, _number, _place
from engine.records import Json

RULES = f'''from sklearn.base import BaseEstimator


class Rules(BaseEstimator):
    """The first condition that is true decides a row; where none is, `otherwise` says what follows, or else the
    commonest class, or the median, of the rows that it learns from."""

    def __init__(self, conditions: list[str], follows: list, otherwise: Any = None, classes: int = 0) -> None:
        self.conditions = conditions
        self.follows = follows
        self.otherwise = otherwise
        self.classes = classes

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Rules:
        usual = np.bincount(y).argmax() if self.classes else float(np.median(y))
        self.classes_ = np.arange(self.classes)
        self.follows_ = np.array([*self.follows, usual if self.otherwise is None else self.otherwise])
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        place = np.full(len(X), len(self.conditions))
        for k in reversed(range(len(self.conditions))):  # earlier ones are written last, and win
            place[sql(X, self.conditions[k]).eq(1).to_numpy()] = k
        return self.follows_[place]

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """{SURE} for the class that follows, the rest shared equally: a rule says nothing about how sure it is."""
        shares = np.full((len(X), self.classes), {1 - SURE!r} / max(1, self.classes - 1))
        shares[np.arange(len(X)), self.predict(X)] = {SURE}
        return shares
'''


def rule(rules: Sequence[dict[str, Json]], columns: Mapping[str, str], labels: Sequence[str]) -> str:
    """The expression that makes it.  columns: name to type.  Raises DataProblem for a rule that does not fit them."""
    found = RuleSet(rules, list(columns))
    conditions = [_divided(condition.text) for condition in found.conditions]
    if not labels:
        follows = [_number(one.get("then")) for one in found.rules]
        last: Any = None if found.otherwise is None else _number(found.otherwise)
        return f"Rules({conditions!r}, {follows!r}, {last!r})"
    names, positive = list(labels), labels[-1] if len(labels) == 2 else None
    places = [_place(one.get("then", positive), names) for one in found.rules]
    last = None
    if found.otherwise is not None:
        last = _place(found.otherwise, names)
    elif len(names) == 2 and len(set(places)) == 1:
        last = 1 - places[0]
    return f"Rules({conditions!r}, {places!r}, {last!r}, classes=len(LABELS))"
