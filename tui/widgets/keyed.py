"""Text in which a line that begins with a key can be clicked, as that key pressed."""

from __future__ import annotations

from textual import events
from textual.widgets import Static


class Keyed(Static):
    """A line such as “n  begin with a table”, its key bold: whoever has a mouse clicks what others press."""

    def on_click(self, event: events.Click) -> None:
        key = self._key_of(event.y)
        if key in self.screen.active_bindings:
            event.stop()
            self.app.simulate_key(key)

    def _key_of(self, y: int) -> str:
        """The bold letter that the line begins with, or ""."""
        for text, style, _ in self.render_line(y):
            if text.strip():
                return text.strip() if style is not None and style.bold and len(text.strip()) == 1 else ""
        return ""
