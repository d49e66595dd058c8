"""The models of practice exams, fitted once more: what is asked of them after the exams were taken.

Exams keep what a model said, not the model.  Importance and reasons need the model itself, of the very exam in which a
row was asked about: each exam is a part of their trial (`engine.trials.Division`), on one core, as the exam itself was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import RungwiseError
from engine.evaluation.bench import Bench
from engine.evaluation.exams import prepare
from engine.models.catalogue import spec_of
from engine.models.fitting import Fitted, fit
from engine.records import Json, Progress
from engine.trials import Context, Division, parts_of

__all__ = ["each_exam", "fold_model", "prepare"]


def each_exam(
    ctx: Context, function: str, model: Mapping[str, Json], parts: Sequence[Mapping[str, Json]]
) -> Iterator[tuple[int, Any]]:
    """(place, result) of `function` ("module:name") called with each of `parts`, in any order; results are JSON as
    bytes.  parts: each with recipe, model and fold."""
    here = spec_of(model).network  # there may be one graphics card only
    division = Division(function, f"{__name__}:prepare", tuple(parts), here=here)
    for done, (place, content) in enumerate(parts_of(ctx, division)):
        ctx.report(Progress(done + 1, len(parts), "fold"))
        yield place, json.loads(content)


def fold_model(bench: Bench, params: Mapping[str, Json], ctx: Context) -> Fitted | None:
    """The model as its exam fitted it (`exams.take_exam`: the same rows, the same seed); None where it failed there,
    and was scored as the baseline.  params: model, fold."""
    fold = int(params["fold"])
    train, _ = bench.splits.folds[fold]
    try:
        fitted = fit(params["model"], bench.recipe, bench.table, train, ctx.seed + fold)
    except RungwiseError:
        raise
    except Exception:  # whatever other people's code raises on these rows: the exam has said so
        return None
    fitted.prepared = None
    return fitted
