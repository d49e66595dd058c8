"""Another program on the tables of `bench_claims`, run by the Python of its own environment, knowing none of ours.

    PYTHON rivals.py flaml|mljar|autogluon FOLDER

FOLDER holds `job.json` (metric, labels, target, seconds), `seen.csv` to learn from and `truth.csv` to answer.  Writes
`said.csv` there: a column per label of probabilities, in their order, or one of values.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

AIMS: Mapping[str, Mapping[str, str]] = {  # the session's metric in their words; what they lack is left to them
    "flaml": {
        "roc_auc": "roc_auc", "roc_auc many": "roc_auc_ovr", "average_precision": "ap", "log_loss": "log_loss",
        "accuracy": "accuracy", "f1": "f1", "f1_macro": "macro_f1", "mae": "mae", "rmse": "rmse", "r2": "r2",
    },
    "mljar": {
        "roc_auc": "auc", "average_precision": "average_precision", "log_loss": "logloss", "accuracy": "accuracy",
        "f1": "f1", "f1_macro": "f1", "mae": "mae", "rmse": "rmse", "r2": "r2",
    },
    "autogluon": {
        "roc_auc": "roc_auc", "roc_auc many": "roc_auc_ovr_macro", "average_precision": "average_precision",
        "log_loss": "log_loss", "accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "f1": "f1",
        "f1_macro": "f1_macro", "mae": "mean_absolute_error", "rmse": "root_mean_squared_error", "r2": "r2",
    },
}  # fmt: skip


def flaml(job: Mapping[str, Any], aim: str | None, X: pd.DataFrame, y: pd.Series, asked: pd.DataFrame) -> Any:
    """It is given numbers: its own encoding (2.7) takes every column of pandas 3 for a category that is new."""
    numbers, coded = _as_numbers(X, asked)
    task = "classification" if job["labels"] else "regression"
    search = importlib.import_module("flaml").AutoML()
    search.fit(numbers, y.to_numpy(), task=task, metric=aim or "auto", time_budget=job["seconds"], verbose=0, seed=0)
    return search.predict_proba(coded) if job["labels"] else search.predict(coded)


def mljar(job: Mapping[str, Any], aim: str | None, X: pd.DataFrame, y: pd.Series, asked: pd.DataFrame) -> Any:
    search = importlib.import_module("supervised.automl").AutoML(
        results_path=str(Path(sys.argv[2]) / "mljar"), mode="Perform", total_time_limit=job["seconds"],
        eval_metric=aim or "auto", random_state=0, verbose=0,
    )  # fmt: skip
    search.fit(X, y)
    return search.predict_proba(asked) if job["labels"] else search.predict(asked)


def autogluon(job: Mapping[str, Any], aim: str | None, X: pd.DataFrame, y: pd.Series, asked: pd.DataFrame) -> Any:
    search = importlib.import_module("autogluon.tabular").TabularPredictor(
        "the answer", eval_metric=aim, path=str(Path(sys.argv[2]) / "autogluon"), verbosity=0,
        problem_type=None if job["labels"] else "regression",
    )  # fmt: skip
    search.fit(X.assign(**{"the answer": y.to_numpy()}), time_limit=job["seconds"], presets="best_quality")
    if not job["labels"]:
        return search.predict(asked).to_numpy()
    return search.predict_proba(asked)[sorted(y.unique())].to_numpy()


def _as_numbers(X: pd.DataFrame, asked: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Levels as their place in the order of what was learned from; empty cells as the median."""
    told = []
    for frame in (X, asked):
        made = {}
        for column in X.columns:
            if pd.api.types.is_numeric_dtype(X[column]):
                made[column] = pd.to_numeric(frame[column], errors="coerce")
            else:
                kept = pd.Categorical(frame[column], categories=sorted(X[column].dropna().astype(str).unique()))
                made[column] = pd.Series(kept.codes, index=frame.index).astype(float).where(kept.codes >= 0)
        told.append(pd.DataFrame(made).to_numpy(dtype=np.float64))
    usual = np.nan_to_num(np.nanmedian(told[0], axis=0))  # some of its models take no empty cells
    return np.where(np.isnan(told[0]), usual, told[0]), np.where(np.isnan(told[1]), usual, told[1])


RIVALS: Mapping[str, Callable[..., Any]] = {"flaml": flaml, "mljar": mljar, "autogluon": autogluon}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    job = json.loads((folder / "job.json").read_text())
    seen, asked = pd.read_csv(folder / "seen.csv"), pd.read_csv(folder / "truth.csv")
    y, X = seen[job["target"]], seen.drop(columns=job["target"])
    asked = asked[X.columns]
    many = " many" if len(job["labels"]) > 2 else ""
    aims = AIMS[name]
    aim = aims.get(f"{job['metric']}{many}", aims.get(job["metric"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = np.asarray(RIVALS[name](job, aim, X, y, asked), dtype=float)
    pd.DataFrame(said).to_csv(folder / "said.csv", index=False)


if __name__ == "__main__":
    main()
