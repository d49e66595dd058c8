"""Every kind of evidence as text of a given size: pictures that read in 16 colours, without colour, and in ASCII."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from textual.content import Content

from engine.views import Bars, Curves, Grid, Histogram, Intervals, Samples, Table, View, Words
from tui.figures import cell, number
from tui.ladder import ASCII, UNICODE, Mark, Pens, drawn
from tui.literal import literal, literal_lines
from tui.plot import curves

LONG_FIGURE = re.compile(r"-?\d+\.\d{7,}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?")
WIDEST = 100  # cells; on a longer line the eye loses the way from the label to its bar


def draw(view: View, width: int, height: int, ascii_only: bool = False, growing: bool = False) -> Content:
    """Any view as text of this width; curves also fill the height.  growing: see `curves`."""
    pens = ASCII if ascii_only else UNICODE
    match view:
        case Table():
            return Content("\n").join(Content(" ".join(cell(v) for v in row)) for row in view.rows)
        case Intervals():
            marks = [Mark(label, value, low, high) for label, value, low, high in view.rows]
            unit = Content.styled(literal(view.unit), "$text-muted")
            scaled = height >= len(marks) + 2
            return unit + Content("\n") + drawn(marks, min(width, WIDEST), pens, view.reference, scaled=scaled)
        case Bars():
            return _bars(view, min(width, WIDEST), pens)
        case Curves():
            return curves(view.series, width, max(6, height), x=view.x, y=view.y, ascii_only=ascii_only, ends=view.ends,
                          growing=growing)  # fmt: skip
        case Words():
            return Content(literal_lines(view.text))
        case Histogram():
            return _histogram(view, min(width, WIDEST), pens)
        case Grid():
            return _grid(view, width, ascii_only)
        case Samples():
            return Content.styled("These rows are no longer kept.", "$text-muted")


def _bars(view: Bars, width: int, pens: Pens) -> Content:
    if not view.rows:
        return Content("")
    labels = [Content(literal(label)).truncate(24, ellipsis=True) for label in _labels(view)]
    counts = view.unit == "rows" and all(float(value).is_integer() for _, value in view.rows)
    values = [number(int(value) if counts else value) for _, value in view.rows]
    label, figure = max(c.cell_length for c in labels), max(map(len, values))
    room = max(4, width - label - figure - 3)
    largest = max((abs(value) for _, value in view.rows), default=1) or 1
    total = sum(abs(value) for _, value in view.rows)
    either = any(value < 0 for _, value in view.rows)
    lines = []
    for name, text, (_, value) in zip(labels, values, view.rows, strict=True):
        share = f"  {abs(value) / total:.1%}" if total and view.unit == "rows" else ""
        if either:
            bar = _either_way(value / largest, room, pens)
        else:
            bar = pens.block * max(1 if value else 0, round(abs(value) / largest * (room - len(share))))
        lines.append(
            Content.assemble(
                name.pad_right(label - name.cell_length), " ", (f"{text:>{figure}} ", "bold"), (bar, "$primary"),
                (share, "$text-muted"),
            )
        )  # fmt: skip
    return Content("\n").join([Content.styled(literal(view.unit), "$text-muted"), *lines])


def _labels(view: Bars) -> list[str]:
    """Moments without the time of the day, where their days tell them apart; figures without idle digits."""
    labels = [label for label, _ in view.rows]
    if all(MOMENT.fullmatch(label) for label in labels) and len({label[:10] for label in labels}) == len(labels):
        return [label[:10] for label in labels]
    return [_short(label) for label in labels]


def _short(label: str) -> str:
    """A computed figure without the digits that tell nothing: 12.2222 of 12.222222222222221."""
    return f"{float(label):.6g}" if LONG_FIGURE.fullmatch(label) else label


def _either_way(share: float, room: int, pens: Pens) -> str:
    """A bar to the left of the middle for what is below zero, to the right for what is above."""
    half = (room - 1) // 2
    length = max(1 if share else 0, round(abs(share) * half))
    left = pens.block * length if share < 0 else ""
    return f"{left:>{half}}{pens.reference}{pens.block * length if share > 0 else ''}"


def _histogram(view: Histogram, width: int, pens: Pens) -> Content:
    """One line a bin: where it begins, a bar, the count; marks stand behind the bin that they fall in.

    A bin of one whole number, from 2.5 to 3.5, is named by that number.
    """
    edges = view.edges
    if not view.counts:
        return Content("")
    whole = all(low % 1 == 0.5 and high - low == 1 for low, high in pairwise(edges))
    *names, end = _alike(edges) if not whole else [number(round(edge + 0.5)) for edge in edges]
    label, figure = max(map(len, (*names, end))), max((len(number(n)) for n in view.counts), default=1)
    room = max(4, width - label - figure - 16)
    largest = max(view.counts, default=1) or 1
    lines = []
    for i, (name, n) in enumerate(zip(names, view.counts, strict=True)):
        low, high = view.edges[i], view.edges[i + 1]
        last = i == len(view.counts) - 1
        here = [f"{pens.back} {literal(text)}" for text, x in view.marks if low <= x < high or (last and x == high)]
        lines.append(
            Content.assemble(
                f"{name:>{label}} ", (f"{number(n):>{figure}} ", "bold"),
                (pens.block * max(1 if n else 0, round(n / largest * room)), "$primary"),
                (" " + " ".join(here) if here else "", "$text-muted"),
            )
        )  # fmt: skip
    head = Content.styled(literal(view.unit) if whole else f"from, {literal(view.unit)}", "$text-muted")
    foot = [] if whole else [Content.styled(f"{end:>{label}}", "$text-muted")]
    return Content("\n").join([head, *lines, *foot])


def _alike(edges: Sequence[float]) -> list[str]:
    """The edges with one number of decimals, the fewest that any of them is told with and that tell them apart."""
    told = [number(edge) for edge in edges]
    decimals = {len(text.partition(".")[2]) for text in told if "." in text}
    if any("e" in text for text in told) or not decimals:
        return told
    alike = [[f"{edge:,.{places}f}" for edge in edges] for places in sorted(decimals)]
    return next((texts for texts in alike if len(set(texts)) == len(set(edges))), told)


SHADES, LETTER_SHADES = " ░▒▓█", " .:*#"


def _grid(view: Grid, width: int, ascii_only: bool) -> Content:
    """A cell a pair: its shade and, in percent, its figure, so that no shade has to be judged by eye."""
    shades = LETTER_SHADES if ascii_only else SHADES
    names = [Content(literal(name)).truncate(20, ellipsis=True) for name in view.rows]
    label = max((name.cell_length for name in names), default=0)
    room = max(7, min(12, (width - label - 1) // max(1, len(view.columns))))
    shown = max(1, (width - label - 1) // room)
    heads = [Content(literal(name)).truncate(room - 1, ellipsis=True) for name in view.columns[:shown]]
    head = Content(" " * (label + 1)) + Content("").join([h.pad_right(room - h.cell_length) for h in heads])
    lines = [head.stylize("$text-muted")]
    for name, values in zip(names, view.values, strict=True):
        cells = []
        for value in values[:shown]:
            if value is None:
                cells.append(Content(" " * room))
                continue
            shade = shades[min(4, round(4 * max(0.0, min(1.0, value))))]
            cells.append(Content.assemble((shade * 2, "$primary"), f" {100 * value:.0f}%".ljust(room - 2)))
        lines.append(name.pad_right(label + 1 - name.cell_length) + Content("").join(cells))
    if shown < len(view.columns):
        lines.append(Content.styled(f"… {len(view.columns) - shown} more columns stand in the table", "$text-muted"))
    return Content("\n").join(lines)
