"""Runs one trial in this process, and measures what it costs."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import DataProblem, RungwiseError
from engine.ports import Wish
from engine.records import Evidence, Json, Progress, Trial, canonical
from engine.runners.context import RunContext, Workplace, never, nobody_listens, nothing
from engine.runners.environment import environment_key
from engine.runners.meter import Meter
from engine.trials import BY_NAME, TrialKind
from engine.words import short


def perform(
    trial: Trial,
    place: Workplace,
    *,
    told: Callable[[Progress], None] = nobody_listens,
    stopped: Callable[[], bool] = never,
    wished: Callable[[], Wish] = nothing,
    kinds: Mapping[str, TrialKind] = BY_NAME,
) -> Evidence:
    """Compute a trial's evidence.

    Raises DataProblem (the file is gone, the table cannot be read) and Cancelled: neither says anything lasting about
    the trial, so neither becomes evidence.  Whatever else goes wrong comes back as evidence with an `error`, one
    sentence that names the log file with the traceback.
    """
    value: dict[str, Json] = {}
    error = ""
    context = RunContext(trial, place, told, stopped, wished)
    with Meter() as meter:
        try:
            kind = kinds.get(trial.kind)
            if kind is None:
                raise DataProblem(f"This version cannot compute {short(trial.kind, 40)!r}; a newer one recorded it.")
            value = dict(kind.load()(dict(trial.params), context))
            canonical(value)  # NaN, infinity and what JSON cannot carry would only fail later, in the store
        except RungwiseError:
            raise
        except Exception as problem:  # a trial runs other people's code on data nobody has seen
            value, error = {}, _sentence(problem, trial, place.logs)
    return Evidence(
        key=trial.key,
        kind=trial.kind,
        value=value,
        error=error,
        seconds=round(meter.seconds, 4),
        cpu_seconds=round(meter.cpu_seconds + context.cost.cpu_seconds, 4),
        peak_memory_mb=round(max(meter.peak_memory_mb, context.cost.peak_memory_mb), 1),
        device=_device(value),
        environment=environment_key(),
        computed_at=dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
    )


def _sentence(problem: Exception, trial: Trial, logs: Path | None) -> str:
    name = trial.label or trial.kind
    if isinstance(problem, MemoryError):
        said = "there was not enough memory for it."
    else:
        said = f"{type(problem).__name__}: {str(problem).strip() or 'no message'}".rstrip(".") + "."
    where = _write_log(problem, trial, logs)
    return f"{short(name, 80)} could not be computed: {short(said)}{where}"


def _write_log(problem: Exception, trial: Trial, logs: Path | None) -> str:
    if logs is None:
        return ""
    file = logs / f"trial-{trial.key[:12]}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{dt.datetime.now(dt.UTC).isoformat()} {trial.kind} {trial.label} {canonical(trial.params)}\n")
            log.writelines(traceback.format_exception(problem))
    except OSError:  # a full disk must not hide what went wrong in the trial
        return ""
    return f" Details: {logs.name}/{file.name} beside the store."


def _device(value: Mapping[str, Json]) -> str:
    """Where it ran, as the trial's function says; those that do not say run on the processor."""
    net = value.get("net")
    said = value.get("device") or (net.get("device") if isinstance(net, Mapping) else "")
    return said if isinstance(said, str) and said else "cpu"
