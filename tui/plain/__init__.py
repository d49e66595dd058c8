"""The conversation without a screen, a line at a time."""

from tui.plain.talk import Talk

__all__ = ["Talk"]
