"""The claim against the truth: what a session says of its model, and what the model then does on rows nobody kept back.

    python -m tests.benchmarks.bench_claims [--seeds N] [CSV::TARGET ...]

Each table is cut at random: 70 % goes up the ladder without anybody being asked, the other 30 % is the truth, but for
rows that are copies of rows of the first part: these can be remembered, and say nothing of rows to come.  The
model that leaves predicts the truth, and its score there is held against the claim of the final exam: the difference
over the combined standard error, which should exceed 1.96 in one case of twenty.  Beside it stand the same rows scored
by plain scikit-learn, skrub's tabular pipelines with library defaults: linear, forest, boosting.  Scores are in the
session's own metric; memory is what the whole tree of processes held at most, shared pages counted once.

Without files it takes the tables bundled with scikit-learn, and those of ../shared/data where they are.  It takes
minutes for each table: it is not part of `python -m tests.benchmarks` unless CLAIMS=1 is set.

Other programs run beside it where RIVALS names a Python that has them, each with the seconds that the session took and
after the session's metric (see `rivals`):  RIVALS="flaml=PYTHON mljar=PYTHON autogluon=PYTHON".
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from engine.evaluation.intervals import bootstrap
from engine.evaluation.metrics import Weighted, weighted_metrics
from engine.metrics import BY_NAME
from engine.models import persist

SHARED = Path(os.environ.get("SHARED") or Path(__file__).resolve().parents[3] / "shared" / "data")
SHARE_OF_TRUTH = 0.3
BEYOND = 1.96
LIMIT = 0.95  # of the claims that hold
ANSWER = "the answer"
MOST_ROWS = 8_000  # of a larger table, so many are drawn


@dataclass(frozen=True)
class Problem:
    name: str
    frame: pd.DataFrame
    target: str


@dataclass(frozen=True)
class Rival:
    value: float
    better: bool  # by more than what the rows can blame on chance


@dataclass(frozen=True)
class Outcome:
    name: str
    metric: str
    claim: float
    se: float
    truth: float
    truth_se: float
    model: str
    seconds: float
    rivals: Mapping[str, Rival]

    @property
    def z(self) -> float:
        return abs(self.truth - self.claim) / max(np.hypot(self.se, self.truth_se), 1e-12)


def bundled() -> Iterator[Problem]:
    from sklearn import datasets

    for name in ("breast_cancer", "wine", "iris", "diabetes", "digits"):
        loaded: Any = getattr(datasets, f"load_{name}")(as_frame=True)
        yield Problem(name, loaded.frame.rename(columns={"target": "answer"}), "answer")
    for task in sorted(SHARED.glob("*/task.json")):
        said = json.loads(task.read_text())
        if said["task"] in ("binary", "multiclass", "regression") and (task.parent / "train.csv").exists():
            parts = [
                pd.read_csv(task.parent / f"{part}.csv", dtype=str, keep_default_na=False) for part in ("train", "test")
            ]
            yield Problem(said["name"], pd.concat(parts), said["target"])


def given(argument: str) -> Problem:
    path, _, target = argument.rpartition("::")
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return Problem(Path(path).stem, frame, target)


def outcome(problem: Problem, seed: int, folder: Path) -> Outcome | None:
    frame = problem.frame.sample(frac=1, random_state=seed).head(MOST_ROWS)
    cut = round(SHARE_OF_TRUTH * len(frame))
    truth, seen = _unseen(frame.iloc[:cut], frame.iloc[cut:], problem.target), frame.iloc[cut:]
    truth.to_csv(folder / "truth.csv", index=False)
    seen.to_csv(folder / "seen.csv", index=False)
    store = folder / f"{problem.name}.db"
    rungwise = [sys.executable, "-m", "tui.cli", "--store", str(store)]
    climb = [*rungwise, "run", str(folder / "seen.csv"), "--target", problem.target, "--name", "claims"]
    done, seconds = _run("rungwise", [*climb, "--accept-recommended", "--skip-deep", "--json", "-q"])
    told = json.loads(done) if done else None
    claim = (told or {}).get("lockbox")
    if not told or not claim or claim["low"] is None:
        return None
    out = folder / "predictions.csv"
    subprocess.run(
        [*rungwise, "predict", "claims", str(folder / "truth.csv"), "-o", str(out)], check=True, capture_output=True
    )
    said = pd.read_csv(out, dtype={"prediction": str})
    task, metric = told["task"], claim["metric"]
    labels = sorted(c.removeprefix("proba_") for c in said.columns if c.startswith("proba_"))
    recipe = _recipe(store)
    labels = [str(label) for label in (recipe["labels"] or labels)]
    y = _merged(truth[problem.target], labels, recipe).to_numpy()
    kept = np.isin(y, labels) if labels else np.array([_number(text) is not None for text in y])
    codes = np.array([labels.index(text) for text in y[kept]]) if labels else y[kept].astype(float)
    ours = said[[f"proba_{label}" for label in labels]] if labels else said["prediction"].astype(float)
    rivals = dict(_rivals(problem, seen, truth[kept], labels, recipe, seconds, metric))
    value, se, others = Truth(task, labels, codes, metric, recipe).compare(ours.to_numpy(dtype=float)[kept], rivals)
    return Outcome(
        problem.name, metric, claim["value"], (claim["high"] - claim["low"]) / (2 * 1.96), value, se,
        told["rungs"][-1]["model"], seconds, others,
    )  # fmt: skip


def _unseen(truth: pd.DataFrame, seen: pd.DataFrame, target: str) -> pd.DataFrame:
    """The rows of `truth` whose inputs stand in no row of `seen`."""
    inputs = [column for column in seen if column != target]
    fresh = ~pd.MultiIndex.from_frame(truth[inputs]).isin(pd.MultiIndex.from_frame(seen[inputs]))
    if not fresh.all():
        print(f"   {len(truth) - fresh.sum()} of {len(truth)} rows are copies of rows seen: left out", flush=True)
    return truth[fresh]


def _run(name: str, command: list[str], folder: str = ".") -> tuple[str, float]:
    """What a program printed ("" where it failed), and its seconds; says these and the memory that it took."""
    started, most = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, stdout=out, stderr=errors, cwd=folder) as program:
            while program.poll() is None:
                most = max(most, _held(program.pid))
                time.sleep(0.5)
        seconds = time.perf_counter() - started
        out.seek(0)
        errors.seek(0)
        told = out.read()
        if program.returncode:
            print(f"   {name}: {((errors.read() or told).strip() or '?').splitlines()[-1]}", flush=True)
            return "", seconds
    print(f"   {name}: {seconds:.0f} s, {most / 1e6:,.0f} MB", flush=True)
    return told or " ", seconds


def _held(pid: int) -> float:
    """Bytes that a process and all below it hold."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += getattr(process.memory_full_info(), "pss", 0) or process.memory_info().rss
    return total


def _recipe(store: Path) -> dict[str, Any]:
    """What the model that left learned from, and its classes in order, negative first."""
    with contextlib.closing(sqlite3.connect(store)) as db:
        (content,) = db.execute("select content from artifact where media_type = ?", [persist.MEDIA_TYPE]).fetchone()
    artifact = persist.loads(content)
    return {**artifact.recipe, "labels": artifact.fitted.labels}


@dataclass(frozen=True)
class Truth:
    """The rows that nobody kept back, and how answers about them are scored."""

    task: str
    labels: list[str]
    y: np.ndarray
    metric: str
    recipe: Mapping[str, Any]

    def scorer(self, said: np.ndarray) -> Weighted:
        """said: (n, K) probabilities, or (n,) values."""
        proba, values = (said, None) if self.labels else (None, said)
        scored = weighted_metrics(
            self.task, self.labels, 1, self.y, proba, values, self.recipe.get("costs"),
            capacity=self.recipe.get("capacity"),
        )  # fmt: skip
        return scored[self.metric]

    def compare(self, ours: np.ndarray, rivals: Mapping[str, np.ndarray]) -> tuple[float, float, dict[str, Rival]]:
        """Our score, its standard error, and each rival's score with whether it is measurably better than ours: the
        95 % interval of the difference, on the same resamples, lies above 0."""
        scores = {"ours": self.scorer(ours), **{name: self.scorer(said) for name, said in rivals.items()}}
        found = bootstrap(scores, len(self.y), seed=0, B=1000)
        oriented = np.asarray(BY_NAME[self.metric].oriented(found.draws))
        se = float(np.nanstd(found.draws[:, 0]))
        if self.metric == "accuracy":  # a share of 1 has no spread to resample
            right, n = found.values[0] * len(self.y), len(self.y)
            share = (right + 2) / (n + 4)
            se = max(se, float(np.sqrt(share * (1 - share) / (n + 4))))
        others = {
            name: Rival(float(found.values[k]), bool(np.nanpercentile(oriented[:, k] - oriented[:, 0], 2.5) > 0))
            for k, name in enumerate(rivals, start=1)
        }
        return float(found.values[0]), se, others


def _rivals(
    problem: Problem, seen: pd.DataFrame, truth: pd.DataFrame, labels: list[str], recipe: Mapping[str, Any],
    seconds: float, metric: str,
) -> Iterator[tuple[str, np.ndarray]]:  # fmt: skip
    """What plain models say of the truth: (n, K) probabilities, or (n,) values."""
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from skrub import Cleaner, tabular_pipeline

    answers = _merged(pd.Series(seen[problem.target]), labels, recipe)
    known = np.isin(answers, labels) if labels else np.ones(len(seen), dtype=bool)
    seen, goal = seen.loc[known], pd.Series(answers[known])
    cleaner = Cleaner()
    left = sorted(set(seen.columns) - set(recipe["types"]))  # ids and leaks that the session left out: a fair race
    X = cleaner.fit_transform(seen.drop(columns=left).replace({"": None, "?": None}))
    X_truth = cleaner.transform(truth.drop(columns=left, errors="ignore").replace({"": None, "?": None}))
    y_seen = np.array([labels.index(t) for t in goal]) if labels else goal.astype(float).to_numpy()
    models: dict[str, Any] = (
        {
            "linear": LogisticRegression(max_iter=2000),
            "forest": RandomForestClassifier(random_state=0),
            "boosting": HistGradientBoostingClassifier(random_state=0),
        }
        if labels
        else {
            "linear": RidgeCV(),
            "forest": RandomForestRegressor(random_state=0),
            "boosting": HistGradientBoostingRegressor(random_state=0),
        }
    )
    pipelines = {name: tabular_pipeline(model) for name, model in models.items()}
    for name, pipeline in pipelines.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline.fit(X, y_seen)
            yield name, pipeline.predict_proba(X_truth) if labels else pipeline.predict(X_truth)
    yield from _others(X, y_seen, X_truth, labels, seconds, metric)


def _others(
    seen: pd.DataFrame, y: np.ndarray, truth: pd.DataFrame, labels: list[str], seconds: float, metric: str
) -> Iterator[tuple[str, np.ndarray]]:
    """What other programs say of the truth, each in its own environment."""
    for name, _, python in (word.partition("=") for word in os.environ.get("RIVALS", "").split()):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            seen.assign(**{ANSWER: y}).to_csv(folder / "seen.csv", index=False)
            truth.to_csv(folder / "truth.csv", index=False)
            job = {"metric": metric, "labels": labels, "target": ANSWER, "seconds": max(10, round(seconds))}
            (folder / "job.json").write_text(json.dumps(job))
            script = Path(__file__).with_name("rivals.py").absolute()
            if not _run(name, [python, str(script), name, place], place)[0]:
                continue
            said = pd.read_csv(folder / "said.csv").to_numpy(dtype=float)
            yield name, said if labels else said[:, 0]


def _merged(answers: pd.Series, labels: list[str], recipe: Mapping[str, Any]) -> pd.Series:
    """The answers as texts, with those classes as one that the session put together."""
    texts = answers.astype(str).str.strip()
    together = (recipe.get("rare") or {}).get("as")
    return texts.where(texts.isin(labels), str(together)) if together in labels else texts


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def shown(o: Outcome) -> str:
    rivals = ", ".join(f"{name} {r.value:.4g}{' (better)' if r.better else ''}" for name, r in o.rivals.items())
    return (
        f"{o.name:16} {o.metric:18} claim {o.claim:.4g} ± {1.96 * o.se:.2g}  "
        f"truth {o.truth:.4g} ± {1.96 * o.truth_se:.2g}  z {o.z:.2f}  {o.model}, {o.seconds:.0f} s; {rivals}"
    )


def main() -> None:
    arguments = sys.argv[1:]
    seeds = int(arguments.pop(arguments.index("--seeds") + 1)) if "--seeds" in arguments else 1
    arguments = [a for a in arguments if a != "--seeds"]
    if not arguments and not os.environ.get("CLAIMS"):
        print("Left out: it takes minutes a table. Set CLAIMS=1, or name files as PATH::TARGET.")
        return
    outcomes: list[Outcome] = []
    for problem in map(given, arguments) if arguments else bundled():
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                found = outcome(problem, seed, Path(folder))
            print(shown(found) if found else f"{problem.name:16} made no claim", flush=True)
            outcomes += [found] if found else []
    if not outcomes:
        sys.exit("No claim was made.")
    held = np.mean([o.z <= BEYOND for o in outcomes])
    level = np.mean([not any(r.better for r in o.rivals.values()) for o in outcomes])
    print(f"\n{held:.0%} of {len(outcomes)} claims hold within 1.96 combined standard errors (wanted: {LIMIT:.0%});")
    print(f"no plain model is measurably better on {level:.0%}.")
    sys.exit(bool(held < LIMIT))


if __name__ == "__main__":
    main()
