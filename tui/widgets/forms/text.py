"""A sentence, or a number with its unit."""

from __future__ import annotations

import math
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.records import Json
from tui.figures import number
from tui.literal import literal
from tui.widgets.field import Field
from tui.widgets.forms.base import Form


class Lines(TextArea):
    """Several lines; enter sends them, ctrl+j (or alt+enter) makes a new line."""

    class Sent(Message):
        def __init__(self, lines: Lines) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> Lines:
            return self.lines

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,alt+enter,shift+enter", "new_line", "New line", key_display="ctrl+j", id="text.newline"),
        Binding("ctrl+u", "clear", "Clear", show=False, id="text.clear"),
        Binding("ctrl+z", "undo", "Undo", show=False, id="text.undo"),
    ]
    DEFAULT_CSS = """
    Lines { height: auto; max-height: 5; border: none; padding: 0 1; background: $panel; scrollbar-size-vertical: 1; }
    Lines:focus { border: none; background: $cursor; }
    """

    def __init__(self, text: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(text, id=id, placeholder=placeholder, tab_behavior="focus", compact=True, soft_wrap=True,
                         highlight_cursor_line=False)  # fmt: skip

    def on_mount(self) -> None:
        self.cursor_blink = False
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Sent(self))
            return
        await super()._on_key(event)

    def action_new_line(self) -> None:
        self.insert("\n")

    def action_clear(self) -> None:
        self.clear()


class TextForm(Form):
    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.start = ask.recommended if isinstance(ask.recommended, str) else ""

    def compose(self) -> ComposeResult:
        yield Lines(self.start, placeholder="write here; enter records, ctrl+j makes a new line", id="text")

    def raw(self) -> Json:
        return self.query_one("#text", Lines).text

    def restore(self, draft: Json) -> None:
        self.query_one("#text", Lines).text = draft

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))

    @on(Lines.Sent)
    def _sent(self, event: Lines.Sent) -> None:
        event.stop()
        self.post_message(self.Submitted(self))


class NumberForm(Form):
    def __init__(self, ask: Ask) -> None:
        super().__init__()
        question = ask.question
        self.unit = question.unit
        value = ask.recommended if ask.recommended is not None else question.default
        self.value = value
        self.start = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        parts = []
        if math.isfinite(question.low) and math.isfinite(question.high):
            parts.append(f"{number(question.low)} to {number(question.high)}")
        elif math.isfinite(question.low):
            parts.append(f"at least {number(question.low)}")
        if question.default is None:
            parts.append("empty for none")
        self.range = ", ".join(parts)

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Field(self.start, id="number", placeholder="none")
            yield Static(literal(f" {self.unit}"), markup=False, id="unit")
            yield Static(f"  {self.range}", markup=False, classes="label")

    DEFAULT_CSS = """
    NumberForm #number { width: 20; }
    NumberForm #unit { width: auto; }
    """

    def raw(self) -> Json:
        if self.query_one("#number", Input).value == self.start:
            return self.value  # as it was offered, not as it was rounded for the eye
        text = self.query_one("#number", Input).value.strip().replace(" ", "").replace(" ", "")
        if "," in text and "." not in text:
            text = text.replace(",", ".")  # a decimal comma, as much of the world writes it
        return text or None

    def draft(self) -> Json:
        return self.query_one("#number", Input).value

    def restore(self, draft: Json) -> None:
        self.query_one("#number", Input).value = draft

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))

    @on(Input.Submitted)
    def _sent(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self))


def as_number(text: str, what: str) -> float | int:
    """The number that was typed.  Raises InvalidAnswer naming the field."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        raise InvalidAnswer(f"{what}: “{literal(text)}” is no number.") from None
    if not math.isfinite(value):
        raise InvalidAnswer(f"{what}: give a finite number.")
    return int(value) if value.is_integer() else value
