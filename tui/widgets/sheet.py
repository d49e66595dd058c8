"""Words on a pane, wrapped to its width and scrolled with the keys: showing others costs no layout of the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

MOST_LINES = 5_000  # of one text; what is longer is cut, and says so
DRAWN = 1_000  # lines kept as they were drawn


class Paper(Widget):
    """Lines as they stand, inside the pane's frame.

    Textual draws the frame and the padding of a widget anew with each of its lines, which took half the time of a key
    in the journal; here a line is drawn once, and is the same wherever it is shown again.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Paper { width: 1fr; height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[Content] = ()  # those in sight, from the top
        self._drawn: LRUCache[object, Strip] = LRUCache(DRAWN)

    def notify_style_update(self) -> None:
        self._drawn.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        background, filters = self.background_colors[1], self.get_line_filters()
        strips: list[Strip] = []
        for y in crop.line_range:
            strip = self.render_line(y)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip)
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        line = self.lines[y] if y < len(self.lines) else Content("")
        key = (width, line.plain, tuple(line.spans))
        if (strip := self._drawn.get(key)) is None:
            style, padded = self.visual_style, line.pad_right(max(0, width - line.cell_length))
            parts = padded.render(style, end="", parse_style=self._get_style)
            strip = Strip([Segment(text, (style + its).rich_style) for text, its in parts if text])
            strip = strip.adjust_cell_length(width)
            self._drawn[key] = strip
        return strip


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
        self._paper = Paper()
        self._wrapped_to = -1
        self._painted: list[Content] = []  # what is on the screen, line by line
        self._painted_to = -1
        self.top = 0

    def compose(self) -> ComposeResult:
        yield self._paper

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
            lines = [line for part in parts[:MOST_LINES] for line in _wrapped(part, width)]
            if len(lines) > MOST_LINES or len(parts) > MOST_LINES:
                lines = [*lines[:MOST_LINES], Content.styled(f"… only {MOST_LINES:,} lines are shown", "$text-muted")]
            self._lines = lines
        self.top = max(0, min(self.top, len(self._lines) - self.content_size.height))
        self._say_how_much()
        self._repaint()

    def _repaint(self) -> None:
        """Only the lines that are not what is on the screen already: over a slow line that is what a key costs."""
        height, width = self.content_size.height, self.content_size.width
        now = self._lines[self.top : self.top + height]
        now += [Content("")] * (height - len(now))
        before, self._painted, self._paper.lines = self._painted, now, now
        if len(before) != height or self._painted_to != width:
            self._painted_to = width
            self._paper.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, now, strict=True)) if not old.is_same(new)]
        if changed:
            self._paper.refresh(*(Region(0, y, width, 1) for y in changed))

    def _say_how_much(self) -> None:
        below = len(self._lines) - self.top - self.content_size.height
        words = f"{below} more below" if below > 0 else f"{self.top} above" if self.top else ""
        if words != str(self.border_subtitle or ""):
            self._border_subtitle = Content(words)  # by its public name it would repaint the whole pane, not one line
            self.refresh(Region(-self.content_offset.x, self.content_size.height, self.outer_size.width, 1))

    def on_resize(self) -> None:
        self._renew()

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


def _wrapped(line: Content, width: int) -> list[Content]:
    """Most lines were made for the width, and fit it as they are."""
    return [line] if line.cell_length <= width and "\t" not in line.plain else line.wrap(width)
