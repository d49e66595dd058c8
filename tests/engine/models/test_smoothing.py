"""Exponential smoothing against published figures, on a season that is known, and as a model of the catalogue."""

import numpy as np
import pandas as pd
import pytest

from engine.data.table import load
from engine.models.catalogue import as_model
from engine.models.fitting import fit
from engine.models.smoothing import Smoothing, ahead, begin, smooth
from tests.conftest import SHARED
from tests.engine.tables import Memory, sales, series_recipe

# Australian air passengers 1990-2004 (millions) and tourist nights 2005-2010 by quarter: Hyndman & Athanasopoulos,
# Forecasting: principles and practice, 7.2 and 7.5.
AIR = [17.5534, 21.8601, 23.8866, 26.9293, 26.8885, 28.8314, 30.0751, 30.9535, 30.1857, 31.5797, 32.577569, 33.477398,
       39.021581, 41.386432, 41.596552]  # fmt: skip
NIGHTS = [41.727458, 24.04185, 32.328103, 37.328708, 46.213153, 29.346326, 36.48291, 42.977719, 48.901525, 31.180221,
          37.717881, 40.420211, 51.206863, 31.887228, 40.978263, 43.772491, 55.558567, 33.850915, 42.076383, 45.642292,
          59.76678, 35.191877, 44.319737, 47.913736]  # fmt: skip


def carried_on(values, start, weights, steps):
    level, trend, season = start
    first = (np.array([level]), np.array([trend]), np.array([season]))
    state = smooth(np.array([values]), first, weights)
    return state, [float(ahead(state, np.array([i]), weights[3])[0]) for i in range(1, steps + 1)]


def test_holt_as_in_the_book():
    """α = 0.8, β* = 0.2, from 17.5534 and 4.3067: the book's forecasts for 2005 to 2009 (R, fpp::holt)."""
    _, said = carried_on(AIR, (17.5534, 4.3067, [0.0]), (0.8, 0.8 * 0.2, 0.0, 1.0), 5)
    assert said == pytest.approx([43.756968490681, 45.5935233090074, 47.4300781, 49.2666329, 51.1031878], abs=1e-6)


def test_a_damped_trend_as_in_the_book():
    """R, forecast::ets, with the weights that it reports."""
    weights = (0.99591248359386, 0.000100000177749125, 0.0, 0.975837884841967)
    _, said = carried_on(AIR, (16.6430315594723, 2.29728622390832, [0.0]), weights, 5)
    assert said == pytest.approx([43.1552159304, 44.6707210002, 46.1496082619, 47.5927624793, 49.0010470383], abs=1e-7)


def test_a_season_with_a_damped_trend_as_in_the_book():
    """R, forecast::ets on quarters; its states after the last value are published, too."""
    weights = (0.280488397086475, 0.000107909350046852, 0.70817204866374, 0.934556132735162)
    season = [10.1408399399754, -9.63885827145074, -1.87117054599654, 1.36918887747184]
    state, said = carried_on(NIGHTS, (30.8411433051289, 1.42536708194344, season), weights, 5)
    assert state[0][0] == pytest.approx(47.2314512247222)
    assert state[1][0] == pytest.approx(0.280980875415854)
    assert state[2][0] == pytest.approx([13.3069108711821, -11.3199022616549, -2.54481351909255, 0.678742161397104])
    assert said == pytest.approx([60.8009544962, 36.4195487015, 45.4239843769, 48.8618776400, 61.6903568521], abs=1e-7)


def test_starts_from_the_line_and_the_season_that_are_there():
    t = np.arange(1, 9)
    season = np.array([3.0, -1.0, -4.0, 2.0])
    level, trend, off = begin((10 + 2.0 * t + np.tile(season, 2))[None, :], 4)
    assert (level[0], trend[0]) == (pytest.approx(10), pytest.approx(2))
    assert off[0] == pytest.approx(season)
    level, trend, off = begin((5 + 0.5 * t)[None, :], 1)
    assert (level[0], trend[0]) == (pytest.approx(5), pytest.approx(0.5))
    assert begin(np.array([[7.0]]), 12)[0][0] == 7


def rows(values, m, window, horizon):
    """The rows of a forecast of one series, from every origin that has a window behind it and an answer ahead."""
    made = []
    for origin in range(window - 1, len(values) - 1):
        for step in range(1, min(horizon, len(values) - 1 - origin) + 1):
            lags = {f"lag {i + 1}": values[origin - i] for i in range(window)}
            change = np.abs(np.diff(values[: origin + 1])).mean()
            made.append({"step": step, "usual change": change, **lags, "y": values[origin + step]})
    frame = pd.DataFrame(made)
    return frame.drop(columns="y"), frame["y"].to_numpy()


def test_carries_on_a_season_that_grows():
    """Trend and season that grow with the level: found on logarithms, and carried on to within 3 %."""
    t = np.arange(96)
    values = 100 * 1.01**t * (1 + 0.3 * np.sin(2 * np.pi * t / 12))
    X, y = rows(values, 12, 24, 6)
    known = len(y) - 60
    model = Smoothing(12).fit(X[:known], y[:known])
    assert model.logs_
    said = model.predict(X[known:])
    assert np.abs(said / y[known:] - 1).max() < 0.03
    flat = Smoothing(1).fit(X[:known], y[:known])
    assert flat.parameters_ == 3
    assert np.abs(flat.predict(X[known:]) - y[known:]).mean() > 5 * np.abs(said - y[known:]).mean()


def test_a_level_that_only_wanders_is_the_last_value():
    rng = np.random.default_rng(0)
    X, y = rows(np.cumsum(rng.normal(size=400)) - 50, 1, 12, 3)
    model = Smoothing(1).fit(X, y)
    assert not model.logs_, "values below 0 have no logarithm"
    assert model.weights_[0] > 0.8
    assert np.abs(model.predict(X) - X["lag 1"]).mean() < 0.4


def test_no_logarithm_runs_away():
    X, y = rows(1.5 ** np.arange(30.0), 1, 8, 6)
    model = Smoothing(1).fit(X, y)
    steep = X.copy()
    steep.loc[:, [c for c in X if c.startswith("lag")]] *= 1e6
    said = model.predict(steep)
    assert np.isfinite(said).all()
    assert (said <= 10.001 * steep[[c for c in X if c.startswith("lag")]].max(axis=1)).all()


def test_rows_without_a_full_window_are_answered(tmp_path):
    rules = series_recipe()
    table = load(sales(tmp_path / "t.csv"), rules)
    rules |= table.of_rows
    fitted = fit(as_model("smoothing", {"season": 7}), rules, table, np.arange(100), 0)
    frame = table.frame.iloc[100:110].copy()
    frame.iloc[0, frame.columns.get_loc("lag 3")] = np.nan
    assert np.isfinite(fitted.scores(frame)).all()


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data beside this checkout")
def test_forecasts_airline_passengers_better_than_the_season_before():
    """The published series, a year ahead: exponential smoothing beats the year before by far (FPP, 8.3 and 8.5)."""
    from engine.evaluation.crossval import cross_validate

    path = SHARED / "airline" / "train.csv"
    said = {"time": "Month", "horizon": 12, "season": 12, "window": 27, "gaps": "interpolate", "known": []}
    rules = {
        **series_recipe(),
        "target": "Passengers",
        "types": {},
        "series": said,
        "split": {"kind": "origins", "lockbox": 0, "seed": 0},
        "plan": {"origins": 5, "step": 12},
    }
    errors = {}
    for model in (as_model("seasonal_naive"), as_model("smoothing", {"season": 12})):
        ctx = Memory(path)
        errors[model["name"]] = cross_validate({"recipe": rules, "model": model}, ctx)["intervals"]["mase"][0]
    assert errors["smoothing"] < 0.75 * errors["seasonal_naive"]
