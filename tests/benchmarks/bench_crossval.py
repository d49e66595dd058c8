"""Practice exams through the engine against the same folds in bare scikit-learn: at most 1.15 times the time.

    python tests/benchmarks/bench_crossval.py [CSV TARGET POSITIVE]

Both prepare, fit and predict the same pipelines on the same splits of a table that is already in memory; scikit-learn
scores ROC AUC and log loss, the engine every metric of the task, on test and training rows.  Without a file it takes
telco from ../shared/data, or made-up rows of that shape.  Each side runs five times in turn; the fastest counts.
Times are processor seconds, so that a busy machine does not blur them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline

from engine.evaluation.bench import open_bench
from engine.evaluation.crossval import cross_validate
from engine.models.catalogue import as_model, model_spec
from engine.models.pipeline import assemble, blocks
from engine.models.setting import Setting

LIMIT = 1.15
MODELS = ("logistic", "tree", "boosting")


class Here:
    """A context without a store."""

    data, seed, uses = "", 0, ()

    def __init__(self, path: Path) -> None:
        self.path = path

    def source(self) -> Path:
        return self.path

    def evidence(self, key: str) -> dict[str, Any]:
        raise KeyError(key)

    def report(self, progress: Any) -> None: ...

    def keep(self, content: bytes, media_type: str) -> str:
        return ""

    def fetch(self, digest: str) -> bytes:
        return b""


def made_up(path: Path, n: int = 5_000) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(4)})
    for i in range(14):
        frame[f"c{i}"] = rng.choice(["one", "two", "three", "four"], n)
    p = 1 / (1 + np.exp(1 - frame["x0"] - (frame["c0"] == "one")))
    frame["y"] = np.where(rng.random(n) < p, "Yes", "No")
    frame.to_csv(path, index=False)


def recipe_of(path: Path, target: str, positive: str) -> dict[str, Any]:
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    types = {}
    for name in raw.columns.drop(target):
        values = raw[name].str.strip()
        if values.nunique() == len(values) and not values.str.fullmatch(r"-?\d+(\.\d+)?").all():
            continue  # a key
        numeric = pd.to_numeric(values[values != ""], errors="coerce").notna().all()
        types[name] = "number" if numeric and values.nunique() > 2 else "category"
    return {
        "read": {},
        "target": target,
        "task": "binary",
        "positive": positive,
        "types": types,
        "marks": {},
        "keep_together": False,
        "split": {"kind": "stratified", "lockbox": 0.2, "seed": 0},
        "plan": {"folds": 5, "repeats": 2, "seed": 0},
        "prepare": {},
        "metric": "roc_auc",
    }


def bare(bench: Any, name: str) -> float:
    """Seconds of fit, predict and two scores on every fold, without the engine's walls."""
    spec, table = model_spec(name), bench.table
    pipelines = []
    for train, _ in bench.splits.folds:  # put together beforehand: only scikit-learn's own work is timed
        made = blocks(bench.recipe, spec.prepare, table.frame.iloc[train])
        prepare = assemble(made, spec.prepare, "binary", 0)
        codes = next((len(b.columns) for b in made if b.what == "codes"), 0)
        settings = spec.with_defaults(None)
        setting = Setting("binary", settings, len(train), 0, ("No", "Yes"), tuple(range(codes)), 0)
        pipelines.append(Pipeline([("prepare", prepare), ("model", spec.builder()(setting))]))
    started = time.process_time()
    for pipeline, (train, test) in zip(pipelines, bench.splits.folds, strict=True):
        model = clone(pipeline)
        X, y = table.frame.iloc[train], table.y[train]
        if spec.early_stop:
            from engine.data.splitting import inner_split

            inner, held = inner_split(table, train, bench.recipe, 0.1, 0)
            prepared = model[:-1].fit(X).transform(table.frame.iloc[np.r_[inner, held]])
            n = len(inner)
            model[-1].fit(prepared[:n], table.y[inner], X_val=prepared[n:], y_val=table.y[held])
        else:
            model.fit(X, y)
        said = model.predict_proba(table.frame.iloc[test])
        roc_auc_score(table.y[test], said[:, 1])
        log_loss(table.y[test], said)
    return time.process_time() - started


def engine(recipe: dict[str, Any], ctx: Any, name: str) -> float:
    started = time.process_time()
    cross_validate({"recipe": recipe, "model": as_model(name), "folds": None}, ctx)
    return time.process_time() - started


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        telco = Path(__file__).resolve().parents[3] / "shared" / "data" / "telco" / "train.csv"
        if arguments:
            path, target, positive = Path(arguments[0]), arguments[1], arguments[2]
        elif telco.exists():
            path, target, positive = telco, "Churn", "Yes"
        else:
            path, target, positive = Path(folder) / "made_up.csv", "y", "Yes"
            made_up(path)
        ctx, recipe = Here(path), recipe_of(path, target, positive)
        bench = open_bench({"recipe": recipe}, ctx)  # type: ignore[arg-type]
        engine(recipe, ctx, "logistic"), bare(bench, "logistic")  # imports
        worst = 0.0
        for name in MODELS:
            times = [(engine(recipe, ctx, name), bare(bench, name)) for _ in range(5)]
            ours, theirs = min(t[0] for t in times), min(t[1] for t in times)
            worst = max(worst, ours / theirs)
            print(f"{name:10} engine {ours:6.2f} s   bare scikit-learn {theirs:6.2f} s   ratio {ours / theirs:.2f}")
        print(f"worst ratio {worst:.2f}, limit {LIMIT}")
        return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
