"""HTML as values: text is escaped wherever it is put in, so that nothing from data, files or people becomes markup."""

from __future__ import annotations

from html import escape

from engine.words import literal

VOID = frozenset(("meta", "img", "line", "circle", "rect", "path", "polyline", "br", "hr"))


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Any value as text on one line; what is markup already stays."""
    return value if isinstance(value, Html) else Html(escape(literal(value)))


def el(name: str, /, *inside: object, **attributes: object) -> Html:
    """An element.  inside: text is escaped, None left out.  attributes: `_` stands for `-`, a trailing one is dropped;
    None leaves one out, True gives it no value."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(literal(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Html(f"<{name}{said}/>")
    return Html(f"<{name}{said}>{''.join(text(part) for part in inside if part is not None)}</{name}>")


def joined(*parts: object) -> Html:
    return Html("".join(text(part) for part in parts if part is not None))
