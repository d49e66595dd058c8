"""Words on a pane, wrapped to its width and scrolled with the keys: showing others costs no layout of the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

MOST_LINES = 5_000  # of one text; what is longer is cut, and says so


class Sheet(Widget, can_focus=True, inherit_bindings=False):
    """`show` takes what makes the words for a width.  The border's foot says how much stands below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "edge(0)", show=False),
        Binding("end", "edge(1)", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._make: Callable[[int], Content] = lambda width: Content("")
        self._lines: list[Content] = []
        self._strips: dict[int, Strip] = {}
        self._wrapped_to = -1
        self._painted: list[Content] = []  # what is on the screen, line by line
        self._painted_to = -1
        self.top = 0

    def show(self, make: Callable[[int], Content], *, stay: bool = False) -> None:
        """make: the words on lines of a width in cells.  stay: do not go back to their beginning."""
        self._make = make
        self._wrapped_to = -1
        if not stay:
            self.top = 0
        self._renew()

    def _renew(self) -> None:
        width = self.content_size.width
        if width <= 0:
            return
        if self._wrapped_to != width:
            self._wrapped_to = width
            parts = self._make(width).split("\n", allow_blank=True)
            lines = [line for part in parts[:MOST_LINES] for line in part.wrap(width)]
            if len(lines) > MOST_LINES or len(parts) > MOST_LINES:
                lines = [*lines[:MOST_LINES], Content.styled(f"… only {MOST_LINES:,} lines are shown", "$text-muted")]
            self._lines = lines
        self.top = max(0, min(self.top, len(self._lines) - self.content_size.height))
        self._say_how_much()
        self._repaint()

    def _repaint(self) -> None:
        """Only the lines that are not what is on the screen already: over a slow line that is what a key costs."""
        self._strips = {}
        height, width = self.content_size.height, self.content_size.width
        now = self._lines[self.top : self.top + height]
        now += [Content("")] * (height - len(now))
        before, self._painted = self._painted, now
        if len(before) != height or self._painted_to != width:
            self._painted_to = width
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, now, strict=True)) if not old.is_same(new)]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def _say_how_much(self) -> None:
        below = len(self._lines) - self.top - self.content_size.height
        words = f"{below} more below" if below > 0 else f"{self.top} above" if self.top else ""
        if words != str(self.border_subtitle or ""):
            self.border_subtitle = words

    def on_resize(self) -> None:
        self._renew()

    def notify_style_update(self) -> None:
        self._strips = {}
        self._painted = []
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        width, index = self.content_size.width, self.top + y
        if not 0 <= index < len(self._lines):
            return Strip.blank(width, self.rich_style)
        if (strip := self._strips.get(index)) is None:
            line = self._lines[index]
            line = line.pad_right(max(0, width - line.cell_length))
            made = Visual.to_strips(self, line, width, 1, self.visual_style)
            strip = self._strips[index] = made[0] if made else Strip.blank(width, self.rich_style)
        return strip

    @property
    def text(self) -> str:
        """All the words, also those that are scrolled away."""
        return "\n".join(line.plain for line in self._lines)

    # -- scrolling -------------------------------------------------------------------------------------------------

    def _go(self, top: int) -> None:
        top = max(0, min(top, len(self._lines) - self.content_size.height))
        if top != self.top:
            self.top = top
            self._say_how_much()
            self._repaint()

    def action_scroll(self, by: int) -> None:
        self._go(self.top + by)

    def action_page(self, by: int) -> None:
        self._go(self.top + by * max(1, self.content_size.height - 1))

    def action_edge(self, end: int) -> None:
        self._go(len(self._lines) if end else 0)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self.top + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self.top - 3)
