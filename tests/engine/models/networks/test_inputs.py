"""What enters a network: numbers squashed, so that a typing error in one cell does not decide its answer."""

import numpy as np
import pandas as pd
import pytest

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
