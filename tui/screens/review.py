"""The review: the timeline with the flags beside the decisions they concern, and what people say about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from engine.records import Decision
from engine.review.catalogue import LEFT_OUT
from engine.review.flag import SEVERITIES
from engine.review.review import Raised, Summary
from engine.titles import titled
from engine.words import short
from tui.desk import Opened, Reviewed
from tui.figures import advised, ago, answered, duration, interval, number
from tui.literal import brief, cut, literal, literal_lines
from tui.screens.base import Dialog, Page
from tui.widgets.headline import HeadLine
from tui.widgets.keyline import KeyLine
from tui.widgets.lines import Lines
from tui.widgets.rows import Column, Row, Rows
from tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from storage.comments import Comment, Mark, Thread

ABOUT = """What a mentor would ask. The first line is the session as a whole; below it stand all decisions, with the
flags that concern them: ! serious, ▲ worth a question, · to know. n goes to the next flag, the gravest first. Comments
never change a decision."""

COLUMNS = (Column("", right=True), Column("question", flex=True), Column("flags"), Column("said"))
SIGNS = {"red": "!", "amber": "▲", "info": "·"}
COLOURS = {"red": "bold $error", "amber": "$warning", "info": "$text-muted"}
MARKS = {
    "agree": "agrees", "question": "asks", "disagree": "disagrees", "resolved": "settled it",
    "reopened": "opened it again",
}  # fmt: skip
TITLES = {"agree": "agree with", "question": "ask about", "disagree": "disagree with", "": "answer about"}


class ReviewScreen(Page):
    """Over the journal; escape goes back to it.  Comments are kept through the session that is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next", "Next flag", id="review.next", tooltip="Go to the next flag, the gravest first"),
        Binding("a", "say('agree')", "Agree", id="review.agree", tooltip="Agree with the decision; words are optional"),
        Binding("q", "say('question')", "Question", id="review.question", tooltip="Ask something about the decision"),
        Binding("x", "say('disagree')", "Disagree", id="review.disagree", tooltip="Object, and say why"),
        Binding("r", "say('')", "Answer", id="review.answer", tooltip="Answer the open thread of this decision"),
        Binding("o", "settle", "Settle", id="review.settle", tooltip="Call the thread settled, or open it again"),
        Binding("tab", "app.focus_next", "Details", show=False, id="review.details"),
        Binding("escape,v", "leave", "Close", key_display="esc", id="review.close"),
    ]
    DEFAULT_CSS = """
    ReviewScreen #body { height: 1fr; }
    ReviewScreen #line { width: 50%; height: 1fr; border: round $line; border-title-color: $text-muted;
        padding: 0 0 0 1; }
    ReviewScreen #line Rows { height: 1fr; }
    ReviewScreen #detail { width: 50%; height: 1fr; border: round $line; border-title-color: $text-muted;
        border-subtitle-color: $text-muted; padding: 0 1; }
    ReviewScreen #detail:focus, ReviewScreen #line:focus-within { border: round $primary; }
    ReviewScreen.narrow #body { layout: vertical; }
    ReviewScreen.narrow #line { width: 100%; height: 45%; }
    ReviewScreen.narrow #detail { width: 100%; height: 55%; }
    """
    AUTO_FOCUS = "#decisions"
    about = ABOUT

    def __init__(self, opened: Opened, reviewed: Reviewed) -> None:
        super().__init__()
        self.opened = opened
        self.reviewed = reviewed
        self.decisions: tuple[Decision, ...] = tuple(reviewed.decisions)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield HeadLine()
        with Horizontal(id="body"):
            line = Vertical(id="line")
            line.border_title = "review"
            with line:
                yield Rows(COLUMNS, self._rows(), id="decisions")
            yield Sheet(id="detail")
        yield KeyLine()

    def on_mount(self) -> None:
        head = self.query_one(HeadLine)
        head.left = Content.assemble(
            ("rungwise", "bold $primary"), (" ▸ ", "$text-muted"), (literal(self.opened.name), "bold"),
            (f"   branch {literal(self.opened.branch)}", "$text-muted"),
        )  # fmt: skip
        self._show()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width < 100, "narrow")
        self.call_after_refresh(self._show)

    def _rows(self) -> list[Row]:
        found = self.reviewed.review
        rows = [self._row(0, "the session as a whole", found.at(0))]
        rows += [self._row(d.seq, short(d.name, 300), found.at(d.seq)) for d in self.decisions]
        return rows

    def _row(self, seq: int, name: str, raised: Sequence[Raised]) -> Row:
        gravest = min((r.severity for r in raised), key=SEVERITIES.index, default=None)
        ids = " ".join(dict.fromkeys(r.flag.id for r in raised))
        flags = Content.styled(ids, COLOURS[gravest]) if gravest else Content("")
        threads = self._threads(seq)
        waiting = sum(t.open for t in threads)
        said = f"{waiting} open" if waiting else str(len(threads)) if threads else ""
        cells = (str(seq) if seq else "", name, flags, said)
        return Row(cells, mark=SIGNS[gravest] if gravest else "", dim=not raised and not threads and bool(seq), key=seq)

    @property
    def seq(self) -> int:
        """Number of the decision under the cursor; 0 for the session as a whole."""
        rows = self.query_one("#decisions", Rows)
        return int(rows.rows[rows.cursor].key)

    def _at(self, seq: int) -> Decision | None:
        return next((d for d in self.decisions if d.seq == seq), None)

    def _threads(self, seq: int) -> list[Thread]:
        d = self._at(seq)
        return [t for t in self.reviewed.threads if t.first.about == (d.hash if d is not None else "")]

    def _show(self) -> None:
        review, seq = self.reviewed.review, self.seq
        counts = ", ".join(f"{review.count(s)} {s}" for s in SEVERITIES)
        waiting = sum(t.open for t in self.reviewed.threads)
        self.query_one(HeadLine).right = Content.styled(f"{counts} · {waiting} open", "$text-muted")
        detail = self.query_one("#detail", Sheet)
        detail.border_title = f"decision {seq}" if seq else "summary"
        parts = flags_of(review.at(seq))
        d = self._at(seq)
        parts += decided(brief(d)) if d is not None else whole(self.reviewed)
        parts += said(self._threads(seq), self)
        words = Content("\n").join(parts)
        detail.show(lambda width: words)

    # -- keys ------------------------------------------------------------------------------------------------------

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._show()
        self.refresh_bindings()

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        self.query_one("#detail").focus()

    def action_next(self) -> None:
        """The places of the flags, the gravest first; after the last comes the first again."""
        places = list(dict.fromkeys(r.seq for r in self.reviewed.review.raised))
        here = places.index(self.seq) + 1 if self.seq in places else 0
        wanted = places[here % len(places)]
        rows = self.query_one("#decisions", Rows)
        rows.move_to(next(i for i, row in enumerate(rows.rows) if row.key == wanted))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "settle" or (action == "say" and parameters == ("",)):
            return self.is_mounted and self._thread() is not None
        return bool(self.reviewed.review.raised) if action == "next" else True

    def _thread(self) -> Thread | None:
        """The thread that an answer goes to: the first open one here, else the last."""
        here = self._threads(self.seq)
        return next((t for t in here if t.open), here[-1] if here else None)

    @work(group="dialog", exclusive=True)
    async def action_say(self, mark: Mark) -> None:
        thread = self._thread() if not mark else None
        d = self._at(self.seq)
        what = (
            f"{TITLES[mark]} {f'decision {d.seq}, “{titled(*d.place)}”' if d is not None else 'the session as a whole'}"
        )
        asked = thread.first.text if thread is not None else ""
        text = await self.app.push_screen_wait(Say(what, asked, empty=mark == "agree"))
        if text is not None:
            self._keep(mark, text, thread)

    def action_settle(self) -> None:
        if (thread := self._thread()) is not None:
            self._keep("reopened" if thread.resolved else "resolved", "", thread)

    @work(group="comment")
    async def _keep(self, mark: Mark, text: str, thread: Thread | None) -> None:
        d = self._at(self.seq)
        about, answers = d.hash if d is not None else "", thread.first.id if thread is not None else None

        def keep(_: object) -> Reviewed:
            self.opened.comment(about, mark, text, answers)
            return self.opened.review()

        try:
            self.reviewed = await self.rungwise.clerk.do(keep)
        except Exception as problem:
            self.rungwise.say_problem(problem)
            return
        rows = self.query_one("#decisions", Rows)
        rows.show(COLUMNS, self._rows(), rows.cursor)
        self._show()
        self.query_one("#detail", Sheet).action_edge(1)
        self.refresh_bindings()

    def action_leave(self) -> None:
        self.dismiss(None)


class Say(Dialog[str | None]):
    """A few lines to write; enter keeps them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "nothing", "Keep", id="say.keep")]
    DEFAULT_CSS = """
    Say Static { height: auto; }
    Say #refused { color: $error; display: none; }
    """

    def __init__(self, what: str, asked: str, *, empty: bool) -> None:
        """what: what is said about what.  asked: what is answered.  empty: whether no words are enough."""
        super().__init__()
        self.what, self.asked, self.empty = what, asked, empty

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = Content(literal(self.what))
        with box:
            if self.asked:
                yield Static(Content.styled(literal_lines(self.asked), "$text-muted"), markup=False)
            yield Lines("", placeholder="in your words" + (", or nothing" if self.empty else ""), id="text")
            yield Static("Say what you mean in a sentence.", markup=False, id="refused")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Lines).focus()

    @on(Lines.Sent)
    def _sent(self, event: Lines.Sent) -> None:
        event.stop()
        text = event.lines.text.strip()
        if not text and not self.empty:
            self.query_one("#refused").display = True
            return
        self.dismiss(text)

    def action_nothing(self) -> None:
        """The field takes the key; it is bound so that the key line names it."""


# -- what the right side says --------------------------------------------------------------------------------------


def flags_of(raised: Sequence[Raised]) -> list[Content]:
    """Each flag: what was found, why it matters, what to do."""
    parts: list[Content] = []
    for r in raised:
        head = f"{SIGNS[r.severity]} {r.flag.id}  {r.flag.title}"
        parts += [
            Content.styled(head, COLOURS[r.severity]),
            Content(literal_lines(cut(r.what))),
            Content.styled(r.flag.matters, "$text-muted"),
            Content.assemble(("do  ", "bold $primary"), r.flag.do),
            Content(""),
        ]
    return parts


def decided(d: Decision) -> list[Content]:
    """What was decided, in a few lines; the journal has the rest."""
    by = {"person": "a person", "plan": "a plan", "engine": "the guide"}.get(d.author, literal(d.author))
    lines = [
        Content.styled(literal_lines(d.prompt), "$text-muted"),
        Content.assemble((answered(d), "bold"), (f"  by {by}", "$text-muted")),
    ]
    if d.overruled:
        lines.append(Content.styled(f"against the advice: {advised(d)}", "$warning"))
    if d.why:
        words = (
            ""
            if d.why_author == "person"
            else "  (the guide's words)"
            if d.why_author == "engine"
            else "  (the plan's)"
        )
        lines.append(Content.assemble(("why ", "$text-muted"), literal_lines(d.why), (words, "$text-muted")))
    if d.check is not None and d.check.value is not None:
        spread = interval(d.check.low, d.check.high)
        measured = f"{literal(d.check.metric)} {number(d.check.value)}" + (f" ({spread})" if spread else "")
        lines.append(Content.assemble(("check ", "$text-muted"), measured, f"  {literal(d.check.verdict)}"))
    return lines


def whole(reviewed: Reviewed) -> list[Content]:
    """The session as a whole: flags by kind, good practice, who decided, the rungs, time."""
    review, about = reviewed.review, reviewed.summary
    counted = "   ".join(f"{SIGNS[s]} {review.count(s)} {s}" for s in SEVERITIES)
    parts = [Content.styled(counted if review.raised else "Nothing to flag.", "bold"), Content("")]
    if review.badges:
        parts.append(Content.styled("good practice", "$primary"))
        parts += [Content(f"+ {e.badge.title}: {literal(e.what)}") for e in review.badges]
        parts.append(Content(""))
    parts += _rungs(about)
    who = {"person": "a person", "plan": "a plan", "engine": "the guide"}
    authors = ", ".join(f"{n} by {who.get(a, literal(a))}" for a, n in about.authors.items())
    parts.append(Content(f"decisions: {authors or 'none'}"))
    parts.append(Content(f"{about.overruled} against the advice, {about.unedited} whys kept unedited"))
    for s in about.spent:
        spent = f"{duration(s.person_seconds)} at the questions, {duration(s.compute_seconds)} computing"
        parts.append(Content.styled(f"{literal(s.stage)}: {spent}", "$text-muted"))
    parts.append(Content.styled(f"not looked for: M29 (review --rerun), {', '.join(LEFT_OUT)}", "$text-muted"))
    if review.unread:
        unread = f"could not be looked for, as no session writes this: {', '.join(review.unread)}"
        parts.append(Content.styled(unread, "$warning"))
    return parts


def _rungs(about: Summary) -> list[Content]:
    parts = []
    for s in about.steps:
        gain = "" if s.gain is None else f"  {s.gain:+.3g}"
        parts.append(Content.assemble((number(s.value), "bold"), f" {short(s.title, 40)}", (gain, "$accent")))
    return [*parts, Content("")] if parts else []


def said(threads: Sequence[Thread], screen: Page) -> list[Content]:
    """What people said, thread by thread."""
    parts: list[Content] = []
    for thread in threads:
        state = "open" if thread.open else "settled" if thread.resolved else ""
        parts += [Content(""), _remark(thread.first, screen, state)]
        parts += [Content("  ") + _remark(reply, screen) for reply in thread.replies]
    return parts


def _remark(c: Comment, screen: Page, state: str = "") -> Content:
    colour = {"disagree": "$warning", "question": "$accent", "agree": "$success"}.get(c.mark, "$text-muted")
    mark = f" {MARKS[c.mark]}" if c.mark in MARKS else ""
    when = ago(c.at, screen.rungwise.now())
    text = f"  {literal_lines(cut(c.text))}" if c.text else ""
    tail = f" {when}" + (f" [{state}]" if state else "")
    return Content.assemble((literal(c.author), "bold"), (mark, colour), (tail, "$text-muted"), text)
