"""What the exports of a model share: the model itself, and rows of the session to hold them against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.data.computed import columns_to_read, with_computed
from engine.data.table import load_features
from engine.errors import DataProblem
from engine.export.dossier import Dossier
from engine.models.fitting import Fitted
from engine.models.persist import Artifact, loads
from engine.models.predict import predictions
from engine.records import Json

MOST_ROWS = 5_000  # that an export is held against the model on


def artifact_of(d: Dossier) -> Artifact:
    """The model that leaves.  Raises UsageProblem where there is none yet."""
    return loads(d.fetch(str(d.final.value["artifact"])))


def read_rows(d: Dossier, recipe: Mapping[str, Json], most: int = MOST_ROWS) -> pd.DataFrame:
    """Rows of the session's file as they are read, evenly spread: typed, with nothing emptied or computed yet."""
    plain = {**recipe, "types": columns_to_read(recipe), "features": (), "impossible": {}, "beside": {}}
    frame = next(load_features(d.data(), plain))
    places = np.unique(np.linspace(0, len(frame) - 1, min(most, len(frame))).astype(int))
    return frame.iloc[places].reset_index(drop=True)


def inputs(frame: pd.DataFrame, recipe: Mapping[str, Json]) -> pd.DataFrame:
    """These rows as the model takes them."""
    return with_computed(frame, recipe)


def said_of(artifact: Artifact, frame: pd.DataFrame) -> pd.DataFrame:
    """What the model says of inputs: `proba_<label>`s and `prediction`."""
    return pd.concat(list(predictions(artifact, iter([frame]))), ignore_index=True)


def furthest(found: pd.DataFrame, wanted: pd.DataFrame, where: str, allowed: float) -> float:
    """The largest difference of figures between two tables of predictions; of numbers, in parts of the largest value
    where that is above 1.  Raises DataProblem when it is above `allowed`, or when labels differ that are no tie."""
    numbers = [c for c in wanted.columns if pd.api.types.is_numeric_dtype(wanted[c])]
    a = found[numbers].to_numpy(dtype=np.float64)
    b = wanted[numbers].to_numpy(dtype=np.float64)
    scale = max(1.0, float(np.abs(b).max(initial=0.0))) if "prediction" in numbers else 1.0
    largest = float(np.abs(a - b).max(initial=0.0)) / scale if not np.isnan(a).any() else float("inf")
    if not largest <= allowed:
        raise DataProblem(
            f"{where} says something else than the model, by up to {largest:.3g} where {allowed:g} is allowed; nothing "
            "was written.  Please report this."
        )
    if "prediction" not in numbers:
        unlike = (found["prediction"].astype(str) != wanted["prediction"].astype(str)).to_numpy()
        ranked = np.sort(b, axis=1)
        close = (ranked[:, -1] - ranked[:, -2] <= 2 * allowed) if ranked.shape[1] > 1 else np.zeros(len(b), dtype=bool)
        if (unlike & ~close).any():
            raise DataProblem(
                f"{where} says another class than the model for {int((unlike & ~close).sum()):,} rows; nothing was "
                "written.  Please report this."
            )
    return largest


def leaves(fitted: Any) -> list[Fitted]:
    """The fitted models that a composed one is made of, those of its parts included; any other stands for itself."""
    parts = getattr(fitted, "parts", None)
    return [leaf for part in parts for leaf in leaves(part)] if parts else [fitted]
