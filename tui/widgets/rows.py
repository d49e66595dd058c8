"""A list of rows under columns: options, sessions, decisions, trials.  One widget, so that they all behave alike.

Drawn line by line: moving the cursor repaints two lines, and 5,000 rows cost no more than those on the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

GUTTER = 3  # cursor sign, mark, space
GAP = 2  # between columns
WHOLE = 48  # cells of a column of a wide table at most
MEASURED = 400  # rows looked at to find the columns' widths


@dataclass(frozen=True)
class Column:
    """title: "" for none.  right: numbers.  flex: takes what is left over and gives way first.  least: the cells below
    which it tells nothing and is left out."""

    title: str = ""
    right: bool = False
    flex: bool = False
    least: int = 0


@dataclass(frozen=True)
class Row:
    """cells: one a column, already literal.  mark: one sign before the row.  dim: shown as secondary."""

    cells: Sequence[Content | str]
    mark: str = ""
    dim: bool = False
    key: Any = None


class Rows(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows with a cursor.  Posts `Moved`, `Chosen` (enter) and `Toggled` (space)."""

    @dataclass
    class Moved(Message):
        rows: Rows
        index: int

        @property
        def control(self) -> Rows:
            return self.rows

    class Chosen(Moved):
        """Enter was pressed on a row."""

    class Toggled(Moved):
        """Space was pressed on a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="rows.up"),
        Binding("down", "move(1)", "Down", show=False, id="rows.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="rows.pageup"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="rows.pagedown"),
        Binding("home", "edge(0)", "First", show=False, id="rows.first"),
        Binding("end", "edge(-1)", "Last", show=False, id="rows.last"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--row", "rows--dim", "rows--cursor", "rows--cursor-idle", "rows--header", "rows--mark",
    }  # fmt: skip
    DEFAULT_CSS = """
    Rows {
        height: auto; max-height: 100%; scrollbar-size-vertical: 1; overflow-x: hidden;
        background: transparent; scrollbar-gutter: auto;
        & > .rows--row { color: $foreground; }
        & > .rows--dim { color: $text-muted; }
        & > .rows--header { color: $text-muted; text-style: none; }
        & > .rows--mark { color: $accent; }
        & > .rows--cursor-idle { background: $cursor-idle; }
        & > .rows--cursor { background: $cursor; text-style: bold; }
        &:nocolor > .rows--cursor { text-style: bold reverse; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    def __init__(
        self,
        columns: Sequence[Column] = (),
        rows: Sequence[Row] = (),
        *,
        still: bool = False,
        paged: bool = False,
        id: str | None = None,
    ) -> None:
        """still: there is no cursor to see; the rows only scroll.  paged: columns that do not fit are turned to."""
        super().__init__(id=id)
        self.columns: Sequence[Column] = columns
        self.rows: Sequence[Row] = _kept(rows)
        self.at_once: Callable[[], None] | None = None  # called when the cursor has moved, before that is painted
        self.still = still
        self.paged = paged or still
        self._first = 1  # the first column after the leftmost one, where they do not all fit
        self._widths: list[int] = []
        self._widths_for: tuple[int, int] = (-1, -1)
        self._version = 0
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(512)

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def header_lines(self) -> int:
        return 1 if any(column.title for column in self.columns) else 0

    @property
    def current(self) -> Row | None:
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def cut_cells(self) -> list[tuple[str, Content | str]]:
        """(column, cell) of the row under the cursor, of those that are seen and do not fit."""
        widths = self._measure(self._content_width()) if self.size.width and self.current is not None else []
        cells = self.current.cells if self.current is not None else ()
        seen = zip(self.columns, cells, widths, strict=False)
        return [(column.title, value) for column, value, width in seen if width and _cells(value) > width]

    def show(self, columns: Sequence[Column], rows: Sequence[Row], cursor: int | None = None) -> None:
        """Show other rows; the cursor stays where it is, or goes to `cursor`."""
        late = not (isinstance(rows, list | tuple) and isinstance(self.rows, list))
        same_shape = not late and len(rows) == len(self.rows) and list(columns) == list(self.columns)
        self.columns = columns
        if same_shape and self._widths and self.is_mounted:
            changed = [i for i, (new, old) in enumerate(zip(rows, self.rows, strict=True)) if new != old]
            self.rows = list(rows)
            before = self._widths
            self._widths_for = (-1, -1)
            self._version += 1
            if self._measure(self._content_width()) == before:
                for i in changed:
                    self._repaint_row(i)
            else:
                self.refresh()
        else:
            self.rows = _kept(rows)
            self._changed()
        if cursor is not None or self.cursor >= len(self.rows):
            self.cursor = max(0, min(len(self.rows) - 1, self.cursor if cursor is None else cursor))
            self._scroll_to_cursor()

    def replace(self, index: int, row: Row) -> None:
        """Change one row and repaint only that."""
        if isinstance(self.rows, list) and self.rows[index] != row:
            self.rows[index] = row
            self._version += 1
            self._repaint_row(index)

    def _changed(self) -> None:
        self._version += 1
        self._widths_for = (-1, -1)
        self._set_virtual_size()
        self.refresh(layout=True)

    def _set_virtual_size(self) -> None:
        self.virtual_size = Size(max(1, self.size.width), len(self.rows) + self.header_lines)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self.rows) + self.header_lines)

    def on_mount(self) -> None:
        self._set_virtual_size()

    def on_resize(self) -> None:
        self._set_virtual_size()
        self.call_after_refresh(self._scroll_to_cursor)

    def _watch_show_vertical_scrollbar(self) -> None:
        self.refresh()  # the columns' widths are others, those of the titles too

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _content_width(self) -> int:
        return self.scrollable_content_region.width

    def _measure(self, width: int) -> list[int]:
        """The columns' widths in cells, for a line of this width."""
        beside = 1 if self.show_vertical_scrollbar else 0  # the last column does not touch the scroll bar
        if self._widths_for == (width - beside, self._version):
            return self._widths
        widths = [len(column.title) for column in self.columns]
        for row in self.rows[:MEASURED]:
            for i, value in enumerate(row.cells[: len(widths)]):
                widths[i] = max(widths[i], _cells(value))
        room = width - (1 if self.still else GUTTER) - GAP * max(0, len(widths) - 1) - beside
        spare = room - sum(widths)
        for i in reversed(range(len(widths))):
            if spare < 0 < self.columns[i].least and widths[i] + spare < self.columns[i].least:
                spare += widths[i] + GAP
                widths[i] = 0
        flexible = [i for i, column in enumerate(self.columns) if column.flex and (widths[i] or not column.least)]
        if spare > 0 and flexible and flexible[-1] > 0:
            widths[flexible[-1]] += spare
        if spare < 0:
            texts = [i for i in range(len(widths)) if i not in flexible and not self.columns[i].right]

            def narrow(group: list[int], least: int) -> None:
                nonlocal spare
                while spare < 0 and group and widths[widest := max(group, key=lambda i: widths[i])] > least:
                    widths[widest] -= 1  # the widest gives way first, so that all end about alike
                    spare += 1

            narrow(flexible, 20)
            if self.paged and spare < 0:
                widths = self._paged(widths, room + GAP * max(0, len(widths) - 1))
                spare = 0
            for i in reversed(range(2, len(widths))):  # a figure cut in two misleads: the last columns are left out
                if spare >= 0:
                    break
                if i not in flexible:
                    spare += widths[i] + GAP
                    widths[i] = 0
            if spare > 0 and flexible:  # what a left-out column set free
                widths[flexible[0]] += spare
            narrow(flexible, 6)
            narrow(texts, 6)
            if spare < 0:
                widths[0] = max(4, widths[0] + spare)
        if widths != self._widths:
            self._strips.clear()
        self._widths, self._widths_for = widths, (width - beside, self._version)
        return widths

    def _paged(self, widths: list[int], room: int) -> list[int]:
        """The leftmost column, and of the others as many as fit, whole, from the one that was turned to."""
        shown = [0] * len(widths)
        shown[0] = min(widths[0], WHOLE)
        used = shown[0]
        for i in range(min(self._first, len(widths) - 1), len(widths)):
            wanted = min(widths[i], WHOLE)
            if used + GAP + wanted > room and i > self._first:
                break
            shown[i] = max(1, min(wanted, room - used - GAP))
            used += GAP + shown[i]
        return shown

    @property
    def columns_seen(self) -> str:
        """“columns 2–6 of 21” where they do not all fit; the first is always seen."""
        widths = self._measure(self._content_width())
        seen = [i + 1 for i, width in enumerate(widths) if width and i]
        if not seen or len(seen) + 1 == len(widths):
            return ""
        which = f"columns {seen[0]}–{seen[-1]}" if len(seen) > 1 else f"column {seen[0]}"
        return f"{which} of {len(widths)}"

    def _left_out(self, widths: Sequence[int]) -> bool:
        """Whether columns are not seen that cannot be turned to."""
        hidden = (column for column, width in zip(self.columns, widths, strict=True) if not width)
        return not self.paged and any(column.title and not column.least for column in hidden)

    def turn_columns(self, by: int) -> None:
        """On or back by the columns that are seen."""
        seen = [i for i, width in enumerate(self._measure(self._content_width())) if width and i]
        if by > 0 and seen and seen[-1] + 1 < len(self.columns):
            self._first = seen[-1] + 1
        elif by < 0:
            self._first = max(1, self._first - max(1, len(seen)))
        self._version += 1
        self._widths_for = (-1, -1)
        self.refresh()

    def _line(self, values: Sequence[Content | str], widths: Sequence[int]) -> Content:
        parts: list[Content] = []
        for i, (value, width) in enumerate(zip(values, widths, strict=False)):
            if not width:
                continue
            content = value if isinstance(value, Content) else Content(value)
            content = content.truncate(width, ellipsis=True)
            pad = width - content.cell_length
            parts.append(content.pad_left(pad) if self.columns[i].right else content.pad_right(pad))
        return Content(" " * GAP).join(parts)

    def render_line(self, y: int) -> Strip:
        width = self._content_width()
        if y < self.header_lines:
            widths = self._measure(width)
            indent = " " * (1 if self.still else GUTTER)
            titles = Content(indent) + self._line([column.title for column in self.columns], widths)
            if self._left_out(widths):
                titles = titles.truncate(width - 1).pad_right(max(0, width - 1 - titles.cell_length)) + "…"
            return self._strip(("header", width, self._version), titles, self.get_visual_style("rows--header"), width)
        index = y - self.header_lines + self.scroll_offset.y
        if not 0 <= index < len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[index]
        here = index == self.cursor and not self.still
        classes = ["rows--dim" if row.dim else "rows--row"]
        if here:
            classes.append("rows--cursor" if self.has_focus else "rows--cursor-idle")
        key = (index, width, self._version, *classes)
        if (strip := self._strips.get(key)) is not None:
            return strip
        sign = Content("") if self.still else Content("▸" if here else " ")
        mark = Content(" ") if self.still else Content.styled(f"{row.mark or ' ':<1} ", "$accent")
        line = sign + mark + self._line(row.cells, self._measure(width))
        style = self.get_visual_style(*classes)
        if here and self.get_component_styles(classes[-1]).text_style.reverse:
            style += Style(reverse=True)  # which Textual's own leaves out
            line = Content(line.plain)  # the colour of a cell would be a block of another grey
        return self._strip(key, line, style, width)

    def _strip(self, key: tuple[object, ...], line: Content, style: Style, width: int) -> Strip:
        if (strip := self._strips.get(key)) is None:
            line = line.truncate(width)
            strips = Visual.to_strips(self, line.pad_right(max(0, width - line.cell_length)), width, 1, style)
            strip = strips[0] if strips else Strip([Segment(" " * width, RichStyle())])
            self._strips[key] = strip
        return strip

    def _repaint_row(self, index: int) -> None:
        y = index - self.scroll_offset.y + self.header_lines
        if self.header_lines <= y < self.scrollable_content_region.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # -- moving ----------------------------------------------------------------------------------------------------

    def watch_cursor(self, old: int, new: int) -> None:
        if not self.is_mounted:
            return
        self._repaint_row(old)
        self._repaint_row(new)
        self._scroll_to_cursor()
        if self.at_once is not None:
            self.at_once()
        if self.rows:
            self.post_message(self.Moved(self, new))

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self._repaint_row(self.cursor)

    def _scroll_to_cursor(self) -> None:
        height = self.scrollable_content_region.height - self.header_lines
        top = self.scroll_offset.y
        if height <= 0:
            return
        ahead = height // 2  # half of the lines at once: over a slow line each scroll costs as much as a screen
        if self.cursor < top:
            self.scroll_to(y=max(0, self.cursor - ahead), animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1 + ahead, animate=False, force=True)

    def move_to(self, index: int) -> None:
        if self.rows:
            self.cursor = max(0, min(len(self.rows) - 1, index))

    def action_move(self, by: int) -> None:
        if self.still:
            self.scroll_relative(y=by, animate=False)
        else:
            self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        height = max(1, self.scrollable_content_region.height - self.header_lines)
        self.action_move(by * height)

    def action_edge(self, end: int) -> None:
        if self.still:
            self.scroll_to(y=0 if end == 0 else self.virtual_size.height, animate=False)
        else:
            self.move_to(0 if end == 0 else len(self.rows) - 1)

    def on_key(self, event: events.Key) -> None:
        """Enter and space are posted, not bound, so that each screen names in its own key line what they do."""
        if event.key == "enter" and self.rows and not self.still:
            event.stop()
            self.post_message(self.Chosen(self, self.cursor))
        elif event.key == "space" and self.rows and not self.still:
            event.stop()
            self.post_message(self.Toggled(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.header_lines + self.scroll_offset.y
        if event.y >= self.header_lines and 0 <= index < len(self.rows):
            self.move_to(index)


def _kept(rows: Sequence[Row]) -> Sequence[Row]:
    """Rows that are at hand as a list of our own; those that are made when they are seen as they are."""
    return list(rows) if isinstance(rows, list | tuple) else rows


def _cells(value: Content | str) -> int:
    return value.cell_length if isinstance(value, Content) else Content(value).cell_length
