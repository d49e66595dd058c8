"""A sentence, or a number with its unit."""

from __future__ import annotations

import math
import re

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.records import Json
from tui.figures import number
from tui.literal import literal
from tui.widgets.field import Field
from tui.widgets.forms.base import Form
from tui.widgets.lines import Lines

TWO_WAYS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 2,000 is 2000 as the screen writes it, 2.000 in much of the world


class TextForm(Form):
    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.start = ask.recommended if isinstance(ask.recommended, str) else ""

    def compose(self) -> ComposeResult:
        yield Lines(self.start, placeholder="write here; enter records, ctrl+j makes a new line", id="text")

    def raw(self) -> Json:
        return self.query_one("#text", Lines).text

    def draft(self) -> Json:
        return self.raw()

    def restore(self, draft: Json) -> None:
        self.query_one("#text", Lines).text = draft


class NumberForm(Form):
    def __init__(self, ask: Ask) -> None:
        super().__init__()
        question = ask.question
        self.unit = question.unit
        value = ask.recommended if ask.recommended is not None else question.default
        self.value = value
        self.start = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        parts = []
        if math.isfinite(question.low) and math.isfinite(question.high):
            parts.append(f"{number(question.low)} to {number(question.high)}")
        elif math.isfinite(question.low):
            parts.append(f"at least {number(question.low)}")
        if question.default is None:
            parts.append("empty for none")
        self.range = ", ".join(parts)

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Field(self.start, id="number", placeholder="none", joined="; ")
            yield Static(literal(f" {self.unit}"), markup=False, id="unit")
            yield Static(f"  {self.range}", markup=False, classes="label")

    DEFAULT_CSS = """
    NumberForm #number { width: 20; }
    NumberForm #unit { width: auto; }
    """

    def raw(self) -> Json:
        if self.query_one("#number", Input).value == self.start:
            return self.value  # as it was offered, not as it was rounded for the eye
        text = self.query_one("#number", Input).value.strip().replace(" ", "").replace(" ", "")
        _refuse_two_ways(text)
        if "," in text and "." not in text:
            text = text.replace(",", ".")  # a decimal comma, as much of the world writes it
        return text or None


def as_number(text: str, what: str) -> float | int:
    """The number that was typed.  Raises InvalidAnswer naming the field."""
    _refuse_two_ways(text.strip())
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        raise InvalidAnswer(f"{what}: “{literal(text)}” is no number.") from None
    if not math.isfinite(value):
        raise InvalidAnswer(f"{what}: give a finite number.")
    return int(value) if value.is_integer() else value


def _refuse_two_ways(text: str) -> None:
    """Raises InvalidAnswer for a figure that half of the world would read otherwise: it is asked about, not guessed."""
    if TWO_WAYS.fullmatch(text):
        ways = f"{text.replace(',', '')} or {text.replace(',', '.')}"
        raise InvalidAnswer(f"{text} can be read in two ways; type {ways}.")
