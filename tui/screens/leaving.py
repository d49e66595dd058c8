"""Taking a session with you: every form that it leaves in, with one key each, made in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from engine.export.registry import EXPORTS
from tui.aside import ended
from tui.literal import literal
from tui.screens.base import Dialog
from tui.widgets.field import Field
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows

PATIENCE = 900.0  # seconds that a form may take: a script is run before it leaves
TAKEN = "is there already"  # what the command says of a place that is not free


@dataclass(frozen=True)
class Form:
    """One row.  words: the arguments of `rungwise` before the place."""

    key: str
    title: str
    file: str
    words: tuple[str, ...]


def forms(name: str, branch: str) -> list[Form]:
    """What a session leaves as, in the order shown; the last is the session itself."""
    of = ("--branch", branch) if branch else ()
    found = [Form(e.key, e.title, f"{name}{e.ending}", ("export", name, "--to", e.name, *of)) for e in EXPORTS]
    whole = Form("b", "the session itself, to hand on or keep", f"{name}.rungwise", ("bundle", "export", name))
    return [*found, whole]


class ExportBox(Dialog[None]):
    """Each form is written when its letter is pressed; what was checked about it is said below.  A place that is taken
    is written over only when the letter is pressed once more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "Write this one", id="leaving.write"),
        Binding("tab", "folder", "Folder", id="leaving.folder", tooltip="Where the files go"),
        *(Binding(form.key, f"letter('{form.key}')", form.title, show=False) for form in forms("NAME", "")),
    ]
    DEFAULT_CSS = """
    ExportBox > .box { width: 96%; height: auto; }
    ExportBox Rows { height: auto; max-height: 12; margin: 1 0; }
    ExportBox Static { height: auto; }
    ExportBox #said { max-height: 8; margin: 1 0 0 0; }
    """
    AUTO_FOCUS = "Rows"

    def __init__(self, name: str, branch: str = "") -> None:
        """branch: "" for the current one."""
        super().__init__()
        self.forms = forms(name, branch)
        self.heading = f"{name}" + (f" · branch {branch}" if branch else "")
        self.stands: dict[str, str] = {}  # what stands beside each form, by its key
        self._again: set[tuple[str, str]] = set()  # forms and folders of which the person has been warned

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = Content(f"take {literal(self.heading)} with you")
        with box:
            yield Rows(self._columns(), self._rows())
            yield Static(Content.styled("into the folder", "$text-muted"))
            yield Field(str(Path.cwd()), id="folder")
            yield Static("", markup=False, id="said")
        yield KeyLine()

    def _columns(self) -> tuple[Column, ...]:
        return (Column(""), Column("form", flex=True), Column("file", flex=True), Column(""))

    def _rows(self) -> list[Row]:
        return [
            Row((Content.styled(f.key, "bold $primary"), f.title, Content.styled(literal(f.file), "$text-muted"),
                 self.stands.get(f.key, "")), key=f.key)
            for f in self.forms
        ]  # fmt: skip

    def _stand(self, form: Form, how: str) -> None:
        self.stands[form.key] = how
        rows = self.query_one(Rows)
        rows.show(self._columns(), self._rows(), rows.cursor)

    def _say(self, *lines: str, style: str = "") -> None:
        said = Content("\n").join([Content.styled(literal(line), style) for line in lines if line])
        self.query_one("#said", Static).update(said)

    # -- writing ---------------------------------------------------------------------------------------------------

    @work(group="leaving", exclusive=False)
    async def _write(self, form: Form) -> None:
        folder = self.query_one("#folder", Input).value.strip() or "."
        if self.stands.get(form.key) == "…":
            return
        out = Path(folder).expanduser() / form.file
        if not out.parent.is_dir():
            self._say(f"There is no folder {out.parent}; tab leads to the place where it is named.", style="$error")
            return
        before = self.stands.get(form.key, "")
        self._stand(form, "…")
        self._say(f"Writing {out} …", style="$text-muted")
        force = ("--force",) if (form.key, folder) in self._again else ()
        status, said = await self._run((*form.words, "-o", str(out), *force))
        self._again.discard((form.key, folder))
        if not self.is_mounted:
            return
        if status == 0:
            self._stand(form, "✓")
            self._say(*said)
        elif any(TAKEN in line for line in said) and form.words[0] == "export":
            self._again.add((form.key, folder))
            self._stand(form, before)
            self._say(f"{out} {TAKEN}; press {form.key} once more to replace it.", style="$warning")
        else:
            self._stand(form, "—")
            self._say(*said, style="$error")

    async def _run(self, words: tuple[str, ...]) -> tuple[int, list[str]]:
        """The exit status and the lines of a command of ours, in a process that may load what this one does not."""
        place = await self.rungwise.clerk.do(lambda desk: desk.place())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui.cli", *words, "--store", str(place), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
            return process.returncode or 0, said.decode(errors="replace").strip().splitlines()
        except TimeoutError:
            return 1, [f"It took more than {PATIENCE / 60:.0f} minutes and was stopped."]
        finally:
            await ended(process)

    # -- keys ------------------------------------------------------------------------------------------------------

    @on(Rows.Chosen)
    def action_write(self) -> None:
        self._write(self.forms[self.query_one(Rows).cursor])

    def action_letter(self, key: str) -> None:
        place = next(i for i, form in enumerate(self.forms) if form.key == key)
        self.query_one(Rows).move_to(place)
        self._write(self.forms[place])

    def action_folder(self) -> None:
        (self.query_one(Rows) if self.query_one("#folder").has_focus else self.query_one("#folder")).focus()

    @on(Input.Submitted)
    def _folder_named(self) -> None:
        self.query_one(Rows).focus()
