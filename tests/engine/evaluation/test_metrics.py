"""Our scores against scikit-learn's, on plain rows and on resamples."""

import warnings

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidAnswer
from engine.evaluation.metrics import Units, bayes_action, score_all, weighted_metrics
from engine.metrics import BY_NAME, METRICS, best_cut, cost_matrix, figure, metrics_of, quantile_of, recommend_metric

LABELS = ["no", "yes"]


def binary(seed: int, n: int = 200, tied: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    p = 1 / (1 + np.exp(-rng.normal(y - 0.5, 1.0, n)))
    return y, np.round(p, 1).clip(0.05, 0.95) if tied else p


def sklearn_binary(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    hard = (p > 0.5).astype(int)
    return {
        "roc_auc": sk.roc_auc_score(y, p),
        "average_precision": sk.average_precision_score(y, p),
        "log_loss": sk.log_loss(y, p, labels=[0, 1]),
        "brier": sk.brier_score_loss(y, p),
        "accuracy": sk.accuracy_score(y, hard),
        "balanced_accuracy": sk.balanced_accuracy_score(y, hard),
        "recall": sk.recall_score(y, hard),
        "f1": sk.f1_score(y, hard),
        "f1_macro": sk.f1_score(y, hard, average="macro"),
    }


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_binary_scores_equal_those_of_sklearn(seed, tied):
    y, p = binary(seed, tied=tied)
    ours = score_all("binary", LABELS, 1, y, proba=p)
    for name, value in sklearn_binary(y, p).items():
        assert ours[name] == pytest.approx(value, abs=1e-12), name
    assert ours == score_all("binary", LABELS, 1, y, proba=np.column_stack([1 - p, p]))


@pytest.mark.parametrize("tied", [True, False])
def test_weights_are_resamples(tied):
    y, p = binary(3, n=120, tied=tied)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(y), (20, len(y)))
    W = np.stack([np.bincount(r, minlength=len(y)) for r in rows]).astype(float)
    prepared = weighted_metrics("binary", LABELS, 1, y, proba=p)
    for name in sklearn_binary(y, p):
        expected = [sklearn_binary(y[r], p[r])[name] for r in rows]
        assert prepared[name](W) == pytest.approx(expected, abs=1e-12), name


def test_multiclass_scores_equal_those_of_sklearn():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, 300)
    p = rng.dirichlet(np.ones(4), 300) + 0.5 * np.eye(4)[y]
    p /= p.sum(axis=1, keepdims=True)
    hard = p.argmax(axis=1)
    ours = score_all("multiclass", list("abcd"), 0, y, proba=p, costs="equal")
    assert ours["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"))
    assert ours["log_loss"] == pytest.approx(sk.log_loss(y, p))
    assert ours["accuracy"] == pytest.approx(sk.accuracy_score(y, hard))
    assert ours["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, hard))
    assert ours["f1_macro"] == pytest.approx(sk.f1_score(y, hard, average="macro"))
    assert ours["recall_min"] == pytest.approx(min(sk.recall_score(y, hard, average=None)))
    assert ours["expected_cost"] == pytest.approx(1 - ours["accuracy"])


def test_regression_scores_equal_those_of_sklearn():
    rng = np.random.default_rng(2)
    y = rng.lognormal(8, 1, 500)
    guess = y * rng.lognormal(0, 0.3, 500)
    ours = score_all("regression", [], 0, y, prediction=guess, costs={"under": 3, "over": 1})
    assert ours["mae"] == pytest.approx(sk.mean_absolute_error(y, guess))
    assert ours["rmse"] == pytest.approx(sk.root_mean_squared_error(y, guess))
    assert ours["r2"] == pytest.approx(sk.r2_score(y, guess))
    assert ours["rmsle"] == pytest.approx(sk.root_mean_squared_log_error(y, guess))
    assert ours["pinball"] == pytest.approx(sk.mean_pinball_loss(y, guess, alpha=0.75))
    assert ours["bias"] == pytest.approx(np.mean(guess - y))


def test_what_is_undefined_is_none():
    one_class = score_all("binary", LABELS, 1, np.zeros(5, int), proba=np.full(5, 0.2))
    assert one_class["roc_auc"] is None
    assert one_class["average_precision"] is None
    assert one_class["recall"] is None
    assert one_class["log_loss"] == pytest.approx(-np.log(0.8))
    flat = score_all("regression", [], 0, np.full(4, 1e9), prediction=np.full(4, 1e9 + 1))
    assert flat["r2"] is None
    assert "rmsle" not in score_all("regression", [], 0, np.array([-2.0, 1]), prediction=np.array([1.0, 1]))
    assert all(v is None for v in score_all("binary", LABELS, 1, np.array([], int), proba=np.array([])).values())
    broken = score_all("binary", LABELS, 1, np.array([0, 1]), proba=np.array([np.nan, 0.4]))
    assert broken["roc_auc"] is None
    assert broken["log_loss"] is None


def test_a_rule_that_only_predicts_is_ranked_by_what_it_says():
    y = np.array([0, 0, 1, 1])
    scores = score_all(
        "binary", LABELS, 1, y, prediction=np.array([0, 1, 1, 1]), costs={"false_positive": 1, "false_negative": 5}
    )
    assert scores["roc_auc"] == 0.75
    assert "log_loss" not in scores
    assert scores["expected_cost"] == 0.25


@pytest.mark.parametrize("positive", [0, 1])
def test_the_cut_is_that_of_the_bayes_action(positive):
    costs = {"false_positive": 1, "false_negative": 4, "true_negative": -0.5}
    cut = best_cut(costs)
    assert cut == pytest.approx(1.5 / 5.5)
    p = np.linspace(0, 1, 1001)
    matrix = np.column_stack([1 - p, p]) if positive == 1 else np.column_stack([p, 1 - p])
    actions = bayes_action(matrix, np.asarray(cost_matrix(costs, LABELS, positive)))
    assert np.array_equal(actions == positive, p >= cut)


def test_costs_are_read_strictly():
    assert cost_matrix("unknown", LABELS) is None
    assert cost_matrix({"a.b": 2, "otherwise": 1}, ["a", "b"]) == [[0, 2], [1, 0]]
    for bad in ({"false_positive": 1}, {"a.c": 1}, {"a.b": 1}, {"false_positive": 1, "false_negative": 1, "x": 2}):
        with pytest.raises(InvalidAnswer):
            cost_matrix(bad, ["a", "b"])
    with pytest.raises(InvalidAnswer):
        best_cut({"false_positive": 1, "false_negative": 1, "true_positive": 2})
    assert quantile_of({"under": 3, "over": 1}) == 0.75


def test_recall_at_k_counts_ties_in_part():
    y = np.array([1, 0, 1, 0])
    flat = score_all("binary", LABELS, 1, y, proba=np.full(4, 0.5), capacity=0.5)
    assert flat["recall_at_k"] == 0.5
    sharp = score_all("binary", LABELS, 1, y, proba=np.array([0.9, 0.8, 0.3, 0.1]), capacity=0.25)
    assert sharp["recall_at_k"] == 0.5


def test_a_threshold_moves_the_cut():
    y, p = binary(0)
    low = score_all("binary", LABELS, 1, y, proba=p, threshold=0.0)
    assert low["recall"] == 1
    assert low["roc_auc"] == score_all("binary", LABELS, 1, y, proba=p)["roc_auc"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.3, 0.5, 0.9])), min_size=1, max_size=30))
def test_binary_scores_stay_in_their_range(rows):
    y, p = (np.array(column) for column in zip(*rows, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_all("binary", LABELS, 1, y.astype(int), proba=p)
    for name, value in scores.items():
        assert value is None or BY_NAME[name].low - 1e-12 <= value <= BY_NAME[name].high + 1e-12


def test_every_score_is_declared_and_oriented():
    y, p = binary(1)
    assert set(score_all("binary", LABELS, 1, y, proba=p, costs="equal", capacity=0.1)) == {
        m.name for m in metrics_of("binary")
    }
    for metric in METRICS:
        perfect = 1.0 if metric.best == "high" else 0.0
        assert metric.oriented(perfect) > metric.oriented(perfect - 0.5 if metric.best == "high" else 0.5)


def test_the_recommendation_follows_the_table():
    def pick(task: str, **given) -> tuple[str, tuple[str, ...]]:
        r = recommend_metric(task, **given)
        assert r.reason.endswith(".")
        assert r.title
        return r.metric, r.guards

    costs = {"false_positive": 1, "false_negative": 5}
    assert pick("binary", costs=costs, use="probability") == ("expected_cost", ("log_loss",))
    assert pick("binary", use="top_k", capacity=0.1) == ("recall_at_k", ("log_loss",))
    assert pick("binary", use="top_k", rarest_share=0.1)[0] == "average_precision"
    assert pick("binary", use="probability") == ("log_loss", ("brier",))
    assert pick("binary", rarest_share=0.02, costs="equal") == ("average_precision", ("log_loss", "recall"))
    assert pick("binary", rarest_share=0.26, costs="unknown") == ("roc_auc", ("log_loss",))
    assert pick("binary", rarest_share=0.45, costs="equal", use="action")[0] == "accuracy"
    assert pick("multiclass", n_classes=3, largest_share=0.6) == ("f1_macro", ("recall_min",))
    assert pick("multiclass", n_classes=3, largest_share=0.4) == ("accuracy", ("f1_macro",))
    assert pick("regression", costs={"under": 3, "over": 1}) == (
        "pinball",
        (),
    )  # one that aims at a quantile misses the middle on purpose
    assert pick("regression", use="totals") == ("rmse", ("bias",))
    assert pick("regression", use="relative", skew=3, y_min=1) == ("rmsle", ("mae",))
    assert pick("regression", skew=3) == ("mae", ("rmse",))
    assert pick("forecast", costs={"under": 3, "over": 1}) == ("pinball", ())
    assert pick("forecast", use="totals") == ("wape", ("mase",))
    assert pick("forecast", costs="equal") == ("mase", ("bias", "rmsse"))


def test_series_of_any_size_and_length_count_the_same_in_a_forecast():
    y = np.array([10.0, 12.0, 14.0, 1000.0])
    said = np.array([11.0, 12.0, 11.0, 800.0])
    units = Units(np.array([0, 0, 0, 1]), np.array([2.0, 2.0, 2.0, 100.0]), np.array([4.0, 4.0, 4.0, 200.0]))
    found = score_all("forecast", [], 1, y, prediction=said, costs={"under": 3, "over": 1}, units=units)
    assert found == pytest.approx(
        {
            "mase": ((1 + 0 + 3) / 3 / 2 + 2) / 2,
            "rmsse": (np.sqrt(10 / 3) / 4 + 1) / 2,
            "wape": 204 / 1036,
            "mae": (4 / 3 + 200) / 2,
            "rmse": (np.sqrt(10 / 3) + 200) / 2,
            "bias": (-2 / 3 - 200) / 2,
            "pinball": ((0.25 * 1 + 0.75 * 3) / 3 + 0.75 * 200) / 2,
        }
    )


def test_a_series_that_never_changed_has_no_mase():
    y, said = np.array([1.0, 5.0]), np.array([2.0, 5.5])
    units = Units(np.array([0, 1]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert score_all("forecast", [], 1, y, prediction=said, units=units)["mase"] == 0.5
    assert score_all("forecast", [], 1, y[:1], prediction=said[:1], units=units[np.array([0])])["mase"] is None


def test_weights_of_a_forecast_are_repeats_of_its_rows():
    rng = np.random.default_rng(3)
    y, said, series = rng.normal(size=20), rng.normal(size=20), rng.integers(0, 4, 20)
    units = Units(series, rng.uniform(1, 2, 20), rng.uniform(1, 2, 20))
    drawn = rng.integers(0, 20, 20)
    weights = np.bincount(drawn, minlength=20)[None].astype(float)
    prepared = weighted_metrics("forecast", [], 1, y, prediction=said, units=units)
    again = score_all("forecast", [], 1, y[drawn], prediction=said[drawn], units=units[drawn])
    assert {name: float(of(weights)[0]) for name, of in prepared.items()} == pytest.approx(again)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01234, "0.0123"),
        (1240.4, "1,240"),
        (12.34, "12.3"),
        (0.0003, "0.0003"),
        (0, "0"),
        (0.9996, "1"),
        (-3.5, "-3.5"),
        (0.00006, "0.00006"),
        (2.493e-08, "2.49e-08"),  # of a target that is that small
        (-1.1e-16, "0"),  # rounding
        (float("nan"), "unknown"),
    ],
)
def test_figures_are_short(value, text):
    assert figure(value) == text
