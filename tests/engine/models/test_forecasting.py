"""From a history to the next steps, through the file that the model left as."""

import numpy as np
import pandas as pd
import pytest

from engine.data.table import load
from engine.errors import DataProblem
from engine.evaluation.bench import bench_of
from engine.models import persist
from engine.models.catalogue import MODELS
from engine.models.final import final
from engine.models.forecasting import forecasts, written
from engine.models.predict import predict_file
from tests.engine.models.test_catalogue import settings_of
from tests.engine.tables import Memory, sales, series_recipe

SPECS = [spec for spec in MODELS if "forecast" in spec.tasks and spec.name != "net_small_half"]


def left(path, name="ridge", settings=None, **changes):
    ctx = Memory(path)
    value = final({"recipe": series_recipe(**changes), "model": {"name": name, "settings": settings or {}}}, ctx)
    return value, ctx.fetch(value["artifact"])


def with_prices(path, **more):
    """The same sales with prices for three months more, and no values there."""
    frame = pd.read_csv(path)
    group = frame.groupby("shop") if "shop" in frame else [(None, frame)]
    parts = []
    for _, part in group:
        ahead = part.tail(3).assign(sold=None, visitors=None, **more)
        ahead["month"] = (pd.to_datetime(ahead["month"]) + pd.DateOffset(months=3)).dt.strftime("%Y-%m-%d")
        parts += [part, ahead]
    out = path.with_name("ahead.csv")
    pd.concat(parts).to_csv(out, index=False)
    return out


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_model_of_series_survives_the_file(spec, tmp_path):
    if spec.network:
        pytest.importorskip("torch")
    path = sales(tmp_path / "a.csv")
    value, content = left(path, spec.name, settings_of(spec, "forecast"))
    assert content == left(path, spec.name, settings_of(spec, "forecast"))[1], "the same model is the same bytes"
    artifact = persist.loads(content)
    table = load(path, series_recipe())
    bench = bench_of(series_recipe(), table)
    again = artifact.fitted.scores(table.frame.iloc[bench.splits.lockbox])
    assert np.isfinite(again).all()
    assert predict_file(artifact, with_prices(path), tmp_path / "out.csv") == 3
    told = pd.read_csv(tmp_path / "out.csv")
    assert list(told.columns) == ["month", "step", "prediction", "low_80", "high_80", "low_95", "high_95"]
    assert told["month"].tolist() == ["2021-01-01", "2021-02-01", "2021-03-01"]
    assert value["parameters"] == artifact.fitted.parameters


def test_the_next_steps_are_what_the_model_says_at_the_last_origin(tmp_path):
    """The history cut before the lockbox is forecast as the lockbox asks for it."""
    path = sales(tmp_path / "a.csv", shops=2)
    artifact = persist.loads(left(path, id="shop")[1])
    table = load(path, series_recipe(id="shop"))
    locked = bench_of(series_recipe(id="shop"), table).splits.lockbox
    frame = pd.read_csv(path)
    frame.loc[frame["month"] > "2020-09-15", ["sold", "visitors"]] = None
    frame.to_csv(tmp_path / "cut.csv", index=False)
    told = forecasts(artifact, tmp_path / "cut.csv")
    assert told["prediction"].to_numpy() == pytest.approx(artifact.fitted.scores(table.frame.iloc[locked]))
    assert told["shop"].tolist() == ["shop 1"] * 3 + ["shop 2"] * 3
    assert told["month"].tolist() == ["2020-10-01", "2020-11-01", "2020-12-01"] * 2
    usual = table.steps.change[locked]
    for shop in (told["shop"] == "shop 1", told["shop"] == "shop 2"):  # one band, in units of each series
        widths = ((told["high_80"] - told["low_80"]) / usual)[shop]
        assert widths.to_numpy() == pytest.approx(((told["high_80"] - told["low_80"]) / usual)[:3].to_numpy())
    assert (told["low_95"] <= told["low_80"]).all()
    assert (told["high_80"] <= told["high_95"]).all()


def test_bands_hold_about_as_often_as_they_say(tmp_path):
    value, _ = left(sales(tmp_path / "a.csv", shops=3, months=120), id="shop", plan={"origins": 10, "step": 3})
    found = value["bands"]
    assert found["levels"] == [0.8, 0.95]
    assert found["errors"] >= 3 * 28
    assert 0.7 <= found["coverage"]["0.8"] <= 0.9
    assert 0.88 <= found["coverage"]["0.95"] <= 1.0
    assert all(q == sorted(q) for q in found["quantiles"])


def test_says_what_must_be_known_ahead(tmp_path):
    path = sales(tmp_path / "a.csv", shops=2)
    artifact = persist.loads(left(path, id="shop")[1])
    with pytest.raises(DataProblem, match=r"'price' for 2021-01-01 of 'shop 1', nor for 5 more.*'sold' empty"):
        forecasts(artifact, path)
    frame = pd.read_csv(path).drop(columns="visitors")
    frame.to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataProblem, match="no column 'visitors'"):
        forecasts(artifact, tmp_path / "b.csv")


def test_a_wide_file_is_forecast_column_by_column(tmp_path):
    frame = pd.read_csv(sales(tmp_path / "a.csv", shops=2))
    frame.pivot(index="month", columns="shop", values="sold").reset_index().to_csv(tmp_path / "w.csv", index=False)
    changes = {"shape": "wide", "known": [], "target": "shop 1", "types": {"shop 1": "number", "shop 2": "number"}}
    _, content = left(tmp_path / "w.csv", **changes)
    told = forecasts(persist.loads(content), tmp_path / "w.csv")
    assert told["series"].tolist() == ["shop 1"] * 3 + ["shop 2"] * 3
    assert list(told.columns)[:4] == ["series", "month", "step", "prediction"]


@pytest.mark.parametrize(
    ("like", "text"),
    [("2024-02", "2024-03"), ("2024-02-01", "2024-03-01"), ("202402", "202403"), ("20240201", "20240301"),
     ("2024-02-01 00:00:00", "2024-03-01 00:00:00"), ("2024-02-01T00:00", "2024-03-01T00:00:00"),
     ("Feb 2024", "2024-03-01")],
)  # fmt: skip
def test_times_are_written_as_in_the_history(like, text):
    assert written(np.array(["2024-03-01"], dtype="M8[us]"), like) == [text]
