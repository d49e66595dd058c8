"""What enters a network: numbers squashed, so that a typing error in one cell does not decide its answer."""

import numpy as np
import pandas as pd
import pytest
import torch

from engine.models.networks.layers import Layer
from engine.models.networks.modules import Categories
from engine.models.networks.spec import declared
from engine.models.pipeline import assemble, blocks

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
