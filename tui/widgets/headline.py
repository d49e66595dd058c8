"""The first line: whose session this is, on which branch, and how the machine stands."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class HeadLine(Widget):
    """left and right parts; the left one gives way when both do not fit.

    Clicked, it leads a step back, as every other key of the screen that a mouse may want stands below: out of a field
    or a screen, and from the workbench to the list of sessions.
    """

    DEFAULT_CSS = """
    HeadLine { dock: top; height: 1; background: $panel; color: $foreground; padding: 0 1; }
    """
    left: reactive[Content] = reactive(Content(""))
    right: reactive[Content] = reactive(Content(""))

    def render(self) -> Content:
        width = self.content_size.width
        right = self.right.truncate(width // 2, ellipsis=True)
        left = self.left.truncate(max(0, width - right.cell_length - 2), ellipsis=True)
        return left.pad_right(max(0, width - left.cell_length - right.cell_length)) + right

    def on_click(self, event: events.Click) -> None:
        if event.x > self.left.cell_length:
            return
        for key in ("escape", "h"):
            if key in self.screen.active_bindings:
                self.app.simulate_key(key)
                return
