"""Pictures of the data, drawn as the model sees them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from engine.data.pixels import as_drawn, layout
from engine.data.table import load
from engine.export.dossier import Dossier
from engine.export.model.common import artifact_of


def drawn(d: Dossier, rows: Sequence[int]) -> dict[int, str]:
    """PNG in base64 of rows of the file, by their 0-based number; columns that make no picture give none.

    The brightest pixel of all rows is white.  Raises RungwiseError where there is no model yet, or no data.
    """
    recipe = artifact_of(d).recipe
    table = load(d.data(), recipe)
    columns = as_drawn([name for name, kind in recipe["types"].items() if kind == "number" and name in table.frame])
    form = layout(columns)
    places = {int(row): place for place, row in enumerate(table.rows)}
    if form is None:
        return {}
    cells = np.nan_to_num(table.frame[columns].to_numpy(dtype=float))
    brightest = float(cells.max(initial=0.0)) or 1.0
    light = np.clip(cells[[places[row] for row in rows if row in places]] * (255 / brightest), 0, 255).astype(np.uint8)
    shape = (form.height, form.width, form.channels) if form.channels > 1 else (form.height, form.width)
    return {row: _png(one.reshape(shape)) for row, one in zip((r for r in rows if r in places), light, strict=True)}


def _png(light: np.ndarray) -> str:
    content = io.BytesIO()
    Image.fromarray(light).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()
