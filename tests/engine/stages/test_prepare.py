"""What is recommended, held and refused while the data is prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import DataProblem, InvalidAnswer, Refused, WhyNeeded
from engine.questions import Level
from engine.records import Json
from tests.engine.walking import Walk, asked, said

WHY = "An auditor confirmed on Monday that this column is filled before the contract starts."


def prepared(walk: Walk, target: str, whys: dict[str, str] | None = None, **answers: Json) -> Any:
    plan = {"problem.target": target, **{k.replace("__", "."): v for k, v in answers.items()}}
    return walk.headless(plan, whys, stop_after="prepare")


def levels(ask: Any, choice: Json) -> list[tuple[Level, str]]:
    return [(o.level, o.flag) for o in ask.judge(choice).objections]


def test_a_key_stays_out_and_keeping_it_is_held(rare: Walk) -> None:
    c = prepared(rare, "left")
    ask = asked(c, "data.ids", "customer_id")
    assert ask.recommended == "drop"
    assert levels(ask, "keep") == [(Level.HOLD, "")]
    assert "customer_id" not in c.session.input_types()


def test_the_answer_under_another_name_is_left_out_and_cannot_be_kept(rare: Walk) -> None:
    c = prepared(rare, "left")
    ask = asked(c, "data.leaks", "account_closed")
    assert ask.recommended == "drop"
    assert "account_closed" not in c.session.input_types()
    for why in ("", WHY):
        with pytest.raises(Refused) as refused:
            prepared(rare, "left", {"data.leaks": why}, **{"data.leaks:account_closed": "keep"})
        assert not isinstance(refused.value, WhyNeeded)
        assert "the target under another name" in str(refused.value)


def test_entities_and_times_decide_the_split(visits: Walk, rare: Walk) -> None:
    by_patient = prepared(visits, "ill")
    assert said(by_patient, "split.kind").choice == "group"
    assert by_patient.session.recipe()["group"] == "patient_id"
    assert "patient_id" not in by_patient.session.input_types()
    by_time = prepared(visits, "ill", problem__moment="seen")
    assert said(by_time, "split.kind").choice == "time"
    assert said(by_time, "split.plan").choice == {"blocks": 5, "seed": 0}
    assert levels(asked(by_time, "split.kind"), "stratified") == [(Level.HOLD, "M10")]
    plain = asked(prepared(rare, "left"), "split.kind")
    assert plain.recommended == "stratified"
    assert [o.key for o in plain.offered] == ["stratified"]


def test_few_rows_lock_none_away_and_say_so(numbers: Walk) -> None:
    ask = asked(prepared(numbers, "price"), "split.lockbox")
    assert ask.recommended == 0
    assert ask.prompt == "I lock no rows away for one final exam. Agreed?"
    assert "not independent" in ask.reason


def test_locking_none_away_although_there_are_enough_is_held(rare: Walk) -> None:
    ask = asked(prepared(rare, "left"), "split.lockbox")
    assert ask.recommended > 0
    assert levels(ask, 0) == [(Level.HOLD, "")]
    for wrong in (None, "", True, -0.1, 0.9, float("nan"), "a fifth", 10**400):
        with pytest.raises(InvalidAnswer, match=r"from 0 to 0\.5"):
            ask.accept(wrong)


def test_the_plan_takes_whole_numbers_of_its_own_names(rare: Walk) -> None:
    ask = asked(prepared(rare, "left"), "split.plan")
    assert ask.accept({"repeats": 2})["repeats"] == 2
    assert set(ask.accept({})) == {"folds", "repeats", "seed"}
    for wrong in ({"folds": "five"}, {"folds": 2.5}, {"blocks": 8}, {"folds": True}, {"repeats": -1}, {"seed": 10**9}):
        with pytest.raises(InvalidAnswer, match=r"split\.plan.*whole numbers"):
            ask.accept(wrong)
    assert levels(ask, {"folds": 1, "repeats": 9, "seed": 0}) == [(Level.BLOCK, "")]
    assert levels(ask, {"folds": 3, "repeats": 1, "seed": 0}) == [(Level.HOLD, "")]
    assert levels(ask, {"folds": 3, "repeats": 0, "seed": 0}) == [(Level.BLOCK, "")]


def test_types_are_completed_and_a_column_that_is_not_there_is_named(rare: Walk) -> None:
    ask = asked(prepared(rare, "left"), "data.types")
    assert ask.accept({"tenure": "category"}) == {**ask.recommended, "tenure": "category"}
    with pytest.raises(InvalidAnswer, match="no column 'tenur'"):
        ask.accept({"tenur": "category"})
    with pytest.raises(InvalidAnswer, match="number, category"):
        ask.accept({"tenure": "float"})
    assert levels(ask, dict.fromkeys(ask.recommended, "drop")) == [(Level.BLOCK, "")]


def test_the_column_with_most_empty_cells_decides_whether_they_are_remembered(penguins: Walk) -> None:
    c = prepared(penguins, "species")
    assert said(c, "data.missing").choice == "indicator"
    assert said(c, "data.missing").reason.startswith("5 inputs have empty cells, most “sex” (8 rows, 3.1 %)")


def test_what_was_drawn_is_on_record(visits: Walk) -> None:
    drawn = said(prepared(visits, "ill"), "split.drawn")
    assert drawn.author == "engine"
    assert len(drawn.check.details["plan_hash"]) == 64
    assert drawn.check.details["dev"] + round(0.2 * 600) == pytest.approx(600, abs=10)


def test_a_table_without_inputs_is_said_in_one_sentence(tmp_path: Path) -> None:
    lines = ["month,sales", *(f"m{i:02d}-x,{i * 1.5 + i % 7}" for i in range(60))]
    (tmp_path / "only.csv").write_text("\n".join(lines))
    with pytest.raises(DataProblem, match="No column is left to predict “sales” from"):
        Walk(tmp_path / "only.csv").headless({"problem.target": "sales"}, stop_after="prepare")


def test_values_that_cannot_be_true_are_proposed_only_while_they_compare_as_numbers(tmp_path: Path) -> None:
    rows = [f"{-4 if i == 17 else 20 + i % 50},{i % 7 / 3:.3f},{'no' if i % 3 else 'yes'}" for i in range(300)]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["age,dose,ill", *rows]) + "\n")
    walk = Walk(path)
    ask = asked(prepared(walk, "ill"), "data.impossible")
    assert ask.recommended == {"age": '"age" < 0'}
    assert "1 value below 0" in ask.reason
    assert levels(ask, ask.recommended) == []
    typed = asked(prepared(walk, "ill", data__types={"age": "category"}), "data.impossible")
    assert typed.recommended == {}
