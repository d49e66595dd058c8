"""What a typed line means as an answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.questions import Form
from engine.records import Json, Option
from tui.literal import literal
from tui.plain.spoken import UNITS, figure_words, unit_words
from tui.plan import value_of

HOW = {
    Form.CHOICE: "Type the number or the name of an option.",
    Form.CHOICES: "Type numbers or names with commas between them, or none.",
    Form.TEXT: "Type a sentence, or :lines to write several lines.",
    Form.TABLE: "Type name = value; several with semicolons between them. What is not named stays as it was read out.",
    Form.COSTS: "Type unknown, equal, or costs such as {such}.",
    Form.RULES: "Type SQL condition => answer; several with semicolons between them, the last otherwise => answer.",
}
FREE = "Type name = value; several with semicolons between them, or none."
MISTAKES = "false_positive = 1; false_negative = 5"
NUMBERS = "under = 1; over = 5"


def how(ask: Ask, task: str = "") -> str:
    """How this question is answered, with what a number must be.  task: of the session, as far as it is known."""
    q = ask.question
    match q.form:
        case Form.NUMBER:
            return _how_number(ask)
        case Form.TABLE if not ask.recommended:
            return FREE
        case Form.TEXT if q.default:
            return f"{HOW[q.form][:-1]}, or {literal(q.default)}."
        case Form.COSTS:
            return HOW[q.form].format(such=_such_costs(ask, task))
        case Form.CHOICE if q.other:
            return "Type the number or the name of an option, or an answer of your own."
    return HOW[q.form]


def _how_number(ask: Ask) -> str:
    q = ask.question
    unit = f" ({unit_words(q.unit)})" if q.unit else ""
    low, high = (figure_words(end) if math.isfinite(end) else "" for end in (q.low, q.high))
    span = (
        f", from {low} to {high}" if low and high else f", at least {low}" if low else f", at most {high}" * bool(high)
    )
    return f"Type a number{unit}{span}{', or none' * (q.default is None)}."


def _such_costs(ask: Ask, task: str) -> str:
    """An example that fits what is predicted: the two mistakes, the two sides, or one class taken for another."""
    classes = [literal(label) for label in ask.facts.get("classes") or ()]
    if len(classes) > 2:
        return f"{classes[0]}.{classes[1]} = 5; otherwise = 1, which is for “{classes[0]}” taken for “{classes[1]}”"
    return NUMBERS if task in ("regression", "forecast") else MISTAKES


def typed(ask: Ask, line: str) -> Json:
    """A line as the answer that it stands for, to be read by `Ask.accept`.  Raises InvalidAnswer."""
    offered = ask.offered
    if ask.question.form is not Form.TEXT:
        line = " ".join(line.split("\n"))
    match ask.question.form:
        case Form.CHOICE:
            return _picked(line, offered)
        case Form.CHOICES:
            if line.casefold() == "none":
                return []
            whole = _picked(line, offered)  # a name may hold a comma
            if whole in [o.key for o in offered]:
                return [whole]
            return [_picked(part.strip(), offered) for part in line.split(",") if part.strip()]
        case Form.TABLE:
            return _table(ask, line)
        case Form.COSTS if "=" in line:
            return dict(_pairs(ask.question.id, line, "="))
        case Form.RULES if "=>" in line:
            rules = _pairs(ask.question.id, line, "=>")
            return [
                {"otherwise": then} if when.casefold() == "otherwise" else {"when": when, "then": then}
                for when, then in rules
            ]
        case Form.NUMBER:
            return _number(line, ask.question.unit)
        case _:
            return line


def _number(line: str, unit: str) -> str:
    """A number without its unit and the signs between thousands; a decimal comma as a point.  Raises InvalidAnswer."""
    words = sorted(filter(None, (unit, UNITS.get(unit, ""))), key=len, reverse=True)
    bare = next((line[: -len(w)].rstrip() for w in words if line.casefold().endswith(w.casefold())), line)
    if re.fullmatch(r"[+-]?[1-9]\d{0,2}([ ,\u202f\u2009\xa0]\d{3})+(\.\d+)?", bare):
        together = re.sub(r"[ \u202f\u2009\xa0]", "", bare)
        if together.count(",") == 1 and "." not in together:
            ways = f"{together.replace(',', '')} or {together.replace(',', '.')}"
            raise InvalidAnswer(f"{literal(together)} can be read in two ways; type {ways}.")
        return together.replace(",", "")
    return bare.replace(",", ".") if bare.count(",") == 1 and "." not in bare else bare


def _table(ask: Ask, line: str) -> Json:
    if line.casefold() == "none" and not ask.recommended:
        return {}
    by_words = {o.text.casefold(): o.key for o in ask.question.options}
    named = {
        name: by_words.get(value.casefold(), value) if isinstance(value, str) else value
        for name, value in _pairs(ask.question.id, line, "=")
    }
    known = {str(name).casefold(): name for name in ask.recommended or {}}
    named = {known.get(name.casefold(), name): value for name, value in named.items()}
    stood = ask.recommended or {}
    for name, value in named.items():
        if name in stood and str(value).casefold() == "none" and "none" not in by_words:
            named[name] = type(stood[name])() if isinstance(stood[name], str | list | dict) else None
    unknown = [name for name in named if ask.recommended and name not in ask.recommended]
    return {**(ask.recommended or {}), **named} if not unknown else named


def _picked(text: str, offered: Sequence[Option]) -> Json:
    """An option by its key, its words, or its number in the list; a key that is a number goes first."""
    for of in ("key", "text"):
        found = [o.key for o in offered if str(getattr(o, of)).casefold() == text.casefold()]
        if len(found) == 1:
            return found[0]
    if text.isdecimal() and 1 <= int(text) <= len(offered):
        return offered[int(text) - 1].key
    begun = [o.key for o in offered if len(text) > 2 and o.text.casefold().startswith(text.casefold())]
    return begun[0] if len(begun) == 1 else text


def _pairs(question: str, line: str, sign: str) -> list[tuple[str, Json]]:
    pairs = []
    for part in filter(None, (part.strip() for part in line.split(";"))):
        name, found, value = part.partition(sign)
        if not found or not name.strip() or not value.strip():
            raise InvalidAnswer(f"{question}: each part is written name {sign} value; {literal(part)[:60]!r} is not.")
        pairs.append((name.strip(), value_of(value.strip())))
    return pairs
