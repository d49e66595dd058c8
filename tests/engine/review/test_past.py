"""The moments of a journal: each is what a session folded up to it would be, and nothing that came later."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.records import Decision
from engine.review.past import Past
from engine.session import Session
from tests.engine.review.journals import rung, say

QUESTIONS = ("simple.champion", "baseline.accept", "problem.metric", "problem.unit")


@st.composite
def journals(draw: st.DrawFn) -> list[Decision]:
    """Answers, some given again, some of which put a model on a rung, or take it off."""
    taken = []
    for _ in range(draw(st.integers(1, 14))):
        question = draw(st.sampled_from(QUESTIONS))
        choice = draw(st.sampled_from("abc"))
        if draw(st.booleans()):
            taken.append(rung(question, draw(st.sampled_from(("logistic", "tree"))), draw(st.sampled_from((0.7, 0.8)))))
        else:
            taken.append(say(question, choice, environment=draw(st.sampled_from("ef"))))
    return taken


@given(journals())
def test_at_each_moment_ladder_and_answers_are_those_of_the_session_then(journal: list[Decision]) -> None:
    past = Past(journal)
    for at in range(len(journal)):
        then = Session("", "", journal[: at + 1])
        assert past.rungs(at) == then.rungs
        assert past.in_force(at) == then.decisions()


@given(journals(), st.data())
def test_the_difference_turns_the_one_moment_into_the_other(journal: list[Decision], data: st.DataObject) -> None:
    places = st.integers(0, len(journal) - 1)
    first, second = sorted((data.draw(places), data.draw(places)))
    past = Past(journal)
    found = past.between(first, second)
    answers = {d.name: d.choice for d in past.in_force(first)}
    for change in found.changed:
        assert (change.before.choice if change.before else None) == answers.get(change.name)
        answers[change.name] = change.after.choice if change.after else None
    assert answers == {d.name: d.choice for d in past.in_force(second)}
    was, now = past.rungs(first), past.rungs(second)
    standing = list(was)
    for rung_gone in found.gone:
        standing.remove(rung_gone)
    assert sorted(map(repr, [*standing, *found.come])) == sorted(map(repr, now))
    assert found.taken == second - first
    assert found.environments == len({d.environment for d in journal[first : second + 1]})
    assert found == past.between(second, first)  # whichever is named first


def test_nothing_changed_from_a_moment_to_itself() -> None:
    past = Past([say("problem.metric", "roc_auc"), rung("simple.champion", "logistic", 0.8)])
    found = past.between(1, 1)
    assert (found.taken, found.changed, found.gone, found.come, found.seconds) == (0, (), (), (), 0)


def test_a_model_that_was_taken_back_is_gone_and_one_in_its_place_stands_where_it_stood() -> None:
    journal = [
        rung("baseline.accept", "prior", 0.5),
        rung("simple.champion", "logistic", 0.8),
        rung("baseline.accept", "rule", 0.6),
        say("simple.champion", "none"),
    ]
    past = Past(journal)
    assert [r.model for r in past.rungs(1)] == ["prior", "logistic"]
    assert [r.model for r in past.rungs(2)] == ["rule", "logistic"]
    assert [r.model for r in past.rungs(3)] == ["rule"]
    found = past.between(1, 3)
    assert [r.model for r in found.gone] == ["prior", "logistic"]
    assert [r.model for r in found.come] == ["rule"]
    assert found.seconds == journal[2].seconds + journal[3].seconds
