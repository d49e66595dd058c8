"""What a listener hears and can do at a question, while work goes on, and when it all ends early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Json, Option
from engine.views import Bars, Curves, Table
from tests.tui.scripted import ScriptedDesk, ask_rule, only
from tests.tui.test_plain import BEFORE, NUMBER, WHY, Person, optional
from tui.plain import Talk
from tui.plain.spoken import aloud, option_line, spoken, time_words
from tui.plain.typed import how, typed
from tui.plain.voice import Voice

ROOT = Path(__file__).resolve().parents[2]
TYPES = Question(
    "data.types",
    "Is each column what I think it is?",
    Form.TABLE,
    asks="person",
    options=(Option("number", "number"), Option("yes_no", "yes/no"), Option("category", "category")),
)
LOAD = Question("data.load", "This is what I read. Right?", Form.TABLE, asks="person")
MINUTES = Question("problem.budget", "How long?", Form.NUMBER, asks="person", unit="ms", low=0, default=None)
TEXT = Question("problem.today", "How is this decided today?", Form.TEXT, asks="person", default="not stated")
ONE = Question("q.one", "Which one?", asks="person")
TWO = Question("q.two", "And which one now?", asks="person")
SOME = tuple(Option(f"c{n}", f"Column {n}") for n in range(30))


class Kept(Person):
    """A person whose half-typed answers are kept.  desk: one that others have used."""

    def __init__(self, *lines: str, asks: tuple[Ask, ...] = (), desk: ScriptedDesk | None = None) -> None:
        self.desk = desk or (ScriptedDesk(only(*asks)) if asks else ScriptedDesk())
        self.lines, self.heard, self.broken = list(lines), [], -1
        self.talk = Talk(self.desk.open("churn"), self.read, self.heard.append, self.work, desk=self.desk)
        self.through = self.talk.hold()


# -- what is read out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "heard"),
    [
        ("linear −0.0004 (−0.0012 … +0.0043)", "linear minus 0.0004 (minus 0.0012 to +0.0043)"),
        ("gain -0.04 ± 0.03", "gain minus 0.04 plus or minus 0.03"),
        ("takes 13.4× as long", "takes 13.4 times as long"),
        ("40 → 64 → 2", "40 to 64 to 2"),
        ("p·(1 − p)", "p times (1 minus p)"),
        ("2021-05-03, zip 12345-6789, a-1", "2021-05-03, zip 12345-6789, a-1"),  # nothing is subtracted there
        ("≥ 5 · ≤ 9", "at least 5, at most 9"),
    ],
)
def test_signs_are_said_in_words(shown: str, heard: str) -> None:
    assert aloud(shown) == heard


def test_an_option_is_told_with_its_units_and_without_its_key() -> None:
    option = Option("logistic", "Logistic regression", "Reads itself", {"params": 1035, "p95 ms": 0.4, "fit s": 0.07})
    line = option_line(option, "logistic")
    assert line.startswith("Logistic regression, recommended: Reads itself. 1,035 parameters, 95 of 100 answers within")
    assert "0.4 milliseconds" in line
    assert line.endswith("fitted in 0.07 seconds.")
    assert "(logistic)" not in line


def test_a_table_of_roles_is_told_role_by_role() -> None:
    p = Person(":quit", stages=only(Ask(TYPES, recommended={"x": "number", "y": "yes_no", "z": "number"})))
    assert "  number: x, z.\n  yes/no: y." in p.said
    assert "yes_no" not in p.said


def test_a_role_is_given_by_its_words_whatever_the_case_of_the_column() -> None:
    ask = Ask(TYPES, recommended={"Age": "number", "Gone": "category"})
    assert ask.accept(typed(ask, "gone = yes/no")) == {"Age": "number", "Gone": "yes_no"}


def test_what_cannot_be_seen_has_a_name_and_nothing_is_none() -> None:
    p = Person("", "", stages=only(Ask(LOAD, recommended={"separator": ",", "dates": {}, "compression": ""})))
    for line in ("separator = , (a comma).", "dates = none.", "compression = none.", "You take: as read out."):
        assert line in p.said
    q = Person("", "", ":journal", stages=p.desk.stages)
    assert "1. This is what I read. Right? separator = a comma. By you." in q.said
    assert "{}" not in p.said + q.said


def test_a_long_text_that_is_recommended_is_read_out_once_and_in_full() -> None:
    text = " ".join(f"word{n}" for n in range(60))
    p = Person("", "", stages=only(Ask(TEXT, recommended=text, reason="Drawn from the journal.")))
    assert p.said.count("word59") == 1
    assert "You take: as read out." in p.said


def test_none_empties_a_value_whatever_it_is() -> None:
    ask = Ask(LOAD, recommended={"quote": '"', "dates": {"a": "%Y"}, "compression": None, "rows": 5})
    line = "quote = none; dates = None; compression = none"
    assert typed(ask, line) == {"quote": "", "dates": {}, "compression": None, "rows": 5}


def test_of_a_long_line_points_from_its_beginning_to_its_end_are_told() -> None:
    lines = spoken(Curves("Loss", "epoch", "loss", {"net": [(n, 1 / (n + 1)) for n in range(200)]}))
    assert "epoch 0" in lines[1]
    assert "epoch 199" in lines[-2]
    assert lines[-1] == "  180 more rows."


def test_signs_in_cells_are_said_in_words() -> None:
    table = Table("21 columns", ("", "type", "of use"), [("± gender", "yes/no", "✗"), ("a customer", "category", "✓")])
    assert spoken(table)[1:] == ["  gender; type: yes/no; of use: no", "  customer; type: category; of use: yes"]


def test_an_empty_table_says_so() -> None:
    assert spoken(Table("Slices", ("n",), [])) == ["Slices:", "  none."]


def test_a_long_list_is_begun_and_searched() -> None:
    p = Person(":options 17", ":options nothing like it", ":quit", stages=only(Ask(ONE, options=SOME)))
    assert p.said.count("Column 1") == 4  # 1, 10, 11 and the one that was asked for
    assert "And 18 more options" in p.said
    assert "  18. Column 17." in p.said
    assert "Nothing here has “nothing like it” in it." in p.said


def test_the_same_options_are_not_read_out_twice_unless_asked_for() -> None:
    asks = (Ask(ONE, options=SOME[:3]), Ask(TWO, options=SOME[:3]))
    p = Person("1", "", ":again", ":quit", stages=only(*asks))
    first, _, later = p.said.partition("And which one now?")
    assert first.count("Column 2") == 1
    assert "The same 3 options as before" in later
    assert later.count("Column 2") == 1, "it was asked for"


def test_evidence_is_listed_then_read_piece_by_piece() -> None:
    views = (Bars("Classes", "rows", [("yes", 3.0)]), Table("Rows", ("n",), [(n,) for n in range(25)]))
    p = Person(
        ":evidence", ":evidence 2", ":evidence 2 all", ":evidence 9", ":quit", stages=only(Ask(ONE, shows=views))
    )
    assert "  1. Classes.\n  2. Rows.\nType :evidence and a number" in p.said
    assert p.said.count("  n 24") == 1
    assert "  5 more rows.\n  Type :evidence 2 all to hear every row." in p.said
    assert "There are 2 pieces of evidence" in p.said


def test_lines_fit_a_narrow_terminal() -> None:
    heard: list[str] = []
    Voice(lambda _: "", heard.append, lambda: 40).say("  a word " * 30)
    assert max(map(len, heard)) <= 39
    assert all(line.startswith("  ") for line in heard)


# -- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "answer", "said"),
    [
        (Ask(MINUTES, recommended=1200, reason="Enough."), 1200, "You take: 1,200 milliseconds."),
        (Ask(MINUTES), None, "You take: none."),
        (Ask(ONE, options=SOME, recommended="c3", reason="So."), "c3", "You take: Column 3."),
        (Ask(TYPES, recommended={"x": "number"}), {"x": "number"}, "You take: as read out."),
    ],
)
def test_an_empty_line_takes_what_stands_and_says_what(ask: Ask, answer: Json, said: str) -> None:
    p = Person("", "", stages=only(ask))
    assert p.decided()[ask.question.id] == answer
    assert said in p.said


def test_what_only_a_person_can_say_is_not_said_by_an_empty_line() -> None:
    p = Person("", "not stated", "", stages=only(Ask(TEXT)))
    assert (
        "an empty line says nothing. Type a sentence, or :lines to write several lines, or not stated."
        in p.said.replace("\n", " ")
    )
    assert p.decided() == {"problem.today": "not stated"}


@pytest.mark.parametrize(
    ("line", "value"), [("50 ms", 50), ("50 Milliseconds", 50), ("1 200", 1200), ("3,600,000", 3_600_000), ("0,5", 0.5)]
)
def test_a_number_may_be_typed_as_it_is_said(line: str, value: float) -> None:
    ask = Ask(MINUTES)
    assert ask.accept(typed(ask, line)) == value


def test_a_number_that_means_two_things_is_asked_again() -> None:
    with pytest.raises(InvalidAnswer, match=r"two ways; type 1500 or 1\.500"):
        typed(Ask(NUMBER), "1,500")


def test_a_wrong_answer_gets_one_sentence_without_the_questions_name() -> None:
    p = Person("many", ":quit", stages=only(Ask(MINUTES)))
    assert "'many' is not offered; it takes a number of at least 0, or none." in p.said
    assert "problem.budget" not in p.said
    q = Person("Colum 31", ":quit", stages=only(Ask(ONE, options=SOME)))
    assert "is not offered. Type the number or the name of an option. :options reads them out." in q.said.replace(
        "\n", " "
    )


@pytest.mark.parametrize(
    ("ask", "line", "said"),
    [
        (Ask(TYPES, recommended={"x": "number"}), "x = nonsense", "Each of them is one of number, yes/no, category."),
        (
            Ask(Question("problem.costs", "?", Form.COSTS, asks="person")),
            "much",
            "Type unknown, equal, or costs such as",
        ),
        (
            Ask(Question("problem.costs", "?", Form.COSTS, asks="person")),
            "a = x",
            "Type unknown, equal, or costs such as",
        ),
        (Ask(Question("q.several", "?", Form.CHOICES, asks="person"), options=SOME), "c1, c99", "Did you mean"),
        (ask_rule(), "ten < 3", "names no column; there are tenure, Contract."),
        (ask_rule(), "tenure < 3 => ", "Each part is written name => value"),
    ],
)
def test_what_cannot_be_read_is_told_as_one_types_it(ask: Ask, line: str, said: str) -> None:
    p = Person(line, ":quit", stages=only(ask))
    heard = p.said.replace("\n", " ")
    assert said in heard.partition("Answer: ")[2].partition("Answer: ")[0], heard
    assert ask.question.id not in heard
    assert "{" not in heard


def test_costs_are_told_with_an_example_that_fits() -> None:
    costs = Question("problem.costs", "?", Form.COSTS)
    assert "false_negative = 5" in how(Ask(costs), "binary")
    assert "under = 1; over = 5" in how(Ask(costs), "regression")
    assert "a.b = 5; otherwise = 1" in how(Ask(costs, facts={"classes": ["a", "b", "c"]}), "multiclass")


def test_several_lines_make_one_answer_and_one_why() -> None:
    p = Person(":lines", "One.", "", "Two.", ".", ":lines", "Because.", "And so.", ".", stages=only(Ask(TEXT)))
    (decision,) = p.talk.opened.decisions()
    assert (decision.choice, decision.why) == ("One.\n\nTwo.", "Because.\nAnd so.")


def test_a_command_at_the_why_is_not_taken_for_a_why() -> None:
    views = (Bars("Classes", "rows", [("yes", 3.0)]),)
    p = Person("2", ":evidence", ":again", "1", "So be it.", stages=only(Ask(ONE, options=SOME, shows=views)))
    assert "  yes; rows 3" in p.said
    (decision,) = p.talk.opened.decisions()
    assert (decision.choice, decision.why) == ("c0", "So be it.")


def test_what_a_wrong_why_objects_to_is_said_without_the_questions_name() -> None:
    held = Judgement((Objection(Level.HOLD, "Too late."),))
    p = Person("1", "", ":quit", stages=only(Ask(ONE, options=SOME, judge=lambda _: held)))
    assert "Or type :again to answer otherwise." in p.said.replace("\n", " ")
    assert "q.one" not in p.said


# -- nothing is lost ---------------------------------------------------------------------------------------------------


def test_an_answer_without_its_why_is_there_the_next_time() -> None:
    first = Kept("Agents call whoever they like.", asks=(Ask(TEXT),))  # the line ends before the why
    assert not first.through
    again = Kept("", "", desk=first.desk)
    assert "Kept from before: Agents call whoever they like. An empty line takes it" in again.said
    assert again.decided() == {"problem.today": "Agents call whoever they like."}
    assert first.desk.draft("churn", ("problem.today", "")) is None, "what is recorded is no draft any more"


def test_what_is_kept_can_be_forgotten() -> None:
    first = Kept("2", asks=(Ask(ONE, options=SOME, recommended="c0", reason="First."),))
    again = Kept(":drop", "", "", desk=first.desk)
    assert "Kept from before: 2." in again.said
    assert again.decided() == {"q.one": "c0"}


def test_a_draft_of_the_app_is_found_here() -> None:
    desk = ScriptedDesk(only(Ask(TEXT)))
    desk.keep_draft("churn", ("problem.today", ""), {"form": "Typed in the app.", "why": "", "own": False})
    assert Kept("", "", desk=desk).decided() == {"problem.today": "Typed in the app."}


def test_a_question_is_parked_for_the_list_of_the_simple_stage() -> None:
    asked = Question("q.one", "Which one?", asks="person", whys=(Why("Why one?", "It is one."),))
    p = Kept(":park", ":why", ":park", ":park What of Sundays?", ":quit", asks=(Ask(asked, options=SOME),))
    assert "Type :park and the question, or :why first" in p.said
    kept = p.desk.draft("churn", ("improve.parked", ""))
    assert kept["form"] == "Why one? (q.one)\nWhat of Sundays? (q.one)"


def test_undo_asks_the_last_answer_again_and_keeps_its_text() -> None:
    p = Kept(*BEFORE[:3], "", ":undo", "", "")
    assert "is asked again. The old branch is kept." in p.said
    assert f"Kept from before: {BEFORE[2]}." in p.said
    assert p.decided()["problem.statement"] == BEFORE[2]
    assert "You have not answered anything yet." in Kept(":undo", asks=(Ask(TEXT),)).said


def test_the_journal_is_heard_in_the_questions_words_and_a_decision_in_full() -> None:
    p = Person(
        *BEFORE, ":journal", ":journal 2", ":journal 1-2", ":journal 77", ":journal x", stages=Person().desk.stages
    )
    assert "2. Which column do you want to predict? Churn. By you." in p.said
    assert "What stood: Churn; tenure;" in p.said.replace("\n", " ")
    assert "In plans it is called problem.target." in p.said
    assert "There is no decision 77" in p.said
    assert "Type :journal, :journal 12 for one decision" in p.said


def test_at_the_end_one_may_still_go_back_or_hear_the_journal() -> None:
    p = Person(*BEFORE, "", "", "1", WHY, "journal", ":back 2", "tenure", "Agents plan by how long they stay.", ":quit")
    assert "The path is through." in p.said
    assert p.decided()["problem.target"] == "tenure"
    assert not p.through


def test_who_only_reads_can_hear_and_not_answer() -> None:
    p = Person("Churn", ":evidence 1", ":quit", read_only=True)
    assert "only read here, so nothing can be answered" in p.said.replace("\n", " ")
    assert p.decided() == {}


# -- work under way ----------------------------------------------------------------------------------------------------


class Slow(Person):
    """Each look at the work takes so many seconds.  looks: how many until it is done."""

    def __init__(self, looks: int, seconds: float) -> None:
        self.now, self.left, self.seconds = 0.0, looks, seconds
        self.told_at: list[float] = []
        self.desk, self.lines, self.heard, self.broken = ScriptedDesk((optional(),)), [], [], -1
        self.talk = Talk(self.desk.open("churn"), self.read, self.hear, self.work, clock=lambda: self.now)
        self.through = self.talk.hold()

    def hear(self, line: str) -> None:
        self.heard.append(line)
        self.told_at.append(self.now)

    def work(self, seconds: float) -> None:
        self.now += self.seconds
        self.left -= 1
        self.desk.run(0, 9)
        for n in range(3) if self.left <= 0 else ():
            self.desk.finish(n)


def test_short_work_is_not_worth_a_word() -> None:
    p = Slow(looks=3, seconds=0.5)
    assert p.through
    assert "Practice exams" not in p.said


def test_long_work_is_told_seldom_and_never_silent_for_twenty_seconds() -> None:
    p = Slow(looks=600, seconds=0.5)
    assert "Practice exams: 3 to compute. ctrl+c asks what to do with it." in p.said
    assert p.said.count("After ") == 19
    assert max(b - a for a, b in zip(p.told_at, p.told_at[1:], strict=False)) <= 20
    assert "Done after 5 minutes." in p.said


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (61, "61 seconds"), (300, "5 minutes"), (7300, "2:01:40 hours")]
)
def test_durations_are_said(seconds: float, words: str) -> None:
    assert time_words(seconds) == words


# -- ended from outside ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("workers_end")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_one_sentence_and_the_answer_kept(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    data, store = ROOT / "tui" / "sample" / "customers.csv", str(tmp_path / "s.db")
    command = [sys.executable, "-m", "tui.cli", "--store", store]
    new = [*command, "new", str(data), "--target", "churned", "--plain", "--name", "churn"]
    talk = subprocess.Popen(
        new,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TERM": "dumb"},
    )
    assert talk.stdin is not None
    assert talk.stdout is not None
    talk.stdin.write("Agents call whoever is likely to leave each Monday.\n")
    talk.stdin.flush()
    heard, began = "", time.monotonic()
    while "Why (" not in heard and time.monotonic() - began < 60:
        heard += talk.stdout.read(1)
    talk.send_signal(number)
    rest, wrong = talk.communicate(timeout=200)
    assert talk.returncode == status, wrong
    assert f"go on with: rungwise open churn --plain --store {store}" in rest.replace("\n", " ")
    assert wrong == ""
    again = subprocess.run(
        [*command, "open", "churn", "--plain"], input="", capture_output=True, text=True, timeout=200, check=False
    )
    assert "Kept from before: Agents call whoever is likely to leave each Monday." in again.stdout
    assert "only be read" not in again.stdout
