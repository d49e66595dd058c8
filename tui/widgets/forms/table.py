"""A table of names and values: each value is cycled through its options, or typed."""

from __future__ import annotations

import json
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.records import Json
from tui.figures import choice
from tui.literal import literal
from tui.widgets.field import Field
from tui.widgets.forms.base import Form
from tui.widgets.forms.choice import SEARCHED, Search
from tui.widgets.rows import Column, Row, Rows


class TableForm(Form):
    """`←`/`→` or space change the value under the cursor; where values are free, `space` opens a field for it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "change(1)", "Change", key_display="←→", id="table.next"),
        Binding("left", "change(-1)", "Change back", show=False, id="table.previous"),
        Binding("backspace", "undo", "As found", show=False, id="table.undo"),
        Binding("slash", "search", "Search", key_display="/", id="table.search"),
    ]
    DEFAULT_CSS = """
    TableForm #edit { display: none; }
    TableForm #edit.open { display: block; }
    """

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.start: dict[str, Json] = dict(ask.recommended or {})
        self.values: dict[str, Json] = dict(self.start)
        self.allowed = ask.question.options
        self.notes = {str(option.key): option.note for option in ask.options}
        self.shown = list(self.start)

    def compose(self) -> ComposeResult:
        if len(self.start) > SEARCHED:
            yield Search(placeholder=f"/ search {len(self.start)} names", id="search")
        yield Rows(self._columns(), [self._row(name) for name in self.shown], id="table")
        yield Field(id="edit")

    @property
    def rows(self) -> Rows:
        return self.query_one("#table", Rows)

    def _columns(self) -> list[Column]:
        return [Column("name", flex=True), Column("value", flex=True), *([Column("", flex=True)] if self.notes else [])]

    def _row(self, name: str) -> Row:
        value = self.values[name]
        label = next((o.text for o in self.allowed if o.key == value), None) or _spelled(value)
        changed = value != self.start[name]
        text = Content.styled(literal(label), "bold $accent" if changed else "")
        note = [Content.styled(literal(self.notes.get(name, "")), "$text-muted")] if self.notes else []
        return Row((literal(name), text, *note), mark="≠" if changed else "", key=name)

    def raw(self) -> Json:
        return dict(self.values)

    def note(self) -> str:
        row = self.rows.current
        if row is None or self.values[row.key] == self.start[row.key]:
            return ""
        return f"“{literal(row.key)}” was found to be {choice(self.start[row.key])}; backspace puts it back"

    def restore(self, draft: Json) -> None:
        self.values = {name: draft.get(name, value) for name, value in self.start.items()}
        self.rows.show(self._columns(), [self._row(name) for name in self.shown])

    def take_focus(self) -> None:
        self.rows.focus()

    def _set(self, name: str, value: Json) -> None:
        self.values[name] = value
        if name in self.shown:
            self.rows.replace(self.shown.index(name), self._row(name))
        self.post_message(self.Changed(self))

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_change(self, by: int) -> None:
        row = self.rows.current
        if row is None:
            return
        if self.allowed:
            keys = [option.key for option in self.allowed]
            at = keys.index(self.values[row.key]) if self.values[row.key] in keys else -1
            self._set(row.key, keys[(at + by) % len(keys)])
        elif by > 0:
            field = self.query_one("#edit", Input)
            field.add_class("open")
            field.value = _spelled(self.values[row.key])
            field.focus()

    def action_undo(self) -> None:
        if (row := self.rows.current) is not None:
            self._set(row.key, self.start[row.key])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "search" or len(self.start) > SEARCHED

    def action_search(self) -> None:
        self.query_one("#search", Input).focus()

    @on(Input.Changed, "#search")
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        words = event.value.casefold().split()
        self.shown = [name for name in self.start if all(w in name.casefold() for w in words)]
        self.rows.show(self._columns(), [self._row(name) for name in self.shown], 0)

    @on(Input.Submitted, "#search")
    def _search_done(self, event: Input.Submitted) -> None:
        event.stop()
        self.rows.focus()

    @on(Input.Submitted, "#edit")
    def _edited(self, event: Input.Submitted) -> None:
        event.stop()
        row = self.rows.current
        if row is not None:
            try:
                value = _read(event.value, self.start[row.key])
            except InvalidAnswer as problem:
                self.notify(str(problem), severity="error", markup=False)
                return
            self._set(row.key, value)
        self._close_field()

    def _close_field(self) -> None:
        self.query_one("#edit").remove_class("open")
        self.rows.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and isinstance(self.screen.focused, Input):
            event.stop()
            self._close_field()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        if type(event) is Rows.Moved:
            self.post_message(self.Changed(self))

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.post_message(self.Submitted(self))

    @on(Rows.Toggled)
    def _toggled(self, event: Rows.Toggled) -> None:
        event.stop()
        self.action_change(1)


def _spelled(value: Json) -> str:
    """A value as one types it: a text plain, anything else as JSON; nothing for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(text: str, like: Json) -> Json:
    """The typed value, of the kind that stood there before.  Raises InvalidAnswer."""
    if isinstance(like, str):
        return text.encode().decode("unicode_escape") if text in (r"\t", r"\n") else text
    if not text.strip():
        return None
    if like is None:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    numeric = isinstance(like, int | float) and not isinstance(like, bool)
    fits = isinstance(value, int | float) and not isinstance(value, bool) if numeric else isinstance(value, type(like))
    if not fits:
        raise InvalidAnswer(f"“{literal(text)}” does not fit; such as {json.dumps(like)}.")
    return value
