"""The steps that a preparation is put together from: each a scikit-learn transformer for one block of columns.

A builder takes the block's options, which are plain data, and the situation: task, seed, target_folds (what target
encoding is cross-fitted with), dense (the model takes no sparse columns).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.records import Json


def _scaler(options: Mapping[str, Json]) -> Any:
    if options.get("scale") == "squash":
        from skrub import SquashingScaler

        return SquashingScaler()
    if options.get("scale") == "none":
        return "passthrough"
    if options.get("scale") == "robust":
        from engine.models.columns import Robust

        return Robust()
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


def _imputer(options: Mapping[str, Json]) -> Any:
    from sklearn.impute import SimpleImputer

    # A column without a single value in this training part becomes 0 rather than vanishing, so that folds stay alike.
    return SimpleImputer(strategy=options.get("impute", "median"), keep_empty_features=True)


def _scaled(options: Mapping[str, Json], situation: Mapping[str, Any], *first: tuple[str, Any]) -> Any:
    from sklearn.pipeline import Pipeline

    from engine.models.columns import Capped, Power

    steps = [*first]
    if options.get("clip"):
        steps.append(("clip", Capped(float(options["clip"]))))
    steps.append(("impute", _imputer(options)))
    if options.get("skew") == "power":
        steps.append(("power", Power()))
    return Pipeline([*steps, ("scale", _scaler(options))])


def _after(kind: str) -> Any:
    """Columns made by an encoder of ours, then filled and scaled."""

    def build(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
        return _scaled(options, situation, ("parts", _each(kind)({}, situation)))

    return build


def _bins(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import KBinsDiscretizer

    encode: Any = "onehot-dense" if situation["dense"] else "onehot"
    cut = KBinsDiscretizer(int(options["bins"]), encode=encode, strategy="quantile", random_state=situation["seed"])
    return Pipeline([("impute", _imputer(options)), ("bins", cut)])


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
        min_frequency=options.get("rare"),
        max_categories=options.get("most"),
    )


def _embed_codes(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    """Codes from 0 on for a network to embed; -1 for a level never seen and for none."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=-1,
        encoded_missing_value=-1,
        min_frequency=options.get("rare"),
    )


def _tokens(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from engine.models.networks.tokens import Tokens

    return Tokens()


def _ordered(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    """Levels as 0, 1, 2 … in the order that was typed; one that was not, and an empty cell, is missing."""
    from sklearn.preprocessing import OrdinalEncoder

    levels: Any = [np.array(column, dtype=object) for column in options["levels"]]
    return OrdinalEncoder(
        categories=levels,
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )


def _scaled_ordered(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    return _scaled(options, situation, ("order", _ordered(options, situation)))


def _ordinal(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    """Levels as numbers in the order of the alphabet: short, and with no meaning but by chance."""
    return _scaled(options, situation, ("codes", _codes({}, situation)))


def _target(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import TargetEncoder

    kind: Any = {"regression": "continuous", "forecast": "continuous"}.get(situation["task"], situation["task"])
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


def _vocabulary(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from engine.models.texts import Vocabulary

    return Vocabulary(list(options["kinds"]), options["dimensions"], situation["seed"])


def _pixels(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from engine.models.pixels import Pixels

    return Pixels(options.get("side"), options.get("components") or 0, situation["seed"])


def _window(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
    from engine.models.window import OnOwnScale

    return OnOwnScale(list(options["kinds"]), int(options["horizon"]))


def _own(name: str) -> Any:
    def build(options: Mapping[str, Json], situation: Mapping[str, Any]) -> Any:
        from engine.models import columns

        return getattr(columns, name)(**options)

    return build


BUILD: dict[str, Any] = {
    "as_is": lambda options, situation: "passthrough",
    "scaled": _scaled,
    "bins": _bins,
    "date": _each("date"),
    "elapsed": _each("elapsed"),
    "scaled_date": _after("date"),
    "scaled_cycles": _after("cycles"),
    "scaled_elapsed": _after("elapsed"),
    "strings": _each("strings"),
    "vocabulary": _vocabulary,
    "pixels": _pixels,
    "window": _window,
    "yes_no": _own("YesNo"),
    "missing": _own("MissingFlags"),
    "zeros": _own("Zeros"),
    "onehot": _onehot,
    "ordered": _ordered,
    "scaled_ordered": _scaled_ordered,
    "ordinal": _ordinal,
    "target": _target,
    "codes": _codes,
    "embed_codes": _embed_codes,
    "tokens": _tokens,
}
