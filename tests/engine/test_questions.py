"""How answers are read: what fits is kept in one spelling, what does not is refused in a sentence naming what does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidAnswer
from engine.questions import Catalogue, Form, Judgement, Level, Objection, Question
from engine.records import Option, canonical

LETTERS = (Option("a"), Option("b", "the second"), Option("1,5"), Option("No"))
CHOICE = Question("t.choice", "Which?", options=LETTERS)
CHOICES = Question("t.choices", "Which ones?", Form.CHOICES, options=LETTERS)
TEXT = Question("t.text", "What?", Form.TEXT)
SHARE = Question("t.share", "How much?", Form.NUMBER, low=0, high=0.5, default=0.1)
LIMIT = Question("t.limit", "At most?", Form.NUMBER, low=0.001, high=3_600_000)
RULES = Question("t.rules", "Which rule?", Form.RULES, default=[])
COSTS = Question("t.costs", "What does it cost?", Form.COSTS)
KINDS = Question("t.kinds", "What is each?", Form.TABLE, options=(Option("number"), Option("text")))
SETTINGS = Question("t.settings", "Read how?", Form.TABLE)
OPEN = Question("t.open", "Which?", options=LETTERS, other=True)
EVERY = (CHOICE, CHOICES, TEXT, SHARE, LIMIT, RULES, COSTS, KINDS, SETTINGS, OPEN)

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("question", "raw", "kept"),
    [
        (CHOICE, "a", "a"),
        (CHOICE, " A ", "a"),
        (CHOICE, "no", "No"),
        (CHOICE, "1,5", "1,5"),
        (CHOICES, "a, b", ["a", "b"]),
        (CHOICES, "1,5", ["1,5"]),
        (CHOICES, ["b", "a", "b"], ["a", "b"]),
        (CHOICES, "", []),
        (CHOICES, "none", []),
        (CHOICES, [], []),
        (TEXT, "  the clerk\n", "the clerk"),
        (SHARE, "0.25", 0.25),
        (SHARE, 0, 0),
        (LIMIT, "none", None),
        (LIMIT, "", None),
        (LIMIT, 10.0, 10),
        (RULES, "tenure < 12", [{"when": "tenure < 12"}]),
        (RULES, None, []),
        (RULES, " None ", []),
        (RULES, [{"when": "x > 1", "then": "yes"}, {"otherwise": "no"}], "same"),
        (RULES, [{"when": "x > 1", "then": 12.5}], "same"),
        (COSTS, " Unknown ", "unknown"),
        (COSTS, "equal", "equal"),
        (COSTS, {"false_positive": 1, "false_negative": "5"}, {"false_positive": 1.0, "false_negative": 5.0}),
        (KINDS, {"x": "Number"}, {"x": "number"}),
        (SETTINGS, {"separator": ";", "dates": {}}, "same"),
        (OPEN, "something else", "something else"),
        (OPEN, 7, 7),
    ],
)
def test_what_fits_is_kept(question: Question, raw: Any, kept: Any) -> None:
    assert question.read(raw) == (raw if kept == "same" else kept)


@pytest.mark.parametrize(
    ("question", "raw", "says"),
    [
        (CHOICE, "c", "a, b, 1,5, No"),
        (CHOICE, None, "a, b"),
        (CHOICE, ["a"], "a, b"),
        (CHOICE, NAN, "a, b"),
        (CHOICES, ["a", "z"], "a, b"),
        (CHOICES, {"a": 1}, "a list of a, b"),
        (CHOICES, 5, "a list of"),
        (TEXT, 5, "text"),
        (TEXT, None, "text"),
        (SHARE, True, "from 0 to 0.5"),
        (SHARE, NAN, "from 0 to 0.5"),
        (SHARE, "inf", "from 0 to 0.5"),
        (SHARE, 0.6, "from 0 to 0.5"),
        (SHARE, None, "from 0 to 0.5"),
        (SHARE, [0.1], "from 0 to 0.5"),
        (SHARE, 10**400, "from 0 to 0.5"),
        (LIMIT, -INF, "from 0.001 to 3,600,000, or none"),
        (LIMIT, "fast", "or none"),
        (RULES, 5, "SQL condition"),
        (RULES, [{"when": 5, "then": "yes"}], "SQL condition"),
        (RULES, [{"otherwise": "no"}, {"when": "x"}], "SQL condition"),
        (RULES, [{"when": "x", "then": NAN}], "SQL condition"),
        (RULES, [{"when": "x", "then": {"a": 1}}], "SQL condition"),
        (COSTS, {}, "unknown"),
        (COSTS, {"false_positive": True}, "unknown"),
        (COSTS, {"false_positive": NAN}, "unknown"),
        (COSTS, {"false_positive": 10**400}, "unknown"),
        (COSTS, "cheap", "unknown"),
        (KINDS, {"x": "float"}, "number, text"),
        (KINDS, ["x"], "name = value"),
        (SETTINGS, {"decimal": NAN}, "name = value"),
        (SETTINGS, "semicolon", "name = value"),
        (OPEN, INF, "one value"),
        (OPEN, {"a": 1}, "one value"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(question: Question, raw: Any, says: str) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        question.read(raw)
    message = str(refused.value)
    assert message.startswith(f"{question.id}: ")
    assert says in message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 400


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.integers(10**300, 10**310),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(EVERY), anything)
def test_whatever_comes_is_kept_as_json_or_refused(question: Question, raw: Any) -> None:
    try:
        kept = question.read(raw)
    except InvalidAnswer:
        return
    canonical(kept)
    assert question.read(kept) == kept


@given(st.lists(st.sampled_from([o.key for o in LETTERS])))
def test_the_same_choices_are_equal_in_whatever_order_they_are_made(chosen: list[str]) -> None:
    assert CHOICES.read(chosen) == CHOICES.read(list(reversed(chosen)))


def test_two_columns_that_differ_in_case_only_must_be_spelled_out() -> None:
    columns = (Option("Age"), Option("age"))
    question = Question("t.column", "Which?")
    assert question.read("age", columns) == "age"
    assert question.read("Age", columns) == "Age"
    with pytest.raises(InvalidAnswer, match="Age, age"):
        question.read("AGE", columns)


def test_a_number_that_python_will_not_write_out_is_refused_all_the_same() -> None:
    for question in (CHOICE, SHARE, COSTS, OPEN):
        with pytest.raises(InvalidAnswer, match="it takes"):
            question.read(10**5000)


def test_true_is_not_the_number_one() -> None:
    question = Question("t.label", "Which?")
    assert question.read(1, (Option("1"), Option("0"))) == "1"
    assert question.read(True, (Option("True"), Option("False"))) == "True"
    with pytest.raises(InvalidAnswer):
        question.read(True, (Option(1), Option(0)))


def test_a_list_of_a_thousand_columns_is_not_read_out() -> None:
    many = tuple(Option(f"column {i}") for i in range(1000))
    with pytest.raises(InvalidAnswer) as refused:
        Question("t.column", "Which?").read("x" * 10_000, many)
    assert "(1000 in all)" in str(refused.value)
    assert len(str(refused.value)) < 400


def test_the_firmest_objection_is_the_level() -> None:
    note, hold = Objection(Level.NOTE, "n"), Objection(Level.HOLD, "h", "M27")
    assert Judgement().level is None
    assert Judgement((note, hold)).level is Level.HOLD
    assert Judgement((note, hold)).at(Level.NOTE) == (note,)
    assert [level.rank for level in Level] == [0, 1, 2, 3]


def test_two_questions_may_not_share_an_id() -> None:
    with pytest.raises(ValueError, match="same id"):
        Catalogue((CHOICE, CHOICE))


def test_a_slip_of_the_pen_is_answered_with_what_was_probably_meant():
    question = Question("problem.target", "Which column?")
    offered = tuple(Option(name) for name in ("customerID", "Contract", "Churn"))
    with pytest.raises(InvalidAnswer, match=r"'chrun' is not offered; .*; did you mean Churn\?$"):
        question.read("chrun", offered)
    with pytest.raises(InvalidAnswer, match=r"Churn\.$"):
        question.read("nothing of the kind", offered)
