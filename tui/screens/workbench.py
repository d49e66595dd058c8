"""The workbench: one question at a time, or the work that is waited for, or what was reached."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine.conductor import SETTLED, Asking, Finished, Measuring, Waiting
from engine.effects import Ask
from engine.errors import DataProblem, RungwiseError, WhyNeeded
from engine.ports import TrialState
from engine.records import Answer, Decision
from engine.titles import titled
from tui.desk import Desk, Opened
from tui.figures import answered
from tui.literal import literal
from tui.screens.base import Page
from tui.tour import hint, is_tour
from tui.widgets.finished import FinishedPane
from tui.widgets.forms.settled import SettledForm
from tui.widgets.headline import HeadLine
from tui.widgets.keyline import KeyLine
from tui.widgets.question import Draft, QuestionPane
from tui.widgets.trials import TrialsPane
from tui.widgets.where import Standing, Where, WhereLine, marks_of

PARKED = "improve.parked"  # the question whose answer is the list of what was parked
POLL = 0.25  # seconds between two looks at the work
COVERED = 4  # of so many looks one is taken while another screen covers this one: only to go on when the work is done
KEPT_AFTER = 0.5  # seconds from the first key of a draft until it is written down; further keys go with it
WIDE = 100  # columns from which the ladder stands beside the question

ABOUT = """One question at a time. The row under the cursor is the answer, the line below says what the guide makes of
it, and the why is part of the answer: keep the suggested sentence, edit it, or write your own. Enter records.
In a text field, esc gives the letters back to the keys; ctrl+j makes a new line. What is recorded is saved at once."""


class Workbench(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "record", "Record", id="work.record", tooltip="Record the answer and go on"),
        Binding("w", "whys", "Why?", id="work.whys", tooltip="Keep asking why"),
        Binding(
            "e", "evidence", "Evidence", id="work.evidence", tooltip="The evidence with the whole screen to itself"
        ),
        Binding("t", "turn", "Next view", show=False, id="work.turn", tooltip="The next piece of evidence"),
        *(Binding(str(n), f"view({n - 1})", show=False) for n in range(1, 10)),
        Binding("b", "back", "Back", id="work.back", tooltip="Go back to an earlier decision, on a new branch"),
        Binding("j", "journal", "Journal", id="work.journal", tooltip="Every decision and what stood then"),
        Binding("x", "export", "Export", id="work.export", tooltip="Take it with you: report, model, SQL, script, …"),
        Binding("h", "home", "Home", id="work.home", tooltip="All sessions; work goes on"),
        Binding("g", "hints", "Tour's hints", show=False, id="work.hints", tooltip="The tour's hints, away and back"),
    ]
    DEFAULT_CSS = """
    Workbench #main { height: 1fr; }
    Workbench #pane { width: 1fr; height: 1fr; border: round $line; padding: 0 1;
        border-title-color: $primary; border-subtitle-color: $text-muted; }
    Workbench WhereLine { display: none; }
    Workbench.narrow WhereLine { display: block; }
    Workbench.narrow Where { display: none; }
    Workbench #wait { color: $text-muted; }
    Workbench #tour { height: auto; max-height: 2; padding: 0 2; color: $accent; display: none; }
    Workbench #trouble { height: auto; }
    """
    AUTO_FOCUS = ""
    about = ABOUT

    def __init__(self, opened: Opened, data: str) -> None:
        """data: what to call the table, e.g. its file name."""
        super().__init__()
        self.opened = opened
        self.data = data
        self.waiting: Waiting | None = None
        self._busy = False
        self._hinted = True
        self._polling = False
        self._ticks = 0
        self._timer: Timer | None = None
        self._unkept: Timer | None = None  # runs while a draft waits to be written down

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield HeadLine()
        yield WhereLine()
        with Horizontal(id="main"):
            yield Where()
            with Vertical(id="pane"):
                yield Static("opening …", markup=False, id="wait")
        yield Static("", markup=False, id="tour")
        yield KeyLine()

    def on_mount(self) -> None:
        self._timer = self.set_interval(POLL, self._poll, pause=True)
        self._head()
        self.go_on()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width < WIDE, "narrow")
        self._head()

    def _head(self) -> None:
        session = self.opened.session
        narrow = self.app.size.width < WIDE
        said = "on" if narrow else "branch"
        branch = f"   {said} {literal(self.opened.branch)}" if not narrow or self.opened.branch != "main" else ""
        target = f" → {literal(session.target)}" if session.target else ""
        self.query_one(HeadLine).left = Content.assemble(
            ("rungwise", "bold $primary"), (" ▸ ", "$text-muted"), (literal(self.opened.name), "bold"),
            f"   {literal(self.data)}{target}", (branch, "$text-muted"),
        )  # fmt: skip
        saved = "read only" if self.opened.read_only else "saved ✓"
        machine = self.rungwise.machine.rpartition(" · ")[2] if narrow else self.rungwise.machine
        self.query_one(HeadLine).right = Content.styled(" · ".join(filter(None, [machine, saved])), "$text-muted")

    def _stand(self) -> None:
        conductor = self.opened.conductor
        chosen = [x.decision for x in conductor.transcript if x.decision.question != "project.settled"]
        standing = Standing(
            stages=tuple(stage.name for stage in conductor.stages),
            at=conductor.stage,
            rungs=marks_of(self.opened.session.rungs),
            metric=self.opened.session.metric,
            last=tuple((d.question, answered(d)) for d in chosen[-12:]),
            finished=isinstance(self.waiting, Finished),
        )
        self.query_one(Where).standing = standing
        self.query_one(WhereLine).standing = standing
        self._head()

    @property
    def question(self) -> QuestionPane | None:
        return next(iter(self.query(QuestionPane)), None)

    # -- going on --------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="session")
    async def go_on(self) -> None:
        await self._advance()

    async def _advance(self) -> None:
        """Ask the session what it waits for, and show that."""
        with self._unless_left():
            await self._ask_and_show()

    @contextlib.contextmanager
    def _unless_left(self) -> Iterator[None]:
        """Nothing is missing where the screen is being left meanwhile: its parts go before it does."""
        try:
            yield
        except NoMatches:
            if self.display:  # False from the moment that it closes
                raise

    async def _ask_and_show(self) -> None:
        assert self._timer is not None
        self._timer.pause()
        try:
            self.waiting = await self.rungwise.clerk.do(lambda _: self.opened.advance())
        except DataProblem as problem:
            self.waiting = None
            await self._show(self._trouble(str(problem)), "this path ends here", "")
        except RungwiseError as problem:
            self.waiting = None
            await self._show(self._trouble(str(problem)), "a problem", "")
        else:
            await self._show_waiting(self.waiting)
        self._stand()
        self._hint()
        self.refresh_bindings()

    def _hint(self) -> None:
        told = hint(self.waiting) if is_tour(self.opened.name) and self._hinted else ""
        line = self.query_one("#tour", Static)
        line.display = bool(told)
        line.update(Content.assemble(("tour  ", "bold"), told))

    def action_hints(self) -> None:
        self._hinted = not self._hinted
        self._hint()

    async def _show_waiting(self, waiting: Waiting) -> None:
        conductor = self.opened.conductor
        number = f"{len(conductor.transcript) + 1}"
        match waiting:
            case Asking():
                ask = waiting.ask
                taken = [
                    x.decision for x in conductor.transcript
                    if x.decision.stage == waiting.stage and x.decision.author == "engine" and not x.ask.taken
                ]  # fmt: skip
                earlier = [x.decision.why for x in conductor.transcript if x.decision.author != "engine"]
                draft = await self._draft_of(ask.place)
                pane = QuestionPane(waiting, self.opened.session, taken, earlier, draft, self._read_only_words())
                await self._show(pane, f"{waiting.stage} ▸ {_heading(ask)}", number)
            case Measuring():
                trials = TrialsPane(waiting.measure.title, waiting.missing, waiting.measure.optional)
                await self._show(trials, f"{waiting.stage} ▸ measuring", trials.left)
                await self.look()
                if self.opened.problem:
                    self.notify(literal(self.opened.problem), severity="error", markup=False, timeout=12)
                assert self._timer is not None
                self._timer.resume()
            case Finished():
                finished = FinishedPane(
                    self.opened.session, self.opened.decisions(), conductor.differences, self.opened.read_only
                )
                await self._show(finished, "finished", number)

    def _read_only_words(self) -> str:
        return f"Nothing can be recorded: {self.opened.read_only_reason}" if self.opened.read_only else ""

    def _trouble(self, message: str) -> Widget:
        words = Content.assemble(
            (literal(message), "bold $error"), "\n\n", ("b", "bold $primary"), " go back and decide otherwise     ",
            ("j", "bold $primary"), " read the journal     ", ("h", "bold $primary"), " all sessions",
        )  # fmt: skip
        return Static(words, id="trouble")

    async def _show(self, pane: Widget, title: str, subtitle: str) -> None:
        place = self.query_one("#pane", Vertical)
        with self.app.batch_update():
            await place.remove_children()
            place.border_title = Content(literal(title))
            place.border_subtitle = subtitle
            await place.mount(pane)

    # -- work ------------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        if self._polling or not isinstance(self.waiting, Measuring):
            return
        self._ticks += 1
        if not self.is_current and self._ticks % COVERED:
            return
        self._polling = True
        try:
            with self._unless_left():
                await self.look()
        finally:
            self._polling = False

    async def look(self) -> None:
        """Look how the work stands; when all of it is done, go on."""
        states: dict[str, TrialState]
        states, machine = await self.rungwise.clerk.do(lambda desk: (self.opened.trials(), desk.machine()))
        if machine != self.rungwise.machine:
            self.rungwise.machine = machine
            self._head()
        pane = next(iter(self.query(TrialsPane)), None)
        if pane is None or not isinstance(self.waiting, Measuring):
            return
        if self.is_current:
            pane.show(states)
            place = self.query_one("#pane", Vertical)
            if place.border_subtitle != pane.left:  # setting it paints the frame again
                place.border_subtitle = pane.left
        if all(trial.key in states and states[trial.key].status == "done" for trial in self.waiting.missing):
            self.go_on()

    @on(TrialsPane.Wanted)
    def _wanted(self, event: TrialsPane.Wanted) -> None:
        deeds: dict[str, Callable[[], Any]] = {
            "cancel": lambda: self.opened.cancel(event.keys),
            "pause": lambda: self.opened.want(event.keys, "pause"),
            "go_on": lambda: self.opened.want(event.keys, ""),
            "enough": lambda: self.opened.want(event.keys, "enough"),
            "retry": lambda: self.opened.retry(event.keys),
            "leave_out": lambda: [self.opened.leave_out(key) for key in event.keys],
        }
        self._do(deeds[event.deed], then_go_on=event.deed == "leave_out")

    @work(group="deeds")
    async def _do(self, deed: Callable[[], Any], then_go_on: bool = False) -> None:
        try:
            await self.rungwise.clerk.do(lambda _: deed())
        except RungwiseError as problem:
            self.notify(literal(problem), severity="error", markup=False)
            return
        if then_go_on:
            self.go_on()

    # -- answering -------------------------------------------------------------------------------------------------

    @on(QuestionPane.Drafted)
    def _drafted(self, event: QuestionPane.Drafted) -> None:
        self.rungwise.drafts[(self.opened.name, *event.place)] = event.draft
        if self._unkept is None:
            self._unkept = self.set_timer(KEPT_AFTER, self._keep_draft)

    async def _draft_of(self, place: tuple[str, str]) -> Draft | None:
        """What was typed here before: in this window, or in one that ended without recording it."""
        key = (self.opened.name, *place)
        if key not in self.rungwise.drafts and not self.opened.read_only:
            kept = Draft.of(await self.rungwise.clerk.do(lambda desk: desk.draft(self.opened.name, place)))
            if kept is not None:
                self.rungwise.drafts[key] = kept
        return self.rungwise.drafts.get(key)

    async def on_unmount(self) -> None:
        if self._unkept is not None:
            await self._keep_draft()

    async def _keep_draft(self) -> None:
        """Write down what stands in the form, in case this window does not live to record it."""
        self._unkept = None
        if isinstance(self.waiting, Asking) and not self.opened.read_only:
            name, place = self.opened.name, self.waiting.ask.place
            draft = self.rungwise.drafts.get((name, *place))
            if draft is not None:
                with contextlib.suppress(RungwiseError):  # the typing must not stumble over a full disk
                    await self.rungwise.clerk.do(lambda desk: desk.keep_draft(name, place, draft.as_json()))

    @on(QuestionPane.Answered)
    def _answered(self, event: QuestionPane.Answered) -> None:
        if not self._busy and isinstance(self.waiting, Asking):
            self._busy = True
            self._record(event.answer, self.waiting.ask.place)

    @work(group="session")
    async def _record(self, answer: Answer, place: tuple[str, str]) -> None:
        try:
            await self.rungwise.clerk.do(lambda _: self.opened.answer(answer))
        except DataProblem:
            await self._advance()  # says what is wrong, and what can be done
        except RungwiseError as problem:
            if (pane := self.question) is not None:
                pane.refuse(str(problem), why_needed=isinstance(problem, WhyNeeded))
        else:
            if self.rungwise.drafts.pop((self.opened.name, *place), None) is not None:
                with contextlib.suppress(RungwiseError):
                    await self.rungwise.clerk.do(lambda desk: desk.keep_draft(self.opened.name, place, None))
            await self._advance()
        finally:
            self._busy = False

    @on(SettledForm.Opened)
    def _open_settled(self, event: SettledForm.Opened) -> None:
        self.go_back(event.decision)

    @work(group="session")
    async def go_back(self, decision: Decision) -> None:
        """Start a branch at a decision; the screen goes on there."""
        try:
            self.opened = await self.rungwise.clerk.do(lambda _: self.opened.go_back(decision.seq))
        except RungwiseError as problem:
            self.notify(literal(problem), severity="error", markup=False)
            return
        self.notify(
            f"Branch {literal(self.opened.branch)}: decision {decision.seq} is asked again.", markup=False, timeout=4
        )
        await self._advance()

    @work(group="session")
    async def switch_to(self, branch: str) -> None:
        """Go on with another branch; this one stays as it is."""

        def switched(desk: Desk) -> Opened:
            other = desk.open(self.opened.name, branch)
            self.opened.close()
            return other

        try:
            self.opened = await self.rungwise.clerk.do(switched)
        except RungwiseError as problem:
            self.rungwise.say_problem(problem)
            return
        await self._advance()

    # -- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        asking = isinstance(self.waiting, Asking)
        if action in ("record", "whys"):
            return asking
        if action in ("evidence", "turn", "view"):
            return asking and bool(self.waiting.ask.shows)  # type: ignore[union-attr]
        if action == "export":
            return isinstance(self.waiting, Finished)
        if action == "hints":
            return is_tour(self.opened.name)
        if action == "back":
            return not self.opened.read_only and bool(self.opened.conductor.transcript)
        return True

    def action_record(self) -> None:
        if (pane := self.question) is not None:
            pane.record()

    def action_whys(self) -> None:
        from tui.screens.reading import Whys

        if isinstance(self.waiting, Asking):
            ask = self.waiting.ask
            self.app.push_screen(Whys(ask.prompt, ask.whys(self.opened.session), self._park(ask)))

    def _park(self, ask: Ask) -> Callable[[str], None] | None:
        """What keeps a question for the list that the end of the simple stage asks for: its draft, from now on."""
        if self.opened.read_only or PARKED not in {q.id for s in self.opened.conductor.stages for q in s.questions}:
            return None

        def park(question: str) -> None:
            self._keep_parked(f"{question} ({ask.name})")

        return park

    @work(group="deeds")
    async def _keep_parked(self, question: str) -> None:
        place = (PARKED, "")
        before = await self._draft_of(place)
        lines = str(before.form) if before is not None else ""
        draft = Draft(
            f"{lines.rstrip()}\n{question}".lstrip(), before.why if before else "", bool(before and before.own)
        )
        self.rungwise.drafts[(self.opened.name, *place)] = draft
        with contextlib.suppress(RungwiseError):
            await self.rungwise.clerk.do(lambda desk: desk.keep_draft(self.opened.name, place, draft.as_json()))

    def action_evidence(self) -> None:
        from tui.screens.reading import EvidenceBox
        from tui.widgets.evidence import Evidence

        if isinstance(self.waiting, Asking):
            shown = next((evidence.at for evidence in self.query(Evidence) if evidence.views), 0)
            self.app.push_screen(EvidenceBox(f"evidence ▸ {_heading(self.waiting.ask)}", self.waiting.ask.shows, shown))

    def action_turn(self) -> None:
        from tui.widgets.evidence import Evidence

        for evidence in self.query(Evidence):
            evidence.turn()

    def action_view(self, n: int) -> None:
        from tui.widgets.evidence import Evidence

        for evidence in self.query(Evidence):
            evidence.turn_to(n)

    @work(group="dialog", exclusive=True)
    async def action_back(self) -> None:
        from tui.screens.pick import PickDecision

        decisions = [x.decision for x in self.opened.conductor.transcript]
        seq = await self.app.push_screen_wait(PickDecision(decisions))
        if seq is not None:
            self.go_back(next(d for d in decisions if d.seq == seq))

    @work(group="dialog", exclusive=True)
    async def action_journal(self) -> None:
        from tui.screens.journal import JournalScreen

        leave = await self.app.push_screen_wait(JournalScreen(self.opened, self.data))
        if leave.fork is not None:
            self.go_back(leave.fork)
        elif leave.branch and leave.branch != self.opened.branch:
            self.switch_to(leave.branch)

    def action_export(self) -> None:
        from tui.screens.leaving import ExportBox

        self.app.push_screen(ExportBox(self.opened.name, self.opened.branch))

    def action_home(self) -> None:
        self.rungwise.leave_session(self.opened)


def _heading(ask: Ask) -> str:
    """What is asked, in a few words; what was answered in a stage stands beside the stage's name already."""
    return titled(ask.question.id, "" if ask.question.id == SETTLED.id else ask.subject)
