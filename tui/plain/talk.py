"""The same conversation line by line, for screen readers, dumb terminals and pipes: `rungwise open NAME --plain`.

Nothing is drawn and nothing moves: what is asked stands in lines, and a line answers it.  The conductor and the journal
are those of the app, so either can go on where the other stopped.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.conductor import Asking, Finished, Measuring, Waiting
from engine.effects import Ask
from engine.errors import DataProblem, RungwiseError, WhyNeeded
from engine.ports import TrialState
from engine.questions import Form, Judgement, Level
from engine.records import Answer, Json
from tui.desk import Opened
from tui.figures import answered, cell, interval, number
from tui.literal import literal, literal_lines
from tui.plain.spoken import ROWS, WIDTH, aloud, decision_line, named, option_line, progress_line, spoken, trial_name
from tui.plain.typed import how, typed

TOLD_EVERY = 10.0  # seconds between two lines about work that goes on
LOOKED_EVERY = 0.25
OPTIONS = 40
LEVELS = {Level.NOTE: "Note", Level.FLAG: "Flag, recorded for the review", Level.HOLD: "Hold", Level.BLOCK: "Refused"}
COMMANDS = {
    ":why": "keep asking why, one step at a time",
    ":evidence": "read out what there is to look at",
    ":options": "read out every option",
    ":ladder": "the models that earned their place so far",
    ":journal": "the decisions so far, with their numbers",
    ":back N": "go back to decision N: it is asked again on a new branch, and nothing is lost",
    ":help": "these lines, and how this question is answered",
    ":quit": "stop here; everything recorded is kept",
}
DEEDS = {
    "go on": "leave it to its work",
    "pause": "it waits until you say go on, and loses nothing",
    "keep the best": "end the training after this epoch, with the best so far",
    "stop": "break it off; what is finished is kept",
    "leave": "stop here; the work goes on without you",
}
Read = Callable[[str], str]
Write = Callable[[str], None]


class Left(Exception):
    """The person wants to stop here."""


@dataclass
class Talk:
    """A person, a line at a time.  read: the next line after a prompt; raises EOFError when there is none."""

    opened: Opened
    read: Read
    write: Write
    sleep: Callable[[float], None] = time.sleep

    def hold(self) -> bool:
        """Talk until the path is through, or the person stops; returns whether it is through."""
        o = self.opened
        self._say(f"Session {o.name}, branch {o.branch}. Type :help for what can be typed.")
        if o.read_only:
            self._say(f"It can only be read: {o.read_only_reason}")
        stage = ""
        try:
            while True:
                waiting = self._advance()
                if waiting.stage != stage:
                    stage = waiting.stage
                    title = next((s.title for s in self.opened.conductor.stages if s.name == stage), stage)
                    self.write("")
                    self._say(f"The stage “{title}” begins.")
                match waiting:
                    case Finished():
                        self._finished()
                        return True
                    case Asking() as asking:
                        self._ask(asking)
                    case Measuring() as measuring:
                        self._wait(measuring)
        except (Left, EOFError):
            self._say(f"Stopped. Everything recorded is kept; go on with: rungwise open {o.name} --plain")
            return False

    def _advance(self) -> Waiting:
        while True:
            try:
                return self.opened.advance()
            except DataProblem as problem:
                self._say(f"The path cannot go on: {problem} Type :back N to change a decision, :journal to read them.")
                self._command_only()

    def _command_only(self) -> None:
        while True:
            line = self.read("> ").strip()
            if line.startswith(":"):
                if self._command(line, None):
                    return
            else:
                self._say("Nothing is asked now. Type :back N, :journal or :quit.")

    # -- a question ------------------------------------------------------------------------------------------------

    def _ask(self, asking: Asking) -> None:
        ask = asking.ask
        self._pose(asking)
        shown = 0
        while True:
            line = self.read("Answer: ").strip()
            if line == ":why":
                shown = self._why(ask, shown)
            elif line.startswith(":"):
                if self._command(line, ask):
                    return
            elif self._answered(ask, line):
                return

    def _pose(self, asking: Asking) -> None:
        ask = asking.ask
        self.write("")
        number_ = len(self.opened.decisions()) + 1
        self._say(f"{number_}. {literal_lines(ask.prompt)}")
        if asking.before is not None:
            why = f" Why then: {asking.before.why}" if asking.before.why else ""
            self._say(f"Before: {answered(asking.before)}.{why}")
        if ask.question.form in (Form.CHOICE, Form.CHOICES):
            self._options(ask, OPTIONS)
        elif ask.question.form is Form.TABLE and ask.recommended:
            for name, value in list(ask.recommended.items())[:ROWS]:
                self._say(f"   {literal(name)} = {cell(value)}")
            self._more(len(ask.recommended), ROWS, "name")
        if ask.recommended is not None:
            self._say(f"Recommended: {named(ask, ask.recommended).rstrip('.')}. {literal_lines(ask.reason)}".strip())
        elif ask.question.form is Form.NUMBER:
            self._say(how(ask))
        if ask.shows:
            titles = "; ".join(literal(view.title) for view in ask.shows if view.title)
            self._say(f"There is to look at: {titles}. :evidence reads it out.")

    def _options(self, ask: Ask, most: int) -> None:
        for i, option in enumerate(ask.offered[:most], start=1):
            self._say(f"  {i}. {option_line(option, ask.recommended)}")
        self._more(len(ask.offered), most, "option")

    def _more(self, there: int, told: int, what: str) -> None:
        if there > told:
            self._say(f"   … and {there - told:,} more {what}s; :options reads out every one.")

    def _answered(self, ask: Ask, line: str) -> bool:
        """Whether the line was recorded as the answer."""
        if not line and ask.recommended is None:
            self._say("Nothing is recommended here, so an empty line says nothing. " + how(ask))
            return False
        try:
            raw = ask.recommended if not line else typed(ask, line)
            value = ask.accept(raw)
        except RungwiseError as problem:
            self._say(str(problem))
            return False
        judgement = ask.judge(value)
        if not self._judged(judgement):
            return False
        overruled = not ask.question.fact and ask.recommended not in (None, raw, value)
        wanted = overruled or ask.question.why_required or bool(judgement.at(Level.HOLD))
        return self._recorded(ask, raw, wanted)

    def _judged(self, judgement: Judgement) -> bool:
        for objection in judgement.objections:
            self._say(f"{LEVELS[objection.level]}: {objection.message}")
        return judgement.level is not Level.BLOCK

    def _recorded(self, ask: Ask, raw: Json, wanted: bool) -> bool:
        suggested = ask.reason.strip() if raw == ask.recommended else ""
        hint = " (Enter keeps the guide's)" if suggested else "" if wanted else " (Enter for none)"
        while True:
            why = self.read(f"Why{hint}: ").strip()
            if why in (":quit", ":q"):
                raise Left
            if why == ":again":
                return False
            author = "engine" if not why and suggested else "person"
            try:
                self.opened.answer(Answer(raw, why or suggested, author, "person"))
            except WhyNeeded as problem:
                self._say(f"{problem} Or type :again to answer otherwise.")
                continue
            except RungwiseError as problem:
                self._say(str(problem))
                return False
            self._say(f"Recorded: {named(ask, ask.accept(raw)).rstrip('.')}.")
            return True

    def _why(self, ask: Ask, shown: int) -> int:
        chain = ask.whys(self.opened.session)
        if shown >= len(chain):
            self._say("That is the whole chain; :why begins it again.")
            return 0
        question, answer, source = chain[shown]
        self._say(question)
        self._say(f"   {answer}" + (f" Source: {source.rstrip('.')}." if source else ""))
        return shown + 1

    # -- commands --------------------------------------------------------------------------------------------------

    def _command(self, line: str, ask: Ask | None) -> bool:
        """Whether what is asked has changed."""
        name, _, rest = line.partition(" ")
        match name:
            case ":quit" | ":q":
                raise Left
            case ":help" | ":h":
                if ask is not None:
                    taken = " An empty line takes the recommendation." if ask.recommended is not None else ""
                    self._say(f"{how(ask)}{taken} In plans this question is called {literal(ask.name)}.")
                for command, words in COMMANDS.items():
                    self._say(f"  {command}: {words}")
            case ":evidence" | ":e":
                self._evidence(ask)
            case ":options" | ":o" if ask is not None:
                if ask.question.form is Form.TABLE:
                    for key, value in (ask.recommended or {}).items():
                        self._say(f"   {literal(key)} = {cell(value)}")
                self._options(ask, len(ask.offered))
            case ":ladder" | ":l":
                self._ladder()
            case ":journal" | ":j":
                for decision in self.opened.decisions():
                    self._say(decision_line(decision))
            case ":back" | ":b":
                return self._back(rest)
            case _:
                self._say(f"There is no {literal(name)}; type :help.")
        return False

    def _back(self, rest: str) -> bool:
        try:
            at = int(rest)
        except ValueError:
            self._say("Type the number of the decision to go back to, such as :back 12; :journal lists them.")
            return False
        try:
            self.opened = self.opened.go_back(at)
        except RungwiseError as problem:
            self._say(str(problem))
            return False
        self._say(f"On branch {self.opened.branch} now; decision {at} is asked again. The old branch is kept.")
        return True

    def _evidence(self, ask: Ask | None) -> None:
        views = ask.shows if ask is not None else ()
        if not views:
            self._say("There is nothing to look at here.")
        for view in views:
            for line in spoken(view):
                self.write(line)

    def _ladder(self) -> None:
        rungs = self.opened.session.rungs
        if not rungs:
            self._say("No model has been measured yet.")
        for rung in rungs:
            between = f", 95 % interval {interval(rung.low, rung.high)}" if rung.low is not None else ""
            self._say(f"{rung.stage}: {literal(rung.model)}, {rung.metric} {number(rung.value)}{between}.")

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _wait(self, measuring: Measuring) -> None:
        """Until everything wanted is there, or the person decides what becomes of what failed."""
        n = len(measuring.missing)
        self._say(f"{measuring.measure.title or 'Measuring'}: {n} to compute. ctrl+c asks what to do with it.")
        told, said = time.monotonic(), ""
        while True:
            try:
                states = self.opened.trials()
                if all(state.status == "done" for state in states.values()) and states:
                    return
                failed = {key: s for key, s in states.items() if s.status in ("failed", "cancelled")}
                if failed and not any(s.status in ("queued", "running") for s in states.values()):
                    self._failed(failed, measuring.measure.optional)
                    return
                line = progress_line(states)
                if time.monotonic() - told >= TOLD_EVERY and line != said:
                    self._say(line)
                    told, said = time.monotonic(), line
                self.sleep(LOOKED_EVERY)
            except KeyboardInterrupt:
                self._interrupted()

    def _interrupted(self) -> None:
        """Ask what to do with the work under way, which goes on meanwhile; the deeds are those of the app's keys."""
        self.write("")
        while True:
            states = self.opened.trials()
            running = {key: s for key, s in states.items() if s.status == "running"}
            paused = [key for key, s in running.items() if s.wish == "pause"]
            learning = [key for key, s in running.items() if s.learns and s.wish in ("", "pause")]
            deeds = [deed for deed in DEEDS if deed != "pause" or (running and not paused)]
            deeds = [deed for deed in deeds if deed != "keep the best" or learning]
            self._say(progress_line(states))
            for i, deed in enumerate(deeds, start=1):
                self._say(f"  {i}. {deed}: {DEEDS[deed]}")
            said = self.read("What now? (Enter goes on) ").strip().casefold()
            deed = deeds[int(said) - 1] if said.isdecimal() and 0 < int(said) <= len(deeds) else said or "go on"
            match deed:
                case "go on":
                    self.opened.want(paused, "")
                    return
                case "pause" if "pause" in deeds:
                    self.opened.want(list(running), "pause")
                    self._say("It waits, and nothing is lost. Type go on when it may.")
                case "keep the best" if learning:
                    self.opened.want(learning, "enough")
                    self._say("Each training ends after its epoch, with the best so far.")
                    return
                case "stop":
                    self.opened.cancel()
                    return
                case "leave" | ":quit" | ":q":
                    raise Left
                case _:
                    self._say(f"There is no {literal(said)} here; type one of the words above, or its number.")

    def _failed(self, failed: dict[str, TrialState], optional: bool) -> None:
        for state in failed.values():
            self._say(f"{trial_name(state)}: {state.reason or 'it was stopped.'}")
        ways = "retry, skip or quit" if optional else "retry or quit; the path cannot go on without it"
        while True:
            said = self.read(f"Type {ways}: ").strip().casefold()
            if said == "retry":
                self.opened.retry(list(failed))
                return
            if said == "skip" and optional:
                for key in failed:
                    self.opened.leave_out(key)
                return
            if said in ("quit", ":quit", ":q"):
                raise Left

    def _finished(self) -> None:
        self.write("")
        self._say("The path is through.")
        self._ladder()
        self._say(f"Take it with you: rungwise export {self.opened.name} --help")

    def _say(self, text: str) -> None:
        """A text on as many lines as it needs; a continued line is set in as far as what it continues."""
        for line in aloud(text).splitlines() or [""]:
            indent = " " * (len(line) - len(line.lstrip()))
            for part in textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]:
                self.write(part)
