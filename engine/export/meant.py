"""What an outsider must be told of a word before a figure means anything: each metric in a sentence."""

from __future__ import annotations

from engine.metrics import BY_NAME
from engine.session import Session

MEANS = {
    "roc_auc": "of two rows, one of each class, how often the one that is so gets the higher probability",
    "average_precision": "how pure the top of a list by probability is, averaged over how far down one reads",
    "recall_at_k": "of the cases that are so, the share among the k rows with the highest probability",
    "log_loss": "how surprised the model is by what is true: a sure answer that is wrong costs most",
    "brier": "the mean squared distance between the probability said and what came true (0 or 1)",
    "accuracy": "the share of rows that are answered rightly",
    "balanced_accuracy": "the share answered rightly in each class, averaged, so that a small class counts as much",
    "recall": "of the cases that are so, the share that is found",
    "f1": "one figure for the share of cases found and the share of alarms that are true; the lower of them rules",
    "f1_macro": "for each class the share found and the share of answers that are true, as one figure, averaged",
    "recall_min": "the share answered rightly in the class that does worst",
    "expected_cost": "what mistakes and right answers cost together, a row, at the prices that were agreed on",
    "mase": "the mean error, in units of the error of repeating the last season",
    "rmsse": "the error, large ones counting more, in units of that of repeating the last season",
    "wape": "the sum of all errors as a share of the sum of all true values",
    "mae": "the mean distance between what is said and what is true",
    "rmse": "the typical distance between what is said and what is true, large ones counting more",
    "r2": "the share of the ups and downs that the answers explain",
    "rmsle": "about the typical error in percent, as a share of 1",
    "bias": "how far the answers lie too high or too low on average",
    "pinball": "the mean distance between what is said and what is true, one side costing more than the other",
}
IN_UNITS = frozenset({"mae", "rmse", "bias", "pinball"})  # of the target
OF_LAST_SEASON = frozenset({"mase", "rmsse"})
BETTER = {"high": "higher is better", "low": "lower is better", "zero": "nearer to 0 is better"}


def metric_in_words(s: Session) -> str:
    """What the metric that decides measures, which way it is better, and what guessing scores; "" before it is set."""
    metric = BY_NAME.get(s.metric)
    if metric is None:
        return ""
    said = f"{metric.title}: {MEANS[metric.name]}" if metric.name in MEANS else metric.title
    said += f", in the units of {s.target}" if metric.name in IN_UNITS and s.target else ""
    guess = f"guessing scores {metric.chance}"
    if metric.name in OF_LAST_SEASON:
        guess = "repeating the last season scores about 1"
    return f"{said}. {BETTER[metric.best][:1].upper()}{BETTER[metric.best][1:]}; {guess}."
