"""A store that was edited by hand is found out, and the place is named."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StoreProblem, UsageProblem
from engine.records import GENESIS
from storage.journal import write_decision
from storage.rows import as_kept, decision_row, spelled_hash
from tests.storage.samples import decision, evidence

FIGURES = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FIGURES | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def edited(store, place, churn):
    """Run SQL on a store of eight decisions with the guards taken out and put back."""
    journal = store.journal(churn)
    for n in range(6):
        journal.append(decision(f"q.{n}"))
    journal.append(decision("problem.metric", evidence=(evidence().key,), subject="caf\udce9"), [evidence()])
    journal.append(decision("q.7"))
    store.artifacts.keep(b"a model", "application/octet-stream")
    store.sessions.fork(churn, None, 5)
    store.journal(churn).append(decision("q.branch"))
    store.sessions.switch(churn, "main")

    def edit(sql: str, *values: object) -> list[str]:
        with sqlite3.connect(place) as other:
            guards = other.execute("select name, sql from sqlite_master where type = 'trigger'").fetchall()
            for name, _ in guards:
                other.execute(f"drop trigger {name}")
            other.execute(sql, values)
            for _, text in guards:
                other.execute(text)
        other.close()
        return [str(finding) for finding in store.verify()]

    return edit


def test_a_sound_store(store, edited):
    assert store.verify() == []


SEVENTH = "session churn, branch main, decision 7 (problem.metric): "


@pytest.mark.parametrize(
    "change",
    [
        "choice = '\"accuracy\"'",
        "why = 'another'",
        "subject = 'other'",
        "author = 'engine'",
        "seconds = 0",
        "metric = 'm', protocol = '', verdict = '', details = '{}'",
        "hash = 'abc'",
        "decided_at = '2020'",
    ],
)
def test_a_changed_decision(edited, change):
    assert edited(f"update decision set {change} where seq = 7") == [SEVENTH + "its hash does not fit its content"]


def test_a_decision_that_is_no_longer_readable(store, churn, edited):
    (finding,) = edited("update decision set options = '{' where seq = 7")
    assert finding.startswith(SEVENTH + "it cannot be read")
    with pytest.raises(
        StoreProblem, match=r"branch main, decision 7 \(problem.metric\) was changed and cannot be read"
    ):
        store.journal(churn).decisions()


def test_only_the_first_broken_link_is_named(edited):
    (finding,) = edited("update decision set why = 'x'")
    assert finding == "session churn, branch main, decision 1 (q.0): its hash does not fit its content"


def test_a_decision_written_anew_with_a_fitting_hash_breaks_the_next_link(edited):
    forged = decision("problem.metric", choice="accuracy").sealed(7, "0" * 64)
    row = decision_row(forged)
    (finding,) = edited(
        "update decision set choice = ?, prev_hash = ?, hash = ? where seq = 7",
        row["choice"],
        row["prev_hash"],
        row["hash"],
    )
    assert finding == SEVENTH + "it does not follow from the decision before it"


def test_a_decision_taken_out_of_the_middle(edited):
    findings = edited("delete from decision where seq = 6 and branch = 1")
    assert findings == [
        SEVENTH + "decision 6, which belongs before it, is missing",
        "1 of the decisions recorded in this store were taken out",
    ]


def test_decisions_cut_off_at_the_end(edited):
    assert edited("delete from decision where seq >= 7") == ["2 of the decisions recorded in this store were taken out"]


def test_what_was_cut_off_is_told_of_one_session_too(store, churn, edited):
    """Nothing in the session itself shows that its last decisions are gone, so it must not be called sound."""
    edited("delete from decision where seq >= 7")
    store._connection.db.execute("drop trigger decision_no_delete")
    assert [str(f) for f in store.verify(churn)] == [
        "2 of the decisions recorded in this store were taken out",
        "the guards against changing records were taken out (decision_no_delete)",
    ]


def test_a_branch_hung_elsewhere(edited):
    (finding,) = edited("update branch set forked_at = 4 where id = 2")
    assert finding.startswith("session churn, branch branch-2, decision 6 (q.branch): decision 5")


def test_a_branch_that_shares_more_than_there_is(edited):
    (finding,) = edited("update branch set forked_at = 40 where id = 2")
    assert finding == "session churn, branch branch-2: decisions that it shares up to 40 are missing"


def test_evidence_taken_out(edited):
    (finding,) = edited("delete from evidence")
    assert finding == SEVENTH + f"the evidence {evidence().key[:12]} that it cites is missing"


def test_changed_evidence(edited):
    (finding,) = edited("""update evidence set value = '{"scores":[0.99]}'""")
    assert finding == f"evidence {evidence().key[:12]} (cross_validate): its content was changed"


def test_a_changed_file(edited):
    (finding,) = edited("update artifact set content = x'00'")
    assert finding.endswith("its content was changed")


def test_guards_taken_out(store, edited):
    store._connection.db.execute("drop trigger decision_no_delete")
    assert [str(f) for f in store.verify()] == [
        "the guards against changing records were taken out (decision_no_delete)"
    ]


def test_one_session_alone(store, churn, edited):
    store.sessions.create("other", store.sessions.get(churn).dataset)
    edited("update decision set why = 'x' where seq = 7")
    assert store.verify("other") == []
    assert len(store.verify("CHURN")) == 1
    with pytest.raises(UsageProblem, match="no session named nope"):
        store.verify("nope")


def test_contents_moved_from_one_column_to_the_next_are_found(store, place, churn):
    """The hash is put together from the columns: contents that spell the same text otherwise cut must not pass."""
    odd = as_kept(decision("q.odd", evidence=({"a": 1, "flags": 2},))).sealed(1, GENESIS)
    with store._connection.write() as db:
        write_decision(db, store.sessions.branch(churn).id, odd)
    with sqlite3.connect(place) as other:
        other.execute("drop trigger decision_no_update")
        other.execute("""update decision set evidence = '[{"a":1', flags = '2}],"flags":[]'""")
    row = store._connection.row("select * from decision")
    assert row
    assert spelled_hash(row) == odd.hash
    assert "cannot be read" in store.verify(churn)[0].problem


def test_columns_that_are_spelled_otherwise_are_read_before_they_are_judged(store, place, churn):
    store.journal(churn).append(decision("q.one", choice={"b": [1, 2.5], "a": "\udcff"}, why="\udcff"))
    assert store.verify(churn) == []
    with sqlite3.connect(place) as other:
        other.execute("drop trigger decision_no_update")
        other.execute("update decision set flags = ' [ ] '")
    assert [found for found in store.verify(churn) if found.session] == []


def test_a_column_nested_beyond_reading_is_named(store, place, churn):
    store.journal(churn).append(decision("q.one"))
    with sqlite3.connect(place) as other:
        other.execute("drop trigger decision_no_update")
        other.execute("update decision set choice = ?", ["[" * 200_000 + "]" * 200_000])
    assert "cannot be read" in store.verify(churn)[0].problem
    with pytest.raises(StoreProblem, match="decision 1"):
        store.journal(churn).decisions()


@given(st.builds(decision, choice=JSON, why=st.text(), seconds=st.floats(0, 1e12), flags=st.tuples(st.text())))
def test_the_hash_from_the_columns_is_that_of_the_decision(d):
    sealed = as_kept(d).sealed(1, GENESIS)
    row = decision_row(sealed)
    assert spelled_hash(row) == ("" if row["exact"] else sealed.fingerprint())
