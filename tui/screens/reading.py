"""Things to read over a question: the chain of whys, the evidence in full, and the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from engine.views import View
from tui.literal import literal, literal_lines
from tui.screens.base import Dialog
from tui.widgets.evidence import Evidence, Tabs
from tui.widgets.keyline import KeyLine
from tui.widgets.sheet import Sheet

WHYS = """One why leads to the next, with the figures of this session, and where each comes from. A question that
should wait can be parked; the list is asked for at the end of simple."""

EVIDENCE = """What was measured for this question, a view at a time. Each picture can be read as a table of its figures;
the cells that a table cuts off stand below it, for the row under the cursor."""


class Whys(Dialog[None]):
    """*Keep asking why*: one why leads to the next; each press of `w` opens one more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w,enter,space", "more", "Keep asking why", id="whys.more"),
        Binding("p", "park", "Park this question", id="whys.park",
                tooltip="Keep the last question for later; the list is asked for at the end of simple"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Whys > .box { height: 90%; }
    Whys VerticalScroll { height: 1fr; padding: 0; scrollbar-size-vertical: 1; background: transparent; }
    Whys Static { height: auto; }
    """
    about = WHYS

    def __init__(
        self, prompt: str, chain: Sequence[tuple[str, str, str]], park: Callable[[str], None] | None = None
    ) -> None:
        """chain: (question, answer, source) of each why.  park: what keeps a question for later; None: nothing can."""
        super().__init__()
        self.prompt = prompt
        self.chain = list(chain)
        self.park = park
        self.parked: set[int] = set()
        self.open = 1

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = "why"
        box.border_subtitle = f"1 of {len(self.chain)}"
        with box, VerticalScroll():
            yield Static(self._content(), markup=False, id="chain")
        yield KeyLine()

    def _content(self) -> Content:
        parts = [Content.styled(literal_lines(self.prompt), "$text-muted")]
        for n, (question, answer, source) in enumerate(self.chain[: self.open]):
            parts += [
                Content(""),
                Content.styled(f"{n + 1}  {literal(question)}", "bold $primary"),
                Content(literal_lines(answer)),
            ]
            if source:
                parts.append(Content.styled(f"source: {literal(source)}", "$text-muted"))
        if self.open < len(self.chain):
            kept = "  (parked)" if self._last in self.parked else ""
            parts += [Content(""), Content.styled(f"w  {literal(self.chain[self.open][0])}{kept}", "$accent")]
        else:
            parts += [Content(""), Content.styled("That is the whole chain.", "$text-muted")]
        return Content("\n").join(parts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "park":
            return self.park is not None and self._last not in self.parked
        return action != "more" or self.open < len(self.chain)

    @property
    def _last(self) -> int:
        """The question that stands open: the one that may be asked next, or the last one."""
        return min(self.open, len(self.chain) - 1)

    def action_park(self) -> None:
        if self.park is not None:
            self.park(self.chain[self._last][0])
            self.parked.add(self._last)
            self.query_one("#chain", Static).update(self._content())
            self.refresh_bindings()

    def action_more(self) -> None:
        if self.open < len(self.chain):
            self.open += 1
            self.query_one("#chain", Static).update(self._content())
            self.query_one(VerticalScroll).scroll_end(animate=False)
            self.query_one(".box").border_subtitle = f"{self.open} of {len(self.chain)}"
            self.refresh_bindings()


class EvidenceBox(Dialog[None]):
    """The evidence with the whole screen to itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,t,tab", "turn(1)", "Next", key_display="→", id="evidence.next"),
        Binding("left,shift+tab", "turn(-1)", "Previous", key_display="←", id="evidence.previous"),
        Binding("f", "figures", "Figures", id="evidence.figures", tooltip="The picture as a table of its figures"),
        Binding("full_stop", "columns(1)", "More columns", key_display=".", id="evidence.columns",
                tooltip="The columns of a wide table that do not fit"),
        Binding("comma", "columns(-1)", "Columns before", key_display=",", show=False, id="evidence.columns_back"),
        *(Binding(str(n), f"turn_to({n - 1})", show=False) for n in range(1, 10)),
    ]  # fmt: skip
    DEFAULT_CSS = """
    EvidenceBox > .box { width: 100%; max-width: 100%; height: 1fr; max-height: 100%; }
    """
    about = EVIDENCE

    def __init__(self, title: str, views: Sequence[View], at: int = 0) -> None:
        """at: the view that is shown first."""
        super().__init__()
        self.heading = title
        self.views = views
        self.evidence = Evidence(views, reading=True)
        self.evidence.at = at

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = Content(literal(self.heading))
        with box:
            yield self.evidence
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Tabs).at = self.evidence.at

    def action_turn(self, by: int) -> None:
        self.query_one(Evidence).turn(by)

    def action_turn_to(self, n: int) -> None:
        self.query_one(Evidence).turn_to(n)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        evidence = self.query_one(Evidence)
        if action == "turn":
            return len(self.views) > 1
        if action == "columns":
            return bool(evidence.query_one(Tabs).note)
        return action != "figures" or evidence.has_figures

    def action_figures(self) -> None:
        self.query_one(Evidence).turn_figures()

    def action_columns(self, by: int) -> None:
        self.query_one(Evidence).turn_columns(by)


class Reading(Dialog[None]):
    """Words in a box over the screen."""

    DEFAULT_CSS = """
    Reading > .box { width: 90%; max-width: 110; height: 80%; border-subtitle-color: $text-muted; }
    Reading Sheet { height: 1fr; }
    """

    def __init__(self, title: str, words: Content) -> None:
        super().__init__()
        self.heading = title
        self.words = words

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = Content(literal(self.heading))
        with box:
            yield Sheet(id="words")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(Sheet).show(lambda width: self.words)
        self.query_one(Sheet).focus()


COMMON = {
    "rows": "Move the cursor, as do pgup, pgdn, home and end",
    "app.focus_next": "The next field",
    "app.focus_previous": "The field before",
}


class Help(Dialog[None]):
    """The keys that work on the screen behind, made from its bindings."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,f1", "leave", show=False)]
    DEFAULT_CSS = """
    Help VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    Help Static { height: auto; }
    """

    def __init__(self, about: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.about = about
        self.keys = keys

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = "help"
        with box, VerticalScroll():
            yield Static(self._content(), markup=False, id="words")
        yield KeyLine()

    def on_resize(self) -> None:
        words = self.query_one("#words", Static)
        if words.content != (content := self._content()):
            words.update(content)

    def _content(self) -> Content:
        """What is said of a key stays in its own column."""
        inside = min(100, self.app.size.width * 9 // 10) - 5  # of the box: its border, its margin, the scroll bar
        width = max((Content(key).cell_length for key, _ in self.keys), default=0)
        parts = [Content(literal(" ".join(self.about.split()))), Content("")] if self.about else []
        for key, words in self.keys:
            first, *others = Content(literal(words)).wrap(max(20, inside - width - 2))
            parts.append(Content.assemble((key.rjust(width), "bold $primary"), "  ", first))
            parts += [Content(" " * (width + 2)) + line for line in others]
        return Content("\n").join(parts)


def keys_of(screen: Screen[object]) -> list[tuple[str, str]]:
    """Every key that works on a screen now, with what it does, those of the focused widget first."""
    found: dict[str, tuple[list[str], str]] = {}
    # what the screen itself offers first, then moving about; the framework's own scrolling is left out
    bindings = sorted(screen.active_bindings.values(), key=lambda active: not active.binding.show)
    for active in bindings:
        binding = active.binding
        words = active.tooltip or binding.tooltip or binding.description
        group = "rows" if str(binding.id).startswith("rows.") else binding.action
        words = COMMON.get(group, words)
        ours = binding.show or binding.id or binding.action in ("quit", "app.focus_next", "app.focus_previous")
        if active.enabled and words and ours and not binding.system:
            keys = found.setdefault(group, ([], words))[0]
            display = screen.app.get_key_display(binding)
            if group == "rows" and len(keys) == 2:  # the others are said in words
                continue
            if display not in keys:
                keys.append(display)
    return [(" ".join(keys), words) for keys, words in found.values()]
