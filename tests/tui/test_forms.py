"""One way to answer each kind of question: the keys of every form, and what it hands over."""

import pytest

from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.questions import Form, Question
from engine.records import Option
from tests.tui.scripted import (
    COSTS,
    LATENCY,
    MARKS,
    TYPES,
    ScriptedDesk,
    app_over,
    ask_rule,
    ask_target,
    only,
    see,
    text_of,
    until,
)
from tui.widgets.question import QuestionPane

SIZE = (100, 30)


def refused(pilot):
    """Whether it is said on the screen why the answer was not recorded."""
    return "✕" in text_of(pilot) or pilot.app.screen.query("#problem.shown")


async def answer(ask, *keys, wait=None, task=None):
    """The decision that comes of these keys; None when nothing was recorded."""
    desk = ScriptedDesk(only(ask))
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await see(pilot, wait or ask.prompt[:30])
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        if desk.opened[0].decisions() or "enter" in keys:
            await until(pilot, lambda: "walked to its end" in text_of(pilot) or refused(pilot))
        found = desk.opened[0].decisions()
        return (found[0].choice if found else None), text_of(pilot)


async def test_choice_searches_a_long_list():
    choice, _ = await answer(ask_target(), "slash", *"ten", "enter", "tab", *"because", "enter")
    assert choice == "tenure"


async def test_choice_takes_another_answer_where_the_question_does():
    question = Question("problem.seed", "Which seed?", options=(Option(0), Option(7)), other=True, asks="person")
    choice, t = await answer(Ask(question), "tab", *"42", "enter")
    assert choice == "42", t


async def test_choices_are_ticked_with_space():
    ask = Ask(
        MARKS, subject="age", options=(Option("?"), Option("-9"), Option("n/a")), recommended=["?", "-9"], reason="both"
    )
    choice, _ = await answer(ask, "down", "space", "down", "space", "tab", *"abcde", "enter", wait="age")
    assert choice == ["?", "n/a"]


async def test_number_has_a_unit_and_a_range_and_says_what_fits():
    choice, screen = await answer(Ask(LATENCY), *"0", "enter")
    assert choice is None
    assert "0.001 to 60,000" in screen
    assert "it takes a number" in screen
    assert "ms" in screen
    choice, _ = await answer(Ask(LATENCY), *"2,5", "enter")
    assert choice == 2.5
    choice, screen = await answer(Ask(LATENCY), *"2,000", "enter")
    assert choice is None
    assert "2,000 can be read in two ways; type 2000 or 2.000." in screen
    choice, _ = await answer(Ask(LATENCY), "enter")
    assert choice is None


async def test_an_offered_number_is_recorded_exactly_though_it_is_shown_rounded():
    ask = Ask(
        Question("problem.success", "From which accuracy on?", Form.NUMBER, asks="person"),
        recommended=0.49767441860465117,
        reason="r",
    )
    choice, _ = await answer(ask, "enter")
    assert choice == 0.49767441860465117


async def test_costs_are_unknown_equal_or_two_figures():
    ask = Ask(COSTS, recommended="unknown", reason="Nobody said.")
    assert (await answer(ask, "enter"))[0] == "unknown"


@pytest.mark.parametrize("keys", [("down", "down", "enter", "x", "enter")])
async def test_costs_that_are_no_numbers_are_refused(keys):
    choice, _ = await answer(Ask(COSTS), *keys)
    assert choice is None


CLASSES = ["Adelie", "Chinstrap", "Gentoo of the far south"]


async def test_costs_of_several_classes_stand_in_a_matrix():
    ask = Ask(COSTS, facts={"classes": CLASSES})
    choice, screen = await answer(ask, "down", "down", "enter", *"5", *("enter",) * 6)
    assert choice == {"Adelie.Chinstrap": 5.0, "otherwise": 1.0}, screen
    assert "Gentoo of th…" in (await answer(ask, "down", "down"))[1]


async def test_a_matrix_without_a_price_says_so():
    choice, screen = await answer(Ask(COSTS, facts={"classes": CLASSES}), "down", "down", "enter", *("enter",) * 6)
    assert choice is None
    assert "what is left empty" in screen
    assert screen.count("Write what at least one mistake costs") == 1


async def test_costs_of_many_classes_are_typed_in_a_line():
    ask = Ask(COSTS, facts={"classes": [f"c{i}" for i in range(9)]})
    choice, screen = await answer(ask, "down", "down", "enter", *"c1.c2 = 3, otherwise = 1", "enter")
    assert choice == {"c1.c2": 3.0, "otherwise": 1.0}, screen


async def test_a_table_is_changed_in_place_and_put_back():
    ask = Ask(TYPES, recommended={"zip": "number", "age": "number", "name": "category"}, reason="as found")
    choice, _ = await answer(ask, "right", "down", "left", "backspace", "tab", *"because", "enter")
    assert choice == {"zip": "category", "age": "number", "name": "category"}


async def test_a_free_table_opens_a_field():
    question = Question("split.plan", "These are the practice exams.", Form.TABLE, asks="person")
    ask = Ask(question, recommended={"folds": 5, "repeats": 5}, reason="rows")
    choice, _ = await answer(ask, "space", "backspace", *"10", "enter", "tab", *"because", "enter")
    assert choice == {"folds": 10, "repeats": 5}, _


async def test_a_rule_is_checked_while_it_is_typed():
    choice, screen = await answer(ask_rule(), *"foo")
    assert "names no column; there are tenure, Contract." in screen
    choice, _ = await answer(ask_rule(), *"tenure<12", "tab", *"yes", "tab", *"no", "enter")
    assert choice == [{"when": "tenure<12", "then": "yes"}, {"otherwise": "no"}]
    choice, _ = await answer(ask_rule(), "enter")
    assert choice == []


async def test_a_second_condition_is_added():
    choice, _ = await answer(ask_rule(), *"tenure<3", "ctrl+n", *"Contract=1", "enter")
    assert choice == [{"when": "tenure<3"}, {"when": "Contract=1"}]


async def test_hostile_names_are_shown_as_they_are():
    desk = ScriptedDesk(only(ask_target()))
    async with app_over(desk, session="churn").run_test(size=(120, 60)) as pilot:
        await see(pilot, "Which column")
        await pilot.pause()
        screen = text_of(pilot)
        assert "[red]name[/]" in screen
        assert "two␊lines" in screen
        assert "esc␛[31mape" in screen
        assert pilot.app.screen.query_one(QuestionPane).form.raw() == "Churn"


EXPERT = Question("data.expert", "What would an expert compute?", Form.TABLE, asks="person", default={}, fact=True)


def ask_expert(recommended=None):
    def read(value):
        for name, text in value.items():
            if "tenure" not in text:
                raise InvalidAnswer(f"data.expert: {name}: there is no column in “{text}”; there is tenure.")
        return {name: {"formula": text} for name, text in value.items()}

    return Ask(EXPERT, recommended=recommended or {}, reason="An amount per unit tells more.", read=read)


async def test_what_a_table_leaves_empty_is_said_to_be_none():
    read = Question("data.load", "This is what I read. Right?", Form.TABLE, asks="person")
    choice, t = await answer(Ask(read, recommended={"compression": "", "dates": {}, "decimal": "."}))
    assert choice is None
    assert t.count("none") == 2, t
    assert "{}" not in t


async def test_lines_of_ones_own_are_added_where_names_are_free():
    choice, t = await answer(ask_expert(), *"short = tenure < 12", "enter", *"x=tenure*2", "enter", "enter")
    assert choice == {"short": {"formula": "tenure < 12"}, "x": {"formula": "tenure*2"}}, t


async def test_what_is_typed_is_checked_while_it_is_typed():
    choice, t = await answer(ask_expert(), *"short = tenur < 12")
    assert choice is None
    assert "✕" in t
    assert "there is no column in “tenur < 12”" in t
    _, t = await answer(ask_expert(), *"short")
    assert "Write a name, an equals sign" in t
    assert "recommended: none" in t


async def test_a_recommended_line_is_taken_with_the_guides_words_and_can_be_removed_and_put_back():
    ask = ask_expert({"per": "a / tenure"})
    choice, t = await answer(ask)
    assert "An amount per unit tells more." in t
    assert "the guide's words" in t
    choice, _ = await answer(ask, "minus", "enter")
    assert choice == {}
    choice, _ = await answer(ask, "minus", "u", "enter")
    assert choice == {"per": {"formula": "a / tenure"}}
    choice, t = await answer(ask, "space", *" + 1", "enter", "enter")
    assert choice == {"per": {"formula": "a / tenure + 1"}}, t


async def test_the_last_tick_is_taken_back():
    ask = Ask(MARKS, subject="age", options=(Option("?"), Option("-9")), recommended=["?"], reason="both")
    choice, _ = await answer(ask, "space", "down", "space", "u", "u", "enter", wait="age")
    assert choice == ["?"]
