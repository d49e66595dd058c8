"""A series goes the whole path, from its first question to a model that leaves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import InvalidAnswer
from engine.models import persist
from engine.models.forecasting import forecasts
from tests.engine.tables import sales
from tests.engine.walking import Walk, said, texts

ANSWERS = {
    "problem.target": "sold",
    "problem.material": "series",
    "problem.series": {"time": "month", "id": "shop"},
    "problem.horizon": 3,
    "data.known_ahead": ["price"],
    "simple.candidates": ["ridge", "tree", "boosting"],
}
NET = {
    "problem.rows_per_parameter": 0.001,
    "deep.gate": "strict",
    "deep.hypothesis": "Seasons bend with the price, so the misses of the months after a change should vanish.",
}
WHYS = {"deep.gate": "The shops expect a smooth bend of season and price, and want to see that it was tried."}


@pytest.fixture(scope="module")
def monthly(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return Walk(sales(tmp_path_factory.mktemp("series") / "shops.csv", shops=2, months=96))


def test_a_series_reaches_a_model_that_leaves(monthly: Walk, tmp_path: Path) -> None:
    c = monthly.headless(ANSWERS)
    assert (said(c, "problem.task").choice, said(c, "problem.metric").choice) == ("forecast", "mase")
    assert said(c, "data.series").choice["season"] == 12
    assert said(c, "split.plan").choice == {"origins": 12, "step": 3, "seed": 0}
    assert said(c, "split.horizons").choice == 3
    assert said(c, "baseline.dummy").choice in ("naive", "seasonal_naive", "drift", "series_mean")
    assert said(c, "simple.champion").choice == "ridge"
    result = said(c, "present.result").check
    assert result is not None
    assert result.value < result.details["baseline"]
    for ask in (x.ask for x in c.transcript):
        for text in texts(ask):
            assert " None" not in text, f"{ask.place}: {text}"

    kept = said(c, "present.export").check
    assert kept is not None
    artifact = persist.loads(monthly.place.artifacts.fetch(kept.details["artifact"]))
    later = []
    for _, part in pd.read_csv(sales(tmp_path / "longer.csv", shops=2, months=99)).groupby("shop"):
        part.iloc[-3:, part.columns.get_indexer(["sold", "visitors"])] = None
        later.append(part)
    pd.concat(later).to_csv(tmp_path / "history.csv", index=False)
    told = forecasts(artifact, tmp_path / "history.csv")
    assert told["month"].tolist() == ["2023-01-01", "2023-02-01", "2023-03-01"] * 2


def test_a_network_may_be_tried_on_a_series(monthly: Walk) -> None:
    pytest.importorskip("torch")
    c = monthly.headless({**ANSWERS, **NET}, WHYS, stop_after="deep")
    assert said(c, "deep.sanity").choice == "passed"
    assert said(c, "deep.compare").choice in ("accept", "reject")


def one_short(folder: Path, seasonal: bool) -> Walk:
    """108 months of one series: a season on a trend, or steps that nobody can foresee."""
    at, rng = np.arange(108), np.random.default_rng(4)
    steps = rng.normal(0, 5, 108)
    values = 100 + at + 30 * np.sin(np.pi * at / 6) + steps if seasonal else 500 + np.cumsum(steps)
    months = pd.date_range("2015-01-01", periods=108, freq="MS").strftime("%Y-%m")
    pd.DataFrame({"month": months, "sold": values.round(2)}).to_csv(folder / "one.csv", index=False)
    return Walk(folder / "one.csv")


FAR = {
    "problem.target": "sold", "problem.material": "series", "problem.series": {"time": "month"}, "problem.horizon": 36,
    "simple.candidates": ["smoothing", "ridge"],
}  # fmt: skip


def test_too_short_for_proof_what_won_every_time_stands_and_says_so(tmp_path: Path) -> None:
    c = one_short(tmp_path, seasonal=True).headless(FAR, stop_after="simple")
    assert said(c, "data.series").choice["window"] == 12  # less than a season cannot tell summer from winter
    assert "too short to compare well" in said(c, "split.plan").reason
    champion = said(c, "simple.champion")
    assert champion.choice in ("smoothing", "ridge")
    assert "in all 5 exams" in champion.reason
    assert "too few, or overlap too much, for proof" in champion.reason
    assert champion.check is not None
    assert champion.check.verdict == "unclear"


def test_too_short_for_proof_and_not_won_every_time_the_floor_stays(tmp_path: Path) -> None:
    c = one_short(tmp_path, seasonal=False).headless(FAR, stop_after="simple")
    champion = said(c, "simple.champion")
    assert champion.choice == said(c, "baseline.dummy").choice
    assert "No model beat" in champion.reason


def side_by_side(folder: Path) -> tuple[Path, Path]:
    """The same four series as a column each and as a row each."""
    at, rng = np.arange(60), np.random.default_rng(0)
    months = pd.date_range("2019-01-01", periods=60, freq="MS").strftime("%Y-%m")
    made = {f"shop_{i}": 50 * i * (1 + 0.3 * np.sin(np.pi * at / 6)) + rng.normal(0, i, 60) for i in range(1, 5)}
    wide = pd.DataFrame({"month": months, **made}).round(2)
    wide.to_csv(folder / "wide.csv", index=False)
    wide.set_index("month").T.rename_axis("shop").reset_index().assign(town=list("abca")).to_csv(
        folder / "rows.csv", index=False
    )
    return folder / "wide.csv", folder / "rows.csv"


def test_series_side_by_side_are_read_without_help(tmp_path: Path) -> None:
    wide, rows = side_by_side(tmp_path)
    floors = []
    for file, shape in ((wide, "wide"), (rows, "rows")):
        c = Walk(file).headless({"problem.target": "shop_4" if shape == "wide" else "2023-12"}, stop_after="baseline")
        named = said(c, "problem.series").choice
        assert named["shape"] == shape
        assert (named["time"], named["id"]) == (("month", None) if shape == "wide" else (None, "shop"))
        assert said(c, "data.series").choice["season"] == 12
        assert said(c, "data.types").choice.get("town", "drop") == "drop"
        check = said(c, "baseline.dummy").check
        assert check is not None
        floors.append((check.value, check.low, check.high))
    assert floors[0] == floors[1]


def test_a_shape_that_is_none_is_said(tmp_path: Path) -> None:
    wide, _ = side_by_side(tmp_path)
    with pytest.raises(InvalidAnswer, match=r"problem\.series: shape is one of long, wide, rows"):
        Walk(wide).headless({"problem.series": {"shape": "square"}}, stop_after="define")
