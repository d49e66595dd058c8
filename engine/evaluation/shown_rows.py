"""Rows of the data, kept to be shown: apart from evidence, which holds no row of anybody (see engine.views.Samples)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.records import Json
from engine.trials import Context

MEDIA_TYPE = "application/vnd.rungwise.rows+json"
MOST_COLUMNS = 40
LONGEST = 80  # characters of a cell


def keep_rows(ctx: Context, parts: Mapping[str, tuple[Sequence[str], Sequence[Sequence[Json]]]]) -> str:
    """Keep {part: (columns, rows)}; returns the digest that `Samples` names.  Empty parts are left out."""
    content = {part: {"columns": list(columns), "rows": list(rows)} for part, (columns, rows) in parts.items() if rows}
    return ctx.keep(json.dumps(content, ensure_ascii=False, allow_nan=False).encode(), MEDIA_TYPE)


def cells(row: pd.Series) -> list[Json]:
    """The first 40 cells of a row as JSON, long texts cut."""
    return [cell(value) for value in row.iloc[:MOST_COLUMNS].tolist()]


def cell(value: Any) -> Json:
    if value is None or value is pd.NaT or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, int | float | np.number):
        return float(value)
    text = str(value).removesuffix(" 00:00:00")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
