"""The metrics there are, which of them is recommended, and what the costs of mistakes imply.  Light: no arrays here.

The scoring itself is in engine/evaluation/metrics.py.  (Decision catalogue, 3.1 and problem.costs.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import InvalidAnswer
from engine.records import Json

Needs = Literal["probabilities", "prediction", "costs", "capacity"]

CLASSIFICATION = frozenset({"binary", "multiclass"})
BINARY = frozenset({"binary"})
REGRESSION = frozenset({"regression"})
FORECAST = frozenset({"forecast"})
NUMBERS = REGRESSION | FORECAST


@dataclass(frozen=True)
class Metric:
    """One way to score.  name: as scikit-learn's scorers without `neg_`.  best: where the perfect value lies."""

    name: str
    title: str
    tasks: frozenset[str]
    best: Literal["high", "low", "zero"]
    low: float
    high: float
    chance: str  # what guessing scores, in words
    needs: Needs = "prediction"

    @property
    def higher_is_better(self) -> bool:
        return self.best == "high"

    @property
    def bounded(self) -> bool:
        """Whether it is a score whose perfect value is 1, as AUC, F1 or R²."""
        return self.best == "high" and self.high == 1.0

    def oriented(self, value: Any) -> Any:
        """A value, or an array of them, turned so that more is better."""
        if self.best == "zero":
            return -abs(value)
        return value if self.best == "high" else -value

    def figure(self, value: float) -> str:
        """A value or a difference as it is written in a sentence."""
        return figure(value)


METRICS = (
    Metric("roc_auc", "ROC AUC", CLASSIFICATION, "high", 0, 1, "0.5", "probabilities"),
    Metric("average_precision", "average precision", BINARY, "high", 0, 1, "the share of positives", "probabilities"),
    Metric("recall_at_k", "recall at k", BINARY, "high", 0, 1, "k as a share of the rows", "capacity"),
    Metric("log_loss", "log loss", CLASSIFICATION, "low", 0, math.inf, "the entropy of the shares", "probabilities"),
    Metric("brier", "Brier score", BINARY, "low", 0, 1, "p·(1 − p) at the share p of positives", "probabilities"),
    Metric("accuracy", "accuracy", CLASSIFICATION, "high", 0, 1, "the share of the largest class"),
    Metric("balanced_accuracy", "balanced accuracy", CLASSIFICATION, "high", 0, 1, "1 / number of classes"),
    Metric("recall", "recall", BINARY, "high", 0, 1, "0 for always saying no, 1 for always saying yes"),
    Metric("f1", "F1", BINARY, "high", 0, 1, "0 for always saying no"),
    Metric("f1_macro", "macro F1", CLASSIFICATION, "high", 0, 1, "below 1 / number of classes"),
    Metric("recall_min", "recall of the weakest class", CLASSIFICATION, "high", 0, 1, "0 for always saying one class"),
    Metric(
        "expected_cost",
        "expected cost per case",
        CLASSIFICATION,
        "low",
        -math.inf,
        math.inf,
        "the cheapest action taken for everybody",
        "costs",
    ),
    Metric("mase", "MASE", FORECAST, "low", 0, math.inf, "about 1 for saying the value one season before"),
    Metric("rmsse", "RMSSE", FORECAST, "low", 0, math.inf, "about 1 for saying the value one season before"),
    Metric("wape", "WAPE", FORECAST, "low", 0, math.inf, "1 for always saying 0"),
    Metric("mae", "MAE", NUMBERS, "low", 0, math.inf, "mean distance from the median"),
    Metric("rmse", "RMSE", NUMBERS, "low", 0, math.inf, "the standard deviation"),
    Metric("r2", "R²", REGRESSION, "high", -math.inf, 1, "0"),
    Metric("rmsle", "RMSE of log(1 + y)", REGRESSION, "low", 0, math.inf, "the standard deviation of log(1 + y)"),
    Metric("bias", "bias", NUMBERS, "zero", -math.inf, math.inf, "0 for always saying the mean"),
    Metric("pinball", "pinball loss", NUMBERS, "low", 0, math.inf, "that of the quantile", "costs"),
)
BY_NAME = {metric.name: metric for metric in METRICS}
ABSOLUTE = frozenset({"mae", "mase", "wape"})  # what the median is best at, not the mean


def title_of(name: str) -> str:
    """How a metric is called on screen; one of the user's own stands for itself."""
    return BY_NAME[name].title if name in BY_NAME else name


# What must not get *worse* while the metric that decides gets better.  (Decision catalogue, table 3.1; the pinball loss
# stands alone: a model that aims at a quantile misses the middle on purpose, so that the MAE would turn the best away.)
_GUARDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("binary", "expected_cost"): ("log_loss",),
    ("binary", "recall_at_k"): ("log_loss",),
    ("binary", "log_loss"): ("brier",),
    ("binary", "average_precision"): ("log_loss", "recall"),
    ("binary", "roc_auc"): ("log_loss",),
    ("binary", "accuracy"): ("recall_min",),
    ("binary", "balanced_accuracy"): ("log_loss",),
    ("binary", "f1"): ("log_loss",),
    ("multiclass", "accuracy"): ("f1_macro",),
    ("regression", "mae"): ("rmse",),
    ("regression", "rmse"): ("bias",),
    ("regression", "rmsle"): ("mae",),
    ("regression", "r2"): ("mae",),
    ("forecast", "mase"): ("bias", "rmsse"),
    ("forecast", "wape"): ("mase",),
    ("forecast", "mae"): ("rmse",),
    ("forecast", "rmse"): ("bias",),
    ("forecast", "rmsse"): ("bias",),
}


def guards_of(task: str, metric: str) -> tuple[str, ...]:
    """The guards of a metric; with several classes the weakest one, where nothing else is said."""
    if (task, metric) not in _GUARDS and task == "multiclass" and metric != "recall_min":
        return ("recall_min",)
    return _GUARDS.get((task, metric), ())


def metrics_of(task: str) -> tuple[Metric, ...]:
    return tuple(metric for metric in METRICS if task in metric.tasks)


def figure(value: float) -> str:
    """Three significant digits, thousands set apart, an exponent only below 0.00005: 0.0123, 1,240, 12.3, 2.49e-08.

    A target may be that small, and an error of 2.49e-08 in its unit is not none; below 1e-12 it is rounding.
    """
    if not math.isfinite(value):
        return "unknown"
    size = abs(value)
    if size < 1e-12:
        return "0"
    if size < 5e-5:
        return f"{value:.3g}"
    if size >= 999.5:
        return f"{value:,.0f}"
    decimals = min(5, 2 - math.floor(math.log10(size)))
    text = f"{value:.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- costs -----------------------------------------------------------------------------------------------------------


def cost_matrix(costs: Json, labels: Sequence[str], positive: int = 1) -> list[list[float]] | None:
    """C[actual][predicted] in the user's unit, in the order of labels; None when costs are unknown.

    Binary: {false_positive, false_negative, true_positive?, true_negative?}.  More classes: {"actual.predicted": cost};
    being right costs 0 unless given, and `otherwise` prices every mistake not listed.  "equal": each mistake costs 1.
    Raises InvalidAnswer when a mistake has no price or a name fits no class.
    """
    k = len(labels)
    if costs is None or costs == "unknown":
        return None
    if costs == "equal":
        return [[float(a != p) for p in range(k)] for a in range(k)]
    if not isinstance(costs, Mapping) or not costs:
        raise InvalidAnswer(f"problem.costs: {costs!r} is no table of costs.")
    if {"false_positive", "false_negative"} & set(costs):
        return _binary_costs(costs, k, positive)
    prices = {f"{a}.{p}": (i, j) for i, a in enumerate(labels) for j, p in enumerate(labels)}
    unknown = [name for name in costs if name not in prices and name != "otherwise"]
    if unknown:
        raise InvalidAnswer(
            f"problem.costs: {unknown[0]!r} is no pair of classes; write actual.predicted of {', '.join(labels[:12])}."
        )
    missing = [n for n, (i, j) in prices.items() if i != j and n not in costs]
    if missing and "otherwise" not in costs:
        raise InvalidAnswer(
            f"problem.costs: no cost for {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}; "
            "give it, or one cost for the rest as `otherwise`."
        )
    rest = float(costs.get("otherwise", 0.0))
    matrix = [[0.0 if a == p else rest for p in range(k)] for a in range(k)]
    for name, (i, j) in prices.items():
        if name in costs:
            matrix[i][j] = float(costs[name])
    return matrix


def _binary_costs(costs: Mapping[str, Json], k: int, positive: int) -> list[list[float]]:
    known = {"false_positive", "false_negative", "true_positive", "true_negative"}
    stray = sorted(set(costs) - known)
    if k != 2 or stray or not {"false_positive", "false_negative"} <= set(costs):
        raise InvalidAnswer(
            "problem.costs: two classes take false_positive and false_negative (and, if being right costs or earns "
            f"something, true_positive and true_negative); got {', '.join(sorted(costs))}."
        )
    yes, no = positive, 1 - positive
    matrix = [[0.0, 0.0], [0.0, 0.0]]
    matrix[yes][yes] = float(costs.get("true_positive", 0.0))
    matrix[yes][no] = float(costs["false_negative"])
    matrix[no][yes] = float(costs["false_positive"])
    matrix[no][no] = float(costs.get("true_negative", 0.0))
    return matrix


def best_cut(costs: Json) -> float | None:
    """t*: act from this probability of the positive class on; None when costs are unknown.

    t* = (C_fp − C_tn) / ((C_fp − C_tn) + (C_fn − C_tp)).  Raises InvalidAnswer when a mistake does not cost more
    than being right, for then one action is always best and there is nothing to decide.
    """
    matrix = cost_matrix(costs, ("no", "yes"))
    if matrix is None:
        return None
    alarm, miss = matrix[0][1] - matrix[0][0], matrix[1][0] - matrix[1][1]
    if alarm <= 0 or miss <= 0:
        raise InvalidAnswer("problem.costs: a mistake must cost more than being right, else one action is always best.")
    return alarm / (alarm + miss)


def quantile_of(costs: Json) -> float | None:
    """q = c_under / (c_under + c_over), the quantile to aim at; None when no costs of under and over are known."""
    if not isinstance(costs, Mapping) or not {"under", "over"} <= set(costs):
        return None
    under, over = float(costs["under"]), float(costs["over"])
    if under <= 0 or over <= 0:
        raise InvalidAnswer("problem.costs: under and over must both cost more than 0.")
    return under / (under + over)


# --- the recommendation ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recommendation:
    """The metric that fits, and why."""

    task: str
    metric: str
    reason: str

    @property
    def guards(self) -> tuple[str, ...]:
        return guards_of(self.task, self.metric)

    @property
    def title(self) -> str:
        return BY_NAME[self.metric].title


def recommend_metric(
    task: str,
    *,
    use: str | None = None,
    costs: Json = None,
    capacity: float | None = None,
    rarest_share: float = 0.5,
    positive_share: float | None = None,
    largest_share: float = 0.5,
    n_classes: int = 2,
    skew: float = 0.0,
    y_min: float = 0.0,
) -> Recommendation:
    """The number that decides, its guards, and why: the first row of table 3.1 that fits.

    use: "action", "top_k", "probability" or "all" (classes); "totals" or "relative" (numbers); None when not said.
    positive_share: of the class to find, where that may not be the rarer one.
    """
    if task == "regression":
        return _recommend_regression(use, costs, skew, y_min)
    if task == "forecast":
        return _recommend_forecast(use, costs)
    known_costs = isinstance(costs, Mapping) and bool(costs)
    if task == "multiclass":
        return _recommend_multiclass(use, known_costs, largest_share, rarest_share, n_classes)
    if known_costs:
        return Recommendation(
            "binary", "expected_cost", "You know what mistakes cost, so good has one meaning: the cost per case."
        )
    if use == "top_k" and capacity:
        return Recommendation(
            "binary", "recall_at_k", "You can act on a limited number: what counts is how many of them you catch."
        )
    if use == "probability":
        return Recommendation(
            "binary", "log_loss", "The probability itself is used, and log loss is what honest probabilities win."
        )
    if rarest_share < 0.20 and positive_share is not None and positive_share > 0.5:
        return Recommendation(
            "binary",
            "roc_auc",
            f"The class to find holds {_percent(positive_share)} of the rows, so that average precision would praise "
            "any order of them: ROC AUC asks how often it is ranked above the rare class.",
        )
    if rarest_share < 0.20:
        return Recommendation(
            "binary",
            "average_precision",
            f"Only {_percent(rarest_share)} of the rows are of the rare class: average precision looks at those; "
            f"guessing scores {rarest_share:.3f}.",
        )
    if use == "action" and costs == "equal" and rarest_share >= 0.40:
        return Recommendation(
            "binary",
            "accuracy",
            "Both mistakes cost the same and both classes are common: the share of right answers is fair here.",
        )
    return Recommendation(
        "binary",
        "roc_auc",
        f"No costs are known and the rarer class has {_percent(rarest_share)} of the rows: ROC AUC asks how often a "
        "positive is ranked above a negative, whatever cut is chosen later.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _recommend_multiclass(use: str | None, known_costs: bool, largest: float, rarest: float, k: int) -> Recommendation:
    if known_costs:
        return Recommendation(
            "multiclass", "expected_cost", "You know what mistakes cost, so good has one meaning: the cost per case."
        )
    if use == "probability":
        return Recommendation(
            "multiclass", "log_loss", "The probabilities are used, and log loss is what honest probabilities win."
        )
    if largest > 1.5 / k:
        return Recommendation(
            "multiclass",
            "f1_macro",
            f"The largest class has {_percent(largest)} of the rows, more than one and a half times its even share: "
            "macro F1 counts every class the same.",
        )
    if rarest < 0.5 / k:
        return Recommendation(
            "multiclass",
            "f1_macro",
            f"The rarest class has {_percent(rarest)} of the rows, less than half its even share: macro F1 counts "
            "every class the same.",
        )
    return Recommendation(
        "multiclass",
        "accuracy",
        f"The {k} classes are of about the same size: the share of right answers is fair here.",
    )


def _recommend_regression(use: str | None, costs: Json, skew: float, y_min: float) -> Recommendation:
    q = quantile_of(costs)
    if q is not None and q != 0.5:
        return Recommendation(
            "regression",
            "pinball",
            f"Too low and too high cost differently: the pinball loss at {q:.2f} prices each as you said.",
        )
    if use == "totals":
        return Recommendation(
            "regression", "rmse", "Totals or large misses matter: RMSE aims at the mean and weighs large misses more."
        )
    if use == "relative" and y_min > 0 and skew > 2:
        return Recommendation(
            "regression",
            "rmsle",
            f"The values are positive with a long tail (skew {skew:.1f}) and relative error matters: RMSE of log(1+y).",
        )
    return Recommendation(
        "regression", "mae", "MAE is the typical miss in the target's own unit; a few extreme rows do not rule it."
    )


def _recommend_forecast(use: str | None, costs: Json) -> Recommendation:
    q = quantile_of(costs)
    if q is not None and q != 0.5:
        return Recommendation(
            "forecast",
            "pinball",
            f"Too low and too high cost differently: the pinball loss at {q:.2f} prices each step as you said.",
        )
    if use == "totals":
        return Recommendation(
            "forecast", "wape", "Volumes count: WAPE is what all steps of all series miss, as a share of their sum."
        )
    return Recommendation(
        "forecast",
        "mase",
        "MASE is the typical miss over the usual change from one season to the next: it has no trouble with zeros, and "
        "series of any size count the same.",
    )
