"""Who answers besides the person: the pace, a plan, the recommendation, the branch that was left."""

from dataclasses import replace

import pytest

from engine.answerers import accept_recommended, carried_over, from_plan, quick_pace, recommended
from engine.effects import Ask
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question
from engine.records import Answer, Option
from engine.session import Session
from tests.storage.samples import decision

OPTIONS = (Option("roc_auc"), Option("accuracy"))
METRIC = Question("problem.metric", "Which?", options=OPTIONS)
OWNED = replace(METRIC, id="problem.target", asks="person")
NOTE = Question("a.note", "Say?", Form.TEXT, default="not stated")
QUICK = Session("s", "data")
GUIDED = Session("s", "data", [decision("project.pace", choice="guided")])


def old(ask: Ask, **changes: object) -> object:
    return decision(ask.question.id, asked=ask.asked, **{"choice": "accuracy", **changes})


def test_the_recommendation_or_the_default_in_the_engines_name() -> None:
    ask = Ask(METRIC, recommended="roc_auc", reason="It ranks.")
    assert recommended(ask) == Answer("roc_auc", "It ranks.", "engine", "engine")
    assert accept_recommended(Ask(NOTE), QUICK).choice == "not stated"
    assert accept_recommended(Ask(NOTE, recommended="", reason="x"), QUICK).choice == ""


def test_the_quick_pace_answers_what_a_person_need_not_own() -> None:
    assert quick_pace(Ask(METRIC, recommended="roc_auc"), QUICK).choice == "roc_auc"
    assert quick_pace(Ask(OWNED, recommended="roc_auc"), QUICK) is None
    assert quick_pace(Ask(METRIC, recommended="roc_auc"), GUIDED) is None


def test_a_plan_answers_by_name_before_id_and_brings_its_why() -> None:
    leaks = Question("data.leaks", "Keep?", options=(Option("keep"), Option("drop")))
    plan = from_plan({"data.leaks": "drop", "data.leaks:zip": "keep"}, {"data.leaks:zip": "A clerk knows it."})
    assert plan(Ask(leaks, subject="zip"), QUICK) == Answer("keep", "A clerk knows it.", "plan", "plan")
    assert plan(Ask(leaks, subject="alive"), QUICK) == Answer("drop", "", "plan", "plan")
    assert plan(Ask(METRIC), QUICK) is None


def test_a_why_without_an_answer_speaks_for_the_recommendation() -> None:
    plan = from_plan({}, {"problem.metric": "The team calls from the top."})
    found = plan(Ask(METRIC, recommended="roc_auc", reason="It ranks."), QUICK)
    assert found == Answer("roc_auc", "The team calls from the top.", "plan", "engine")


def test_an_answer_is_carried_where_the_same_is_asked_on_the_same_evidence() -> None:
    ask = Ask(METRIC, recommended="roc_auc")
    carry = carried_over([old(ask, why="Counting suits us.", author="person")])
    assert carry(ask, QUICK) == Answer("accuracy", "Counting suits us.", "person", "person")
    for other in (
        replace(ask, recommended="accuracy"),
        replace(ask, options=OPTIONS[:1]),
        replace(ask, subject="x"),
    ):
        assert carry(other, QUICK) is None


@pytest.mark.parametrize(
    ("level", "why_verdict", "author", "carried"),
    [
        (Level.NOTE, "missing", "person", True),
        (Level.FLAG, "missing", "person", True),
        (Level.HOLD, "ok", "person", True),
        (Level.HOLD, "thin", "person", False),
        (Level.HOLD, "missing", "plan", False),
        (Level.HOLD, "ok", "engine", True),
        (Level.BLOCK, "ok", "person", False),
    ],
)
def test_what_the_guide_objects_to_now_is_asked_again(level, why_verdict, author, carried) -> None:
    ask = Ask(METRIC, recommended="roc_auc")
    carry = carried_over([old(ask, why_verdict=why_verdict, author=author)])
    objecting = replace(ask, judge=lambda choice: Judgement((Objection(level, "Now it matters."),)))
    assert (carry(objecting, QUICK) is not None) is carried


def test_an_answer_about_one_model_is_not_carried_to_another() -> None:
    freeze = Question("present.freeze", "{model}: this is the one?", options=(Option("freeze"),))
    ask = Ask(freeze, recommended="freeze", reason="Trees stand last.", facts={"model": "Trees"})
    kept = decision(freeze.id, asked=ask.asked, prompt=ask.prompt, choice="freeze", author="person",
                    why="Trees stand last.", reason="Trees stand last.", why_author="engine")  # fmt: skip
    carry = carried_over([kept])
    assert carry(ask, QUICK) is not None
    assert carry(replace(ask, facts={"model": "A net"}), QUICK) is None


def test_the_guides_why_is_carried_in_todays_words_and_a_persons_in_theirs() -> None:
    ask = Ask(METRIC, recommended="roc_auc", reason="It ranks: 0.91.")
    said = {"reason": "It ranks: 0.88.", "choice": "roc_auc", "author": "person"}
    guides = old(ask, why="It ranks: 0.88.", why_author="engine", **said)
    assert carried_over([guides])(ask, QUICK).why == "It ranks: 0.91."
    theirs = old(ask, why="We call from the top.", why_author="person", **said)
    assert carried_over([theirs])(ask, QUICK).why == "We call from the top."


def test_an_answer_that_cannot_be_read_any_more_is_asked_again() -> None:
    def read(choice: object) -> object:
        raise InvalidAnswer("problem.metric: gone.")

    ask = Ask(METRIC, recommended="roc_auc")
    assert carried_over([old(ask)])(replace(ask, read=read), QUICK) is None
