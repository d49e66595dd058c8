"""Work under way, told by ear: seldom while it goes on, at once when it fails, and stopped in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.conductor import Measuring
from engine.ports import TrialState
from tui.desk import Opened
from tui.literal import literal
from tui.plain.spoken import progress_line, time_words, trial_name, work_title
from tui.plain.voice import Left, Voice

SILENT = 2.0  # seconds that work may take without a word: many steps take less, and naming each floods the ear
TOLD_EVERY = 15.0  # seconds between two lines about work that goes on
LOOKED_EVERY = 0.25
DEEDS = {
    "go on": "leave it to its work",
    "pause": "it waits until you say go on, and loses nothing",
    "keep the best": "end the training after this epoch, with the best so far",
    "stop": "break it off; what is finished is kept",
    "leave": "stop here; the work goes on without you",
}


@dataclass
class AtWork:
    """Waits with the person.  clock: seconds."""

    opened: Opened
    voice: Voice
    sleep: Callable[[float], None]
    clock: Callable[[], float] = time.monotonic
    hinted: bool = False  # whether it was said what ctrl+c does

    def wait(self, measuring: Measuring) -> None:
        """Until everything wanted is there, or the person decides what becomes of what failed."""
        began = self.clock()
        told: float | None = None
        while True:
            try:
                states = self.opened.trials()
                if states and all(state.status == "done" for state in states.values()):
                    break
                failed = {key: s for key, s in states.items() if s.status in ("failed", "cancelled")}
                if failed and not any(s.status in ("queued", "running") for s in states.values()):
                    self._failed(failed, measuring.measure.optional)
                    return
                told = self._tell(measuring.measure.title, states, began, told)
                self.sleep(LOOKED_EVERY)
            except KeyboardInterrupt:
                self._interrupted()
                told = self.clock()
        if told is not None:
            self.voice.say(f"Done after {time_words(self.clock() - began)}.")

    def _tell(self, title: str, states: dict[str, TrialState], began: float, told: float | None) -> float | None:
        """What is computed, once it takes a while; then, now and again, how far it is.  Returns when it last spoke."""
        now = self.clock()
        if told is None and now - began >= SILENT:
            hint = "" if self.hinted else " ctrl+c asks what to do with it."
            self.hinted = True
            self.voice.say(work_title(title, list(states.values())) + hint)
            return now
        if told is not None and now - told >= TOLD_EVERY:
            self.voice.say(f"After {time_words(now - began)}: {progress_line(states)}")
            return now
        return told

    def _interrupted(self) -> None:
        """Ask what to do with the work under way, which goes on meanwhile; the deeds are those of the app's keys."""
        self.voice.pause()
        while True:
            states = self.opened.trials()
            running = {key: s for key, s in states.items() if s.status == "running"}
            paused = [key for key, s in running.items() if s.wish == "pause"]
            learning = [key for key, s in running.items() if s.learns and s.wish in ("", "pause")]
            deeds = [deed for deed in DEEDS if deed != "pause" or (running and not paused)]
            deeds = [deed for deed in deeds if deed != "keep the best" or learning]
            self.voice.say(progress_line(states))
            for i, deed in enumerate(deeds, start=1):
                self.voice.say(f"  {i}. {deed}: {DEEDS[deed]}.")
            said = self.voice.hear("What now? (Enter goes on) ").casefold()
            deed = deeds[int(said) - 1] if said.isdecimal() and 0 < int(said) <= len(deeds) else said or "go on"
            match deed:
                case "go on":
                    self.opened.want(paused, "")
                    self.voice.say("It goes on.")
                    return
                case "pause" if "pause" in deeds:
                    self.opened.want(list(running), "pause")
                    self.voice.say("It waits, and nothing is lost. Type go on when it may.")
                case "keep the best" if learning:
                    self.opened.want(learning, "enough")
                    self.voice.say("Each training ends after its epoch, with the best so far.")
                    return
                case "stop":
                    self.opened.cancel()
                    self.voice.say("It is being stopped.")
                    return
                case "leave" | ":quit" | ":q":
                    raise Left
                case _:
                    self.voice.say(f"There is no {literal(said)} here; type one of the words above, or its number.")

    def _failed(self, failed: dict[str, TrialState], optional: bool) -> None:
        for state in failed.values():
            self.voice.say(f"{trial_name(state)}: {state.reason or 'it was stopped before it began.'}")
        ways = "retry, skip or quit" if optional else "retry or quit; the path cannot go on without it"
        while True:
            said = self.voice.hear(f"Type {ways}: ").casefold()
            if said == "retry":
                self.opened.retry(list(failed))
                return
            if said == "skip" and optional:
                for key in failed:
                    self.opened.leave_out(key)
                return
            if said in ("quit", ":quit", ":q"):
                raise Left
            self.voice.say(f"There is no {literal(said)} here." if said else "An empty line decides nothing here.")
