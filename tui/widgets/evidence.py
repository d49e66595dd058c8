"""What a question stands on: its views as tabs, drawn to the room there is."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from engine.views import Table, View, as_table
from tui.drawing import draw
from tui.figures import cell
from tui.literal import literal
from tui.widgets.rows import Column, Row, Rows

READABLE = 14  # cells that a title needs at least


class Tabs(Widget):
    """The views' titles on one line, each with its number; the one shown is marked."""

    DEFAULT_CSS = """
    Tabs { height: 1; color: $text-muted; }
    """
    at: reactive[int] = reactive(0)
    note: reactive[str] = reactive("")  # what is said at the end of the line

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.titles = [literal(t) for t in titles]
        self._ends: list[int] = []

    def render(self) -> Content:
        note = Content.styled(self.note, "$text-muted")
        room = self.size.width - (note.cell_length + 2 if note else 0)
        line = self._titles(room)
        return line.pad_right(room - line.cell_length + 2) + note if note else line

    def _titles(self, width: int) -> Content:
        if len(self.titles) == 1:
            return Content.styled(self.titles[0], "bold $primary").truncate(width, ellipsis=True)
        lengths = [Content(title).cell_length for title in self.titles]  # the longest give way first
        while sum(lengths) + 5 * len(lengths) - 3 > width and lengths and max(lengths) > READABLE:
            lengths[lengths.index(max(lengths))] -= 1
        if sum(lengths) + 5 * len(lengths) - 3 > width:
            return self._turning(width)
        parts, used, self._ends = [], 0, []
        for n, title in enumerate(self.titles):
            here = n == self.at
            text = Content(f"{n + 1} ") + Content(title).truncate(lengths[n], ellipsis=True)
            parts.append(text.stylize("bold $primary" if here else "$text-muted"))
            used += text.cell_length + 3
            self._ends.append(used)
        rule = Content.styled(" ┈" if not self.titles else " │ ", "$line")
        return rule.join(parts).truncate(width, ellipsis=True)

    def _turning(self, width: int) -> Content:
        """Of many views the present one and the next: where one stands, and how to go on."""
        at, count = self.at, len(self.titles)
        place, key = f"{at + 1} of {count}  ", "   t ▸ "
        room = width - len(place) - len(key)
        here = Content(self.titles[at]).truncate(max(READABLE, room * 3 // 5), ellipsis=True)
        then = Content(self.titles[(at + 1) % count]).truncate(max(0, room - here.cell_length), ellipsis=True)
        self._ends = [width if n == (at + 1) % count else 0 for n in range(count)]  # a click goes on
        return Content.assemble((place, "$text-muted"), here.stylize("bold $primary"), (key, "bold $primary"),
                                then.stylize("$text-muted"))  # fmt: skip

    def on_click(self, event: events.Click) -> None:
        for n, end in enumerate(self._ends):
            if event.x < end:
                self.query_ancestor(Evidence).turn_to(n)
                return


class Drawing(Widget):
    """A view that is drawn to its size."""

    def __init__(self, view: View, *, growing: bool = False) -> None:
        """growing: points are added to it while it is looked at."""
        super().__init__()
        self.view = view
        self.growing = growing
        self._picture = Content("")

    def render(self) -> Content:
        return self._picture

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        scroller = self.parent
        height = scroller.content_size.height if isinstance(scroller, Widget) else self.size.height
        ascii_only = bool(getattr(self.app, "ascii_only", False))
        before, self._picture = self._picture, draw(self.view, self.size.width, height, ascii_only, self.growing)
        if self._picture != before:  # of what is painted again, the line carries the cells that differ
            self.refresh(layout=self._picture.plain.count("\n") != before.plain.count("\n"))

    @property
    def lines(self) -> int:
        return self._picture.plain.count("\n") + 1


class Evidence(Vertical):
    """The tabs and the view that is turned to.  Shows the tabs alone where there is no room."""

    DEFAULT_CSS = """
    Evidence { height: 1fr; min-height: 0; }
    Evidence VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; background: transparent; }
    Evidence Rows { height: 1fr; }
    Evidence Drawing { height: auto; }
    Evidence #whole { height: auto; max-height: 8; margin: 1 0 0 0; }
    """

    def __init__(self, views: Sequence[View], *, reading: bool = False) -> None:
        super().__init__()
        self.views = list(views)
        self.reading = reading
        self.at = 0
        self.as_figures = False  # the pictures as tables of their figures

    def compose(self) -> ComposeResult:
        yield Tabs([view.title for view in self.views])

    async def on_mount(self) -> None:
        await self._show()

    def turn_to(self, n: int) -> None:
        if 0 <= n < len(self.views) and n != self.at:
            self.at = n
            self.query_one(Tabs).at = n
            self.call_later(self._show)

    def turn(self, by: int = 1) -> None:
        if self.views:
            self.turn_to((self.at + by) % len(self.views))

    @property
    def has_figures(self) -> bool:
        """Whether the view at hand is a picture with figures behind it."""
        view = self.views[self.at] if self.views else None
        return view is not None and not isinstance(view, Table) and as_table(view) is not None

    def turn_figures(self) -> None:
        """The picture as a table of its figures, and back."""
        self.as_figures = not self.as_figures
        self.call_later(self._show)

    def turn_columns(self, by: int) -> None:
        """On to the columns of a wide table that do not fit."""
        for rows in self.query("Evidence > Rows").results(Rows):
            rows.turn_columns(by)
            self._tell_columns()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._tell_whole()

    def _tell_whole(self) -> None:
        """The cells of the row under the cursor that do not fit their columns, below the table."""
        for whole in self.query("#whole").results(Static):
            rows = next(iter(self.query("Evidence > Rows").results(Rows)), None)
            cut = rows.cut_cells() if rows is not None else []
            told = [Content.assemble((f"{literal(name)}: " if name else "", "$text-muted"), text) for name, text in cut]
            whole.update(Content("\n").join(told))

    def _tell_columns(self) -> None:
        self._tell_whole()
        rows = next(iter(self.query("Evidence > Rows").results(Rows)), None)
        self.query_one(Tabs).note = rows.columns_seen if rows is not None else ""
        self.screen.refresh_bindings()

    async def _show(self) -> None:
        await self.query("Evidence > .view").remove()
        if not self.views:
            return
        view = self.views[self.at]
        if self.as_figures and (figures := as_table(view)) is not None:
            view = figures
        if isinstance(view, Table):
            body: Widget = Rows(*table_rows(view), still=not self.reading, paged=True)
        else:
            body = VerticalScroll(Drawing(view))
        body.can_focus = self.reading
        body.add_class("view")
        await self.mount(body)
        if self.reading:
            body.focus()
            await self.mount(Static("", markup=False, id="whole", classes="view"))
        self.call_after_refresh(self._tell_columns)
        self.screen.refresh_bindings()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Where its lines became more or fewer, a picture that stays as it is would not use them."""
        for drawing in self.query(Drawing):
            drawing.redraw()
            if drawing.size.height != drawing.lines:  # asked for while all was laid out, it was not heard
                drawing.refresh(layout=True)
        self._tell_columns()

    def renew(self, views: Sequence[View]) -> None:
        """Draw the same views with newer points."""
        self.views = list(views)
        for drawing in self.query(Drawing):
            drawing.view = self.views[self.at]
            drawing.redraw()


def table_rows(view: Table) -> tuple[list[Column], list[Row]]:
    """A table as rows: numbers to the right, the widest text column gives way."""
    numeric = [
        any(_is_number(row[i]) for row in view.rows) and all(row[i] is None or _is_number(row[i]) for row in view.rows)
        for i in range(len(view.columns))
    ]
    widest = {i: max((len(cell(row[i])) for row in view.rows[:200]), default=0) for i in range(len(view.columns))}
    texts = [i for i in widest if not numeric[i]]
    flex = max(texts, key=lambda i: widest[i], default=-1)
    columns = [Column(literal(n), right=numeric[i], flex=i == flex) for i, n in enumerate(view.columns)]
    return columns, [Row(tuple(cell(value) for value in row)) for row in view.rows]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
