"""A one-line field, one line high: everywhere the same."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input


class Field(Input):
    """`enter` sends it; its description is what the screen's own enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+u", "delete_left_all", "Clear to the left", show=False),
    ]
    DEFAULT_CSS = """
    Field, Field.-textual-compact {
        border: none; height: 1; padding: 0 1; background: $panel; color: $foreground;
        &:focus { border: none; background: $cursor; }
        &:nocolor { text-style: underline; }
    }
    """

    def __init__(
        self, value: str = "", *, placeholder: str = "", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(value, placeholder=placeholder, id=id, classes=classes, compact=True, select_on_focus=False)

        self._bindings.key_to_bindings.pop("enter", None)  # the screen says what enter does; `on_key` sends it

    def on_mount(self) -> None:
        self.cursor_blink = False

    async def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            await self.action_submit()
