"""The conversation line by line: the same questions, the same journal, a sentence for everything that goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.conductor import Stage
from engine.effects import Ask, Conversation, Measure
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question
from engine.records import Json, Option
from engine.session import Session
from engine.views import Bars, Table, View, Words
from tests.tui.scripted import EXAMS, PATH, ScriptedDesk, ask_rule, only
from tui.plain import Talk
from tui.plain.spoken import ROWS, spoken
from tui.plain.typed import typed

WHY = "Boosted trees gain nothing that pays for six thousand parameters in production."
BEFORE = ("", "", "Agents call whoever is likely to leave each Monday", "")  # the first stage, whys included


class Person:
    """Types these lines, and hears what is said.  broken: the trial that fails."""

    def __init__(
        self, *lines: str, stages: tuple[Stage, ...] = PATH, broken: int = -1, read_only: bool = False
    ) -> None:
        self.desk = ScriptedDesk(stages, read_only=read_only)
        self.lines, self.heard, self.broken = list(lines), [], broken
        self.talk = Talk(self.desk.open("churn"), self.read, self.heard.append, self.work)
        self.through = self.talk.hold()

    def read(self, prompt: str) -> str:
        self.heard.append(prompt)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    def work(self, seconds: float) -> None:
        """One more trial ends each time somebody waits."""
        for n, trial in enumerate(EXAMS):
            if self.desk.states[trial.key].status == "queued":
                self.desk.fail(n) if n == self.broken else self.desk.finish(n)
                return

    @property
    def said(self) -> str:
        return "\n".join(self.heard)

    def decided(self) -> dict[str, Json]:
        return {d.name: d.choice for d in self.talk.opened.decisions()}


def test_the_whole_path_by_lines() -> None:
    p = Person(*BEFORE, "", "", "1", WHY)
    assert p.through, p.said
    assert p.decided()["problem.target"] == "Churn"
    assert p.decided()["simple.champion"] == "logistic"
    for line in (
        "The stage “Simple” begins.",
        "The path is through.",
        "1. logistic, recommended: Reads",
        "Recorded: logistic.",
    ):
        assert line in p.said
    assert "Simple: Logistic regression, ROC AUC 0.846, 95 % interval 0.838 to 0.854." in p.said
    assert max(map(len, p.said.splitlines())) <= 80


def test_an_option_by_its_name_wants_a_why_of_ones_own_when_it_overrules() -> None:
    p = Person("tenure", "", "How long a customer stays is what the agents want planned.")
    assert p.decided() == {"data.scale": "standard", "problem.target": "tenure"}
    assert p.said.count("Why: ") == 2  # an empty one did not do
    assert not p.through
    assert "go on with: rungwise open churn --plain" in p.said.replace("\n", " ")


def test_what_the_guide_refuses_or_holds_is_said() -> None:
    p = Person("", "", " x", ":quit")
    assert "problem.statement" not in p.decided() or p.decided()["problem.statement"] == "x"
    held = Person(*BEFORE, "", "", "boosted trees", "no", ":again", "1", WHY)
    assert held.decided()["simple.champion"] == "logistic"
    assert "Hold: Its gain of 0.002 plus or minus 0.006 is within noise." in held.said


def test_keep_asking_why_leads_through_the_chain() -> None:
    p = Person(*BEFORE, "", "", *[":why"] * 12, ":quit")
    heard = p.said
    assert heard.index("Why this one?") < heard.index("Why not the highest score?") < heard.index("What is noise here?")
    assert "boosted trees is higher by less than its own noise." in heard
    assert "That is the whole chain; :why begins it again." in heard


def test_going_back_asks_again_on_a_branch() -> None:
    p = Person(
        *BEFORE, "", "", ":journal", ":back 2", "tenure", "Agents plan by how long a customer has stayed.", ":quit"
    )
    assert "2. Which column do you want to predict? Churn. By you." in p.said
    assert "decision 2 is asked again" in p.said
    assert p.decided()["problem.target"] == "tenure"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (":back", "Type the number of the decision"),
        (":back 99", "there is no 99"),
        (":nonsense", "There is no :nonsense"),
        (":ladder", "No model has been measured yet."),
        (":evidence", "2. 21 columns."),
        (":evidence 1", "Churn:"),
        (":help", ":back: with a number"),
    ],
)
def test_commands_answer_in_words_and_ask_again(line: str, answer: str) -> None:
    p = Person(line, "", "", ":quit")
    assert answer in p.said
    assert p.decided()["problem.target"] == "Churn"


def test_what_is_not_offered_is_said_and_asked_again() -> None:
    p = Person("Chrun", "", "", ":quit")
    assert "Did you mean Churn?" in p.said
    assert p.decided()["problem.target"] == "Churn"


def test_a_failed_trial_is_skipped_or_tried_again() -> None:
    p = Person(*BEFORE, "", "", "what", "retry", stages=(optional(),), broken=2)
    assert "The worker ran out of memory" in p.said
    assert p.said.count("Type retry, skip or quit") >= 2
    skipped = Person("skip", stages=(optional(),), broken=2)
    assert skipped.through


# -- work under way ----------------------------------------------------------------------------------------------------


class Watcher(Person):
    """Presses ctrl+c while the first exam is at work.  points: epochs that it has told of, where it trains."""

    def __init__(self, *lines: str, points: int = 0) -> None:
        self.points, self.pressed, self.wishes = points, 0, []
        super().__init__(*lines, stages=(optional(),))

    def work(self, seconds: float) -> None:
        first = EXAMS[0].key
        if not self.pressed:
            self.pressed += 1
            self.desk.run(0, 9, self.points)
            raise KeyboardInterrupt
        self.wishes.append(self.desk.states[first].wish)
        if self.desk.states[first].status == "running":
            self.desk.finish(0)
        super().work(seconds)


def test_ctrl_c_asks_and_enter_goes_on() -> None:
    p = Watcher("")
    assert p.through
    assert p.wishes[0] == ""
    assert "1. go on: leave it to its work" in p.said
    assert "keep the best" not in p.said, "only a training has a best so far"


@pytest.mark.parametrize("words", ["keep the best", "3"])
def test_a_training_is_ended_with_its_best_by_words(words: str) -> None:
    p = Watcher(words, points=9)
    assert p.through
    assert p.wishes[0] == "enough"
    assert "validation loss" in p.said or "epoch 9 of 25" in p.said


def test_a_pause_lasts_until_somebody_says_go_on() -> None:
    p = Watcher("pause", "nonsense", "go on", points=9)
    assert p.through
    assert "(paused)" in p.said
    assert "There is no nonsense here" in p.said
    assert p.said.count("2. pause:") == 1, "what is paused is not paused again"
    assert p.wishes[0] == ""


def test_stop_breaks_it_off_and_leave_leaves_it_at_work() -> None:
    stopped = Watcher("stop", "skip")
    assert "It was cancelled." in stopped.said
    assert stopped.through
    left = Watcher("leave")
    assert not left.through
    assert left.desk.states[EXAMS[0].key].status == "running"


def optional() -> Stage:
    def conversation(s: Session) -> Conversation:
        yield Measure(EXAMS, "Practice exams", optional=True)

    return Stage("simple", "Simple", conversation, ())


def test_a_session_that_only_reads_says_so() -> None:
    p = Person("", "", read_only=True)
    assert "It can only be read: another window has it open." in p.said


def test_the_end_of_the_input_stops_cleanly() -> None:
    assert not Person().through


# -- what a line means -------------------------------------------------------------------------------------------------

NAMES = (Option("a", "The first"), Option("b", "The second"), Option("3", "Three"))
COSTS = Question("q.costs", "?", Form.COSTS)
SEVERAL = Question("q.several", "?", Form.CHOICES)
ONE = Question("q.one", "?", asks="person")
TABLE = Question("q.table", "?", Form.TABLE)
NUMBER = Question("q.number", "?", Form.NUMBER)


@pytest.mark.parametrize(
    ("ask", "line", "answer"),
    [
        (Ask(ONE, options=NAMES), "the second", "b"),
        (Ask(ONE, options=NAMES), "2", "b"),
        (Ask(ONE, options=NAMES), "3", "3"),  # a key goes before a place in the list
        (Ask(SEVERAL, options=NAMES), "1, b", ["a", "b"]),
        (Ask(SEVERAL, options=NAMES), "none", []),
        (Ask(COSTS), "equal", "equal"),
        (Ask(COSTS), "false_positive = 1; false_negative = 5", {"false_positive": 1.0, "false_negative": 5.0}),
        (Ask(TABLE, recommended={"x": "number", "y": "date"}), "y = drop", {"x": "number", "y": "drop"}),
        (Ask(NUMBER), "0,5", 0.5),
        (
            ask_rule(),
            "tenure < 12 => Yes; otherwise => No",
            [{"when": "tenure < 12", "then": "Yes"}, {"otherwise": "No"}],
        ),
    ],
)  # fmt: skip
def test_lines_are_read_as_they_are_meant(ask: Ask, line: str, answer: Json) -> None:
    assert ask.accept(typed(ask, line)) == answer


@pytest.mark.parametrize(("ask", "line"), [(Ask(COSTS), "a = 1; b"), (Ask(TABLE), "= 3")])
def test_a_part_that_is_no_pair_is_named(ask: Ask, line: str) -> None:
    with pytest.raises(InvalidAnswer, match=r"each part is written name = value"):
        typed(ask, line)


def test_a_blocked_answer_is_not_recorded() -> None:
    ask = Ask(
        ONE,
        options=NAMES,
        recommended="a",
        judge=lambda c: Judgement((Objection(Level.BLOCK, "No."),) if c == "b" else ()),
    )
    p = Person("b", "a", "", stages=only(ask))
    assert "Refused: No." in p.said
    assert p.decided()["q.one"] == "a"


# -- what is read out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "lines"),
    [
        (Bars("Classes", "rows", [("yes", 3.0), ("no", 5.0)]), ["Classes:", "  yes; rows 3", "  no; rows 5"]),
        (Words("Trap", "Nothing to see."), ["Trap:", "Nothing to see."]),
        (Table("T", ("name", "x"), [("a\x1b[31m", None)]), ["T:", "  a␛[31m"]),
    ],
)
def test_views_are_read_out_line_by_line(view: View, lines: list[str]) -> None:
    assert spoken(view) == lines


def test_a_long_table_is_counted() -> None:
    assert spoken(Table("T", ("n",), [(i,) for i in range(ROWS + 7)]))[-1] == "  7 more rows."


@pytest.mark.usefixtures("workers_end")
def test_it_runs_without_a_terminal(tmp_path: Path) -> None:
    data = Path(__file__).resolve().parents[2] / "tui" / "sample" / "customers.csv"
    command = [sys.executable, "-m", "tui.cli", "--store", str(tmp_path / "s.db")]
    lines = ":help\nWe call whoever is likely to leave, every Monday morning.\n\n:quit\n"
    new = [*command, "new", str(data), "--target", "churned", "--plain", "--name", "churn"]
    first = subprocess.run(new, input=lines, capture_output=True, text=True, timeout=120, check=False)
    assert first.returncode == 130, first.stderr
    assert "called problem.statement" in first.stdout
    go_on = [*command, "open", "churn", "--plain"]
    bare = os.environ | {"PYTHONIOENCODING": "ascii"}  # a terminal that has no other letters
    again = subprocess.run(
        go_on, input=":journal\n", capture_output=True, text=True, timeout=120, check=False, env=bare
    )
    assert again.stdout.isascii()
    assert "UnicodeEncodeError" not in again.stderr
    assert "How is this decided today" in again.stdout
    assert "Traceback" not in first.stderr + again.stderr
