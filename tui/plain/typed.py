"""What a typed line means as an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.questions import Form
from engine.records import Json, Option
from tui.figures import number
from tui.literal import literal
from tui.plan import value_of

HOW = {
    Form.CHOICE: "Type the number or the name of an option.",
    Form.CHOICES: "Type numbers or names with commas between them, or none.",
    Form.TEXT: "Type a sentence.",
    Form.TABLE: "Type name = value; several with semicolons between them. What is not named stays as it is shown.",
    Form.COSTS: "Type unknown, equal, or costs such as false_positive = 1; false_negative = 5.",
    Form.RULES: "Type SQL condition => answer; several with semicolons between them, the last otherwise => answer.",
}


def how(ask: Ask) -> str:
    """How this question is answered, with what a number must be."""
    q = ask.question
    if q.form is not Form.NUMBER:
        return HOW[q.form]
    unit = f" of {literal(q.unit)}" if q.unit else ""
    low, high = (number(end) if math.isfinite(end) else "" for end in (q.low, q.high))
    span = (
        f", from {low} to {high}" if low and high else f", at least {low}" if low else f", at most {high}" * bool(high)
    )
    return f"Type a number{unit}{span}{', or none' * (q.default is None)}."


def typed(ask: Ask, line: str) -> Json:
    """A line as the answer that it stands for, to be read by `Ask.accept`.  Raises InvalidAnswer."""
    offered = ask.offered
    match ask.question.form:
        case Form.CHOICE:
            return _picked(line, offered)
        case Form.CHOICES:
            if line.casefold() == "none":
                return []
            return [_picked(part.strip(), offered) for part in line.split(",") if part.strip()]
        case Form.TABLE:
            named = dict(_pairs(ask.question.id, line, "="))
            unknown = [name for name in named if ask.recommended and name not in ask.recommended]
            return {**(ask.recommended or {}), **named} if not unknown else named
        case Form.COSTS if "=" in line:
            return dict(_pairs(ask.question.id, line, "="))
        case Form.RULES if "=>" in line:
            rules = _pairs(ask.question.id, line, "=>")
            return [
                {"otherwise": then} if when.casefold() == "otherwise" else {"when": when, "then": then}
                for when, then in rules
            ]
        case Form.NUMBER:
            return line.replace(",", ".") if line.count(",") == 1 and "." not in line else line
        case _:
            return line


def _picked(text: str, offered: Sequence[Option]) -> Json:
    """An option by its key, its words, or its number in the list; a key that is a number goes first."""
    for of in ("key", "text"):
        found = [o.key for o in offered if str(getattr(o, of)).casefold() == text.casefold()]
        if len(found) == 1:
            return found[0]
    if text.isdecimal() and 1 <= int(text) <= len(offered):
        return offered[int(text) - 1].key
    return text


def _pairs(question: str, line: str, sign: str) -> list[tuple[str, Json]]:
    pairs = []
    for part in filter(None, (part.strip() for part in line.split(";"))):
        name, found, value = part.partition(sign)
        if not found or not name.strip():
            raise InvalidAnswer(f"{question}: each part is written name {sign} value; {literal(part)[:60]!r} is not.")
        pairs.append((name.strip(), value_of(value.strip())))
    return pairs
