"""How far a forecast may be off: quantiles of the errors it made on what it had not seen, by step.  (Catalogue, 7.)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.evaluation.bench import Bench
from engine.models.fitting import fit
from engine.records import Json, Progress

LEVELS = (0.8, 0.95)


def bands(
    bench: Bench, model: Mapping[str, Json], seed: int, report: Callable[[Progress], None] | None = None
) -> dict[str, Json]:
    """Fit the model as in each practice exam, and let it forecast from every origin up to the next exam's.

    So the errors are many more than the exams ask for, and all of values that came after what was learned.  Returns
    levels, and per step ahead the quantiles of error over the usual change of the series, lowest first: [low 95 %, low
    80 %, high 80 %, high 95 %]; errors, how many of a step there are at least; coverage, by level the share of errors
    that lie within the band that the other exams give.
    """
    steps: Any = bench.table.steps
    folds = bench.splits.folds
    origins = [int(steps.origin[test[0]]) for _, test in folds]
    parts: list[np.ndarray] = []
    exam: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    for j, (train, _) in enumerate(folds):
        if report is not None:
            report(Progress(j, len(folds), "fold", "how far off forecasts are"))
        until = origins[j + 1] if j + 1 < len(folds) else steps.length
        origin = steps.origin[bench.splits.dev]
        asked = bench.splits.dev[(origin >= origins[j]) & (origin < until)]
        fitted = fit(model, bench.recipe, bench.table, train, seed + j)
        said = fitted.scores(bench.table.frame.iloc[asked])
        usual = steps.change[asked]
        known = np.nan_to_num(usual) > 0
        errors.append(((bench.table.y[asked] - said)[known]) / usual[known])
        parts.append(steps.step[asked][known])
        exam.append(np.full(int(known.sum()), j))
    error, step, of = (np.concatenate(part) for part in (errors, parts, exam))
    found: list[list[float] | None] = [_quantiles(error[step == i]) for i in range(1, steps.horizon + 1)]
    return {
        "levels": list(LEVELS),
        "quantiles": found,
        "errors": int(min((np.sum(step == i) for i in range(1, steps.horizon + 1)), default=0)),
        "coverage": _coverage(error, step, of),
    }


def _quantiles(errors: np.ndarray) -> list[float] | None:
    """At (1 ± level)/2, by ranks over n + 1, so that a new error falls between them as often as the level says."""
    if len(errors) < 2:
        return None
    ends = [(1 - level) / 2 for level in sorted(LEVELS, reverse=True)]
    return [float(q) for q in np.quantile(errors, [*ends, *(1 - end for end in reversed(ends))], method="weibull")]


def _coverage(error: np.ndarray, step: np.ndarray, exam: np.ndarray) -> dict[str, float | None]:
    inside: dict[float, list[np.ndarray]] = {level: [] for level in LEVELS}
    for i in np.unique(step):
        for j in np.unique(exam):
            mine, others = (step == i) & (exam == j), (step == i) & (exam != j)
            edges = _quantiles(error[others])
            if edges is not None and mine.any():
                for place, level in enumerate(sorted(LEVELS, reverse=True)):
                    inside[level].append((error[mine] >= edges[place]) & (error[mine] <= edges[-1 - place]))
    return {f"{level:g}": float(np.concatenate(hits).mean()) if hits else None for level, hits in inside.items()}
