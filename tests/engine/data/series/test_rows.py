"""A row of a forecast holds what was known at its origin, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.series.panel import Panel, read_panel
from engine.data.series.rows import GAPS, Setup, chosen_origins, make_rows, next_rows
from engine.data.splitting import inner_split, lockbox_and_plan
from engine.data.table import load
from engine.errors import DataProblem
from engine.evaluation.bench import bench_of
from engine.evaluation.crossval import take_exam
from tests.engine.tables import sales, series_recipe


def panel_of(values: np.ndarray, **inputs: np.ndarray) -> Panel:
    times = pd.date_range("2020-01-01", periods=values.shape[1], freq="MS").to_numpy().astype("M8[us]")
    from engine.data.series.calendar import infer

    known = ~np.isnan(values)
    length = int(np.flatnonzero(known.any(axis=0))[-1]) + 1
    rows = np.where(known, np.arange(values.size).reshape(values.shape), -1)
    names = [f"s{k}" for k in range(len(values))]
    return Panel(infer(times)[0], names, values, rows, inputs, dict.fromkeys(inputs, "number"), length)


def every(panel: Panel, setup: Setup):
    return make_rows(panel, setup, np.arange(setup.history - 1, panel.length, dtype=np.int64))


def drawn(seed: int, share: float = 0.15, k: int = 2, n: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(k, n)).cumsum(axis=1).round(3)
    values[rng.random((k, n)) < share] = np.nan
    values[:, :3] = rng.normal(size=(k, 3))
    return values


@given(seed=st.integers(0, 10_000), cut=st.integers(12, 36), gaps=st.sampled_from(GAPS))
@settings(max_examples=40, deadline=None)
def test_what_comes_later_changes_no_input_of_an_earlier_origin(seed, cut, gaps):
    """Values and gaps after the cut are replaced, and so is another input that is not known ahead."""
    setup = Setup(horizon=4, season=3, window=5, gaps=gaps, known=("ahead",))
    values, visitors, ahead = drawn(seed), drawn(seed + 1), drawn(seed + 2)
    other, others = values.copy(), visitors.copy()
    other[:, cut + 1 :], others[:, cut + 1 :] = drawn(seed + 3)[:, cut + 1 :] * 50, drawn(seed + 4)[:, cut + 1 :] * 50
    a = every(panel_of(values, visitors=visitors, ahead=ahead), setup)
    b = every(panel_of(other, visitors=others, ahead=ahead), setup)
    before, after = (_keyed(rows, cut) for rows in (a, b))
    both = before.index.intersection(after.index)
    assert len(both) >= 4 * (cut - 8)
    pd.testing.assert_frame_equal(before.loc[both], after.loc[both])


def _keyed(rows, cut: int) -> pd.DataFrame:
    s = rows.steps
    frame = rows.frame.assign(rms=s.change_rms)
    frame.index = pd.MultiIndex.from_arrays([s.series, s.origin, s.step])
    return frame[s.origin <= cut]


@given(seed=st.integers(0, 10_000), gaps=st.sampled_from(GAPS), season=st.integers(1, 6), horizon=st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_every_column_is_what_its_name_says(seed, gaps, season, horizon):
    """Against a plain reading of the definition, row by row."""
    setup = Setup(horizon, season, window=6, gaps=gaps, known=())
    panel = panel_of(drawn(seed, k=1, n=24))
    rows = every(panel, setup)
    values, s = panel.values[0], rows.steps
    for i in np.random.default_rng(seed).choice(len(rows.y), 12):
        o, step = int(s.origin[i]), int(s.step[i])
        past = _filled(values[: o + 1], gaps)
        known = values[: o + 1]
        if gaps == "zero":  # a gap that the series has come out of since is nothing sold
            last = np.flatnonzero(~np.isnan(values))[-1]
            known = np.where(np.isnan(known) & (np.arange(o + 1) <= last), 0.0, known)
            past = known
        row = rows.frame.iloc[i]
        assert row["step"] == step
        assert [row[f"lag {j}"] for j in range(1, 7)] == pytest.approx(past[::-1][:6])
        if season > 1:
            assert row["one season before"] == pytest.approx(past[o + step - season * -(-step // season)])
        assert row["mean so far"] == pytest.approx(np.nanmean(known))
        assert row["drift so far"] == pytest.approx((past[-1] - past[0]) / o)
        changes = known[season:] - known[:-season]
        changes = changes[~np.isnan(changes)]
        if len(changes):
            assert row["usual change"] == pytest.approx(np.abs(changes).mean())
            assert s.change_rms[i] == pytest.approx(np.sqrt((changes**2).mean()))
        else:
            assert np.isnan(row["usual change"])


def _filled(past: np.ndarray, gaps: str) -> np.ndarray:
    """What was known by then: bridged between two values, the last one carried on behind them."""
    series = pd.Series(past)
    return (
        series.interpolate(limit_area="inside").ffill().to_numpy()
        if gaps == "interpolate"
        else series.ffill().to_numpy()
    )


def test_a_gap_is_never_asked_for_unless_it_means_zero(tmp_path):
    frame = pd.read_csv(sales(tmp_path / "a.csv"))
    frame = frame.drop(index=[30, 31, 50])
    frame.loc[40, "sold"] = None
    frame.to_csv(tmp_path / "a.csv", index=False)
    table = load(tmp_path / "a.csv", series_recipe())
    assert not set(table.steps.target) & {30, 31, 40, 50}
    assert np.array_equal(frame["sold"].to_numpy()[table.rows], table.y)  # each answer stands in the row it names
    assert table.unlabelled == 4
    zero = load(tmp_path / "a.csv", series_recipe(gaps="zero"))
    assert set(zero.y[np.isin(zero.steps.target, [30, 31, 40, 50])]) == {0.0}


def test_exams_ask_for_the_next_horizon_and_learn_only_what_was_known(tmp_path):
    recipe = series_recipe(
        horizon=4, id="shop", split={"kind": "origins", "lockbox": 2}, plan={"origins": 5, "step": 4}
    )
    table = load(sales(tmp_path / "a.csv", shops=3), recipe)
    splits, s = lockbox_and_plan(table, recipe), table.steps
    assert splits.ordered
    assert len(splits.folds) == 5
    assert len(splits.lockbox) == 2 * 4 * 3
    assert sorted(set(s.target[splits.lockbox])) == list(range(64, 72))
    assert s.target[splits.dev].max() == 63
    for j, (train, test) in enumerate(splits.folds):
        origin = 63 - 4 * (5 - j)
        assert s.target[train].max() == origin
        assert set(s.origin[test]) == {origin}
        assert sorted(s.target[test]) == sorted([*range(origin + 1, origin + 5)] * 3)
        inner, held = inner_split(table, train, recipe, 0.15)
        assert s.target[inner].max() <= s.origin[held].min()
        assert set(inner) | set(held) <= set(train)
    rho = np.mean([12 / (3 * (o + 1 - 12)) for o in (43, 47, 51, 55, 59)])
    assert splits.rho == pytest.approx(rho)


def test_later_values_change_no_score_of_an_earlier_exam(tmp_path):
    file, recipe = sales(tmp_path / "a.csv"), series_recipe()
    frame = pd.read_csv(file)
    changed = tmp_path / "b.csv"
    frame.assign(sold=np.where(frame.index > 62, -5 * frame["sold"], frame["sold"]), visitors=frame["visitors"].where(
        frame.index <= 62)).to_csv(changed, index=False)  # fmt: skip
    measured = []
    for path in (file, changed):
        bench = bench_of(recipe, load(path, recipe))
        train, test = bench.splits.folds[1]  # asks for steps 60 to 62
        assert bench.table.steps.target[test].max() == 62
        measured.append(
            [take_exam(bench, {"name": name}, 0, train, test, 0).measured for name in ("ridge", "boosting")]
        )
    assert measured[0] == measured[1]


def test_many_rows_are_thinned_but_those_of_the_exams_stay(monkeypatch):
    monkeypatch.setattr("engine.data.series.rows.MOST_ROWS", 400)
    panel = panel_of(drawn(0, share=0.0, k=2, n=200))
    setup = Setup(6, 4, 8, "carry", ())
    recipe = {"split": {"kind": "origins", "lockbox": 1}, "plan": {"origins": 4, "step": 5}}
    origins = chosen_origins(panel, setup, recipe)
    assert {193, 187, 182, 177, 172} <= set(origins.tolist())
    assert len(origins) * 6 * 2 < 400 + 12 * 5
    assert np.diff(origins).max() <= 6


def test_the_next_rows_start_at_the_end_of_each_series(tmp_path):
    frame = pd.read_csv(sales(tmp_path / "a.csv", shops=2, months=40))
    frame = frame[~((frame["shop"] == "shop 2") & (frame["month"] > "2018-01-01"))]
    frame.loc[36:39, ["sold", "visitors"]] = None  # the plan of prices reaches three months further
    frame.to_csv(tmp_path / "a.csv", index=False)
    recipe = series_recipe(id="shop")
    panel = read_panel(tmp_path / "a.csv", recipe)
    rows = next_rows(panel, Setup.of(recipe, panel.length))
    assert rows.steps.origin.tolist() == [35] * 3 + [36] * 3
    assert rows.frame["price (ahead)"].notna().tolist() == [True] * 3 + [False] * 3
    assert rows.frame["month"].tolist() == ["Jan", "Feb", "Mar", "Feb", "Mar", "Apr"]
    with pytest.raises(DataProblem, match=r"looks back over 60 values.*'shop 1', 'shop 2' \(the shortest has 36\)"):
        next_rows(panel, Setup.of(series_recipe(id="shop", window=60), panel.length))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window": 80}, "leaves nothing to learn from"),
        ({"gaps": "guess"}, "interpolate, zero, carry"),
        ({"window": -1}, "window is a number of steps"),
    ],
)
def test_says_what_leaves_no_rows(tmp_path, changes, words):
    with pytest.raises(DataProblem, match=words):
        load(sales(tmp_path / "a.csv"), series_recipe(**changes))


def test_another_kind_of_split_is_refused(tmp_path):
    recipe = series_recipe(split={"kind": "random", "lockbox": 0.2, "seed": 0})
    with pytest.raises(DataProblem, match=r"parted by origins"):
        lockbox_and_plan(load(sales(tmp_path / "a.csv"), recipe), recipe)
