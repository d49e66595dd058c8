"""One of several options, or several of them: a table of options with their measured figures, and search when long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from engine.effects import Ask
from engine.records import Json, Option
from tui.figures import cell
from tui.literal import literal
from tui.widgets.field import Field
from tui.widgets.forms.listed import SEARCH, UNDO, ListForm
from tui.widgets.rows import Column, Row, Rows


class ChoiceForm(ListForm):
    """The row under the cursor is the answer; a text in the last field is, where the question takes others."""

    BINDINGS: ClassVar[list[BindingType]] = [SEARCH, UNDO]

    def __init__(self, ask: Ask, several: bool = False) -> None:
        super().__init__(len(ask.offered), "options")
        self.options = ask.offered
        self.other = ask.question.other
        self.several = several
        self.recommended = ask.recommended
        self.chosen: set[int] = set()  # positions among the options
        if several and isinstance(ask.recommended, list | tuple):
            self.chosen = {i for i, option in enumerate(self.options) if option.key in ask.recommended}
        self.shown: list[int] = list(range(len(self.options)))
        self._names = _figure_names(self.options)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield from self.search_line()
        yield Rows(self._columns(), [self._row(i) for i in self.shown], id="options")
        if self.other:
            yield Field(placeholder="or write another answer", id="other", classes="beneath")

    def on_mount(self) -> None:
        start = next((n for n, i in enumerate(self.shown) if self._is_recommended(i)), 0)
        self.rows.cursor = start

    def _columns(self) -> list[Column]:
        columns = [Column(flex=True)] if not self._names else [Column("option", flex=True)]
        if not self._names:
            return [*columns, *([Column(flex=True)] if any(o.note for o in self.options) else [])]
        numeric = {n for n in self._names if any(_is_figure(o.figures.get(n)) for o in self.options)}
        return [*columns, *(Column(literal(n), right=n in numeric) for n in self._names)]

    def _row(self, i: int) -> Row:
        option = self.options[i]
        text = Content(literal(option.text))
        if self.several:
            text = Content("[x] " if i in self.chosen else "[ ] ") + text
        if self._is_recommended(i):
            text = text.stylize("bold")
        cells: list[Content | str] = [text]
        if self._names:
            cells += [cell(option.figures.get(name)) for name in self._names]
        elif any(o.note for o in self.options):
            cells.append(Content.styled(literal(option.note), "$text-muted"))
        return Row(tuple(cells), mark="★" if self._is_recommended(i) else "", key=i)

    def _is_recommended(self, i: int) -> bool:
        key = self.options[i].key
        if self.several:
            return isinstance(self.recommended, list | tuple) and key in self.recommended
        return key == self.recommended and isinstance(key, bool) == isinstance(self.recommended, bool)

    # -- the answer ------------------------------------------------------------------------------------------------

    def raw(self) -> Json:
        if self.several:
            return [self.options[i].key for i in sorted(self.chosen)]
        if self.other and (text := self.query_one("#other", Input).value.strip()):
            return text
        row = self.rows.current
        return None if row is None else self.options[row.key].key

    def note(self) -> str:
        """Its words where they do not fit the line, and what is known of it where that does not stand beside it."""
        row = self.rows.current
        if row is None:
            return ""
        option, cut = self.options[row.key], [cell for _, cell in self.rows.cut_cells()]
        words = literal(option.text) if any(cell is row.cells[0] for cell in cut) else ""
        beside = not self._names and not any(cell is row.cells[-1] for cell in cut if cell is not row.cells[0])
        return " — ".join(filter(None, (words, "" if beside else literal(option.note))))

    def draft(self) -> Json:
        other = self.query_one("#other", Input).value if self.other else ""
        row = self.rows.current
        return {"at": None if row is None else row.key, "chosen": sorted(self.chosen), "other": other}

    def restore(self, draft: Json) -> None:
        self.chosen = {i for i in draft["chosen"] if i < len(self.options)}
        if self.other:
            self.query_one("#other", Input).value = draft["other"]
        self._renew(draft["at"])

    def take_focus(self) -> None:
        self.rows.focus()

    def stands(self) -> set[int]:
        return set(self.chosen)

    def put_back(self, stood: set[int]) -> None:
        self.chosen = stood

    def draw_rows(self, searched: bool = False) -> None:
        row = self.rows.current
        self.shown = [i for i, o in enumerate(self.options) if self.finds(f"{o.text} {o.note}")]
        self._renew(row.key if row else None)
        if searched and (row is None or row.key not in self.shown):
            self.rows.cursor = 0

    def _renew(self, at: int | None = None) -> None:
        cursor = self.shown.index(at) if at in self.shown else None
        self.rows.show(self._columns(), [self._row(i) for i in self.shown], cursor)

    # -- what its parts say ----------------------------------------------------------------------------------------

    def when_moved(self) -> None:
        self.post_message(self.Looked(self) if self.several else self.Changed(self))

    def when_toggled(self, index: int) -> None:
        if not self.several:
            return
        i = self.shown[index]
        self.remember()
        self.chosen ^= {i}
        self.rows.replace(index, self._row(i))
        self.post_message(self.Changed(self))


def _figure_names(options: Sequence[Option]) -> list[str]:
    return list(dict.fromkeys(name for option in options for name in option.figures))


def _is_figure(value: Json) -> bool:
    return isinstance(value, int | float | list | tuple) and not isinstance(value, bool)
