"""The sizes of exams and lockbox, the budget and the smallest gain: table 2.1 and the rules beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataProblem
from engine.metrics import BY_NAME
from engine.plans import (
    alpha_of_round,
    default_delta,
    default_horizon,
    forecast_lockbox,
    forecast_plan,
    forecast_window,
    half_width,
    lockbox,
    miss_half_width,
    plan,
)


@pytest.mark.parametrize(
    ("n", "folds", "repeats", "nets"),
    [
        (999, 10, 5, 10),
        (1_000, 5, 5, 10),
        (9_999, 5, 5, 10),
        (10_000, 5, 2, 10),
        (99_999, 5, 2, 10),
        (100_000, 5, 1, 5),
    ],
)
def test_the_table(n, folds, repeats, nets):
    p = plan(n)
    assert (p.folds, p.repeats, p.nets, p.exams) == (folds, repeats, nets, folds * repeats)
    assert p.recipe(7) == {"folds": folds, "repeats": repeats, "seed": 7}


def test_rare_classes_and_groups_make_fewer_folds():
    assert plan(768, rarest=268).folds == 10
    assert plan(768, rarest=45).folds == 4
    assert plan(5_000, rarest=3).folds == 2
    assert "4 folds" in plan(768, rarest=45).reason
    few = plan(5_000, groups=3)
    assert (few.folds, few.repeats, few.exams) == (3, 1, 3)
    assert plan(5_000, groups=300).exams == 25


def test_time_order():
    assert plan(5_000, ordered=True).exams == 8
    assert plan(800, ordered=True).recipe() == {"blocks": 5, "seed": 0}


@pytest.mark.parametrize(
    ("n", "rarest", "tiny", "too_tiny"),
    [
        (100, 20, False, False),
        (99, 40, True, False),
        (500, 19, True, False),
        (49, None, True, True),
        (500, 9, True, True),
    ],
)
def test_too_few_rows(n, rarest, tiny, too_tiny):
    p = plan(n, rarest=rarest)
    assert (p.tiny, p.too_tiny) == (tiny, too_tiny)


def test_nothing_to_split():
    with pytest.raises(DataProblem, match="one row"):
        plan(1)
    with pytest.raises(DataProblem, match="one entity"):
        plan(100, groups=1)


@pytest.mark.parametrize(
    ("n", "rarest", "rows"),
    [
        (499, None, 0),
        (5_000, 49, 0),
        (7_043, 1_869, 1_409),
        (12_000, None, 2_000),
        (48_842, 11_687, 4_884),
        (200_000, None, 10_000),
        (200_000, 1_000, 40_000),  # 200 / .005 = 40,000, just the cap
        (1_000_000, 100_000, 10_000),
        (2_000, 200, 500),  # 20 % would hold 40 rare rows
        (2_000, 60, 600),  # 30 % is the most
    ],
)
def test_the_lockbox(n, rarest, rows):
    box = lockbox(n, rarest=rarest)
    assert box.rows == rows
    assert box.share == pytest.approx(rows / n)
    if rows:
        assert box.half_width == (half_width if rarest else miss_half_width)(rows)


def test_what_the_lockbox_says():
    assert lockbox(7_043, rarest=1_869).reason == "With 1,409 rows an accuracy of 80 % is known to ± 2.1 %."
    assert lockbox(3_000).reason.startswith("With 600 rows a mean miss is known to about ± 6.0 % of itself;")
    assert "not independent" in lockbox(344, rarest=68).reason


def test_to_what_a_mean_miss_is_known():
    means = np.abs(np.random.default_rng(0).normal(size=(4_000, 200))).mean(axis=1)
    assert 1.96 * means.std() / means.mean() == pytest.approx(miss_half_width(200), rel=0.05)


@given(st.integers(2, 300_000), st.integers(1, 300_000))
def test_plans_and_lockboxes_stay_possible(n, rarest):
    rarest = min(rarest, n // 2 or 1)
    p, box = plan(n, rarest=rarest), lockbox(n, rarest=rarest)
    assert 2 <= p.folds <= n
    assert 1 <= p.nets <= p.exams
    assert 0 <= box.rows <= 0.3 * n


def test_the_budget_of_a_rung():
    assert [round(alpha_of_round(r), 4) for r in (1, 2, 3)] == [0.05, 0.0167, 0.0083]
    assert sum(alpha_of_round(r) for r in range(1, 10_000)) == pytest.approx(0.10, abs=1e-4)
    assert alpha_of_round(1, first=0.01) == pytest.approx(0.01)
    with pytest.raises(ValueError, match="from 1"):
        alpha_of_round(0)


def test_the_smallest_gain():
    assert default_delta(BY_NAME["roc_auc"], 0.845, 0.5) == 0.01
    assert default_delta(BY_NAME["roc_auc"], 0.97, 0.5) == pytest.approx(0.003)
    assert default_delta(BY_NAME["r2"], 1.0, 0.0) == 1e-4
    assert default_delta(BY_NAME["mae"], 500, 3_000) == 30
    assert default_delta(BY_NAME["expected_cost"], 0.1, -2.0) == 0.02


# --- forecasts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "horizon", "season", "origins", "step"),
    [(102, 6, 12, 12, 6), (96, 12, 12, 5, 12), (1_928, 24, 24, 12, 24), (60, 6, 1, 6, 6)],
)
def test_the_origins_follow_the_catalogue(length: int, horizon: int, season: int, origins: int, step: int) -> None:
    found = forecast_plan(length, horizon, season)
    assert (found.origins, found.step, found.tiny) == (origins, step, False)
    assert found.origins == min(12, (length - max(2 * season, 3 * horizon, 24)) // horizon)
    assert found.first == length - origins * horizon


def test_a_short_series_has_fewer_or_overlapping_origins_and_says_so() -> None:
    found = forecast_plan(40, 12, 12)
    assert found.tiny
    assert (found.origins, found.step) == (5, 3)
    assert "overlap" in found.reason
    assert found.first + (found.origins - 1) * found.step + 12 == 40


@given(length=st.integers(1, 3_000), horizon=st.integers(1, 48), season=st.integers(1, 60))
def test_every_origin_has_a_window_to_learn_from_and_a_horizon_ahead(length: int, horizon: int, season: int) -> None:
    locked = forecast_lockbox(length, horizon).rows
    try:
        window = forecast_window(length, horizon, season)
        found = forecast_plan(length - locked, horizon, season, window)
    except DataProblem:
        assert length - locked < 2 * horizon + 2
        return
    assert window >= 1
    assert found.origins >= 1
    assert 1 <= found.step <= horizon
    assert found.first >= window + horizon  # one row to learn from at least
    assert found.first + (found.origins - 1) * found.step + horizon == length - locked


def test_three_horizons_are_locked_away_of_a_long_series_and_one_of_a_short_one() -> None:
    assert forecast_lockbox(480, 24).horizons == 3
    assert forecast_lockbox(479, 24).horizons == 1
    assert forecast_lockbox(7, 2).horizons == 0


def test_the_usual_horizon_is_a_season_or_a_tenth_of_the_length() -> None:
    assert [default_horizon(*c) for c in ((108, 12), (2_000, 24), (500, 7), (40, 12), (5, 1))] == [10, 12, 7, 4, 1]
