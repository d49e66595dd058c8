"""Small journals for the review: a sound session, and the same with one thing otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.models.catalogue import as_model
from engine.records import GENESIS, Check, Decision, Evidence, Option
from engine.review.record import Record

OWN = "The team calls from the top of the list so their order counts most"
DETAIL = {"problem.": "define", "split.": "prepare", "data.": "prepare", "baseline.": "baseline", "simple.": "simple",
          "improve.": "simple", "deep.": "deep", "present.": "present", "project.": "define"}  # fmt: skip


def say(question: str, choice: Any, **changes: Any) -> Decision:
    """One decision of a person's, with a why of the person's own."""
    name, _, subject = question.partition(":")
    values: dict[str, Any] = {
        "stage": next(stage for prefix, stage in DETAIL.items() if name.startswith(prefix)),
        "question": name, "subject": subject, "prompt": f"{name}?", "options": (), "recommended": None, "reason": "",
        "choice": choice, "why": OWN, "why_author": "person", "why_verdict": "ok", "author": "person",
        "overruled": False, "level": "", "flags": (), "check": None, "evidence": (), "asked": "",
        "decided_at": "", "seconds": 150.0, "environment": "e",
    }  # fmt: skip
    return Decision(**(values | changes))


def rung(question: str, name: str, value: float, *, row: Mapping[str, Any] | None = None, **changes: Any) -> Decision:
    """A decision that puts a model on the ladder.  row: of the comparison it was held against."""
    model = changes.pop("model", None) or as_model(name)
    details: dict[str, Any] = {"rung": name, "model": model, "parameters": 10, "latency_ms": 0.2}
    details |= changes.pop("details", {})
    if row is not None:
        details["comparison"] = {"accepted": True, "diff": 0.1, "p": 0.001, "alpha": 0.05, "verdict": "better", **row}
    check = Check("roc_auc", value, value - 0.02, value + 0.02, 0.5, "25 exams", "better", details)
    return say(question, changes.pop("choice", name), check=check, **changes)


def line(decisions: Iterable[Decision], start: int = 0, shared: tuple[Decision, ...] = ()) -> tuple[Decision, ...]:
    """The decisions sealed one after the other, a minute apart from minute `start` on; after those that are shared."""
    sealed = list(shared)
    for i, d in enumerate(decisions):
        at = d.decided_at or f"2026-01-02T{(start + i) // 60:02}:{(start + i) % 60:02}:00.000+00:00"
        placed = Decision.from_dict(d.as_dict() | {"decided_at": at})
        sealed.append(placed.sealed(len(sealed) + 1, sealed[-1].hash if sealed else GENESIS))
    return tuple(sealed)


def evidence(key: str, kind: str, value: Mapping[str, Any], **more: Any) -> Evidence:
    return Evidence(key, kind, value, environment=more.pop("environment", "env"), **more)


EVIDENCE = {
    e.key: e
    for e in (
        evidence("split", "split", {"classes": {"no": 60, "yes": 40}}),
        evidence("leaks", "leaks", {"findings": []}),
        evidence("exam", "lockbox", {"value": 0.79}),
        evidence("logistic", "cross_validate", {"model": as_model("logistic"), "intervals": {"roc_auc": [0.8, 0, 1]}},
                 seconds=20.0),
    )
}  # fmt: skip

SPLIT = Check("exams", 25, details={"dev": 400, "tiny": False})
PLAN = {"folds": 5, "repeats": 5, "seed": 0}


def sound() -> dict[str, Decision]:
    """A session in which nothing is to be found, by the name of each decision, in order."""
    decisions = [
        say("problem.statement", "The service team calls them on Mondays"),
        say("problem.today", "people guess"),
        say("problem.target", "Churn"),
        say("problem.moment", "before the call"),
        say("problem.task", "binary"),
        say("problem.positive", "yes"),
        say("problem.unit", "none"),
        say("problem.costs", "unknown"),
        say("problem.metric", "roc_auc", recommended="roc_auc"),
        say("problem.latency", 100),
        say("problem.interpretability", "none"),
        say("problem.training_cost", 120),
        say("problem.rows_per_parameter", 1),
        say("problem.domain", "Ms Berg of the service team"),
        say("problem.drivers", {"tenure": "-", "fee": "+", "contract": "?"}),
        say("problem.rule", [{"when": "tenure < 6", "then": "yes"}]),
        say("data.types", {"tenure": "number", "fee": "number", "since": "date", "Churn": "yes_no"}),
        say("split.kind", "stratified"),
        say("split.lockbox", 0.2),
        say("split.plan", PLAN),
        say("split.drawn", "drawn", author="engine", check=SPLIT, evidence=("split",)),
        say("data.look", "Long stays have low fees, and February is missing"),
        say("data.leak_checks", "clean", author="engine", evidence=("leaks",)),
        rung("baseline.dummy", "prior", 0.5, author="engine"),
        rung("baseline.rule", "rule", 0.6, row={}, author="engine", why_author="engine", choice="accept"),
        say("problem.success", 0.7),
        say("problem.smallest_gain", 0.01),
        say("baseline.confirm", "confirm"),
        rung("simple.champion", "logistic", 0.8, row={"diff": 0.2}, evidence=("logistic",), recommended="logistic",
             options=(Option("rule", figures={"AUC": "0.6"}), Option("logistic", figures={"AUC": "0.8"}),
                      Option("boosting", figures={"AUC": "0.8"}))),
        say("improve.learning_curve", "features", author="engine"),
        say("improve.threshold", 0.4, check=Check("cut", 0.4)),
        say("simple.ship_now", "ship", recommended="ship"),
        say("present.freeze", "freeze"),
        say("present.lockbox", "open", check=Check("earlier looks", 0)),
        say("present.result", "shown", author="engine", evidence=("exam",),
            check=Check("roc_auc", 0.79, 0.76, 0.82, 0.7, details={"looks": 1})),
        say("present.lessons", "Order beats size here"),
    ]  # fmt: skip
    return {d.name: d for d in decisions}


def record(*changed: Decision, without: Iterable[str] = (), more: Iterable[Evidence] = (), **fields: Any) -> Record:
    """The sound session with these decisions in the place of its own, or added where they belong: the end."""
    decisions = {name: d for name, d in sound().items() if name not in without}
    decisions |= {d.name: d for d in changed}
    known = EVIDENCE | {e.key: e for e in more}
    return Record("churn", line(decisions.values()), evidence=known.get, **fields)
