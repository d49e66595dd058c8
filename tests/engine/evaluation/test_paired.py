"""The corrected paired difference against scipy, and against figures worked by hand."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.evaluation.paired import corrected_variance, difference_of, overlap, paired_difference

GAINS = st.lists(st.floats(-0.1, 0.1).map(lambda x: round(x, 4)), min_size=3, max_size=25).map(np.array)


def spread(d: np.ndarray) -> bool:
    return float(np.std(d)) > 1e-3


def test_without_overlap_it_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.81, 0.02, 10), rng.normal(0.80, 0.02, 10)
    ours = paired_difference(a, b, rho=0.0)
    theirs = stats.ttest_rel(a, b, alternative="greater")
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.lower == pytest.approx(theirs.confidence_interval(0.95).low)


def test_nadeau_bengio_by_hand():
    # d = .01 .02 .03 .02 .02 (5 folds: rho = 1/4): mean .02, s² = (1 + 0 + 1 + 0 + 0)e-4/4 = 5e-5
    # SE = √((1/5 + 1/4)·5e-5) = √2.25e-5 = .0047434; T = 4.21637; t(.95, 4) = 2.131847; t(.80, 4) = .940965
    ours = difference_of(np.array([0.01, 0.02, 0.03, 0.02, 0.02]), rho=0.25)
    assert ours.diff == pytest.approx(0.02)
    assert ours.se == pytest.approx(0.0047434, abs=1e-7)
    assert ours.lower == pytest.approx(0.02 - 2.131847 * 0.0047434, abs=1e-6)
    assert ours.upper == pytest.approx(0.02 + 2.131847 * 0.0047434, abs=1e-6)
    assert ours.p == pytest.approx(0.006751, abs=2e-5)
    assert ours.detectable == pytest.approx((2.131847 + 0.940965) * 0.0047434, abs=1e-6)
    assert ours.verdict == "better"


def test_exams_in_time_order_by_hand():
    # d = 1 2 3 4: s² = 5/3; residuals -1.5 -.5 .5 1.5; γ₁ = (.75 - .25 + .75)/3 = 1.25/3
    # (s² + 2γ₁)/4 = (5/3 + 2.5/3)/4 = .625 against (1/4 + .1)·5/3 = .58333
    d = np.array([1.0, 2, 3, 4])
    assert corrected_variance(d, 0.1) == pytest.approx(0.583333, abs=1e-6)
    assert corrected_variance(d, 0.1, ordered=True) == pytest.approx(0.625)
    assert corrected_variance(d, 0.5, ordered=True) == pytest.approx(0.75 * 5 / 3)  # the larger of the two


def test_overlap():
    assert overlap(np.array([80, 80]), np.array([20, 20])) == 0.25


def test_exams_that_one_lacks_are_left_out_in_pairs():
    a = np.array([0.8, np.nan, 0.82, 0.83, 0.9])
    b = np.array([0.79, 0.5, 0.80, 0.82, np.nan])
    ours = paired_difference(a, b, 0.25)
    assert ours.exams == 3
    assert ours == difference_of(np.array([0.8 - 0.79, 0.82 - 0.80, 0.83 - 0.82]), 0.25, scale=0.83)
    with pytest.raises(ValueError, match="same exams"):
        paired_difference(a, b[:3], 0.25)


@pytest.mark.parametrize(
    ("d", "verdict", "diff"),
    [
        ([], "unclear", 0),
        ([0.1], "unclear", 0.1),
        ([0.0, 0.0, 0.0], "identical", 0),
        ([1e-16, -1e-16, 0.0], "identical", 0),  # rounding is not a difference
        ([0.1, 0.1, 0.1], "unclear", 0.1),
        ([0.3 - 0.2, 0.1, 0.4 - 0.3], "unclear", 0.1),  # nor is it spread
    ],
)
def test_edges(d, verdict, diff):
    ours = difference_of(np.array(d), 0.25, scale=0.8)
    assert ours.verdict == verdict
    assert ours.diff == pytest.approx(diff)
    assert ours.se is None
    assert ours.p is None


@pytest.mark.parametrize(
    ("mean", "delta", "verdict"),
    [
        (0.02, 0.01, "better"),
        (-0.02, 0.01, "worse"),
        (0.0, 0.01, "equivalent"),
        (0.0, 0.001, "unclear"),
        (0.0, 0, "unclear"),
    ],
)
def test_verdicts(mean, delta, verdict):
    d = mean + 0.004 * np.array([-1, 1, -1, 1, 0.0])
    assert difference_of(d, 0.25, delta=delta).verdict == verdict


@settings(max_examples=80, deadline=None)
@given(GAINS, st.floats(0.001, 0.05), st.floats(0, 0.5), st.booleans())
def test_a_larger_gain_has_a_smaller_p(d, more, rho, ordered):
    assume(spread(d))
    a, b = difference_of(d, rho, ordered=ordered), difference_of(d + more, rho, ordered=ordered)
    assert b.p < a.p or a.p in (0.0, 1.0) or b.p == pytest.approx(a.p, abs=1e-12)
    assert b.lower > a.lower
    assert b.se == pytest.approx(a.se)


@settings(max_examples=80, deadline=None)
@given(GAINS, st.floats(0, 0.5), st.floats(0.001, 0.1), st.booleans())
def test_the_other_way_round_it_says_the_opposite(d, rho, delta, ordered):
    assume(spread(d))
    a, b = (difference_of(x, rho, delta=delta, ordered=ordered) for x in (d, -d))
    mirror = {"better": "worse", "worse": "better"}
    assert b.verdict == mirror.get(a.verdict, a.verdict)
    assert a.p + b.p == pytest.approx(1)
    assert a.lower == pytest.approx(-b.upper)
    assert a.lower <= a.diff <= a.upper


@settings(max_examples=50, deadline=None)
@given(GAINS, st.floats(0, 0.5))
def test_overlap_only_makes_less_sure(d, rho):
    assume(spread(d))
    assert difference_of(d, rho + 0.1).se > difference_of(d, rho).se
    assert difference_of(d, rho, ordered=True).se >= difference_of(d, rho).se
