"""Small real records for the tests of the store."""

from __future__ import annotations

from typing import Any

from engine.records import Check, Decision, Evidence, Option, Trial

AT = "2026-01-02T03:04:05.000+00:00"


def decision(question: str = "problem.metric", **changes: Any) -> Decision:
    values: dict[str, Any] = {
        "stage": "define",
        "question": question,
        "subject": "",
        "prompt": "Which one number decides between two models?",
        "options": (Option("roc_auc", "ROC AUC"), Option("accuracy", figures={"share": 0.27})),
        "recommended": "roc_auc",
        "reason": "The rare class has 27 %.",
        "choice": "roc_auc",
        "why": "ranking is what the campaign needs",
        "why_author": "person",
        "why_verdict": "ok",
        "author": "person",
        "overruled": False,
        "level": "",
        "flags": (),
        "check": None,
        "evidence": (),
        "asked": "0" * 64,
        "decided_at": AT,
        "seconds": 2.5,
        "environment": "",
    }
    return Decision(**(values | changes))


def rung(model: str, value: float, stage: str = "simple", **changes: Any) -> Decision:
    """A decision that puts a model on the ladder."""
    check = Check("roc_auc", value, value - 0.01, value + 0.01, details={"rung": model, "parameters": 46})
    return decision("simple.champion", stage=stage, choice=model, check=check, **changes)


def trial(number: int = 0, data: str = "") -> Trial:
    return Trial("cross_validate", {"model": {"name": "logistic"}, "number": number}, data, 0, (), "practice exams")


def evidence(number: int = 0, **changes: Any) -> Evidence:
    values: dict[str, Any] = {"key": trial(number).key, "kind": "cross_validate", "value": {"scores": [0.8, 0.1 + 0.2]}}
    return Evidence(**(values | {"seconds": 1.25, "computed_at": AT} | changes))
