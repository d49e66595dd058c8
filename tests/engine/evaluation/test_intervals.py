"""Intervals against scipy and against resamples drawn one by one."""

import time

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.evaluation.intervals import bootstrap, corrected_t, resample_weights, wilson
from engine.evaluation.metrics import weighted_metrics


def test_without_overlap_it_is_the_t_interval():
    u = np.random.default_rng(0).normal(0.8, 0.02, 12)
    ours = corrected_t(u, rho=0.0)
    low, high = stats.t.interval(0.95, 11, loc=u.mean(), scale=stats.sem(u))
    assert (ours.low, ours.high) == pytest.approx((low, high))
    assert ours.label == "approximate 95 % interval"


def test_a_corrected_interval_by_hand():
    # mean .82, s² = .0004; 3 folds: rho = 1/2; SE = √((1/3 + 1/2)·.0004) = .018257; t(.975, 2) = 4.302653
    ours = corrected_t([0.80, 0.82, 0.84], rho=0.5)
    assert ours.se == pytest.approx(0.0182574, abs=1e-7)
    assert ours.high - ours.value == pytest.approx(4.302653 * 0.0182574, abs=1e-6)


def test_missing_exams_and_bounds():
    assert corrected_t([], 0.25) is None
    assert corrected_t([None, float("nan")], 0.25) is None
    one = corrected_t([None, 0.7], 0.25)
    assert (one.value, one.low, one.high) == (0.7, None, None)
    capped = corrected_t([0.90, 1.0, 1.0], 0.5, bounds=(0, 1))
    assert capped.high == 1.0
    flat = corrected_t([0.5, 0.5, 0.5], 0.5)
    assert (flat.low, flat.high) == (0.5, 0.5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.floats(0, 2), st.booleans())
def test_the_interval_contains_the_estimate_and_grows_with_overlap(u, rho, ordered):
    ours, wider = corrected_t(u, rho, ordered=ordered), corrected_t(u, rho + 0.5, ordered=ordered)
    assert ours.low <= ours.value <= ours.high
    assert wider.low <= ours.low + 1e-9
    assert wider.high >= ours.high - 1e-9


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy_and_stays_a_share(counts):
    hits, n = counts
    ours, theirs = wilson(hits, n), stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= ours.low <= hits / n <= ours.high <= 1


def test_wilson_of_nothing():
    assert wilson(0, 0) is None


def test_the_known_accuracy_of_the_lockbox():
    # 1.96·√(.16/k), as the question says it; Wilson agrees from some hundred rows on
    from engine.plans import half_width

    for k in (400, 1000, 2000):
        ours = wilson(round(0.8 * k), k)
        assert (ours.high - ours.low) / 2 == pytest.approx(half_width(k), rel=0.01)
    assert half_width(1409) == pytest.approx(0.0209, abs=1e-4)


def scored(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(int)
    p = 1 / (1 + np.exp(-rng.normal(1.5 * y - 1, 1.0, n)))
    return y, p, weighted_metrics("binary", ["no", "yes"], 1, y, proba=p)


def test_the_bootstrap_is_that_of_rows_drawn_one_by_one():
    y, p, prepared = scored(150)
    draws = bootstrap({"roc_auc": prepared["roc_auc"], "log_loss": prepared["log_loss"]}, 150, seed=3, B=50)
    counts = np.concatenate(list(resample_weights(150, seed=3, B=50))).astype(int)
    rows = [np.repeat(np.arange(150), c) for c in counts]
    assert draws.draws[:, 0] == pytest.approx([sk.roc_auc_score(y[r], p[r]) for r in rows])
    assert draws.draws[:, 1] == pytest.approx([sk.log_loss(y[r], p[r]) for r in rows])
    assert draws.values[0] == pytest.approx(sk.roc_auc_score(y, p))


def test_the_bootstrap_repeats_with_its_seed():
    _, _, prepared = scored(100)
    a, b, c = (bootstrap({"roc_auc": prepared["roc_auc"]}, 100, seed=s, B=200).interval("roc_auc") for s in (1, 1, 2))
    assert a == b
    assert a != c
    assert a.low <= a.value <= a.high


def test_chunks_do_not_matter_to_the_totals(monkeypatch):
    monkeypatch.setattr("engine.evaluation.intervals.CELLS", 700)
    W = list(resample_weights(100, seed=0, B=20))
    assert [len(w) for w in W] == [7, 7, 6]
    assert (np.concatenate(W).sum(axis=1) == 100).all()


def test_the_mean_agrees_with_theory():
    x = np.random.default_rng(5).normal(size=400)
    ours = bootstrap({"mean": lambda W: W @ x / W.sum(axis=1)}, 400, seed=0).interval("mean")
    low, high = stats.norm.interval(0.95, loc=x.mean(), scale=x.std() / 20)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.01)


def test_groups_come_whole():
    groups = np.repeat(["a", "b", "c", "d"], [1, 5, 2, 8])
    for W in resample_weights(16, seed=0, B=100, groups=groups):
        for g in "abcd":
            assert (W[:, groups == g] == W[:, groups == g][:, :1]).all()
        firsts = W[:, [0, 1, 6, 8]]
        assert (firsts.sum(axis=1) == 4).all()


def test_a_small_class_keeps_its_rows():
    y = np.r_[np.zeros(200, int), np.ones(10, int)]
    kept = np.concatenate(list(resample_weights(210, seed=0, B=50, classes=y)))
    assert (kept[:, y == 1].sum(axis=1) == 10).all()
    large = np.r_[np.zeros(200, int), np.ones(60, int)]
    free = np.concatenate(list(resample_weights(260, seed=0, B=50, classes=large)))
    assert free[:, large == 1].sum(axis=1).std() > 0


def test_blocks_stay_together_in_time():
    n, length = 50, 7
    times = np.random.default_rng(0).permutation(n)
    W = np.concatenate(list(resample_weights(n, seed=0, B=300, times=times, block=length)))
    assert (W.sum(axis=1) == n).all()
    assert (W >= 0).all()
    in_order = W[:, np.argsort(times)]
    lone = (in_order[:, 1:-1] > 0) & (in_order[:, :-2] == 0) & (in_order[:, 2:] == 0)
    assert lone.sum(axis=1).max() <= 1  # only the cut-off last block, of one row, can stand alone
    # neighbours in time come and go together far more often than rows drawn alone would
    assert np.corrcoef(in_order[:, 20], in_order[:, 21])[0, 1] > 0.7


def test_differences_use_the_same_resamples():
    y, p, prepared = scored(300)
    same = weighted_metrics("binary", ["no", "yes"], 1, y, proba=p**2)  # the same ranking
    worse = weighted_metrics("binary", ["no", "yes"], 1, y, proba=np.random.default_rng(1).permutation(p))
    draws = bootstrap({"a": prepared["roc_auc"], "b": same["roc_auc"], "c": worse["roc_auc"]}, 300, seed=0, B=500)
    nothing = draws.difference("a", "b")
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)
    assert draws.difference("a", "c").low > 0
    back = draws.difference("c", "a")
    assert back.low == pytest.approx(-draws.difference("a", "c").high)


def test_undefined_scores_have_no_interval():
    y = np.zeros(60, int)
    prepared = weighted_metrics("binary", ["no", "yes"], 1, y, proba=np.full(60, 0.1))
    draws = bootstrap(prepared, 60, seed=0, B=20)
    assert draws.interval("roc_auc") is None
    assert draws.interval("accuracy").value == 1


@pytest.mark.slow
def test_two_thousand_resamples_of_sixteen_thousand_rows_take_seconds():
    y, _, prepared = scored(16_000)
    started = time.perf_counter()
    interval = bootstrap({"roc_auc": prepared["roc_auc"]}, 16_000, seed=0, classes=y).interval("roc_auc")
    assert time.perf_counter() - started < 120
    assert interval.high - interval.low < 0.03
