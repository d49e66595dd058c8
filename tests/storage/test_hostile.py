"""Stores and clocks as they should not be: what is not whole is said, what is whole is kept, and nothing is run."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from engine.errors import StoreProblem
from storage.cohort import cohort
from storage.store import Store
from tests.storage.samples import decision, evidence

GIGANTIC = "word " * 400_000  # 2 MB


# -- cut off in mid-write ----------------------------------------------------------------------------------------------


def test_a_store_cut_off_in_mid_write_opens_at_its_last_whole_decision(store, place, churn, tmp_path):
    """The steps beside the file are cut at every kind of place, as a machine that loses power leaves them."""
    journal = store.journal(churn)
    for n in range(12):
        journal.append(decision(f"q.{n}", why="x" * 300, evidence=(evidence(n).key,)), [evidence(n)])
    steps = place.with_name(place.name + "-wal")
    whole = steps.read_bytes()
    seen = set()
    for length in [0, 31, 32, 33, 4_000, *range(4_152, len(whole), len(whole) // 25), len(whole) - 1, len(whole)]:
        copy = tmp_path / "cut" / "s.sqlite3"
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir()
        shutil.copyfile(place, copy)
        copy.with_name(steps.name.replace(place.name, copy.name)).write_bytes(whole[:length])
        with Store.open(copy) as found:
            if churn not in found.sessions.names():
                continue  # cut before the session was made
            decisions = found.journal(churn).decisions()
            assert [d.question for d in decisions] == [f"q.{n}" for n in range(len(decisions))]
            assert found.verify() == []
            found.journal(churn).append(decision("q.next"))
            seen.add(len(decisions))
    assert {12} < seen
    assert len(seen) > 3


def test_a_damaged_step_is_not_read(store, place, churn, tmp_path):
    journal = store.journal(churn)
    for n in range(4):
        journal.append(decision(f"q.{n}"))
    steps = bytearray(place.with_name(place.name + "-wal").read_bytes())
    steps[len(steps) // 2] ^= 0xFF
    copy = tmp_path / "s.sqlite3"
    shutil.copyfile(place, copy)
    copy.with_name("s.sqlite3-wal").write_bytes(bytes(steps))
    with Store.open(copy) as found:
        there = found.journal(churn).decisions() if churn in found.sessions.names() else ()
        assert [d.question for d in there] == [f"q.{n}" for n in range(len(there))]
        assert len(there) < 4
        assert found.verify() == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_is_told_and_never_read_in_part_without_a_word(store, place, churn, tmp_path, share):
    journal = store.journal(churn)
    for n in range(30):
        journal.append(decision(f"q.{n}", why="x" * 2_000))
    store.close()
    content = place.read_bytes()
    copy = tmp_path / "cut.sqlite3"
    copy.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(StoreProblem, match=r"^[^\n]+$"):
        _read_through(copy, churn)


def _read_through(place: Path, session: str) -> None:
    with Store.open(place, read_only=True) as found:
        found.journal(session).decisions()
        for finding in found.verify():
            raise StoreProblem(str(finding))


# -- clocks ------------------------------------------------------------------------------------------------------------


def test_a_clock_that_goes_backwards_changes_no_order(store, churn, clock):
    journal = store.journal(churn)
    hours = (0, -48, 24, -300)
    for n, hour in enumerate(hours):
        clock.seconds = 1_800_000_000.0 + hour * 3600
        at = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime(clock.seconds))
        journal.append(decision(f"q.{n}", decided_at=at, seconds=-3.0))
    assert [d.question for d in store.journal(churn).decisions()] == [f"q.{n}" for n in range(4)]
    assert store.verify() == []
    assert [info.name for info in store.sessions.list()] == [churn]
    session = store.sessions.id(churn)
    asked = store.comments.add(session, "ann", "Why?", mark="question")
    for mark in ("resolved", "reopened", "resolved"):
        clock.seconds -= 3600
        store.comments.add(session, "ann", "", mark=mark, answers=asked)
    (thread,) = store.comments.threads(session)
    assert [c.mark for c in thread.replies] == ["resolved", "reopened", "resolved"]
    assert thread.resolved
    assert store.sessions.get(churn).comments == 0


def test_a_holder_from_the_future_does_not_hold_for_ever(store, place, churn, clock):
    with store._connection.write() as db:
        db.execute(
            "insert into lease (session, owner, pid, host, started_at, beat_at) values (1, 'x', 1, 'elsewhere', 0, ?)",
            [clock.seconds + 10_000],
        )
    with store.hold(churn):
        store.journal(churn).append(decision())


# -- gigantic ----------------------------------------------------------------------------------------------------------


def test_gigantic_texts_are_kept_found_verified_and_travel(store, churn, tmp_path):
    store.journal(churn).append(decision("q.big", why=GIGANTIC, choice=GIGANTIC, prompt=GIGANTIC))
    assert store.verify() == []
    (hit,) = store.search("word")  # would take minutes where what stands around each of 400,000 was looked at
    assert len(hit.text) < 1_000
    assert store.journal(churn).decisions()[0].why == GIGANTIC
    store.bundles.write(churn, tmp_path / "big.rungwise", ())
    with Store.open(tmp_path / "other.sqlite3") as other:
        other.bundles.read(tmp_path / "big.rungwise")
        assert other.journal(churn).decisions()[0].choice == GIGANTIC
        assert other.verify() == []


# -- foreign -----------------------------------------------------------------------------------------------------------


class _Trap:
    def __reduce__(self):
        return (Path.touch, (Path("/tmp/rungwise-was-run"),))


def test_a_folder_of_strange_files_is_a_cohort_of_those_that_are_ours(store, churn, place, tmp_path):
    """Pickles under a model's or a bundle's name are never opened as such; broken stores are a line that says why."""
    store.journal(churn).append(decision())
    store.close()
    folder = tmp_path / "class"
    folder.mkdir()
    shutil.copyfile(place, folder / "good.sqlite3")
    trap = pickle.dumps(_Trap())
    for name in ("model.skops", "model.pkl", "a.rungwise", "b.sqlite3"):
        (folder / name).write_bytes(trap)
    (folder / "cut.sqlite3").write_bytes(place.read_bytes()[:5_000])
    (folder / "loop").symlink_to(folder)
    with sqlite3.connect(folder / "other.sqlite3") as other:
        other.execute("create table t (a)")
    found = cohort(folder)
    assert [t.session for t in found if not t.problem] == [churn]
    assert {t.place.name for t in found if t.problem} <= {"cut.sqlite3", "a.rungwise"}
    assert all("\n" not in t.problem for t in found)
    assert not Path("/tmp/rungwise-was-run").exists()
