"""What every form has in common: an answer, messages, keys that mean the same, and a draft that outlives the form.

A new form says what it shows (`compose`) and what stands in it (`raw`), and of the `when_…` below those that mean
something else than usual; it is named in `registry.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, TextArea

from engine.records import Json
from tui.widgets.lines import Lines
from tui.widgets.rows import Rows


class Form(Vertical):
    """One question's answer being made.

    Posts `Changed` at each change, `Looked` when only the cursor moved, and `Submitted` when enter is pressed.
    """

    @dataclass
    class Changed(Message):
        form: Form

    @dataclass
    class Looked(Message):
        """The answer stands as it was: nothing has to be read or judged again."""

        form: Form

    @dataclass
    class Submitted(Message):
        form: Form

    DEFAULT_CSS = """
    Form { height: auto; }
    Form .label { color: $text-muted; width: auto; padding: 0 1 0 0; }
    Form .line { height: 1; }
    """

    def raw(self) -> Json:
        """The answer as it stands; the question reads it, and may refuse it."""
        raise NotImplementedError

    def words(self, answer: Json) -> str:
        """An answer in the words that stand in the form; empty where those of its figures do."""
        return ""

    def note(self) -> str:
        """What is known of the answer under the cursor, in words."""
        return ""

    def draft(self) -> Json:
        """All that was typed or moved, so that it can be put back; what stands in the fields, unless said."""
        return [field.value for field in self.query(Input)]

    def restore(self, draft: Json) -> None:
        """Put a draft back."""
        kept = draft if isinstance(draft, list) else [draft]  # of one field it was once kept without the list
        for field, value in zip(self.query(Input), kept, strict=False):
            field.value = value

    def take_focus(self) -> None:
        """Put the keyboard where the answer begins."""
        self.query("Input, TextArea, Rows").first().focus()

    def leave_field(self) -> None:
        """Out of a field, so that letters are keys again."""
        rows = self.query(Rows)
        self.screen.set_focus(rows.first() if rows else None)

    @property
    def rows(self) -> Rows:
        return self.query_one(Rows)

    # -- what its parts say ----------------------------------------------------------------------------------------

    def when_moved(self) -> None:
        """The cursor stands on another row."""
        self.post_message(self.Looked(self))

    def when_chosen(self) -> None:
        """Enter on a row."""
        self.post_message(self.Submitted(self))

    def when_toggled(self, index: int) -> None:
        """Space on the row at the index."""

    def when_typed(self, field: Input | TextArea) -> None:
        """Other words stand in a field."""
        self.post_message(self.Changed(self))

    def when_sent(self, field: Input | TextArea) -> None:
        """Enter in a field."""
        self.post_message(self.Submitted(self))

    @on(Rows.Moved)
    def _rows_said(self, event: Rows.Moved) -> None:
        event.stop()
        if isinstance(event, Rows.Chosen):
            self.when_chosen()
        elif isinstance(event, Rows.Toggled):
            self.when_toggled(event.index)
        else:
            self.when_moved()

    @on(Input.Changed)
    def _field_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.when_typed(event.input)

    @on(TextArea.Changed)
    def _lines_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.when_typed(event.text_area)

    @on(Input.Submitted)
    def _field_sent(self, event: Input.Submitted) -> None:
        event.stop()
        self.when_sent(event.input)

    @on(Lines.Sent)
    def _lines_sent(self, event: Lines.Sent) -> None:
        event.stop()
        self.when_sent(event.lines)
