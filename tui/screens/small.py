"""What is said when the terminal is too small to work in."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

LEAST = (60, 16)  # columns, lines


class TooSmall(ModalScreen[None]):
    """Covers everything until there is room again; nothing behind it changes."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: auto; height: auto; text-align: center; }
    """

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    def on_mount(self) -> None:
        self._say()

    def on_resize(self, event: events.Resize) -> None:
        self._say()

    def _say(self) -> None:
        columns, lines = self.app.size
        self.query_one(Static).update(
            f"{LEAST[0]}×{LEAST[1]} is needed,\nthis is {columns}×{lines}.\nEnlarge the window,\nor ctrl+q."
        )


def fits(columns: int, lines: int) -> bool:
    return columns >= LEAST[0] and lines >= LEAST[1]
