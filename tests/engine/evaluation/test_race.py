"""Who is stopped after the first exams: nobody that is not behind, by simulation, and those that clearly are."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from engine.errors import UsageProblem
from engine.evaluation.comparison import Exams
from engine.evaluation.race import ALPHA, behind, race
from engine.metrics import BY_NAME
from engine.plans import plan
from tests.engine.evaluation.test_simulation import World, over, take
from tests.engine.tables import Memory

AUC = BY_NAME["roc_auc"]


def exams(scores, n_train=800, n_test=200, **others):
    """Exams of one candidate, with these ROC AUCs."""
    J = len(scores)
    values = {"roc_auc": np.asarray(scores, float), **{name: np.asarray(v, float) for name, v in others.items()}}
    return Exams(values, np.full(J, float(n_train)), np.full(J, float(n_test)), False, "plan", 0, "")


def stopped(candidates, tiers=None, fair=None, delta=0.01):
    floor = exams([0.5] * 10)
    ran = [floor, *candidates]
    tiers = ["T0", *(tiers or ["T2"] * len(candidates))]
    return {s.place: s for s in behind(AUC, ran, tiers, [True, *(fair or [True] * len(candidates))], delta)}


def test_who_is_clearly_behind_is_stopped_and_by_whom():
    rng = np.random.default_rng(0)
    leader = 0.9 + 0.003 * rng.normal(size=5)
    found = stopped([exams(leader), exams(leader - 0.1 + 0.003 * rng.normal(size=5))])
    assert list(found) == [2]
    assert found[2].leader == 1
    assert found[2].diff == pytest.approx(-0.1, abs=0.01)
    assert found[2].diff < found[2].upper < -0.01
    assert found[2].exams == 5


def test_the_bound_is_that_of_the_corrected_interval_shared_over_all_pairs():
    from scipy.stats import t

    rng = np.random.default_rng(1)
    a = 0.9 + 0.003 * rng.normal(size=5)
    b = a - 0.1 + 0.003 * rng.normal(size=5)
    d = b - a
    se = np.sqrt((1 / 5 + 0.25) * d.var(ddof=1))
    pairs = 2 * 2  # each against the baseline and against the other
    assert stopped([exams(a), exams(b)])[2].upper == pytest.approx(d.mean() + t.ppf(1 - ALPHA / pairs, 4) * se)


def test_a_more_complex_one_stops_no_simpler():
    a, b = exams([0.95, 0.951, 0.949, 0.95, 0.952]), exams([0.8, 0.802, 0.799, 0.801, 0.8])
    assert list(stopped([b, a], ["T2", "T4"])) == []
    assert list(stopped([a, b], ["T2", "T4"])) == [2]
    assert list(stopped([a, b], ["T4", "T4"])) == [2]


def test_who_may_not_win_stops_nobody():
    a, b = exams([0.95, 0.951, 0.949, 0.95, 0.952]), exams([0.8, 0.802, 0.799, 0.801, 0.8])
    assert list(stopped([a, b], fair=[False, True])) == []


def test_worse_than_no_model_is_stopped_by_it():
    assert list(stopped([exams([0.4, 0.41, 0.39, 0.4, 0.405])])) == [1]


def test_a_loss_is_turned():
    low, high = np.array([1.0, 1.1, 0.9, 1.0, 1.05]), np.array([5.0, 5.2, 4.9, 5.0, 5.1])
    ran = [Exams({"rmse": v}, np.full(5, 800.0), np.full(5, 200.0), False, "p", 0, "") for v in (high, low, high + 1)]
    found = behind(BY_NAME["rmse"], ran, ["T0", "T2", "T2"], [True] * 3, 0.1)
    assert [s.place for s in found] == [2]


def test_no_spread_and_too_few_exams_stop_nobody():
    assert stopped([exams([0.9] * 5), exams([0.8] * 5)]) == {}
    assert stopped([exams([0.9, 0.91]), exams([0.6, 0.63])]) == {}


def as_evidence(scores, guard):
    J = len(scores)
    known = {"scores": {"roc_auc": list(scores), "log_loss": list(guard)}, "plan_hash": "p", "ordered": False}
    return {**known, "n_train": [800] * J, "n_test": [200] * J}


def test_a_leader_that_its_guard_may_cost_the_place_stops_nobody(tmp_path):
    ctx = Memory(tmp_path / "none")
    good, bad = [0.3, 0.31, 0.29, 0.3, 0.305], [3.0, 3.1, 2.9, 3.05, 3.0]
    ctx.known = {
        "floor": as_evidence([0.5] * 5, [0.69, 0.7, 0.68, 0.69, 0.69]),
        "fine": as_evidence([0.95, 0.951, 0.949, 0.95, 0.952], good),
        "wild": as_evidence([0.95, 0.951, 0.949, 0.95, 0.952], bad),
        "behind": as_evidence([0.8, 0.802, 0.799, 0.801, 0.8], good),
    }
    params = {
        "metric": "roc_auc",
        "delta": 0.01,
        "guards": ["log_loss"],
        "tiers": ["T0", "T2", "T2"],
        "leads": [True] * 3,
    }
    ctx.uses = ("floor", "fine", "behind")
    value = race({**params, "names": list(ctx.uses)}, ctx)
    assert [(s["name"], s["leader"]) for s in value["stopped"]] == [("behind", "fine")]
    assert value["alpha"] == ALPHA
    ctx.uses = ("floor", "wild", "behind")
    assert race({**params, "names": list(ctx.uses)}, ctx)["stopped"] == []
    ctx.uses = ("floor", "fine", "behind")
    strict = race({**params, "names": list(ctx.uses), "looks": 2}, ctx)
    assert strict["alpha"] == ALPHA / 2
    assert strict["stopped"][0]["upper"] > value["stopped"][0]["upper"]
    with pytest.raises(UsageProblem, match="2 names for 3 results"):
        race({**params, "names": ["floor", "wild"]}, ctx)


# -- what the rule is worth, on data whose truth is known ----------------------------------------------------------


def shares_stopped(world, models, n, sets, seed, delta, k=None):
    """Over data sets: how often each candidate is stopped after the first exams, and its true AUC against the best."""
    p = plan(n)
    with threadpool_limits(1):
        taken = take(world, models, n, p.folds, 1, sets, seed)
    J = k or p.folds
    count = np.zeros(len(models))
    n_test = n // p.folds
    for i in range(sets):
        ran = [exams([0.5] * J), *(exams(taken.u[m, i, :J], n - n_test, n_test) for m in range(len(models)))]
        tiers = ["T0"] + ["T2"] * len(models)
        for s in behind(AUC, ran, tiers, [True] * len(ran), delta):
            count[s.place - 1] += 1
    return count / sets, taken.truth.mean(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "sets"), [(300, 500), (1_000, 600), (10_000, 150)])
def test_one_that_is_as_good_is_stopped_less_than_once_in_a_hundred(n, sets):
    """Four candidates that are exactly as good as each other: each sees its own two of eight equal columns, and one
    that all share.  Even with δ = 0, where the least lead would do, fewer than 1 in 100 are stopped."""
    world = World(np.full(9, 0.45))
    models = [[8, 0, 1], [8, 2, 3], [8, 4, 5], [8, 6, 7]]
    stopped_share, truth = shares_stopped(world, models, n, sets, n, delta=0.0)
    assert np.ptp(truth) < 0.01
    print(n, "equally good, stopped:", stopped_share.round(4))
    assert stopped_share.mean() <= over(ALPHA, sets * 4)
    assert shares_stopped(world, models, n, sets, n, delta=0.01)[0].mean() <= ALPHA


@pytest.mark.slow
def test_one_that_is_better_is_hardly_ever_stopped_after_three_exams():
    """The better of two by 0.02 AUC, five exams in all, three looked at: the plan of many rows."""
    world = World(np.r_[np.full(6, 0.4), 0.25])
    models = [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6]]
    share, truth = shares_stopped(world, models, 4_000, 400, 7, delta=0.0, k=3)
    assert truth[1] > truth[0]
    print("better, stopped after three exams:", share)
    assert share[1] <= ALPHA


@pytest.mark.slow
def test_one_that_is_far_behind_is_stopped():
    """Behind by 0.1 AUC with δ = 0.01: at 1,000 rows often after five exams, at 10,000 always."""
    world = World(np.full(6, 0.5))
    models = [[0, 1, 2, 3, 4, 5], [0, 1]]
    for n, sets, least in ((1_000, 400, 0.25), (10_000, 100, 0.99)):
        share, truth = shares_stopped(world, models, n, sets, n, delta=0.01)
        print(n, "behind by", round(float(truth[0] - truth[1]), 3), "stopped:", share)
        assert share[0] == 0
        assert share[1] >= least
