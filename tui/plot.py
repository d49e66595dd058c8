"""Lines over a common axis, drawn with braille dots, or with letters where the terminal has no others.

Each line has its own sign or its own dashes, so that colour only helps.  Pure Python, about a millisecond a picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

from textual.content import Content

from tui.figures import from_to, number
from tui.literal import literal

Points = Sequence[tuple[float, float]]
STYLES = ("$primary", "$accent", "$success", "$secondary")
LETTERS = "*o+x"
SIGNS = ("━━", "╍╍", "··", "╍·")  # what the dashes look like, for the legend
DASHES = ("1", "11111000", "1000", "1111001000")  # which dots of a line are drawn, over and over
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille bits by row, column


def curves(series: Mapping[str, Points], width: int, height: int, *, x: str = "", y: str = "",
           ascii_only: bool = False, ends: bool = True, growing: bool = False) -> Content:  # fmt: skip
    """A picture of `height` lines: the lines, a scale on the left, the axis below, and the last values (`ends`).

    Points that are not finite are left out.  Too little room gives the legend only.  growing: the scales end at round
    figures, so that a picture to which points are added seldom has to be drawn anew.
    """
    clean = {
        name: [(a, b) for a, b in points if math.isfinite(a) and math.isfinite(b)] for name, points in series.items()
    }
    clean = {name: points for name, points in clean.items() if points}
    legend = _legend(clean, y, ascii_only, ends, width)
    points = [p for line in clean.values() for p in line]
    if not points or height < 4 + len(legend) or width < 24:
        return Content("\n").join(legend)
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(p[1] for p in points), max(p[1] for p in points)
    if x0 == x1:
        x1 = x0 + 1
    if growing:
        x1 = x0 + _rounded_up(x1 - x0)
        step = 10 ** math.floor(math.log10(y1 - y0)) / 2 if y1 > y0 else 0
        y0, y1 = (math.floor(y0 / step) * step, math.ceil(y1 / step) * step) if step else (y0, y1)
    if y0 == y1:
        pad = abs(y0) * 0.05 or 0.5
        y0, y1 = y0 - pad, y1 + pad
    rows = height - len(legend) - 1  # the legend above, the axis below
    marks = {0: y1, rows - 1: y0, **({rows // 2: (y0 + y1) / 2} if rows >= 7 and rows % 2 else {})}
    least = (y1 - y0) / 500  # less than that the picture cannot show
    ticks = {row: number(value if abs(value) > least else 0.0) for row, value in marks.items()}
    margin = max(map(len, ticks.values())) + 1
    columns = width - margin - 1
    grid = Letters(columns, rows) if ascii_only else Dots(columns, rows)
    for n, line in enumerate(clean.values()):
        placed = [((a - x0) / (x1 - x0), (b - y0) / (y1 - y0)) for a, b in line]
        grid.line(placed, n)
    bar = "|" if ascii_only else "│"
    lines = [*legend]
    for i, row in enumerate(grid.rows()):
        lines.append(Content.assemble((f"{ticks.get(i, ''):>{margin - 1}} {bar}", "$text-muted"), row))
    left, right = from_to(x0, x1)
    named = Content(literal(x)).truncate(max(0, columns - len(left) - len(right) - 4), ellipsis=True).plain
    gap = max(2, columns - len(left) - len(named) - len(right))
    axis = " " * (margin + 1) + left + " " * (gap // 2) + named + " " * (gap - gap // 2) + right
    lines.append(Content.styled(axis, "$text-muted"))
    return Content("\n").join(lines)


def _rounded_up(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 4, 5, 7, 10 times a power of ten; at least 1."""
    power = 10 ** math.floor(math.log10(value)) if value > 1 else 1
    return next(n * power for n in (1, 1.5, 2, 3, 4, 5, 7, 10) if n * power >= value)


def _legend(series: Mapping[str, Points], y: str, ascii_only: bool, ends: bool, width: int) -> list[Content]:
    """What each line is, on as many lines as it takes; no line is parted from its sign."""
    signs = LETTERS if ascii_only else SIGNS
    parts = [
        Content.assemble((f"{signs[n % 4]} {literal(name)}", STYLES[n % 4]),
                         (f" {number(points[-1][1])}" if ends else "", "bold"))
        for n, (name, points) in enumerate(series.items())
    ]  # fmt: skip
    lines: list[Content] = []
    for part in [*([Content.styled(literal(y), "$text-muted")] if y else []), *parts]:
        if lines and lines[-1].cell_length + 3 + part.cell_length <= width:
            lines[-1] = Content("   ").join([lines[-1], part])
        else:
            lines.append(part.truncate(max(1, width), ellipsis=True))
    return lines or [Content("")]


class Dots:
    """A canvas of braille cells: 2 dots across and 4 down in each."""

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns * 2, rows * 4
        self.bits = [[0] * columns for _ in range(rows)]
        self.owner = [[0] * columns for _ in range(rows)]

    def line(self, points: Points, n: int) -> None:
        """points: (x, y) from 0 to 1, y upwards.  Each line has dashes of its own."""
        drawn = 0
        dashes = DASHES[n % 4]
        for (ax, ay), (bx, by) in zip(points, points[1:] or points, strict=False):
            a = (ax * (self.width - 1), (1 - ay) * (self.height - 1))
            b = (bx * (self.width - 1), (1 - by) * (self.height - 1))
            steps = max(1, math.ceil(max(abs(b[0] - a[0]), abs(b[1] - a[1]))))
            for step in range(steps + 1):
                if dashes[drawn % len(dashes)] == "1":
                    self._dot(a[0] + (b[0] - a[0]) * step / steps, a[1] + (b[1] - a[1]) * step / steps, n)
                drawn += step < steps  # the next piece begins where this one ends

    def _dot(self, x: float, y: float, n: int) -> None:
        column, row = round(x), round(y)
        self.bits[row // 4][column // 2] |= DOTS[row % 4][column % 2]
        self.owner[row // 4][column // 2] = n

    def rows(self) -> list[Content]:
        return [self._row(bits, owners) for bits, owners in zip(self.bits, self.owner, strict=True)]

    def _row(self, bits: Sequence[int], owners: Sequence[int]) -> Content:
        """Cells of one line beside each other are one piece: a picture is some hundred cells, drawn every second."""
        pieces = []
        for style, cells in groupby(
            zip(bits, owners, strict=True), lambda cell: STYLES[cell[1] % 4] if cell[0] else ""
        ):
            pieces.append(("".join(chr(0x2800 + bit) if bit else " " for bit, _ in cells), style))
        return Content.assemble(*pieces)


class Letters:
    """A canvas of letters, one sign a line."""

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]

    def line(self, points: Points, n: int) -> None:
        for (ax, ay), (bx, by) in zip(points, points[1:] or points, strict=False):
            a = (ax * (self.width - 1), (1 - ay) * (self.height - 1))
            b = (bx * (self.width - 1), (1 - by) * (self.height - 1))
            steps = max(1, math.ceil(max(abs(b[0] - a[0]), abs(b[1] - a[1]))))
            for step in range(steps + 1):
                row, column = round(a[1] + (b[1] - a[1]) * step / steps), round(a[0] + (b[0] - a[0]) * step / steps)
                self.cells[row][column] = LETTERS[n % 4]

    def rows(self) -> list[Content]:
        return [Content("".join(row)) for row in self.cells]
