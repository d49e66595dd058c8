"""The questions as data: ids, sources, whys; that every form reads what fits and refuses the rest in one sentence."""

import pytest

from engine.conductor import SETTLED
from engine.questions import Question
from engine.stages import CATALOGUE, STAGES

PREFIXES = {
    "define": ("project", "problem", "data"),
    "prepare": ("data", "split"),
    "baseline": ("baseline", "problem"),
    "simple": ("simple", "improve"),
    "deep": ("deep",),
    "present": ("present",),
}
ALL = [pytest.param(stage.name, q, id=q.id) for stage in STAGES for q in stage.questions]


@pytest.mark.parametrize(("stage", "question"), ALL)
def test_a_question_says_what_it_asks_and_where_that_comes_from(stage: str, question: Question) -> None:
    assert question.stage_prefix in PREFIXES[stage]
    assert question.id == question.id.lower()
    assert question.prompt[0].isupper() or question.prompt[0] in "“{"
    assert question.prompt.rstrip()[-1] in "?."
    assert question.source
    assert len({o.key for o in question.options}) == len(question.options)


@pytest.mark.parametrize(("stage", "question"), ALL)
def test_a_person_who_keeps_asking_why_gets_three_answers(stage: str, question: Question) -> None:
    if question.asks == "person":
        assert len(question.whys) >= 3
    for why in question.whys:
        assert why.question.endswith("?") or "?" in why.question
        assert why.answer


def test_the_catalogue_has_every_question_once_in_the_order_of_the_path() -> None:
    ids = [q.id for q in CATALOGUE.questions]
    assert len(set(ids)) == len(ids)
    assert ids[-1] == SETTLED.id
    assert all(CATALOGUE[i].id == i for i in ids)
    assert "problem.mystery" not in CATALOGUE
