"""The model as ONNX says what the model says, run by onnxruntime."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.export.model.common import furthest, inputs, read_rows, said_of
from engine.export.model.terms import NoForm
from engine.models.catalogue import BY_NAME, as_model
from tests.engine.export.leaving import EVERYTHING, ended
from tests.engine.export.test_sql import PREPARATIONS
from tests.engine.tables import customers

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from onnx import load_model_from_string

from engine.export.model.graph.file import onnx, run
from engine.export.model.graph.whole import model_of, to_compute

SMALL = {"forest": {"trees": 12}, "extra_trees": {"trees": 12}, "boosting": {"max_iter": 25, "min_samples_leaf": 5}}
MODELS = [
    (name, task)
    for name in ("logistic", "ridge", "sparse_logistic", "linear_svm", "naive_bayes", "tree", "forest", "extra_trees",
                 "one_column",
                 "boosting")
    for task in ("binary", "multiclass", "regression")
    if task in BY_NAME[name].tasks
]  # fmt: skip


def compared(dossier, artifact) -> float:
    frame = inputs(read_rows(dossier, artifact.recipe), artifact.recipe)
    content = model_of(artifact, "small").SerializeToString()
    return furthest(run(content, artifact, frame), said_of(artifact, frame), "ONNX", 1e-6)


@pytest.mark.parametrize(("model", "task"), MODELS, ids=[f"{m}-{t}" for m, t in MODELS])
def test_each_model_with_an_onnx_form(model, task, tmp_path):
    path = customers(tmp_path / "t.csv", 300, task=task)
    dossier, artifact = ended(path, as_model(model, SMALL.get(model)), task, **EVERYTHING)
    assert compared(dossier, artifact) <= 1e-9


@pytest.mark.parametrize("prepare", PREPARATIONS.values(), ids=PREPARATIONS)
@pytest.mark.parametrize("model", ["logistic", "boosting"])
def test_each_preparation(model, prepare, tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 300), as_model(model, SMALL.get(model)), prepare=prepare)
    assert compared(dossier, artifact) <= 1e-9


def test_a_single_column_of_levels(tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), "one_column", types={"plan": "category"})
    assert compared(dossier, artifact) <= 1e-9


def test_boosting_over_levels_asks_which_of_them(tmp_path):
    dossier, artifact = ended(
        customers(tmp_path / "t.csv", 300), as_model("boosting", SMALL["boosting"]),
        types={"plan": "category", "zip": "category"},
    )  # fmt: skip
    asked = artifact.fitted.estimator._predictors
    assert any(tree.nodes["is_categorical"].any() for iteration in asked for tree in iteration)
    assert compared(dossier, artifact) <= 1e-9


@pytest.mark.parametrize(("name", "task"), [("average", "binary"), ("stack", "multiclass"), ("stack", "regression")])
def test_models_made_of_others(name, task, tmp_path):
    linear = "ridge" if task == "regression" else "logistic"
    model = as_model(name, {"of": [as_model(linear), as_model("forest", SMALL["forest"])]})
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240, task=task), model, task)
    assert compared(dossier, artifact) <= 1e-9


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_each_way_to_calibrate(method, tmp_path):
    from engine.models.calibrators import Calibrated
    from engine.models.composed import Composed

    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), "logistic")
    inner = artifact.fitted
    head = {
        "sigmoid": Calibrated("sigmoid", a=0.3, b=1.4),
        "isotonic": Calibrated("isotonic", xs=(0.1, 0.4, 0.8), ys=(0.05, 0.3, 0.95)),
        "temperature": Calibrated("temperature", b=0.6),
    }[method]
    made = Composed(
        inner.spec, inner.settings, inner.task, inner.labels, inner.columns, None, None, parts=[inner], head=head
    )
    assert compared(dossier, replace(artifact, fitted=made)) <= 1e-9


def test_the_file_is_run_before_it_leaves_and_says_what_it_needs(tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), "logistic", **EVERYTHING)
    product = onnx(dossier)
    assert isinstance(product.files[""], bytes)
    assert "onnxruntime, 240 rows of the session: largest difference" in product.said[0]
    said = "compute the column per year = income / NULLIF(age, 0); 0 in income is an empty cell there"
    assert f"Before a row reaches it: {said}." in product.said
    assert to_compute(artifact.recipe)[0] == "empty age where age > 85 OR income < 0"
    kept = {p.key: p.value for p in load_model_from_string(product.files[""]).metadata_props}
    assert kept["before"].splitlines() == to_compute(artifact.recipe)


@pytest.mark.parametrize(
    ("model", "types"), [("knn", {}), ("prior", {}), ("logistic", {"age": "number", "note": "text"})]
)
def test_what_has_no_onnx_form_is_said_in_a_sentence(model, types, tmp_path):
    _, artifact = ended(customers(tmp_path / "t.csv", 240), model, **({"types": types} if types else {}))
    with pytest.raises(NoForm, match=r"take --to|Take --to"):
        model_of(artifact, "x")
