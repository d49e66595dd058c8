"""What is recommended, held and refused while the problem is defined, on small tables with one trait each."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidAnswer, WhyNeeded
from engine.questions import Level
from engine.records import Json
from engine.stages import DEFINE
from tests.engine.stages import problems
from tests.engine.walking import Walk, asked, said, texts

WHY = "The call centre counts right answers alone, management signed that off last spring."


def defined(walk: Walk, target: str, whys: dict[str, str] | None = None, **answers: Json) -> Any:
    plan = {"problem.target": target, **{k.replace("__", "."): v for k, v in answers.items()}}
    return walk.headless(plan, whys, stop_after="define")


def levels(ask: Any, choice: Json) -> list[tuple[Level, str]]:
    return [(o.level, o.flag) for o in ask.judge(choice).objections]


# -- the metric ----------------------------------------------------------------------------------------------------


def test_accuracy_is_not_recommended_on_a_rare_class_and_held_when_it_is_wanted(rare: Walk) -> None:
    c = defined(rare, "left")
    ask = asked(c, "problem.metric")
    assert ask.recommended == "average_precision"
    assert levels(ask, "accuracy") == [(Level.HOLD, "M27")]
    assert "finds none of the 60 rows of “yes”" in " ".join(texts(ask))


def test_accuracy_on_a_rare_class_needs_a_telling_why(rare: Walk) -> None:
    for why in ("", "because", "which one number decides between two models"):
        with pytest.raises(WhyNeeded, match=r"problem\.metric"):
            defined(rare, "left", {"problem.metric": why}, problem__metric="accuracy")
    decision = said(defined(rare, "left", {"problem.metric": WHY}, problem__metric="accuracy"), "problem.metric")
    assert decision.overruled
    assert "M27" in decision.flags
    assert (decision.level, decision.check.metric, decision.check.value) == ("hold", "accuracy", 0.9)


def test_a_metric_that_the_same_answer_for_every_row_satisfies_is_held(rare: Walk) -> None:
    assert levels(asked(defined(rare, "left"), "problem.metric"), "recall") == [(Level.HOLD, "")]
    turned = asked(defined(rare, "left", problem__positive="no"), "problem.metric")
    assert levels(turned, "f1") == [(Level.HOLD, "")]
    assert levels(turned, "average_precision") == [(Level.HOLD, "")]
    assert levels(turned, "roc_auc") == []


@pytest.mark.parametrize(
    ("shares", "metric"),
    [((0.34, 0.33, 0.33), "accuracy"), ((0.7, 0.2, 0.1), "f1_macro"), ((0.48, 0.47, 0.05), "f1_macro")],
)
def test_several_classes(here: Any, shares: tuple[float, ...], metric: str) -> None:
    walk = Walk(problems.classes(here / f"classes{shares[0]}.csv", shares))
    ask = asked(defined(walk, "kind"), "problem.metric")
    assert ask.recommended == metric
    held = levels(ask, "accuracy")
    assert held == ([] if metric == "accuracy" else [(Level.HOLD, "M27")] if min(shares) < 0.5 / 3 else [])


def test_a_logarithm_is_not_taken_of_what_has_none(here: Any) -> None:
    """RMSE of log(1 + y) is undefined from -1 down; chosen all the same, it left nothing to climb on."""
    path = here / "below.csv"
    values = [x / 10 for x in range(-300, 0)]
    path.write_text("x,y\n" + "".join(f"{value**2:.3f},{value}\n" for value in values))
    ask = asked(defined(Walk(path), "y"), "problem.metric")
    assert levels(ask, "rmsle") == [(Level.BLOCK, "")]
    assert "“y” falls to -30, and log(1 + y) needs" in ask.judge("rmsle").objections[0].message
    assert levels(ask, "mae") == []


def test_known_costs_decide_and_say_from_where_on_to_act(rare: Walk) -> None:
    costs = {"false_positive": 1, "false_negative": 5}
    c = defined(rare, "left", problem__costs=costs)
    assert said(c, "problem.metric").choice == "expected_cost"
    assert said(c, "problem.costs").check.value == pytest.approx(1 / 6)


def test_equal_costs_on_a_rare_class_are_held(rare: Walk) -> None:
    ask = asked(defined(rare, "left"), "problem.costs")
    assert levels(ask, "equal") == [(Level.HOLD, "")]
    assert "10.0 %" in ask.judge("equal").objections[0].message
    for costs in ({"false_positive": 1}, {"false_positive": 5, "false_negative": -9}, {"up": 1}, "cheap", {}):
        with pytest.raises(InvalidAnswer, match=r"problem\.costs"):
            ask.accept(costs)


def test_a_number_is_told_nothing_of_classes(numbers: Walk) -> None:
    c = defined(numbers, "price")
    assert said(c, "problem.task").choice == "regression"
    assert said(c, "problem.metric").choice == "mae"
    for question in ("problem.metric", "problem.costs", "problem.use"):
        for text in texts(asked(c, question)):
            assert "Always saying" not in text
            assert "class" not in text.casefold().replace("classes each", "")
    skewed = asked(defined(numbers, "price", problem__use="totals"), "problem.metric")
    assert skewed.recommended == "rmse"


# -- the rest ------------------------------------------------------------------------------------------------------


def test_what_was_not_said_is_recorded_as_the_engines_and_flagged(rare: Walk) -> None:
    c = defined(rare, "left")
    for question in ("problem.statement", "problem.today", "problem.domain", "problem.rule", "problem.moment"):
        decision = said(c, question)
        assert decision.author == "engine"
        assert "M16" in decision.flags


@pytest.mark.parametrize("text", ["don't know", "I don’t know", "not stated", ""])
def test_not_knowing_todays_level_is_flagged_however_it_is_said(rare: Walk, text: str) -> None:
    assert levels(asked(defined(rare, "left"), "problem.today"), text) == [(Level.FLAG, "M16")]


def test_the_statement_decides_what_is_advised(rare: Walk) -> None:
    loan = defined(rare, "left", problem__statement="A clerk grants or refuses the loan at the counter each day.")
    assert asked(loan, "problem.interpretability").recommended == "readable"
    assert said(loan, "problem.rows_per_parameter").choice == 1
    price = defined(rare, "left", problem__statement="The desk sets the price of insurance from the risk every night.")
    assert said(price, "problem.use").choice == "probability"
    assert said(price, "problem.metric").choice == "log_loss"


def test_rows_that_come_back_are_named_and_denying_it_is_held(visits: Walk) -> None:
    ask = asked(defined(visits, "ill"), "problem.unit")
    assert ask.recommended == "patient_id"
    assert levels(ask, "none") == [(Level.HOLD, "M10")]
    assert "5.0 times" in ask.reason


def test_a_target_that_teaches_nothing_is_refused(here: Any) -> None:
    walk = Walk(problems.numbers(here / "flat.csv"))
    file = here / "flat.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0] + ",flat,void", *(line + ",1," for line in lines[1:])]) + "\n")
    walk = Walk(file)
    for target, says in (("flat", "one value only"), ("void", "every cell"), ("pric", "pric")):
        with pytest.raises(InvalidAnswer, match=says):
            defined(walk, target)


def test_reading_settings_are_completed_and_checked(rare: Walk) -> None:
    ask = asked(defined(rare, "left"), "data.load")
    assert ask.accept({"decimal": ","}) == {**ask.recommended, "decimal": ","}
    for wrong in ({"seperator": ";"}, {"separator": 5}, "semicolon", {"separator": float("nan")}):
        with pytest.raises(InvalidAnswer, match=r"data\.load"):
            ask.accept(wrong)


@pytest.mark.parametrize(
    "rule",
    [
        "tenure < ",
        "nobody = 1",
        "tenure < 12; DROP TABLE x",
        [{"when": "tenure < 12", "then": "maybe"}],
        [{"if": "x"}],
        5,
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_in_one_sentence(rare: Walk, rule: Json) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        asked(defined(rare, "left"), "problem.rule").accept(rule)
    assert "\n" not in str(refused.value)


def test_every_question_of_the_stage_was_asked_or_has_a_reason_not_to_be(rare: Walk, numbers: Walk) -> None:
    # on practice, a ranked list, an expert, a series
    depends = {
        "project.benchmark",
        "problem.capacity",
        "problem.drivers",
        "problem.series",
        "problem.horizon",
        "problem.growth",
    }
    for walk, target, missing in ((rare, "left", depends), (numbers, "price", {"problem.positive", *depends})):
        seen = {d.question for d in defined(walk, target).session.decisions()}
        assert {q.id for q in DEFINE.questions} - seen == missing


def test_a_ranked_list_needs_its_length_and_is_scored_by_its_top(rare: Walk) -> None:
    told = {"problem.use": "ranked", "problem.capacity": 60}
    c = defined(rare, "left", **{k.replace(".", "__"): v for k, v in told.items()})
    assert said(c, "problem.capacity").choice == pytest.approx(0.1)
    assert said(c, "problem.metric").choice == "recall_at_k"
    assert c.session.recipe()["capacity"] == pytest.approx(0.1)
    ask = asked(c, "problem.capacity")
    assert [o.level for o in ask.judge(None).objections] == [Level.HOLD]
    with pytest.raises(InvalidAnswer, match="share between 0 and 1"):
        ask.accept(700)


@pytest.mark.parametrize("question", ["problem.drivers", "problem.rule"])
def test_columns_are_told_with_their_types_in_words(rare: Walk, question: str) -> None:
    (table,) = asked(defined(rare, "tenure", problem__domain="Ann, who leads the desk"), question).shows
    types = {row[1] for row in table.rows}
    assert "yes/no" in types
    assert not any("_" in kind for kind in types)


def test_drivers_are_columns_with_a_direction(rare: Walk) -> None:
    c = defined(rare, "left", problem__domain="Ann, who leads the desk")
    ask = asked(c, "problem.drivers")
    assert ask.accept({"tenure": "-", "charge": "+"}) == {"tenure": "-", "charge": "+"}
    assert [o.flag for o in ask.judge({"tenure": "-"}).objections] == ["M16"]
    with pytest.raises(InvalidAnswer, match="no input 'tenur'; did you mean tenure"):
        ask.accept({"tenur": "-"})
    with pytest.raises(InvalidAnswer, match='takes "\\+"'):
        ask.accept({"tenure": "up"})


def test_what_the_statement_says_decides_what_is_recommended(rare: Walk) -> None:
    c = defined(
        rare, "left", problem__statement="A clerk at the desk ranks a list of customers to call in the phone app"
    )
    assert asked(c, "problem.use").recommended == "ranked"
    assert asked(c, "problem.latency").recommended == 10
    assert asked(c, "problem.interpretability").recommended == "reasons"


def test_practice_asks_for_the_published_score(rare: Walk) -> None:
    c = defined(rare, "left", project__kind="practice", project__benchmark=0.9)
    assert said(c, "project.benchmark").choice == 0.9
    assert said(defined(rare, "left"), "project.kind").choice == "own"
