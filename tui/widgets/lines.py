"""A field of several lines: everywhere the same."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea


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

    def on_resize(self) -> None:
        self.refresh()  # Textual 8 wraps the words anew, and shows them as they were where the lines stay as many

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
