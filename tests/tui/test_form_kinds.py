"""What every form promises alike: undo, pasted lines, one sentence for what cannot be read, and drafts over a kill."""

from typing import Any

import pytest
from textual.events import Paste
from textual.widgets import Input

from engine.effects import Ask
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
    ask_statement,
    only,
    see,
    text_of,
    until,
)
from tests.tui.test_forms import CLASSES, answer, ask_expert
from tui.widgets.question import QuestionPane

SIZE = (100, 30)
SEED = Question("problem.seed", "Which seed?", options=(Option(0), Option(7)), other=True, asks="person")
MANY = tuple(Option(f"column_{i}") for i in range(40))
IGNORED = Question("data.ignored", "Which columns shall be left out?", Form.CHOICES, asks="person")
CLASS_COSTS = Ask(COSTS, facts={"classes": CLASSES})
LINE_COSTS = Ask(COSTS, facts={"classes": [f"c{i}" for i in range(9)]})
FOLDS = Ask(Question("split.plan", "These are the practice exams.", Form.TABLE, asks="person"),
            recommended={"folds": 5, "repeats": 5}, reason="rows")  # fmt: skip
ROLES = Ask(TYPES, recommended={f"column_{i}": "number" for i in range(40)}, reason="as found")

LAST = ("down", "down", "enter")  # to the costs that one writes


def form_of(pilot):
    return pilot.app.screen.query_one(QuestionPane).form


async def standing(ask, *keys, paste="", size=SIZE) -> tuple[Any, str]:
    """(raw answer or the problem with it, the screen) after these keys and a paste."""
    async with app_over(ScriptedDesk(only(ask)), session="churn").run_test(size=size) as pilot:
        await see(pilot, (ask.subject or ask.prompt)[:30])
        await pilot.press(*keys) if keys else await pilot.pause()
        if paste:
            pilot.app.post_message(Paste(paste))
            await pilot.pause()
        await pilot.pause()
        try:
            return form_of(pilot).raw(), text_of(pilot)
        except Exception as problem:
            return problem, text_of(pilot)


# -- the default, with enter -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "recorded"),
    [
        (Ask(SEED, recommended=7, reason="r"), 7),
        (Ask(IGNORED, options=MANY, recommended=["column_3"], reason="r"), ["column_3"]),
        (Ask(LATENCY, recommended=20.0, reason="r"), 20.0),
        (Ask(Question("a.b", "Say it?", Form.TEXT, asks="person"), recommended="So.", reason="r"), "So."),
        (Ask(COSTS, recommended="equal", reason="r"), "equal"),
        (FOLDS, {"folds": 5, "repeats": 5}),
        (ask_expert({"per": "a / tenure"}), {"per": {"formula": "a / tenure"}}),
        (ask_rule(), []),
    ],
    ids=["choice", "choices", "number", "text", "costs", "table", "expressions", "rules"],
)  # fmt: skip
async def test_enter_takes_what_was_offered(ask, recorded):
    choice, screen = await answer(ask, "enter")
    assert choice == recorded, screen


# -- search ------------------------------------------------------------------------------------------------------------


async def test_ticks_outlive_a_search_and_are_made_in_what_it_finds():
    ask = Ask(IGNORED, options=MANY, recommended=["column_3"], reason="r")
    raw, screen = await standing(ask, "slash", *"n_27", "enter", "space")
    assert raw == ["column_3", "column_27"]
    assert "column_5" not in screen
    raw, screen = await standing(ask, "slash", *"zz", "enter", "space")
    assert raw == ["column_3"]


async def test_a_role_is_changed_in_what_a_search_finds():
    raw, screen = await standing(ROLES, "slash", *"n_27", "down", "right")
    assert {name: role for name, role in raw.items() if role != "number"} == {"column_27": "category"}, screen
    assert "column_5" not in screen


LONG_FREE = {f"c{i} {'over' if i == 39 else 'of'}": f"tenure * {i}" for i in range(40)}


@pytest.mark.parametrize(
    ("ask", "last"),
    [
        (Ask(IGNORED, options=MANY, recommended=["column_3"], reason="r"), "column_39"),
        (Ask(SEED, options=tuple(Option(i) for i in range(40)), recommended=0), "  39 "),
        (ROLES, "column_39"),
        (ask_expert(LONG_FREE), "c39 over"),
    ],
    ids=["choices", "choice and another", "table", "expressions"],
)
async def test_the_last_row_of_a_long_list_is_seen_beside_what_stands_around_it(ask, last):
    _, screen = await standing(ask, "end", size=(80, 24))
    assert last in screen
    if ask.question.id == "data.expert":
        assert "add one:" in screen
        assert "tenure * 39 + 1" in (await standing(ask, "end", "space", *" + 1", size=(80, 24)))[1]


SIX = Ask(COSTS, facts={"classes": [f"class number {n}" for n in range(6)]})
TO_THE_LAST = (*LAST, *["tab"] * 29)


@pytest.mark.parametrize(
    ("ask", "keys", "size"),
    [
        (SIX, TO_THE_LAST, (80, 24)),
        (SIX, TO_THE_LAST, (60, 16)),
        (ask_rule(), ("ctrl+n", "ctrl+n", "ctrl+n", "tab", "tab"), (60, 16)),
    ],
    ids=["costs", "costs, small", "rules, small"],
)
async def test_the_field_that_is_written_in_can_be_seen(ask, keys, size):
    async with app_over(ScriptedDesk(only(ask)), session="churn").run_test(size=size) as pilot:
        await see(pilot, ask.prompt[:30])
        await pilot.press(*keys, *"7.25")
        await pilot.pause()
        assert "7.25" in text_of(pilot), text_of(pilot)


async def test_classes_that_begin_alike_are_told_apart_by_their_ends():
    _, screen = await standing(SIX, *LAST, size=(80, 24))
    assert [f"…mber {n}" in screen for n in range(6)] == [True] * 6
    _, screen = await standing(CLASS_COSTS, *LAST, size=(80, 24))
    assert "Gentoo of th…" in screen


WAREHOUSE = [f"the_name_of_a_column_from_a_warehouse_that_nobody_ever_dared_to_shorten_{part}" for part in "ab"]


@pytest.mark.parametrize(
    "ask",
    [
        Ask(SEED, options=tuple(Option(name, note="number, 600 values") for name in WAREHOUSE)),
        Ask(IGNORED, options=tuple(Option(name, note="number, 600 values") for name in WAREHOUSE)),
        Ask(TYPES, recommended=dict.fromkeys(WAREHOUSE, "number"), reason="as found"),
    ],
    ids=["choice", "choices", "table"],
)
async def test_a_name_that_its_line_cuts_off_is_told_apart_below_the_list(ask):
    for keys, name in (((), WAREHOUSE[0]), (("down",), WAREHOUSE[1])):
        _, screen = await standing(ask, *keys, size=(80, 24))
        assert name in screen
        assert screen.count("number, 600 values") in (0, len(WAREHOUSE))  # what stands beside it is not repeated


# -- undo --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "keys", "left"),
    [
        (Ask(SEED), ("tab", *"42 or so"), "42 or"),
        (Ask(LATENCY, recommended=20.0, reason="r"), ("ctrl+u", *"3"), "20"),
        (LINE_COSTS, (*LAST, *"c1.c2 = 3"), "c1.c2 ="),
        (ask_expert(), (*"x = tenure",), "x ="),
        (ask_rule(), (*"tenure < 12",), "tenure <"),
    ],
    ids=["choice", "number", "costs", "expressions", "rules"],
)
async def test_ctrl_z_takes_back_a_word_in_every_field(ask, keys, left):
    times = 2 if ask.question.form is Form.NUMBER else 1
    async with app_over(ScriptedDesk(only(ask)), session="churn").run_test(size=SIZE) as pilot:
        await see(pilot, ask.prompt[:30])
        await pilot.press(*keys)
        field = pilot.app.screen.focused
        assert isinstance(field, Input)
        typed = field.value
        await pilot.press(*("ctrl+z",) * times)
        assert (field.value.strip(), typed.strip() != left) == (left, True)
        await pilot.press(*("ctrl+z",) * 9)
        assert field.value == ("20" if ask.question.form is Form.NUMBER else "")
        assert "ctrl+z" not in text_of(pilot)


async def test_ctrl_z_takes_back_in_a_sentence_too():
    raw, _ = await standing(ask_statement(), *"They call", "ctrl+u", "ctrl+z")
    assert raw == "They call"


async def test_changes_of_roles_are_taken_back_one_by_one():
    raw, _ = await standing(ROLES, "right", "down", "right", "u")
    assert {name for name, role in raw.items() if role != "number"} == {"column_0"}
    raw, _ = await standing(ROLES, "right", "down", "right", "ctrl+z", "ctrl+z", "ctrl+z")
    assert set(raw.values()) == {"number"}


# -- what cannot be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "keys", "sentence", "kept"),
    [
        (Ask(LATENCY), (*"abc",), "it takes a number", "abc"),
        (LINE_COSTS, (*LAST, *"c1.c2"), "write actual.predicted = cost", "c1.c2"),
        (CLASS_COSTS, (*LAST, *"dear", *("enter",) * 5), "is no number", "dear"),
        (FOLDS, ("space", "backspace", *"ten"), "does not fit; such as 5", "ten"),
        (ask_expert(), (*"x = tenur",), "there is no column in “tenur”", "x = tenur"),
        (ask_rule(), (*"tenur < 1",), "names no column", "tenur < 1"),
        (ask_rule(), ("tab", "tab", *"yes"), "no condition before “otherwise”", "yes"),
    ],
    ids=["number", "costs", "cost matrix", "table", "expressions", "rules", "otherwise"],
)
async def test_what_cannot_be_read_says_one_sentence_and_keeps_what_was_typed(ask, keys, sentence, kept):
    async with app_over(ScriptedDesk(only(ask)), session="churn").run_test(size=SIZE) as pilot:
        await see(pilot, ask.prompt[:30])
        await pilot.press(*keys, "enter")
        await see(pilot, sentence)
        assert " ".join(text_of(pilot).split()).count(sentence) == 1, text_of(pilot)
        assert kept in [field.value for field in form_of(pilot).query(Input)]
        assert not pilot.app._notifications
        assert "walked to its end" not in text_of(pilot)


# -- pasted lines ------------------------------------------------------------------------------------------------------


async def test_pasted_lines_of_a_condition_are_one_condition():
    raw, _ = await standing(ask_rule(), paste="tenure < 12\n  AND Contract = 1\n")
    assert raw == [{"when": "tenure < 12 AND Contract = 1"}]


async def test_pasted_costs_of_classes_are_read_line_by_line():
    raw, _ = await standing(LINE_COSTS, *LAST, paste="c1.c2 = 3\nc2.c1 = 4\r\notherwise = 1\n")
    assert raw == {"c1.c2": 3, "c2.c1": 4, "otherwise": 1}


async def test_pasted_numbers_are_not_run_together():
    choice, screen = await standing(Ask(LATENCY), paste="2\n3")
    assert choice == "2;3"
    assert "it takes a number" in screen


async def test_each_pasted_expression_becomes_a_line_and_what_is_none_stays_to_be_mended():
    raw, _ = await standing(ask_expert(), paste="a = tenure\nb = tenure * 2\n\nc = tenure + 1")
    assert raw == {"a": "tenure", "b": "tenure * 2", "c": "tenure + 1"}
    raw, screen = await standing(ask_expert(), paste="a = tenure\nhalf of it")
    assert "half of it" in screen
    assert "Write a name, an equals sign" in screen
    raw, _ = await standing(ask_expert(), paste="a = tenure\nb = tenure * 2")
    assert list(raw) == ["a", "b"]


async def test_pasted_lines_of_a_sentence_stay_lines():
    raw, _ = await standing(ask_statement(), paste="They call.\nOn Mondays.")
    assert raw == "They call.\nOn Mondays."


# -- a kill ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "keys", "stood"),
    [
        (Ask(SEED), ("tab", *"42"), "42"),
        (Ask(MARKS, subject="age", options=MANY), ("space", "down", "down", "space"), ["column_0", "column_2"]),
        (Ask(LATENCY, recommended=20.0, reason="r"), ("ctrl+u", *"3,5"), "3.5"),
        (ask_statement(), (*"They call", "ctrl+j", *"Monday"), "They call\nMonday"),
        (CLASS_COSTS, (*LAST, *"5", "enter", *"7"), {"Adelie.Chinstrap": 5, f"Adelie.{CLASSES[2]}": 7, "otherwise": 1}),
        (ROLES, ("down", "right"), {**ROLES.recommended, "column_1": "category"}),
        (FOLDS, ("space", "backspace", *"10"), {"folds": 10, "repeats": 5}),
        (ask_expert({"per": "a / tenure"}), ("space", *" + 1"), {"per": "a / tenure + 1"}),
        (ask_expert(), (*"x = tenure", "enter", *"y = tenure"), {"x": "tenure", "y": "tenure"}),
        (ask_rule(), (*"tenure < 3", "ctrl+n", *"Contract = 1"), [{"when": "tenure < 3"}, {"when": "Contract = 1"}]),
    ],
    ids=["choice", "choices", "number", "text", "cost matrix", "roles", "table", "editing", "adding", "rules"],
)  # fmt: skip
async def test_what_was_typed_stands_again_after_a_kill(ask, keys, stood):
    desk = ScriptedDesk(only(ask))
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await see(pilot, (ask.subject or ask.prompt)[:30])
        await pilot.press(*keys)
        await pilot.pause()
        await until(pilot, lambda: form_of(pilot).raw() == stood)
        await until(pilot, lambda: bool(desk.drafts))
        form = form_of(pilot).draft()
        await until(pilot, lambda: [d["form"] for d in desk.drafts.values()] == [form])
        kept = dict(desk.drafts)
    again = ScriptedDesk(only(ask))
    again.drafts = kept  # as it lay on the disk, without what closing down may have added
    async with app_over(again, session="churn").run_test(size=SIZE) as pilot:
        await see(pilot, (ask.subject or ask.prompt)[:30])
        await until(pilot, lambda: form_of(pilot).raw() == stood)


async def test_a_draft_of_one_field_of_an_earlier_version_is_put_back_whole():
    desk = ScriptedDesk(only(Ask(LATENCY)))
    desk.drafts[("churn", "problem.latency", "")] = {"form": "125", "why": "", "own": False}
    async with app_over(desk, session="churn").run_test(size=SIZE) as pilot:
        await see(pilot, "125")
        assert form_of(pilot).raw() == "125"
