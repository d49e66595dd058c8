"""Text from files and people, made safe to show: nothing in it is interpreted, nothing in it is hidden.

Markup stays text because it is put into `Content` and never parsed; control characters become visible signs.
"""

from __future__ import annotations

from engine.words import literal

__all__ = ["literal", "literal_lines"]


def literal_lines(text: object) -> str:
    """Like `literal`, but line ends stay line ends: for what a person wrote on several lines."""
    return "\n".join(literal(line) for line in str(text).split("\n"))
