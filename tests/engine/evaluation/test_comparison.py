"""The trial *compare*, from the evidence of cross-validations to sentences."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from engine.errors import DataProblem, UsageProblem
from engine.evaluation.comparison import compare
from engine.evaluation.paired import difference_of

U = np.array([0.80, 0.82, 0.81, 0.83, 0.82])
WIGGLE = 0.004 * np.array([-1, 1, -1, 1, 0.0])


@dataclass
class Given:
    """What a trial may use, over evidence held in hand."""

    values: dict
    uses: tuple[str, ...] = field(init=False)

    def __post_init__(self):
        self.uses = tuple(self.values)

    def evidence(self, key):
        return self.values[key]


def exams(u, loss=None, **more):
    J = len(u)
    scores = {"roc_auc": [None if v is None else float(v) for v in u]}
    if loss is not None:
        scores["log_loss"] = [float(v) for v in loss]
    return {"scores": scores, "n_train": [80] * J, "n_test": [20] * J, "ordered": False, "failures": []} | more


def ask(*results, **more):
    names = ["logistic", "tree", "boosting"][: len(results)]
    params = {"metric": "roc_auc", "higher": True, "alpha": 0.05, "delta": 0.01, "guards": ["log_loss"], "names": names}
    value = compare(params | more, Given(dict(zip("abc", results, strict=False))))
    json.dumps(value, allow_nan=False)
    return value


def test_a_round():
    loss = np.full(5, 0.4)
    value = ask(exams(U, loss), exams(U + 0.03 + WIGGLE, loss - 0.02 - WIGGLE), exams(U, loss))
    tree, boosting = value["rows"]
    expected = difference_of(0.03 + WIGGLE, 0.25)
    assert tree["accepted"]
    assert (tree["verdict"], tree["reason"]) == ("better", "accepted")
    assert tree["lower"] == pytest.approx(expected.lower)
    assert tree["alpha"] == 0.025
    assert tree["guards"][0]["verdict"] == "better"  # a lower loss is better
    assert (boosting["verdict"], boosting["reason"], boosting["accepted"]) == ("identical", "identical", False)
    assert value["alpha"] == 0.05


def test_a_guard_in_a_loss():
    loss = np.full(5, 0.4)
    (row,) = ask(exams(U, loss), exams(U + 0.03 + WIGGLE, loss + 0.02 + WIGGLE))["rows"]
    assert (row["reason"], row["guards"][0]["verdict"]) == ("guard", "worse")


def test_the_second_round_may_spend_less():
    assert ask(exams(U), exams(U), budget_round=2)["alpha"] == pytest.approx(0.05 / 3)
    assert ask(exams(U), exams(U), budget_round=1, alpha=0.01)["alpha"] == pytest.approx(0.01)


def test_missing_exams_are_dropped_in_pairs():
    holed = [None, None, *(U[2:] + 0.01)]
    (row,) = ask(exams(U), exams(holed))["rows"]
    assert (row["exams"], row["dropped"]) == (3, 2)
    assert row["diff"] == pytest.approx(0.01)
    (nothing,) = ask(exams(U), exams([None] * 5))["rows"]
    assert (nothing["diff"], nothing["verdict"], nothing["reason"]) == (None, "unclear", "unclear")


def test_failing_in_an_exam_never_pays():
    worst = U.argmin()
    u = U + 0.01 + WIGGLE
    u[worst] = 0.5  # cross_validate scores it as the baseline there
    (row,) = ask(exams(U), exams(u, failures=[{"fold": int(worst), "message": "did not converge"}]))["rows"]
    assert (row["exams"], row["failed"]) == (5, 1)
    assert not row["accepted"]
    assert row["sentence"].endswith("(Small tree failed in 1 exam and was scored as the baseline there.)")


def test_a_subset_of_the_plan_is_compared_on_that_subset():
    (row,) = ask(exams(U), exams(U[:3] + 0.02 + WIGGLE[:3]))["rows"]
    assert row["exams"] == 3


def test_too_few_rows():
    (row,) = ask(exams(U), exams(U + 0.03 + WIGGLE), tiny=True)["rows"]
    assert (row["verdict"], row["accepted"], row["reason"]) == ("unclear", False, "unclear")


def test_time_order_is_heeded():
    trend = np.array([1.0, 2, 3, 4, 5]) / 100
    (plain,) = ask(exams(U), exams(U + trend))["rows"]
    (ordered,) = ask(exams(U, ordered=True, n_test=[2] * 5), exams(U + trend, n_test=[2] * 5))["rows"]
    assert ordered["se"] == pytest.approx(difference_of(trend, 2 / 80, ordered=True).se)
    assert plain["se"] == pytest.approx(difference_of(trend, 0.25).se)


def test_an_unknown_metric_has_the_direction_it_is_given():
    own = {"scores": {"own": list(U)}, "n_train": [80] * 5, "n_test": [20] * 5}
    better = {**own, "scores": {"own": list(U - 0.03 + WIGGLE)}}
    (row,) = ask(own, better, metric="own", higher=False, guards=[])["rows"]
    assert row["accepted"]


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(UsageProblem, match="names"):
        ask(exams(U), exams(U), names=["only one"])
    with pytest.raises(DataProblem, match="different exams"):
        ask(exams(U), exams(U, n_test=[30] * 5))
    with pytest.raises(DataProblem, match="different exams"):
        ask(exams(U, plan_hash="x"), exams(U, plan_hash="y"))
