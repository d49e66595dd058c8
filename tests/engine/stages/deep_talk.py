"""A session that stands before the deep stage, and evidence that is made up by rule: every room of the stage without a
single training.  Comparisons and means over seeds are the real ones, of made-up exams."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.answerers import accept_recommended, from_plan
from engine.conductor import Asking, Conductor, Finished, Measuring, Stage, Waiting
from engine.evaluation.agreement import agreement
from engine.evaluation.comparison import compare
from engine.evaluation.seeds import seeds
from engine.models.catalogue import as_model, key_of
from engine.models.networks.layers import Inputs
from engine.models.networks.spec import declared
from engine.records import GENESIS, Check, Decision, Evidence, Json, Trial
from engine.runners.context import RunContext, Workplace
from engine.session import Session
from engine.stages.deep import DEEP
from tests.engine.walking import MemoryArtifacts, MemoryEvidence, MemoryJournal

OWN = "Surveyors expect one smooth surface here, and fifteen hundred measured rows are held"
J, FOLDS = 10, 5

MATERIALS: Mapping[str, dict[str, Json]] = {
    "table": {"task": "binary", "metric": "roc_auc", "candidates": ["logistic", "boosting"], "champion": "logistic"},
    "text": {"task": "binary", "metric": "accuracy", "candidates": ["logistic", "boosting"], "champion": "logistic"},
    "image": {"task": "multiclass", "metric": "accuracy", "candidates": ["logistic", "forest"], "champion": "forest"},
    "series": {"task": "forecast", "metric": "mae", "candidates": ["ridge", "boosting"], "champion": "ridge"},
}
INPUTS: Mapping[str, Inputs] = {
    "table": Inputs("table", (10,)),
    "terms": Inputs("terms", (2_000,)),
    "tokens": Inputs("tokens", (120,), rows=900),
    "window": Inputs("window", (24, 1), horizon=6),
    "picture": Inputs("picture", (8, 8, 1)),
}


def say(question: str, choice: Json, subject: str = "", **changes: Any) -> Decision:
    values: dict[str, Any] = {
        "stage": "simple", "question": question, "subject": subject, "prompt": "", "options": (), "recommended": None,
        "reason": "", "choice": choice, "why": OWN, "why_author": "person", "why_verdict": "ok", "author": "person",
        "overruled": False, "level": "", "flags": (), "check": None, "evidence": (), "asked": "", "decided_at": "",
        "seconds": 1.0, "environment": "e",
    }  # fmt: skip
    return Decision(**(values | changes))


def before(material: Any = "table", dev: Any = 4_000, **answers: Json) -> list[Decision]:
    """What was decided before the deep stage.  answers: of further questions, `id` or `id:subject`; those of a session
    that would pass the gate stand already."""
    how = MATERIALS[material]
    plan = {"origins": J, "step": 6, "seed": 0} if material == "series" else {"folds": FOLDS, "repeats": 2, "seed": 0}
    types = {"image": {"p_0_0": "number"}, "text": {"text": "text"}}.get(material, {"x1": "number", "x2": "number"})
    model = as_model(how["champion"])
    rung = Check(how["metric"], 0.8, 0.79, 0.81, details={"rung": how["champion"], "model": model})
    stands: dict[str, Json] = {
        "problem.target": "y", "problem.task": how["task"], "problem.metric": how["metric"],
        "problem.material": material,
        "problem.domain": "The foreman: east and north act as a pair.", "problem.smallest_gain": 0.01,
        "problem.success": 0.99 if material != "series" else 0.01, "data.types": types, "split.plan": plan,
        "split.kind": "origins" if material == "series" else "stratified", "simple.candidates": how["candidates"],
        "improve.learning_curve": "better features or another family", "improve.errors": "accept",
        "project.pace": "quick",
    }  # fmt: skip
    if material == "series":
        stands |= {"problem.horizon": 6, "data.series": {"window": 24, "season": 12}, "data.known_ahead": ["price"]}
    stands |= answers
    made = []
    for name, choice in stands.items():
        question, _, subject = name.partition(":")
        made.append(choice if isinstance(choice, Decision) else say(question, choice, subject))
    drawn = Check("exams", J, details={"dev": dev, "tiny": False, "too_tiny": False})
    return [*made, say("split.drawn", "drawn", check=drawn), say("simple.champion", how["champion"], check=rung)]


@dataclass
class World:
    """What the made-up trials say.  skill: mean score by model name (of a network also “name:widths” or “name×seed”);
    noise: of an exam; spread: of a seed; more: {kind: changes of the value} or a function of the trial; broken: kinds,
    and beginnings of labels, of what cannot be computed."""

    material: str = "table"
    skill: dict[str, float] = field(default_factory=dict)
    noise: float = 0.004
    spread: float = 0.001
    p95: dict[str, float] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    rows: int = 4_000
    gap: float = 0.1
    best_epoch: int = 12
    asked: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryEvidence()
        self.place = Workplace(self.store, MemoryArtifacts(), None)  # type: ignore[arg-type]

    # -- what each kind returns ------------------------------------------------------------------------------------

    def compute(self, trial: Trial) -> Evidence:
        self.asked.append(trial)
        if trial.kind in self.broken or trial.label.startswith(tuple(f"{name}:" for name in self.broken)):
            return Evidence(trial.key, trial.kind, {}, error=f"{trial.kind} is broken.")
        plain = getattr(self, f"_{trial.kind}")(trial)
        change: Any = self.more.get(trial.kind)
        value: Any = change(trial, plain) if callable(change) else {**plain, **(change or {})}
        return Evidence(trial.key, trial.kind, value)

    def mean_of(self, what: Mapping[str, Json]) -> float:
        name = str(what["name"])
        widths = (what.get("settings") or {}).get("widths")
        floor = {"series": 1.5}.get(self.material, 0.5)
        return self.skill.get(f"{name}:{widths}", self.skill.get(name, floor))

    def _cross_validate(self, trial: Trial) -> dict[str, Json]:
        what = trial.params["model"]
        mine = zlib.crc32(f"{key_of(what)}{what.get('settings')}{trial.seed}".encode())
        metric = MATERIALS[self.material]["metric"]
        exams = np.random.default_rng(1).normal(0, 2 * self.noise, J)  # hard and easy ones, the same for all
        own = np.random.default_rng(mine).normal(0, self.noise / 4, J)
        luck = np.random.default_rng(mine + 1).normal(0, self.spread) if trial.seed else 0.0
        n = trial.params.get("folds") or J
        scores = (self.mean_of(what) + exams + own + luck)[:n].tolist()
        value = float(np.mean(scores))
        network = "widths" in (what.get("settings") or {})
        classes = {"multiclass": ["a", "b", "c"], "binary": ["no", "yes"]}.get(MATERIALS[self.material]["task"], [])
        per_class = [
            {"label": c, "precision": 0.8, "recall": 0.7 + 0.1 * i, "f1": 0.75, "support": self.rows // len(classes)}
            for i, c in enumerate(classes)
        ]
        net = {"net": self._course(what)} if network else {}
        oof = self.place.artifacts.keep(self._answers(mine), "application/x-npz")
        return {
            "model": dict(what), "metric": metric, "value": value, "low": value - 0.01, "high": value + 0.01,
            "scores": {metric: scores, "log_loss": [0.5] * n, "rmse": [1.0] * n},
            "intervals": {metric: [value, value - 0.01, value + 0.01]},
            "J": n, "rho": 0.25, "ordered": self.material == "series", "plan_hash": "plan",
            "n_train": [self.rows * 4 // 5] * n,
            "n_test": [self.rows // 5] * n, "train_scores": {metric: [value] * n}, "fit_seconds": [1.0] * n,
            "predict_seconds": [0.1] * n, "cpu_seconds": [1.0] * n, "parameters": self._size(what), "features": 10,
            "failures": [], "notes": [], "per_class": per_class, "oof": oof, **net,
        }  # fmt: skip

    def _size(self, what: Mapping[str, Json]) -> int:
        settings = what.get("settings") or {}
        if "widths" not in settings:
            return 11
        network = declared(str(what["name"]), {"widths": settings["widths"]})
        return network.count(INPUTS[network.takes], 2).parameters

    def _course(self, what: Mapping[str, Json]) -> dict[str, Json]:
        held = 0.4
        rate = float(what["settings"].get("dropout") or 0.0)
        train = held * (1 - max(0.0, self.gap - rate / 2))
        curve = [
            {"epoch": e, "train loss": 0.7 if not e else train, "validation loss": 0.7 if not e else held}
            for e in range(self.best_epoch + 3)
        ]
        return {"curve": curve, "epochs": self.best_epoch + 2, "best_epoch": self.best_epoch, "batch": 64, "steps": 99}

    def _answers(self, seed: int) -> bytes:
        import io

        rng = np.random.default_rng(seed)
        n, k = 60, {"multiclass": 3, "binary": 2}.get(MATERIALS[self.material]["task"], 0)
        scores = rng.dirichlet(np.ones(k), n) if k else rng.normal(size=n)
        buffer = io.BytesIO()
        np.savez(buffer, positions=np.arange(n), fold=np.zeros(n, dtype=np.int32), scores=scores)
        return buffer.getvalue()

    def _latency(self, trial: Trial) -> dict[str, Json]:
        p95 = self.p95.get(str(trial.params["model"]["name"]), 0.2)
        return {"p50_ms": p95 / 2, "p95_ms": p95, "p99_ms": 2 * p95, "model_bytes": 1, "parameters": 11}

    def _device(self, trial: Trial) -> dict[str, Json]:
        timings = [{"device": "cpu", "name": "A processor", "ms_per_step": 1.0}]
        why = "CPU: 1 ms a step; no GPU was found."
        return {"timings": timings, "excluded": [], "chosen": "cpu", "why": why, "batch": trial.params["batch"],
                "parameters": 1, "versions": {}}  # fmt: skip

    def _inputs(self, trial: Trial) -> dict[str, Json]:
        return {"inputs": {n: INPUTS[declared(n).takes].as_dict() for n in trial.params["names"]}, "left_out": {}}

    def _shape(self, trial: Trial) -> dict[str, Json]:
        spec = [
            {
                "what": "inputs",
                "shape": "(batch, features 10)",
                "type": "float32",
                "low": -1.0,
                "high": 1.0,
                "means": "columns",
            }
        ]
        checks = [{"title": "every value is a number", "passed": True, "found": "all are numbers"}]
        return {
            "spec": spec,
            "checks": checks,
            "sides": "batch: rows of one step.",
            "rows_digest": "d",
            "rows": [1, 2, 3],
        }

    def _rate(self, trial: Trial) -> dict[str, Json]:
        curve = [[10.0**-k, 0.7 - 0.05 * (6 - k)] for k in range(6, 0, -1)]
        return {"curve": curve, "suggested": 1.5e-3, "held": 1.5e-3, "diverged": 0.5, "widened": False}

    def _sanity(self, trial: Trial) -> dict[str, Json]:
        checks = [
            {"id": f"C{i}", "title": f"check {i}", "passed": True, "value": 0.1, "expected": 0.2, "hint": ""}
            for i in range(9)
        ]
        return {"checks": checks, "passed": 9, "of": 9, "failed": [], "network": trial.params["model"]["name"]}

    def _target(self, trial: Trial) -> dict[str, Json]:
        return {"slice": trial.params["slice"], "rows": 120, "loss": "log loss", "before": 0.4, "after": 0.3,
                "diff": 0.1, "lower": 0.05, "verdict": "better", "exams": 10, "rest_before": 0.3,
                "rest_after": 0.3}  # fmt: skip

    def _profile(self, trial: Trial) -> dict[str, Json]:
        columns = [{"name": "text", "words": 40.0, "distinct": 9}, {"name": "shop", "distinct": 4}]
        return {"rows": self.rows, "columns": columns, "read": trial.params["read"]}

    def _race(self, trial: Trial) -> dict[str, Json]:
        return {"stopped": [], "alpha": 0.01}

    def _real(self, function: Any, trial: Trial) -> dict[str, Json]:
        return function(dict(trial.params), RunContext(trial, self.place))

    def _compare(self, trial: Trial) -> dict[str, Json]:
        return self._real(compare, replace(trial, params={k: v for k, v in trial.params.items() if k != "recipe"}))

    def _seeds(self, trial: Trial) -> dict[str, Json]:
        return self._real(seeds, trial)

    def _agreement(self, trial: Trial) -> dict[str, Json]:
        return self._real(agreement, trial)

    # -- driving ---------------------------------------------------------------------------------------------------

    def conductor(
        self,
        decided: Sequence[Decision],
        *answerers: Any,
        journal: MemoryJournal | None = None,
        stages: Sequence[Stage] = (DEEP,),
        **more: Any,
    ) -> Conductor:
        session = Session("made up", "data", decided)
        journal = MemoryJournal() if journal is None else journal
        return Conductor(stages, session, journal, self.store, answerers=answerers, **more)

    def on(self, conductor: Conductor) -> Waiting:
        while isinstance(waiting := conductor.advance(), Measuring):
            for trial in waiting.missing:
                evidence = self.compute(trial)
                if evidence.ok:
                    self.store.put(evidence)
                else:
                    conductor.leave_out(trial.key, evidence.error)
        return waiting

    def headless(self, decided: Sequence[Decision], whys: Any = None, **answers: Json) -> Conductor:
        """As `run --accept-recommended` goes, with these answers (`id` with dots as __)."""
        said = {name.replace("__", "."): value for name, value in answers.items()}
        given = dict.fromkeys(said, OWN) | (dict(whys) if whys else {})
        conductor = self.conductor(decided, from_plan(said, given), accept_recommended)
        assert isinstance(self.on(conductor), Finished)
        return conductor

    def kinds(self) -> list[str]:
        return [trial.kind for trial in self.asked]


def walked(conductor: Conductor) -> list[str]:
    return [x.ask.name for x in conductor.transcript]


def person_at(world: World, conductor: Conductor) -> Asking:
    waiting = world.on(conductor)
    assert isinstance(waiting, Asking)
    return waiting


__all__ = ["GENESIS", "MATERIALS", "World", "before", "person_at", "say", "walked"]
