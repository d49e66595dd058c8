"""From a recipe and a model's way of preparing to a fitted table of numbers.

What is done to which columns is plain data (`blocks`): it depends on the recipe and on the training part only, so
every learned step is refitted in each fold by construction.  `assemble` turns it into a scikit-learn ColumnTransformer.
Decision catalogue, 4.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from engine.models.catalogue import Prepare
from engine.records import Json

PLAIN: dict[str, Any] = {
    "numbers": {"impute": "median", "indicator": True, "scale": "standard"},
    "categories": {"encode": "onehot", "rare": 10},
    "dates": {"encode": "parts"},
    "text": {"encode": "strings"},
}
MANY_LEVELS = 40  # above this a category is encoded in the recipe's way for many levels; up to it, one-hot
NATIVE_LEVELS = 255  # what histogram boosting can hold; rarer levels beyond it share one code
MISSING_SHARE = 0.01


@dataclass(frozen=True)
class Block:
    """Some columns and what is done to them, as data.  what: the keys of `_BUILD`."""

    name: str
    columns: tuple[str, ...]
    what: str
    options: Mapping[str, Json] = field(default_factory=dict)


def blocks(recipe: Mapping[str, Json], style: Prepare, frame: pd.DataFrame) -> list[Block]:
    """What to do with which columns.

    frame: the training part.  Its rows decide, afresh in each fold, which columns have too many levels for one-hot and
    which are empty often enough (1 %) to get a column that says so; for a category, being empty is a level of its own.
    """
    if style == "none":
        return []
    prepare = {key: {**PLAIN[key], **(recipe.get("prepare") or {}).get(key, {})} for key in PLAIN}
    of: dict[str, list[str]] = {"number": [], "category": [], "yes_no": [], "date": [], "text": []}
    for column in frame.columns:
        of[recipe["types"][column]].append(column)
    few, many = _by_levels(of, prepare["categories"], frame)
    words = prepare["text"]["encode"] == "tfidf" and style == "linear"  # thousands of sparse columns suit a line only
    text = Block("text", tuple(of["text"]), "words" if words else "strings", {"scale": style != "native"})
    if style in ("native", "tree"):
        made = [
            Block("codes", tuple(of["category"]), "codes", {"most": NATIVE_LEVELS}),
            Block("numbers", tuple(of["number"]), "as_is"),
            Block("yes_no", tuple(of["yes_no"]), "yes_no"),
            Block("dates", tuple(of["date"]), "date"),
            text,
        ]
        if style == "tree":
            onehot = Block("onehot", tuple(few), "onehot", {"rare": prepare["categories"]["rare"]})
            made[0:1] = [onehot, Block("codes", tuple(many), "codes", {"most": NATIVE_LEVELS})]
    else:
        scale = {"scale": prepare["numbers"]["scale"], "impute": prepare["numbers"]["impute"]}
        if style == "net" and scale["scale"] == "standard":
            scale["scale"] = "squash"
        made = [
            Block("numbers", tuple(of["number"]), "scaled", scale),
            Block("dates", tuple(of["date"]), "scaled_date", scale),
            Block("yes_no", tuple(of["yes_no"]), "yes_no"),
            Block("onehot", tuple(few), "onehot", {"rare": prepare["categories"]["rare"]}),
            Block("levels", tuple(many), prepare["categories"]["encode"], scale),
            text,
        ]
        if prepare["numbers"]["indicator"]:
            empty = frame.isna().mean().to_dict()
            flagged = [c for c in of["number"] + of["date"] + of["yes_no"] if empty[c] >= MISSING_SHARE]
            made.append(Block("missing", tuple(flagged), "missing"))
    return [block for block in made if block.columns]


def _by_levels(
    of: dict[str, list[str]], categories: Mapping[str, Json], frame: pd.DataFrame
) -> tuple[list[str], list[str]]:
    """Category columns for one-hot, and those with too many levels for it when the recipe has another way for them."""
    few: list[str] = []
    many: list[str] = []
    for column in list(of["yes_no"]):
        if len(frame[column].dropna().unique()) > 2:  # called yes/no by a person, but it is not
            of["yes_no"].remove(column)
            few.append(column)
    for column in of["category"]:
        wide = categories["encode"] != "onehot" and len(frame[column].dropna().unique()) > MANY_LEVELS
        (many if wide else few).append(column)
    return few, many


def assemble(made: Sequence[Block], style: Prepare, task: str, seed: int, target_folds: Any = 5) -> Any:
    """The unfitted ColumnTransformer for these blocks; None when the model takes the columns as they are.

    target_folds: what target encoding is cross-fitted with, a number of folds or (train, test) positions.
    """
    if style == "none":
        return None
    from sklearn.compose import ColumnTransformer

    situation = {"task": task, "seed": seed, "target_folds": target_folds, "dense": style != "linear"}
    steps = [(b.name, _BUILD[b.what](dict(b.options), situation), list(b.columns)) for b in made]
    return ColumnTransformer(steps, sparse_threshold=0.0 if style != "linear" else 0.3)


def _scaler(options: Mapping[str, Json]) -> Any:
    if options.get("scale") == "squash":
        from skrub import SquashingScaler

        return SquashingScaler()
    if options.get("scale") == "none":
        return "passthrough"
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


def _scaled(options: Mapping[str, Json], situation: Mapping[str, Any], *first: tuple[str, Any]) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline

    # A column without a single value in this training part becomes 0 rather than vanishing, so that folds stay alike.
    impute = SimpleImputer(strategy=options.get("impute", "median"), keep_empty_features=True)
    return Pipeline([*first, ("impute", impute), ("scale", _scaler(options))])


def _onehot(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        min_frequency=options["rare"],
        handle_unknown="infrequent_if_exist",
        sparse_output=not situation["dense"],
    )


def _codes(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=options["most"],
    )


def _target(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import TargetEncoder

    kind: Any = {"regression": "continuous"}.get(situation["task"], situation["task"])
    folds: Any = situation["target_folds"]
    if isinstance(folds, int):
        shuffled = KFold if kind == "continuous" else StratifiedKFold
        folds = shuffled(folds, shuffle=True, random_state=situation["seed"])
    return Pipeline([("encode", TargetEncoder(target_type=kind, cv=folds)), ("scale", _scaler(options))])


def _each(kind: str) -> Any:
    def build(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
        from engine.models.columns import EachColumn

        return EachColumn(kind, seed=situation["seed"])

    return build


def _own(name: str) -> Any:
    def build(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
        from engine.models import columns

        return getattr(columns, name)(**options)

    return build


_BUILD: dict[str, Any] = {
    "as_is": lambda options, situation: "passthrough",
    "scaled": _scaled,
    "scaled_date": lambda options, situation: _scaled(options, situation, ("parts", _each("date")({}, situation))),
    "date": _each("date"),
    "strings": _each("strings"),
    "words": _each("words"),
    "yes_no": _own("YesNo"),
    "missing": _own("MissingFlags"),
    "onehot": _onehot,
    "target": _target,
    "codes": _codes,
}


def target_folds(groups: np.ndarray | None, times: np.ndarray | None, folds: int = 5) -> Any:
    """The folds that target encoding is cross-fitted with: whole groups, blocks of time, else just their number.

    groups, times: (n,) of the training part.  Returns folds, or a list of (train, test) positions that cover every row.
    """
    from sklearn.model_selection import GroupKFold, KFold

    if groups is not None:
        k = min(folds, len(pd.unique(groups)))
        if k >= 2:
            return list(GroupKFold(k).split(groups, groups=groups))
    if times is not None:
        order = np.argsort(times, kind="stable")
        return [(order[train], order[test]) for train, test in KFold(folds).split(order)]
    return folds


def categorical_positions(prepare: Any) -> tuple[int, ...]:
    """Positions, after preparation, of the columns that hold category codes."""
    at = prepare.output_indices_.get("codes", slice(0, 0))
    return tuple(range(at.start, at.stop))


def feature_names(prepare: Any) -> list[str]:
    """A readable name for each column after preparation: "tenure", "Contract = Two year", "age is missing"."""
    names: list[str] = []
    for name, step, columns in prepare.transformers_:
        if name == "remainder" or len(columns) == 0:
            continue
        names += _named(step, list(columns))
    return names


def _named(step: Any, columns: list[str]) -> list[str]:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    if isinstance(step, OneHotEncoder):
        rare = step.infrequent_categories_ if hasattr(step, "infrequent_categories_") else [None] * len(columns)
        return [
            f"{column} = {'(missing)' if level is None else level}"
            for column, levels, few in zip(columns, step.categories_, rare, strict=True)
            for level in [*_kept(levels, few), *(["(rare)"] if few is not None and len(few) else [])]
        ]
    if isinstance(step, Pipeline):
        inner = step.steps[0][1]
        if hasattr(inner, "names_"):
            return [str(n) for n in inner.get_feature_names_out()]
        if hasattr(inner, "encodings_"):
            classes = getattr(inner, "classes_", None)
            if classes is None or len(classes) <= 2:
                return list(columns)
            return [f"{column} (class {k})" for column in columns for k in range(len(classes))]
        return list(columns)
    own = type(step).__module__.startswith("engine.")
    return [str(n) for n in step.get_feature_names_out()] if own else list(columns)


def _kept(levels: Any, rare: Any) -> list[Any]:
    dropped = set() if rare is None else set(rare)
    return [level for level in levels if level not in dropped]
