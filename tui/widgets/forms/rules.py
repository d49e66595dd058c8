"""A rule of thumb: SQL conditions, first match wins; each is checked while it is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.records import Json
from engine.session import Session
from tui.widgets.field import Field
from tui.widgets.forms.base import Form
from tui.widgets.forms.text import as_number


class RulesForm(Form):
    """Lines of `when … then …`, and an optional `otherwise`.  All empty means that there is no rule."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "add", "Another condition", id="rules.add"),
    ]
    DEFAULT_CSS = """
    RulesForm { overflow-y: auto; scrollbar-size-vertical: 1; }
    RulesForm .when { width: 1fr; }
    RulesForm .then { width: 16; }
    RulesForm #rules { height: auto; max-height: 8; overflow-y: auto; }
    RulesForm .word { width: 10; color: $text-muted; }
    RulesForm .arrow { width: 8; color: $text-muted; padding: 0 1; }
    """

    def __init__(self, ask: Ask, session: Session) -> None:
        super().__init__()
        self.ask = ask
        self.number = not session.classifies
        self.positive = str(session.choice("problem.positive", default="") or "")

    def compose(self) -> ComposeResult:
        with Vertical(id="rules"):
            yield self._line(0)
        with Horizontal(classes="line"):
            yield Static("otherwise", markup=False, classes="word")
            yield Field(placeholder=self._then_hint("the other class"), id="otherwise")
        yield Static("SQL on the columns, e.g.  tenure < 12 AND Contract = 'Month-to-month'", markup=False,
                     classes="label")  # fmt: skip

    def _line(self, n: int) -> Horizontal:
        then = "" if self.number else self.positive
        return Horizontal(
            Static("when" if n == 0 else "or when", markup=False, classes="word"),
            Field(placeholder="no rule" if n == 0 else "SQL condition", classes="when"),
            Static("then", markup=False, classes="arrow"),
            Field(then, placeholder=self._then_hint("class"), classes="then"),
            classes="line",
        )

    def _then_hint(self, words: str) -> str:
        return "a number" if self.number else words

    async def action_add(self) -> None:
        lines = self.query_one("#rules", Vertical)
        await lines.mount(self._line(len(lines.children)))
        lines.children[-1].query_one(".when", Input).focus()

    def raw(self) -> Json:
        rules: list[dict[str, Json]] = []
        for line in self.query_one("#rules", Vertical).children:
            when = line.query_one(".when", Input).value.strip()
            then = line.query_one(".then", Input).value.strip()
            if when:
                rules.append({"when": when, **({"then": self._value(then)} if then else {})})
        otherwise = self.query_one("#otherwise", Input).value.strip()
        if otherwise and not rules:
            raise InvalidAnswer("There is no condition before “otherwise”: write one, or empty that field.")
        if otherwise:
            rules.append({"otherwise": self._value(otherwise)})
        return rules

    def _value(self, text: str) -> Json:
        return as_number(text, "problem.rule") if self.number else text

    def note(self) -> str:
        try:
            rules = self.ask.accept(self.raw())
        except InvalidAnswer:
            return ""  # said by the screen, which reads the answer too
        return f"✓ {len(rules)} condition{'s' if len(rules) != 1 else ''} can be read" if rules else "no rule"

    def restore(self, draft: Json) -> None:
        async def put_back() -> None:
            while len(self.query(Input)) < len(draft):
                await self.action_add()
            super(RulesForm, self).restore(draft)

        self.call_later(put_back)
