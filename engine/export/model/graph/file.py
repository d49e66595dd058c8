"""The export *onnx*: the graph, run by onnxruntime on rows of the session before it leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from engine.export.dossier import Dossier, Product
from engine.export.model.common import artifact_of, furthest, inputs, leaves, read_rows, said_of
from engine.export.model.graph.whole import model_of, to_compute
from engine.export.model.terms import hold_against
from engine.models.persist import Artifact

ALLOWED = 1e-6


def onnx(d: Dossier) -> Product:
    """The whole pipeline as ONNX.  Raises NoForm where it has no such form, DataProblem where it differs."""
    artifact = artifact_of(d)
    content = model_of(artifact, d.name).SerializeToString()
    frame = inputs(read_rows(d, artifact.recipe), artifact.recipe)
    for part in leaves(artifact.fitted):
        hold_against(part, frame)
    largest = furthest(run(content, artifact, frame), said_of(artifact, frame), "ONNX", ALLOWED)
    said = [f"onnxruntime, {len(frame):,} rows of the session: largest difference {largest:.2g}."]
    said += [f"Before a row reaches it: {line}." for line in to_compute(artifact.recipe)]
    return Product({"": content}, tuple(said))


def run(content: bytes, artifact: Artifact, frame: pd.DataFrame) -> pd.DataFrame:
    """What onnxruntime answers for these inputs, as `predict` writes it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = {tensor.name: column(frame[tensor.name], tensor.type) for tensor in session.get_inputs()}
    if not artifact.fitted.labels:
        (values,) = session.run(["prediction"], given)
        return pd.DataFrame({"prediction": np.asarray(values)[:, 0]})
    found: Any = session.run(["probabilities", "prediction"], given)
    shares = {f"proba_{label}": found[0][:, k] for k, label in enumerate(artifact.fitted.labels)}
    return pd.DataFrame({**shares, "prediction": found[1][:, 0].astype(object)})


def column(values: Any, kind: str) -> np.ndarray:
    """(n, 1) as the graph takes it: doubles with NaN, or texts with "" where empty."""
    if kind == "tensor(double)":
        return values.to_numpy(dtype=np.float64).reshape(-1, 1)
    return np.array([["" if v is None or v != v else str(v)] for v in values], dtype=object)
