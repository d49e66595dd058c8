"""Terminals that cannot show every sign: what they cannot show is drawn with letters, cell for cell.

The pictures have letters of their own (`tui.drawing`, `tui.plot`); this is for all the rest, frames and signs and what
people wrote, on its way to the screen.  A line keeps its length, so that nothing moves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

PAIRS = {
    "≤ ": "<=",
    "≥ ": ">=",
    "± ": "+-",
    "→ ": "->",
    "← ": "<-",
    "≈ ": "~=",
    "≠ ": "!=",
    "… ": "..",
}  # with the space behind
SIGNS = {
    **dict.fromkeys("─━═╌╍┄┈╴╶▔", "-"), **dict.fromkeys("│┃║┆┊▏▎▕▍", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝", "+"), **dict.fromkeys("▁▂▃▄▅▆▇", " "), **dict.fromkeys("█▓▒▌▐", "#"),
    **dict.fromkeys("●◉◆■", "o"), **dict.fromkeys("“”„", '"'), **dict.fromkeys("‘’", "'"), **dict.fromkeys("–—−", "-"),
    **dict.fromkeys("▸›»→", ">"), **dict.fromkeys("◂‹«←", "<"), "░": ".", "…": ".", "·": ".", "•": "*", "★": "*",
    "✓": "+", "✗": "x", "✕": "x", "▲": "^", "⚑": "!", "◐": "o", "◷": "t", "⚿": "k", "×": "x", "±": "~", "≤": "<",
    "≥": ">", "≈": "~", "≠": "#", "↑": "^", "↓": "v", "␊": "\\", "␛": "^", "␀": "0", "€": "E", "\xa0": " ",
    "\u2009": " ", "\u202f": " ",
}  # fmt: skip
_PAIR = re.compile("|".join(map(re.escape, PAIRS)))


def started_with(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment as the program was given it: Python itself puts a UTF-8 locale in the place of C (PEP 538)."""
    try:
        given = Path("/proc/self/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return environ
    named = next((line.partition("=")[2] for line in given if line.startswith("LC_CTYPE=")), "")
    return {**environ, "LC_CTYPE": named}


def shown_by(environ: Mapping[str, str], encoding: str | None) -> str:
    """The codec of what the terminal can show: "utf-8" for everything.

    encoding: of the output.  A locale that is not named says nothing: most terminals without one show everything.
    The console of Linux has the letters of Western Europe, and of the signs too few.
    """
    named = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    charset = named.partition(".")[2].partition("@")[0]
    told = encoding or "utf-8"
    if not told.lower().replace("-", "").startswith("utf"):
        return told
    if named in ("C", "POSIX") or (charset and not charset.lower().replace("-", "").startswith("utf")):
        return "ascii"
    return "latin-1" if environ.get("TERM") == "linux" else "utf-8"


class Letters(LineFilter):
    """Draws with the signs that a codec has."""

    def __init__(self, codec: str) -> None:
        super().__init__(enabled=codec != "utf-8")
        self.codec = codec if codec != "utf-8" else "ascii"
        self._known: dict[str, str] = {}

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(self.drawn(segment.text), segment.style, segment.control)
            for segment in segments
        ]

    def drawn(self, text: str) -> str:
        """The text in as many cells, with nothing that the codec lacks."""
        return "".join(map(self._sign, _PAIR.sub(self._pair, text)))

    def _pair(self, found: re.Match[str]) -> str:
        return found[0] if self._has(found[0]) else PAIRS[found[0]]

    def _sign(self, sign: str) -> str:
        if (known := self._known.get(sign)) is None:
            known = self._known[sign] = sign if self._has(sign) else _instead(sign)
        return known

    def _has(self, text: str) -> bool:
        try:
            text.encode(self.codec)
        except (UnicodeEncodeError, LookupError):
            return text.isascii()
        return True


def _instead(sign: str) -> str:
    """Another sign, the letter without its accent, or a question mark for each cell."""
    if sign in SIGNS:
        return SIGNS[sign]
    cells = cell_len(sign)
    bare = "".join(c for c in unicodedata.normalize("NFKD", sign) if c.isascii())
    return bare if len(bare) == cells and bare else "?" * cells
