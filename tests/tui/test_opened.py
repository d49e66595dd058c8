"""A session opened for work, over a real store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from engine.answerers import accept_recommended, from_plan, quick_pace
from engine.conductor import Asking, Finished, Measuring
from engine.errors import DataProblem, Refused, StoreProblem, UsageProblem, WhyNeeded
from engine.records import Answer, Evidence, Progress, Trial
from engine.runners.inline import perform
from storage.store import Store
from tests.engine.runners.kinds import KINDS
from tests.tui.stages import STAGES
from tui import headless
from tui.opened import OpenSession, new_session
from tui.workers import workplace


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, name: str) -> None:
        self.lines.append(name)

    def began(self, trial: Trial) -> None: ...

    def progressed(self, trial: Trial, progress: Progress) -> None: ...

    def ended(self, trial: Trial, evidence: Evidence) -> None:
        self.lines.append(f"{trial.label}: {evidence.error or 'done'}")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    data = tmp_path / "rows.csv"
    data.write_text("a,b\n1,2\n")
    with Store.open(tmp_path / "store.sqlite3") as store:
        assert new_session(store, data) == "rows"
        yield store


def opened(store: Store, answerers: Sequence = (quick_pace,), **options) -> OpenSession:
    return OpenSession.open(store, "rows", answerers=answerers, work="here", stages=STAGES, **options)


def measured(session: OpenSession, store: Store):
    """Go on to the next question, computing whatever is waited for; what breaks is left out."""
    while isinstance(waiting := session.advance(), Measuring):
        for trial in waiting.missing:
            evidence = perform(trial, workplace(store), kinds=KINDS)
            if evidence.ok:
                store.evidence.put(evidence)
            else:
                session.leave_out(trial.key, evidence.error)
    return waiting


def test_headless_goes_all_the_way_and_tells_each_trial(store: Store) -> None:
    told = Told()
    session = opened(store, (from_plan({"problem.target": "b"}, {}), accept_recommended))
    with contextlib.closing(workplace(store)) as place:
        computed = headless.run(session, place, told, kinds=KINDS)
    assert session.session.snapshot()["problem.target"] == "b"
    assert isinstance(session.waiting, Finished)
    assert [line.split(":")[0] for line in told.lines] == [
        "define",
        "doubling",
        "simple",
        "model 2",
        "model 3",
        "a broken one",
    ]
    assert [e.ok for e in computed] == [True, True, True, False]
    assert store.evidence.get(computed[-1].key) is None  # it may be tried again another day
    assert {d.environment for d in session.decisions()} == {computed[0].environment}
    assert not store.verify()
    session.close()
    again = opened(store)  # resuming asks nothing and computes nothing
    assert isinstance(again.advance(), Finished)
    again.close()


def test_a_person_answers_and_a_refusal_loses_nothing(store: Store) -> None:
    session = opened(store)
    waiting = measured(session, store)
    assert isinstance(waiting, Asking)
    assert waiting.ask.name == "problem.target"
    with pytest.raises(WhyNeeded):
        session.answer(Answer("b"))
    session.answer(Answer("b", "The column a is filled in weeks after customers leave us"))
    waiting = measured(session, store)
    assert waiting.ask.name == "problem.metric"
    with pytest.raises(WhyNeeded, match="blind"):
        session.answer(Answer("accuracy", "because"))
    session.answer(Answer("roc_auc"))
    assert measured(session, store).ask.name == "project.settled:define"  # what the pace answered is shown
    session.answer(Answer("keep"))
    assert measured(session, store).ask.name == "simple.champion"
    assert [d.author for d in session.decisions()] == ["person", "person", "engine", "person"]
    session.close()


def test_the_second_window_reads_and_says_why(store: Store) -> None:
    first = opened(store)
    with Store.open(store.path) as other:
        second = opened(other)
        assert second.read_only
        assert "another window" in second.read_only_reason
        second.advance()
        with pytest.raises((Refused, UsageProblem)):
            second.answer(Answer("b"))
        with pytest.raises(StoreProblem):
            second.go_back(1)
    first.close()
    third = opened(store)
    assert not third.read_only
    third.close()


def test_a_problem_is_kept_as_a_sentence_and_going_back_mends_it(store: Store) -> None:
    session = opened(store)
    measured(session, store)
    with pytest.raises(DataProblem, match="one value only"):
        session.answer(Answer("none", "I want to see what happens when nothing is predicted at all"))
    assert "one value only" in session.problem
    with pytest.raises(DataProblem):
        session.advance()
    back = session.go_back(1)
    waiting = measured(back, store)
    assert waiting.ask.name == "problem.target"
    assert back.branch != "main"
    assert back.problem == ""
    back.answer(Answer("a"))
    assert measured(back, store).ask.name == "problem.metric"
    back.close()


def test_going_back_asks_again_and_takes_later_answers_over(store: Store) -> None:
    session = opened(store, (accept_recommended,))
    measured(session, store)
    before = session.decisions()
    back = session.go_back(2)
    assert [d.hash for d in back.decisions()] == [d.hash for d in before[:1]]
    waiting = measured(back, store)
    assert waiting.ask.name == "problem.metric"  # asked again, though somebody would answer it
    back.close()
    with Store.open(store.path) as later:  # another day: the same is asked
        again = opened(later, (accept_recommended,))
        assert again.branch == back.branch
        assert measured(again, later).ask.name == "problem.metric"
        again.answer(Answer("log_loss", "The price of each policy is computed from these numbers directly"))
        assert isinstance(measured(again, later), Finished)
        again.close()
    assert store.journal("rows", "main").decisions() == before
    with pytest.raises(UsageProblem, match="there is no 99"):
        opened(store, branch="main").go_back(99)


def test_a_trial_that_is_needed_cannot_be_left_out(store: Store) -> None:
    session = opened(store)
    waiting = session.advance()
    assert isinstance(waiting, Measuring)
    with pytest.raises(DataProblem, match="no disk"):
        session.leave_out(waiting.missing[0].key, "no disk")
    assert isinstance(session.advance(), Measuring)
    session.close()


@pytest.mark.parametrize(
    ("file", "name"),
    [("churn.csv.gz", "churn"), ("x/train.csv", "x"), ("a.b.tsv", "a.b"), (".csv", ".csv"), ("we\tird.csv", "we␉ird")],
)
def test_a_session_is_named_after_its_file(store: Store, tmp_path: Path, file: str, name: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("a\n1\n")
    assert new_session(store, path) == name
    assert new_session(store, path) == f"{name}-2"
