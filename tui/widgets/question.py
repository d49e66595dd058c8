"""One question at a time: its words, the form, the warning, the evidence, the recommendation and the why."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from engine.conductor import Asking
from engine.errors import RungwiseError
from engine.questions import Judgement, Level
from engine.records import Answer, Decision, Json
from engine.session import Session
from engine.whys import ADVICE, judge_why
from tui.figures import answered
from tui.figures import choice as words_of
from tui.literal import literal, literal_lines
from tui.widgets.evidence import Evidence
from tui.widgets.forms.base import Form
from tui.widgets.forms.registry import form_for
from tui.widgets.forms.settled import SettledForm
from tui.widgets.lines import Lines

TIGHT, WIDE = 3, 5  # lines of the why that are seen at once, below `ROOM` and from there on: as the styles say below
ROOM = 24  # lines of a question below which nothing is said twice
SIGNS = {Level.NOTE: "·", Level.FLAG: "⚑", Level.HOLD: "▲", Level.BLOCK: "✕"}
STYLES = {Level.NOTE: "$text-muted", Level.FLAG: "$warning", Level.HOLD: "bold $warning", Level.BLOCK: "bold $error"}
SAYS = {
    Level.NOTE: "note",
    Level.FLAG: "flag: recorded for the review",
    Level.HOLD: "hold: needs a why of your own",
    Level.BLOCK: "refused",
}


@dataclass(frozen=True)
class Draft:
    """What was typed for a question and not yet recorded."""

    form: Json
    why: str
    own: bool  # the why is the person's, not the suggestion

    def as_json(self) -> Json:
        return {"form": self.form, "why": self.why, "own": self.own}

    @classmethod
    def of(cls, kept: Json) -> Draft | None:
        """The draft that was kept; None for what is none."""
        if not isinstance(kept, dict) or not {"form", "why", "own"} <= set(kept):
            return None
        return cls(kept["form"], str(kept["why"]), bool(kept["own"]))


class QuestionPane(Vertical):
    """Posts `Answered` when the person records, `Drafted` whenever something changes."""

    @dataclass
    class Answered(Message):
        answer: Answer

    @dataclass
    class Drafted(Message):
        place: tuple[str, str]
        draft: Draft

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave_field", "Leave field", key_display="esc", id="question.leave",
                tooltip="Leave the field, so that letters are keys again"),
        Binding("ctrl+t", "next_view", "Next view", id="question.turn",
                tooltip="The next piece of evidence, also from within a field"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    QuestionPane { height: 1fr; }
    QuestionPane > #prompt { text-style: bold; height: auto; max-height: 4; }
    QuestionPane > #before { color: $text-muted; height: auto; max-height: 2; }
    QuestionPane > Form { max-height: 55%; margin: 1 0 0 0; }
    QuestionPane > SettledForm, QuestionPane > CostsForm { max-height: 60%; }
    QuestionPane > #warning { height: auto; min-height: 1; max-height: 4; }
    QuestionPane > #reason { height: auto; max-height: 3; }
    QuestionPane > #whybox { height: auto; max-height: 5; }
    QuestionPane.tight > #whybox, QuestionPane.tight #why { max-height: 3; }
    QuestionPane.tight > #prompt { max-height: 3; }
    QuestionPane #whylabel { width: 5; color: $text-muted; }
    QuestionPane #whybox:focus-within #whylabel { color: $primary; text-style: bold; }
    QuestionPane > #whose { height: 1; padding: 0 0 0 5; color: $text-muted; }
    QuestionPane > #problem { height: auto; max-height: 4; color: $error; text-style: bold; display: none; }
    QuestionPane > #problem.shown { display: block; }
    QuestionPane.roomy > Evidence { margin: 1 0; }
    """

    def __init__(self, asking: Asking, session: Session, taken: Sequence[Decision] = (), earlier: Sequence[str] = (),
                 draft: Draft | None = None, read_only: str = "") -> None:  # fmt: skip
        """earlier: the whys given before.  read_only: why nothing can be recorded, or empty."""
        super().__init__()
        self.asking = asking
        self.ask = asking.ask
        self.form: Form = form_for(asking.ask, session, taken)
        self.suggestion = literal_lines(asking.ask.reason.strip())
        self.earlier = earlier
        self._draft = draft
        self._own = bool(draft and draft.own)
        self._read_only = read_only
        self.begins = True  # things are being put in place: keys wait, see `tui.ahead`
        self._stands: tuple[Judgement | None, str] = (None, "")  # what was made of the answer
        self._overruled = False

    # -- layout ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield Static(literal_lines(self.ask.prompt), markup=False, id="prompt")
        if self.asking.before is not None:
            told = f"before: {answered(self.asking.before)}"
            yield Static(told + (f" — {literal(self.asking.before.why)}" if self.asking.before.why else ""),
                         markup=False, id="before")  # fmt: skip
        yield self.form
        yield Static("", markup=False, id="warning")
        yield Evidence(() if isinstance(self.form, SettledForm) else self.ask.shows)
        if self.ask.recommended not in (None, "") and self.ask.reason:
            yield Static(self._recommended(), markup=False, id="reason")  # see `_tell_reason`
        with Horizontal(id="whybox"):
            yield Static("why ▏", markup=False, id="whylabel")
            yield Lines(placeholder="one sentence of your own", id="why")
        yield Static("", markup=False, id="whose")
        yield Static("", markup=False, id="problem")

    def _put(self, where: str, content: Content) -> None:
        """Show it, where it is not shown already: an update lays the whole screen out again."""
        place = self.query_one(where, Static)
        shown = place.content
        if not isinstance(shown, Content) or (shown.plain, shown.spans) != (content.plain, content.spans):
            place.update(content)

    def _tell_reason(self) -> None:
        """Where lines are few, the reason is not said twice: it stands in the why already."""
        if self.query("#reason"):
            self._put("#reason", self._recommended(named_only=self.has_class("tight") and self._engines_words()))

    def _recommended(self, named_only: bool = False) -> Content:
        by_key = {str(o.key): o.text for o in self.ask.offered}
        recommended = self.ask.recommended
        named = by_key.get(str(recommended)) or self.form.words(recommended) or words_of(recommended)
        if recommended and (isinstance(recommended, dict) or len(named) > 60):
            named = "as shown"
        first = re.split(r"(?<=[^.\d]\.) (?=[A-Z])", self.ask.reason, maxsplit=1)[0]  # the whole of it opens the why
        said = Content.assemble(("★ recommended: ", "$accent"), (literal(named), "bold"))
        return said if named_only else Content.assemble(said, " — ", literal(first))

    def on_mount(self) -> None:
        # one handler turn later the form has its own rows and fields
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self._draft is not None:
            with contextlib.suppress(LookupError, TypeError, ValueError, AttributeError):  # of a form that has changed
                self.form.restore(self._draft.form)
            self.why.text = self._draft.why
            self.why.move_cursor(self.why.document.end)
        self.form.take_focus()
        self.begins = False
        self._renew()
        self.call_after_refresh(self._tell_cut)

    def _tell_cut(self) -> None:
        """Say what a column or the field of the why cuts off, which is known once they have their sizes."""
        self._put("#warning", self._warning(*self._stands))
        if not self.query_one("#problem").has_class("shown"):  # which says there what to write
            self._put("#whose", self._whose(self._stands[0], self._overruled))

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height >= 26, "roomy")
        self.set_class(event.size.height < ROOM, "tight")
        if not self.begins:
            self._tell_reason()
            self.call_after_refresh(self._tell_cut)

    @property
    def why(self) -> Lines:
        return self.query_one("#why", Lines)

    # -- what stands -----------------------------------------------------------------------------------------------

    def _reading(self) -> tuple[bool, Judgement | None, str]:
        """Whether the answer is the recommended one, what the guide makes of it, and what is wrong with it."""
        try:
            raw = self.form.raw()
            value = self.ask.accept(raw)  # may be written otherwise than it was recommended: a formula that was read
            return self.ask.recommended in (None, raw, value), self.ask.judge(value), ""
        except RungwiseError as problem:
            return False, None, _without_name(str(problem), self.ask.question.id)

    def _renew(self) -> None:
        """Show what follows from the answer as it stands: the warning, the suggested why, whose words it is."""
        as_advised, judgement, wrong = self._reading()
        overruled = judgement is not None and not as_advised and not self.ask.question.fact
        self._suggest(as_advised and judgement is not None)
        self._stands, self._overruled = (judgement, wrong), overruled
        self._put("#warning", self._warning(judgement, wrong))
        self._put("#whose", self._whose(judgement, overruled))
        self._tell_reason()
        self._problem("")

    def _suggest(self, fits: bool) -> None:
        """Put the suggested sentence in, or take it away, unless the person wrote."""
        if self._own:
            return
        text = self.suggestion if fits else ""
        if self.why.text.strip() != text:
            with self.prevent(TextArea.Changed):
                self.why.text = text
            self.why.move_cursor(self.why.document.start if text else self.why.document.end)  # read from its beginning
            self.call_after_refresh(self._tell_cut)

    def _warning(self, judgement: Judgement | None, wrong: str) -> Content:
        lines = [Content.styled(f"✕ {literal(wrong)}", "$error")] if wrong and self._typed() else []
        for objection in judgement.objections if judgement and self._typed() else ():
            style = STYLES[objection.level]
            lines.append(
                Content.assemble(
                    (f"{SIGNS[objection.level]} {SAYS[objection.level]} — ", style), literal(objection.message)
                )
            )
        if not lines and (note := self.form.note()):
            lines.append(Content.styled(note, "$text-muted"))
        return Content("\n").join(lines)

    def _typed(self) -> bool:
        """Whether there is anything to find wrong yet."""
        try:
            return self.form.raw() not in (None, "", [])
        except RungwiseError:
            return True

    def _whose(self, judgement: Judgement | None, overruled: bool) -> Content:
        text = self.why.text.strip()
        if not text:
            held = self._typed() and judgement is not None and bool(judgement.at(Level.HOLD))
            needs = overruled or self.ask.question.why_required or held
            return Content.styled("a why of your own is asked for here" if needs else "optional here", "$text-muted")
        if self._engines_words():
            room = TIGHT if self.has_class("tight") else WIDE
            hidden = self.why.wrapped_document.height - room if self.why.size.height else 0
            more = "" if hidden <= 0 or self.why.has_focus else f" · {hidden} more line{'s' * (hidden > 1)}: tab"
            return Content.styled(f"the guide's words, until you edit them{more}", "$text-muted")
        verdict = judge_why(text, self._asked_text(), self.earlier)
        if verdict == "ok":
            return Content.styled("✓ yours", "$success")
        return Content.styled(f"{verdict}: {ADVICE[verdict]}", "$warning")

    def _asked_text(self) -> str:
        return " ".join([self.ask.prompt, *(o.text for o in self.ask.offered), str(self.ask.recommended)])

    def _engines_words(self) -> bool:
        return bool(self.suggestion) and self.why.text.strip() == self.suggestion

    # -- recording -------------------------------------------------------------------------------------------------

    def record(self) -> None:
        """Say what stands, as an answer."""
        if self.begins:  # the draft is not there yet, and the person has not seen what would be recorded
            self.call_after_refresh(self.record)
            return
        if self._read_only:
            self._problem(self._read_only)
            return
        try:
            raw = self.form.raw()
        except RungwiseError as problem:
            self.refuse(str(problem))
            return
        author = "engine" if self._engines_words() else "person"
        why = self.ask.reason.strip() if author == "engine" else self.why.text
        self.post_message(self.Answered(Answer(raw, why, author, "person")))

    def refuse(self, message: str, *, why_needed: bool = False) -> None:
        """Show why it was not recorded, where the person can mend it."""
        _, judgement, wrong = self._reading()
        if wrong and self._typed() and _without_name(message, self.ask.question.id) == wrong:
            return  # stands above already
        for objection in judgement.objections if judgement and self._typed() else ():  # stands above already
            message = message.replace(f"{objection.message} ", "")
        self._problem(_without_name(message, self.ask.question.id))
        if why_needed and self._typed():
            self.why.focus()
        elif why_needed and not self.why.text.strip():
            self._put("#whose", Content.styled("answer above, or say here why it stays open", "$text-muted"))

    def _problem(self, message: str) -> None:
        self._put("#problem", Content(literal(message)))
        self.query_one("#problem").set_class(bool(message), "shown")

    def draft(self) -> Draft:
        return Draft(self.form.draft(), self.why.text, self._own)

    # -- listening -------------------------------------------------------------------------------------------------

    @on(Form.Changed)
    def _form_changed(self, event: Form.Changed) -> None:
        event.stop()
        self._changed()

    @on(Form.Looked)
    def _form_looked(self, event: Form.Looked) -> None:
        event.stop()
        if not self.begins:
            self._put("#warning", self._warning(*self._stands))

    @on(Form.Submitted)
    def _form_submitted(self, event: Form.Submitted) -> None:
        event.stop()
        self.record()

    @on(TextArea.Changed, "#why")
    def _why_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if not self.begins:
            self._own = bool(self.why.text.strip()) and not self._engines_words()
            self._changed()

    @on(events.DescendantFocus, "#why")
    def _why_taken_up(self) -> None:
        self.why.move_cursor(self.why.document.end)  # until then it shows its beginning

    @on(Lines.Sent, "#why")
    def _why_sent(self, event: Lines.Sent) -> None:
        event.stop()
        self.record()

    def _changed(self) -> None:
        if self.begins:
            return
        self._renew()
        self.screen.refresh_bindings()
        self.post_message(self.Drafted(self.ask.place, self.draft()))

    # -- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        typing = isinstance(self.screen.focused, Input | TextArea)
        return typing and len(self.ask.shows) > 1 if action == "next_view" else action != "leave_field" or typing

    def action_next_view(self) -> None:
        self.query_one(Evidence).turn()

    def action_leave_field(self) -> None:
        """Out of a text field, so that letters are keys again."""
        self.form.leave_field()


def _without_name(message: str, question: str) -> str:
    """The sentence without the question's id, which stands in the title already."""
    head, colon, rest = message.partition(": ")
    if colon and (head == question or head.startswith(question + ":")):
        return rest[:1].upper() + rest[1:]
    return message
