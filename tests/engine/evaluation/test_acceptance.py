"""Rules R1, R3 and R4 and what they say; R2 and R5 are those of engine.change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.acceptance import (
    earn,
    holm,
    sentence,
    simplest,
)
from engine.evaluation.paired import difference_of
from engine.metrics import BY_NAME

WIGGLE = 0.004 * np.array([-1, 1, -1, 1, 0.0])
AUC, MAE = BY_NAME["roc_auc"], BY_NAME["mae"]


def gain(mean: float, wiggle: np.ndarray = WIGGLE, delta: float = 0.01):
    return difference_of(mean + wiggle, 0.25, delta=delta, scale=1.0)


def test_holm_by_hand():
    # sorted .005 .01 .03 .04 against .0125 .016667 .025 .05: the third fails, so the fourth does too
    results = holm([0.01, 0.04, 0.03, 0.005], 0.05)
    assert [passed for _, passed in results] == [True, False, False, True]
    assert [threshold for threshold, _ in results] == pytest.approx([0.05 / 3, 0.05, 0.025, 0.0125])
    assert holm([None, 0.02], 0.05) == [(0.05, False), (0.025, True)]
    assert holm([], 0.05) == []


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.01, 0.2))
def test_holm_lies_between_bonferroni_and_none(ps, alpha):
    passed = [ok for _, ok in holm(ps, alpha)]
    for p, ok in zip(ps, passed, strict=True):
        assert ok or p > alpha / len(ps)
        assert not ok or p <= alpha


@pytest.mark.parametrize(
    ("mean", "reason"), [(0.02, "accepted"), (0.007, "tiny"), (0.001, "equivalent"), (-0.02, "worse")]
)
def test_the_answers_of_r1(mean, reason):
    (earned,) = earn([gain(mean)], 0.05, 0.01)
    assert earned.reason == reason
    assert earned.accepted == (reason == "accepted")


def test_luck_is_not_enough():
    (earned,) = earn([gain(0.02, 10 * WIGGLE)], 0.05, 0.01)
    assert earned.reason == "luck"
    text = sentence("boosting", "logistic", earned, AUC, 0.01)
    assert "looks better, ROC AUC higher by 0.02," in text
    assert "5 exams cannot tell that from luck (p = 0.249, needed 0.050)" in text
    assert "logistic stays. Detectable here: a gain of 0.0825" in text


def test_a_challenger_pays_for_its_round():
    alone = earn([gain(0.02, 3.1 * WIGGLE)], 0.05, 0.01)[0]
    crowd = earn([gain(0.02, 3.1 * WIGGLE), gain(0), gain(0), gain(0)], 0.05, 0.01)[0]
    assert alone.accepted
    assert crowd.reason == "luck"
    assert crowd.alpha == 0.0125


def test_a_guard_that_is_worse_stops_it():
    guards = [{"log_loss": gain(-0.02), "brier": gain(0.02)}]
    (earned,) = earn([gain(0.02)], 0.05, 0.01, guards)
    assert (earned.reason, earned.worse_guards) == ("guard", ("log_loss",))
    assert "worse in log loss" in sentence("C", "S", earned, AUC, 0.01)
    unclear = earn([gain(0.02)], 0.05, 0.01, [{"log_loss": gain(-0.02, 20 * WIGGLE)}])
    assert unclear[0].accepted
    assert sentence("C", "S", unclear[0], AUC, 0.01).endswith("smallest gain 0.01, and it is not worse in log loss.")


def test_too_few_rows_for_a_verdict():
    (earned,) = earn([gain(0.02)], 0.05, 0.01, tiny=True)
    assert (earned.accepted, earned.reason) == (False, "unclear")
    assert "too few rows" in sentence("C", "S", earned, AUC, 0.01, tiny=True)


def test_no_spread_is_never_accepted():
    same, odd, one = gain(0, 0 * WIGGLE), gain(0.1, 0 * WIGGLE), difference_of(np.array([0.1]), 0.25)
    texts = []
    for earned in earn([same, odd, one], 0.05, 0.01):
        assert not earned.accepted
        texts.append(sentence("C", "S", earned, AUC, 0.01))
    assert texts[0] == "C and S score the same in all 5 exams. S stays, as the simpler one."
    assert "look into that" in texts[1]
    assert "share 1 exam;" in texts[2]


def test_the_sentences_give_figures_and_the_direction_of_a_loss():
    (better,) = earn([gain(0.02)], 0.05, 0.01)
    assert sentence("boosting", "logistic", better, AUC, 0.01) == (
        "boosting is better than logistic: ROC AUC higher by 0.02 (at least 0.0143); that is above your smallest gain "
        "0.01."
    )
    assert sentence("a", "b", better, AUC, 0) == "a is better than b: ROC AUC higher by 0.02 (at least 0.0143)."
    assert "MAE lower by 0.02" in sentence("a", "b", better, MAE, 0.01)
    (worse,) = earn([gain(-0.02)], 0.05, 0.01)
    assert sentence("a", "b", worse, MAE, 0.01) == "a is worse: MAE higher by 0.02. b stays."
    (tiny,) = earn([gain(0.007)], 0.05, 0.01)
    assert "you said less than 0.01 is not worth it" in sentence("a", "b", tiny, AUC, 0.01)
    (lower,) = earn([gain(-0.02, 10 * WIGGLE)], 0.05, 0.01)
    assert "cannot tell that from no difference" in sentence("a", "b", lower, AUC, 0.01)
    assert "closer to 0" in sentence("a", "b", better, BY_NAME["bias"], 0.01)


def test_r3_burden_of_proof_is_on_complexity():
    larger = [earn([one], 0.05, 0.01)[0].accepted for one in (gain(0.001), gain(0.02, 10 * WIGGLE), gain(0.02))]
    assert larger == [False, False, True]


def test_r4_takes_the_simplest_within_one_standard_error():
    best = np.array([0.80, 0.82, 0.81, 0.83, 0.82])
    near = best - 0.002 - WIGGLE  # deficit .002; SE = √(.45·1.6e-5) = .0027
    far = best - 0.005 - WIGGLE
    u = np.stack([best, near, far])
    assert simplest(u, 0.25, [2, 1, 0]) == 1
    assert simplest(u, 0.25, [2, 0, 1]) == 0
    assert simplest(np.stack([best, best]), 0.25, [1, 0]) == 1
    u[1, 0] = np.nan
    assert simplest(u, 0.25, [0, 1, 2]) == 0
    assert simplest(np.full((2, 3), np.nan), 0.25, [1, 0]) == 1
