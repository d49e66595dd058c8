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
from tui.figures import choice
from tui.literal import literal
from tui.screens.base import Dialog
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
            yield Rows((Column("", right=True), Column("question"), Column("answer", flex=True), Column("by")), rows)
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Rows).cursor = len(self.decisions) - 1

    @on(Rows.Chosen)
    def action_pick(self) -> None:
        at = self.query_one(Rows).cursor
        self.dismiss(self.decisions[at].seq if self.decisions else None)


def decision_row(d: Decision) -> Row:
    """A decision on one line: its number, its question, the answer, who gave it."""
    mark = "▲" if d.level in ("hold", "flag") and d.overruled else ""
    style = "" if d.author == "person" else "$text-muted"
    return Row((str(d.seq), literal(d.name), Content.styled(choice(d.choice), "bold" if d.author == "person" else ""),
                Content.styled(d.author, style)), mark=mark, key=d.seq)  # fmt: skip
