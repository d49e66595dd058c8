"""What trials over small files need: a context that counts its reports, and a recipe."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.records import Progress


@dataclass
class Context:
    """A trial's context over one file, without a store."""

    path: Path
    data: str = ""
    seed: int = 0
    reports: list[Progress] = field(default_factory=list)

    def source(self) -> Path:
        return self.path

    def evidence(self, key: str) -> dict[str, Any]:
        raise KeyError(key)

    def report(self, progress: Progress) -> None:
        self.reports.append(progress)

    def keep(self, content: bytes, media_type: str) -> str:
        raise NotImplementedError

    def fetch(self, digest: str) -> bytes:
        raise KeyError(digest)


def recipe(
    target: str,
    types: dict[str, str],
    task: str = "binary",
    *,
    positive: str | None = None,
    lockbox: float = 0.0,
    group: str | None = None,
    time: str | None = None,
    kind: str = "",
) -> dict[str, Any]:
    """A recipe with the plan of small files: five folds, once."""
    return {
        "read": None,
        "target": target,
        "task": task,
        "positive": positive,
        "types": types,
        "marks": {},
        "group": group,
        "time": time,
        "keep_together": True,
        "split": {"kind": kind or ("random" if task == "regression" else "stratified"), "lockbox": lockbox, "seed": 0},
        "plan": {"folds": 5, "repeats": 1, "seed": 0},
    }
