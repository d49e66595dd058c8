"""Why this prediction: what each column did to it, in words.  (Decision catalogue, present.reasons.)

Of a linear model the parts are exact: w·(x − mean), and they sum up to the prediction.  So they are of one tree, along
its path (Saabas, 2014).  Of any other model a column, or a cluster of columns that go together, is replaced by what
stands there in other rows, and the mean change is an approximation, whose fidelity is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from engine.metrics import figure
from engine.models.fitting import Fitted
from engine.models.pipeline import features
from engine.records import Json

BACKGROUND = 50  # rows that a replaced column takes its values from
EXAMINED = 500  # rows that fidelity is measured on
ENOUGH = 0.9  # fidelity from which an approximation may be given as a reason
CLIP = 1e-6  # probabilities are held this far from 0 and 1 before their logit is taken
AT_ONCE = 50_000  # rows predicted in one call
LONGEST = 40  # characters of a value

Method = Literal["exact", "path", "approximation"]


@dataclass(frozen=True)
class Reason:
    """What one column, or one cluster of them, did to a prediction, in the unit of the explanation."""

    columns: tuple[str, ...]
    value: Json
    effect: float
    words: str


@dataclass(frozen=True)
class Explained:
    """One prediction taken apart.  prediction ≈ base + the sum of all effects (`total`); the same where it is exact.

    unit: "log-odds", "probability", or "" for the target's own unit; "log" where the logarithm of it was learned.
    label: the class that it is about; "" for numbers.
    """

    prediction: float
    base: float
    total: float
    unit: str
    label: str
    method: Method
    reasons: tuple[Reason, ...] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Json]:
        return asdict(self)


def reasons(
    fitted: Fitted,
    frame: pd.DataFrame,
    background: pd.DataFrame,
    top: int = 3,
    *,
    clusters: Sequence[Sequence[str]] | None = None,
    codes: np.ndarray | None = None,
    seed: int = 0,
    most: int = BACKGROUND,
) -> list[Explained]:
    """Why the model says what it says of each row of `frame`: the `top` largest effects up, and as many down.

    background: rows of the training part, raw as `frame` is.  clusters: input columns that are replaced together where
    the effects are an approximation; each column alone when missing.  codes: (n,) of the classes to explain; the second
    of two classes, the most probable of several when missing.  most: rows of the background that are used, drawn by
    seed; a line's means cost little, so that all may be taken.
    """
    model, frame = unwrapped(fitted), frame.loc[:, fitted.columns]
    background = _some(background.loc[:, fitted.columns], seed, most)
    about = _classes(model, frame, codes)
    if _is_linear(model):
        return _of_line(model, frame, background, about, top)
    if hasattr(model.estimator, "tree_") and not model.own_scale and model.most is None:
        return _of_tree(model, frame, about, top)
    groups = [list(c) for c in clusters] if clusters is not None else [[c] for c in model.columns]
    said, effects = effects_of(model, frame, background, groups)
    base = _scale(model, model.scores(background)).mean(axis=0)
    found = []
    for i, k in enumerate(about):
        parts = [
            Reason(tuple(group), _value(frame, i, group), float(effects[i, c, k]), "") for c, group in enumerate(groups)
        ]
        found.append(_explained(model, float(said[i, k]), float(base[k]), parts, k, "approximation", top))
    return found


def unwrapped(fitted: Any) -> Fitted:
    """The model that the reasons are of: a tuned or a calibrated one is the model inside it; whoever calibrates moves
    all probabilities the same way, and no row past another."""
    parts = getattr(fitted, "parts", None)
    return unwrapped(parts[0]) if parts is not None and len(parts) == 1 else fitted


def method_of(fitted: Any) -> Method:
    """How its reasons are found."""
    model = unwrapped(fitted)
    if _is_linear(model):
        return "exact"
    return "path" if hasattr(getattr(model, "estimator", None), "tree_") and model.most is None else "approximation"


def fidelity(
    fitted: Fitted,
    frame: pd.DataFrame,
    background: pd.DataFrame,
    clusters: Sequence[Sequence[str]] | None = None,
    *,
    rows: int = EXAMINED,
    seed: int = 0,
) -> float | None:
    """How well the approximate effects tell: Spearman of their sum and the prediction, over `rows` rows (the mean over
    the classes, where there are several).  1 where reasons are exact; None where predictions do not differ."""
    from scipy.stats import spearmanr

    if method_of(fitted) != "approximation":
        return 1.0
    model = unwrapped(fitted)
    rng = np.random.default_rng(seed)
    some = frame if len(frame) <= rows else frame.iloc[np.sort(rng.choice(len(frame), rows, replace=False))]
    groups = [list(c) for c in clusters] if clusters is not None else [[c] for c in model.columns]
    background = _some(background.loc[:, model.columns], seed)
    said, effects = effects_of(model, some.loc[:, model.columns], background, groups)
    total = effects.sum(axis=1)
    found = []
    for k in range(said.shape[1]):
        if np.ptp(said[:, k]) > 0 and np.ptp(total[:, k]) > 0:
            ranked: Any = spearmanr(total[:, k], said[:, k])
            found.append(float(ranked.statistic))
    return float(np.mean(found)) if found else None


def effects_of(
    fitted: Fitted, frame: pd.DataFrame, background: pd.DataFrame, groups: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """What the model says of each row, and by how much less it says it, on average, with a group of columns replaced.

    Returns (n, k) and (n, groups, k); k is 1 for two classes (log-odds of the second) and for numbers.
    """
    said = _scale(fitted, fitted.scores(frame))
    n, b = len(frame), len(background)
    effects = np.zeros((n, len(groups), said.shape[1]))
    step = max(1, AT_ONCE // b)
    for start in range(0, n, step):
        rows = np.arange(start, min(n, start + step))
        many = frame.iloc[np.repeat(rows, b)].reset_index(drop=True)
        for c, group in enumerate(groups):
            other = many.copy(deep=False)
            for column in group:
                values = background[column].array.take(np.tile(np.arange(b), len(rows)))
                other[column] = pd.Series(values, index=other.index, dtype=background[column].dtype)
            replaced = _scale(fitted, fitted.scores(other)).reshape(len(rows), b, -1)
            effects[rows, c] = said[rows] - replaced.mean(axis=1)
    return said, effects


# --- the three ways --------------------------------------------------------------------------------------------------


def _is_linear(fitted: Any) -> bool:
    model = getattr(fitted, "estimator", None)
    return hasattr(model, "coef_") and fitted.prepare is not None and not fitted.own_scale


def _of_line(
    fitted: Fitted, frame: pd.DataFrame, background: pd.DataFrame, about: np.ndarray, top: int
) -> list[Explained]:
    """w_j·(x_j − mean_j), added up by input column; by word for texts.  Exact: base + effects = prediction."""
    X, mean = _dense(fitted.transform(frame)), _dense(fitted.transform(background)).mean(axis=0)
    weights = np.atleast_2d(np.asarray(fitted.estimator.coef_, dtype=float))
    intercepts = np.atleast_1d(np.asarray(fitted.estimator.intercept_, dtype=float))
    named = features(fitted.prepare)
    texts = set(_texts(frame))
    keys = [name if source in texts or not source else source for source, name in named]
    groups = list(dict.fromkeys(keys))
    place = np.array([groups.index(key) for key in keys])
    source_of = {key: source for key, (source, _) in zip(keys, named, strict=True)}
    cells = _Cells(frame)
    found = []
    for i, k in enumerate(about):
        row = _row_of(fitted, weights, int(k))
        each = weights[row] * (X[i] - mean)
        effects = np.bincount(place, weights=each, minlength=len(groups))
        base = float(weights[row] @ mean + intercepts[row])
        parts = []
        for g in _largest(effects, top):
            group = groups[g]
            whole = group in cells
            value = cells.at(i, group) if whole else group
            parts.append(Reason((source_of[group] or group,), value, float(effects[g]), "" if whole else group))
        prediction = float(weights[row] @ X[i] + intercepts[row])
        found.append(_explained(fitted, prediction, base, parts, int(k), "exact", top, float(effects.sum())))
    return found


def _largest(effects: np.ndarray, top: int) -> list[int]:
    """Places of the `top` largest effects above 0 and of as many below, in their own order."""
    order = np.argsort(effects, kind="stable")
    down = [g for g in order[:top] if effects[g] < 0]
    up = [g for g in order[::-1][:top] if effects[g] > 0]
    return sorted(map(int, {*down, *up}))


class _Cells:
    """The cells of a frame as plain values, each column taken apart once."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame, self.known = frame, {}

    def __contains__(self, column: str) -> bool:
        return column in self.frame.columns

    def at(self, i: int, column: str) -> Json:
        if column not in self.known:
            self.known[column] = self.frame[column].tolist()
        return _plain(self.known[column][i])


def _row_of(fitted: Fitted, weights: np.ndarray, k: int) -> int:
    """The row of coefficients that belongs to a class; there is one only for two classes, and for numbers."""
    if len(weights) == 1:
        return 0
    classes = np.asarray(getattr(fitted.estimator, "classes_", np.arange(len(weights))), dtype=int)
    at = np.flatnonzero(classes == k)
    return int(at[0]) if len(at) else 0


def _of_tree(fitted: Fitted, frame: pd.DataFrame, about: np.ndarray, top: int) -> list[Explained]:
    """How the mean changes from the root to the leaf, test by test; the tests themselves are the words."""
    tree: Any = fitted.estimator.tree_
    X = np.asarray(_dense(fitted.transform(frame)), dtype=np.float32)  # as the tree itself compares
    named = features(fitted.prepare)
    values = tree.value[:, 0, :]
    classes = np.asarray(getattr(fitted.estimator, "classes_", [0]), dtype=int)
    reached = fitted.estimator.decision_path(X)
    cells = _Cells(frame)
    found = []
    for i, k in enumerate(about):
        column = int(np.flatnonzero(classes == k)[0]) if fitted.labels and k in classes else 0
        share = values[:, column] if not fitted.labels else values[:, column] / values.sum(axis=1)
        path = reached.indices[reached.indptr[i] : reached.indptr[i + 1]]
        path = path[np.argsort(path)]  # nodes are numbered on the way down
        effects: dict[str, float] = {}
        tests: dict[str, list[tuple[str, bool, float]]] = {}
        for node, after in pairwise(path):
            source, name = named[tree.feature[node]]
            key = source or name
            effects[key] = effects.get(key, 0.0) + float(share[after] - share[node])
            left = bool(after == tree.children_left[node])
            tests.setdefault(key, []).append((name, left, float(tree.threshold[node])))
        parts = [
            Reason(
                (key,),
                cells.at(i, key) if key in cells else None,
                effect,
                _test_words(tests[key], cells, i, key),
            )
            for key, effect in effects.items()
        ]
        prediction, base = float(share[path[-1]]), float(share[path[0]])
        found.append(_explained(fitted, prediction, base, parts, int(k), "path", top))
    return found


def _test_words(tests: Sequence[tuple[str, bool, float]], cells: _Cells, i: int, column: str) -> str:
    """“12 < tenure ≤ 24” of all tests on one column, or the value where a category was asked about."""
    low = max((cut for name, left, cut in tests if not left and name == column), default=None)
    high = min((cut for name, left, cut in tests if left and name == column), default=None)
    if low is None and high is None:
        return f"{column} = {said_as(cells.at(i, column))}"
    if low is not None and high is not None:
        return f"{figure(low)} < {column} ≤ {figure(high)}"
    return f"{column} > {figure(low)}" if low is not None else f"{column} ≤ {figure(high or 0.0)}"


# --- words -----------------------------------------------------------------------------------------------------------


def _explained(
    fitted: Fitted,
    prediction: float,
    base: float,
    parts: Sequence[Reason],
    k: int,
    method: Method,
    top: int,
    total: float | None = None,
) -> Explained:
    """The largest of the parts, in words.  parts: their words say what stands there, where it is no plain value.
    total: the sum of all effects, where not all of them are among the parts."""
    unit = _unit(fitted, method)
    up = sorted((p for p in parts if p.effect > 0), key=lambda p: -p.effect)[:top]
    down = sorted((p for p in parts if p.effect < 0), key=lambda p: p.effect)[:top]
    made = tuple(replace(p, words=_words(p, unit)) for p in sorted([*up, *down], key=lambda p: -abs(p.effect)))
    label = ""
    if fitted.labels:
        label = fitted.labels[1] if len(fitted.labels) == 2 else fitted.labels[k]
    total = float(sum(p.effect for p in parts)) if total is None else total
    return Explained(prediction, base, total, unit, label, method, made)


def _unit(fitted: Fitted, method: Method) -> str:
    if fitted.labels:
        return "probability" if method == "path" else "log-odds"
    return "log" if fitted.most is not None else ""


def _words(part: Reason, unit: str) -> str:
    """“tenure = 2: odds × 2.3”, “carat = 2.01: +5,120”, “tenure ≤ 12: +21 points”."""
    what, effect = part.words, part.effect
    if not what:
        what = f"{part.columns[0]} = {said_as(part.value)}" if len(part.columns) == 1 else " and ".join(part.columns)
    if unit in ("log-odds", "log"):
        named = "odds " if unit == "log-odds" else ""
        return f"{what}: {named}× {figure(float(np.exp(np.clip(effect, -13, 13))))}"
    sign = "+" if effect > 0 else "−"
    return (
        f"{what}: {sign}{figure(100 * abs(effect))} points"
        if unit == "probability"
        else f"{what}: {sign}{figure(abs(effect))}"
    )


def said_as(value: Json) -> str:
    """A cell as it is said in a reason; a long text is cut."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NaT:
        return "(empty)"
    if isinstance(value, float | np.floating):
        return figure(float(value))
    text = str(value).removesuffix(" 00:00:00")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _value(frame: pd.DataFrame, i: int, columns: Sequence[str]) -> Json:
    """The cell of a row; of several columns a table of them."""
    cells: Mapping[str, Any] = {c: frame[c].iloc[i] for c in columns}
    plain = {c: _plain(v) for c, v in cells.items()}
    return next(iter(plain.values())) if len(plain) == 1 else plain


def _plain(cell: Any) -> Json:
    return None if _empty(cell) else float(cell) if isinstance(cell, np.number | float | int) else str(cell)


def _empty(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def _texts(frame: pd.DataFrame) -> list[str]:
    """Columns whose cells are long texts: their words are named one by one."""
    found = []
    for name in frame.columns:
        cells = [v for v in frame[name].head(200).tolist() if isinstance(v, str)]
        if cells and float(np.median([len(v.split()) for v in cells])) >= 5:
            found.append(name)
    return found


# --- helpers ---------------------------------------------------------------------------------------------------------


def _classes(fitted: Fitted, frame: pd.DataFrame, codes: np.ndarray | None) -> np.ndarray:
    """The class that each explanation is about: 0 where there is one score only."""
    if not fitted.labels:
        return np.zeros(len(frame), dtype=int)
    if len(fitted.labels) == 2:
        return np.full(len(frame), 1 if _has_own_class(fitted) else 0)
    return fitted.scores(frame).argmax(axis=1) if codes is None else np.asarray(codes, dtype=int)


def _has_own_class(fitted: Fitted) -> bool:
    """Whether two classes have a share each (a tree's leaf), rather than one score between them."""
    return hasattr(fitted.estimator, "tree_")


def _scale(fitted: Fitted, scores: np.ndarray) -> np.ndarray:
    """Scores on a scale on which effects add up: (n, k), log-odds for classes, logarithms where those were learned."""
    if not fitted.labels:
        values = np.asarray(scores, dtype=float).reshape(-1, 1)
        return values if fitted.most is None else np.log1p(np.maximum(values, -1 + CLIP))
    p = np.clip(scores[:, 1:] if len(fitted.labels) == 2 else scores, CLIP, 1 - CLIP)
    return np.log(p / (1 - p))


def _some(background: pd.DataFrame, seed: int, most: int = BACKGROUND) -> pd.DataFrame:
    """At most so many rows, drawn evenly by seed."""
    if len(background) <= most:
        return background.reset_index(drop=True)
    chosen = np.sort(np.random.default_rng(seed).choice(len(background), most, replace=False))
    return background.iloc[chosen].reset_index(drop=True)


def _dense(X: Any) -> np.ndarray:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float)
