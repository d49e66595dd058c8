"""The conversation line by line is cut in the middle of a line: what was typed of it is there the next time."""

from __future__ import annotations

import builtins
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from engine.effects import Ask
from engine.records import Json
from tests.tui.scripted import ScriptedDesk, only
from tests.tui.test_plain import WHY
from tests.tui.test_plain_talk import ONE, SOME, TEXT
from tui.cli.lines import Lines
from tui.plain import Talk
from tui.plain.voice import Cut

ROOT = Path(__file__).resolve().parents[2]
HALF = "Agents call whoever is lik"


class Typing:
    """Types these lines; then the process is cut with half a line typed."""

    def __init__(self, *lines: str, half: str | None = None, desk: ScriptedDesk) -> None:
        self.desk, self.lines, self.half = desk, list(lines), half
        self.heard: list[str] = []
        self.recalled: list[str] = []
        self.talk = Talk(desk.open("churn"), self.read, self.heard.append, desk=desk, recall=self.recall)
        try:
            self.talk.hold()
        except Cut:
            assert half is not None

    def read(self, prompt: str) -> str:
        self.heard.append(prompt)
        if self.lines:
            return self.lines.pop(0)
        if self.half is None:
            raise EOFError
        raise Cut(signal.SIGTERM, self.half)

    def recall(self, line: str) -> bool:
        self.recalled.append(line)
        return True

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.heard).split())

    def decided(self) -> dict[str, Json]:
        return {d.name: (d.choice, d.why) for d in self.talk.opened.decisions()}


def test_half_a_text_is_said_and_taken_as_it_is_or_brought_back() -> None:
    desk = ScriptedDesk(only(Ask(TEXT)))
    Typing(half=HALF, desk=desk)
    again = Typing("", "", desk=desk)
    assert f"You had begun to type: {HALF}. An empty line takes it as it is; the arrow up brings it back" in again.said
    assert again.recalled == [HALF]
    assert again.decided() == {"problem.today": (HALF, "")}


def test_of_anything_but_a_text_half_a_line_is_told_and_never_taken() -> None:
    desk = ScriptedDesk(only(Ask(ONE, options=SOME, recommended="c0", reason="First.")))
    Typing(half="c1", desk=desk)
    again = Typing("", "", desk=desk)
    assert "You had begun to type: c1. The arrow up brings it back; :drop forgets it." in again.said
    assert again.decided()["q.one"][0] == "c0", "an empty line takes what is recommended, not half a word"


def test_half_a_why_is_kept_with_its_answer() -> None:
    desk = ScriptedDesk(only(Ask(ONE, options=SOME, recommended="c0", reason="First.")))
    Typing("c3", half=WHY, desk=desk)
    again = Typing("", "", desk=desk)
    assert "Kept from before: c3." in again.said
    assert f"Your why from before: {WHY.rstrip('.')}. To change it: the arrow up brings it back; :drop." in again.said
    assert "Why (Enter keeps yours): " in again.heard
    assert again.decided() == {"q.one": ("c3", WHY)}


def test_a_why_from_before_can_be_written_anew_or_forgotten() -> None:
    asks = only(Ask(ONE, options=SOME, recommended="c0", reason="First."))
    for said, why in (("Because it comes first in the list.", "Because it comes first in the list."), ("", "First.")):
        desk = ScriptedDesk(asks)
        Typing("", half="Half a thou", desk=desk)
        again = Typing("", said or ":drop", "", desk=desk)
        assert again.decided() == {"q.one": ("c0", why)}


def test_of_several_lines_the_last_half_is_kept_too() -> None:
    desk = ScriptedDesk(only(Ask(TEXT)))
    Typing(":lines", "Agents call.", half="On Mon", desk=desk)
    assert Typing("", "", desk=desk).decided() == {"problem.today": ("Agents call.\nOn Mon", "")}


def test_a_command_that_was_cut_is_not_kept() -> None:
    desk = ScriptedDesk(only(Ask(TEXT)))
    Typing(half=":jour", desk=desk)
    assert desk.draft("churn", ("problem.today", "")) is None


# -- at a terminal -----------------------------------------------------------------------------------------------------


class Terminal:
    """A terminal, and a program that has it."""

    def __init__(self, command: list[str], term: str) -> None:
        self.ours, theirs = pty.openpty()
        self.program = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=os.environ | {"TERM": term},
        )
        os.close(theirs)
        self.seen = ""

    def until(self, words: str) -> None:
        began = time.monotonic()
        while words not in self.seen:
            assert time.monotonic() - began < 120, self.seen
            self.seen += os.read(self.ours, 4096).decode(errors="replace")
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())
        self.until(keys[-4:])

    def end(self, number: int) -> int:
        self.program.send_signal(number)
        try:
            while os.read(self.ours, 4096):
                pass
        except OSError:  # it has closed it
            pass
        os.close(self.ours)
        return self.program.wait(120)


@pytest.mark.usefixtures("workers_end")
@pytest.mark.parametrize(("term", "number"), [("xterm-256color", signal.SIGTERM), ("dumb", signal.SIGHUP)])
def test_half_a_line_at_a_terminal_outlives_a_signal(tmp_path: Path, term: str, number: signal.Signals) -> None:
    data = ROOT / "tui" / "sample" / "customers.csv"
    command = [sys.executable, "-m", "tui.cli", "--store", str(tmp_path / "s.db")]
    new = Terminal([*command, "new", str(data), "--target", "churned", "--plain", "--name", "churn"], term)
    new.until("Answer: ")
    new.type(HALF)
    assert new.end(number) == 128 + number
    again = subprocess.run(
        [*command, "open", "churn", "--plain"], input="", capture_output=True, text=True, timeout=120, check=False
    )
    assert f"You had begun to type: {HALF}." in " ".join(again.stdout.split())


class Editor:
    """What readline holds of a line; a hang-up empties it."""

    def __init__(self) -> None:
        self.line = ""

    def get_line_buffer(self) -> str:
        return self.line


def test_half_a_line_outlives_a_line_that_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, editor, alarm = Lines(), Editor(), signal.getsignal(signal.SIGALRM)
    lines._editor = editor
    ear, mouth = os.pipe()  # no terminal any more

    def hangs_up(prompt: str) -> str:
        editor.line = HALF
        began = time.monotonic()
        while lines._seen != HALF:
            assert time.monotonic() - began < 60
            time.sleep(0.01)
        editor.line = ""
        raise EOFError

    monkeypatch.setattr(builtins, "input", hangs_up)
    with os.fdopen(ear) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(Cut) as cut:
            lines.read("Answer: ")
    os.close(mouth)
    assert (cut.value.number, cut.value.half) == (signal.SIGHUP, HALF)
    assert signal.getsignal(signal.SIGALRM) is alarm
