"""What a question stands on: its views as tabs, drawn to the room there is."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from engine.views import Bars, Curves, Grid, Histogram, Intervals, Samples, Table, View, Words
from tui.figures import cell, number
from tui.ladder import ASCII, UNICODE, Mark, drawn
from tui.literal import literal, literal_lines
from tui.plot import curves
from tui.widgets.rows import Column, Row, Rows

READABLE = 14  # cells that a title needs at least


class Tabs(Widget):
    """The views' titles on one line, each with its number; the one shown is marked."""

    DEFAULT_CSS = """
    Tabs { height: 1; color: $text-muted; }
    """
    at: reactive[int] = reactive(0)

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.titles = [literal(t) for t in titles]
        self._ends: list[int] = []

    def render(self) -> Content:
        width = self.size.width
        if len(self.titles) == 1:
            return Content.styled(self.titles[0], "bold $primary").truncate(width, ellipsis=True)
        share = max(8, (width - 3 * len(self.titles)) // max(1, len(self.titles)))
        if share < READABLE:
            return self._turning(width)
        parts, used, self._ends = [], 0, []
        for n, title in enumerate(self.titles):
            here = n == self.at
            text = Content(f"{n + 1} {title}").truncate(share, ellipsis=True)
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


class Drawing(Static):
    """A view that is drawn to its size."""

    def __init__(self, view: View) -> None:
        super().__init__(markup=False)
        self.view = view
        self._lines = -1

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        scroller = self.parent
        height = scroller.content_size.height if isinstance(scroller, Widget) else self.size.height
        content = draw(self.view, self.size.width, height, bool(getattr(self.app, "ascii_only", False)))
        same_height = content.plain.count("\n") == self._lines
        self._lines = content.plain.count("\n")
        self.update(content, layout=not same_height)  # a new point repaints the picture, and moves nothing else


class Evidence(Vertical):
    """The tabs and the view that is turned to.  Shows the tabs alone where there is no room."""

    DEFAULT_CSS = """
    Evidence { height: 1fr; min-height: 0; }
    Evidence VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; background: transparent; }
    Evidence Rows { height: 1fr; }
    Evidence Drawing { height: auto; }
    """

    def __init__(self, views: Sequence[View], *, reading: bool = False) -> None:
        super().__init__()
        self.views = list(views)
        self.reading = reading
        self.at = 0

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

    async def _show(self) -> None:
        await self.query("Evidence > .view").remove()
        if not self.views:
            return
        view = self.views[self.at]
        if isinstance(view, Table):
            body: Widget = Rows(*table_rows(view), still=True)
        else:
            body = VerticalScroll(Drawing(view))
        body.can_focus = self.reading
        body.add_class("view")
        await self.mount(body)
        if self.reading:
            body.focus()

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


def draw(view: View, width: int, height: int, ascii_only: bool = False) -> Content:
    """Any view as text of this width; curves also fill the height."""
    pens = ASCII if ascii_only else UNICODE
    match view:
        case Table():
            return Content("\n").join(Content(" ".join(cell(v) for v in row)) for row in view.rows)
        case Intervals():
            marks = [Mark(label, value, low, high) for label, value, low, high in view.rows]
            unit = Content.styled(literal(view.unit), "$text-muted")
            return unit + Content("\n") + drawn(marks, min(width, 100), pens, view.reference)
        case Bars():
            return _bars(view, min(width, 100), pens.block)
        case Curves():
            return curves(view.series, width, max(6, height), x=view.x, y=view.y, ascii_only=ascii_only)
        case Words():
            return Content(literal_lines(view.text))
        case Histogram():
            return _histogram(view, min(width, 100), pens.block)
        case Grid():
            return _grid(view, width, ascii_only)
        case Samples():
            return Content.styled("These rows are no longer kept.", "$text-muted")


def _bars(view: Bars, width: int, block: str) -> Content:
    if not view.rows:
        return Content("")
    labels = [Content(literal(label)).truncate(24, ellipsis=True) for label, _ in view.rows]
    values = [number(value) for _, value in view.rows]
    label, figure = max(c.cell_length for c in labels), max(map(len, values))
    room = max(4, width - label - figure - 3)
    largest = max((abs(value) for _, value in view.rows), default=1) or 1
    total = sum(abs(value) for _, value in view.rows)
    lines = []
    for name, text, (_, value) in zip(labels, values, view.rows, strict=True):
        share = f"  {abs(value) / total:.1%}" if total and view.unit == "rows" else ""
        lines.append(
            Content.assemble(
                name.pad_right(label - name.cell_length), " ", (f"{text:>{figure}} ", "bold"),
                (block * max(1 if value else 0, round(abs(value) / largest * (room - len(share)))), "$primary"),
                (share, "$text-muted"),
            )
        )  # fmt: skip
    return Content("\n").join([Content.styled(literal(view.unit), "$text-muted"), *lines])


def _histogram(view: Histogram, width: int, block: str) -> Content:
    """One line a bin: where it begins, a bar, the count; marks stand behind the bin that they fall in."""
    names = [number(edge) for edge in view.edges[:-1]]
    label, figure = max(map(len, names), default=0), max((len(number(n)) for n in view.counts), default=1)
    room = max(4, width - label - figure - 16)
    largest = max(view.counts, default=1) or 1
    lines = []
    for i, (name, n) in enumerate(zip(names, view.counts, strict=True)):
        low, high = view.edges[i], view.edges[i + 1]
        last = i == len(view.counts) - 1
        here = [f"◂ {literal(text)}" for text, x in view.marks if low <= x < high or (last and x == high)]
        lines.append(
            Content.assemble(
                f"{name:>{label}} ", (f"{number(n):>{figure}} ", "bold"),
                (block * max(1 if n else 0, round(n / largest * room)), "$primary"),
                (" " + " ".join(here) if here else "", "$text-muted"),
            )
        )  # fmt: skip
    foot = Content.styled(f"{number(view.edges[-1]):>{label}}", "$text-muted")
    return Content("\n").join([Content.styled(f"from, {literal(view.unit)}", "$text-muted"), *lines, foot])


SHADES, LETTER_SHADES = " ░▒▓█", " .:*#"


def _grid(view: Grid, width: int, ascii_only: bool) -> Content:
    """A cell a pair: its shade and, in hundredths, its figure, so that no shade has to be judged by eye."""
    shades = LETTER_SHADES if ascii_only else SHADES
    names = [Content(literal(name)).truncate(20, ellipsis=True) for name in view.rows]
    label = max((name.cell_length for name in names), default=0)
    room = max(5, min(12, (width - label - 1) // max(1, len(view.columns))))
    shown = max(1, (width - label - 1) // room)
    heads = [Content(literal(name)).truncate(room - 1, ellipsis=True) for name in view.columns[:shown]]
    head = Content(" " * (label + 1)) + Content("").join([h.pad_right(room - h.cell_length) for h in heads])
    lines = [head.stylize("$text-muted")]
    for name, values in zip(names, view.values, strict=True):
        cells = []
        for value in values[:shown]:
            if value is None:
                cells.append(Content(" " * room))
                continue
            shade = shades[min(4, round(4 * max(0.0, min(1.0, value))))]
            cells.append(Content.assemble((shade * 2, "$primary"), f" {100 * value:.0f}".ljust(room - 2)))
        lines.append(name.pad_right(label + 1 - name.cell_length) + Content("").join(cells))
    return Content("\n").join(lines)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
