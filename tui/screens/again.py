"""Computing again what was measured from a decision on, in a process of its own, figure by figure."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from engine.records import Decision
from tui.aside import ended
from tui.desk import Opened
from tui.figures import cell
from tui.literal import literal
from tui.screens.base import Page
from tui.screens.reading import Reading
from tui.widgets.headline import HeadLine
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows

SIGNS = {"reproduced": "✓", "within tolerance": "≈", "drifted": "!", "timed again": "·", "new": "+"}
COLOURS = {"reproduced": "$success", "within tolerance": "$warning", "drifted": "bold $error"}
COLUMNS = (Column("measured", flex=True), Column("figures", right=True), Column("came out"))

ABOUT = """Every figure that was measured from the decision on is computed again, and compared with what was recorded:
reproduced (the same), within tolerance, or drifted, with the likely cause. The session is not changed. Leaving this
screen stops it."""


class AgainScreen(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "figures", "Figures", id="again.figures", tooltip="What came out otherwise, figure by figure"),
        Binding("escape,R", "leave", "Stop and close", key_display="esc", id="again.close"),
    ]
    DEFAULT_CSS = """
    AgainScreen #box { height: 1fr; border: round $line; border-title-color: $text-muted;
        border-subtitle-color: $text-muted; padding: 0 1; }
    AgainScreen Rows { height: 1fr; max-height: 1fr; }
    """
    AUTO_FOCUS = "Rows"
    about = ABOUT

    def __init__(self, opened: Opened, since: Decision) -> None:
        super().__init__()
        self.opened = opened
        self.since = since
        self.found: list[dict[str, Any]] = []
        self.end = ""
        self._process: asyncio.subprocess.Process | None = None

    def compose(self) -> ComposeResult:
        yield HeadLine()
        box = Vertical(id="box")
        box.border_title = f"computed again, from decision {self.since.seq} on"
        with box:
            yield Rows(COLUMNS, ())
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(HeadLine).left = Content.assemble(
            ("rungwise", "bold $primary"), (" ▸ ", "$text-muted"), (literal(self.opened.name), "bold"),
            (f"   branch {literal(self.opened.branch)}", "$text-muted"),
        )  # fmt: skip
        self._say("computing …")
        self._compute()

    @work(group="again", exclusive=True)
    async def _compute(self) -> None:
        place = await self.rungwise.clerk.do(lambda desk: desk.place())
        wanted = ("replay", self.opened.name, "--branch", self.opened.branch, "--rerun", "--from", str(self.since.seq))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui.cli", *wanted, "--each", "--store", str(place),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=1 << 26,
        )  # fmt: skip
        try:
            await self._follow(self._process)
        finally:
            await ended(self._process)

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.ensure_future(process.stderr.read())
        try:
            async for line in process.stdout:
                with contextlib.suppress(ValueError):
                    self._take(json.loads(line))
            said = (await errors).decode(errors="replace").strip().splitlines()
        finally:
            errors.cancel()
        await process.wait()
        if not self.end:
            self._say(literal(said[-1]) if said else "It ended before it was through.")

    def _take(self, told: dict[str, Any]) -> None:
        if "end" in told:
            self.end = str(told["end"])
            self._say(self.end)
            return
        self.found.append(told)
        rows = self.query_one(Rows)
        follow = rows.cursor >= len(self.found) - 2
        rows.show(COLUMNS, [self._row(f) for f in self.found], len(self.found) - 1 if follow else None)
        self._say(self.end or "computing …")
        self.refresh_bindings()

    def _row(self, told: dict[str, Any]) -> Row:
        outcome = str(told["outcome"])
        words = outcome + (f": {literal(told['cause'])}" if told.get("cause") else "")
        return Row(
            (literal(told["label"] or told["kind"]), str(told["figures"]),
             Content.styled(words, COLOURS.get(outcome, "$text-muted"))),
            mark=SIGNS.get(outcome, ""), key=told["key"],
        )  # fmt: skip

    def _say(self, how: str) -> None:
        counts = {name: sum(f["outcome"] == name for f in self.found) for name in SIGNS}
        told = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
        self.query_one(HeadLine).right = Content.styled(told or "nothing compared yet", "$text-muted")
        self.query_one("#box", Vertical).border_subtitle = Content(literal(how))

    # -- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.found) if action == "figures" else True

    @on(Rows.Chosen)
    def action_figures(self) -> None:
        if not self.found:
            return
        told = self.found[self.query_one(Rows).cursor]
        self.app.push_screen(Reading(str(told["label"] or told["kind"]), figures(told)))

    def action_leave(self) -> None:
        self._stop()
        self.dismiss(None)

    def on_unmount(self) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()


def figures(told: dict[str, Any]) -> Content:
    """What came out otherwise of one trial, figure by figure."""
    parts = [Content(f"{told['figures']} figures, {literal(told['outcome'])}")]
    if told.get("error"):
        parts.append(Content.styled(literal(told["error"]), "$error"))
    if told.get("cause"):
        parts.append(Content(f"likely cause: {literal(told['cause'])}"))
    for d in told["differences"]:
        colour = COLOURS.get(str(d["outcome"]), "")
        parts += [Content(""), Content(literal(d["where"]))]
        parts.append(Content.styled(f"  {cell(d['recorded'])} → {cell(d['again'])}  {literal(d['outcome'])}", colour))
    return Content("\n").join(parts)
