"""Text from files and people, made safe to show: nothing in it is interpreted, nothing in it is hidden.

Markup stays text because it is put into `Content` and never parsed; control characters become visible signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from engine.words import literal

__all__ = ["brief", "cut", "literal", "literal_lines"]

T = TypeVar("T")

LONG = 10_000  # characters of one text that a screen shows
MANY = 1_000  # items of a list


def literal_lines(text: object) -> str:
    """Like `literal`, but line ends stay line ends: for what a person wrote on several lines."""
    return "\n".join(literal(line) for line in str(text).split("\n"))


def cut(text: str, most: int = LONG) -> str:
    """The beginning of a gigantic text, saying how much there is: wrapping all of it would hold up every key."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters in all)"


def brief(thing: T, most: int = LONG) -> T:
    """A decision, or anything that is made of texts, with no text and no list that is too long to be shown."""
    return _brief(thing, most)


def _brief(thing: Any, most: int) -> Any:
    if isinstance(thing, str):
        return cut(thing, most)
    if isinstance(thing, list | tuple):
        return type(thing)(_brief(item, most) for item in thing[:MANY])
    if isinstance(thing, Mapping):
        return {cut(str(key), 200): _brief(value, most) for key, value in list(thing.items())[:MANY]}
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{f.name: _brief(getattr(thing, f.name), most) for f in fields(thing)})
    return thing
