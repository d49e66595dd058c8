"""Home: every session, newest first."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from tui.desk import SessionLine
from tui.figures import ago, number
from tui.literal import literal
from tui.screens.base import Page
from tui.widgets.field import Field
from tui.widgets.headline import HeadLine
from tui.widgets.keyed import Keyed
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows

EMPTY = Content.assemble(
    ("Rungwise takes a modelling problem up a ladder, one rung at a time:\n", "bold"),
    "define it, prepare the data, a baseline, a simple model, and a deep one only if it is earned.\n",
    "Every choice is written down with its options, the reason, and the figure it was checked against.\n\n",
    ("n", "bold $primary"), "  begin with a table, series, pictures or texts of your own (ten minutes)\n",
    ("g", "bold $primary"), "  a guided tour on the bundled sample, with a hint beside each question\n",
    ("d", "bold $primary"), "  begin with the bundled sample, without the hints\n",
)  # fmt: skip

ABOUT = """Every session you began, the one worked on last first. A session is one modelling problem: its data, its
target, and every decision taken so far. The ladder shows what each accepted model scored."""


class Home(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="home.open"),
        Binding("n", "new", "New", id="home.new", tooltip="Begin a session with a file"),
        Binding("g", "tour", "Tour", id="home.tour", tooltip="A guided tour on the bundled sample, with hints"),
        Binding("d", "sample", "Sample", id="home.sample", tooltip="Begin a session with the bundled sample"),
        Binding(
            "r", "replay", "Replay", id="home.replay", tooltip="Look through a session's journal without changing it"
        ),
        Binding("v", "review", "Review", id="home.review", tooltip="What a mentor would ask, and the comments"),
        Binding("c", "compare", "Compare", id="home.compare", tooltip="Set it beside another session or branch"),
        Binding("s", "search", "Search", id="home.search", tooltip="Words in whys, answers and comments"),
        Binding("x", "export", "Export", show=False, id="home.export", tooltip="Take it with you: report, model, …"),
        Binding("slash", "filter", "Filter", key_display="/", id="home.filter"),
        Binding("f5", "refresh", "Look again", show=False, id="home.refresh"),
    ]
    DEFAULT_CSS = """
    Home #sessions { height: 1fr; max-height: 1fr; margin: 1 1 0 1; }
    Home #empty { margin: 2 3; height: auto; }
    Home #filter { margin: 1 1 0 1; }
    Home.none #sessions { display: none; }
    """
    AUTO_FOCUS = "#sessions"
    about = ABOUT

    def __init__(self, fresh: bool = False) -> None:
        """fresh: there is no store yet, so that nothing need be read to know that it is empty."""
        super().__init__(classes="none" if fresh else "")
        self._fresh = fresh
        self.lines: list[SessionLine] = []
        self.shown: list[SessionLine] = []
        self.loaded = False

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Little at first, so that it is seen at once; the field to filter with comes when it is asked for."""
        yield HeadLine()
        if self._fresh:
            yield Keyed(EMPTY, id="empty")
        yield Rows(self._columns(), id="sessions")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(HeadLine).left = Content.styled("rungwise", "bold $primary")

    def show(self, lines: list[SessionLine]) -> None:
        """Show what the store has."""
        self.loaded = True
        self.lines = lines
        self.set_class(not lines, "none")
        if bool(lines) is (first := bool(self.query("#empty"))):
            if first:
                self.query("#empty").remove()
            else:
                self.mount(Keyed(EMPTY, id="empty"), before=self.query_one(Rows))
        self._fill()
        working = sum(1 for line in lines if line.working)
        count = f"{len(lines)} session{'s' if len(lines) != 1 else ''}" if lines else ""
        self.query_one(HeadLine).right = Content.styled(
            count + (f" · {working} at work" if working else ""), "$text-muted"
        )
        self.refresh_bindings()

    def _fill(self) -> None:
        words = (field.value if (field := self._filter) else "").casefold().split()
        self.shown = [x for x in self.lines if all(w in f"{x.name} {x.data} {x.target}".casefold() for w in words)]
        rows = self.query_one(Rows)
        before = rows.current.key if rows.current else None
        cursor = next((i for i, x in enumerate(self.shown) if x.name == before), 0)
        rows.show(self._columns(), [self._row(x) for x in self.shown], cursor)

    def _columns(self) -> list[Column]:
        if not self.loaded:
            return []
        return [Column("session"), Column("data → target", flex=True), Column("reached"), Column("ladder", flex=True),
                Column("", right=True)]  # fmt: skip

    def _row(self, line: SessionLine) -> Row:
        data = f"{literal(line.data)} → {literal(line.target)}" if line.target else literal(line.data)
        ladder = " → ".join(f"{number(value)} {literal(model)}" for model, value in line.rungs)
        if len(line.rungs) > 2:
            ladder = " → ".join(f"{number(value)} {literal(model)}" for model, value in (line.rungs[0], line.rungs[-1]))
        tail = f"▸ {line.working} at work" if line.working else ago(line.changed_at, self.rungwise.now())
        return Row((Content.styled(literal(line.name), "bold"), data, literal(line.stage) or "begun",
                    ladder or "—", Content.styled(tail, "$accent" if line.working else "$text-muted")),
                   key=line.name)  # fmt: skip

    # -- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        some = ("open", "replay", "filter", "review", "compare", "search", "export")
        return bool(self.lines) if action in some else True

    @property
    def _here(self) -> str:
        row = self.query_one(Rows).current
        return row.key if row else ""

    @on(Rows.Chosen)
    def action_open(self) -> None:
        if self._here:
            self.rungwise.open_session(self._here)

    def action_new(self) -> None:
        self.rungwise.begin_session()

    def action_tour(self) -> None:
        self.rungwise.take_tour()

    def action_sample(self) -> None:
        self.rungwise.begin_session(sample=True)

    def action_replay(self) -> None:
        if self._here:
            self.rungwise.open_session(self._here, read_only=True)

    def action_review(self) -> None:
        if self._here:
            self.rungwise.review(self._here)

    def action_compare(self) -> None:
        if self._here:
            self.rungwise.compare_with(self._here)

    def action_search(self) -> None:
        self.rungwise.search()

    def action_export(self) -> None:
        from tui.screens.leaving import ExportBox

        if self._here:
            self.app.push_screen(ExportBox(self._here))

    def action_refresh(self) -> None:
        self.rungwise.refresh_home()

    @property
    def _filter(self) -> Field | None:
        return next(iter(self.query(Field)), None)

    async def action_filter(self) -> None:
        if self._filter is None:
            field = Field(placeholder="filter by name, data or target", id="filter")
            await self.mount(field, before=self.query_one(Rows))
        self.query_one(Field).focus()

    @on(Field.Changed, "#filter")
    def _filtered(self) -> None:
        self._fill()

    @on(Field.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one(Rows).focus()

    async def on_key(self, event: events.Key) -> None:
        if (field := self._filter) is None:
            return
        if event.key == "escape":
            event.stop()
            await field.remove()
            self._fill()
            self.query_one(Rows).focus()
        elif event.key == "down" and field.has_focus:
            event.stop()
            self.query_one(Rows).focus()

    def on_screen_resume(self) -> None:
        if self.loaded:
            self.rungwise.refresh_home()
