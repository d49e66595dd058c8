"""The end of the path: what was reached, the final exam, and where to go from here."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.metrics import title_of
from engine.models.catalogue import spec_of
from engine.records import Check, Decision
from engine.session import Rung, Session
from engine.stages.lessons import sentences
from tui.figures import interval, number
from tui.ladder import ASCII, UNICODE, Mark, drawn
from tui.literal import literal, literal_lines
from tui.widgets.keyed import Keyed


class FinishedPane(VerticalScroll):
    """Shows a session whose last stage is through."""

    DEFAULT_CSS = """
    FinishedPane { scrollbar-size-vertical: 1; background: transparent; }
    FinishedPane Static { height: auto; }
    """

    def __init__(self, session: Session, decisions: Sequence[Decision], differences: Sequence[str] = (),
                 read_only: bool = False) -> None:  # fmt: skip
        """read_only: nothing can be recorded, so no branch can be begun."""
        super().__init__()
        self.read_only = read_only
        self.session = session
        self.decisions = decisions
        self.differences = differences

    def compose(self) -> ComposeResult:
        yield Keyed("", markup=False, id="words")

    def on_mount(self) -> None:
        self.focus()

    def on_resize(self) -> None:
        self.query_one("#words", Static).update(self._content(self.content_size.width - 1))

    def _content(self, width: int) -> Content:
        s = self.session
        parts = [Content.styled("The path is walked to its end.", "bold"), Content("")]
        if s.rungs:
            pens = ASCII if getattr(self.app, "ascii_only", False) else UNICODE
            said = ", ".join(filter(None, ("the ladder", literal(title_of(s.metric)))))
            parts += [Content.styled(said, "$text-muted"),
                      drawn([_named(r) for r in s.rungs], min(width, 90), pens), Content("")]  # fmt: skip
        if (result := s.decision("present.result")) and result.check and result.check.value is not None:
            parts += [
                Content.styled("the final exam", "$text-muted"),
                _exam(result.check),
                *_against(result),
            ]
            parts.append(Content(""))
        people = sum(1 for d in self.decisions if d.author == "person")
        parts += [Content(f"{len(self.decisions)} decisions, {people} of them by a person.")]
        parts += [Content.styled(f"· {literal(text)}", "$warning") for text in self.differences]
        parts += [
            Content(""),
            Content.assemble(
                ("x", "bold $primary"), " take it with you: report, card, model, SQL, ONNX, script, notebook"
            ),
            Content.assemble(("j", "bold $primary"), " the journal, with everything that stood at each decision"),
            *(
                ()
                if self.read_only
                else (Content.assemble(("b", "bold $primary"), " back to any decision, on a branch of its own"),)
            ),
            Content.assemble(("h", "bold $primary"), " all sessions"),
            Content(""),
            Content.assemble(("rungwise predict ", "bold"), literal(s.name), f" DATA.csv -o OUT.csv{_more(s)}"),
        ]
        return Content("\n").join([*parts, *_kept(s, width)])


def _kept(s: Session, width: int) -> list[Content]:
    """The model that leaves, and what was learned, an item for each sentence, on lines of so many cells."""
    parts: list[Content] = []
    if model := s.decision("present.export"):
        parts += [Content(""), Content.styled(literal(model.prompt), "$text-muted"), Content(literal(model.why))]
    learned = s.decision("present.lessons")
    if learned and isinstance(learned.choice, str) and learned.choice.strip():
        parts += [Content(""), Content.styled("what was learned", "$text-muted")]
        parts += [line for said in sentences(learned.choice) for line in _item(literal_lines(said), width)]
    return parts


def _item(text: str, width: int) -> list[Content]:
    """The lines of one item of a list: those that follow stand under its first word."""
    first, *others = Content(text).wrap(max(20, width - 2)) or [Content("")]
    return [Content("· ") + first, *(Content("  ") + line for line in others)]


def _against(result: Decision) -> list[Content]:
    """What the figure is held against; the figure itself stands above."""
    rest = result.why.partition("; ")[2]
    return [Content(literal(rest[:1].upper() + rest[1:]))] if rest else []


def _more(s: Session) -> str:
    """What `predict` can add: reasons of models that can be read, and rows for a person where that was agreed on."""
    readable = bool(s.rungs) and spec_of(s.rungs[-1].described).readable and s.material == "table"
    return " --why" * readable + " --check" * (s.choice("present.guard") == "on")


def _named(rung: Rung) -> Mark:
    return Mark(spec_of(rung.described).title, rung.value, rung.low, rung.high)


def _exam(check: Check) -> Content:
    spread = interval(check.low, check.high)
    return Content.assemble(
        f"{literal(title_of(check.metric))} ", (number(check.value or 0.0), "bold"), f"   {spread}" if spread else "",
        (f"   {literal(check.protocol)}" if check.protocol else "", "$text-muted"),
    )  # fmt: skip
