"""The ladder drawn on one scale: where each rung's score lies, and its interval.  Plain text, no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from tui.figures import number
from tui.literal import literal


@dataclass(frozen=True)
class Mark:
    """One line of a ladder.  value, low and high in the metric's unit."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Pens:
    """The signs to draw with; `ASCII` where the terminal has no others."""

    point: str = "●"
    line: str = "─"
    left: str = "├"
    right: str = "┤"
    rest: str = "·"
    block: str = "█"
    reference: str = "┆"
    back: str = "◂"


FAR = 4  # times the width of all marks: beyond it a reference leaves them a sixth of the line
UNICODE = Pens()
ASCII = Pens("o", "-", "|", "|", ".", "#", ":", "<")


def span(marks: Sequence[Mark], reference: float | None = None) -> tuple[float, float]:
    """The ends of the common scale: a little room on both sides, none beyond the ends of a share."""
    ends = [x for m in marks for x in (m.value, m.low, m.high) if x is not None]
    if reference is not None:
        ends.append(reference)
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    if low == high:
        pad = abs(low) * 0.05 or 0.5
        return low - pad, high + pad
    pad = (high - low) * 0.03
    left = 0.0 if 0 <= low < pad else low - pad  # what cannot be below 0, or as a share above 1, has no scale there
    return left, (1.0 if high <= 1 < high + pad else high + pad)


def place(value: float, scale: tuple[float, float], width: int) -> int:
    low, high = scale
    return max(0, min(width - 1, round((value - low) / (high - low) * (width - 1))))


def bar(
    mark: Mark, scale: tuple[float, float], width: int, pens: Pens = UNICODE, reference: float | None = None
) -> str:
    """A line `width` cells long with the point and its interval."""
    cells = [" "] * width
    if reference is not None:
        cells[place(reference, scale, width)] = pens.reference
    if mark.low is not None and mark.high is not None:
        first, last = place(mark.low, scale, width), place(mark.high, scale, width)
        cells[first : last + 1] = [pens.line] * (last - first + 1)
        if last - first > 2:
            cells[first], cells[last] = pens.left, pens.right
    cells[place(mark.value, scale, width)] = pens.point
    return "".join(cells)


def drawn(
    marks: Sequence[Mark], width: int, pens: Pens = UNICODE, reference: float | None = None, figures: bool = True,
    scaled: bool = False,
) -> Content:  # fmt: skip
    """One line a mark: its label, its figure, its place on the scale.  Empty marks give an empty text.

    scaled: one line more below, with the ends of the scale and the reference; one that lies so far away that the
    marks would be drawn in a few cells is named there, and the scale is the marks' own.
    """
    if not marks or width < 16:
        return Content("")
    labels = [literal(m.label) for m in marks]
    shown = [number(m.value) if figures else "" for m in marks]
    figure = max(map(len, shown))
    # a narrow column gives the scale its room first; a label too long is cut
    label = min(max(Content(text).cell_length for text in labels), max(8, width - figure - 14))
    room = width - label - figure - (3 if figures else 1)
    away = reference if scaled and reference is not None and _far(marks, reference) else None
    reference = None if away is not None else reference
    scale = span(marks, reference)
    lines = []
    for text, value, mark in zip(labels, shown, marks, strict=True):
        name = Content(text).truncate(label, ellipsis=True)
        line = Content.assemble(name.pad_right(label - name.cell_length), " ")
        if figures:
            line = line + Content.styled(f"{value:>{figure}}", "bold") + " "
        lines.append(line + Content.styled(" " + bar(mark, scale, room - 1, pens, reference), "$primary"))
    if scaled:
        lines.append(
            Content.styled(" " * (width - room) + _ends(scale, room - 1, pens, reference, away), "$text-muted")
        )
    return Content("\n").join(lines)


def _far(marks: Sequence[Mark], reference: float) -> bool:
    low, high = span(marks)
    return max(low - reference, reference - high) > FAR * (high - low)


def _ends(
    scale: tuple[float, float], width: int, pens: Pens, reference: float | None, away: float | None = None
) -> str:
    left, right = number(scale[0]), number(scale[1])
    if away is not None:
        side, sign = ("left", "<") if away < scale[0] else ("right", ">")
        room = max(1, width - len(left) - len(right))
        said = (f"{pens.reference} {number(away)} is off to the {side}", f"{sign} {number(away)}", "")
        return left + f"{next(words for words in said if len(words) < room - 1 or not words):^{room}}" + right
    middle = "" if reference is None else f"{pens.reference} {number(reference)}"
    at = len(left) + 1 if reference is None else max(len(left) + 1, place(reference, scale, width))
    at = min(at, width - len(right) - len(middle) - 1)
    if at <= len(left):
        return middle[:width]
    return f"{left:<{at}}{middle}".ljust(width - len(right)) + right


def one_line(marks: Sequence[Mark]) -> str:
    """`0.500 prior → 0.711 rule → 0.846 logistic`."""
    return " → ".join(f"{number(m.value)} {literal(m.label)}" for m in marks)
