"""A change of the preparation is measured against the plain one on the same exams, and no score is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.change import verdict_r5
from engine.errors import Cancelled, DataProblem, UsageProblem
from engine.evaluation import exams
from engine.evaluation import probe as module
from engine.evaluation.probe import probe
from engine.records import Json, canonical
from tests.engine.tables import Memory

TYPES = {"total": "number", "months": "number", "town": "category", "noise": "number"}


@pytest.fixture(autouse=True)
def forgotten():
    module._cache.clear()


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """Who leaves is decided by the logarithm of total / months, which no straight line over both can tell."""
    rng = np.random.default_rng(1)
    n = 500
    monthly, months = np.exp(rng.normal(3, 0.8, n)), rng.integers(1, 60, n)
    score = 2 * (np.log(monthly) - 3) + rng.normal(0, 0.4, n)
    frame = pd.DataFrame(
        {
            "total": (monthly * months).round(2),
            "months": months,
            "town": rng.choice(["a", "b", "c"], n),
            "noise": rng.normal(size=n).round(3),
            "leaves": np.where(score > 0.8, "yes", "no"),
            "level": np.select([score < -0.5, score < 1], ["low", "mid"], "high"),
            "worth": np.exp(score / 2 + 3).round(3),
        }
    )
    file = tmp_path_factory.mktemp("probe") / "t.csv"
    frame.to_csv(file, index=False)
    return file


def recipe(task: str = "binary", **changes: Any) -> dict[str, Any]:
    target, metric = {"binary": ("leaves", "roc_auc"), "multiclass": ("level", "f1_macro"),
                      "regression": ("worth", "rmse")}[task]  # fmt: skip
    return {
        "read": {}, "target": target, "task": task, "positive": "yes" if task == "binary" else None, "types": TYPES,
        "marks": {}, "keep_together": True, "split": {"kind": "random", "lockbox": 0.2, "seed": 0},
        "plan": {"folds": 5, "repeats": 2, "seed": 0}, "prepare": {}, "costs": None, "metric": metric, **changes,
    }  # fmt: skip


def with_ratio(plain: dict[str, Any]) -> dict[str, Any]:
    made = {"name": "monthly", "formula": "ln(total / months)", "type": "number"}
    return {**plain, "types": {**TYPES, "monthly": "number"}, "features": [made]}


def run(path: Path, plain: dict[str, Any], changes: dict[str, dict[str, Any]], **more: Json) -> tuple[Any, Memory]:
    ctx = Memory(path)
    params = {
        "recipe": plain, "changes": [{"name": name, "recipe": made} for name, made in changes.items()],
        "families": ["linear", "boosting"], "metric": plain["metric"], "guards": [], "delta": 0.005, **more,
    }  # fmt: skip
    return probe(params, ctx), ctx


def test_what_helps_is_better_and_what_changes_nothing_is_identical(path: Path) -> None:
    plain = recipe(metric="log_loss")
    told, _ = run(path, plain, {
        "ratio": with_ratio(plain),
        "none": {**plain, "prepare": {"numbers": {"scale": "standard", "indicator": True}}},
    }, guards=["brier"])  # fmt: skip
    rows = {(row["name"], row["family"]): row for row in told["rows"]}
    assert rows["ratio", "linear"]["verdict"] == "better"
    assert rows["ratio", "linear"]["diff"] > 0.01
    assert rows["ratio", "linear"]["guards"][0]["metric"] == "brier"
    assert rows["ratio", "linear"]["guards"][0]["verdict"] == "better"
    assert {rows["none", family]["verdict"] for family in ("linear", "boosting")} == {"identical"}
    assert rows["ratio", "linear"]["exams"] == told["folds"] == 10
    assert verdict_r5([rows["ratio", "linear"]], "log loss").keep


def test_no_score_is_told_anywhere(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores: list[float] = []
    take = exams.take_exam

    def taken(*given: Any) -> Any:
        exam = take(*given)
        scores.extend(v for v in exam.measured.values() if v is not None)
        return exam

    monkeypatch.setattr(exams, "take_exam", taken)
    plain = recipe()
    told, ctx = run(path, plain, {"ratio": with_ratio(plain)}, guards=["log_loss"], folds=3)
    said = canonical(told)
    assert scores
    assert not any(repr(value) in said for value in scores if 0 < abs(value) < 1)
    assert all(not progress.point for progress in ctx.progress)
    assert (ctx.progress[-1].step, ctx.progress[-1].steps) == (12, 12)


def test_the_plain_preparation_is_fitted_once_for_many_rounds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[int] = []
    take = exams.take_exam
    monkeypatch.setattr(exams, "take_exam", lambda *given: fits.append(1) or take(*given))
    plain = recipe()
    scaled = {**plain, "prepare": {"numbers": {"scale": "robust"}}}
    first, _ = run(path, plain, {"scale": scaled}, folds=3)
    assert len(fits) == 3 * 3, "plain with both families, robust with the line: boosting never sees the scale"
    again, _ = run(path, plain, {"scale": scaled, "ratio": with_ratio(plain)}, folds=3)
    assert len(fits) == 3 * 5
    kept = [{k: v for k, v in row.items() if k != "verdict"} for row in again["rows"] if row["name"] == "scale"]
    assert kept == [{k: v for k, v in row.items() if k != "verdict"} for row in first["rows"]]


def test_noise_earns_nothing(path: Path) -> None:
    without = {**recipe(), "types": {k: v for k, v in TYPES.items() if k != "noise"}}
    told, _ = run(path, without, {"noise": recipe()})
    assert {row["verdict"] for row in told["rows"]} <= {"unclear", "equivalent", "worse"}
    assert all(row["detectable"] > 0 for row in told["rows"])


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks(path: Path, task: str) -> None:
    plain = recipe(task)
    ratio = with_ratio(plain)
    changes = {"ratio": ratio} if task == "multiclass" else {"log1p": {**ratio, "prepare": {"target": "log1p"}}}
    told, _ = run(path, plain if task == "multiclass" else ratio, changes, folds=5, delta=0.0)
    assert [row["family"] for row in told["rows"]] == ["linear", "boosting"]
    assert told["rows"][0]["diff"] > 0
    assert all(row["failed"] == 0 for row in told["rows"])


def test_all_take_the_exams_of_the_first(path: Path, tmp_path: Path) -> None:
    """Without the only column that tells them apart all rows are copies; the exams stay those of the first recipe."""
    plain = recipe()
    fewer = {**plain, "types": {"town": "category"}}
    told, _ = run(path, plain, {"fewer": fewer}, folds=2, families=["linear"])
    assert told["rows"][0]["exams"] == 2
    with pytest.raises(DataProblem, match="other rows or labels"):
        run(path, plain, {"other": {**plain, "target": "level", "task": "multiclass", "positive": None}})


def test_many_rows_are_thinned_alike_for_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exams, "MOST_ROWS", 100)
    plain = recipe()
    told, _ = run(path, plain, {"ratio": with_ratio(plain)}, folds=4, families=["linear"])
    assert told["rows_used"] == 100
    assert told["rows"][0]["diff"] > 0
    y = np.repeat([0, 1], [900, 100])
    train = np.arange(0, 1000, 2)
    kept = exams.thinned(train, y, 3)
    assert len(kept) == 100
    assert len(np.unique(kept)) == 100
    assert set(kept) <= set(train)
    assert y[kept].sum() == 10, "a class keeps its share"


def test_too_few_rows_give_no_verdict_and_nothing_to_try_is_said(path: Path) -> None:
    plain = recipe()
    told, _ = run(path, plain, {"ratio": with_ratio(plain)}, tiny=True, folds=3)
    assert {row["verdict"] for row in told["rows"]} == {"unclear"}
    with pytest.raises(UsageProblem, match="at least one change"):
        run(path, plain, {})
    with pytest.raises(UsageProblem, match="no family 'net'"):
        run(path, plain, {"x": plain}, families=["net"])
    with pytest.raises(Cancelled):
        probe(
            {"recipe": plain, "changes": [{"name": "r", "recipe": with_ratio(plain)}], "families": ["linear"],
             "metric": "roc_auc"},
            Memory(path, stop_after=2),
        )  # fmt: skip
