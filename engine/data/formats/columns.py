"""What is found of a table whose columns come with types: how the numbers in its texts are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from engine.data import typed
from engine.data.settings import Guess, ReadSettings
from engine.data.sniffing import blanks, notation

SAMPLE = 2000  # rows


def found_in(columns: Sequence[pa.Array], settings: ReadSettings) -> tuple[ReadSettings, list[Guess]]:
    """The settings with the notation of numbers that stand in columns of text, and by what it was found."""
    texts = [
        [cell for cell in column.slice(0, SAMPLE).to_pylist() if cell]
        for column in (typed.as_text(pa.chunked_array([c])) for c in columns if typed.is_text(_plain(c.type)))
    ]
    decimal, thousands, guesses = notation(cell.strip() for column in texts for cell in column)
    return replace(settings, decimal=decimal, thousands=thousands), guesses + blanks(texts)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
