"""How columns of pixels make a picture.  Light."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Pictures of height × width pixels in so many channels; their columns stand row by row, the channels innermost."""

    height: int
    width: int
    channels: int


def as_drawn(columns: Sequence[str]) -> list[str]:
    """Pixel columns in the order of the picture: a number in a name counts as a number, so that pixel_2 comes before
    pixel_10.  A recipe cannot tell: it comes back from a store with its names in the order of the alphabet."""
    parts = {name: re.split(r"(\d+)", name) for name in columns}
    return sorted(columns, key=lambda name: [(0, int(p), p) if p.isdecimal() else (1, 0, p) for p in parts[name]])


def layout(columns: Sequence[str]) -> Layout | None:
    """The form of a picture from its pixel columns: a square, in one channel or in three; None where it is none."""
    n = len(columns)
    coloured = sum(name[-2:] in ("_r", "_g", "_b") for name in columns) == n > 0
    for channels in (3, 1) if coloured else (1, 3):
        side = math.isqrt(n // channels)
        if n and side * side * channels == n:
            return Layout(side, side, channels)
    return None
