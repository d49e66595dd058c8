"""How prepared columns become what a network takes: which are the text, the picture or the window, and which stand
beside it; the tensors of many rows, and one batch of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import DataProblem
from engine.models.networks.backend import load_torch
from engine.models.networks.layers import SAID, Inputs, Network
from engine.records import Json

Span = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Where in the prepared columns the material lies.  main, beside: spans [start, stop); none of both for a table,
    which is taken as it is.  width: of the prepared columns."""

    inputs: Inputs
    width: int
    main: tuple[Span, ...] = ()
    beside: tuple[Span, ...] = ()

    def as_dict(self) -> dict[str, Json]:
        spans = {"main": [list(s) for s in self.main], "beside": [list(s) for s in self.beside]}
        return {"inputs": self.inputs.as_dict(), "width": self.width, **spans}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Json]) -> Layout:
        main, beside = (tuple((int(a), int(b)) for a, b in raw[name]) for name in ("main", "beside"))
        return cls(Inputs.from_dict(raw["inputs"]), int(raw["width"]), main, beside).checked()

    def checked(self) -> Layout:
        """Itself, or ValueError: spans that lie within the width, and hold what the inputs say."""
        if any(not 0 <= a <= b <= self.width for a, b in (*self.main, *self.beside)):
            raise ValueError
        asked = self.inputs.shape[0] - 1 if self.inputs.takes == "window" else _size(self.inputs.shape)
        held = sum(b - a for a, b in self.main) if self.main else self.width
        beside = sum(b - a for a, b in self.beside)
        steps = bool(self.inputs.takes == "window")
        if held != asked + steps or beside != self.inputs.beside:
            raise ValueError
        return self

    def tensors(self, X: Any) -> Stack:
        """The rows as tensors.  X: (n, width), dense, or sparse for terms."""
        torch = load_torch()
        takes = self.inputs.takes
        if takes == "terms" and hasattr(X, "tocsr"):
            return Terms.of(X)
        main = _columns(X, self.main)
        beside = torch.from_numpy(_float32(_columns(X, self.beside))) if self.beside else None
        if takes == "tokens":
            return Stack(torch.from_numpy(np.ascontiguousarray(main, dtype=np.int64)), beside)
        if takes == "window":  # without its first column, the step: see `windows`
            values = np.concatenate([main[:, :0:-1], np.zeros((len(main), 1))], axis=1)
            return Stack(torch.from_numpy(_float32(values))[..., None], beside)
        return Stack(torch.from_numpy(_float32(main)).reshape(len(main), *self.inputs.shape), beside)

    def windows(self, X: np.ndarray, y: np.ndarray | None = None) -> Windows:
        """Rows that ask for several steps from one origin, as one window with all its steps.

        X: (n, width), rows of one origin behind each other in the order of their steps; y: (n,) or None.
        """
        torch = load_torch()
        main = _columns(X, self.main)
        steps = np.rint(main[:, 0] * self.inputs.horizon).astype(np.int64) - 1
        steps = steps.clip(0, self.inputs.horizon - 1)
        new = np.ones(len(X), dtype=bool)
        new[1:] = (steps[1:] <= steps[:-1]) | (main[1:, 1:] != main[:-1, 1:]).any(axis=1)
        window = np.cumsum(new) - 1
        first = np.flatnonzero(new)
        stack = self.tensors(X[first])
        beside = None
        if self.beside:
            filled = np.zeros((len(first), self.inputs.horizon, self.inputs.beside), dtype=np.float32)
            filled[window, steps] = _columns(X, self.beside)
            beside = torch.from_numpy(filled)
        asked = np.full((len(first), self.inputs.horizon), np.nan, dtype=np.float32)
        if y is not None:
            asked[window, steps] = y
        return Windows(Stack(stack.x, beside), asked, window, steps)


class Stack:
    """Rows as tensors of one length: x, and what stands beside it or None."""

    def __init__(self, x: Any, beside: Any = None) -> None:
        self.x, self.beside = x, beside

    def __len__(self) -> int:
        return len(self.x)

    @property
    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in (self.x, self.beside) if t is not None)

    def to(self, device: str) -> Stack:
        return Stack(self.x.to(device), None if self.beside is None else self.beside.to(device))

    def ordered(self, order: Any) -> Stack:
        """The rows in this order, (m,) places on the rows' device."""
        return Stack(self.x[order], None if self.beside is None else self.beside[order])

    def batch(self, start: int, stop: int) -> tuple[Any, Any]:
        """What the network is called with: x and beside of the rows from start to before stop."""
        return self.x[start:stop], None if self.beside is None else self.beside[start:stop]

    def batches(self, size: int) -> Iterator[tuple[Any, Any]]:
        for at in range(0, len(self), size):
            yield self.batch(at, at + size)


class Terms(Stack):
    """Rows that are nearly all 0: places and values of what is not, one row behind the other; edges (n + 1,)."""

    def __init__(self, places: Any, values: Any, edges: Any, order: Any = None) -> None:
        super().__init__(edges[:-1])
        self.places, self.values, self.edges, self.order = places, values, edges, order

    @classmethod
    def of(cls, X: Any) -> Terms:
        torch = load_torch()
        X = X.tocsr()
        parts = (X.indices.astype(np.int64), X.data.astype(np.float32), X.indptr.astype(np.int64))
        return cls(*(torch.from_numpy(part) for part in parts))

    def __len__(self) -> int:
        return len(self.edges) - 1 if self.order is None else len(self.order)

    @property
    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in (self.places, self.values, self.edges))

    def to(self, device: str) -> Terms:
        order = None if self.order is None else self.order.to(device)
        return Terms(self.places.to(device), self.values.to(device), self.edges.to(device), order)

    def ordered(self, order: Any) -> Terms:
        return Terms(self.places, self.values, self.edges, order if self.order is None else self.order[order])

    def batch(self, start: int, stop: int) -> tuple[Any, Any]:
        torch = load_torch()
        if self.order is None:
            edges = self.edges[start : min(stop, len(self)) + 1]
            inside = slice(int(edges[0]), int(edges[-1]))
            return (self.places[inside], edges - edges[0], self.values[inside]), None
        rows = self.order[start:stop]
        begins, lengths = self.edges[rows], self.edges[rows + 1] - self.edges[rows]
        edges = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        total = int(edges[-1])
        at = torch.arange(total, device=edges.device) + (begins - edges[:-1]).repeat_interleave(lengths)
        return (self.places[at], edges, self.values[at]), None


@dataclass(frozen=True)
class Windows:
    """Windows with all their steps.  y: (windows, steps) float32, NaN where nobody asked or answered; window, step:
    (rows,) where each row's answer stands."""

    stack: Stack
    y: np.ndarray
    window: np.ndarray
    step: np.ndarray


def plain_layout(width: int) -> Layout:
    """All columns as a table."""
    return Layout(Inputs("table", (width,)), width)


def layout_of(network: Network, prepare: Any, width: int, recipe: Mapping[str, Json]) -> Layout:
    """Where the network finds its material among the prepared columns.

    prepare: the fitted preparation; width: columns that a model learns from.  Raises DataProblem where there is none.
    """
    takes = network.takes
    if takes == "table" and not any(layer.kind in ("periodic", "categories") for layer in network.layers):
        return plain_layout(width)
    if takes == "terms":
        return Layout(Inputs("terms", (width,)), width)
    from engine.models.fitting import LEADING
    from engine.models.pipeline import parts_of

    columns = parts_of(prepare)[0] if prepare is not None else None
    places = dict(columns.output_indices_) if columns is not None else {}
    steps = {name: step for name, step, _ in columns.transformers_} if columns is not None else {}
    if takes == "table":
        return _embedded(places, steps, width, LEADING if recipe["task"] == "forecast" else 0)
    if takes == "window":
        return _window(places, steps, width, network)
    name = "pixels" if takes == "picture" else "tokens"
    at = places.get(name, slice(0, 0))
    if at.stop == at.start:
        raise DataProblem(f"{network.title} takes {SAID[takes]}, and this table has none; choose another network.")
    rest = _rest(width, (at.start, at.stop))
    beside = sum(b - a for a, b in rest)
    if takes == "tokens":
        inputs = Inputs("tokens", (at.stop - at.start,), beside, rows=steps[name].rows)
    else:
        inputs = Inputs("picture", _sides(steps[name], at.stop - at.start), beside)
    return Layout(inputs, width, ((at.start, at.stop),), rest)


def _sides(pixels: Any, held: int) -> tuple[int, int, int]:
    """(height, width, channels) of what the preparation hands on."""
    if not pixels.shape_:
        raise DataProblem("The pixel columns make no square picture; use a model for tables, or complete the columns.")
    height, width, channels = pixels.shape_
    if height * width * channels != held:
        height = width = pixels.side
    return height, width, channels


def _embedded(places: Mapping[str, slice], steps: Mapping[str, Any], width: int, before: int) -> Layout:
    """Numbers first, codes of categories last, what else there is between.

    before: prepared columns in front of those that a model learns from.
    """
    numbers, codes = (_span(places.get(name, slice(before, before)), before) for name in ("numbers", "codes"))
    levels = levels_of(steps["codes"]) if codes[1] > codes[0] else ()
    known = [span for span in (numbers, codes) if span[1] > span[0]]
    between = _rest(width, *known)
    spans = [span for span in (numbers, *between, codes) if span[1] > span[0]]
    inputs = Inputs("table", (width,), numbers=numbers[1] - numbers[0], levels=tuple(levels))
    return Layout(inputs, width, tuple(spans)).checked()


def _span(place: slice, before: int) -> Span:
    return place.start - before, place.stop - before


def levels_of(encoder: Any) -> tuple[int, ...]:
    """How many codes a fitted ordinal encoder gives to each of its columns; empty cells have none."""
    found = []
    for j, levels in enumerate(encoder.categories_):
        rare = encoder.infrequent_categories_[j] if hasattr(encoder, "infrequent_categories_") else None
        there = sum(level is not None and level == level for level in levels)
        found.append(max(1, there - (len(rare) - 1 if rare is not None and len(rare) else 0)))
    return tuple(found)


def _window(places: Mapping[str, slice], steps: Mapping[str, Any], width: int, network: Network) -> Layout:
    from engine.models.fitting import LEADING

    at = places.get("window")
    if at is None:
        raise DataProblem(f"{network.title} takes windows of a series, and this is a table; choose another network.")
    kinds = list(steps["window"].kinds)
    start, lags = at.start, kinds.count("lag") - 1  # the last value is the level, from which all is measured
    main = ((start, start + 1 + lags),)
    rest = _rest(width, *main)
    inputs = Inputs("window", (lags + 1, 1), sum(b - a for a, b in rest), horizon=int(steps["window"].horizon))
    assert at.stop - LEADING <= width
    return Layout(inputs, width, main, rest)


def _rest(width: int, *taken: Span) -> tuple[Span, ...]:
    found, at = [], 0
    for start, stop in sorted(taken):
        if start > at:
            found.append((at, start))
        at = max(at, stop)
    return (*found, *([(at, width)] if at < width else []))


def _columns(X: np.ndarray, spans: Sequence[Span]) -> np.ndarray:
    if not spans:
        return X
    if len(spans) == 1:
        return X[:, spans[0][0] : spans[0][1]]
    return np.concatenate([X[:, a:b] for a, b in spans], axis=1)


def _float32(X: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(X, dtype=np.float32)


def _size(shape: Sequence[int]) -> int:
    return int(np.prod(shape))
