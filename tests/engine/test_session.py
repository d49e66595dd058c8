"""The session as a fold: latest first in force, and what follows from the answers."""

from hypothesis import given
from hypothesis import strategies as st

from engine.records import Decision
from engine.session import Session
from tests.storage.samples import decision, rung

TYPES = {
    "id": "id",
    "age": "number",
    "seen": "date",
    "note": "drop",
    "copy": "category",
    "key": "category",
    "y": "yes_no",
}


def answered(**choices: object) -> Session:
    """A session whose answers are given by id, with __ for the dot and ___ for the colon."""
    out = []
    for name, choice in choices.items():
        question, _, subject = name.partition("___")
        out.append(decision(question.replace("__", "."), subject=subject, choice=choice))
    return Session("s", "data", out)


def test_a_later_answer_replaces_the_earlier_and_stands_in_its_place() -> None:
    first, other, second = decision("a.x", choice=1), decision("a.y", choice=2), decision("a.x", choice=3)
    session = Session("s", "data", [first, other, second])
    assert session.snapshot() == {"a.x": 3, "a.y": 2}
    assert session.decisions() == (second, other)
    assert session.decision("a.x") is second
    assert session.decision("a.z") is None


def test_the_ladder_keeps_the_order_of_the_path_when_a_lower_rung_is_answered_again() -> None:
    floor = rung("prior", 0.5, stage="baseline")
    low = Decision(**{**vars(floor), "question": "baseline.dummy"})
    again = Decision(**{**vars(low), "why": "asked again"})
    session = Session("s", "data", [low, rung("logistic", 0.8), again])
    assert [r.model for r in session.rungs] == ["prior", "logistic"]


decisions = st.lists(
    st.builds(
        lambda q, s, c: decision(q, subject=s, choice=c),
        st.sampled_from(["a.x", "a.y"]),
        st.sampled_from(["", "u", "v"]),
        st.integers(),
    )
)


@given(decisions, st.integers(0, 10))
def test_folding_at_once_or_in_two_parts_is_the_same(taken: list[Decision], k: int) -> None:
    whole, parts = Session("s", "data", taken), Session("s", "data", taken[:k])
    for late in taken[k:]:
        parts.take(late)
    assert parts.snapshot() == whole.snapshot()
    assert parts.decisions() == whole.decisions()
    for question in ("a.x", "a.y"):
        assert whole.about(question) == {d.subject: d.choice for d in whole.decisions() if d.question == question}


def test_the_inputs_are_what_is_left_of_the_columns() -> None:
    session = answered(
        problem__target="y",
        problem__unit="key",
        data__types=TYPES,
        data__ids___age="keep",
        data__leaks___copy="drop",
    )
    assert session.input_types() == {"age": "number", "seen": "date"}
    assert session.entity == "key"
    assert answered(problem__unit="none").entity is None


def test_time_orders_the_rows_only_when_the_moment_names_a_date() -> None:
    assert answered(problem__moment="seen", data__types=TYPES).time_column == "seen"
    assert answered(problem__moment="age", data__types=TYPES).time_column is None
    assert answered(problem__moment="before the contract ends", data__types=TYPES).time_column is None


def test_the_recipe_changes_with_what_it_is_made_of_and_with_nothing_else() -> None:
    base = {"problem__target": "y", "data__types": TYPES, "problem__metric": "roc_auc", "split__kind": "stratified"}
    recipe = answered(**base).recipe()
    assert answered(**base, problem__latency=5, problem__statement="x", problem__success=0.8).recipe() == recipe
    for change in (
        {"problem__positive": "yes"},
        {"split__seed": 1},
        {"split__lockbox": 0.2},
        {"data__missing_marks___age": ["99"]},
        {"data__scale": "squash"},
        {"problem__costs": {"false_positive": 1.0, "false_negative": 5.0}},
        {"data__duplicates": "repeats"},
    ):
        assert answered(**base, **change).recipe() != recipe


def test_a_choice_of_nothing_is_the_default() -> None:
    session = answered(problem__latency=None, problem__costs="unknown")
    assert session.choice("problem.latency", default=7) == 7
    assert session.costs is None
    assert answered(problem__costs={"under": 1.0}).costs == {"under": 1.0}
