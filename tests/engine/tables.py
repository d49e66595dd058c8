"""Small real tables on disk, the recipes that read them, and a context without a store, for tests of trials."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.records import Progress


class Memory:
    """A trial's context that keeps everything in memory."""

    def __init__(self, path: Path, seed: int = 0, stop_after: int | None = None) -> None:
        self.path, self.data, self.seed, self.uses = path, "here", seed, ()
        self.progress: list[Progress] = []
        self.artifacts: dict[str, bytes] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.stop_after = stop_after

    def source(self) -> Path:
        return self.path

    def evidence(self, key: str) -> dict[str, Any]:
        return self.known[key]

    def report(self, progress: Progress) -> None:
        from engine.errors import Cancelled

        self.progress.append(progress)
        if self.stop_after is not None and len(self.progress) >= self.stop_after:
            raise Cancelled("stopped")

    def keep(self, content: bytes, media_type: str) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.artifacts[digest] = content
        return digest

    def fetch(self, digest: str) -> bytes:
        return self.artifacts[digest]


TYPES = {
    "age": "number",
    "income": "number",
    "plan": "category",
    "member": "yes_no",
    "since": "date",
    "note": "text",
    "zip": "category",
}


def customers(path: Path, n: int = 300, seed: int = 0, task: str = "binary") -> Path:
    """Rows with every type of column, empty cells in all of them, and a target that age and plan explain in part."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n).astype(float)
    plan = rng.choice(["basic", "gold, with extras", "[red]pro"], n, p=[0.6, 0.3, 0.1])
    score = (age - 50) / 15 + (plan == "basic") + rng.normal(0, 0.7, n)
    frame = pd.DataFrame(
        {
            "age": age,
            "income": np.exp(rng.normal(10, 1, n)).round(2),
            "plan": plan,
            "member": rng.choice(["yes", "no"], n),
            "since": pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, n), "D"),
            "note": rng.choice(["likes the service a lot", "called twice about the bill", "never answers calls"], n),
            "zip": rng.integers(1000, 1120, n).astype(str),
        }
    ).astype(object)
    for column in ("age", "plan", "member", "since", "note"):
        frame.loc[rng.random(n) < 0.05, column] = None
    target = {
        "binary": np.where(score > 0.6, "stay", "leave"),
        "multiclass": np.select([score < -0.3, score < 1.0], ["low", "mid"], "high"),
        "regression": (100 + 20 * score).round(3),
    }[task]
    frame["target"] = target
    frame.to_csv(path, index=False)
    return path


def recipe(task: str = "binary", **changes: Any) -> dict[str, Any]:
    metric = {"binary": "roc_auc", "multiclass": "f1_macro", "regression": "rmse"}[task]
    return {
        "read": {},
        "target": "target",
        "task": task,
        "positive": "leave" if task == "binary" else None,
        "types": TYPES,
        "marks": {},
        "group": None,
        "time": None,
        "keep_together": False,
        "split": {"kind": "random" if task == "regression" else "stratified", "lockbox": 0.2, "seed": 0},
        "plan": {"folds": 3, "repeats": 1, "seed": 0},
        "prepare": {},
        "costs": None,
        "metric": metric,
        **changes,
    }


def sales(path: Path, shops: int = 1, months: int = 72, seed: int = 0) -> Path:
    """Monthly sales with trend and season, a price that is known ahead and visitors that are not; a column of shops
    where there are several, each of its own size."""
    rng = np.random.default_rng(seed)
    at = np.arange(months)
    parts = []
    for shop in range(shops):
        size = 100 * 5.0**shop
        price = 10 + rng.integers(-2, 3, months)
        sold = size * (1 + 0.01 * at + 0.3 * np.sin(2 * np.pi * at / 12) - 0.05 * (price - 10))
        sold += rng.normal(0, 0.03 * size, months)
        part = {"month": pd.date_range("2015-01-01", periods=months, freq="MS").strftime("%Y-%m-%d"), "sold": sold}
        part |= {"price": price, "visitors": sold * 3 + rng.normal(0, 0.1 * size, months)}
        parts.append(pd.DataFrame({"shop": f"shop {shop + 1}", **part} if shops > 1 else part))
    pd.concat(parts).round(3).to_csv(path, index=False)
    return path


def series_recipe(horizon: int = 3, **changes: Any) -> dict[str, Any]:
    """Of `sales`.  The keys of `series` may be given by name."""
    said = {"time": "month", "id": None, "horizon": horizon, "season": 12, "window": 12, "frequency": "months"}
    said |= {"gaps": "interpolate", "known": ["price"], "shape": "long"}
    said |= {key: changes.pop(key) for key in [*said, "duplicated"] if key in changes}
    return recipe("regression") | {
        "task": "forecast",
        "material": "series",
        "metric": "mase",
        "target": "sold",
        "types": {"price": "number", "visitors": "number"},
        "keep_together": True,
        "split": {"kind": "origins", "lockbox": 1, "seed": 0},
        "plan": {"origins": 4, "step": horizon, "seed": 0},
        "series": said,
        **changes,
    }
