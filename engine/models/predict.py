"""Predictions for a new file, row for row, in constant memory."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from engine.data.address import exists, split
from engine.data.table import load_features
from engine.errors import DataProblem
from engine.models.fitting import decide
from engine.models.persist import Artifact

CHUNK = 10_000  # rows held at a time


def predict_file(
    artifact: Artifact,
    data: Path,
    out: Path,
    chunk: int = CHUNK,
    report: Callable[[int], None] | None = None,
    unread: dict[str, int] | None = None,
    why: Callable[[pd.DataFrame], list[str]] | None = None,
    watch: Callable[[pd.DataFrame, pd.DataFrame], list[str]] | None = None,
) -> int:
    """Write a CSV with one line per row of the data, in the same order; returns the number of rows.

    Of series: one line for each step after the last value of each series (see engine.models.forecasting).

    Classification: `proba_<label>` for each class, then `prediction`; regression: `prediction` alone.  The target may
    be there or not.  The file appears under its name only when it is complete.  report: called with the rows done.
    unread: takes, by column, how many cells do not fit its type and were taken as empty.
    why: gives a line of words for each row of a frame, for the column `why` (see engine.models.why).
    watch: the same of a frame and its predictions, for the column `check` (see engine.models.watch).
    Raises DataProblem when input columns are missing, a line cannot be read, or the result cannot be written.
    """
    data, out = Path(data), Path(out)
    if out.exists() and exists(data) and out.samefile(split(data)[0]):
        raise DataProblem(f"{out} is the file to predict from; write the predictions to another one.")
    if artifact.recipe.get("material") == "series":
        from engine.models.forecasting import forecasts

        told = iter([forecasts(artifact, data, unread)])
    else:
        told = predictions(artifact, load_features(data, artifact.recipe, chunk, unread), why, watch)
    done = 0
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=out.parent, prefix=f".{out.name[:40]}.", suffix=".part", delete=False
        ) as stream:
            part = Path(stream.name)
            for predicted in told:
                predicted.to_csv(stream, index=False, header=done == 0, lineterminator="\n")
                done += len(predicted)
                if report is not None:
                    report(done)
        part.chmod(0o666 & ~_umask())
        part.replace(out)
    except OSError as problem:
        raise DataProblem(
            f"The predictions could not be written to {out}: {problem.strerror or problem}. Choose another place."
        ) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return done


def predictions(
    artifact: Artifact,
    frames: Iterator[pd.DataFrame],
    why: Callable[[pd.DataFrame], list[str]] | None = None,
    watch: Callable[[pd.DataFrame, pd.DataFrame], list[str]] | None = None,
) -> Iterator[pd.DataFrame]:
    """The predicted columns, frame by frame; why, watch: see `predict_file`."""
    for frame in frames:
        told = _predicted(artifact, frame)
        more = {} if watch is None else {"check": watch(frame, told)}
        more |= {} if why is None else {"why": why(frame)}
        yield told.assign(**more)


def _predicted(artifact: Artifact, frame: pd.DataFrame) -> pd.DataFrame:
    fitted = artifact.fitted
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # levels never met have their place in the preparation
        scores = fitted.scores(frame)
    if not fitted.labels:
        return pd.DataFrame({"prediction": scores})
    codes = decide(scores, fitted.labels, artifact.threshold)
    columns = {f"proba_{label}": scores[:, k] for k, label in enumerate(fitted.labels)}
    return pd.DataFrame({**columns, "prediction": [fitted.labels[code] for code in codes]})


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
