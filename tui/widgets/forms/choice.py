"""One of several options, or several of them: a table of options with their measured figures, and search when long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from engine.effects import Ask
from engine.records import Json, Option
from tui.figures import cell
from tui.literal import literal
from tui.widgets.field import Field
from tui.widgets.forms.base import Form
from tui.widgets.rows import Column, Row, Rows

SEARCHED = 12  # more options than this get a search field


class Search(Field):
    """A one-line field whose down key leads into the list."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "leave", "List", show=False)]

    def action_leave(self) -> None:
        self.screen.focus_next()


class ChoiceForm(Form):
    """The row under the cursor is the answer; a text in the last field is, where the question takes others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", id="form.search"),
        Binding("u,ctrl+z", "undo", "Undo", key_display="u", id="form.undo", tooltip="Take the last tick back"),
    ]

    def __init__(self, ask: Ask, several: bool = False) -> None:
        super().__init__()
        self.options = ask.offered
        self.other = ask.question.other
        self.several = several
        self.recommended = ask.recommended
        self.chosen: set[int] = set()  # positions among the options
        if several and isinstance(ask.recommended, list | tuple):
            self.chosen = {i for i, option in enumerate(self.options) if option.key in ask.recommended}
        self.history: list[set[int]] = []
        self.shown: list[int] = list(range(len(self.options)))
        self._names = _figure_names(self.options)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        if len(self.options) > SEARCHED:
            yield Search(placeholder=f"/ search {len(self.options)} options", id="search")
        yield Rows(self._columns(), [self._row(i) for i in self.shown], id="options")
        if self.other:
            yield Field(placeholder="or write another answer", id="other")

    def on_mount(self) -> None:
        start = next((n for n, i in enumerate(self.shown) if self._is_recommended(i)), 0)
        self.rows.cursor = start

    @property
    def rows(self) -> Rows:
        return self.query_one("#options", Rows)

    def _columns(self) -> list[Column]:
        columns = [Column(flex=True)] if not self._names else [Column("option", flex=True)]
        if not self._names:
            return [*columns, *([Column(flex=True)] if any(o.note for o in self.options) else [])]
        numeric = {n for n in self._names if any(_is_figure(o.figures.get(n)) for o in self.options)}
        return [*columns, *(Column(literal(n), right=n in numeric) for n in self._names)]

    def _row(self, i: int) -> Row:
        option = self.options[i]
        text = Content(literal(option.text))
        if self.several:
            text = Content("[x] " if i in self.chosen else "[ ] ") + text
        if self._is_recommended(i):
            text = text.stylize("bold")
        cells: list[Content | str] = [text]
        if self._names:
            cells += [cell(option.figures.get(name)) for name in self._names]
        elif any(o.note for o in self.options):
            cells.append(Content.styled(literal(option.note), "$text-muted"))
        return Row(tuple(cells), mark="★" if self._is_recommended(i) else "", key=i)

    def _is_recommended(self, i: int) -> bool:
        key = self.options[i].key
        if self.several:
            return isinstance(self.recommended, list | tuple) and key in self.recommended
        return key == self.recommended and isinstance(key, bool) == isinstance(self.recommended, bool)

    # -- the answer ------------------------------------------------------------------------------------------------

    def raw(self) -> Json:
        if self.several:
            return [self.options[i].key for i in sorted(self.chosen)]
        if self.other and (text := self.query_one("#other", Input).value.strip()):
            return text
        row = self.rows.current
        return None if row is None else self.options[row.key].key

    def note(self) -> str:
        row = self.rows.current
        return "" if row is None or not (self._names or self.rows.is_cut(row)) else self.options[row.key].note

    def draft(self) -> Json:
        other = self.query_one("#other", Input).value if self.other else ""
        row = self.rows.current
        return {"at": None if row is None else row.key, "chosen": sorted(self.chosen), "other": other}

    def restore(self, draft: Json) -> None:
        self.chosen = {i for i in draft["chosen"] if i < len(self.options)}
        if self.other:
            self.query_one("#other", Input).value = draft["other"]
        self._renew(draft["at"])

    def take_focus(self) -> None:
        self.rows.focus()

    def _renew(self, at: int | None = None) -> None:
        cursor = self.shown.index(at) if at in self.shown else None
        self.rows.show(self._columns(), [self._row(i) for i in self.shown], cursor)

    # -- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.history) if action == "undo" else action != "search" or len(self.options) > SEARCHED

    def action_search(self) -> None:
        self.query_one("#search", Input).focus()

    @on(Input.Changed, "#search")
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        row = self.rows.current
        words = event.value.casefold().split()
        self.shown = [i for i, o in enumerate(self.options) if all(w in f"{o.text} {o.note}".casefold() for w in words)]
        self._renew(row.key if row else None)
        if row is None or row.key not in self.shown:
            self.rows.cursor = 0
        self.post_message(self.Changed(self))

    @on(Input.Submitted, "#search")
    def _search_done(self, event: Input.Submitted) -> None:
        event.stop()
        self.rows.focus()

    @on(Input.Changed, "#other")
    def _other_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))

    @on(Input.Submitted, "#other")
    def _other_done(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self))

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        if type(event) is Rows.Moved:
            self.post_message(self.Looked(self) if self.several else self.Changed(self))

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.post_message(self.Submitted(self))

    @on(Rows.Toggled)
    def _toggled(self, event: Rows.Toggled) -> None:
        event.stop()
        if not self.several:
            return
        i = self.shown[event.index]
        self.history.append(set(self.chosen))
        self.chosen ^= {i}
        self.rows.replace(event.index, self._row(i))
        self.post_message(self.Changed(self))

    def action_undo(self) -> None:
        if self.history:
            self.chosen = self.history.pop()
            self._renew(None if self.rows.current is None else self.rows.current.key)
            self.post_message(self.Changed(self))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and isinstance(self.screen.focused, Input):
            event.stop()
            self.rows.focus()


def _figure_names(options: Sequence[Option]) -> list[str]:
    return list(dict.fromkeys(name for option in options for name in option.figures))


def _is_figure(value: Json) -> bool:
    return isinstance(value, int | float | list | tuple) and not isinstance(value, bool)
