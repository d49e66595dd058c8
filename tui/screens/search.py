"""Words looked for in the whys, answers and comments of all sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from tui.literal import literal
from tui.screens.base import Dialog
from tui.widgets.field import Field
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows

if TYPE_CHECKING:
    from storage.search import Hit

TYPED = 0.15  # seconds after the last key until it is looked for
START, END = "\x02", "\x03"  # around the words found, see `storage.search`

PLACE = 30  # cells of a decision's name: what is said in it needs the rest of the line

COLUMNS = (Column("where"), Column("decision"), Column("words", flex=True))

HINT = "All words must occur; a part of a word at its beginning counts, a phrase stands in quotes."

ABOUT = """All words must occur, at their beginning; a phrase stands in quotes. The best places come first; enter opens
the journal there."""


class SearchScreen(Dialog["Hit | None"]):
    """Dismissed with the place to open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Open there", id="search.go"),
    ]
    DEFAULT_CSS = """
    SearchScreen > .box { width: 96%; height: 85%; }
    SearchScreen #none { height: auto; margin: 1 1 0 1; color: $text-muted; }
    SearchScreen #whole { height: auto; max-height: 4; margin: 1 0 0 0; }
    SearchScreen Rows { height: 1fr; max-height: 1fr; margin: 1 0 0 0; }
    """
    about = ABOUT

    def __init__(self) -> None:
        super().__init__()
        self.hits: list[Hit] = []
        self._typed: Timer | None = None

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = "search"
        with box:
            yield Field(placeholder="words in whys, answers and comments of all sessions")
            yield Static(HINT, markup=False, id="none")
            yield Rows((), ())
            yield Static("", markup=False, id="whole")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typing(self) -> None:
        if self._typed is not None:
            self._typed.stop()
        self._typed = self.set_timer(TYPED, self._look)

    @work(group="search", exclusive=True)
    async def _look(self) -> None:
        words = self.query_one(Input).value
        try:
            self.hits = await self.rungwise.clerk.do(lambda desk: desk.search(words))
        except Exception as problem:
            self.rungwise.say_problem(problem)
            return
        none = self.query_one("#none", Static)
        none.display = not self.hits
        none.update("No why, answer or comment has all of these words." if words.strip() else HINT)
        self.query_one(Rows).show(COLUMNS if self.hits else (), [_row(hit, words) for hit in self.hits], 0)
        box = self.query_one(".box", Vertical)
        self._tell_whole()
        found = len(self.hits)
        box.border_title = f"search: {found} place{'s' * (found != 1)}" if words.strip() else "search"
        self.refresh_bindings()

    @on(Input.Submitted)
    def _sent(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(Rows).focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "down" and self.query_one(Input).has_focus:
            event.stop()
            self.query_one(Rows).focus()

    @on(Rows.Moved)
    def _tell_whole(self) -> None:
        """All that is known of the place under the cursor, which the line has no room for."""
        row = self.query_one(Rows).current
        told = Content("")
        if row is not None:
            hit: Hit = row.key
            told = Content.assemble((f"{literal(hit.place)}  " if hit.seq else "", "$text-muted"), _found(hit))
        self.query_one("#whole", Static).update(told)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.hits) if action == "go" else True

    @on(Rows.Chosen)
    def action_go(self) -> None:
        if self.hits:
            self.dismiss(self.hits[self.query_one(Rows).cursor])


def _row(hit: Hit, words: str) -> Row:
    from storage.search import marked

    branch = f" · {literal(hit.branch)}" if hit.branch and hit.branch != "main" else ""
    place: Content | str = "the whole session"
    if hit.seq:
        place = (Content(f"{hit.seq} ") + _shown(marked(hit.place, words))).truncate(PLACE, ellipsis=True)
    return Row((literal(hit.session) + branch, place, _found(hit)), key=hit)


def _found(hit: Hit) -> Content:
    """The text, with what was found standing out."""
    said = Content.styled(f"{literal(hit.author)}: ", "$text-muted") if hit.what == "comment" else Content("")
    return said + _shown(hit.text)


def _shown(text: str) -> Content:
    """What stands between the signs of what was found, in another colour and underlined."""
    parts: list[Content] = []
    for i, piece in enumerate(text.split(START)):
        found, _, rest = piece.partition(END) if i else ("", "", piece)
        parts += [Content.styled(literal(found), "bold underline $accent"), Content(literal(rest))]
    return Content("").join(parts)
