"""The keys that work now, on one line that never grows: what does not fit is left to `?`, which always fits."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

HELP = "help"  # the action whose key is never cut off


class KeyLine(Widget):
    """The bottom line.  Repaints only when its text changes; a click presses the key."""

    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; background: $panel; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._content = Content("")
        self._places: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen) -> None:
        if self.is_attached and screen is self.screen:
            self.renew()

    def on_resize(self) -> None:
        self.renew()

    def renew(self) -> None:
        content = self._build(self.size.width)
        if content.plain != self._content.plain:
            self._content = content
            self.refresh()

    def _build(self, width: int) -> Content:
        seen: set[str] = set()
        items: list[tuple[str, str, str]] = []
        last: tuple[str, str, str] | None = None
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.show or not active.enabled or binding.action in seen or not binding.description:
                continue
            seen.add(binding.action)
            item = (self.app.get_key_display(binding), binding.description, binding.key)
            if binding.action.endswith(HELP):
                last = item
            elif "enter" in binding.key:  # the main action stands first, always in the same place
                items.insert(0, item)
            else:
                items.append(item)
        room = width - (_width(last) + 1 if last else 0)
        parts: list[Content] = []
        self._places = []
        used = 1
        for item in items:
            if used + _width(item) > room:
                continue
            self._places.append((used, used + _width(item), item[2]))
            parts.append(_drawn(item))
            used += _width(item)
        line = Content(" ") + Content("").join(parts)
        if last:
            self._places.append((width - _width(last), width, last[2]))
            line = line.pad_right(max(0, width - line.cell_length - _width(last))) + _drawn(last)
        return line

    def render(self) -> Content:
        return self._content

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._places:
            if start <= event.x < end:
                self.app.simulate_key(key)
                return


def _width(item: tuple[str, str, str]) -> int:
    return Content(item[0]).cell_length + len(item[1]) + 3


def _drawn(item: tuple[str, str, str]) -> Content:
    return Content.assemble((item[0], "bold $primary"), (f" {item[1]}  ", ""))
