"""Text from data, files and people, made safe to put on one line: nothing in it is interpreted, nothing is hidden."""

from __future__ import annotations

import re

# C0 and C1 controls, DEL, line and paragraph separators, bidirectional overrides and marks, zero-width characters, BOM.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def literal(text: object) -> str:
    """One line, as it stands in the file: characters that a terminal would obey become visible signs."""
    return _HIDDEN.sub(_sign, str(text))


def short(text: object, width: int = 200) -> str:
    """Literal text of at most `width` characters."""
    seen = literal(text)
    return seen if len(seen) <= width else seen[: width - 1] + "…"


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # ␀ … ␛ ␊
    if code == 0x7F:
        return "␡"
    return f"‹{code:x}›"
