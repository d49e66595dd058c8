"""Pictures that are nearly the same: saved again, drawn to another size, or made lighter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from engine.data.areas import areas
from engine.data.near.links import linked
from engine.data.pixels import layout

BITS = 4  # of the 64 of an average hash in which near copies may differ (`data.duplicates`)
FINE = 16  # pixels a side of the pictures that are held against each other
ALIKE = 0.98  # correlation of what two pictures have beyond the mean of all
BANDS, BAND = 16, 14  # at a correlation of 0.98 a pair is missed once in 3,000 times
MOST_PICTURES = 200_000
FLAT = 1e-6  # share of the mean spread below which a picture shows nothing


def near_pictures(columns: Sequence[str], values: Callable[[str], np.ndarray], n: int) -> np.ndarray | None:
    """(n,) int64: near copies share a number.  None where the columns make no picture, or pictures are too many.

    columns: names, in order.  values: the (n,) numbers of one.
    Near: average hashes that differ in at most 4 of 64 bits, and a correlation of at least 0.98 at 16 × 16 pixels,
    each less the mean of all pictures.  The hash alone is too coarse for pictures of one kind: of 1,347 digits it calls
    1,105 near copies, 6 % of those pairs of different digits; both together call 2 so.
    """
    found = layout(columns)
    if found is None or n > MOST_PICTURES or n < 2:
        return None
    side = min(FINE, found.height, found.width)
    rows, across = areas(found.height, side), areas(found.width, side)
    drawn = np.zeros((n, side, side), dtype=np.float32)
    for k, name in enumerate(columns):  # a column at a time: all of them would be as large as the table again
        row, column = divmod(k // found.channels, found.width)
        column_values = np.nan_to_num(np.asarray(values(name), dtype=np.float32)) / found.channels
        for i in np.flatnonzero(rows[:, row]):
            for j in np.flatnonzero(across[:, column]):
                drawn[:, i, j] += np.float32(rows[i, row] * across[j, column]) * column_values
    hashes = average_hashes(drawn)
    beyond = _directions(drawn.reshape(n, -1))

    def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        same = np.bitwise_count(hashes[a] ^ hashes[b]) <= BITS
        for some in np.array_split(np.flatnonzero(same), len(a) // 10_000 + 1):
            same[some] = np.einsum("ij,ij->i", beyond[a[some]], beyond[b[some]]) >= ALIKE
        return same

    return linked(n, _keys(beyond), alike)


def average_hashes(pictures: np.ndarray) -> np.ndarray:
    """(n,) uint64 of (n, side, side): a bit for each of 8 × 8 areas that is lighter than the mean."""
    n, height, width = pictures.shape
    small = np.einsum("ih,nhw,jw->nij", areas(height, 8), pictures, areas(width, 8), optimize=True).reshape(n, 64)
    bits = small > small.mean(axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def _directions(pictures: np.ndarray) -> np.ndarray:
    """(n, pixels) of length 1: each less the mean of all and its own; zeros where nothing is left."""
    beyond = pictures - pictures.mean(axis=0)
    beyond -= beyond.mean(axis=1, keepdims=True)
    length = np.linalg.norm(beyond, axis=1, keepdims=True)
    shown = length > FLAT * float(length.mean())
    return np.where(shown, beyond / np.where(shown, length, 1), 0).astype(np.float32)


def _keys(beyond: np.ndarray) -> Iterator[np.ndarray]:
    """On which side of some planes each lies: near directions share all sides of one band or another (Charikar 2002).
    Those that show nothing are near to none, and have keys of their own."""
    rng = np.random.default_rng(0)
    nothing = np.flatnonzero(~beyond.any(axis=1))
    for _ in range(BANDS):
        sides = beyond @ rng.normal(size=(beyond.shape[1], BAND)).astype(np.float32) > 0
        key = sides @ (1 << np.arange(BAND, dtype=np.int64))
        key[nothing] = -1 - np.arange(len(nothing))
        yield key
