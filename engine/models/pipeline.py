"""From a recipe and a model's way of preparing to a fitted table of numbers.

What is done to which columns is plain data (`blocks`): it depends on the recipe and on the training part only, so
every learned step is refitted in each fold by construction.  `assemble` turns it into a scikit-learn ColumnTransformer,
of the steps in `engine.models.steps`.  Decision catalogue, 4.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from engine.data.pixels import as_drawn
from engine.models.catalogue import Prepare
from engine.models.steps import BUILD as _BUILD
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
BINS = 5
COMPONENTS = 50  # of pictures, where distances are measured
WINDOW = ("step", "change", "lag", "level", "slope")  # types of what a forecast looks back on (engine.data.series.rows)
FOR_NETS = ("net", "terms", "tokens", "picture", "embed")
SPARSE = ("linear", "terms")
REDUCED, NEAR = 100, 50  # numbers made of one column's thousands of terms; where distances count, and take 100 in all


@dataclass(frozen=True)
class Block:
    """Some columns and what is done to them, as data.  what: the keys of `steps.BUILD`."""

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
    window = _window(recipe, frame)
    for column in frame.columns:
        if not window or column not in window[0].columns:
            of[recipe["types"][column]].append(column)
    pixels = _pixels(recipe, style, of)
    if prepare["dates"]["encode"] == "drop":
        of["date"] = []
    levels = prepare["categories"].get("ordered") or {}
    ordered = [column for column in of["category"] + of["yes_no"] if column in levels]
    for kind in ("category", "yes_no"):
        of[kind] = [column for column in of[kind] if column not in levels]
    in_order = Block("ordered", tuple(ordered), "ordered", {"levels": [list(levels[column]) for column in ordered]})
    arranged = _for_trees if style in ("native", "tree") else _for_lines
    made = [
        *window,
        *pixels,
        *arranged(prepare, style, frame, of, in_order),
        *_texts(prepare["text"]["encode"], style, of["text"]),
    ]
    made.sort(key=lambda block: block.name == "missing")  # where it always stood: behind all others
    return [block for block in made if block.columns]


def _pixels(recipe: Mapping[str, Json], style: Prepare, of: dict[str, list[str]]) -> list[Block]:
    """The pixels of a picture, taken out of the numbers: 0 … 1 for every model, 50 principal components where distances
    are measured."""
    if recipe.get("material") != "image":
        return []
    columns, of["number"] = tuple(as_drawn(of["number"])), []
    side = ((recipe.get("prepare") or {}).get("images") or {}).get("side")
    return [Block("pixels", columns, "pixels", {"side": side, "components": COMPONENTS if style == "dense" else 0})]


def _window(recipe: Mapping[str, Json], frame: pd.DataFrame) -> list[Block]:
    """Of a forecast, the columns that come from the series itself; first of all, so that a model's answers can be put
    back on the scale of their row."""
    columns = [column for column in frame.columns if recipe["types"][column] in WINDOW]
    kinds = [recipe["types"][column] for column in columns]
    if not columns:
        return []
    return [Block("window", tuple(columns), "window", {"kinds": kinds, "horizon": recipe["series"]["horizon"]})]


def _for_trees(
    prepare: Mapping[str, Any], style: Prepare, frame: pd.DataFrame, of: dict[str, list[str]], in_order: Block
) -> list[Block]:
    """Nothing filled and nothing scaled: trees see what is missing, and only the order of numbers counts for them."""
    few, many = _by_levels(of, prepare["categories"], frame)
    rare = prepare["categories"]["rare"]
    most = {"most": NATIVE_LEVELS}
    if rare and rare > PLAIN["categories"]["rare"]:  # up to it boosting copes by itself: its leaves hold 20 rows
        most["rare"] = rare
    if style == "tree":
        made = [Block("onehot", tuple(few), "onehot", {"rare": rare}), Block("codes", tuple(many), "codes", most)]
    else:
        more = [column for column in few if column not in of["category"]]  # said to be yes or no, with a third value
        in_rank = many if prepare["categories"]["encode"] == "ordinal" else []  # numbers, and no longer codes to it
        codes = [column for column in (*of["category"], *more) if column not in in_rank]
        made = [Block("codes", tuple(codes), "codes", most), Block("ranks", tuple(in_rank), "codes", {})]
    elapsed = prepare["dates"]["encode"] == "elapsed"
    empty = [c for c in (*of["number"], *of["date"], *in_order.columns) if frame[c].isna().to_numpy().all()]
    numbers, dates = ([c for c in of[kind] if c not in empty] for kind in ("number", "date"))
    if in_order.columns and set(in_order.columns) & set(empty):
        left = [i for i, column in enumerate(in_order.columns) if column not in empty]
        levels = [in_order.options["levels"][i] for i in left]
        in_order = Block("ordered", tuple(in_order.columns[i] for i in left), "ordered", {"levels": levels})
    return [
        *made,
        Block("numbers", tuple(numbers), "as_is"),
        in_order,
        Block("yes_no", tuple(of["yes_no"]), "yes_no"),
        Block("dates", tuple(dates), "elapsed" if elapsed else "date"),  # cycles are for lines: a tree cuts parts
        Block("empty", tuple(empty), "zeros"),  # boosting cannot bin a column without any value
    ]


def _for_lines(
    prepare: Mapping[str, Any], style: Prepare, frame: pd.DataFrame, of: dict[str, list[str]], in_order: Block
) -> list[Block]:
    """Filled and scaled, categories one-hot: for straight lines, distances and networks."""
    few, many = _by_levels(of, prepare["categories"], frame)
    numbers, encode = prepare["numbers"], prepare["categories"]["encode"]
    scale = {"scale": numbers["scale"], "impute": numbers["impute"]}
    if style in FOR_NETS and scale["scale"] in ("standard", "robust"):
        scale["scale"] = "squash"  # robust in the middle, and bent at the ends: one far-out value throws no network off
    shaped = {key: numbers[key] for key in ("skew", "clip") if numbers.get(key) not in (None, "none")}
    binned = [column for column in of["number"] if column in (numbers.get("bins") or ())]
    made = [
        Block("numbers", tuple(of["number"]), "scaled", {**scale, **shaped}),
        Block("bins", tuple(binned), "bins", {"bins": BINS, "impute": numbers["impute"]}),
        Block("dates", tuple(of["date"]), _DATES.get(prepare["dates"]["encode"], "scaled_date"), scale),
        Block("ordered", in_order.columns, "scaled_ordered", {**in_order.options, **scale}),
        Block("yes_no", tuple(of["yes_no"]), "yes_no"),
        Block("onehot", tuple(few), "onehot", {"rare": prepare["categories"]["rare"]}),
        Block("levels", tuple(many), encode, scale),
    ]
    if style == "embed":  # a network learns a place for each level
        codes = Block("codes", (*few, *many), "embed_codes", {"rare": prepare["categories"]["rare"]})
        made = [*(block for block in made if block.name not in ("onehot", "levels")), codes]
    if numbers["indicator"]:
        empty = frame.isna().mean().to_dict()
        asked = [*of["number"], *of["date"], *of["yes_no"], *in_order.columns]
        made.append(Block("missing", tuple(c for c in asked if empty[c] >= MISSING_SHARE), "missing"))
    return made


_DATES = {"parts": "scaled_date", "cycles": "scaled_cycles", "elapsed": "scaled_elapsed"}
_VOCABULARIES = {"words": ["words"], "letters": ["letters"], "both": ["words", "letters"]}


def _texts(encode: str, style: Prepare, columns: list[str]) -> list[Block]:
    """Thousands of sparse columns suit a line only; the others get a few dozen numbers made from them."""
    if style == "tokens":
        return [Block("tokens", tuple(columns), "tokens")]
    if style == "terms":
        kinds = _VOCABULARIES.get(encode, ["words"])
        return [Block("text", tuple(columns), "vocabulary", {"kinds": kinds, "dimensions": None})]
    if encode == "tfidf":  # as the first sessions wrote it
        encode = "words" if style == "linear" else "strings"
    if encode in _VOCABULARIES:
        most = {"linear": None, "dense": NEAR}.get(style, REDUCED)
        options = {"kinds": _VOCABULARIES[encode], "dimensions": most}
        return [Block("text", tuple(columns), "vocabulary", options)]
    return [Block("text", tuple(columns), "strings", {"scale": style != "native"})]


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


def assemble(
    made: Sequence[Block], style: Prepare, task: str, seed: int, target_folds: Any = 5, select: int | None = None
) -> Any:
    """The unfitted ColumnTransformer for these blocks; None when the model takes the columns as they are.

    target_folds: what target encoding is cross-fitted with, a number of folds or (train, test) positions.
    select: how many of the made columns are kept; a Pipeline then, whose first step is the ColumnTransformer.
    """
    if style == "none":
        return None
    from sklearn.compose import ColumnTransformer

    situation = {"task": task, "seed": seed, "target_folds": target_folds, "dense": style not in SPARSE}
    steps = [(b.name, _BUILD[b.what](dict(b.options), situation), list(b.columns)) for b in made]
    columns = ColumnTransformer(steps, sparse_threshold=0.3 if style in SPARSE else 0.0)
    if not select:
        return columns
    from sklearn.pipeline import Pipeline

    from engine.models.columns import KeepBest

    return Pipeline([("columns", columns), ("select", KeepBest(int(select), task, style in ("native", "tree"), seed))])


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


def parts_of(prepare: Any) -> tuple[Any, np.ndarray | None]:
    """The ColumnTransformer of a preparation, and positions of the columns kept behind it; None where all are."""
    from sklearn.pipeline import Pipeline

    if isinstance(prepare, Pipeline):
        return prepare.steps[0][1], getattr(prepare.steps[1][1], "kept_", None)
    return prepare, None


def categorical_positions(prepare: Any) -> tuple[int, ...]:
    """Positions, after preparation, of the columns that hold category codes."""
    columns, kept = parts_of(prepare)
    at = columns.output_indices_.get("codes", slice(0, 0))
    if kept is None:
        return tuple(range(at.start, at.stop))
    return tuple(i for i, place in enumerate(kept) if at.start <= place < at.stop)


def feature_names(prepare: Any) -> list[str]:
    """A readable name for each column after preparation: "tenure", "Contract = Two year", "age is missing"."""
    return [name for _, name in features(prepare)]


def features(prepare: Any) -> list[tuple[str, str]]:
    """For each column after preparation the input that it was made from, and its name."""
    made, kept = parts_of(prepare)
    found: list[tuple[str, str]] = []
    for name, step, columns in made.transformers_:
        if name != "remainder" and len(columns):
            found += _named(step, list(columns))
    return found if kept is None else [found[place] for place in kept]


def _named(step: Any, columns: list[str]) -> list[tuple[str, str]]:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

    if isinstance(step, OneHotEncoder):
        rare = step.infrequent_categories_ if hasattr(step, "infrequent_categories_") else [None] * len(columns)
        return [
            (column, f"{column} = {'(missing)' if level is None else level}")
            for column, levels, few in zip(columns, step.categories_, rare, strict=True)
            for level in [*_kept(levels, few), *(["(rare)"] if few is not None and len(few) else [])]
        ]
    if isinstance(step, Pipeline):
        if isinstance(step.steps[-1][1], KBinsDiscretizer):
            edges = zip(columns, step.steps[-1][1].bin_edges_, strict=True)
            return [(column, name) for column, cuts in edges for name in _spans(column, cuts[1:-1])]
        inner = step.steps[0][1]
        if hasattr(inner, "sources"):
            step = inner
        classes = getattr(inner, "classes_", None) if hasattr(inner, "encodings_") else None
        if classes is not None and len(classes) > 2:
            return [(column, f"{column} (class {k})") for column in columns for k in range(len(classes))]
    own: Any = step
    if not type(own).__module__.startswith("engine."):
        return [(column, column) for column in columns]
    names = [str(name) for name in own.get_feature_names_out()]
    if hasattr(own, "sources"):
        return [(columns[j], name) for j, name in zip(own.sources(), names, strict=True)]
    return list(zip(columns if len(names) == len(columns) else [""] * len(names), names, strict=True))


def _spans(column: str, cuts: Sequence[float]) -> list[str]:
    """A name for each bin between these inner edges; a value on an edge belongs to the bin above it."""
    said = [f"{cut:.6g}" for cut in cuts]
    if not said:
        return [f"{column} (one bin)"]
    between = [f"{low} ≤ {column} < {high}" for low, high in pairwise(said)]
    return [f"{column} < {said[0]}", *between, f"{column} ≥ {said[-1]}"]


def _kept(levels: Any, rare: Any) -> list[Any]:
    dropped = set() if rare is None else set(rare)
    return [level for level in levels if level not in dropped]
