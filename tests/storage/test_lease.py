"""One writer a session at a time; a dead one holds nothing."""

import os
import platform
import subprocess
import sys
import time

import pytest

from engine.errors import StoreProblem
from storage.lease import SILENCE
from storage.store import Store
from tests.storage.samples import decision
from tests.storage.test_light import ROOT


def test_a_second_window_is_told_and_can_read(store, place, churn):
    with store.hold(churn), Store.open(place) as second:
        with pytest.raises(
            StoreProblem, match=rf"churn is open in another window \(pid {os.getpid()}\); opened read-only"
        ):
            second.hold(churn)
        with pytest.raises(StoreProblem, match="open in another window"):
            second.journal(churn).append(decision())
        with pytest.raises(StoreProblem, match="open in another window"):
            second.sessions.fork(churn, None, 0)
        with pytest.raises(StoreProblem, match="open in another window"):
            second.sessions.switch(churn, "main")
        store.journal(churn).append(decision())
        assert len(second.journal(churn).decisions()) == 1


def test_letting_go_lets_the_other_in(store, place, churn):
    with Store.open(place) as second:
        with store.hold(churn):
            pass
        with second.hold(churn):
            second.journal(churn).append(decision())
            with pytest.raises(StoreProblem, match="another window"):
                store.hold(churn)
        store.hold(churn).release()


def test_another_session_is_free(store, place, churn):
    store.sessions.create("other", store.sessions.get(churn).dataset)
    with store.hold(churn), Store.open(place) as second, second.hold("other"):
        second.journal("other").append(decision())


def test_holding_twice_in_one_window_lets_go_with_the_last(store, place, churn):
    with Store.open(place) as second:
        with store.hold(churn):
            with store.hold(churn):
                pass
            with pytest.raises(StoreProblem, match="another window"):
                second.hold(churn)
        second.hold(churn).release()


def test_closing_the_store_lets_go(place, data, clock):
    first = Store.open(place)
    first.sessions.create("churn", first.datasets.record(data))
    first.hold("churn")
    first.close()
    with Store.open(place) as second:
        second.hold("churn").release()


def test_a_killed_window_holds_nothing(store, place, churn):
    code = """
import sys
import time
from storage.store import Store
store = Store.open(sys.argv[1])
store.hold("churn")
print("held", flush=True)
sys.stdin.read()
"""
    arguments = [sys.executable, "-c", code, str(place)]
    with subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(StoreProblem, match=rf"\(pid {child.pid}\)"):
            store.hold(churn)
        child.kill()
        for _ in range(200):  # dead, but nobody has asked for its remains yet
            if platform.system() != "Linux" or _state(child.pid) == "Z":
                break
            time.sleep(0.01)
        with store.hold(churn):
            store.journal(churn).append(decision())


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def foreign(store: Store, **changes) -> None:
    """Somebody else's lease on the only session."""
    values = {
        "session": 1,
        "owner": "x",
        "pid": os.getpid(),
        "host": platform.node(),
        "started_at": 1.0,
        "beat_at": 0.0,
    }
    with store._connection.write() as db:
        db["lease"].insert(values | changes)


def test_another_process_under_the_same_number_is_not_the_holder(store, churn):
    foreign(store)
    store.hold(churn).release()


def test_a_holder_on_another_machine_is_believed_while_it_beats(store, churn, clock):
    foreign(store, host="elsewhere", pid=7, beat_at=clock.seconds)
    with pytest.raises(StoreProblem, match=r"\(pid 7 on elsewhere\)"):
        store.hold(churn)
    clock.seconds += SILENCE + 1
    store.hold(churn).release()


def test_a_window_whose_session_was_taken_over_stops_recording(store, churn, clock):
    hold, journal = store.hold(churn), store.journal(churn)
    hold.beat()
    with store._connection.write() as db:
        db.execute("delete from lease")
    foreign(store, host="elsewhere", beat_at=clock.seconds)
    with pytest.raises(StoreProblem, match="another window"):
        journal.append(decision())
    with pytest.raises(StoreProblem, match="another window"):
        hold.beat()
    hold.release()
    assert store._connection.rows("select owner from lease") == [{"owner": "x"}], "the other's lease is left alone"
