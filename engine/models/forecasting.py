"""Forecasts from a file of history: the next steps after the last value of each series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.data.naming import quoted, shown
from engine.data.read import ReadSettings
from engine.data.series.panel import Panel, read_panel
from engine.data.series.rows import Rows, Setup, next_rows
from engine.data.table import settings_for_new
from engine.errors import DataProblem
from engine.models.persist import Artifact


def forecasts(artifact: Artifact, data: Path, unread: dict[str, int] | None = None) -> pd.DataFrame:
    """One line for each series and step ahead: its name (where series have one), time, step, prediction, and the bands
    that the model was found to keep (low_80, high_80, low_95, high_95).

    Inputs that are known ahead stand in rows of the file beyond the last value, their target empty.  unread: takes, by
    column, how many cells do not fit its type and were taken as empty.
    Raises DataProblem when the history cannot be read, is too short, or lacks what must be known ahead.
    """
    recipe = {**artifact.recipe, "types": artifact.recipe["inputs"]}
    panel = read_panel(data, recipe, new=settings_for_new(data, ReadSettings.from_dict(recipe.get("read") or {})))
    if unread is not None:
        unread.update({column: sum(bad.values()) for column, bad in panel.unparsed.items()})
    setup = Setup.of(recipe, panel.length)
    rows = next_rows(panel, setup)
    _known_ahead(rows, panel, setup, data, str(recipe["target"]))
    said = artifact.fitted.scores(rows.frame)
    columns: dict[str, Any] = {}
    names, times = recipe["series"].get("id") or "series", recipe["series"].get("time") or "time"
    if panel.names != [""]:
        columns[names] = np.array(panel.names, dtype=object)[rows.steps.series]
    columns[times] = written(panel.calendar.times(rows.steps.target), panel.stamp)
    columns |= {"step": rows.steps.step, "prediction": said}
    return pd.DataFrame(columns | _banded(artifact, rows, said))


def _known_ahead(rows: Rows, panel: Panel, setup: Setup, data: Path, target: str) -> None:
    for name in setup.known:
        empty = rows.frame[f"{name} (ahead)"].isna().to_numpy()
        if empty.any():
            i = int(np.flatnonzero(empty)[0])
            who = panel.names[int(rows.steps.series[i])]
            when = written(panel.calendar.times(rows.steps.target[i : i + 1]), panel.stamp)[0]
            raise DataProblem(
                f"{data} does not say {quoted(name)} for {when}{f' of {quoted(who)}' if who else ''}, nor for "
                f"{int(empty.sum()) - 1} more steps ahead: the model knows it ahead. Add rows with these times, "
                f"{shown(setup.known)} filled and {quoted(target)} empty."
            )


def _banded(artifact: Artifact, rows: Rows, said: np.ndarray) -> dict[str, np.ndarray]:
    found = artifact.schema.get("bands")
    if not found or any(q is None for q in found["quantiles"]):
        return {}
    quantiles = np.asarray(found["quantiles"], dtype=float)[rows.steps.step - 1]
    usual = np.nan_to_num(rows.steps.change)
    columns = {}
    levels = sorted(found["levels"], reverse=True)
    for place, level in reversed(list(enumerate(levels))):
        columns[f"low_{100 * level:g}"] = said + quantiles[:, place] * usual
        columns[f"high_{100 * level:g}"] = said + quantiles[:, -1 - place] * usual
    return columns


def written(times: np.ndarray, like: str) -> list[str]:
    """Times as text, as long as those of the file they continue: 2024-03, 2024-03-01, 2024-03-01 13:30:00."""
    if times.dtype.kind == "f":
        return [f"{time:.0f}" for time in times]
    if len(like) == 4 and like.isdigit():
        return np.datetime_as_string(times, unit="Y").tolist()
    if len(like) == 6 and like.isdigit():
        return [text.replace("-", "") for text in np.datetime_as_string(times, unit="M")]
    if len(like) == 8 and like.isdigit():
        return [text.replace("-", "") for text in np.datetime_as_string(times, unit="D")]
    midnight = bool((times == times.astype("M8[D]")).all())
    if len(like) == 7 and like[4:5] == "-" and like[5:].isdigit():
        return [str(text) for text in np.datetime_as_string(times, unit="M")]
    if midnight and len(like) <= 12:
        return [str(text) for text in np.datetime_as_string(times, unit="D")]
    return [str(text).replace("T", "T" if "T" in like else " ") for text in np.datetime_as_string(times, unit="s")]
