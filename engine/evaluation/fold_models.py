"""The models of practice exams, fitted once more: what is asked of them after the exams were taken.

Exams keep what a model said, not the model.  Importance and reasons need the model itself, of the very fold in which a
row was asked about; this process keeps those of one model for as long as it is the one being looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from engine.errors import RungwiseError
from engine.evaluation.bench import Bench
from engine.models.fitting import Fitted, fit
from engine.records import Json, Progress, digest

LARGEST = 200_000  # parameters of a model that is kept: a forest of many rows is fitted again rather than held

_kept: dict[int, Fitted] = {}
_of: list[str] = [""]
_lock = threading.Lock()


def fold_model(
    bench: Bench,
    model: Mapping[str, Json],
    fold: int,
    seed: int,
    report: Callable[[Progress], None] | None = None,
) -> Fitted | None:
    """The model as the exam `fold` fitted it (`crossval.take_exam`: the same rows, the same seed); None where it failed
    there, and was scored as the baseline."""
    key = digest([bench.table.key, dict(bench.recipe), dict(model), seed])
    with _lock:
        if _of[0] != key:
            _kept.clear()
            _of[0] = key
        if fold in _kept:
            return _kept[fold]
    train, _ = bench.splits.folds[fold]
    try:
        fitted = fit(model, bench.recipe, bench.table, train, seed + fold, report=report)
    except RungwiseError:
        raise
    except Exception:  # whatever other people's code raises on these rows: the exam has said so
        return None
    fitted.prepared = None
    with _lock:
        if _of[0] == key and fitted.parameters <= LARGEST:
            _kept[fold] = fitted
    return fitted
