"""The models there are, each declared once.  Light: building one imports its library, naming one does not.

Settings are the defaults of the decision catalogue, table 4.5.1, written out: a trial records the values themselves,
never "the default".  Tiers follow section 2.8 of the same page.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from engine.errors import UsageProblem
from engine.models.networks.layers import ALWAYS_SAID
from engine.models.networks.spec import LADDERS, NETWORKS, Network, Training
from engine.records import Json

CLASSES = frozenset({"binary", "multiclass"})
NUMBERS = frozenset({"regression"})
FORECAST = frozenset({"forecast"})
ALL = CLASSES | NUMBERS
EVERY = ALL | FORECAST

Prepare = Literal["none", "linear", "dense", "tree", "native", "net", "terms", "tokens", "picture", "embed"]
"""How the columns reach the model: none = as they are; linear = imputed, scaled, one-hot; dense = the same, never
sparse; net = dense, with numbers squashed, so that one far-out value cannot throw a network off; tree = missing left
in, one-hot; native = missing left in, categories as codes that the model knows to be codes.  For networks that take a
material of their own, the rest as net: terms = texts as counts of words, sparse; tokens = texts as numbers of their
words; picture = all pixels; embed = categories as codes for the network to embed."""


@dataclass(frozen=True)
class ModelSpec:
    """One kind of model: when it is right, what it needs, and its settings."""

    name: str
    title: str
    tier: str  # T0 … T8
    tasks: frozenset[str]
    why: str
    prepare: Prepare
    build: str  # "module:function"; called with a Setting, gives the unfitted estimator (networks: see fitting)
    settings: Mapping[str, Json] = field(default_factory=dict)
    readable: bool = False  # a person can follow a prediction with pencil and paper
    early_stop: bool = False  # wants an inner validation part of the training rows
    network: bool = False  # trained in epochs, on torch
    material: str = ""  # table, text, series or image, where it takes no other
    further: Mapping[str, Json] = field(default_factory=dict)  # settings that are written down only where they are set
    package: str = ""  # a library of an extra, without which it is not offered
    composed: bool = False  # made of other models, which stand in its setting "of"
    members: tuple[int, int] = (1, 1)  # of a composed one: at least and at most how many

    @property
    def available(self) -> bool:
        """Whether the library that it needs is installed; it is looked for, not imported."""
        return not self.package or importlib.util.find_spec(self.package) is not None

    def builder(self) -> Callable[..., Any]:
        """What builds it.  Raises UsageProblem when its library is not installed."""
        if not self.available:
            raise UsageProblem(
                f"{self.title} is not installed here: pip install 'rungwise[boosters]', or take another model."
            )
        module, _, name = self.build.partition(":")
        return getattr(importlib.import_module(module), name)

    def with_defaults(self, settings: Mapping[str, Json] | None) -> dict[str, Json]:
        """All settings, the given ones in place of the defaults.

        Raises UsageProblem for one it does not have, and for words where a number is wanted: settings also come from
        stores and bundles of strangers.
        """
        unknown = sorted(set(settings or {}) - set(self.settings) - set(self.further))
        if unknown:
            known = ", ".join((*self.settings, *self.further)) or "none"
            raise UsageProblem(f"{self.title} has no setting {unknown[0]!r}; its settings are: {known}.")
        for name, value in (settings or {}).items():
            default = self.settings.get(name, self.further.get(name))
            if isinstance(default, int | float) and isinstance(value, str | list | dict):
                raise UsageProblem(f"{self.title}: the setting {name} is a number, not {str(value)[:40]!r}.")
        return {**self.settings, **(settings or {})}


def _network(network: Network) -> ModelSpec:
    how, plain = network.as_dict()["training"], asdict(Training())
    dropout = max((layer.rate for layer in network.layers), default=0.0)
    said = {name: value for name, value in how.items() if name in ALWAYS_SAID or value != _as_json(plain[name])}
    embeds = any(layer.kind == "categories" for layer in network.layers)
    prepare: Prepare = "embed" if embeds else NET_PREPARE[network.takes]
    material = next((name for name, nets in LADDERS.items() if network in nets), "table")
    return ModelSpec(
        network.name,
        network.title,
        network.tier,
        {"series": FORECAST, "table": EVERY}.get(material, ALL),
        network.why,
        prepare,
        "engine.models.networks.training:build_network",
        {"widths": list(network.widths), "dropout": dropout, **said},
        early_stop=True,
        network=True,
        material="" if material == "table" else material,
        further={name: value for name, value in how.items() if name not in said},
    )


NET_PREPARE: Mapping[str, Prepare] = {
    "table": "net",
    "terms": "terms",
    "tokens": "tokens",
    "window": "net",
    "picture": "picture",
}


def _as_json(value: Any) -> Json:
    return list(value) if isinstance(value, tuple) else value


DRAW: Mapping[str, Json] = {"draw": 0}  # which of several models that differ in their luck only: see `seed_of`
FAR = 1_000  # between the seeds of two draws: more than there are exams
MOST_AVERAGED = 5  # models in one average: each is one more to keep alive
FEW_NAMED = 3  # parts up to which a title names them all

MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        "prior",
        "Class frequency",
        "T0",
        CLASSES,
        "Says for every row how common each class is: the floor for probabilities.",
        "none",
        "engine.models.baselines:dummy_classifier",
        {"strategy": "prior"},
        readable=True,
    ),
    ModelSpec(
        "most_frequent",
        "Most frequent class",
        "T0",
        CLASSES,
        "Always says the most common class: the floor for accuracy.",
        "none",
        "engine.models.baselines:dummy_classifier",
        {"strategy": "most_frequent"},
        readable=True,
    ),
    ModelSpec(
        "stratified",
        "Weighted coin",
        "T0",
        CLASSES,
        "Draws each answer at random in the proportions of the classes: what luck alone scores.",
        "none",
        "engine.models.baselines:dummy_classifier",
        {"strategy": "stratified"},
        readable=True,
    ),
    ModelSpec(
        "mean",
        "Mean",
        "T0",
        NUMBERS,
        "Always says the mean: the floor for squared errors.",
        "none",
        "engine.models.baselines:dummy_regressor",
        {"strategy": "mean"},
        readable=True,
    ),
    ModelSpec(
        "median",
        "Median",
        "T0",
        NUMBERS,
        "Always says the median: the floor for absolute errors.",
        "none",
        "engine.models.baselines:dummy_regressor",
        {"strategy": "median"},
        readable=True,
    ),
    ModelSpec(
        "quantile",
        "Quantile",
        "T0",
        NUMBERS,
        "Always says the value that the costs of too low and too high ask for: the floor for the pinball loss.",
        "none",
        "engine.models.baselines:dummy_regressor",
        {"strategy": "quantile", "quantile": 0.5},
        readable=True,
    ),
    ModelSpec(
        "naive",
        "Last value",
        "T0",
        FORECAST,
        "Says for every step ahead the last value that is known: the floor for series that wander.",
        "none",
        "engine.models.window:from_history",
        {"way": "last"},
        readable=True,
    ),
    ModelSpec(
        "seasonal_naive",
        "Value one season before",
        "T0",
        FORECAST,
        "Says what was seen at the same place of the season before; without a season, the last value.",
        "none",
        "engine.models.window:from_history",
        {"way": "season"},
        readable=True,
    ),
    ModelSpec(
        "drift",
        "Last value and drift",
        "T0",
        FORECAST,
        "Carries the line from the first to the last value on: the floor for series that grow.",
        "none",
        "engine.models.window:from_history",
        {"way": "drift"},
        readable=True,
    ),
    ModelSpec(
        "series_mean",
        "Mean so far",
        "T0",
        FORECAST,
        "Says the mean of all that the series has been: the floor for series that return to their level.",
        "none",
        "engine.models.window:from_history",
        {"way": "mean"},
        readable=True,
    ),
    ModelSpec(
        "cheapest",
        "Cheapest constant action",
        "T0",
        CLASSES,
        "Takes for every row the one action that costs least in all: the floor for costs.",
        "none",
        "engine.models.baselines:cheapest",
        {"costs": "equal"},
        readable=True,
    ),
    ModelSpec(
        "rule",
        "Expert's rule",
        "T1",
        ALL,
        "The conditions that an experienced person would use, first match wins; nothing is learned from the rows.",
        "none",
        "engine.models.baselines:rule",
        {"rules": []},
        readable=True,
    ),
    ModelSpec(
        "season_growth",
        "Value one season before, raised",
        "T1",
        FORECAST,
        "Last season's value and the growth that an experienced person expects; nothing is learned from the values.",
        "none",
        "engine.models.window:from_history",
        {"way": "season", "percent": 0.0},
        readable=True,
    ),
    ModelSpec(
        "one_column",
        "Best single column",
        "T1",
        ALL,
        "One column cut into a few groups, and what the rows of each group said: what more columns must add to.",
        "none",
        "engine.models.onecolumn:one_column",
        {"groups": [2, 4, 8, 16], "most_levels": 50, "prior_rows": 5.0, "quantile": None},
        readable=True,
    ),
    ModelSpec(
        "logistic",
        "Logistic regression",
        "T2",
        CLASSES,
        "A linear model first: it runs as SQL, explains itself, needs no GPU.",
        "linear",
        "engine.models.simple:logistic",
        {"C": 1.0, "max_iter": 2000},
        readable=True,
    ),
    ModelSpec(
        "ridge",
        "Ridge regression",
        "T2",
        NUMBERS | FORECAST,
        "A linear model first: it runs as SQL, explains itself, and its penalty is chosen inside each training part.",
        "linear",
        "engine.models.simple:ridge",
        {"log10_low": -3, "log10_high": 3, "steps": 13},
        readable=True,
    ),
    ModelSpec(
        "smoothing",
        "Exponential smoothing",
        "T2",
        FORECAST,
        "A level, a damped trend and a season that follow the newest values: hard to beat on a single series.",
        "none",
        "engine.models.smoothing:smoothing",
        {"season": 1, "most_rows": 2_000},
        readable=True,
    ),
    ModelSpec(
        "sparse_logistic",
        "Sparse logistic regression",
        "T2",
        CLASSES,
        "A line that leaves columns out: few columns carry the answer, or a reader wants few terms.",
        "linear",
        "engine.models.penalised:sparse_logistic",
        {"l1_ratio": 1.0, "Cs": [0.01, 0.1, 1.0], "max_iter": 1_000},
        readable=True,
    ),
    ModelSpec(
        "lasso",
        "Lasso",
        "T2",
        NUMBERS,
        "A line that leaves columns out: few columns carry the answer, or a reader wants few terms.",
        "linear",
        "engine.models.penalised:lasso",
        {"penalties": 50, "smallest": 1e-3},
        readable=True,
    ),
    ModelSpec(
        "elastic_net",
        "Elastic net",
        "T2",
        NUMBERS,
        "A line that leaves columns out, but keeps those together that say nearly the same.",
        "linear",
        "engine.models.penalised:elastic_net",
        {"l1_ratios": [0.1, 0.5, 0.9], "penalties": 30, "smallest": 1e-3},
        readable=True,
    ),
    ModelSpec(
        "linear_svm",
        "Linear SVM",
        "T2",
        ALL,
        "A line that minds the rows near the border most; of numbers, one that large misses pull less.",
        "linear",
        "engine.models.penalised:linear_svm",
        {"C": 0.1, "epsilon": 0.05, "max_iter": 2_000},
        readable=True,
    ),
    ModelSpec(
        "naive_bayes",
        "Naive Bayes",
        "T2",
        CLASSES,
        "Few rows and columns that speak independently of one another.",
        "dense",
        "engine.models.simple:naive_bayes",
        {"var_smoothing": 1e-9},
        readable=True,
    ),
    ModelSpec(
        "complement_bayes",
        "Complement naive Bayes",
        "T2",
        CLASSES,
        "Texts as counts of words, where each word speaks for or against a class by itself.",
        "linear",
        "engine.models.simple:complement_bayes",
        {"alpha": 1.0},
        readable=True,
    ),
    ModelSpec(
        "tree",
        "Small tree",
        "T3",
        EVERY,
        "A handful of yes/no questions that anybody can follow, and that finds steps and pairs a line cannot.",
        "tree",
        "engine.models.simple:tree",
        {"max_depth": 5, "max_leaf_nodes": 16, "min_samples_leaf": 5, "min_leaf_share": 0.01},
        readable=True,
    ),
    ModelSpec(
        "knn",
        "Nearest neighbours",
        "T3",
        EVERY,
        "Rows that look alike end alike, and there are few columns and up to 50,000 rows.",
        "dense",
        "engine.models.simple:neighbours",
        {"k": 15, "weights": "distance", "most_columns": 100, "most_rows": 50_000},
    ),
    ModelSpec(
        "svm",
        "Support vector machine",
        "T3",
        CLASSES,
        "A curved border drawn by the rows near it: strong on pictures and on a few thousand rows of numbers.",
        "dense",
        "engine.models.kernels:svm",
        {"C": 10.0, "most_rows": 20_000},
    ),
    ModelSpec(
        "forest",
        "Random forest",
        "T4",
        EVERY,
        "Columns act together in ways nobody can list, and rows are too few for boosting to stop well.",
        "tree",
        "engine.models.simple:forest",
        {"trees": 300, "max_features": "auto", "min_samples_leaf": 5},
    ),
    ModelSpec(
        "extra_trees",
        "Extra trees",
        "T4",
        EVERY,
        "As a forest, cut at random places: smoother answers, and quicker to fit.",
        "tree",
        "engine.models.simple:extra_trees",
        {"trees": 300, "max_features": "auto", "min_samples_leaf": 3},
    ),
    ModelSpec(
        "boosting",
        "Gradient boosting",
        "T4",
        EVERY,
        "The usual best on tables: many small trees, each correcting the last, stopped when inner rows stop gaining.",
        "native",
        "engine.models.simple:boosting",
        {
            "learning_rate": 0.05,
            "max_leaf_nodes": 15,
            "min_samples_leaf": 20,
            "l2_regularization": 1.0,
            "max_iter": 500,
            "n_iter_no_change": 20,
            "validation_share": 0.1,
            "loss": None,  # of numbers: what the metric rewards; None is the squared error
            "quantile": None,
        },
        early_stop=True,
        further=DRAW,
    ),
    ModelSpec(
        "boosting_mean",
        "Gradient boosting of the mean",
        "T4",
        NUMBERS,
        "Larger trees that aim at the mean: where rows tell much, they come nearer to the median, too, and sooner.",
        "native",
        "engine.models.simple:boosting",
        {
            "learning_rate": 0.05,
            "max_leaf_nodes": 31,
            "min_samples_leaf": 20,
            "l2_regularization": 1.0,
            "max_iter": 500,
            "n_iter_no_change": 20,
            "validation_share": 0.1,
            "loss": "squared_error",
            "quantile": None,
        },
        early_stop=True,
        further=DRAW,
    ),
    ModelSpec(
        "lightgbm",
        "LightGBM",
        "T4",
        EVERY,
        "Boosted trees of another make, quicker on many rows.",
        "native",
        "engine.models.boosters:lightgbm",
        {
            "learning_rate": 0.05,
            "max_leaf_nodes": 15,
            "min_samples_leaf": 20,
            "l2_regularization": 1.0,
            "column_share": 1.0,
            "max_iter": 500,
            "n_iter_no_change": 20,
            "validation_share": 0.1,
            "loss": None,
            "quantile": None,
        },
        early_stop=True,
        further=DRAW,
        package="lightgbm",
    ),
    ModelSpec(
        "catboost",
        "CatBoost",
        "T4",
        EVERY,
        "Boosted trees that take categories of many levels as they are.",
        "native",
        "engine.models.boosters:catboost",
        {
            "learning_rate": 0.08,
            "depth": 6,
            "l2_regularization": 3.0,
            "max_iter": 500,
            "n_iter_no_change": 20,
            "validation_share": 0.1,
            "loss": None,
            "quantile": None,
        },
        early_stop=True,
        further=DRAW,
        package="catboost",
    ),
    *(_network(network) for network in NETWORKS),
    ModelSpec(
        "tuned",
        "Tuned",
        "T2",  # or that of its part
        EVERY,
        "The same model, its knobs turned by a search inside each training part, far from the rows it is asked about.",
        "none",
        "engine.evaluation.tuning:fit_tuned",
        {"of": [], "trials": 6, "folds": 3, "draw": 0, "found": None},
        readable=True,
        composed=True,
    ),
    ModelSpec(
        "calibrated",
        "Calibrated",
        "T2",  # or that of its part
        CLASSES,
        "The same model, its probabilities bent so that what is said to happen in 8 of 10 rows happens in 8 of 10.",
        "none",
        "engine.models.calibrators:Calibrated",
        {"of": [], "method": "temperature", "folds": 5},
        readable=True,
        composed=True,
    ),
    ModelSpec(
        "average",
        "Average",
        "T5",
        EVERY,
        "Models that err in different places, averaged: each evens out some of the others' luck.",
        "none",
        "engine.models.composed:Average",
        {"of": []},
        composed=True,
        members=(2, MOST_AVERAGED),
    ),
    ModelSpec(
        "stack",
        "Stack",
        "T5",
        EVERY,
        "Models that err in different places, weighed by a linear model that learned from their answers out of fold.",
        "none",
        "engine.models.composed:Stack",
        {"of": [], "folds": 5, "alpha": 1.0},
        composed=True,
        members=(2, 3),
    ),
)

BY_NAME: dict[str, ModelSpec] = {spec.name: spec for spec in MODELS}


def model_spec(name: str, task: str | None = None) -> ModelSpec:
    """The model of that name.  Raises UsageProblem when there is none, or when it does not fit the task."""
    spec = BY_NAME.get(name)
    if spec is None:
        raise UsageProblem(f"There is no model {name!r}; the models are: {', '.join(BY_NAME)}.")
    if task is not None and task not in spec.tasks:
        fitting = ", ".join(s.name for s in MODELS if task in s.tasks)
        raise UsageProblem(f"{spec.title} does not fit a {task} task; these do: {fitting}.")
    return spec


def models_for(task: str, tiers: tuple[str, ...] | None = None) -> tuple[ModelSpec, ...]:
    """The models that fit a task, simplest tier first, in the order they are declared."""
    return tuple(s for s in MODELS if task in s.tasks and (tiers is None or s.tier in tiers))


def parts_of_model(model: Mapping[str, Json]) -> tuple[Mapping[str, Json], ...]:
    """The models that a composed one is made of; none for any other."""
    return tuple((model.get("settings") or {}).get("of") or ()) if model_spec(str(model["name"])).composed else ()


def spec_of(model: Mapping[str, Json], task: str | None = None) -> ModelSpec:
    """What a model of a trial is: of a composed one the title, tier and readability follow from its parts.

    Raises UsageProblem as `model_spec` does.
    """
    spec = model_spec(str(model["name"]), task)
    parts = [spec_of(part, task) for part in parts_of_model(model)]
    if not parts:
        return spec
    if len({part.name for part in parts}) == 1 < len(parts) and not (parts[0].composed or parts[0].network):
        return replace(spec, title=f"{parts[0].title} ×{len(parts)}")  # draws of one model
    named = parts if len(parts) <= FEW_NAMED else parts[:1]
    names = " and ".join(
        part.title if i == 0 else part.title[:1].lower() + part.title[1:] for i, part in enumerate(named)
    )
    if len(named) < len(parts):
        names += f" and {len(parts) - len(named)} more"
    network = any(part.network for part in parts)
    return replace(
        spec,
        title=f"{names}, {spec.title.lower()}",
        tier="T8" if network and len(parts) > 1 else max(spec.tier, *(part.tier for part in parts)),
        readable=spec.readable and all(part.readable for part in parts),
        network=network,
    )


def seed_of(settings: Mapping[str, Json], seed: int) -> int:
    """The seed of a fit: its own for each draw of a model, so that several of one kind differ in the rows that they
    stop by, and can be averaged (Breiman 1996, bagging; Krogh & Vedelsby 1995: it pays where models differ)."""
    return seed + FAR * int(settings.get("draw") or 0)


def key_of(model: Mapping[str, Json]) -> str:
    """How a decision names a model: as the catalogue does; a composed one `tuned:boosting`, `average:ridge+forest`,
    `average:3xboosting`."""
    keys = [key_of(part) for part in parts_of_model(model)]
    if len(set(keys)) == 1 < len(keys):
        keys = [f"{len(keys)}x{keys[0]}"]
    return f"{model['name']}:{'+'.join(keys)}" if keys else str(model["name"])


def as_model(name: str, settings: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """A model as a trial carries it: its name and every setting with its value."""
    return {"name": name, "settings": model_spec(name).with_defaults(settings)}
