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

Codes = tuple[str, str, str]  # of a style: its attributes, its colour and its ground
Cell = tuple[str, Codes]  # a sign, and what it is drawn with
Piece = tuple[int, int, list[Segment]]  # line, column, what is drawn from there on

GAP = 4  # cells that stay as they are are sent along where going over them would cost as many bytes
PLAIN: Codes = ("", "", "")
ODD: Cell = ("", ("\0", "", ""))  # a cell of which it is not known what it shows


class Shown:
    """A copy of the terminal's screen."""

    def __init__(self) -> None:
        self._lines: dict[int, list[Cell]] = {}
        self._codes: dict[tuple[Style, ColorSystem], tuple[Codes, Codes]] = {}
        self._grounds: dict[Codes, Codes] = {}  # to those of a blank on the same ground
        self._changes: dict[tuple[Codes, Codes], str] = {}
        self._at = PLAIN  # what the terminal draws with

    def forget(self) -> None:
        """Nothing is known of the screen, as after a resize: all of it will be sent."""
        self._lines.clear()

    def sent(self, update: LayoutUpdate | ChopsUpdate, console: Console) -> str:
        """What brings the terminal from what it shows to what it should."""
        system = COLOR_SYSTEMS.get(console.color_system or "truecolor", ColorSystem.TRUECOLOR)
        parts = [part for piece in _pieces(update) for part in self._differing(piece, system)]
        return "".join([*parts, *self._turned(PLAIN)])

    def _differing(self, piece: Piece, system: ColorSystem) -> Iterator[str]:
        y, x, segments = piece
        cells = self._cells(segments, system)
        line = self._lines.setdefault(y, [])
        end = x + len(cells)
        line.extend([ODD] * (end - len(line)))
        before, line[x:end] = line[x:end], cells
        if ODD in cells:  # signs of two cells, or of none: the piece goes as it is
            yield from self._turned(PLAIN)
            yield f"\x1b[{y + 1};{x + 1}H" + "".join(s.style.render(s.text, color_system=system) if s.style else s.text
                                                    for s in segments if not s.control)  # fmt: skip
            return
        stood = -1
        for start, stop in _runs(before, cells):
            yield f"\x1b[{start - stood}C" if stood >= 0 else f"\x1b[{y + 1};{x + start + 1}H"
            yield from self._drawn(cells[start:stop])
            stood = stop

    def _drawn(self, cells: Sequence[Cell]) -> Iterator[str]:
        """Signs that are drawn alike go together; a blank goes with any that stand on the same ground."""
        for sign, wanted in cells:
            if wanted != self._at and (sign != " " or self._grounds.get(self._at) != wanted):
                yield from self._turned(wanted)
            yield sign

    def _turned(self, wanted: Codes) -> Iterator[str]:
        """What makes the terminal draw so from here on: only what is not so already."""
        stood, self._at = self._at, wanted
        if stood == wanted:
            return
        if (change := self._changes.get((stood, wanted))) is None:
            change = self._changes[(stood, wanted)] = _change(stood, wanted)
        yield change

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
            codes, blank = self._codes_of(style, system) if style else (PLAIN, PLAIN)
            cells += [(sign, blank if sign == " " else codes) for sign in text]
        return cells

    def _codes_of(self, style: Style, system: ColorSystem) -> tuple[Codes, Codes]:
        """The codes of a style, and those of a blank in it, of which only the ground is seen."""
        if (codes := self._codes.get((style, system))) is None:
            ground = style if style.underline or style.reverse or style.strike else Style(bgcolor=style.bgcolor)
            codes = self._codes[style, system] = (_codes(style, system), _codes(ground, system))
            self._grounds[codes[0]] = codes[1]
        return codes


def _codes(style: Style, system: ColorSystem) -> Codes:
    def of(part: Style) -> str:
        return part.render("x", color_system=system).partition("x")[0][2:-1]

    return of(style.without_color), of(Style(color=style.color)), of(Style(bgcolor=style.bgcolor))


def _change(stood: Codes, wanted: Codes) -> str:
    """An attribute is only taken away by taking all away (ECMA-48, SGR 0); a colour has its own default (39, 49)."""
    had, has = (set(filter(None, codes[0].split(";"))) for codes in (stood, wanted))
    if wanted == PLAIN or not had <= has:
        return f"\x1b[{';'.join(filter(None, ('0', *wanted)))}m"
    told = sorted(has - had)
    for n, default in ((1, "39"), (2, "49")):
        told += [wanted[n] or default] if wanted[n] != stood[n] else []
    return f"\x1b[{';'.join(told)}m"


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
