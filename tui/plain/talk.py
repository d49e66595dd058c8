"""The same conversation line by line, for screen readers, dumb terminals and pipes: `rungwise open NAME --plain`.

Nothing is drawn and nothing moves: what is asked stands in lines, and a line answers it.  The conductor and the journal
are those of the app, so either can go on where the other stopped.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.conductor import Asking, Finished, Measuring, Waiting
from engine.errors import DataProblem, RungwiseError
from engine.questions import Form
from tui.desk import Desk, Opened
from tui.literal import literal
from tui.plain.asked import Asked, Memory
from tui.plain.at_work import AtWork
from tui.plain.spoken import WIDTH, decision_line, decision_lines, rung_line
from tui.plain.typed import how
from tui.plain.voice import Left, Read, Voice, Write

FEW = 3  # decisions of the guide that are read out as they come; more are counted
COMMANDS = {
    ":again": "hear the question again, in full",
    ":why": "keep asking why, one step at a time",
    ":park": "keep what :why asked last for later; or :park and a question of your own",
    ":evidence": "what there is to look at, in figures: :evidence 2, :evidence all",
    ":options": "read out every option; :options and a word: those with it",
    ":lines": "write an answer or a why of several lines",
    ":undo": "take your last answer back: it is asked again on a new branch",
    ":back": "with a number, such as :back 12: go back to that decision on a new branch; nothing is lost",
    ":journal": "the decisions so far, with their numbers; :journal 12 tells one in full, :journal 12-20 some",
    ":ladder": "the models that earned their place so far",
    ":drop": "forget what was kept from before for this question",
    ":help": "these lines, and how this question is answered",
    ":quit": "stop here; everything recorded is kept",
}


@dataclass
class Talk:
    """A person, a line at a time.  read: the next line after a prompt; raises EOFError when there is none.

    desk: where what was typed and not recorded is kept.  again: the command that goes on another time.  recall: has the
    arrow up bring a line back, and says whether there is such a key.
    """

    opened: Opened
    read: Read
    write: Write
    sleep: Callable[[float], None] = time.sleep
    desk: Desk | None = None
    width: Callable[[], int] = lambda: WIDTH
    again: str = ""
    clock: Callable[[], float] = time.monotonic
    recall: Callable[[str], bool] = lambda _: False
    voice: Voice = field(init=False)
    _memory: Memory = field(default_factory=Memory, init=False)
    _heard: int = field(default=0, init=False)  # decisions that the person knows of
    _hinted: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.voice = Voice(self.read, self.write, self.width, self.recall)

    @property
    def how_to_go_on(self) -> str:
        return self.again or f"rungwise open {shlex.quote(self.opened.name)} --plain"

    def hold(self) -> bool:
        """Talk until the path is through, or the person stops; returns whether it is through."""
        self._begin()
        stage = ""
        try:
            while True:
                waiting = self._advance()
                if waiting.stage != stage and not isinstance(waiting, Finished):
                    stage = waiting.stage
                    self.voice.pause()
                    self.voice.say(f"The stage “{self._title(stage)}” begins.")
                self._tell_new()
                match waiting:
                    case Finished():
                        if self._finished():
                            return True
                    case Asking():
                        self._ask(waiting)
                    case Measuring():
                        self._wait(waiting)
        except (Left, EOFError) as ended:
            if isinstance(ended, EOFError):
                self.voice.pause()
            self.voice.say(self.farewell())
            return False

    def farewell(self) -> str:
        """One sentence for whoever leaves, whatever the way."""
        return f"Stopped. Everything recorded is kept; go on with: {self.how_to_go_on}"

    def _begin(self) -> None:
        o = self.opened
        self._heard = len(o.decisions())
        so_far = f" {self._heard} decisions so far; :journal reads them out." if self._heard else ""
        self.voice.say(
            f"Session {literal(o.name)}, branch {literal(o.branch)}.{so_far} Type :help for what can be typed."
        )
        if o.read_only:
            self.voice.say(f"It can only be read: {o.read_only_reason}")

    def _title(self, stage: str) -> str:
        return next((s.title for s in self.opened.conductor.stages if s.name == stage), stage)

    def _advance(self) -> Waiting:
        while True:
            try:
                return self.opened.advance()
            except DataProblem as problem:
                self.voice.say(
                    f"The path cannot go on: {problem} Type :back N to change a decision, :journal to read them."
                )
                self._command_only("Nothing is asked now. Type :back N, :journal or :quit.")

    def _command_only(self, otherwise: str, asked: Asked | None = None) -> None:
        while True:
            line = self.voice.hear("> ")
            if line.startswith(":") or line == "?":
                if self._command(line, asked):
                    return
            else:
                self.voice.say(otherwise)

    def _ask(self, asking: Asking) -> None:
        asked = Asked(self.opened, asking, self.voice, self.desk, self._memory, self._command)
        if self.opened.read_only:
            asked.pose()
            self._command_only(
                "This session is only read here, so nothing can be answered. Type :help or :quit.", asked
            )
            return
        asked.hold()
        self._heard = max(self._heard, len(self.opened.decisions()))

    def _wait(self, measuring: Measuring) -> None:
        work = AtWork(self.opened, self.voice, self.sleep, self.clock, self._hinted)
        work.wait(measuring)
        self._hinted = work.hinted

    def _tell_new(self) -> None:
        """What was decided since the person last heard of it, by the guide or by what was said beforehand."""
        new = list(self.opened.decisions())[self._heard :]
        self._heard += len(new)
        if len(new) > FEW:
            first, last = new[0].seq, new[-1].seq
            self.voice.say(f"Decisions {first} to {last} were taken for you; :journal {first}-{last} reads them out.")
            return
        settled = {x.decision.seq for x in self.opened.conductor.transcript if not x.ask.taken}
        for decision in new:
            self.voice.pause()
            brief = decision.author == "engine" and decision.seq in settled  # the end of the stage asks about it again
            self.voice.say(decision_line(decision, why=not brief))

    def _finished(self) -> bool:
        """Whether that is all; False when the person went back."""
        self.voice.pause()
        self.voice.say("The path is through.")
        self._ladder()
        name = shlex.quote(self.opened.name)
        self.voice.say(f"Take it with you: rungwise export {name} --help")
        while True:
            try:
                line = self.voice.hear("An empty line ends; :journal, :ladder, :back N and :help go on: ")
            except EOFError:
                self.voice.pause()
                return True
            if not line:
                return True
            try:
                if self._command(line if line.startswith(":") else f":{line}", None):
                    return False
            except Left:
                return True

    # -- commands --------------------------------------------------------------------------------------------------

    def _command(self, line: str, asked: Asked | None) -> bool:
        """Whether what is asked has changed."""
        typed, _, rest = ("help", "", "") if line == "?" else line.strip().partition(" ")
        rest = rest.strip()
        names = [name for name in COMMANDS if name == typed] or [n for n in COMMANDS if n.startswith(typed)]
        name = ":help" if line == "?" else names[0] if names and len(typed) > 1 else typed
        match name:
            case ":quit":
                raise Left
            case ":help":
                self._help(asked)
            case ":ladder":
                self._ladder()
            case ":journal":
                self._journal(rest)
            case ":back":
                return self._back(rest)
            case ":undo":
                return self._undo()
            case _ if name not in COMMANDS:
                self.voice.say(f"There is no {literal(name)}; type :help.")
            case _ if asked is None:
                self.voice.say(f"Nothing is asked now, so {name} has nothing to tell.")
            case _:
                _about(asked, name, rest)
        return False

    def _help(self, asked: Asked | None) -> None:
        if asked is not None:
            told = how(asked.ask, self.opened.session.task) + asked.empty_line()
            self.voice.say(f"{told} In plans this question is called {literal(asked.ask.name)}.")
        for command, words in COMMANDS.items():
            self.voice.say(f"  {command}: {words}.")
        self.voice.say("The first letters of a command do, such as :w for :why.")

    def _journal(self, rest: str) -> None:
        decisions = self.opened.decisions()
        first, _, last = rest.partition("-")
        if not rest:
            for decision in decisions:
                self.voice.say(decision_line(decision))
            if not decisions:
                self.voice.say("Nothing has been decided yet.")
            return
        try:
            low, high = int(first), int(last or first)
        except ValueError:
            self.voice.say("Type :journal, :journal 12 for one decision, or :journal 12-20 for some.")
            return
        found = [d for d in decisions if low <= d.seq <= high]
        if not found:
            self.voice.say(f"There is no decision {literal(rest)}; there are {len(decisions)}.")
        for decision in found:
            for line in decision_lines(decision) if len(found) == 1 else [decision_line(decision)]:
                self.voice.say(line)

    def _undo(self) -> bool:
        """Go back to the last answer of a person; a text is kept, so that it can be mended."""
        mine = [x for x in self.opened.conductor.transcript if x.decision.author == "person"]
        if not mine:
            self.voice.say("You have not answered anything yet.")
            return False
        last = max(mine, key=lambda x: x.decision.seq)
        gone = self._back(str(last.decision.seq))
        if gone and self.desk is not None and last.ask.question.form is Form.TEXT:
            draft = {"form": last.decision.choice, "why": "", "own": False}
            self.desk.keep_draft(self.opened.name, last.ask.place, draft)
        return gone

    def _back(self, rest: str) -> bool:
        try:
            at = int(rest)
        except ValueError:
            self.voice.say("Type the number of the decision to go back to, such as :back 12; :journal lists them.")
            return False
        try:
            self.opened = self.opened.go_back(at)
        except RungwiseError as problem:
            self.voice.say(str(problem))
            return False
        self._heard = len(self.opened.decisions())
        self.voice.say(
            f"On branch {literal(self.opened.branch)} now; decision {at} is asked again. The old branch is kept."
        )
        return True

    def _ladder(self) -> None:
        rungs = self.opened.session.rungs
        if not rungs:
            self.voice.say("No model has been measured yet.")
        for rung in rungs:
            self.voice.say(rung_line(rung, self._title(rung.stage)))


def _about(asked: Asked, name: str, rest: str) -> None:
    """A command about the question that is asked."""
    match name:
        case ":again":
            asked.pose(again=True)
        case ":why":
            asked.why()
        case ":park":
            asked.park(rest)
        case ":evidence":
            asked.read_evidence(rest)
        case ":options":
            asked.read_options(rest)
        case ":drop":
            asked.drop()
        case ":lines":
            asked.voice.say("Type :lines where an answer or a why is asked for.")
