"""*Keep asking why*: every question of the catalogue has a chain, with figures of the session and sources."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from engine.effects import Ask
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.sources import spelled
from engine.stages import STAGES

QUESTIONS = [question for stage in STAGES for question in stage.questions]
SHORT = 700  # letters of an answer: some lines of a terminal


def moment(question: Question) -> Ask:
    """The question as it might be asked: something is recommended where the form allows it."""
    options = () if question.options else (Option("a", figures={"ROC AUC": 0.81}), Option("b"))
    recommended: Json = None
    if question.form is Form.CHOICE:
        recommended = (question.options or options)[0].key
    return Ask(question, subject="tenure", options=options, recommended=recommended, reason="It gains 0.012 ± 0.004.")


@pytest.mark.parametrize("question", QUESTIONS, ids=[q.id for q in QUESTIONS])
def test_every_question_answers_three_whys_each_with_its_source(question: Question) -> None:
    chain = moment(question).whys(Session("churn", "f00d"))
    assert len(chain) >= 3
    assert len({asked for asked, _, _ in chain}) == len(chain)
    for asked, said, source in chain:
        assert asked.rstrip("”").endswith("?"), asked
        assert said.strip()
        assert len(said) <= SHORT
        assert source.strip()
        assert not re.search(r"\bS00\d\b", source), source


ASK = Ask(
    Question(
        "simple.champion", "Which?", whys=(Why("Why {best}?", "It scores {score}."), Why("Why {never}?", "Said."))
    ),
    options=(Option("tree", "a tree", figures={"ROC AUC": 0.81}), Option("net", "a net", "slow")),
    recommended="tree",
    reason="It gains 0.012.",
    facts={"best": "the tree", "score": 0.81},
    judge=lambda choice: Judgement(
        (Objection(Level.HOLD, "Its gain is noise."),) if choice == "net" else (),
        Check("roc_auc", 0.81, 0.8, 0.82, 0.7, "25 exams"),
    ),
)


def test_what_was_written_comes_first_and_what_is_not_known_is_left_out() -> None:
    chain = ASK.whys()
    assert chain[0] == ("Why the tree?", "It scores 0.81.", "Rungwise's decision catalogue, simple.champion")
    assert "Why ?" not in {asked for asked, _, _ in chain}
    assert not any("{" in asked + said for asked, said, _ in chain)


def test_the_moments_own_figures_follow() -> None:
    said = {asked: answer for asked, answer, _ in ASK.whys()}
    assert said["What speaks for “a tree” here?"] == "It gains 0.012."
    assert said["What is it checked against?"] == (
        "ROC AUC: 0.81, 95 % interval 0.8 … 0.82, against 0.7; measured by: 25 exams."
    )
    assert said["What else was on offer?"] == "a tree (ROC AUC 0.81); a net (slow)."
    assert said["What would the guide object to?"] == "“a net”: Its gain is noise."


def test_nothing_is_told_twice() -> None:
    once = replace(ASK, question=replace(ASK.question, whys=(Why("Why?", "{reason}"),)))
    assert sum("It gains 0.012." in answer for _, answer, _ in once.whys()) == 1


def test_a_judge_that_cannot_judge_this_moment_does_not_end_the_chain() -> None:
    def judge(choice: Json) -> Judgement:
        raise KeyError("net")

    assert len(replace(ASK, judge=judge).whys()) >= 3


def test_sources_are_spelled_out_part_by_part() -> None:
    assert spelled("S002: test everything; KN L2; 2.6; Efron 1979") == (
        "House notes: designing and doubting a model (test everything); "
        "Kapoor & Narayanan 2023, Leakage and the reproducibility crisis (L2); "
        "Rungwise's decision catalogue 2.6; Efron 1979"
    )
    assert spelled("Decision catalogue 2.5, R1") == "Rungwise's decision catalogue 2.5, R1"
    assert spelled("SKopje 1999") == "SKopje 1999"
    assert spelled("") == ""
