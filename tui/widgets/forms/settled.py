"""The answers that the pace took for the person in one stage, each of which can be opened and changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from engine.effects import Ask
from engine.records import Decision, Json
from tui.figures import answered
from tui.literal import literal
from tui.widgets.forms.base import Form
from tui.widgets.rows import Column, Row, Rows

WORDS = 38  # cells of a question; the line below says the one under the cursor in full


class SettledForm(Form):
    """Enter keeps them all; `o` opens the one under the cursor."""

    @dataclass
    class Opened(Message):
        decision: Decision

    BINDINGS: ClassVar[list[BindingType]] = [Binding("o", "open", "Open and change", id="settled.open")]

    def __init__(self, ask: Ask, taken: Sequence[Decision]) -> None:
        super().__init__()
        self.taken = list(taken)
        self.keep = ask.recommended

    def compose(self) -> ComposeResult:
        rows = [
            Row(
                (
                    Content(literal(d.prompt or d.name)).truncate(WORDS, ellipsis=True),
                    Content.styled(answered(d), "bold").truncate(40, ellipsis=True),
                    Content.styled(literal(d.why), "$text-muted"),
                )
            )
            for d in self.taken
        ]
        yield Rows(
            (Column("question"), Column("answer", flex=True), Column("because", flex=True, least=30)), rows, id="taken"
        )

    def raw(self) -> Json:
        return self.keep

    def note(self) -> str:
        at = self.rows.cursor
        return f"{literal(self.taken[at].prompt)} — {literal(self.taken[at].why)}" if self.taken else ""

    def draft(self) -> Json:
        return self.rows.cursor

    def restore(self, draft: Json) -> None:
        self.rows.move_to(draft)

    def action_open(self) -> None:
        if self.taken:
            self.post_message(self.Opened(self.taken[self.rows.cursor]))
