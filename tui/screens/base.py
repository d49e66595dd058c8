"""What all screens share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

if TYPE_CHECKING:
    from tui.app import RungwiseApp

Result = TypeVar("Result")


class Page(Screen[None]):
    """A full screen."""

    @property
    def rungwise(self) -> RungwiseApp:
        return cast("RungwiseApp", self.app)


class Dialog(ModalScreen[Result]):
    """A box over a dimmed screen; escape closes it without a result."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="dialog.close"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?", id="dialog.help",
                tooltip="The keys of this box"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > .box {
        width: 90%; max-width: 100; height: auto; max-height: 90%; padding: 0 1;
        overflow-y: auto; scrollbar-size-vertical: 1;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $text-muted; background: $surface;
    }
    """

    @property
    def rungwise(self) -> RungwiseApp:
        return cast("RungwiseApp", self.app)

    def on_resize(self) -> None:
        self.call_after_refresh(self._keep_in_sight)

    def _keep_in_sight(self) -> None:
        """Where there is no room for the whole box, what one writes in stays seen."""
        if self.focused is not None:
            self.focused.scroll_visible(animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)
