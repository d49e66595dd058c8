"""The whole graph of a model: inputs, outputs, and what a caller must know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from engine.data.computed import columns_to_read
from engine.data.conditions import validate_condition
from engine.export.model.graph.columns import Columns
from engine.export.model.graph.heads import said_by_any
from engine.export.model.graph.nodes import ML, Graph
from engine.export.model.terms import NoForm, as_number, marks_of
from engine.models.persist import Artifact
from engine.records import Json
from engine.stages.columns import listed

OPSET, ML_OPSET, IR = 21, 5, 10


def model_of(artifact: Artifact, name: str) -> onnx.ModelProto:
    """Inputs: one (n, 1) tensor a column.  Outputs: `prediction` (n, 1), and of classes `probabilities` (n, K).

    Raises NoForm for a model that has no ONNX form.
    """
    fitted, recipe = artifact.fitted, artifact.recipe
    if recipe.get("material") not in (None, "table"):
        raise NoForm("Only models of tables have an ONNX form here; take --to model.")
    g = Graph()
    columns = Columns(g, recipe)
    said = said_by_any(fitted, columns)
    outputs = []
    if fitted.labels:
        chosen = _chosen(fitted, said, artifact.threshold, g)
        g.nodes += [
            helper.make_node(
                "Gather", [g.const(np.array(fitted.labels, dtype=object), object), chosen], ["prediction"]
            ),
            helper.make_node("Identity", [said], ["probabilities"]),
        ]
        outputs = [
            helper.make_tensor_value_info("prediction", TensorProto.STRING, [None, 1]),
            helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, len(fitted.labels)]),
        ]
    else:
        g.nodes.append(helper.make_node("Identity", [said], ["prediction"]))
        outputs = [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])]
    graph = helper.make_graph(g.nodes, "model", g.inputs, outputs, g.constants)
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
        ir_version=IR,
        producer_name="rungwise",
    )
    helper.set_model_props(
        made,
        {
            "session": name,
            "target": str(recipe["target"]),
            "labels": "\n".join(fitted.labels),
            "threshold": "" if artifact.threshold is None else repr(artifact.threshold),
            "columns": "\n".join(columns.known),
            "before": "\n".join(to_compute(recipe)),
        },
    )
    onnx.checker.check_model(made)
    return made


def _chosen(fitted: Any, said: str, threshold: float | None, g: Graph) -> str:
    """(n, 1) places of the classes said."""
    if threshold is not None and len(fitted.labels) == 2:
        p = g.op("Gather", said, g.const([1], np.int64), axis=1)
        return g.op("Cast", g.op("GreaterOrEqual", p, g.const([[threshold]])), to=TensorProto.INT64)
    return g.op("ArgMax", said, axis=1, keepdims=1)


def to_compute(recipe: Mapping[str, Json]) -> list[str]:
    """What a caller must do before the rows reach the graph, in sentences, in this order."""
    types = columns_to_read(recipe)
    emptied = [f"empty {name} where {text}" for name, text in (recipe.get("impossible") or {}).items() if name in types]
    return emptied + [_computed(made["name"], made["formula"], recipe) for made in recipe.get("features") or ()]


def _computed(name: str, formula: str, recipe: Mapping[str, Json]) -> str:
    """A formula reads the cells as the model does: those empty that hold a mark for missing."""
    types = columns_to_read(recipe)
    marked = []
    for column in validate_condition(formula, types).columns:
        marks = [m for m in marks_of(recipe, column) if types[column] != "number" or as_number(m) is not None]
        if marks:
            marked.append(f"{' or '.join(marks)} in {column}")
    return f"compute the column {name} = {formula}" + (f"; {listed(marked)} is an empty cell there" if marked else "")
