"""What the terminal shows already is not sent again: of each update only the cells that differ go over the line.

Textual paints a screen anew whenever it is laid out: a dialog that opens is painted four times.  Over a slow line that
is waited for.  Here every update passes by a copy of what was sent before, as in curses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

Cell = tuple[str, str]  # a sign, and the codes that it is drawn with
Piece = tuple[int, int, list[Segment]]  # line, column, what is drawn from there on

GAP = 8  # cells that stay as they are are sent along where going over them would cost as many bytes
ODD = ("", "\0")  # a cell of which it is not known what it shows


class Shown:
    """A copy of the terminal's screen."""

    def __init__(self) -> None:
        self._lines: dict[int, list[Cell]] = {}
        self._codes: dict[tuple[Style, ColorSystem], tuple[str, str]] = {}
        self._grounds: dict[str, str] = {}  # codes to those of a blank on the same ground

    def forget(self) -> None:
        """Nothing is known of the screen, as after a resize: all of it will be sent."""
        self._lines.clear()

    def sent(self, update: LayoutUpdate | ChopsUpdate, console: Console) -> str:
        """What brings the terminal from what it shows to what it should."""
        system = COLOR_SYSTEMS.get(console.color_system or "truecolor", ColorSystem.TRUECOLOR)
        return "".join(part for piece in _pieces(update) for part in self._differing(piece, system))

    def _differing(self, piece: Piece, system: ColorSystem) -> Iterator[str]:
        y, x, segments = piece
        cells = self._cells(segments, system)
        line = self._lines.setdefault(y, [])
        end = x + len(cells)
        line.extend([ODD] * (end - len(line)))
        before, line[x:end] = line[x:end], cells
        if ODD in cells:  # signs of two cells, or of none: the piece goes as it is
            yield f"\x1b[{y + 1};{x + 1}H" + "".join(s.style.render(s.text, color_system=system) if s.style else s.text
                                                    for s in segments if not s.control)  # fmt: skip
            return
        for start, stop in _runs(before, cells):
            yield f"\x1b[{y + 1};{x + start + 1}H" + self._drawn(cells[start:stop])

    def _drawn(self, cells: Sequence[Cell]) -> str:
        """Signs that are drawn alike go together; a blank goes with any that stand on the same ground."""
        parts: list[str] = []
        codes = ""
        for sign, wanted in cells:
            if wanted != codes and (sign != " " or self._grounds.get(codes) != wanted):
                parts.append(f"\x1b[0;{wanted}m" if wanted else "\x1b[0m")
                codes = wanted
            parts.append(sign)
        return "".join([*parts, "\x1b[0m"] if codes else parts)

    def _cells(self, segments: Iterable[Segment], system: ColorSystem) -> list[Cell]:
        cells: list[Cell] = []
        for text, style, control in segments:
            if control:
                continue
            if not text.isascii() and any(cell_len(sign) != 1 for sign in text):
                cells += [ODD] * cell_len(text)
                continue
            if style is not None and style.link:
                cells += [ODD] * len(text)
                continue
            codes, blank = self._codes_of(style, system) if style else ("", "")
            cells += [(sign, blank if sign == " " else codes) for sign in text]
        return cells

    def _codes_of(self, style: Style, system: ColorSystem) -> tuple[str, str]:
        """The codes of a style, and those of a blank in it, of which only the ground is seen."""
        if (codes := self._codes.get((style, system))) is None:
            ground = style if style.underline or style.reverse or style.strike else Style(bgcolor=style.bgcolor)
            codes = self._codes[style, system] = (_codes(style, system), _codes(ground, system))
            self._grounds[codes[0]] = codes[1]
        return codes


def _codes(style: Style, system: ColorSystem) -> str:
    return style.render("x", color_system=system).partition("x")[0][2:-1]


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[Piece]:
    """What an update draws, line by line; as in its own `render_segments`."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, [segment for strip in strips for segment in strip]
        return
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x <= x2 and end > x1:
                yield y, x, list(strip if end <= x2 else strip.crop(0, x2 - x))


def _runs(before: Sequence[Cell], now: Sequence[Cell]) -> Iterator[tuple[int, int]]:
    """Where the two differ, from and to; a short way between two such places belongs to them."""
    start = stop = -1
    for i, (old, new) in enumerate(zip(before, now, strict=True)):
        if old == new:
            continue
        if start >= 0 and i - stop > GAP:
            yield start, stop
            start = i
        elif start < 0:
            start = i
        stop = i + 1
    if start >= 0:
        yield start, stop


class Thrifty(CompositorUpdate):
    """An update of which only the differing cells are left."""

    def __init__(self, sent: str) -> None:
        self.sent = sent

    def render_segments(self, console: Console) -> str:
        return self.sent
