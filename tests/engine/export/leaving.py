"""A session that ends with a small model, without its path being walked: for tests of the exports of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.data.address import name_of
from engine.export.dossier import Dossier
from engine.models import persist
from engine.models.catalogue import as_model
from engine.models.final import final
from engine.models.persist import Artifact
from engine.models.predict import predict_file
from engine.records import Check, Evidence
from engine.session import Session
from tests.engine.export.test_markdown import _decision
from tests.engine.tables import Memory, recipe, series_recipe

PLAIN = {"age": "number", "income": "number", "plan": "category", "member": "yes_no", "zip": "category"}
FEATURES = [{"name": "per year", "formula": "income / NULLIF(age, 0)", "type": "number"}]
EVERYTHING = {
    "marks": {"income": ["0"], "plan": ["gold, with extras"]},
    "impossible": {"age": "age > 85 OR income < 0"},
    "features": FEATURES,
    "types": {**PLAIN, "per year": "number"},
}


def answered_alike(artifact: Artifact, place: Path, rtol: float, atol: float) -> None:
    """What the script `small.py` said of the rows of `t.csv` beside it is what the model says."""
    predict_file(artifact, place / "t.csv", place / "wanted.csv")
    a, b = pd.read_csv(place / "small.predictions.csv"), pd.read_csv(place / "wanted.csv")
    assert list(a.columns) == list(b.columns)
    numbers = [c for c in b.columns if b[c].dtype.kind == "f"]
    assert np.allclose(a[numbers], b[numbers], rtol=rtol, atol=atol)
    assert "prediction" in numbers or list(a["prediction"]) == list(b["prediction"])


def ended(path: Path, model: dict[str, Any] | str, task: str = "binary", **changes: Any) -> tuple[Dossier, Artifact]:
    """A dossier whose session kept this model, fitted to all rows of the file, and the model."""
    ctx = Memory(path)
    described = as_model(model) if isinstance(model, str) else model
    threshold = changes.pop("threshold", 0.4 if task == "binary" else None)
    asked = series_recipe(**changes) if task == "forecast" else recipe(task, **({"types": PLAIN} | changes))
    value = final({"recipe": asked, "model": described, "threshold": threshold}, ctx)
    kept = Evidence("final", "final", value)
    rung = Check("roc_auc", 0.8, 0.7, 0.9, 0.5, "3 exams", "better", {"rung": described["name"], "model": described})
    journal = (
        _decision(1, "problem.target", "target"),
        _decision(2, "simple.champion", described["name"], stage="simple", check=rung),
        _decision(3, "present.export", "kept", stage="present", evidence=("final",)),
    )
    evidence = {"final": kept}
    dossier = Dossier(
        Session("small", "f" * 64, journal), journal, {}, name_of(path), evidence=evidence.get, fetch=ctx.fetch,
        data=lambda: path,
    )  # fmt: skip
    return dossier, persist.loads(ctx.fetch(value["artifact"]))
