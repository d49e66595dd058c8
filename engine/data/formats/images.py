"""A folder of pictures: one sub-folder per class, one row per picture, one column per pixel.

Every picture is brought to one small square, so that a row is a row of numbers as in any table: pixel_<row>_<column>,
and _r, _g or _b behind it where the pictures are coloured, each from 0 to 255.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from engine.data.formats import PICTURES
from engine.data.formats.folders import as_raw, files_of
from engine.data.formats.reader import fits_memory
from engine.data.naming import quoted
from engine.data.raw import Raw
from engine.data.settings import Guess, ReadSettings
from engine.errors import DataProblem

SIDE = 32  # pixels, for pictures that are not small squares themselves
LOOKED_AT = 200  # pictures that decide side and colour
COLOURED = 8.0  # mean difference of the channels, of 255, from which a picture is not grey
MOST_PIXELS = 100_000_000  # of one picture; more is no picture for a model, and may be made to fill a machine


def read_folder(path: Path, settings: ReadSettings, columns: Sequence[str] | None = None) -> Raw:
    """The pictures as rows.  settings.side and settings.colour: None looks at some of the pictures.

    Pictures that cannot be opened are left out and counted.  Raises DataProblem when none can be read, or when all of
    them would not fit into memory.
    """
    files = files_of(path, PICTURES)
    sizes, coloured = _glance([file for file, _ in files])
    if not sizes:
        raise DataProblem(
            f"{path}: none of the first pictures can be opened, such as {files[0][0].name}: are they whole?"
        )
    side, colour, guesses = _shape(settings, sizes, coloured)
    channels = 3 if colour else 1
    fits_memory(path, len(files) * side * side * channels * 10)  # bytes: what is read, and the numbers made of it
    pixels, read, bad = _pixels(files, side, colour)
    if not read:
        raise DataProblem(f"{path}: no picture can be opened: {bad[0][1]}")
    letters = ("_r", "_g", "_b") if colour else ("",)
    made = {
        f"pixel_{r}_{c}{letter}": pa.chunked_array([pa.array(np.ascontiguousarray(pixels[:, r, c, k]))])
        for r in range(side)
        for c in range(side)
        for k, letter in enumerate(letters)
    }
    said = []
    if len(sizes) > 1:
        common = ", ".join(f"{w}×{h}" for (w, h), _ in sizes.most_common(3))
        said.append(
            f"The pictures have {len(sizes)} sizes ({common} …): each is drawn to {side}×{side}, whatever its form."
        )
    return as_raw(path, settings, read, made, columns, bad=bad, warnings=said, guesses=guesses)


def _shape(settings: ReadSettings, sizes: Counter[tuple[int, int]], coloured: float) -> tuple[int, bool, list[Guess]]:
    (width, height), _ = sizes.most_common(1)[0]
    native = len(sizes) == 1 and width == height and width <= SIDE
    guesses: list[Guess] = []
    side = settings.side or (width if native else SIDE)
    if settings.side is None:
        why = f"every picture is {width}×{height}" if native else f"the commonest picture is {width}×{height}"
        guesses.append(Guess(setting="side", value=side, why=why, count=sum(sizes.values())))
    colour = settings.colour if settings.colour is not None else coloured >= 0.1
    if settings.colour is None:
        why = f"{coloured:.0%} of the pictures looked at are coloured"
        guesses.append(Guess(setting="colour", value=colour, why=why, count=sum(sizes.values())))
    return side, colour, guesses


def _glance(files: Sequence[Path]) -> tuple[Counter[tuple[int, int]], float]:
    """Sizes of some of the pictures, and which share of them is coloured."""
    sizes: Counter[tuple[int, int]] = Counter()
    coloured = 0
    step = max(1, len(files) // LOOKED_AT)
    for file in files[::step]:
        picture = _opened(file)
        if isinstance(picture, str):
            continue
        sizes[picture.size] += 1
        small = np.asarray(picture.convert("RGB").resize((16, 16)), dtype=float)
        coloured += bool((small.max(axis=2) - small.min(axis=2)).mean() > COLOURED)
    return sizes, coloured / max(1, sum(sizes.values()))


def _opened(file: Path) -> Any:
    """The picture, upright; or why it cannot be opened."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    return f"{quoted(file.name)} has {picture.width:,}×{picture.height:,} pixels, too many for a model."
                picture.load()
                return ImageOps.exif_transpose(picture)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning,
            MemoryError, TypeError, IndexError, KeyError, OverflowError) as problem:  # fmt: skip
        # Pillow raises many kinds for damaged pictures; all mean the same to a reader
        return f"{quoted(file.name)} cannot be opened ({str(problem)[:100] or type(problem).__name__})."


def _pixels(
    files: Sequence[tuple[Path, str | None]], side: int, colour: bool
) -> tuple[np.ndarray, list[tuple[Path, str | None]], list[tuple[Path, str]]]:
    """(n, side, side, channels) uint8, the files that they are of, and those that could not be opened."""
    from PIL import Image

    made = np.zeros((len(files), side, side, 3 if colour else 1), dtype=np.uint8)
    read: list[tuple[Path, str | None]] = []
    bad: list[tuple[Path, str]] = []
    for file, label in files:
        picture = _opened(file)
        if isinstance(picture, str):
            bad.append((file, picture))
            continue
        flat = _on_white(picture).convert("RGB" if colour else "L")
        if flat.size != (side, side):
            flat = flat.resize((side, side), Image.Resampling.BOX)
        made[len(read)] = np.asarray(flat, dtype=np.uint8).reshape(side, side, -1)
        read.append((file, label))
    return made[: len(read)], read, bad


def _on_white(picture: Any) -> Any:
    """What is see-through lies on white, as on paper."""
    from PIL import Image

    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return picture
    above = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
