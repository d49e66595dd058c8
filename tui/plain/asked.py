"""One question by ear: it is read out, a line answers it, and nothing that was typed is lost before it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.conductor import SETTLED, Asking
from engine.effects import Ask
from engine.errors import RungwiseError, WhyNeeded
from engine.questions import Form, Judgement, Level
from engine.records import Answer, Json, Option
from tui.desk import Desk, Opened
from tui.figures import answered
from tui.literal import literal, literal_lines
from tui.plain.spoken import LONG, ROWS, answer_words, named, option_line, spoken, table_lines
from tui.plain.typed import how, typed
from tui.plain.voice import Cut, Voice

OPTIONS = 12  # that are read out unasked
TITLES = 3  # of evidence
LEVELS = {Level.NOTE: "Note", Level.FLAG: "Flag, recorded for the review", Level.HOLD: "Hold", Level.BLOCK: "Refused"}
PARKED = ("improve.parked", "")  # the question whose answer is the list of what was parked
NOT_OFFERED = " is not offered; it takes "
Command = Callable[[str, "Asked"], bool]  # whether what is asked has changed


@dataclass
class Memory:
    """What the person has heard already, over all questions of a talk."""

    forms: set[Form] = field(default_factory=set)
    options: tuple[Option, ...] = ()


@dataclass
class Asked:
    """A question while it is answered.  command: what a line that begins with a colon does."""

    opened: Opened
    asking: Asking
    voice: Voice
    desk: Desk | None
    memory: Memory
    command: Command
    _shown: int = 0  # steps of the chain of whys
    _parked: str = ""  # what :park keeps

    @property
    def ask(self) -> Ask:
        return self.asking.ask

    def hold(self) -> None:
        """Until an answer is recorded, or something else is asked."""
        self.pose()
        while True:
            line = self._heard()
            if line == ":lines":
                line = self.voice.hear_lines(self._keep)
            if line.startswith(":") or line == "?":
                if self.command(line, self):
                    return
            elif self._answered(line):
                return

    def _heard(self) -> str:
        try:
            return self.voice.hear("Answer: ")
        except Cut as cut:
            if _worth_keeping(cut.half):
                self._keep(cut.half, half=True)
            raise

    # -- reading it out --------------------------------------------------------------------------------------------

    def pose(self, *, again: bool = False) -> None:
        """Read the question out.  again: because somebody wants to hear it once more, so in full."""
        ask, say = self.ask, self.voice.say
        self.voice.pause()
        say(f"{len(self.opened.decisions()) + 1}. {literal_lines(ask.prompt)}")
        if self.asking.before is not None:
            why = f" Why then: {self.asking.before.why}" if self.asking.before.why else ""
            say(f"Before: {answered(self.asking.before)}.{why}")
        if ask.question.id == SETTLED.id:
            self._settled()
        elif ask.question.form in (Form.CHOICE, Form.CHOICES):
            self._options(again)
        elif ask.question.form is Form.TABLE and ask.recommended:
            lines = list(table_lines(ask, ask.recommended))
            for line in lines[:ROWS]:
                say(line)
            self._more(len(lines), ROWS, "name")
        if ask.recommended is not None:
            text = ask.question.form is Form.TEXT and isinstance(ask.recommended, str)
            advised = literal_lines(ask.recommended) if text else named(ask, ask.recommended)
            say(f"Recommended: {advised.rstrip('.') or 'none'}. {literal_lines(ask.reason)}".strip())
        self._how(again)
        self._looks()
        if half := self._half():
            ways = "the arrow up brings it back; " if self.voice.recall(half) else ""
            ways = f"an empty line takes it as it is; {ways}" if self._kept() else ways
            say(
                f"You had begun to type: {literal_lines(half).rstrip('.')}. {(ways + ':drop forgets it.').capitalize()}"
            )
        elif kept := self._kept():
            say(f"Kept from before: {literal_lines(kept).rstrip('.')}. An empty line takes it; :drop forgets it.")

    def _how(self, again: bool) -> None:
        """How it is answered: the first time for each form, and always where a person cannot guess it."""
        form = self.ask.question.form
        if again or form not in self.memory.forms or form in (Form.NUMBER, Form.COSTS, Form.RULES):
            self.memory.forms.add(form)
            self.voice.say(how(self.ask, self.opened.session.task) + self.empty_line())

    def empty_line(self) -> str:
        """What an empty line takes."""
        taken = self._taken_by_nothing()
        if self.ask.recommended is not None:
            return " An empty line takes what is recommended."
        return "" if taken is None else f" An empty line takes {taken[1]}."

    def _settled(self) -> None:
        """The answers that the pace took in this stage, with the numbers by which one goes back to them."""
        taken = [
            x.decision
            for x in self.opened.conductor.transcript
            if x.decision.stage == self.asking.stage and x.decision.author == "engine" and not x.ask.taken
        ]
        for decision in taken:
            told = answer_words(decision)
            told = told if len(told) <= LONG else f"a text of {len(told.split())} words"
            self.voice.say(f"  {decision.seq}. {literal(decision.prompt)} {told}.")
        if taken:
            self.voice.say(f"Type :journal {taken[0].seq} to hear one in full, :back {taken[0].seq} to answer it anew.")

    def _options(self, again: bool) -> None:
        ask = self.ask
        if not again and len(ask.offered) > 1 and ask.offered == self.memory.options:
            self.voice.say(f"The same {len(ask.offered)} options as before; :options reads them out.")
            return
        self.memory.options = ask.offered
        for i, option in enumerate(ask.offered[:OPTIONS], start=1):
            self.voice.say(f"  {i}. {option_line(option, ask.recommended)}")
        self._more(len(ask.offered), OPTIONS, "option")

    def _more(self, there: int, told: int, what: str) -> None:
        if there > told:
            ways = ":options reads out every one, :options and a word those with it"
            self.voice.say(f"  And {there - told:,} more {what}{'s' * (there - told > 1)}; {ways}.")

    def read_options(self, words: str) -> None:
        """Every option, or those in which the words occur; of a table its names."""
        ask, found = self.ask, 0
        if ask.question.form is Form.TABLE:
            for line in table_lines(ask, ask.recommended or {}):
                if words.casefold() in line.casefold():
                    found += 1
                    self.voice.say(line)
        for i, option in enumerate(ask.offered, start=1):
            if words.casefold() in f"{option.text} {option.key}".casefold():
                found += 1
                self.voice.say(f"  {i}. {option_line(option, ask.recommended)}")
        if not found:
            self.voice.say(f"Nothing here has “{literal(words)}” in it." if words else "There are no options here.")

    def _looks(self) -> None:
        titles = [literal(view.title) for view in self.ask.shows if view.title]
        if not titles:
            return
        more = f" and {len(titles) - TITLES} more" if len(titles) > TITLES else ""
        self.voice.say(f"To look at: {'; '.join(titles[:TITLES])}{more}. :evidence reads it out.")

    def read_evidence(self, which: str) -> None:
        """The one piece there is, the titles of several, one of them by its number, or all."""
        views = self.ask.shows
        whole = which.endswith(" all")
        number = which.removesuffix(" all").strip()
        if not views:
            self.voice.say("There is nothing to look at here.")
        elif number.isdecimal() and 0 < int(number) <= len(views):
            self._read([int(number)], whole)
        elif number == "all" or (not number and len(views) == 1):
            self._read(range(1, len(views) + 1), whole=False)
        elif number:
            there = f"are {len(views)} pieces" if len(views) > 1 else "is one piece"
            self.voice.say(f"There {there} of evidence; type :evidence 1, or :evidence all.")
        else:
            for n, view in enumerate(views, start=1):
                self.voice.say(f"  {n}. {literal(view.title)}.")
            self.voice.say("Type :evidence and a number, or :evidence all.")

    def _read(self, numbers: range | list[int], whole: bool) -> None:
        for n in numbers:
            lines = spoken(self.ask.shows[n - 1], 10**6) if whole else spoken(self.ask.shows[n - 1])
            for line in lines:
                self.voice.say(line)
            if lines[-1].endswith(" more rows.") and not whole:
                self.voice.say(f"  Type :evidence {n} all to hear every row.")

    # -- asking why ------------------------------------------------------------------------------------------------

    def why(self) -> None:
        """The next step of the chain."""
        chain = self.ask.whys(self.opened.session)
        if self._shown >= len(chain):
            self._shown = 0
            self.voice.say("That is the whole chain; :why begins it again.")
            return
        question, answer, source = chain[self._shown]
        self._shown, self._parked = self._shown + 1, question
        self.voice.say(f"{self._shown} of {len(chain)}. {question}")
        self.voice.say(f"  {answer}" + (f" Source: {source.rstrip('.')}." if source else ""))

    def park(self, words: str) -> None:
        """Keep a question for the list that the end of the simple stage asks for: its draft, from now on."""
        question = words or self._parked
        if not question:
            self.voice.say("Type :park and the question, or :why first: :park keeps what it asked last.")
        elif self.desk is None or self.opened.read_only:
            self.voice.say("Nothing can be kept here: this session is only read.")
        else:
            before = _text(self.desk.draft(self.opened.name, PARKED))
            parked = f"{before}\n{question} ({self.ask.name})".lstrip()
            self.desk.keep_draft(self.opened.name, PARKED, {"form": parked, "why": "", "own": False})
            self.voice.say(f"Parked: {question} The end of the stage “Simple model” asks what becomes of it.")

    # -- the answer ------------------------------------------------------------------------------------------------

    def _taken_by_nothing(self) -> tuple[Json, str] | None:
        """The answer that an empty line gives where nothing is recommended, and its words; None where it gives none."""
        q = self.ask.question
        if q.form is Form.NUMBER and q.default is None:
            return None, "none"
        if q.form is Form.TEXT:  # what only a person can say is not said by a key pressed too often
            return None
        return None if q.default is None else (q.default, named(self.ask, q.default))

    def _answered(self, line: str) -> bool:
        """Whether the line was recorded as the answer, or something else is asked now."""
        ask = self.ask
        kept = "" if line else self._kept()
        line = line or kept
        taken = self._taken_by_nothing()
        if not line and ask.recommended is None and taken is None:
            self.voice.say(f"Nothing is recommended here, so an empty line says nothing. {how(ask)}")
            return False
        try:
            if line:
                raw = typed(ask, line)
            else:
                raw = ask.recommended if ask.recommended is not None or taken is None else taken[0]
            value = ask.accept(raw)
        except RungwiseError as problem:
            self.voice.say(self._sentence(problem, line))
            return False
        if kept or not line:
            self.voice.say(f"You take: {named(ask, value).rstrip('.')}.")
        judgement = ask.judge(value)
        if not self._judged(judgement):
            return False
        overruled = not ask.question.fact and ask.recommended not in (None, raw, value)
        wanted = overruled or ask.question.why_required or bool(judgement.at(Level.HOLD))
        if line:
            self._keep(line, self._kept_why())
        return self._recorded(raw, wanted, said=bool(kept or not line))

    def _judged(self, judgement: Judgement) -> bool:
        for objection in judgement.objections:
            self.voice.say(f"{LEVELS[objection.level]}: {objection.message}")
        return judgement.level is not Level.BLOCK

    def _recorded(self, raw: Json, wanted: bool, said: bool) -> bool:
        """Ask why, and record.  said: whether the answer was read out just now."""
        ask = self.ask
        suggested = ask.reason.strip() if raw == ask.recommended else ""
        if begun := self._kept_why():
            ways = " the arrow up brings it back;" if self.voice.recall(begun) else ""
            self.voice.say(f"Your why from before: {literal_lines(begun).rstrip('.')}. To change it:{ways} :drop.")
        while True:
            why = self._heard_why(suggested, wanted)
            if why in (":again", ":a"):
                self.voice.say("Answer anew.")
                return False
            if why.startswith(":"):
                if self.command(why, self):
                    return True
                continue
            why = why or self._kept_why()
            author = "engine" if not why and suggested else "person"
            try:
                self.opened.answer(Answer(raw, why or suggested, author, "person"))
            except WhyNeeded as problem:
                self.voice.say(f"{self._sentence(problem)} Or type :again to answer otherwise.")
                self._keep_why("")
                continue
            except RungwiseError as problem:
                self.voice.say(self._sentence(problem))
                return False
            self._keep(None)
            self.voice.say("Recorded." if said else f"Recorded: {self._short(ask.accept(raw))}.")
            return True

    def _heard_why(self, suggested: str, wanted: bool) -> str:
        """The line that says why, or the several; what is typed when the process is cut is kept."""
        begun = self._kept_why()
        hint = "Enter keeps yours" if begun else "Enter keeps the guide's" if suggested else "Enter for none"
        try:
            why = self.voice.hear("Why: " if wanted and not suggested and not begun else f"Why ({hint}): ")
            return self.voice.hear_lines(self._keep_why) if why == ":lines" else why
        except Cut as cut:
            if _worth_keeping(cut.half):
                self._keep_why(cut.half)
            raise

    def _short(self, value: Json) -> str:
        """What was recorded, in few words: a long text was heard, or typed, just now."""
        words = named(self.ask, value).rstrip(".")
        return words if len(words) <= LONG else f"a text of {len(words.split())} words"

    def _sentence(self, problem: RungwiseError, line: str = "") -> str:
        """What was wrong with a line, without the question's name: it was read out just now."""
        said = str(problem).removeprefix(f"{self.ask.name}: ").removeprefix(f"{self.ask.question.id}: ")
        if NOT_OFFERED in said and self.ask.question.form is not Form.NUMBER:  # what it takes is told as plans write it
            came, _, fits = said.partition(NOT_OFFERED)
            came = came if came[:1] in "'\"" else f"“{literal(line)}”"
            near = fits.partition("; did you mean ")[2]
            said = f"{came} is not offered. {f'Did you mean {near}' if near else self._what_fits()}"
        return said[:1].upper() + said[1:]

    def _what_fits(self) -> str:
        q = self.ask.question
        if q.form is Form.TABLE and q.options:
            return f"Each of them is one of {', '.join(literal(o.text) for o in q.options)}."
        more = " :options reads them out." if q.form in (Form.CHOICE, Form.CHOICES) else ""
        return how(self.ask, self.opened.session.task) + more

    # -- what was typed and is not recorded ------------------------------------------------------------------------

    def _keep(self, line: str | None, why: str = "", *, half: bool = False) -> None:
        """Keep a line for whoever comes back to this question, in the app too where it is a text; None: nothing.

        half: the line was cut while it was typed.
        """
        if self.desk is None or self.opened.read_only:
            return
        text = self.ask.question.form is Form.TEXT
        content: dict[str, Json] = {"form": line, "why": why, "own": bool(why)} if text else {"line": line, "why": why}
        if half:
            content["half"] = True
        self.desk.keep_draft(self.opened.name, self.ask.place, None if line is None else content)

    def _draft(self) -> dict[str, Json]:
        if self.desk is None or self.opened.read_only:
            return {}
        draft = self.desk.draft(self.opened.name, self.ask.place)
        return dict(draft) if isinstance(draft, dict) else {}

    def _kept(self) -> str:
        """The line that an empty one takes: of a line that was cut only a text, which is said before."""
        draft = self._draft()
        if self.ask.question.form is Form.TEXT:
            text = _text(draft)
            return "" if text == (self.ask.recommended or "") else text
        return "" if draft.get("half") else str(draft.get("line", ""))

    def _half(self) -> str:
        """The line that was cut."""
        draft = self._draft()
        return (_text(draft) or str(draft.get("line", ""))) if draft.get("half") else ""

    def _kept_why(self) -> str:
        """The why that was being written."""
        draft = self._draft()
        return str(draft.get("why", "")).strip() if draft.get("own", True) else ""

    def _keep_why(self, why: str) -> None:
        """Beside the answer that is kept; of a text that was taken as recommended, beside that."""
        draft = self._draft()
        line = draft.get("form", draft.get("line")) or (
            self.ask.recommended if self.ask.question.form is Form.TEXT else ""
        )
        self._keep(line if isinstance(line, str) else "", why)

    def drop(self) -> None:
        """Forget what was kept."""
        something = self._kept() or self._half() or self._kept_why()
        self.voice.say("It is forgotten." if something else "Nothing is kept here.")
        self._keep(None)


def _text(draft: Json) -> str:
    """The text of a draft, from here or from the app."""
    form = draft.get("form") if isinstance(draft, dict) else None
    return form.strip() if isinstance(form, str) else ""


def _worth_keeping(half: str) -> bool:
    """Of a line that was cut: a command is typed again sooner than it is read out."""
    return bool(half.strip()) and not half.lstrip().startswith((":", "?"))
