"""The journal: every decision in order, and everything that stood when the one under the cursor was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from engine.metrics import title_of
from engine.records import Check, Decision
from engine.session import Session
from tui.desk import Opened
from tui.figures import cell, choice, duration, interval, number
from tui.ladder import ASCII, UNICODE, drawn
from tui.literal import literal, literal_lines
from tui.widgets.headline import HeadLine
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows
from tui.widgets.where import marks_of

if TYPE_CHECKING:
    from tui.app import RungwiseApp

STEP = 0.7  # seconds a decision stands while playing

ABOUT = """Every decision in the order in which it was taken. Moving the cursor moves through time: the ladder and the
details show what was known then. Nothing here changes the session; f starts a branch at the decision."""


class Detail(VerticalScroll, inherit_bindings=False):
    """Scrolls up and down; left and right are left to the timeline."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", show=False),
        Binding("down", "scroll_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("home", "scroll_home", show=False),
        Binding("end", "scroll_end", show=False),
    ]


class JournalScreen(Screen[Decision | None]):
    """Dismissed with the decision to fork at, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "scrub(-1)", "Earlier", key_display="←", id="journal.earlier"),
        Binding("right", "scrub(1)", "Later", key_display="→", id="journal.later"),
        Binding("p", "play", "Play", id="journal.play", tooltip="Play the decisions one after another, or stop"),
        Binding("f", "fork", "Fork here", id="journal.fork", tooltip="Start a branch at this decision"),
        Binding("v", "review", "Review", id="journal.review", tooltip="What a mentor would ask, and the comments"),
        Binding("tab", "app.focus_next", "Details", id="journal.details"),
        Binding("escape,j", "leave", "Close", key_display="esc", id="journal.close"),
    ]
    DEFAULT_CSS = """
    JournalScreen #body { height: 1fr; }
    JournalScreen #line { width: 55%; height: 1fr; border: round $line; border-title-color: $text-muted;
        padding: 0 0 0 1; }
    JournalScreen #line Rows { height: 1fr; }
    JournalScreen #right { width: 45%; }
    JournalScreen #ladder { height: auto; max-height: 10; border: round $line; border-title-color: $text-muted;
        padding: 0 1; }
    JournalScreen #detail { height: 1fr; border: round $line; border-title-color: $text-muted; padding: 0 1;
        scrollbar-size-vertical: 1; }
    JournalScreen #detail:focus, JournalScreen #line:focus-within { border: round $primary; }
    JournalScreen #detail Static { height: auto; }
    JournalScreen.narrow #body { layout: vertical; }
    JournalScreen.narrow #line { width: 100%; height: 50%; }
    JournalScreen.narrow #right { width: 100%; height: 50%; }
    JournalScreen.narrow #ladder { display: none; }
    """
    AUTO_FOCUS = "#decisions"
    about = ABOUT

    def __init__(self, opened: Opened, data: str) -> None:
        super().__init__()
        self.opened = opened
        self.data = data
        self.decisions: list[Decision] = list(opened.decisions())
        self._timer: Timer | None = None

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield HeadLine()
        with Horizontal(id="body"):
            line = Vertical(id="line")
            line.border_title = f"journal: {len(self.decisions)} decisions"
            with line:
                yield Rows(
                    (Column("", right=True), Column("question"), Column("answer", flex=True),
                     Column("check", right=True), Column("by")), self._rows(), id="decisions",
                )  # fmt: skip
            with Vertical(id="right"):
                ladder = Static("", markup=False, id="ladder")
                ladder.border_title = "ladder then"
                yield ladder
                detail = Detail(Static("", markup=False, id="words"), id="detail")
                detail.border_title = "what stood then"
                yield detail
        yield KeyLine()

    def on_mount(self) -> None:
        self._timer = self.set_interval(STEP, self._next, pause=True)
        branch = f"   branch {literal(self.opened.branch)}"
        self.query_one(HeadLine).left = Content.assemble(
            ("rungwise", "bold $primary"), (" ▸ ", "$text-muted"), (literal(self.opened.name), "bold"),
            f"   {literal(self.data)}", (branch, "$text-muted"),
        )  # fmt: skip
        self.query_one(HeadLine).right = Content.styled("journal, read only", "$text-muted")
        rows = self.query_one("#decisions", Rows)
        rows.cursor = max(0, len(self.decisions) - 1)
        self._show()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width < 100, "narrow")
        self.call_after_refresh(self._show)

    def _rows(self) -> list[Row]:
        rows, stage = [], ""
        for d in self.decisions:
            name = literal(d.name)
            where = Content.styled(f"{literal(d.stage)} ", "$text-muted") if d.stage != stage else Content("")
            stage = d.stage
            figure = number(d.check.value) if d.check and d.check.value is not None else ""
            by = {"person": "you", "plan": "plan", "engine": "guide"}[d.author]
            rows.append(
                Row((str(d.seq), where + Content(name), Content.styled(choice(d.choice), "bold"), figure, by),
                    mark="▲" if d.flags else "", dim=d.author == "engine", key=d.seq)
            )  # fmt: skip
        return rows

    def _show(self) -> None:
        if not self.decisions:
            self.query_one("#words", Static).update("Nothing was decided yet.")
            return
        at = self.query_one("#decisions", Rows).cursor
        then = Session("", "", self.decisions[: at + 1])
        pens = ASCII if getattr(self.app, "ascii_only", False) else UNICODE
        ladder = self.query_one("#ladder", Static)
        marks = [mark for _, mark in marks_of(then.rungs)]
        ladder.update(drawn(marks, ladder.content_size.width or 40, pens) if marks else "no rung yet")
        self.query_one("#words", Static).update(
            details(self.decisions[at], max(20, self.query_one("#detail").content_size.width))
        )
        self.query_one("#detail").scroll_home(animate=False)

    # -- keys ------------------------------------------------------------------------------------------------------

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._show()

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        self.query_one("#detail").focus()

    def action_scrub(self, by: int) -> None:
        rows = self.query_one("#decisions", Rows)
        rows.move_to(rows.cursor + by)

    @property
    def playing(self) -> bool:
        return self._timer is not None and self._timer._active.is_set()

    def action_play(self) -> None:
        assert self._timer is not None
        rows = self.query_one("#decisions", Rows)
        if self.playing:
            self._timer.pause()
            return
        if rows.cursor >= len(self.decisions) - 1:
            rows.move_to(0)
        self._timer.resume()

    def _next(self) -> None:
        rows = self.query_one("#decisions", Rows)
        if rows.cursor >= len(self.decisions) - 1:
            cast(Timer, self._timer).pause()
        else:
            rows.move_to(rows.cursor + 1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "fork":
            return bool(self.decisions) and not self.opened.read_only
        return bool(self.decisions) if action in ("scrub", "play") else True

    @work(group="dialog", exclusive=True)
    async def action_review(self) -> None:
        from tui.screens.review import ReviewScreen

        app = cast("RungwiseApp", self.app)
        try:
            reviewed = await app.clerk.do(lambda _: self.opened.review())
        except Exception as problem:
            app.say_problem(problem)
            return
        await app.push_screen_wait(ReviewScreen(self.opened, reviewed))

    def action_fork(self) -> None:
        self.dismiss(self.decisions[self.query_one("#decisions", Rows).cursor])

    def action_leave(self) -> None:
        self.dismiss(None)


def details(d: Decision, width: int) -> Content:
    """Everything that stood when a decision was taken, on lines of this width."""

    def _pair(name: str, value: Content) -> Content:
        lines = [line for part in value.split("\n", allow_blank=True) for line in part.wrap(max(10, width - 8))]
        named = Content.styled(f"{name:<8}", "$text-muted")
        return Content("\n").join([named + line if n == 0 else Content(" " * 8) + line for n, line in enumerate(lines)])

    parts = [
        Content.assemble((f"{d.seq}  {literal(d.name)}", "bold $primary")),
        Content(literal_lines(d.prompt)),
        Content(""),
        _pair("answer", Content.styled(choice(d.choice), "bold")),
    ]
    if d.recommended is not None:
        same = d.recommended == d.choice
        parts.append(_pair("advice", Content("the same" if same else choice(d.recommended))))
        if d.reason and d.reason != d.why:
            parts.append(_pair("", Content(literal_lines(d.reason))))
    parts.append(_pair("why", Content(literal_lines(d.why) or "—")))
    if d.why and d.why_author != "person":
        parts.append(_pair("", Content.styled(f"{_whose(d.why_author)} words", "$text-muted")))
    if d.check:
        parts.append(_pair("check", _check(d.check)))
    if d.overruled:
        parts.append(
            _pair("", Content.styled(f"against the advice{f', over a {d.level}' if d.level else ''}", "$warning"))
        )
    if d.flags:
        parts.append(_pair("flags", Content.styled("⚑ " + ", ".join(map(literal, d.flags)), "$warning")))
    if d.supersedes:
        parts.append(_pair("instead", Content(f"of decision {d.supersedes}")))
    by = {"person": "a person", "plan": "a plan", "engine": "the guide"}[d.author]
    took = f", after {duration(d.seconds)}" if d.seconds else ""
    parts.append(_pair("by", Content(f"{by}{took}, {literal(d.decided_at[:19].replace('T', ' '))} UTC")))
    parts += _options(d)
    if d.evidence:
        parts += [Content(""), Content.styled(f"evidence: {' '.join(key[:12] for key in d.evidence)}", "$text-muted")]
    parts.append(Content.styled(f"hash {d.hash[:16]} after {d.prev_hash[:16]}", "$text-muted"))
    return Content("\n").join(parts)


def _whose(author: str) -> str:
    return {"engine": "the guide's", "plan": "the plan's"}.get(author, "somebody's")


def _options(d: Decision) -> list[Content]:
    if not d.options:
        return []
    lines = [
        Content(""),
        Content.styled("one option stood" if len(d.options) == 1 else f"{len(d.options)} options stood", "$text-muted"),
    ]
    for option in d.options[:40]:
        chosen = option.key == d.choice or (isinstance(d.choice, list) and option.key in d.choice)
        sign = "●" if chosen else "★" if option.key == d.recommended else "·"
        figures = "  ".join(f"{literal(name)} {cell(value)}" for name, value in option.figures.items())
        words = Content.assemble((f"{sign} {literal(option.text)}", "bold" if chosen else ""))
        lines.append(words + Content.styled(f"  {figures or literal(option.note)}".rstrip(), "$text-muted"))
    if len(d.options) > 40:
        lines.append(Content.styled(f"… and {len(d.options) - 40} more", "$text-muted"))
    return lines


def _check(check: Check) -> Content:
    value = number(check.value) if check.value is not None else "?"
    against = f"{number(check.reference)} → " if check.reference is not None else ""
    spread = interval(check.low, check.high)
    tail = ", ".join(
        filter(None, [literal(check.verdict) if check.verdict != "measured" else "", literal(check.protocol)])
    )
    return Content.assemble(
        f"{literal(title_of(check.metric))} {against}", (value, "bold"), f"  ({spread})" if spread else "",
        (f"  {tail}" if tail else "", "$text-muted"),
    )  # fmt: skip
