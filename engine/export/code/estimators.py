"""How each model of the catalogue is written: the one place where a new model is named.

Settings come from a store, which may be a stranger's, and the code is run: each is written as a literal (`!r`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.export.code.networks.case import BATCH, LEVELS, before, case_of
from engine.export.code.plan import Part, Plan
from engine.export.code.rules import rule
from engine.export.model.terms import NoForm
from engine.models.networks.declarations import NETWORKS
from engine.records import Json


@dataclass(frozen=True)
class Written:
    """An estimator in code.

    make: an expression over `X`, `y`, `seed`; `inner`, the places of inner folds, where its form has folds; `coded`,
    the places of category codes, where its columns are prepared natively.  needs: import lines.  borrows: "module:name"
    of the program's own source.  before: lines above it.
    """

    make: str
    needs: tuple[str, ...] = ()
    borrows: tuple[str, ...] = ()
    before: str = ""


@dataclass(frozen=True)
class Form:
    """How a model is written.  folds: about how many inner folds it chooses on.  weighs: whether it takes weights of
    rows.  stops: how `fit` takes the rows that say when to stop."""

    write: Callable[[Plan, Part], Written]
    folds: int = 0
    weighs: bool = True
    stops: str = "X_val=X[stops], y_val=y[stops]"
    stops_weighed: str = "sample_weight=weight[learns], sample_weight_val=weight[stops]"


def form_of(part: Part) -> Form:
    """Raises NoForm for a model that cannot be written as plain code."""
    found = FORMS.get(part.spec.name)
    if found is None:
        raise NoForm(f"{part.spec.title} does not leave as plain code so far; take --to model.")
    return found


def _call(name: str, **given: str) -> str:
    return f"{name}({', '.join(f'{key}={code}' for key, code in given.items())})"


def _reprs(settings: Mapping[str, Json], *names: str) -> dict[str, str]:
    return {name: repr(settings[name]) for name in names}


def _kind(plan: Plan) -> str:
    return "Classifier" if plan.classifies else "Regressor"


def _logistic(plan: Plan, part: Part) -> Written:
    C = part.settings["C"]
    made = f"LogisticRegression(C={repr(C) if C else 'np.inf'}, max_iter={part.settings['max_iter']!r})"
    return Written(made, ("from sklearn.linear_model import LogisticRegression",))


def _ridge(plan: Plan, part: Part) -> Written:
    s = part.settings
    alphas = f"np.logspace({s['log10_low']!r}, {s['log10_high']!r}, {s['steps']!r})"
    if plan.recipe["task"] == "forecast":
        return Written(f"StepRidge({alphas}.tolist())", borrows=("engine.models.window:StepRidge",))
    return Written(f"RidgeCV(alphas={alphas})", ("from sklearn.linear_model import RidgeCV",))


def _naive_bayes(plan: Plan, part: Part) -> Written:
    made = _call("GaussianNB", **_reprs(part.settings, "var_smoothing"))
    return Written(made, ("from sklearn.naive_bayes import GaussianNB",))


def _complement_bayes(plan: Plan, part: Part) -> Written:
    return Written(_call("WordBayes", **_reprs(part.settings, "alpha")), borrows=("engine.models.texts:WordBayes",))


def _tree(plan: Plan, part: Part) -> Written:
    s, kind = part.settings, f"DecisionTree{_kind(plan)}"
    leaf = f"max({s['min_samples_leaf']!r}, round({s['min_leaf_share']!r} * len(y)))"
    made = _call(kind, **_reprs(s, "max_depth", "max_leaf_nodes"), min_samples_leaf=leaf, random_state="seed")
    return Written(made, (f"from sklearn.tree import {kind}",))


def _trees(name: str, of_numbers: float) -> Callable[[Plan, Part], Written]:
    def write(plan: Plan, part: Part) -> Written:
        s, kind = part.settings, f"{name}{_kind(plan)}"
        share = s["max_features"]
        share = ("sqrt" if plan.classifies else of_numbers) if share == "auto" else share
        made = (f"{kind}({s['trees']!r}, max_features={share!r}, min_samples_leaf={s['min_samples_leaf']!r}, "
                "random_state=seed)")  # fmt: skip
        return Written(made, (f"from sklearn.ensemble import {kind}",))

    return write


def _neighbours(plan: Plan, part: Part) -> Written:
    s, kind = part.settings, f"KNeighbors{_kind(plan)}"
    return Written(f"{kind}(min({s['k']!r}, len(y)), weights={s['weights']!r})",
                   (f"from sklearn.neighbors import {kind}",))  # fmt: skip


def _boosting(plan: Plan, part: Part) -> Written:
    s, kind = part.settings, f"HistGradientBoosting{_kind(plan)}"
    aim = {} if plan.classifies or s["loss"] is None else _reprs(s, "loss", "quantile")
    known = _reprs(s, "learning_rate", "max_leaf_nodes", "min_samples_leaf", "l2_regularization", "max_iter",
                   "n_iter_no_change")  # fmt: skip
    made = _call(kind, **aim, **known, early_stopping="True", categorical_features="coded or None", random_state="seed")
    return Written(made, (f"from sklearn.ensemble import {kind}",))


def _lightgbm(plan: Plan, part: Part) -> Written:
    return _booster("Light", plan, part)


def _catboost(plan: Plan, part: Part) -> Written:
    return _booster("Cat", plan, part)


def _booster(name: str, plan: Plan, part: Part) -> Written:
    kind = f"{name}{'Classes' if plan.classifies else 'Numbers'}"
    labels = "len(LABELS)" if plan.classifies else "0"
    return Written(f"{kind}({dict(part.settings)!r}, {labels}, coded, seed)",
                   borrows=(f"engine.models.boosters:{kind}",))  # fmt: skip


def _dummy_classes(plan: Plan, part: Part) -> Written:
    made = _call("DummyClassifier", **_reprs(part.settings, "strategy"), random_state="seed")
    return Written(made, ("from sklearn.dummy import DummyClassifier",))


def _dummy_numbers(plan: Plan, part: Part) -> Written:
    s = part.settings
    made = f"DummyRegressor(strategy={s['strategy']!r}, quantile={s.get('quantile')!r})"
    return Written(made, ("from sklearn.dummy import DummyRegressor",))


def _one_column(plan: Plan, part: Part) -> Written:
    s = part.settings
    own = f"{s['groups']!r}, {s['most_levels']!r}, {s['prior_rows']!r}"
    if plan.classifies:
        return Written(f"ColumnClasses(len(LABELS), {own})", borrows=("engine.models.onecolumn:ColumnClasses",))
    return Written(f"ColumnNumbers({s['quantile']!r}, {own})", borrows=("engine.models.onecolumn:ColumnNumbers",))


def _cheapest(plan: Plan, part: Part) -> Written:
    from engine.metrics import cost_matrix

    matrix = cost_matrix(part.settings["costs"], plan.table.labels) or []
    return Written(f"Cheapest({matrix!r})", borrows=("engine.models.baselines:Cheapest",))


def _rule(plan: Plan, part: Part) -> Written:
    return Written(rule(list(part.settings["rules"]), plan.recipe["types"], plan.table.labels))


def _sparse_line(ratios: str) -> Callable[[Plan, Part], Written]:
    def write(plan: Plan, part: Part) -> Written:
        s = part.settings
        shares = list(s[ratios]) if ratios else [1.0]
        made = f"SparseLine({shares!r}, {s['penalties']!r}, {s['smallest']!r}, inner)"
        return Written(made, borrows=("engine.models.penalised:SparseLine",))

    return write


def _sparse_logistic(plan: Plan, part: Part) -> Written:
    s = part.settings
    made = f"SparseLogistic({s['l1_ratio']!r}, {list(s['Cs'])!r}, {s['max_iter']!r}, seed, inner)"
    return Written(made, borrows=("engine.models.penalised:SparseLogistic",))


def _linear_svm(plan: Plan, part: Part) -> Written:
    s = part.settings
    if plan.classifies:
        made = f"Margin({s['C']!r}, {s['max_iter']!r}, seed, inner)"
        return Written(made, borrows=("engine.models.penalised:Margin",))
    made = f"Tube({s['C']!r}, {s['epsilon']!r}, {s['max_iter']!r}, seed)"
    return Written(made, borrows=("engine.models.penalised:Tube",))


def _svm(plan: Plan, part: Part) -> Written:
    machine = f'SVC(C={part.settings["C"]!r}, gamma="scale", cache_size=500, random_state=seed)'
    method = "temperature" if len(plan.table.labels) > 2 else "sigmoid"
    made = f'Curved({machine}, method="{method}", cv=inner, ensemble=False)'
    return Written(made, ("from sklearn.svm import SVC",), ("engine.models.kernels:Curved",))


def _from_history(plan: Plan, part: Part) -> Written:
    s = part.settings
    made = f"FromHistory({s['way']!r}, {s.get('percent') or 0.0!r})"
    return Written(made, borrows=("engine.models.window:FromHistory",))


def _smoothing(plan: Plan, part: Part) -> Written:
    s = part.settings
    made = f"Smoothing({s['season']!r}, {s['most_rows']!r}, seed)"
    return Written(made, borrows=("engine.models.smoothing:Smoothing",))


def _network(plan: Plan, part: Part) -> Written:
    case = case_of(plan, part)
    made = f"{case.name}({', '.join(('seed', *case.given))})"
    borrows = (*((BATCH,) if case.how.batch is None else ()), *((LEVELS,) if case.embeds else ()))
    return Written(made, borrows=borrows, before=before(case, plan.forecasts))


_DUMMY = Form(_dummy_classes, weighs=False)
_DUMMY_NUMBER = Form(_dummy_numbers, weighs=False)
_HISTORY = Form(_from_history, weighs=False)
_NET = Form(_network, weighs=False)  # classes count alike in its loss

FORMS: Mapping[str, Form] = {
    "prior": _DUMMY,
    "most_frequent": _DUMMY,
    "stratified": _DUMMY,
    "mean": _DUMMY_NUMBER,
    "median": _DUMMY_NUMBER,
    "quantile": _DUMMY_NUMBER,
    "naive": _HISTORY,
    "seasonal_naive": _HISTORY,
    "drift": _HISTORY,
    "series_mean": _HISTORY,
    "season_growth": _HISTORY,
    "cheapest": Form(_cheapest, weighs=False),
    "rule": Form(_rule, weighs=False),
    "one_column": Form(_one_column, weighs=False),
    "logistic": Form(_logistic),
    "ridge": Form(_ridge),
    "smoothing": Form(_smoothing, weighs=False),
    "sparse_logistic": Form(_sparse_logistic, folds=3),
    "lasso": Form(_sparse_line(""), folds=3),
    "elastic_net": Form(_sparse_line("l1_ratios"), folds=3),
    "linear_svm": Form(_linear_svm, folds=3),
    "naive_bayes": Form(_naive_bayes),
    "complement_bayes": Form(_complement_bayes),
    "tree": Form(_tree),
    "knn": Form(_neighbours, weighs=False),
    "svm": Form(_svm, folds=3),
    "forest": Form(_trees("RandomForest", 0.33)),
    "extra_trees": Form(_trees("ExtraTrees", 1.0)),
    "boosting": Form(_boosting),
    "boosting_mean": Form(_boosting),
    "lightgbm": Form(_lightgbm),
    "catboost": Form(_catboost),
    **{network.name: _NET for network in NETWORKS},  # what of them cannot be written is said in a sentence
}
