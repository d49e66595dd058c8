"""What forms of a list have in common: a search where it is long, and undo."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, TextArea

from tui.widgets.field import Field
from tui.widgets.forms.base import Form

SEARCHED = 12  # more rows than this get a search field
SEARCH = Binding("slash", "search", "Search", key_display="/", id="form.search")
UNDO = Binding("u,ctrl+z", "undo", "Undo", key_display="u", id="form.undo", tooltip="Take the last change back")


class Search(Field):
    """A one-line field whose down key leads into the list."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "leave", "List", show=False)]

    def action_leave(self) -> None:
        self.screen.focus_next()


class ListForm(Form):
    """A form of this kind puts `SEARCH` and `UNDO` among its keys, where they shall stand in the key line."""

    # docked, so that the rows get what is left: beside a search field their last ones lay outside of the form
    DEFAULT_CSS = """
    ListForm > #search { dock: top; }
    ListForm > .beneath { dock: bottom; height: auto; }
    """

    def __init__(self, length: int, things: str) -> None:
        """length: of the list, in rows.  things: what they are, for the search field."""
        super().__init__()
        self.length, self.things = length, things
        self.history: list[Any] = []  # what stood before each change

    def stands(self) -> Any:
        """A copy of what undo brings back."""
        raise NotImplementedError

    def put_back(self, stood: Any) -> None:
        """Make it stand again; the rows are drawn after this."""
        raise NotImplementedError

    def draw_rows(self, searched: bool = False) -> None:
        """Show the rows that `finds` lets through.  searched: other words stand in the search field."""
        raise NotImplementedError

    # -- search ----------------------------------------------------------------------------------------------------

    def search_line(self) -> ComposeResult:
        if self.length > SEARCHED:
            yield Search(placeholder=f"/ search {self.length} {self.things}", id="search")

    def finds(self, text: str) -> bool:
        """Whether the text has every word that stands in the search field."""
        field = self.query("#search")
        words = field.first(Input).value.casefold().split() if field else []
        return all(word in text.casefold() for word in words)

    def when_typed(self, field: Input | TextArea) -> None:
        if field.id == "search":
            self.draw_rows(searched=True)
        super().when_typed(field)

    def when_sent(self, field: Input | TextArea) -> None:
        if field.id == "search":
            self.rows.focus()
        else:
            super().when_sent(field)

    def action_search(self) -> None:
        self.query_one("#search", Input).focus()

    # -- undo ------------------------------------------------------------------------------------------------------

    def remember(self) -> None:
        """To be called before each change."""
        self.history.append(self.stands())

    def action_undo(self) -> None:
        if self.history:
            self.put_back(self.history.pop())
            self.draw_rows()
            self.post_message(self.Changed(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.history) if action == "undo" else action != "search" or self.length > SEARCHED
