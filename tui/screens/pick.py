"""Pick one of the earlier decisions to go back to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from engine.records import Decision
from engine.titles import titled
from tui.desk import BranchLine
from tui.figures import answered, number
from tui.literal import literal
from tui.screens.base import Dialog
from tui.screens.journal import BY
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows


class PickDecision(Dialog[int | None]):
    """Dismissed with the decision's number."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "pick", "Go back to this one", id="pick.enter")]
    DEFAULT_CSS = """
    PickDecision > .box { height: 80%; }
    PickDecision Rows { height: 1fr; margin: 1 0 0 0; }
    PickDecision Static { height: auto; color: $text-muted; }
    """

    def __init__(self, decisions: Sequence[Decision]) -> None:
        super().__init__()
        self.decisions = list(decisions)

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = f"go back: {len(self.decisions)} decisions"
        with box:
            yield Static(
                "A branch starts there. Nothing is lost: what stands now stays on its branch, and later answers are "
                "taken over where exactly the same is asked again.",
                markup=False,
            )
            rows = [decision_row(d) for d in self.decisions]
            yield Rows(
                (Column("", right=True), Column("question", flex=True), Column("answer", flex=True), Column("by")), rows
            )
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Rows).cursor = len(self.decisions) - 1

    @on(Rows.Chosen)
    def action_pick(self) -> None:
        at = self.query_one(Rows).cursor
        self.dismiss(self.decisions[at].seq if self.decisions else None)


class PickSession(Dialog[tuple[str, str] | None]):
    """Another session or branch to compare with.  Dismissed with its session and name."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "pick", "Compare", id="pick.session")]
    DEFAULT_CSS = """
    PickSession > .box { height: 80%; }
    PickSession Rows { height: 1fr; }
    """

    def __init__(self, name: str, others: Sequence[tuple[str, BranchLine]]) -> None:
        super().__init__()
        self.compared = name
        self.others = list(others)

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = Content(f"compare {literal(self.compared)} with")
        with box:
            if self.others:
                columns = (Column("session"), Column("branch"), Column("ladder ends with", flex=True))
                yield Rows(columns, [self._row(*other) for other in self.others])
            else:
                yield Static("There is no other session and no other branch yet.", markup=False)
        yield KeyLine()

    def _row(self, name: str, branch: BranchLine) -> Row:
        top = f"{number(branch.rungs[-1][1])} {literal(branch.rungs[-1][0])}" if branch.rungs else "—"
        return Row((literal(name), literal(branch.name), top), dim=bool(branch.abandoned), key=(name, branch.name))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.others) if action == "pick" else True

    @on(Rows.Chosen)
    def action_pick(self) -> None:
        name, branch = self.others[self.query_one(Rows).cursor]
        self.dismiss((name, branch.name))


def decision_row(d: Decision) -> Row:
    """A decision on one line: its number, its question, the answer, who gave it."""
    mark = "▲" if d.level in ("hold", "flag") and d.overruled else ""
    style = "" if d.author == "person" else "$text-muted"
    return Row((str(d.seq), titled(*d.place), Content.styled(answered(d), "bold" if d.author == "person" else ""),
                Content.styled(BY.get(d.author, d.author), style)), mark=mark, key=d.seq)  # fmt: skip
