"""What each candidate costs to fit, to keep and to ask, beside its score."""

from __future__ import annotations

from collections.abc import Sequence

from engine.metrics import figure
from engine.stages.ladder import Candidate
from engine.views import Cell, Table

COLUMNS = ("model", "p50 ms", "p95 ms", "p99 ms", "rows/s", "kB", "params", "fit s", "CPU s")


def costs_view(candidates: Sequence[Candidate]) -> Table:
    """One line a model: a single prediction (one thread), a batch of 1,024, its size as it is kept, its parameters, one
    fit, and the CPU seconds of all its exams, which is what it takes of energy."""
    rows: list[list[Cell]] = []
    for c in candidates:
        if not c.ok:
            continue
        timed = c.timing
        kept = timed.get("model_bytes")
        rows.append(
            [
                c.title,
                *(_figure(timed.get(name)) for name in ("p50_ms", "p95_ms", "p99_ms")),
                None if timed.get("rows_per_second") is None else round(timed["rows_per_second"]),
                None if kept is None else round(kept / 1000, 1),
                c.exams.value["parameters"],
                _figure(c.seconds()),
                _figure(cpu_seconds(c)),
            ]
        )
    return Table("What each costs", COLUMNS, rows)


def cpu_seconds(c: Candidate) -> float | None:
    """CPU seconds of its exams: as the exams say where they were taken side by side, else as the trial does."""
    per_exam = c.exams.value.get("cpu_seconds")
    if isinstance(per_exam, list):
        return float(sum(per_exam))
    if isinstance(per_exam, int | float):
        return float(per_exam)
    return c.exams.cpu_seconds or None


def _figure(value: float | None) -> float | None:
    return None if value is None else float(figure(value).replace(",", ""))
