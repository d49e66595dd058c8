"""A table of names and values: each value is cycled through its options, or typed; where names are free, added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, TextArea

from engine.effects import Ask
from engine.errors import InvalidAnswer, RungwiseError
from engine.records import Json
from tui.figures import choice
from tui.literal import literal
from tui.widgets.field import Field
from tui.widgets.forms.listed import SEARCH, UNDO, ListForm
from tui.widgets.rows import Column, Row, Rows

NONE = "none"


class Adding(Field):
    """The line that takes `name = value`; of a paste each line is one."""

    @dataclass
    class Several(Message):
        lines: Sequence[str]

    def take_pasted(self, lines: Sequence[str]) -> None:
        if len(lines) == 1:
            super().take_pasted(lines)
        else:
            self.post_message(self.Several([self.value + lines[0], *lines[1:]]))
            self.value = ""


class TableForm(ListForm):
    """`←`/`→` or space change the value under the cursor; where values are free, `space` opens a field for it.

    Where the names are free too, such as those of computed columns, a last line takes `name = value`, checked as it is
    typed; enter puts it into the table, enter on the empty line records.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "change(1)", "Change", key_display="←→", id="table.next"),
        Binding("left", "change(-1)", "Change back", show=False, id="table.previous"),
        Binding("backspace", "as_found", "As found", show=False, id="table.as_found"),
        Binding("a", "add", "Add", id="table.add", tooltip="Write a line of your own: name = value"),
        Binding("delete,minus", "remove", "Remove", key_display="-", id="table.remove"),
        UNDO,
        SEARCH,
    ]
    DEFAULT_CSS = """
    TableForm #edit { display: none; }
    TableForm #edit.open { display: block; }
    """

    def __init__(self, ask: Ask) -> None:
        super().__init__(len(ask.recommended or {}), "names")
        self.ask = ask
        self.start: dict[str, Json] = dict(ask.recommended or {})
        self.values: dict[str, Json] = dict(self.start)
        self.allowed = ask.question.options
        self.notes = {str(option.key): option.note for option in ask.options}
        self.shown = list(self.start)
        self.free = ask.question.default == {} and not self.allowed

    def compose(self) -> ComposeResult:
        yield from self.search_line()
        yield Rows(self._columns(), [self._row(name) for name in self.shown], id="table")
        with Vertical(classes="beneath"):
            yield Field(id="edit")
            if self.free:
                yield Adding(placeholder="add one:  name = what it is   (enter adds it, enter again records)", id="add")

    def _columns(self) -> list[Column]:
        return [Column("name", flex=True), Column("value", flex=True), *([Column("", flex=True)] if self.notes else [])]

    def _row(self, name: str) -> Row:
        value = self.values[name]
        label = next((o.text for o in self.allowed if o.key == value), None) or _told(value)
        added = name not in self.start
        changed = added or value != self.start[name]
        quiet = "$text-muted" if label == NONE else ""
        text = Content.styled(literal(label), "bold $accent" if changed else quiet)
        note = [Content.styled(literal(self.notes.get(name, "")), "$text-muted")] if self.notes else []
        return Row((literal(name), text, *note), mark="+" if added else "≠" if changed else "", key=name)

    def raw(self) -> Json:
        """What stands in the table, and in the line that is being typed, so that it is checked meanwhile."""
        values = dict(self.values)
        for name, text in self._editing.items():
            values[name] = _read(text, self.values[name])
        if self._adding.strip():
            name, value = _pair(self._adding)
            values[name] = value
        return values

    @property
    def _adding(self) -> str:
        return self.query_one("#add", Input).value if self.free else ""

    @property
    def _editing(self) -> dict[str, str]:
        """The name whose value is being typed, with what is typed; nothing while the field is closed."""
        edit, row = self.query_one("#edit", Input), self.rows.current
        return {row.key: edit.value} if edit.has_class("open") and row is not None else {}

    def draft(self) -> Json:
        return {"values": dict(self.values), "adding": self._adding, "editing": dict(self._editing)}

    def note(self) -> str:
        """What was found instead of what stands there, and whatever of the line does not fit it."""
        row = self.rows.current
        if row is None:
            return ""
        if row.key not in self.start or self.values[row.key] == self.start[row.key]:
            return " — ".join(str(cell) for _, cell in self.rows.cut_cells())
        return f"“{literal(row.key)}” was found to be {choice(self.start[row.key])}; backspace puts it back"

    def restore(self, draft: Json) -> None:
        kept = draft["values"] if isinstance(draft.get("values"), dict) else draft
        self.values = dict(kept) if self.free else {name: kept.get(name, value) for name, value in self.start.items()}
        if self.free:
            self.query_one("#add", Input).value = str(draft.get("adding", ""))
        self._renew()
        for name, text in draft.get("editing", {}).items() if kept is not draft else ():
            if name in self.shown:
                self.rows.move_to(self.shown.index(name))
                self._open(text)

    def take_focus(self) -> None:
        if self._editing:
            self.query_one("#edit").focus()
        elif self.values:
            self.rows.focus()
        else:
            self.action_add()

    def stands(self) -> dict[str, Json]:
        return dict(self.values)

    def put_back(self, stood: dict[str, Json]) -> None:
        self.values = stood

    def draw_rows(self, searched: bool = False) -> None:
        self._renew(0 if searched else None)

    def _renew(self, cursor: int | None = None) -> None:
        self.shown = [name for name in self.values if self.finds(name)]
        self.rows.show(self._columns(), [self._row(name) for name in self.shown], cursor)

    def _set(self, name: str, value: Json) -> None:
        self.remember()
        self.values[name] = value
        if name in self.shown:
            self.rows.replace(self.shown.index(name), self._row(name))
        else:
            self._renew(len(self.values) - 1)
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
            self._open(_spelled(self.values[row.key]))

    def _open(self, text: str) -> None:
        field = self.query_one("#edit", Input)
        field.add_class("open")
        field.value = text
        field.focus()

    def action_as_found(self) -> None:
        if (row := self.rows.current) is not None and row.key in self.start:
            self._set(row.key, self.start[row.key])

    def action_add(self) -> None:
        if self.free:
            self.query_one("#add", Input).focus()

    def action_remove(self) -> None:
        if (row := self.rows.current) is not None:
            self.remember()
            del self.values[row.key]
            self._renew()
            self.post_message(self.Changed(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("add", "remove"):
            return self.free and (action == "add" or bool(self.values))
        if action == "change":
            return bool(self.values)
        return super().check_action(action, parameters)

    # -- what its parts say ----------------------------------------------------------------------------------------

    def when_toggled(self, index: int) -> None:
        self.action_change(1)

    def when_sent(self, field: Input | TextArea) -> None:
        if field.id == "edit":
            self._edited()
        elif field.id == "add" and self._adding.strip():
            self._added()
        else:
            super().when_sent(field)

    def _added(self) -> None:
        try:
            name, value = _pair(self._adding)
        except InvalidAnswer:
            return  # the line above says what is missing
        if self._reads(self.values) and not self._reads({**self.values, name: value}):
            return  # it says so too; here it can be mended
        with self.prevent(Input.Changed):
            self.query_one("#add", Input).value = ""
        self._set(name, value)

    def _reads(self, values: dict[str, Json]) -> bool:
        try:
            self.ask.accept(values)
        except RungwiseError:
            return False
        return True

    @on(Adding.Several)
    def _several(self, event: Adding.Several) -> None:
        """Lines that can be read go into the table; the others stay in the field, where it is said what is missing."""
        event.stop()
        self.remember()
        left: list[str] = []
        for line in event.lines:
            try:
                name, value = _pair(line)
            except InvalidAnswer:
                left.append(line)
            else:
                self.values[name] = value
        self.query_one("#add", Input).value = " ".join(left)
        self._renew()
        self.post_message(self.Changed(self))

    def _edited(self) -> None:
        row = self.rows.current
        if row is not None:
            try:
                value = _read(self.query_one("#edit", Input).value, self.values[row.key])
            except InvalidAnswer:
                return  # the line above says what does not fit
            self.query_one("#edit").remove_class("open")
            self._set(row.key, value)
        self.leave_field()

    def leave_field(self) -> None:
        """Also by esc, which keeps what stood in the table."""
        self.query_one("#edit").remove_class("open")
        super().leave_field()


def _pair(text: str) -> tuple[str, Json]:
    """`name = value` taken apart.  Raises InvalidAnswer."""
    name, sign, value = text.partition("=")
    if not (sign and name.strip() and value.strip()):
        raise InvalidAnswer("Write a name, an equals sign and what it is, such as: per_month = total / months.")
    return name.strip(), value.strip()


def _spelled(value: Json) -> str:
    """A value as one types it: a text plain, anything else as JSON; nothing for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _told(value: Json) -> str:
    """A value as it stands in the list: nothing is said to be none."""
    return NONE if value in (None, "", {}, []) else _spelled(value)


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
