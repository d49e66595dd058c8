"""The terminal app.  It paints its first screen before the store is opened or anything heavy is imported."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from tui.ahead import TypedAhead
from tui.desk import Clerk, Desk
from tui.letters import Letters, shown_by, started_with
from tui.screens.home import Home
from tui.screens.small import TooSmall, fits
from tui.theme import DARK, LIGHT, dark_by_environment, missing_variables
from tui.thrift import Shown, Thrifty

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.driver import Driver

    from tui.desk import Opened
    from tui.ground import Background
    from tui.screens.begin import Begin, Beginning
    from tui.widgets.question import Draft

KEY_NAMES = {"question_mark": "?", "slash": "/", "escape": "esc", "left": "←", "right": "→", "up": "↑", "down": "↓",
             "pageup": "pgup", "pagedown": "pgdn", "backspace": "bksp"}  # fmt: skip
STARTED = 2.0  # seconds after which what was imported is there to stay: looking it through again took a key 45 ms


def _key_commands() -> type[Provider]:
    from tui.commands import KeyCommands

    return KeyCommands


class RungwiseApp(TypedAhead):
    """The app over a desk.  session: open this one at once.  begin: (path, target) to begin with at once."""

    TITLE = "rungwise"
    COMMANDS: ClassVar[Any] = {_key_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+q",
            "quit",
            "Quit",
            show=False,
            id="app.quit",
            priority=True,
            tooltip="Leave; work goes on, everything recorded is saved",
        ),
        Binding(
            "ctrl+p", "command_palette", "Commands", show=True, key_display="ctrl+p", tooltip="Search every command"
        ),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help", tooltip="The keys of this screen"),
        Binding("ctrl+l", "redraw", "Draw anew", show=False, id="app.redraw", tooltip="Send the whole screen again"),
        Binding("f1", "help", "Help", tooltip="The keys of this screen"),
    ]
    COMMAND_PALETTE_BINDING = "ctrl+shift+p"  # bound above instead, so that the key line shows it where it belongs
    CSS = """
    ToastRack { layer: default; max-height: 50%; overflow-y: auto; scrollbar-size-vertical: 1; }
    Toast { width: 100%; max-width: 100%; margin: 0; padding: 0 1; background: $panel; }
    SearchIcon { display: none; }
    CommandPalette CommandList > .option-list--option-highlighted { background: $cursor; color: $foreground; }
    """  # what is said in passing has lines of its own above the keys, taken from the room that the screen can spare

    def __init__(
        self,
        make_desk: Callable[[], Desk],
        *,
        session: str = "",
        branch: str = "",
        read_only: bool = False,
        begin: tuple[str, str] | None = None,
        fresh: bool = False,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """make_desk: opens the store; called in the clerk's thread, after the first screen is painted.

        fresh: there is no store yet.
        """
        super().__init__()
        self.clerk = Clerk(make_desk)
        self.now = now
        self.machine = ""
        self.drafts: dict[tuple[str, str, str], Draft] = {}
        self._letters = Letters(shown_by(started_with(os.environ), getattr(sys.__stderr__, "encoding", None)))
        self._filters.append(self._letters)  # stderr is where Textual draws
        self._shown = Shown()
        self._first = (session, branch, read_only)
        self._begin = begin
        self._home = Home(fresh)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name  # in two steps: a default from the environment is only looked up when it changes
        wanted = os.environ.get("TEXTUAL_THEME", "")
        self.theme = (
            wanted if wanted in self.available_themes else self._own(dark_by_environment(os.environ) is not False)
        )
        self._followed = "" if self.theme == wanted else self.theme  # the theme as long as nobody chose one
        if "SSH_CONNECTION" in os.environ:
            self.animation_level = "none"

    @property
    def ascii_only(self) -> bool:
        """Whether the terminal lacks signs, so that frames and pictures are drawn with letters."""
        return self._letters.enabled

    @ascii_only.setter
    def ascii_only(self, only: bool) -> None:
        self._letters.enabled = only

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Without the terminal's own colours under NO_COLOR: Textual 8 would draw those black on black."""
        colourless = getattr(self, "no_color", "NO_COLOR" in os.environ)  # asked before it is set
        themes = super().available_themes
        if not colourless:  # looked up for each part of the screen that is drawn
            return themes
        return {name: theme for name, theme in themes.items() if not theme.ansi}

    def get_driver_class(self) -> type[Driver]:
        """The terminal's driver asks for its background, where it is Textual's own."""
        driver = super().get_driver_class()
        if sys.platform == "win32":
            return driver
        from textual.drivers.linux_driver import LinuxDriver

        from tui.ground import AskingDriver

        return AskingDriver if driver is LinuxDriver else driver

    def on_background(self, event: Background) -> None:
        """Dark on a dark terminal and light on a light one, unless somebody chose a theme."""
        if self.theme == self._followed:
            self.theme = self._followed = self._own(event.dark)

    def _own(self, dark: bool) -> str:
        """The name of our theme; on a terminal of sixteen colours of its own one: ours would be all but white there."""
        sixteen = self.console.color_system == "standard" and "ansi-dark" in self.available_themes
        return ("ansi-dark" if dark else "ansi-light") if sixteen else (DARK if dark else LIGHT).name

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """As Textual's, without what the terminal shows already; nothing at all where that is all of it."""
        drawn = isinstance(renderable, LayoutUpdate | ChopsUpdate)
        sends = self._running and not (self._closed or self.is_headless or self._batch_count)
        if drawn and sends and self._driver is not None:
            renderable = Thrifty(self._shown.sent(renderable, self.console))
            cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
            if not renderable.sent and cursor == self._previous_cursor_position:
                self.post_display_hook()
                return
        super()._display(screen, renderable)

    async def action_command_palette(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - awaited, too
        """As Textual's, with a cursor that stands still: one that blinks sends bytes for as long as it is looked at."""
        from textual.command import CommandPalette
        from textual.widgets import Input

        if not isinstance(self.screen, CommandPalette):
            palette: CommandPalette = CommandPalette(id="--command-palette")
            await self.push_screen(palette)
            palette.query_one(Input).cursor_blink = False

    def action_redraw(self) -> None:
        """Send the whole screen again, for a terminal that something else wrote on."""
        self._shown.forget()
        self.screen.refresh(layout=True)

    def get_default_screen(self) -> Screen[Any]:
        return self._home

    def get_css_variables(self) -> dict[str, str]:
        """Textual's own and other people's themes lack three colours of ours: they are mixed for them."""
        return {**super().get_css_variables(), **missing_variables(self.current_theme)}

    # -- life ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            try:
                loop.add_signal_handler(number, self._ended_by, number)
            except (NotImplementedError, ValueError, RuntimeError):  # not the main thread, or not on this system
                break
        self.app_resume_signal.subscribe(self, lambda _: self._shown.forget())  # after ctrl+z and fg
        self.call_after_refresh(self._start)
        if not self.is_headless:  # a test's objects go with it
            self.set_timer(STARTED, gc.freeze)

    def _ended_by(self, number: int) -> None:
        """End as if quit had been pressed: the terminal is restored, the session let go; work goes on."""
        self.exit(return_code=128 + number)

    def _start(self) -> None:
        listed = self.refresh_home()
        session, branch, read_only = self._first
        if session:
            self.open_session(session, branch=branch, read_only=read_only)
        elif self._begin is not None:
            self.begin_session(*self._begin)
        else:
            self._warm_up_after(listed)

    @work(exit_on_error=False)
    async def _warm_up_after(self, listed: Worker[None]) -> None:
        """Not at once: imports would hold up the list that the person waits for."""
        with contextlib.suppress(WorkerFailed, WorkerCancelled):
            await listed.wait()
        self.call_after_refresh(self._warm_up)

    @work(thread=True, exit_on_error=False)
    def _warm_up(self) -> None:
        """Import what the next screens need while the person looks at the first."""
        import tui.screens.begin
        import tui.screens.journal
        import tui.screens.reading
        import tui.screens.workbench  # noqa: F401
        from storage.light import sqlite_utils

        sqlite_utils()  # what an opened session is written with

    async def on_unmount(self) -> None:
        self.clerk.close()

    # -- the store -------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="home")
    async def refresh_home(self) -> None:
        try:
            lines, self.machine = await self.clerk.do(lambda desk: (desk.sessions(), desk.machine()))
        except Exception as problem:
            self.say_problem(problem)
            return
        self._home.show(lines)

    @work(exclusive=True, group="open")
    async def open_session(
        self, name: str, branch: str = "", read_only: bool = False, fork: int = 0, at: int = 0
    ) -> None:
        """Open a session: to work on it, or only its journal, beginning at a decision.

        fork: number of a decision that is to be asked again on a new branch.
        """

        def opening(desk: Desk) -> tuple[Opened, str]:
            opened = desk.open(name, branch, read_only)
            return opened.go_back(fork) if fork and not opened.read_only else opened, desk.data_of(name)

        try:
            opened, data = await self.clerk.do(opening)
        except Exception as problem:
            self.say_problem(problem)
            return
        if read_only:
            from tui.screens.journal import JournalScreen, Leave

            def read(leave: Leave | None) -> None:
                self._close(opened)
                if leave is not None and leave.fork is not None:
                    self.open_session(name, branch=opened.branch, fork=leave.fork.seq)
                elif leave is not None and leave.branch:
                    self.open_session(name, branch=leave.branch)

            await self.push_screen(JournalScreen(opened, data, at), read)
            return
        from tui.screens.workbench import Workbench

        if opened.read_only:
            self.notify(opened.read_only_reason, severity="warning", markup=False, timeout=10)
        await self.push_screen(Workbench(opened, data))

    def leave_session(self, opened: Opened) -> None:
        """Back home; the session is let go, its work goes on."""
        self.pop_screen()
        self._close(opened)

    @work(group="close")
    async def _close(self, opened: Opened) -> None:
        await self.clerk.do(lambda _: opened.close())

    # -- looking over all of them ----------------------------------------------------------------------------------

    @work(group="look", exclusive=True)
    async def compare(self, a: tuple[str, str], b: tuple[str, str]) -> None:
        """Two branches, by session and name, side by side."""
        from tui.screens.compare import CompareScreen

        try:
            compared = await self.clerk.do(lambda desk: desk.compare(a, b))
        except Exception as problem:
            self.say_problem(problem)
            return
        await self.push_screen(CompareScreen(compared))

    @work(group="look", exclusive=True)
    async def search(self) -> None:
        """Look for words in all sessions, and open the journal where they stand."""
        from tui.screens.search import SearchScreen

        hit = await self.push_screen_wait(SearchScreen())
        if hit is not None:
            self.open_session(hit.session, branch=hit.branch, read_only=True, at=hit.seq or 0)

    @work(group="look", exclusive=True)
    async def compare_with(self, name: str) -> None:
        """Choose what to compare a session with."""
        from tui.screens.pick import PickSession

        try:
            others = await self.clerk.do(lambda desk: [(x.name, b) for x in desk.sessions()
                                                       for b in desk.branches(x.name)])  # fmt: skip
        except Exception as problem:
            self.say_problem(problem)
            return
        current = next((b.name for x, b in others if x == name and b.current), "")
        left = [(x, b) for x, b in others if (x, b.name) != (name, current)]
        chosen = await self.push_screen_wait(PickSession(name, left))
        if chosen is not None:
            self.compare((name, current), chosen)

    @work(group="look", exclusive=True)
    async def review(self, name: str) -> None:
        """What a mentor would ask about a session; nothing of it is opened for work."""
        from tui.screens.review import ReviewScreen

        try:
            opened, reviewed = await self.clerk.do(
                lambda desk: (found := desk.open(name, "", read_only=True), found.review())
            )
        except Exception as problem:
            self.say_problem(problem)
            return
        await self.push_screen_wait(ReviewScreen(opened, reviewed))
        self._close(opened)

    @work(group="begin", exclusive=True)
    async def take_tour(self) -> None:
        """Go on with the guided tour, or begin it."""
        from tui.tour import NAME

        def begun(desk: Desk) -> str:
            if NAME in {line.name for line in desk.sessions()}:
                return NAME
            return desk.create(*desk.sample(), NAME, "quick")

        try:
            name = await self.clerk.do(begun)
        except Exception as problem:
            self.say_problem(problem)
            return
        self.open_session(name)

    @work(group="begin", exclusive=True)
    async def begin_session(self, path: str = "", target: str = "", sample: bool = False) -> None:
        from tui.screens.begin import Begin

        if sample:
            try:
                found, target = await self.clerk.do(lambda desk: desk.sample())
                path = str(found)
            except Exception as problem:
                self.say_problem(problem)
                return
        name = await self.push_screen_wait(Begin(path, target))
        if name:
            self.open_session(name)

    @work(group="make", exclusive=True)
    async def make_session(self, beginning: Beginning, dialog: Begin) -> None:
        b = beginning
        try:
            name = await self.clerk.do(lambda desk: desk.create(b.path, b.target, b.name, b.pace))
        except Exception as problem:
            dialog.refuse(self._sentence(problem))
            return
        dialog.dismiss(name)

    def say_problem(self, problem: Exception) -> None:
        self.notify(self._sentence(problem), severity="error", markup=False, timeout=15)

    def _sentence(self, problem: Exception) -> str:
        """What to show of an error: our own are sentences; anything else is written down in a file that is named."""
        from engine.errors import RungwiseError
        from engine.words import literal

        if isinstance(problem, RungwiseError):
            return literal(problem)
        from tui.cli.failure import write_down

        return literal(write_down(problem))

    def _fatal_error(self) -> None:
        """A mistake of our own ends the app with one sentence; the traceback is in the file that it names."""
        problem = sys.exc_info()[1]
        sentence = self._sentence(problem) if isinstance(problem, Exception) else "Rungwise ended unexpectedly."
        self._exit_renderables.append(Text(sentence))
        self._close_messages_no_wait()

    # -- keys ------------------------------------------------------------------------------------------------------

    def get_key_display(self, binding: Binding) -> str:
        """Keys by their names: `ctrl+x` and `enter`, as people say them."""
        return binding.key_display or KEY_NAMES.get(binding.key) or binding.key

    def action_help(self) -> None:
        from tui.screens.reading import Help, keys_of

        screen = self.screen
        if isinstance(screen, Help):
            screen.action_leave()
            return
        self.push_screen(Help(str(getattr(screen, "about", "")), keys_of(screen)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for command in super().get_system_commands(screen):
            if command.title not in ("Keys", "Maximize", "Minimize", "Quit"):
                yield command

    def on_resize(self, event: Resize) -> None:
        self._shown.forget()  # terminals cut and wrap what they show, each its own way
        small = isinstance(self.screen, TooSmall)
        room = fits(event.size.width, event.size.height)
        if not room and not small:
            self.push_screen(TooSmall())
        elif room and small:
            self.pop_screen()
