"""Begin a session: the file, the target, and how much to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from engine.data.address import path_of
from tui import peek
from tui.literal import literal
from tui.screens.base import Dialog
from tui.widgets.field import Field
from tui.widgets.keyline import KeyLine
from tui.widgets.rows import Column, Row, Rows

PACES = (
    ("quick", "quick", "asks what only you know; lists the rest to check"),
    ("guided", "guided", "asks every question, one at a time"),
)


KINDS = (
    "CSV, TSV, JSON, Parquet, Excel or a database (FILE.db::TABLE), one row a case; "
    "or a folder of pictures or texts, one sub-folder for each class."
)


@dataclass(frozen=True)
class Beginning:
    """What the dialog was filled in with."""

    path: Path
    target: str = ""
    pace: str = "quick"
    name: str = ""


class Begin(Dialog[str | None]):
    """Dismissed with the new session's name, once it was made; until then every error stays in the dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "Begin", id="begin.enter"),
        Binding("f1", "app.help", "Help", id="begin.help"),
    ]
    DEFAULT_CSS = """
    Begin .box { height: auto; }
    Begin .line { height: 1; margin: 1 0 0 0; }
    Begin .label { width: 9; color: $text-muted; }
    Begin Field { width: 1fr; }
    Begin .hint { height: 2; padding: 0 0 0 10; color: $text-muted; }
    Begin .below { height: 4; padding: 0 0 0 9; }
    Begin #file-hint { height: 3; padding: 0 1; color: $text-muted; }
    Begin #found { height: 4; display: none; }
    Begin #found.open { display: block; }
    Begin #pace { height: 2; width: 1fr; }
    Begin .two { height: 2; }
    Begin #problem { color: $error; text-style: bold; height: auto; max-height: 4; margin: 1 0 0 0; }
    """
    about = """A session begins with data: a table in almost any form, one row a case, or a folder of pictures or texts.
Name the column to predict, or leave it empty and be asked with the columns in sight. How a table is read is found out,
and shown first; nothing is changed in your file."""

    def __init__(self, path: str = "", target: str = "") -> None:
        super().__init__()
        self.start = (path, target)
        self._columns: list[str] = []
        self._looked_at = ""

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = "a new session"
        box.border_subtitle = "esc closes"
        with box:
            with Horizontal(classes="line"):
                yield Static("file", classes="label")
                yield Field(self.start[0], placeholder="where it lies; → completes, ↓ chooses", id="path")
            with Vertical(classes="below"):
                yield Rows((Column(flex=True),), id="found")
                yield Static(KINDS, markup=False, id="file-hint")
            with Horizontal(classes="line"):
                yield Static("target", classes="label")
                yield Field(self.start[1], placeholder="column to predict; empty: be asked", id="target")
            yield Static("", markup=False, classes="hint", id="target-hint")
            with Horizontal(classes="line two"):
                yield Static("pace", classes="label")
                yield Rows((Column(), Column(flex=True)), [Row((w, note), key=k) for k, w, note in PACES], id="pace")
            with Horizontal(classes="line"):
                yield Static("name", classes="label")
                yield Field(placeholder="of the session; empty: the file's", id="name")
            yield Static("", markup=False, id="problem")
        yield KeyLine()

    def on_resize(self) -> None:
        self._hint_target()

    def on_mount(self) -> None:
        path = self.query_one("#path", Input)
        path.focus()
        path.cursor_position = len(path.value)
        self._look()

    # -- while typing ----------------------------------------------------------------------------------------------

    @on(Input.Changed, "#path")
    def _path_typed(self) -> None:
        self._look()
        self._say("")

    def _look(self) -> None:
        """Show which paths fit, and the columns once a table is named."""
        typed = self.query_one("#path", Input).value
        found = peek.complete(typed) if typed else []
        if found == [typed]:
            found = []
        rows = self.query_one("#found", Rows)
        rows.show((Column(flex=True),), [Row((literal(path),), key=path) for path in found], 0)
        self._open_found(bool(found) and self.query_one("#path", Input).has_focus)
        wrong = peek.problem(typed)
        if typed != self._looked_at:
            self._looked_at = typed
            self._columns = [] if wrong else peek.columns(path_of(typed))
        hint = "" if self._columns else wrong if typed.strip() else KINDS
        self.query_one("#file-hint", Static).update(literal(hint))
        self._hint_target()

    @on(Input.Changed, "#target")
    def _target_typed(self) -> None:
        self._hint_target()
        self._say("")

    def _hint_target(self) -> None:
        typed = self.query_one("#target", Input).value.strip()
        fitting = [c for c in self._columns if typed.casefold() in c.casefold()]
        if typed in self._columns:
            text = "✓"
        elif typed and self._columns:
            text = "→ " + ", ".join(map(literal, fitting[:8])) if fitting else "no column has this name"
        else:
            text = self._columns_told() if self._columns else ""
        self.query_one("#target-hint", Static).update(text)

    def _columns_told(self) -> str:
        """How many columns there are, and as many of their names as stand whole in two lines."""
        width = self.query_one("#target-hint").content_size.width or 60
        names = [literal(name) for name in self._columns[: 2 * width]]
        head = f"{len(self._columns):,} column{'s' * (len(self._columns) != 1)}: "
        for shown in range(len(names), 0, -1):
            rest = len(self._columns) - shown
            text = head + ", ".join(names[:shown]) + (f" and {rest:,} more" if rest else "")
            if len(Content(text).wrap(width)) <= 2:
                return text
        return head + names[0]

    def on_key(self, event: events.Key) -> None:
        field = self.focused
        if not isinstance(field, Input):
            return
        at_end = field.cursor_position == len(field.value)
        if event.key == "right" and at_end and field.id == "path":
            event.stop()
            self._complete_path(field)
        elif event.key == "right" and at_end and field.id == "target":
            event.stop()
            fitting = [c for c in self._columns if field.value.casefold() in c.casefold()]
            if fitting:
                field.value = fitting[0]
                field.cursor_position = len(field.value)
        elif event.key == "down" and field.id == "path" and self.query_one("#found").has_class("open"):
            event.stop()
            self.query_one("#found").focus()

    def _complete_path(self, field: Input) -> None:
        """As far as all that fit agree; to the end when there is one."""
        found = peek.complete(field.value)
        if not found:
            return
        common = found[0]
        for path in found:
            while not path.casefold().startswith(common.casefold()):
                common = common[:-1]
        field.value = common if len(common) > len(field.value) else found[0]
        field.cursor_position = len(field.value)

    @on(Rows.Chosen, "#found")
    def _found_chosen(self, event: Rows.Chosen) -> None:
        field = self.query_one("#path", Input)
        field.focus()
        field.value = event.rows.rows[event.index].key
        field.cursor_position = len(field.value)

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        found = self.query_one("#found", Rows)
        inside = self.focused is found or (self.focused is not None and self.focused.id == "path")
        self._open_found(inside and bool(found.rows))

    def _open_found(self, is_open: bool) -> None:
        self.query_one("#found").set_class(is_open, "open")
        self.query_one("#file-hint").display = not is_open

    # -- beginning -------------------------------------------------------------------------------------------------

    @on(Input.Submitted)
    @on(Rows.Chosen, "#pace")
    def action_begin(self) -> None:
        path, target = self.query_one("#path", Input), self.query_one("#target", Input)
        wrong = peek.problem(path.value)
        if wrong:
            self._say(wrong)
            path.focus()
            return
        name = target.value.strip()
        if name and self._columns and name not in self._columns:
            close = next((c for c in self._columns if c.casefold() == name.casefold()), "")
            self._say(f"The table has no column “{name}”." + (f" Is it “{close}”?" if close else ""))
            target.focus()
            return
        pace = self.query_one("#pace", Rows).current
        self._say("reading the file …")
        self.rungwise.make_session(
            Beginning(path_of(path.value), name, pace.key if pace else "quick",
                      self.query_one("#name", Input).value.strip()), self,
        )  # fmt: skip

    def refuse(self, message: str) -> None:
        """Show why it could not be begun; everything typed stays."""
        self._say(message)

    def _say(self, message: str) -> None:
        self.query_one("#problem", Static).update(literal(message))
