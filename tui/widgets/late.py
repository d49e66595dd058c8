"""Rows that are made when they come into sight: of ten thousand a person sees thirty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from textual.cache import LRUCache

from tui.widgets.rows import Row

KEPT = 2_000


class LateRows(Sequence[Row]):
    """things: what each row is about.  make: the row of the thing at an index."""

    def __init__(self, things: Sequence[Any], make: Callable[[int], Row]) -> None:
        self._things = things
        self._make = make
        self._made: LRUCache[int, Row] = LRUCache(KEPT)

    def __len__(self) -> int:
        return len(self._things)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        if (row := self._made.get(at)) is None:
            row = self._made[at] = self._make(at)
        return row

    def __iter__(self) -> Iterator[Row]:
        return (self[i] for i in range(len(self)))
