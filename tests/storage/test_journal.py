"""Decisions come back exactly as they were sealed, in one chain, with the evidence they cite."""

import dataclasses
import itertools
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.conductor import Conductor, Stage
from engine.effects import Ask
from engine.errors import StoreProblem, UsageProblem
from engine.questions import Question
from engine.records import GENESIS, Answer, Check, Option
from engine.session import Session
from storage.store import Store
from tests.storage.samples import decision, evidence, rung

anything = st.characters(codec=None, exclude_categories=())  # lone surrogates and NUL too
texts = st.text(anything, max_size=12)
figures = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | figures | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
tables = st.dictionaries(texts, scalars, max_size=3)
checks = st.builds(
    Check,
    texts,
    st.none() | figures,
    st.none() | figures,
    st.none() | figures,
    st.none() | figures,
    texts,
    texts,
    tables,
)
options = st.lists(st.builds(Option, values, texts, texts, tables), max_size=3).map(tuple)
decisions = st.builds(
    decision,
    question=texts,
    stage=texts,
    subject=texts,
    prompt=texts,
    options=options,
    recommended=values,
    reason=texts,
    choice=values,
    why=texts,
    author=st.sampled_from(["person", "plan", "engine"]),
    overruled=st.booleans(),
    flags=st.lists(texts, max_size=2).map(tuple),
    check=st.none() | checks,
    seconds=figures,
    supersedes=st.none() | st.integers(1, 10**9),
)
numbers = itertools.count()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(given=st.lists(decisions, min_size=1, max_size=3))
def test_any_decision_comes_back_as_it_was_sealed(store, churn, given):
    name = store.sessions.create(f"s{next(numbers)}", store.sessions.get(churn).dataset).name
    journal = store.journal(name)
    sealed = [journal.append(one) for one in given]
    back = store.journal(name).decisions()
    assert list(back) == sealed
    assert [one.hash for one in back] == [one.fingerprint() for one in back]
    assert [one.prev_hash for one in back] == [GENESIS, *(one.hash for one in back[:-1])]
    for one, asked in zip(back, given, strict=True):
        assert (one.choice, one.why, one.subject) == (paired(asked.choice), asked.why, asked.subject)
    assert store.verify(name) == []


def paired(value):
    """Two surrogates side by side inside JSON are the character that they spell."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, list):
        return [paired(item) for item in value]
    if isinstance(value, dict):
        return {paired(k): paired(v) for k, v in value.items()}
    return value


def test_text_is_kept_as_it_is(store, churn):
    odd = "[red]x[/red] \x1b[31m \x00 line\nbreak 'quote' \"; drop table decision; -- \u202e \U0001f600 {x} %s"
    sealed = store.journal(churn).append(decision(why=odd, choice=odd, subject=odd, flags=(odd,)))
    (back,) = store.journal(churn).decisions()
    assert (back.why, back.choice, back.subject, back.flags) == (odd, odd, odd, (odd,))
    assert back == sealed


def test_a_name_in_a_wrong_encoding_is_kept_in_full_and_shown_as_an_escape(store, place, churn):
    store.journal(churn).append(decision(subject="caf\udce9", choice="caf\udce9"))
    (back,) = store.journal(churn).decisions()
    assert back.subject == back.choice == "caf\udce9"
    with sqlite3.connect(place) as other:
        assert other.execute("select subject, choice from decision").fetchone() == ("caf\\udce9", '"caf\\udce9"')


def test_what_json_changes_is_changed_before_it_is_sealed(store, churn):
    sealed = store.journal(churn).append(decision(choice={10: (1, 2), 9: True}, seconds=3))
    assert sealed.choice == {"10": [1, 2], "9": True}
    assert store.journal(churn).decisions() == (sealed,)
    assert store.verify() == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_choice_that_is_no_number_is_refused_and_nothing_is_written(store, churn, value):
    journal = store.journal(churn)
    with pytest.raises(ValueError, match="JSON"):
        journal.append(decision(choice=value))
    with pytest.raises(ValueError, match="JSON"):
        journal.append(decision(check=Check("roc_auc", value)))
    assert journal.decisions() == ()


def test_a_decision_and_its_evidence_are_written_together_or_not_at_all(store, churn):
    journal = store.journal(churn)
    first, second = evidence(1), evidence(2)
    with pytest.raises(StoreProblem, match="cites evidence that is not in the store"):
        journal.append(decision(evidence=(first.key, second.key)), [first])
    assert store.evidence.get(first.key) is None
    assert journal.decisions() == ()
    journal.append(decision(evidence=(first.key, second.key)), [first, second])
    assert store.evidence.get(first.key) == first
    journal.append(decision(evidence=(first.key,)))  # it is there already
    assert len(journal.decisions()) == 2


def test_two_journals_of_one_branch_do_not_write_over_each_other(store, churn):
    one, two = store.journal(churn), store.journal(churn)
    one.append(decision())
    with pytest.raises(StoreProblem, match="has gone on in another window"):
        two.append(decision("problem.costs"))
    two.decisions()
    assert two.append(decision("problem.costs")).seq == 2


def test_threads_of_one_window_share_the_store(store, churn):
    names = [store.sessions.create(f"t{n}", store.sessions.get(churn).dataset).name for n in range(3)]

    def work(name: str) -> list[int]:
        journal = store.journal(name)
        for n in range(8):
            journal.append(decision(f"q.{n}"))
            store.queue.beat(name)
        return [d.seq for d in journal.decisions()]

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(work, names)) == [list(range(1, 9))] * 3
    assert store.verify() == []


# -- branches ------------------------------------------------------------------------------------------------------


def test_a_fork_shares_its_prefix_and_the_chain_goes_on_from_there(store, churn):
    main = store.journal(churn)
    first = [main.append(decision(f"q.{n}")) for n in range(5)]
    branch = store.sessions.fork(churn, None, 3)
    assert (branch.name, branch.parent, branch.forked_at, branch.length) == ("branch-2", "main", 3, 3)
    assert store.sessions.get(churn).branch == "branch-2"
    other = store.journal(churn)
    assert list(other.decisions()) == first[:3]
    new = other.append(decision("q.other"))
    assert (new.seq, new.prev_hash) == (4, first[2].hash)
    assert list(main.decisions()) == first
    main.append(decision("q.5"))
    assert [d.question for d in other.decisions()] == ["q.0", "q.1", "q.2", "q.other"]
    assert store.verify() == []


def test_forks_of_forks_also_from_before_the_first_fork(store, churn):
    main = store.journal(churn)
    for n in range(4):
        main.append(decision(f"main.{n}"))
    store.sessions.fork(churn, "main", 3, "second")
    store.journal(churn).append(decision("second.0"))
    store.sessions.fork(churn, "second", 4, "third")
    store.journal(churn).append(decision("third.0"))
    store.sessions.fork(churn, "third", 2, "early")
    store.journal(churn).append(decision("early.0"))
    asked = {
        b.name: [d.question for d in store.journal(churn, b.name).decisions()] for b in store.sessions.branches(churn)
    }
    assert asked == {
        "main": ["main.0", "main.1", "main.2", "main.3"],
        "second": ["main.0", "main.1", "main.2", "second.0"],
        "third": ["main.0", "main.1", "main.2", "second.0", "third.0"],
        "early": ["main.0", "main.1", "early.0"],
    }
    assert [b.length for b in store.sessions.branches(churn)] == [4, 4, 5, 3]
    assert store.verify() == []
    store.sessions.switch(churn, "main")
    assert store.journal(churn).branch == "main"


def test_a_fork_that_cannot_be(store, churn):
    store.journal(churn).append(decision())
    with pytest.raises(UsageProblem, match="decisions 1 to 1; it cannot be left at 2"):
        store.sessions.fork(churn, None, 2)
    with pytest.raises(UsageProblem, match="has a branch named Main already"):
        store.sessions.fork(churn, None, 1, "Main")
    with pytest.raises(UsageProblem, match="no branch named nope; there is main"):
        store.journal(churn, "nope")
    assert [b.name for b in store.sessions.branches(churn)] == ["main"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=6))
def test_any_tree_of_branches_reads_as_it_was_grown(store, churn, steps):
    name = store.sessions.create(f"t{next(numbers)}", store.sessions.get(churn).dataset).name
    grown = {"main": [store.journal(name, "main").append(decision(f"q.{n}")) for n in range(3)]}
    for which, at, more in steps:
        parent = list(grown)[which % len(grown)]
        line = grown[parent]
        at = at % (len(line) + 1)
        new = store.sessions.fork(name, parent, at).name
        journal = store.journal(name, new)
        grown[new] = line[:at] + [journal.append(decision(f"{new}.{n}")) for n in range(more)]
    for branch, line in grown.items():
        assert list(store.journal(name, branch).decisions()) == line
    assert store.verify(name) == []


# -- what the engine and other tools make of it ---------------------------------------------------------------------


def test_the_conductor_finds_its_way_back_through_the_store(store, place, churn):
    def conversation(session):
        yield Ask(Question("a.one", "One?", options=(Option("x"), Option("y"))))
        yield Ask(Question("a.two", "Two?", options=(Option("x"), Option("y"))))

    question = Question("a.one", "One?", options=(Option("x"), Option("y")))
    stage = Stage("define", "Define", conversation, (question, dataclasses.replace(question, id="a.two")))

    def conductor(opened: Store) -> Conductor:
        return Conductor([stage], Session(churn, "", ()), opened.journal(churn), opened.evidence)

    first = conductor(store)
    first.advance()
    first.answer(Answer("y", "because the business says so"))
    with Store.open(place) as again:
        resumed = conductor(again)
        assert resumed.advance().ask.question.id == "a.two"
        assert resumed.session.snapshot() == {"a.one": "y"}


def test_any_sqlite_tool_reads_the_journal_and_the_ladder(store, place, churn):
    journal = store.journal(churn)
    journal.append(decision("problem.target", choice="Churn"))
    journal.append(rung("rule", 0.7, "baseline"))
    journal.append(rung("logistic", 0.85, subject="1"))
    journal.append(rung("boosting", 0.86, subject="1"))
    store.sessions.fork(churn, None, 3)
    with sqlite3.connect(place) as other:
        ladder = other.execute("select branch, model, value, low, high from ladder").fetchall()
        assert ladder == [
            ("main", "rule", 0.7, 0.69, 0.71),
            ("main", "boosting", 0.86, 0.85, 0.87),
            ("branch-2", "rule", 0.7, 0.69, 0.71),
            ("branch-2", "logistic", 0.85, 0.84, 0.86),
        ]
        rows = other.execute(
            "select branch, seq, question, choice, why from journal where branch = 'branch-2'"
        ).fetchall()
        assert [(b, s, q, json.loads(c)) for b, s, q, c, _ in rows] == [
            ("branch-2", 1, "problem.target", "Churn"),
            ("branch-2", 2, "simple.champion", "rule"),
            ("branch-2", 3, "simple.champion", "logistic"),
        ]
    other.close()
