"""What each kind of mistake costs: a table of costs, or that it is unknown, or equal."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.records import Json
from engine.session import Session
from tui.literal import literal
from tui.widgets.field import Field
from tui.widgets.forms.base import Form
from tui.widgets.forms.text import as_number
from tui.widgets.rows import Column, Row, Rows

KINDS = (
    ("unknown", "I do not know", "nothing is assumed"),
    ("equal", "Every mistake costs the same", ""),
    ("table", "I know them, or their ratio", "write them below"),
)
FIELDS = {
    "binary": (
        ("false_positive", "a false alarm", "said “{positive}”, was not"),
        ("false_negative", "a missed case", "was “{positive}”, not said"),
    ),
    "regression": (
        ("under", "one unit too low", "predicted less than it was"),
        ("over", "one unit too high", "predicted more than it was"),
    ),
}
FIELDS["forecast"] = FIELDS["regression"]
MOST_CLASSES = 6  # that stand side by side at 80 columns; costs of more are typed in one line


class CostsForm(Form):
    DEFAULT_CSS = """
    CostsForm { overflow-y: auto; scrollbar-size-vertical: 1; }
    CostsForm .name { width: 18; padding: 0 0 0 3; }
    CostsForm .cost { width: 14; }
    CostsForm .hint { width: 1fr; padding: 0 1; color: $text-muted; }
    CostsForm #costs { height: auto; overflow-x: auto; scrollbar-size-horizontal: 1; }
    CostsForm .matrix { width: auto; }
    CostsForm .actual { width: 18; padding: 0 1 0 3; }
    CostsForm .said { width: 9; padding: 0 1; color: $text-muted; }
    CostsForm .pair { width: 8; margin: 0 1 0 0; }
    """

    def __init__(self, ask: Ask, session: Session) -> None:
        super().__init__()
        self.fields = FIELDS.get(session.task, ())
        classes = [str(label) for label in ask.facts.get("classes") or ()]
        self.labels = classes if 2 < len(classes) <= MOST_CLASSES and not any("." in c for c in classes) else []
        self.positive = str(session.choice("problem.positive", default="yes") or "yes")
        self.start = next((i for i, kind in enumerate(KINDS) if kind[0] == ask.recommended), 0)
        self.recommended = ask.recommended

    def words(self, answer: Json) -> str:
        return next((words for key, words, _ in KINDS if key == answer), "")

    def compose(self) -> ComposeResult:
        rows = [Row((words, note), mark="★" if key == self.recommended else "", key=key) for key, words, note in KINDS]
        yield Rows((Column(), Column(flex=True)), rows, id="kind")
        with Vertical(id="costs"):
            for key, words, hint in self.fields:
                with Horizontal(classes="line"):
                    yield Static(words, markup=False, classes="name")
                    yield Field(classes="cost", id=key, placeholder="1")
                    yield Static(hint.format(positive=literal(self.positive)), markup=False, classes="hint")
            if self.labels:
                yield from self._matrix()
            elif not self.fields:
                yield Field(placeholder="actual.predicted = cost, …, otherwise = 1", id="table", joined=", ")

    def _matrix(self) -> ComposeResult:
        """A line for each actual class, a field for each that may be said instead; what is left empty costs 1."""
        with Horizontal(classes="line matrix"):
            yield Static("was ↓   said →", markup=False, classes="actual hint")
            for said in _told_apart(self.labels, 7):
                yield Static(said, markup=False, classes="said")
        for i, actual in enumerate(_told_apart(self.labels, 13)):
            with Horizontal(classes="line matrix"):
                yield Static(actual, markup=False, classes="actual")
                for j in range(len(self.labels)):
                    if i == j:
                        yield Static("   –", markup=False, classes="said")
                    else:
                        yield Field(classes="pair", id=f"pair-{i}-{j}", placeholder="1")

    def _typed_matrix(self) -> dict[str, Json]:
        costs: dict[str, Json] = {}
        pairs = [(i, j) for i in range(len(self.labels)) for j in range(len(self.labels)) if i != j]
        for i, j in pairs:
            text = self.query_one(f"#pair-{i}-{j}", Input).value.strip()
            if text:
                name = f"{self.labels[i]}.{self.labels[j]}"
                costs[name] = as_number(text, name)
        if not costs:
            raise InvalidAnswer("Write what at least one mistake costs; what is left empty costs 1.")
        return costs if len(costs) == len(pairs) else {**costs, "otherwise": 1.0}

    def on_mount(self) -> None:
        self.rows.cursor = self.start
        self._show_fields()

    def _show_fields(self) -> None:
        self.query_one("#costs").display = self._kind == "table"

    @property
    def _kind(self) -> str:
        row = self.rows.current
        return row.key if row else "unknown"

    def raw(self) -> Json:
        if self._kind != "table":
            return self._kind
        if self.fields:
            typed = {key: self.query_one(f"#{key}", Input).value.strip() for key, _, _ in self.fields}
            if not all(typed.values()):
                missing = next(words for key, words, _ in self.fields if not typed[key])
                raise InvalidAnswer(f"Write what {missing} costs; a ratio is enough, such as 1 and 5.")
            return {key: as_number(text, key) for key, text in typed.items()}
        return self._typed_matrix() if self.labels else _table(self.query_one("#table", Input).value)

    def draft(self) -> Json:
        return [self.rows.cursor, *super().draft()]

    def restore(self, draft: Json) -> None:
        self.rows.cursor = draft[0]
        super().restore(draft[1:])
        self._show_fields()

    # -- what its parts say ----------------------------------------------------------------------------------------

    def when_moved(self) -> None:
        self._show_fields()
        self.post_message(self.Changed(self))

    def when_chosen(self) -> None:
        empty = [field for field in self.query(Input) if not field.value.strip()]
        if self._kind == "table" and empty and (not self.labels or len(empty) == len(self.query(Input))):
            empty[0].focus()
        else:
            super().when_chosen()

    def when_sent(self, field: Input | TextArea) -> None:
        fields = list(self.query(Input))
        at = next(i for i, one in enumerate(fields) if one is field)
        after = fields[at + 1 :]
        later = after if self.labels else [one for one in after if not one.value.strip()]
        if later:
            later[0].focus()
        else:
            super().when_sent(field)


def _told_apart(names: Sequence[str], width: int) -> list[Content]:
    """Each name in so many cells: its beginning, or its end where their beginnings are alike."""
    whole = [Content(literal(name)) for name in names]
    fronts = [name.truncate(width, ellipsis=True) for name in whole]
    if len({name.plain for name in fronts}) == len(names):
        return fronts
    return [name if name.cell_length <= width else Content("…") + _end(name, width - 1) for name in whole]


def _end(name: Content, width: int) -> Content:
    """The last signs that fit so many cells."""
    at = 0
    while name[at:].cell_length > width:
        at += 1
    return name[at:]


def _table(text: str) -> dict[str, Json]:
    """`a.b = 3, otherwise = 1` as a table.  Raises InvalidAnswer."""
    costs: dict[str, Json] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = part.rpartition("=")
        if not sign:
            raise InvalidAnswer(f"“{literal(part)}”: write actual.predicted = cost, separated by commas.")
        costs[name.strip()] = as_number(value, name.strip())
    if not costs:
        raise InvalidAnswer("Write actual.predicted = cost, separated by commas.")
    return costs
