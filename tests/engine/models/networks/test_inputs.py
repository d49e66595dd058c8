"""What enters a network: numbers squashed, so that a typing error in one cell does not decide its answer."""

import numpy as np
import pandas as pd
import pytest
import torch

from engine.evaluation.tensors import shape
from engine.models.catalogue import as_model
from engine.models.networks.estimator import NetworkClassifier
from engine.models.networks.inputs import Layout
from engine.models.networks.layers import Inputs, Layer
from engine.models.networks.modules import Categories
from engine.models.networks.spec import declared
from engine.models.networks.training import build_network
from engine.models.pipeline import assemble, blocks
from tests.engine.tables import Memory, recipe

RECIPE = {"types": {"size": "number", "colour": "category"}, "task": "regression"}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(5, 1, 300), "colour": rng.choice(["red", "blue"], 300).astype(object)})


def test_a_far_out_value_stays_near(frame):
    far = frame.copy()
    far.loc[0, "size"] = 1e9
    prepared = {style: assemble(blocks(RECIPE, style, frame), style, "regression", 0) for style in ("net", "dense")}
    for prepare in prepared.values():
        prepare.fit(frame)
    assert np.abs(prepared["net"].transform(far)).max() <= 3
    assert np.abs(prepared["dense"].transform(far)).max() > 1e6


def test_rows_are_dense_and_finite_with_missing_and_unknown_cells(frame):
    prepare = assemble(blocks(RECIPE, "net", frame), "net", "regression", 0).fit(frame)
    strange = pd.DataFrame({"size": [np.nan, 5.0], "colour": ["green", None]}, dtype=object).astype({"size": float})
    X = prepare.transform(strange)
    assert isinstance(X, np.ndarray)
    assert np.isfinite(X).all()


@pytest.mark.parametrize("levels", [3, 40])
def test_a_level_never_seen_is_none_of_those_that_were(levels):
    """The preparation gives -1 to what it never saw, and 0 to the first level."""
    embeds = next(layer for layer in declared("net_embed").layers if layer.kind == "categories")
    layer = Layer("categories", "", embeds.size, levels=(levels,), lowest=embeds.lowest)
    codes = torch.arange(-1, levels).reshape(-1, 1).float()
    entered = Categories(1, layer, torch.Generator().manual_seed(0))(codes)
    assert len(torch.unique(entered, dim=0)) == levels + 1
    if levels == 3:
        assert entered.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_network_that_was_kept_before_reads_its_codes_as_it_learned_them():
    kept = Layer.from_dict({"kind": "categories", "purpose": "", "size": 8, "levels": [3]})
    entered = Categories(1, kept, torch.Generator())(torch.tensor([[-1.0], [0.0], [1.0], [2.0]]))
    assert entered.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(("share", "passed"), [(0.2, True), (0.8, False)])
def test_a_text_without_a_word_is_no_fault_of_what_enters_unless_most_are(share, passed, tmp_path):
    rng = np.random.default_rng(0)
    said = rng.choice(["likes the service a lot", "called about the bill", "never answers"], 300)
    texts = np.where(rng.random(300) < share, rng.choice(["", "  ", "!!!", "…"], 300), said)
    path = tmp_path / "t.csv"
    pd.DataFrame({"note": texts, "target": rng.choice(["stay", "leave"], 300)}).to_csv(path, index=False)
    told = recipe(types={"note": "text", "target": "category"}, material="text")
    found = shape({"recipe": told, "model": as_model("text_mean")}, Memory(path))
    checks = {c["title"]: c for c in found["checks"]}
    assert checks["most texts have words"]["passed"] is passed
    assert "have no word" in checks["most texts have words"]["found"]
    assert all(c["passed"] for title, c in checks.items() if title != "most texts have words")


@pytest.mark.parametrize("name", ["text_mean", "text_conv", "text_gru", "text_attend"])
def test_a_network_answers_a_text_without_a_word(name):
    rng = np.random.default_rng(0)
    X, y = rng.integers(2, 50, size=(80, 12)), rng.integers(0, 2, 80)
    X[::7] = 0
    layout = Layout(Inputs("tokens", (12,), rows=50), 12)
    task = {"task": "binary", "metric": "roc_auc", "prepare": {}}
    net = build_network({"name": name, "settings": {"epochs": 2}}, task, 12, 0, None, layout).fit(X, y)
    assert isinstance(net, NetworkClassifier)
    said = net.predict_proba(X)
    assert np.isfinite(said).all()
    np.testing.assert_allclose(said[0], said[7], rtol=1e-5)
    np.testing.assert_allclose(net.predict_row(X[0]), said[0], rtol=1e-4)
