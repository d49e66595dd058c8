"""What a new file has that the model's rows had not, said before anything is predicted.  (Catalogue, present.guard.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from engine.data.naming import quoted, shown
from engine.data.table import load_features
from engine.metrics import figure
from engine.models.persist import Artifact
from engine.records import Json

LOOKED_AT = 10_000  # rows at the head of a file
FAR_EMPTIER = 0.10  # a share of empty cells that lies so far above that of training is said


def differences(artifact: Artifact, data: Path) -> list[str]:
    """In sentences, how the head of a file differs from the rows that the model learned from; empty where it does not.

    Raises DataProblem as reading does: input columns that are missing, a line that cannot be read.
    """
    recipe, schema = artifact.recipe, artifact.schema
    unread: dict[str, int] = {}
    frame = next(load_features(data, recipe, LOOKED_AT, unread))
    found = []
    computed = {made["name"] for made in recipe.get("features") or ()}
    for column in schema["columns"]:
        if column["name"] in frame.columns:
            told = _column(column, frame.loc[:, column["name"]], unread.get(column["name"], 0))
            found += [
                f"{quoted(column['name'])}{' (computed)' if column['name'] in computed else ''}: {t}." for t in told
            ]
    return found


def _column(known: Mapping[str, Json], cells: pd.Series, unread: int) -> list[str]:
    """What is unlike training in one column."""
    said = []
    rows = len(cells)
    if unread:
        said.append(f"{_of(unread, rows)} not of its type ({known['type']}), and taken as empty")
    empty = float(cells.isna().mean()) if rows else 0.0
    if empty > known.get("missing", 0.0) + FAR_EMPTIER and empty * rows > unread:
        said.append(f"{empty:.1%} empty, {known.get('missing', 0.0):.1%} in training")
    present = cells.dropna()
    if known["type"] == "number" and "min" in known and len(present):
        values = present.to_numpy(dtype=np.float64)
        beyond = int(((values < known["min"]) | (values > known["max"])).sum())
        if beyond:
            extent = f"{figure(known['min'])} … {figure(known['max'])}"
            said.append(f"{_of(beyond, rows)} outside what was seen in training ({extent})")
    elif known["type"] in ("category", "yes_no") and known.get("levels"):
        levels = set(known["levels"])
        new = [str(v) for v in present if str(v) not in levels]
        if new:
            said.append(f"{_of(len(new), rows)} of a level that training did not have: {_some(new)}")
    return said


def _of(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} cells {'is' if count == 1 else 'are'}"


def _some(levels: Sequence[str]) -> str:
    return shown(list(dict.fromkeys(levels)), 3)
