"""The journal: every decision in order, and everything that stood when the one under the cursor was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.scalar import Scalar
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from engine.errors import RungwiseError, UsageProblem
from engine.records import Decision
from engine.review.past import Past
from engine.words import short
from tui.desk import Moment, Opened
from tui.figures import from_to, in_words
from tui.ladder import ASCII, UNICODE, drawn
from tui.literal import brief, cut, literal
from tui.screens.moment import details, difference, in_force
from tui.screens.reading import Reading
from tui.sift import HINT, Sift, read_sift
from tui.widgets.field import Field
from tui.widgets.headline import HeadLine
from tui.widgets.keyline import KeyLine
from tui.widgets.late import LateRows
from tui.widgets.rows import Column, Row, Rows
from tui.widgets.sheet import Sheet
from tui.widgets.where import marks_of

if TYPE_CHECKING:
    from tui.app import RungwiseApp

STEP = 0.7  # seconds a decision stands while playing
BESIDE, AHEAD = 3, 8  # decisions on either side that are to be read already; as far it is read on where they are not
TYPED = 0.12  # seconds after the last key until the filter is applied

COLUMNS = (Column("", right=True), Column("question", flex=True), Column("answer", flex=True),
           Column("check", right=True), Column("by"))  # fmt: skip
BY = {"person": "you", "plan": "plan", "engine": "guide"}

ABOUT = """Every decision in the order in which it was taken. Moving the cursor moves through time: the ladder and the
details show what was known then. Nothing here changes the session. f starts a branch at the decision; d marks a moment,
and d at another shows what changed between the two; / takes words, stage:simple, by:person, verdict:unclear, flag:M04
or against:yes."""


@dataclass(frozen=True)
class Leave:
    """What the person wants done: fork at a decision, or go on with another branch; neither where nothing."""

    fork: Decision | None = None
    branch: str = ""


class JournalScreen(Screen[Leave]):
    """Dismissed with what is to be done.  at: number of the decision to begin at, 0 for the last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left",
            "scrub(-1)",
            "Scrub",
            key_display="←→",
            id="journal.earlier",
            tooltip="One decision earlier, or later",
        ),
        Binding("right", "scrub(1)", "Later", show=False, id="journal.later", tooltip="One decision later"),
        Binding("p", "play", "Play", id="journal.play", tooltip="Play the decisions one after another, or stop"),
        Binding("slash", "sift", "Filter", key_display="/", id="journal.filter", tooltip="By stage, author, words, …"),
        Binding("d", "mark", "Diff", id="journal.diff", tooltip="Mark this moment; at another, what changed since"),
        Binding("t", "then", "Then", id="journal.then", tooltip="All answers that stood then, or the decision again"),
        Binding("f", "fork", "Fork", id="journal.fork", tooltip="Start a branch at this decision"),
        Binding("R", "again", "Rerun", id="journal.again", tooltip="Compute again what was measured from here on"),
        Binding("b", "branches", "Branches", id="journal.branches", tooltip="Name, compare, switch or abandon one"),
        Binding("v", "review", "Review", id="journal.review", tooltip="What a mentor would ask, and the comments"),
        Binding("tab", "app.focus_next", "Details", show=False, id="journal.details"),
        Binding("escape,j", "leave", "Close", key_display="esc", id="journal.close"),
    ]
    DEFAULT_CSS = """
    JournalScreen { overflow: hidden; }
    JournalScreen #sift { display: none; }
    JournalScreen #sift.open { display: block; }
    JournalScreen #body { height: 1fr; }
    JournalScreen #line { width: 62%; height: 1fr; border: round $line; border-title-color: $text-muted;
        border-subtitle-color: $warning; padding: 0 0 0 1; }
    JournalScreen #line Rows { height: 1fr; max-height: 1fr; }
    JournalScreen #right { width: 38%; }
    JournalScreen #ladder { height: auto; max-height: 10; border: round $line; border-title-color: $text-muted;
        padding: 0 1; }
    JournalScreen #detail { height: 1fr; border: round $line; border-title-color: $text-muted;
        border-subtitle-color: $text-muted; padding: 0 1; }
    JournalScreen #detail:focus, JournalScreen #line:focus-within { border: round $primary; }
    JournalScreen.narrow #body { layout: vertical; }
    JournalScreen.narrow #line { width: 100%; height: 50%; }
    JournalScreen.narrow #right { width: 100%; height: 50%; }
    JournalScreen.narrow #ladder { display: none; }
    """
    AUTO_FOCUS = "#decisions"
    about = ABOUT

    def __init__(self, opened: Opened, data: str, at: int = 0) -> None:
        super().__init__()
        self.opened = opened
        self.data = data
        self.decisions: Sequence[Decision] = opened.decisions()
        self.past = Past(self.decisions)
        self.shown: Sequence[int] = range(len(self.decisions))  # places of those that are listed
        self.marked: int | None = None
        self._stood: int | None = None  # the decision under the cursor when the filter was taken up
        self.then = False  # whether the answers then are shown, and not the decision
        self._begin = at
        self._moments: dict[int, Moment] = {}
        self._bare: dict[str, Moment] = {}  # by environment, what is kept beside a decision that cites nothing
        self._flags: Mapping[int, frozenset[str]] | None = None
        self._drawn_ladder: object = None
        self._timer: Timer | None = None
        self._told_at: int | None = -1  # place of the decision that the details are about
        self._wanted = -1  # place of the decision whose evidence is looked for
        self._typed: Timer | None = None

    @property
    def rungwise(self) -> RungwiseApp:
        return cast("RungwiseApp", self.app)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield HeadLine()
        yield Field(placeholder=HINT, id="sift")
        with Horizontal(id="body"):
            with Vertical(id="line"):
                yield Rows(COLUMNS, LateRows(self.shown, self._row), id="decisions")
            with Vertical(id="right"):
                ladder = Static("", markup=False, id="ladder")
                ladder.border_title = "ladder then"
                yield ladder
                yield Sheet(id="detail")
        yield KeyLine()

    def on_mount(self) -> None:
        self._timer = self.set_interval(STEP, self._next, pause=True)
        branch = f"   branch {literal(self.opened.branch)}"
        self.query_one(HeadLine).left = Content.assemble(
            ("rungwise", "bold $primary"), (" ▸ ", "$text-muted"), (literal(self.opened.name), "bold"),
            f"   {literal(self.data)}", (branch, "$text-muted"),
        )  # fmt: skip
        self.query_one(HeadLine).right = Content.styled("journal, read only", "$text-muted")
        last = len(self.decisions) - 1
        self.rows.cursor = max(0, next((i for i, d in enumerate(self.decisions) if d.seq == self._begin), last))
        self.rows.at_once = self._moved
        self._title()
        self._show()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width < 100, "narrow")
        self._drawn_ladder = None
        self.call_after_refresh(self._show)

    @property
    def rows(self) -> Rows:
        return self.query_one("#decisions", Rows)

    @property
    def at(self) -> int | None:
        """Place of the decision under the cursor; None where none is listed."""
        cursor = self.rows.cursor
        return self.shown[cursor] if 0 <= cursor < len(self.shown) else None

    def _row(self, index: int) -> Row:
        at = self.shown[index]
        d = self.decisions[at]
        name, answer = short(d.name, 300), cut(in_words(d, brief(d.choice, 300)), 300)
        before = self.decisions[self.shown[index - 1]].stage if index else ""
        says = d.stage != before and not d.question.startswith(f"{d.stage}.")  # not twice
        where = Content.styled(f"{short(d.stage, 40)} ", "$text-muted") if says else Content("")
        mark = "◆" if at == self.marked else "▲" if d.flags else ""
        cells = (str(d.seq), where + Content(name), Content.styled(answer, "bold"), _figure(d),
                 BY.get(d.author, literal(d.author)))  # fmt: skip
        return Row(cells, mark=mark, dim=d.author == "engine", key=d.seq)

    def _list(self, cursor: int) -> None:
        """List what `shown` says, made anew."""
        self.rows.show(COLUMNS, LateRows(self.shown, self._row), max(0, cursor))
        self._title()
        self._show()
        self.refresh_bindings()

    def _title(self) -> None:
        some = f"{len(self.shown)} of " if len(self.shown) != len(self.decisions) else ""
        line = self.query_one("#line", Vertical)
        line.border_title = f"journal: {some}{len(self.decisions)} decisions"
        marked = self.decisions[self.marked].seq if self.marked is not None else 0
        line.border_subtitle = f"◆ {marked} is marked: d at another compares" if marked else ""

    def _show(self) -> None:
        detail, at = self.query_one("#detail", Sheet), self.at
        self._told_at = at
        title = "the answers then" if self.then else "what stood then"
        if detail.border_title != title:  # to set it repaints the whole pane
            detail.border_title = title
        if at is None:
            words = "Nothing was decided yet." if not self.decisions else "No decision fits the filter."
            detail.show(lambda width: Content(words))
            return
        self._ladder(at)
        d = self.decisions[at]
        if self.then:
            standing = self.past.in_force(at)
            detail.show(lambda width: in_force(standing, width))
            return
        moment = self._moment(at)
        detail.show(partial(_words, d, moment))
        if any(self._moment(place) is None for place in self._near(at, BESIDE)):
            self._look_closer(at)

    def _moment(self, at: int) -> Moment | None:
        """What is kept beside a decision, where it has been read."""
        d = self.decisions[at]
        return self._moments.get(at) or (None if d.evidence else self._bare.get(d.environment))

    def _near(self, at: int, reach: int) -> list[int]:
        """The place of a decision, and of those listed so far before and after it, the nearest first."""
        cursor, count = self.rows.cursor, len(self.shown)
        beside = (cursor + sign * n for n in range(1, reach + 1) for sign in (1, -1))
        return [at, *(self.shown[i] for i in beside if 0 <= i < count)]

    def _ladder(self, at: int) -> None:
        """Drawn only when it is another than before, in the room that it takes at the end: nothing else moves by it."""
        ladder = self.query_one("#ladder", Static)
        if not ladder.display or not ladder.content_size.width:  # before the first layout there is no width to draw to
            return
        rungs = self.past.rungs(at)
        if self._drawn_ladder == rungs:
            return
        self._drawn_ladder = rungs
        pens = ASCII if getattr(self.app, "ascii_only", False) else UNICODE
        marks = [replace(mark, label=short(mark.label, 60)) for _, mark in marks_of(rungs)]
        text = drawn(marks, ladder.content_size.width, pens) if marks else "no rung yet"
        room = 2 + max(1, len(self.past.rungs(len(self.decisions) - 1)))
        moved = ladder.styles.height != Scalar.from_number(room)
        ladder.styles.height = room
        ladder.update(text, layout=moved)

    @work(group="moment", exclusive=True)
    async def _look_closer(self, at: int) -> None:
        """Read what is kept beside a decision, and then beside those that the cursor may go to next, one at a time;
        unless it has gone on meanwhile."""
        self._wanted = at
        for place in self._near(at, AHEAD):
            if self._moment(place) is not None:
                continue
            d = self.decisions[place]
            try:
                moment = await self.rungwise.clerk.do(partial(self._read, at, d))
            except RungwiseError as problem:
                self.rungwise.say_problem(problem)
                return
            if moment is None:
                return
            self._moments[place] = moment
            self._bare.setdefault(d.environment, replace(moment, evidence=()))
            if not self.is_attached:  # it was closed meanwhile
                return
            if place == self.at and not self.then:
                self.query_one("#detail", Sheet).show(partial(_words, d, moment), stay=True)

    def _read(self, at: int, d: Decision, _: object) -> Moment | None:
        """In the clerk's thread: what is kept beside a decision, if the cursor still stands at `at`."""
        return self.opened.moment(d) if self._wanted == at else None

    # -- moving through time ---------------------------------------------------------------------------------------

    def _moved(self) -> None:
        """Show what stood there in the frame in which the cursor moves: a second one is waited for."""
        if self.at != self._told_at:
            self._show()

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        self.query_one("#detail").focus()

    def action_scrub(self, by: int) -> None:
        self.rows.move_to(self.rows.cursor + by)

    @property
    def playing(self) -> bool:
        return self._timer is not None and self._timer._active.is_set()

    def action_play(self) -> None:
        assert self._timer is not None
        if self.playing:
            self._timer.pause()
            return
        if self.rows.cursor >= len(self.shown) - 1:
            self.rows.move_to(0)
        self._timer.resume()

    def _next(self) -> None:
        if self.rows.cursor >= len(self.shown) - 1:
            cast(Timer, self._timer).pause()
        else:
            self.rows.move_to(self.rows.cursor + 1)

    def action_then(self) -> None:
        self.then = not self.then
        self._show()

    def action_mark(self) -> None:
        """Mark this moment, or show what changed between the one that is marked and this one."""
        at = self.at
        if at is None:
            return
        if self.marked is None or self.marked == at:
            self.marked = at if self.marked is None else None
            self._list(self.rows.cursor)
            return
        first, second = sorted((self.marked, at))
        found = self.past.between(first, second)
        words = difference(self.decisions[first], self.decisions[second], found)
        self.app.push_screen(Reading("what changed", words))

    # -- finding ---------------------------------------------------------------------------------------------------

    def action_sift(self) -> None:
        field = self.query_one("#sift", Input)
        self._stood = self.at
        field.add_class("open")
        field.focus()

    @on(Input.Changed, "#sift")
    def _typing(self) -> None:
        if self._typed is not None:
            self._typed.stop()
        self._typed = self.set_timer(TYPED, self._apply)

    @on(Input.Submitted, "#sift")
    def _typed_all(self, event: Input.Submitted) -> None:
        event.stop()
        self.rows.focus()

    def on_key(self, event: events.Key) -> None:
        field = self.query_one("#sift", Input)
        if event.key == "escape" and field.has_class("open"):
            event.stop()
            field.value = ""
            field.remove_class("open")
            self.rows.focus()
        elif event.key == "down" and field.has_focus:
            event.stop()
            self.rows.focus()

    @work(group="sift", exclusive=True)
    async def _apply(self) -> None:
        line = self.query_one("#line", Vertical)
        try:
            sift = read_sift(self.query_one("#sift", Input).value)
        except UsageProblem as problem:
            line.border_subtitle = literal(problem)
            return
        if sift.needs_review and self._flags is None:
            self._flags = await self._raised()
        self._sifted(sift)

    async def _raised(self) -> Mapping[int, frozenset[str]]:
        """The flags of the review, by decision; none where it cannot be made."""
        try:
            reviewed = await self.rungwise.clerk.do(lambda _: self.opened.review())
        except Exception as problem:
            self.rungwise.say_problem(problem)
            return {}
        found: dict[int, frozenset[str]] = {}
        for raised in reviewed.review.raised:
            found[raised.seq] = found.get(raised.seq, frozenset()) | {raised.flag.id}
        return found

    def _sifted(self, sift: Sift) -> None:
        # where one stood when the words were begun: half a word leads the cursor away, and typing slowly must not
        before = self._stood if self.query_one("#sift", Input).has_focus else self.at
        every: Sequence[int] = range(len(self.decisions))
        self.shown = every if sift.empty else sift.through(self.decisions, self._flags or {})
        # where the cursor stood, or on the last one before it that is still listed
        cursor = next((i for i in reversed(range(len(self.shown))) if self.shown[i] <= (before or 0)), 0)
        self._list(cursor)

    # -- doing -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "fork":
            return bool(self.decisions) and (not self.opened.read_only or self.opened.asked_only_to_read)
        needs_some = ("scrub", "play", "sift", "mark", "then", "again", "review", "branches")
        return bool(self.decisions) if action in needs_some else True

    @work(group="dialog", exclusive=True)
    async def action_review(self) -> None:
        from tui.screens.review import ReviewScreen

        try:
            reviewed = await self.rungwise.clerk.do(lambda _: self.opened.review())
        except Exception as problem:
            self.rungwise.say_problem(problem)
            return
        await self.app.push_screen_wait(ReviewScreen(self.opened, reviewed))

    @work(group="dialog", exclusive=True)
    async def action_branches(self) -> None:
        from tui.screens.branches import BranchesScreen

        dialog = BranchesScreen(self.opened.name, self.opened.branch, not self.opened.read_only)
        wanted = await self.app.push_screen_wait(dialog)
        if wanted:
            self.dismiss(Leave(branch=wanted))

    def action_again(self) -> None:
        from tui.screens.again import AgainScreen

        at = self.at
        if at is not None:
            self.app.push_screen(AgainScreen(self.opened, self.decisions[at]))

    def action_fork(self) -> None:
        at = self.at
        if at is not None:
            self.dismiss(Leave(fork=self.decisions[at]))

    def action_leave(self) -> None:
        self.dismiss(Leave())


def _words(d: Decision, moment: Moment | None, width: int) -> Content:
    return details(d, max(20, width), moment)


def _figure(d: Decision) -> str:
    """The metric before and after."""
    if d.check is None or d.check.value is None:
        return ""
    before, after = from_to(d.check.reference, d.check.value)
    return f"{before}→{after}" if before else after
