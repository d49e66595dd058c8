"""Small tables with one trait each, for tests of what the guide recommends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def signal(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.random.Generator]:
    """Two numbers, a category, and the score that they explain."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "tenure": rng.integers(0, 72, n),
            "charge": rng.normal(60, 20, n).round(2),
            "contract": rng.choice(["monthly", "yearly", "two years"], n, p=[0.5, 0.3, 0.2]),
        }
    )
    score = -frame["tenure"] / 20 + frame["charge"] / 30 + (frame["contract"] == "monthly") + rng.normal(0, 1, n)
    return frame, score.to_numpy(), rng


def rare(path: Path, n: int = 600, share: float = 0.1) -> Path:
    """One row in ten leaves; a key, a copy of the answer, and a date of each row."""
    frame, score, rng = signal(n)
    left = score > np.quantile(score, 1 - share)
    frame.insert(0, "customer_id", [f"C-{i:06d}" for i in rng.permutation(n)])
    frame["account_closed"] = np.where(left, "y", "n")
    frame["left"] = np.where(left, "yes", "no")
    frame.to_csv(path, index=False)
    return path


def classes(path: Path, shares: tuple[float, ...], n: int = 400) -> Path:
    frame, score, _ = signal(n)
    cuts = np.quantile(score, np.cumsum(shares)[:-1])
    frame["kind"] = np.asarray(["low", "mid", "high", "top", "peak"])[np.searchsorted(cuts, score)]
    frame.to_csv(path, index=False)
    return path


def visits(path: Path, n: int = 600) -> Path:
    """Each patient comes back five times; a date says when."""
    frame, score, rng = signal(n)
    frame.insert(0, "patient_id", [f"P{i:04d}" for i in rng.permutation(np.repeat(np.arange(n // 5), 5))])
    frame["seen"] = (pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(n), "D")).strftime("%Y-%m-%d")
    frame["ill"] = np.where(score > np.median(score), "yes", "no")
    frame.to_csv(path, index=False)
    return path


def numbers(path: Path, n: int = 400) -> Path:
    frame, score, _ = signal(n)
    frame["price"] = (100 + 20 * score).round(2)
    frame.to_csv(path, index=False)
    return path


def pairs(path: Path, n: int = 1500) -> Path:
    """Two columns that only tell something together: a line sees nothing."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 3)).round(4)
    odds = 4 * x[:, 0] * x[:, 1] + x[:, 2] / 2
    frame = pd.DataFrame(x, columns=["east", "north", "height"])
    frame["hit"] = np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), "yes", "no")
    frame.to_csv(path, index=False)
    return path
