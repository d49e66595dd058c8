"""A one-line field, one line high: everywhere the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input


class Field(Input):
    """`enter` sends it; its description is what the screen's own enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+u", "delete_left_all", "Clear to the left", show=False),
        Binding("ctrl+z", "undo", "Undo", show=False, id="field.undo"),
    ]
    DEFAULT_CSS = """
    Field, Field.-textual-compact {
        border: none; height: 1; padding: 0 1; background: $panel; color: $foreground;
        &:focus { border: none; background: $cursor; }
        &:nocolor { text-style: underline; }
    }
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,
        classes: str | None = None,
        joined: str = " ",
    ) -> None:
        """joined: what stands between pasted lines, of which none is lost."""
        self._past: list[str] = []  # what stood before each change
        self._typing = False  # the last change was one more letter of a word
        self._joined = joined
        super().__init__(value, placeholder=placeholder, id=id, classes=classes, compact=True, select_on_focus=False)

        self._bindings.key_to_bindings.pop("enter", None)  # the screen says what enter does; `on_key` sends it

    def on_mount(self) -> None:
        self.cursor_blink = False

    async def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            await self.action_submit()

    # -- undo: a word at a time ------------------------------------------------------------------------------------

    def watch_value(self, before: str, after: str) -> None:
        letter = len(after) == len(before) + 1 and not after.endswith(" ")
        if self.has_focus and before != after and not (letter and self._typing):
            self._past.append(before)
        self._typing = letter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._past) if action == "undo" else super().check_action(action, parameters)

    def action_undo(self) -> None:
        *earlier, before = self._past
        self.value = before
        self._past, self._typing = earlier, False
        self.cursor_position = len(self.value)

    # -- a paste of several lines ----------------------------------------------------------------------------------

    def _on_paste(self, event: events.Paste) -> None:
        """All of it, where the field underneath takes the first line only."""
        event.stop()
        event.prevent_default()
        lines = event.text.splitlines()
        if len(lines) > 1:
            lines = [line.strip() for line in lines if line.strip()]
        if lines:
            self.take_pasted(lines)

    def take_pasted(self, lines: Sequence[str]) -> None:
        self.replace(self._joined.join(lines), *self.selection)
