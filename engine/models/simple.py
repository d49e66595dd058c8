"""The scikit-learn models of tiers T2 to T4, built with the settings of the decision catalogue, 4.5.1."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.errors import UsageProblem
from engine.models.setting import Setting


def logistic(setting: Setting) -> Any:
    """Multinomial logistic regression, L2 penalty 1/C; C of None or 0 means no penalty."""
    from sklearn.linear_model import LogisticRegression

    penalty = setting.settings["C"]
    return LogisticRegression(C=penalty or np.inf, solver="lbfgs", max_iter=setting.settings["max_iter"])


def ridge(setting: Setting) -> Any:
    """Linear regression whose L2 penalty is chosen by leave-one-out within the rows it is fitted on; of a forecast, one
    for each step ahead."""
    from sklearn.linear_model import RidgeCV

    s = setting.settings
    alphas = np.logspace(s["log10_low"], s["log10_high"], s["steps"])
    if setting.task == "forecast":
        from engine.models.window import StepRidge

        return StepRidge(alphas.tolist())
    return RidgeCV(alphas=alphas)


def naive_bayes(setting: Setting) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=setting.settings["var_smoothing"])


def complement_bayes(setting: Setting) -> Any:
    from engine.models.texts import WordBayes

    return WordBayes(alpha=setting.settings["alpha"])


def tree(setting: Setting) -> Any:
    """A tree of at most 5 levels and 16 leaves, each of at least 5 rows and 1 % of the training part."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    s = setting.settings
    kind = DecisionTreeClassifier if setting.classifies else DecisionTreeRegressor
    return kind(
        max_depth=s["max_depth"],
        max_leaf_nodes=s["max_leaf_nodes"],
        min_samples_leaf=max(s["min_samples_leaf"], round(s["min_leaf_share"] * setting.n_rows)),
        random_state=setting.seed,
    )


def neighbours(setting: Setting) -> Any:
    """Weighted neighbours.  Raises UsageProblem beyond the sizes where distances mean little or take too long."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    s = setting.settings
    if setting.n_columns > s["most_columns"] or setting.n_rows > s["most_rows"]:
        raise UsageProblem(
            f"Nearest neighbours is for at most {s['most_columns']} prepared columns and {s['most_rows']:,} rows; "
            f"here are {setting.n_columns} and {setting.n_rows:,}. Take another model or fewer columns."
        )
    kind = KNeighborsClassifier if setting.classifies else KNeighborsRegressor
    return kind(n_neighbors=min(s["k"], setting.n_rows), weights=s["weights"])


def forest(setting: Setting) -> Any:
    """300 trees; of the columns, each split sees the square root (classes) or a third (numbers)."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return _trees(setting, RandomForestClassifier if setting.classifies else RandomForestRegressor, 0.33)


def extra_trees(setting: Setting) -> Any:
    """300 trees on all rows, cut at random places: as a forest, only smoother and faster to fit; for numbers each
    split sees every column."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    return _trees(setting, ExtraTreesClassifier if setting.classifies else ExtraTreesRegressor, 1.0)


def _trees(setting: Setting, kind: Any, share_for_numbers: float) -> Any:
    s = setting.settings
    share = s["max_features"]
    if share == "auto":
        share = "sqrt" if setting.classifies else share_for_numbers
    return kind(
        n_estimators=s["trees"],
        max_features=share,
        min_samples_leaf=s["min_samples_leaf"],
        random_state=setting.seed,
        n_jobs=-1,
    )


def boosting(setting: Setting) -> Any:
    """Histogram gradient boosting that stops on the validation rows it is given (its own inner split is random).

    Numbers: loss is "squared_error", "absolute_error", or "quantile" with its quantile; None is the squared error.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    s = setting.settings
    kind: Any = HistGradientBoostingClassifier if setting.classifies else HistGradientBoostingRegressor
    aim = {} if setting.classifies or s["loss"] is None else {"loss": s["loss"], "quantile": s["quantile"]}
    return kind(
        **aim,
        learning_rate=s["learning_rate"],
        max_leaf_nodes=s["max_leaf_nodes"],
        min_samples_leaf=s["min_samples_leaf"],
        l2_regularization=s["l2_regularization"],
        max_iter=s["max_iter"],
        early_stopping=True,
        n_iter_no_change=s["n_iter_no_change"],
        categorical_features=list(setting.categorical) or None,
        random_state=setting.seed,
    )


def count_parameters(model: Any) -> int:
    """How many numbers the model learned and needs to predict.

    Linear models: coefficients plus intercepts.  One tree: a test (column, cut) per inner node counts as one, plus one
    value per leaf and class.  Forests and boosted trees: their leaves.  Naive Bayes: means, variances and class shares.
    Neighbours: every stored cell.  Networks: weights and biases.  Baselines: one value per class, or one; a rule learns
    nothing: 0.
    """
    if hasattr(model, "parameters_"):
        return int(model.parameters_)
    if hasattr(model, "coef_"):
        return int(np.size(model.coef_) + np.size(model.intercept_))
    if hasattr(model, "tree_"):
        inner = int(model.tree_.node_count - model.tree_.n_leaves)
        return inner + int(model.tree_.n_leaves) * max(1, int(np.atleast_1d(getattr(model, "n_classes_", 1))[0]))
    if hasattr(model, "_predictors"):
        return int(sum(tree.get_n_leaf_nodes() for iteration in model._predictors for tree in iteration))
    if hasattr(model, "estimators_"):
        return int(sum(tree.get_n_leaves() for tree in model.estimators_))
    if hasattr(model, "feature_log_prob_"):
        return int(np.size(model.feature_log_prob_) + np.size(model.class_log_prior_))
    if hasattr(model, "theta_"):
        return int(np.size(model.theta_) + np.size(model.var_) + np.size(model.class_prior_))
    if hasattr(model, "_fit_X"):
        return int(np.prod(model._fit_X.shape))
    if hasattr(model, "class_prior_"):
        return int(np.size(model.class_prior_))
    if hasattr(model, "constant_"):
        return int(np.size(model.constant_))
    return 0


def fit_quietly(model: Any, X: Any, y: np.ndarray, **more: Any) -> list[str]:
    """Fit, and return what the library complained about, each complaint once, instead of printing it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, **more)
    return list(dict.fromkeys(str(w.message).split("\n")[0] for w in caught))
