"""Pictures in a report: those that a model was most wrong about, where a person asks for rows of the data."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.data.table import load
from engine.errors import DataProblem
from engine.export.dossier import Dossier
from engine.export.html import html
from engine.export.model.common import artifact_of
from engine.records import Evidence
from engine.session import Session
from engine.views import Words
from tests.engine.export.leaving import ended
from tests.engine.export.test_markdown import _decision
from tests.engine.export.test_script import PIXELS, pixels

WORST = [{"row": 3, "label": "class <1>", "prediction": "class 2", "loss": 3.0},
         {"row": 5, "label": "class 0", "prediction": "class 0", "loss": 0.1}]  # fmt: skip


@pytest.fixture
def dossier(tmp_path) -> Dossier:
    """A session of pictures that has looked at its errors; the second of the worst is right all the same."""
    made, _ = ended(pixels(tmp_path / "t.csv", 40), "logistic", "multiclass", **PIXELS)
    journal = (*made.journal, _decision(4, "problem.material", "image"),
               _decision(5, "improve.errors", "accept", stage="simple", evidence=("errors",)))  # fmt: skip
    evidence = {"errors": Evidence("errors", "errors", {"worst": WORST}), "final": made.final}
    return replace(
        made, session=Session("small", "f" * 64, journal), journal=journal, evidence=evidence.get,
        shows={5: (Words("", "Looked at."),)},
    )  # fmt: skip


def test_pictures_are_drawn_where_rows_are_asked_for(dossier):
    from PIL import Image

    plain, asked = html(dossier).text or "", html(replace(dossier, options={"rows": "yes"})).text or ""
    assert "<img" not in plain
    assert "rows of the data stand in a report only where they are asked for" in plain
    (shot,) = re.findall(r'src="data:image/png;base64,([^"]+)"', asked)
    assert "is class &lt;1&gt;, said class 2" in asked
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(shot))))
    table = load(dossier.data(), artifact_of(dossier).recipe)
    row = pd.read_csv(dossier.data()).iloc[3][[f"pixel_{i}" for i in range(16)]].to_numpy(dtype=float)
    assert np.array_equal(drawn.ravel(), (row * 255 / table.frame.to_numpy().max()).astype(np.uint8))


def test_pictures_whose_data_are_gone_are_said_to_be_left_out(dossier):
    def gone():
        raise DataProblem("The data are gone.")

    page = html(replace(dossier, options={"rows": "yes"}, data=gone)).text or ""
    assert "<img" not in page
    assert "Left out: the pictures it was most wrong about. The data are gone." in page
