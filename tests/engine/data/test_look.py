"""The look at the rows for practice, and the measures of what goes together, against known answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import association

from engine.data.association import between, correlation_ratio, cramers_v, spearman
from engine.data.look import look
from engine.data.splitting import lockbox_and_plan
from engine.data.table import load
from engine.records import Json, canonical

RNG = np.random.default_rng(0)
WORDS = "the quick brown fox jumps over one more lazy dog number"


class Here:
    """The context of a trial on one file, which keeps what it is given."""

    data, seed, uses = "", 0, ()

    def __init__(self, path: Path) -> None:
        self.path, self.kept, self.told = path, [], []

    def source(self) -> Path:
        return self.path

    def report(self, progress: object) -> None:
        self.told.append(progress)

    def keep(self, content: bytes, media_type: str) -> str:
        assert media_type == "application/vnd.rungwise.rows+json"
        self.kept.append(json.loads(content))
        return "digest of the rows"


def table(n: int = 1500) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    size = rng.normal(50, 10, n)
    level = rng.choice(["low", "mid", "high"], n, p=[0.6, 0.3, 0.1])
    frame = pd.DataFrame(
        {
            "size": size,
            "square": size**2 - 3,  # says what size says
            "grade": pd.Series(level).map({"low": 1, "mid": 2, "high": 3}),  # and this what level says
            "level": level,
            "noise": rng.normal(size=n),
            "late": np.arange(n) / n + rng.normal(0, 0.2, n),
            "day": pd.Series(np.datetime64("2024-01-01") + rng.integers(0, 300, n)).dt.strftime("%Y-%m-%d"),
            "note": [f"{WORDS} {i}" for i in range(n)],
            "town": np.where(np.arange(n) % 300 == 0, [f"town {i}" for i in range(n)], "here"),
        }
    )
    frame.loc[rng.random(n) < 0.2, ["noise", "late"]] = np.nan
    frame.loc[3, "size"] = 4000.0
    frame["y"] = np.where(rng.random(n) < np.where(level == "low", 0.1, 0.8), "Yes", "No")
    return frame


TYPES = {
    "size": "number", "square": "number", "grade": "number", "level": "category", "noise": "number",
    "late": "number", "day": "date", "note": "text", "town": "category",
}  # fmt: skip


def recipe(**more: Json) -> dict[str, Json]:
    return {
        "read": None, "target": "y", "task": "binary", "positive": "Yes", "types": TYPES, "marks": {},
        "keep_together": False, "split": {"kind": "stratified", "lockbox": 0.2, "seed": 0},
        "plan": {"folds": 3, "repeats": 1, "seed": 0}, "prepare": {}, "metric": "roc_auc", **more,
    }  # fmt: skip


def seen(path: Path, asked: dict[str, Json]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the look says, and the rows that it kept."""
    here = Here(path)
    found = look({"recipe": asked}, here)  # type: ignore[arg-type]
    assert json.loads(canonical(found)) == found  # JSON all through, no NaN
    assert found["rows_digest"] == "digest of the rows"
    return found, here.kept[0]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("look") / "t.csv"
    table().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def found(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return seen(file, recipe())


def practice(file: Path, asked: dict[str, Json]) -> pd.DataFrame:
    """The rows for practice, found apart from the look."""
    loaded = load(file, asked)
    return table().iloc[loaded.rows[lockbox_and_plan(loaded, asked).dev]]


# ── the measures ──


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=40))
def test_spearman_is_that_of_scipy(rows: list[tuple[int, int]]) -> None:
    a, b = np.array(rows, dtype=float).T
    known: Any = stats.spearmanr(a, b) if len(set(a)) > 1 < len(set(b)) else None
    expected = 0.0 if known is None else abs(known.statistic)
    assert spearman(a, b) == pytest.approx(expected, abs=1e-9)
    with_gaps = np.append(a, [np.nan, 1.0]), np.append(b, [3.0, np.inf])
    assert spearman(*with_gaps) == pytest.approx(expected, abs=1e-9)


def test_spearman_of_next_to_nothing_is_nothing() -> None:
    assert spearman(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0
    assert spearman(np.array([np.nan] * 5), np.arange(5.0)) == 0


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=5, max_size=60))
def test_cramers_v_is_bergsmas_on_the_chi_squared_of_scipy(rows: list[tuple[int, int]]) -> None:
    a, b = np.array(rows).T
    counts = pd.crosstab(a, b).to_numpy()
    n, (r, k) = counts.sum(), counts.shape
    if min(r, k) < 2:
        assert cramers_v(a, b) == 0
        return
    tested: Any = stats.chi2_contingency(counts, correction=False)
    phi2 = max(0.0, tested.statistic / n - (k - 1) * (r - 1) / (n - 1))
    rows_, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    least = min(rows_, columns) - 1
    expected = min(1.0, np.sqrt(phi2 / least)) if least > 0 else 0.0
    assert cramers_v(a, b) == pytest.approx(expected, abs=1e-7)
    assert cramers_v(np.append(a, -1), np.append(b, 2)) == pytest.approx(
        expected, abs=1e-7
    )  # missing ones are left out


def test_cramers_v_approaches_the_plain_one_with_many_rows() -> None:
    a = RNG.integers(0, 4, 50_000)
    b = np.where(RNG.random(50_000) < 0.4, a % 3, RNG.integers(0, 3, 50_000))
    plain = association(pd.crosstab(a, b).to_numpy(), method="cramer")
    assert cramers_v(a, b) == pytest.approx(plain, abs=0.002)


def test_independent_columns_have_no_strength_however_many_levels() -> None:
    """What the corrections are for: the plain measures would give 0.3 and more here."""
    ratios, vs, plain = [], [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b, x = rng.integers(0, 30, 300), rng.integers(0, 20, 300), rng.normal(size=300)
        ratios.append(correlation_ratio(a, x))
        vs.append(cramers_v(a, b))
        plain.append(association(pd.crosstab(a, b).to_numpy(), method="cramer"))
    assert np.mean(plain) > 0.25
    assert np.mean(vs) < 0.06
    assert np.mean(np.square(ratios)) < 0.02
    assert spearman(RNG.normal(size=5000), RNG.normal(size=5000)) < 0.06


def test_one_that_says_the_other_has_strength_one() -> None:
    a = RNG.integers(0, 6, 4000)
    assert cramers_v(a, a) == pytest.approx(1)
    assert cramers_v(a, a // 3) == pytest.approx(1, abs=1e-3)  # the correction is not quite even
    assert cramers_v(a, a // 3, both_ways=True) == pytest.approx(np.sqrt(1 / 5), abs=0.01)
    assert correlation_ratio(a, a.astype(float)) == pytest.approx(1)
    assert spearman(a.astype(float), -np.exp(a)) == pytest.approx(1)


def test_the_correlation_ratio_is_epsilon_squared_of_kruskal_and_wallis() -> None:
    """On ranks, ε² = 1 − (within / (n − k)) / (total / (n − 1)), and H = (n − 1) · between / total."""
    codes = RNG.integers(0, 5, 400)
    x = RNG.normal(size=400) + 0.4 * codes
    h: Any = stats.kruskal(*(x[codes == k] for k in range(5)))
    expected = 1 - (1 - h.statistic / 399) * 399 / 395
    assert correlation_ratio(codes, x) ** 2 == pytest.approx(expected)
    assert correlation_ratio(np.append(codes, [-1, 2]), np.append(x, [5, np.nan])) ** 2 == pytest.approx(expected)


def test_ranks_brought_along_change_nothing() -> None:
    a, b, codes = RNG.normal(size=200), RNG.integers(0, 9, 200).astype(float), RNG.integers(0, 4, 200)
    ranked = [{"values": v, "ranks": stats.rankdata(v)} for v in (a, b)]
    bare: list[dict[str, Any]] = [{"values": v} for v in (a, b)]
    assert between(*ranked) == between(*bare)
    assert between({"codes": codes}, ranked[0]) == between(bare[0], {"codes": codes})
    gaps = {"codes": np.where(codes == 0, -1, codes)}
    assert between(gaps, ranked[0]) == between(gaps, bare[0])


# ── the trial ──


def test_columns_are_described_as_numpy_and_pandas_would(file: Path, found: tuple[dict, dict]) -> None:
    said, _ = found
    rows = practice(file, recipe())
    columns = {column["name"]: column for column in said["columns"]}
    assert said["rows"] == said["rows_used"] == len(rows) == 1200
    assert list(columns) == list(TYPES)
    size = rows["size"]
    q1, middle, q3 = np.percentile(size, [25, 50, 75])
    low, high = q1 - 3 * (q3 - q1), q3 + 3 * (q3 - q1)
    outliers = columns["size"]["outliers"]
    assert outliers["count"] == ((size < low) | (size > high)).sum() > 0
    assert (outliers["low"], outliers["high"]) == pytest.approx((low, high))
    assert outliers["extreme"] == pytest.approx(
        (abs(size - middle) / stats.median_abs_deviation(size, scale=1 / 1.4826)).max(), abs=0.01
    )
    assert columns["size"]["skew"] == pytest.approx(stats.skew(size), abs=1e-3)
    assert sum(columns["size"]["histogram"]["counts"]) == len(rows)
    assert columns["grade"]["histogram"]["edges"] == [0.5, 1.5, 2.5, 3.5]
    assert columns["noise"]["missing"] == rows["noise"].isna().sum()
    assert columns["noise"]["negative"] == (rows["noise"] < 0).sum()
    assert dict(columns["level"]["levels"]) == rows["level"].value_counts().to_dict()
    others = rows["town"][rows["town"] != "here"]
    assert columns["town"]["rare"] == columns["town"]["rare_rows"] == len(others) > 0
    assert columns["note"]["levels"] == []
    assert said["target"]["classes"] == rows["y"].value_counts().to_dict()


def test_what_goes_with_the_target_and_with_one_another(found: tuple[dict, dict]) -> None:
    said, _ = found
    strengths = {name: (measure, value) for name, measure, value in said["associations"]}
    values = [value for *_, value in said["associations"]]
    assert values == sorted(values, reverse=True)
    assert strengths["level"][0] == "Cramér's V"
    assert strengths["grade"][0] == "correlation ratio"
    assert strengths["level"][1] > 0.5 > 0.1 > strengths["noise"][1]
    assert "note" not in strengths
    assert {tuple(pair[:2]) for pair in said["pairs"]} == {("size", "square"), ("grade", "level")}


def test_what_is_empty_together_and_what_came_late(file: Path, found: tuple[dict, dict]) -> None:
    said, _ = found
    rows = practice(file, recipe())
    missing = said["missing"]
    assert missing["patterns"] == [[["noise", "late"], rows["noise"].isna().sum()]]
    assert missing["together"] == [["noise", "late", 1.0]]
    share = {label: part["noise"].isna().mean() for label, part in rows.groupby("y")}
    assert dict(missing["by_target"])["noise"] == pytest.approx(share, abs=1e-4)
    assert [name for name, *_ in said["early_late"]] == ["late"]
    known = rows["late"].notna()
    later = rows.index.to_numpy() > np.median(rows.index)
    expected: Any = stats.ks_2samp(rows["late"][known & ~later], rows["late"][known & later])
    assert said["early_late"][0][2] == pytest.approx(expected.statistic, abs=1e-4)
    assert said["ordered_by"] == "the order of the file"


def test_several_patterns_of_empty_cells_are_counted_as_pandas_counts_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(600, 4)), columns=list("abcd"))
    for column, share in zip("abd", (0.3, 0.5, 0.1), strict=True):
        frame.loc[rng.random(600) < share, column] = np.nan
    frame["y"] = rng.normal(size=600)
    frame.to_csv(tmp_path / "t.csv", index=False)
    asked = recipe(
        task="regression", positive=None, types=dict.fromkeys("abcd", "number"), metric="rmse",
        split={"kind": "random", "lockbox": 0.2, "seed": 0},
    )  # fmt: skip
    said, rows = seen(tmp_path / "t.csv", asked)
    loaded = load(tmp_path / "t.csv", asked)
    empty = frame.iloc[loaded.rows[lockbox_and_plan(loaded, asked).dev]].isna()
    counts = empty[empty.any(axis=1)].groupby(list("abcd")).size()
    expected = {tuple(c for c, is_empty in zip("abcd", key, strict=True) if is_empty): n for key, n in counts.items()}
    assert {tuple(columns): n for columns, n in said["missing"]["patterns"]} == expected
    counted = [n for _, n in said["missing"]["patterns"]]
    assert counted == sorted(counted, reverse=True)
    assert list(said["missing"]["by_target"][0][1]) == [
        "lowest quarter", "second quarter", "third quarter", "highest quarter",
    ]  # fmt: skip
    assert set(rows) == {"random"}
    assert sum(said["target"]["histogram"]["counts"]) == len(empty)


def test_the_rows_shown_are_real_and_for_practice(file: Path, found: tuple[dict, dict]) -> None:
    _, rows = found
    allowed = practice(file, recipe())
    assert {part: len(content["rows"]) for part, content in rows.items()} == {"random": 10, "extreme": 5, "classes": 10}
    for content in rows.values():
        assert content["columns"] == ["row", "y", *TYPES]
        for number, y, size, _, _, level, *_ in content["rows"]:
            row = allowed.loc[number - 1]
            assert (y, size, level) == (row["y"], pytest.approx(row["size"]), row["level"])
    assert rows["extreme"]["rows"][0][2] == allowed["size"].max()


def test_the_rows_of_the_lockbox_are_never_read(file: Path, found: tuple[dict, dict], tmp_path: Path) -> None:
    """Other cells in the lockbox, in every input column, change nothing of what is seen."""
    allowed = practice(file, recipe())
    frame = table()
    locked = ~frame.index.isin(allowed.index)
    assert locked.sum() == 300
    for name, kind in TYPES.items():
        odd: Any = {"number": -1e6, "date": "1901-01-01"}.get(kind, "of the lockbox")
        frame[name] = frame[name].astype(object)
        frame.loc[locked, name] = odd
    frame.to_csv(tmp_path / "t.csv", index=False)
    dates = {"read": load_settings(file)}
    assert seen(tmp_path / "t.csv", recipe(**dates)) == seen(file, recipe(**dates))


def load_settings(file: Path) -> dict[str, Json]:
    """How the file is read, so that other cells are not read in another way."""
    from engine.data.read import sniff

    return sniff(file).as_dict() | {"dates": {"day": "ISO8601"}}


def test_many_rows_are_sampled_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.look.MOST_ROWS", 300)
    table().to_csv(tmp_path / "t.csv", index=False)
    first, again = (seen(tmp_path / "t.csv", recipe()) for _ in range(2))
    assert first == again
    assert (first[0]["rows"], first[0]["rows_used"]) == (1200, 300)
    assert {name: value for name, _, value in first[0]["associations"]}["level"] > 0.4


def test_progress_is_told_up_to_the_end(file: Path) -> None:
    here = Here(file)
    look({"recipe": recipe()}, here)  # type: ignore[arg-type]
    steps = [(progress.step, progress.steps) for progress in here.told]  # type: ignore[attr-defined]
    assert steps[0] == (0, 13)
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)
    assert steps[-1] == (12, 13)
