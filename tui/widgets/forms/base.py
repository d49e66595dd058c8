"""What every form has in common: an answer, messages, and a draft that outlives the form."""

from __future__ import annotations

from dataclasses import dataclass

from textual.containers import Vertical
from textual.message import Message

from engine.records import Json


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

    def note(self) -> str:
        """What is known of the answer under the cursor, in words."""
        return ""

    def draft(self) -> Json:
        """All that was typed or moved, so that it can be put back."""
        return self.raw()

    def restore(self, draft: Json) -> None:
        """Put a draft back."""

    def take_focus(self) -> None:
        """Put the keyboard where the answer begins."""
        self.query("Input, TextArea, Rows").first().focus()
