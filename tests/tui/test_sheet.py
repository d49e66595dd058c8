"""Words on a pane: what is painted of a change is all that has changed."""

import pytest
from rich.console import Console
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.content import Content
from textual.screen import Screen

from tui.thrift import Shown
from tui.widgets.sheet import Sheet

CONSOLE = Console(color_system="256", force_terminal=True, _environ={})
TEXTS = {"long": "\n".join(f"line {n}" for n in range(40)), "short": "one line", "other": "another line\nand one more"}


class Pane(App[None]):
    """A pane whose frame says at its foot how much stands below, as the journal's."""

    CSS = "Sheet { border: round $border; border-subtitle-color: $text-muted; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.shown = Shown()

    def compose(self) -> ComposeResult:
        yield Sheet()

    def _display(self, screen: Screen[object], renderable: object) -> None:
        if isinstance(renderable, LayoutUpdate | ChopsUpdate):
            self.shown.sent(renderable, CONSOLE)  # the terminal shows it from here on
        super()._display(screen, renderable)


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
async def test_nothing_of_what_stood_before_is_left_on_the_terminal(size: tuple[int, int]) -> None:
    app = Pane()
    async with app.run_test(size=size) as pilot:
        sheet = app.query_one(Sheet)
        for name in ("long", "short", "other", "long", "other", "short", "long"):
            sheet.show(lambda width, name=name: Content(TEXTS[name]))
            await pilot.pause()
            await pilot.press("down") if name == "long" else None
            await pilot.pause()
            whole = app.screen._compositor.render_update(full=True)
            assert whole is not None
            assert app.shown.sent(whole, CONSOLE) == "", f"something was not painted when “{name}” came"
