"""Near copies of texts and of pictures: rows that must not lie on both sides of a split (`data.duplicates`)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.data.near.links import together
from engine.data.pixels import as_drawn
from engine.records import Json, digest

if TYPE_CHECKING:
    from engine.data.table import Table

_cache: OrderedDict[str, np.ndarray] = OrderedDict()
_lock = threading.Lock()


def near_copies(columns: Sequence[str], cells: Callable[[str], np.ndarray], n: int, material: str) -> np.ndarray | None:
    """(n,) int64: rows that are near copies of each other share a number.  None where nothing was compared.

    columns: the texts, or the pixels.  cells: the (n,) cells of one, texts or None, or numbers.  Rows are near
    where all their texts together are, whatever stands beside them.
    """
    if not columns or n < 2:
        return None
    if material == "text":
        from engine.data.near.texts import near_texts

        each = [["" if cell is None else str(cell) for cell in cells(name)] for name in columns]
        return near_texts(each[0] if len(each) == 1 else ["\n".join(row) for row in zip(*each, strict=True)])
    from engine.data.near.pictures import near_pictures

    return near_pictures(as_drawn(columns), cells, n)


def near_of(table: Table, recipe: Mapping[str, Json]) -> np.ndarray | None:
    """The near copies among a table's rows, as they were read; kept in this process."""
    if recipe.get("material") not in ("text", "image"):
        return None
    key = digest([table.key, recipe["material"], list(recipe["types"].items())])
    with _lock:
        if table.key and key in _cache:
            return _cache[key]
    read = table.frame if table.plain is None else table.plain
    kind = "text" if recipe["material"] == "text" else "number"
    columns = [str(name) for name in read.columns if recipe["types"].get(name) == kind]
    found = near_copies(columns, lambda name: read[name].to_numpy(), len(read), recipe["material"])
    if found is not None:
        with _lock:
            _cache[key] = found
            while len(_cache) > 8:
                _cache.popitem(last=False)
    return found


def kept_together(table: Table, recipe: Mapping[str, Json]) -> np.ndarray:
    """(n,) int64: copies, and near copies unless the recipe leaves those free, share a number."""
    near = near_of(table, recipe) if recipe.get("near", True) else None
    return table.copies if near is None else together(table.copies, near)


def counts(number: np.ndarray, copies: np.ndarray) -> dict[str, Json]:
    """How many clusters hold rows that differ, yet are near; how many rows they have, and the largest of them.

    number, copies: (n,) near copies and equal rows, each under a number.
    """
    whole = together(copies, number)
    pairs = np.unique(np.stack([whole, copies]), axis=1)
    several = np.flatnonzero(np.bincount(pairs[0]) > 1)
    sizes = np.bincount(whole)[several]
    return {"clusters": len(several), "rows": int(sizes.sum()), "largest": int(sizes.max(initial=0))}
