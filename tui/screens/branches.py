"""The branches of a session: what became of each, and what is done with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.desk import BranchLine, Desk
from tui.figures import ago, number
from tui.literal import literal, literal_lines
from tui.screens.base import Dialog
from tui.widgets.field import Field
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows

COLUMNS = (Column("branch"), Column("left"), Column("decisions", right=True), Column("ladder ends with", flex=True),
           Column("begun", right=True))  # fmt: skip

ABOUT = """Going back to a decision begins a branch; the one that was left stays as it was. One that leads nowhere is
abandoned with a why, which stays as well: nothing is ever deleted. c compares a branch with the one that is open."""


class BranchesScreen(Dialog[str]):
    """Dismissed with the branch to go on with, "" for none.  here: the one that is open; working: not only to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Go on with it", id="branches.go", tooltip="Go on with this branch"),
        Binding("c", "compare", "Compare", id="branches.compare", tooltip="Compare it with the one that is open"),
        Binding("n", "name", "Name", id="branches.name", tooltip="Call it by what it is about"),
        Binding("x", "abandon", "Abandon", id="branches.abandon", tooltip="Nobody goes on with it; say why"),
        Binding("u", "take_up", "Take up", id="branches.take_up", tooltip="Go on with an abandoned one after all"),
        Binding("escape", "close", "Close", key_display="esc", id="branches.close"),
    ]
    DEFAULT_CSS = """
    BranchesScreen > .box { width: 96%; height: 80%; }
    BranchesScreen Rows { height: 1fr; max-height: 1fr; }
    BranchesScreen #said { height: auto; max-height: 5; margin: 1 0 0 0; color: $text-muted; }
    """
    about = ABOUT

    def __init__(self, session: str, here: str, working: bool) -> None:
        super().__init__()
        self.session, self.here, self.working = session, here, working
        self.lines: list[BranchLine] = []

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = Content(f"branches of {literal(self.session)}")
        with box:
            yield Rows(COLUMNS, ())
            yield Static("", markup=False, id="said")
        yield KeyLine()

    def on_mount(self) -> None:
        self._change(lambda desk: None)

    @property
    def line(self) -> BranchLine | None:
        cursor = self.query_one(Rows).cursor
        return self.lines[cursor] if cursor < len(self.lines) else None

    @work(group="branches")
    async def _change(self, deed: Callable[[Desk], object]) -> None:
        """Do something, and list what there is then; a sentence where it cannot be done."""
        try:
            self.lines = await self.rungwise.clerk.do(lambda desk: (deed(desk), desk.branches(self.session))[1])
        except Exception as problem:
            self.rungwise.say_problem(problem)
            return
        rows = self.query_one(Rows)
        first = next((i for i, line in enumerate(self.lines) if line.name == self.here), 0)
        rows.show(COLUMNS, [self._row(line) for line in self.lines], first if not rows.rows else None)
        self._say()

    def _row(self, line: BranchLine) -> Row:
        left = f"{literal(line.parent)} at {line.forked_at}" if line.parent is not None else ""
        top = f"{number(line.rungs[-1][1])} {literal(line.rungs[-1][0])}" if line.rungs else "—"
        name = Content.styled(literal(line.name), "bold" if line.name == self.here else "")
        cells = (name, left, str(line.own), top, ago(line.created_at, self.rungwise.now()))
        return Row(cells, mark="✗" if line.abandoned else "●" if line.current else "", dim=bool(line.abandoned),
                   key=line.name)  # fmt: skip

    @on(Rows.Moved)
    def _say(self) -> None:
        line = self.line
        words = Content("")
        if line is not None and line.abandoned:
            words = Content.assemble(("abandoned  ", "$warning"), literal_lines(line.abandoned))
        elif line is not None and line.name == self.here:
            words = Content("This one is open.")
        elif line is not None and line.current:
            words = Content("This one is gone on with when the session is opened.")
        self.query_one("#said", Static).update(words)
        self.refresh_bindings()

    # -- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        line = self.line if self.is_mounted else None
        if line is None:
            return action == "close"
        fits = {
            "go": not line.abandoned and (line.name != self.here or not self.working),
            "compare": line.name != self.here,
            "abandon": not line.abandoned and len([x for x in self.lines if not x.abandoned]) > 1,
            "take_up": bool(line.abandoned),
        }
        return fits.get(action, True)

    @on(Rows.Chosen)
    def action_go(self) -> None:
        if self.line is not None and self.check_action("go", ()):
            self.dismiss(self.line.name)

    def action_close(self) -> None:
        self.dismiss("")

    def action_compare(self) -> None:
        if self.line is not None:
            self.rungwise.compare((self.session, self.here), (self.session, self.line.name))

    @work(group="dialog", exclusive=True)
    async def action_name(self) -> None:
        if (line := self.line) is None:
            return
        name = await self.app.push_screen_wait(OneLine(f"call branch {line.name}", line.name, "a name"))
        if name and name != line.name:
            self.here = name if self.here == line.name else self.here
            self._change(lambda desk: desk.rename_branch(self.session, line.name, name))

    @work(group="dialog", exclusive=True)
    async def action_abandon(self) -> None:
        if (line := self.line) is None:
            return
        why = await self.app.push_screen_wait(OneLine(f"abandon branch {line.name}", "", "why nobody goes on with it"))
        if not why:
            return
        if not (self.working and line.name == self.here):
            self._change(lambda desk: desk.abandon_branch(self.session, line.name, why))
            return
        try:  # the one that is open is left at once
            other = await self.rungwise.clerk.do(lambda desk: desk.abandon_branch(self.session, line.name, why))
        except Exception as problem:
            self.rungwise.say_problem(problem)
            return
        self.dismiss(other)

    def action_take_up(self) -> None:
        if (line := self.line) is not None:
            self._change(lambda desk: desk.take_up_branch(self.session, line.name))


class OneLine(Dialog[str]):
    """A line to write; enter keeps it.  Dismissed with it, "" where nothing is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "Keep", id="line.keep"),
        Binding("escape", "close", "Close", key_display="esc", id="line.close"),
    ]

    def __init__(self, title: str, text: str, placeholder: str) -> None:
        super().__init__()
        self.heading, self.text, self.placeholder = title, text, placeholder

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = Content(literal(self.heading))
        with box:
            yield Field(self.text, placeholder=self.placeholder)
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def action_keep(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())

    def action_close(self) -> None:
        self.dismiss("")
