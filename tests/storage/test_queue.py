"""Trials reach one worker each, say how far they are, and survive whoever dies."""

import subprocess
import sys
from collections import Counter

import pytest

from engine.records import Progress, Trial
from storage.queue import DIED
from storage.store import Store
from tests.storage.samples import evidence, trial
from tests.storage.test_light import ROOT


def status(store: Store, number: int = 0) -> str:
    return store.queue.states([trial(number).key])[trial(number).key].status


def test_a_trial_from_asking_to_done(store, clock):
    queue, one = store.queue, trial()
    assert queue.claim("w") is None
    queue.submit([one])
    queue.submit([one])
    assert [state.status for state in queue.active()] == ["queued"]
    clock.seconds += 5
    claimed = queue.claim("w")
    assert (claimed, claimed.key, claimed.label) == (one, one.key, one.label)
    assert queue.claim("other") is None
    clock.seconds += 2
    state = queue.states([one.key])[one.key]
    assert (state.status, state.started_at, state.elapsed) == ("running", clock.seconds - 2, 2.0)
    queue.finish(one.key, "done")
    clock.seconds += 100
    state = queue.states([one.key])[one.key]
    assert (state.status, state.elapsed, state.reason) == ("done", 2.0, "")
    assert queue.active() == []
    assert queue.states(["nope"]) == {}


def test_parameters_that_json_would_change_are_refused(store):
    with pytest.raises(ValueError, match="no plain JSON"):
        store.queue.submit([trial(1), Trial("profile", {"weights": {10: 1, 9: 2}})])
    assert store.queue.active() == []


def test_first_come_first_served(store, clock):
    store.queue.submit([trial(3), trial(1)])
    clock.seconds += 1
    store.queue.submit([trial(2)])
    assert [store.queue.claim("w") for _ in range(4)] == [trial(3), trial(1), trial(2), None]


def test_the_curve_keeps_its_points_and_the_rest_only_the_last(store):
    queue, one = store.queue, trial()
    queue.submit([one])
    queue.claim("w")
    points = [Progress(n, 9, "epoch", "", {"epoch": n, "loss": 0.1 + n}) for n in range(3)]
    for n, point in enumerate(points):
        queue.report(one.key, Progress(n, 9, message=f"fold {n} [red]"))
        queue.report(one.key, point)
    last = Progress(3, 9, message="saving", left=12.5)
    queue.report(one.key, last)
    state = queue.states([one.key])[one.key]
    assert (state.progress, state.curve) == (last, tuple(points))
    assert store._connection.row("select count(*) as n from progress") == {"n": 4}


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_what_failed_or_was_cancelled_is_queued_again_from_the_start(store, end):
    queue, one = store.queue, trial()
    queue.submit([one])
    queue.claim("w")
    queue.report(one.key, Progress(1, 2, point={"loss": 1.0}))
    if end == "cancelled":
        queue.cancel([one.key])
    queue.finish(one.key, end, "too big")
    assert status(store) == end
    queue.submit([one])
    state = queue.states([one.key])[one.key]
    assert (state.status, state.reason, state.progress, state.curve, state.started_at) == ("queued", "", None, (), None)
    assert queue.claim("w") == one


def test_what_is_done_is_not_done_again_unless_its_evidence_is_gone(store):
    for number in (0, 1):
        store.queue.submit([trial(number)])
        store.queue.claim("w")
        store.queue.finish(trial(number).key, "done")
    store.evidence.put(evidence(0))
    store.queue.submit([trial(0), trial(1)])
    assert (status(store, 0), status(store, 1)) == ("done", "queued")


def test_cancelling(store):
    queue = store.queue
    queue.submit([trial(0), trial(1)])
    queue.claim("w")
    assert not queue.cancelled(trial(0).key)
    queue.cancel([trial(0).key, trial(1).key])
    assert (status(store, 0), status(store, 1)) == ("running", "cancelled")
    assert queue.cancelled(trial(0).key)
    assert queue.cancelled(trial(1).key)
    queue.finish(trial(0).key, "cancelled")
    assert status(store, 0) == "cancelled"


def test_a_trial_wanted_again_while_it_is_being_stopped_goes_on_or_starts_again(store):
    queue, one = store.queue, trial()
    queue.submit([one])
    queue.claim("w")
    queue.cancel([one.key])
    queue.submit([one])
    assert not queue.cancelled(one.key)
    queue.finish(one.key, "cancelled")  # the worker had noticed in between
    assert status(store) == "queued"


def test_a_silent_worker_is_taken_for_dead(store, clock):
    queue, one = store.queue, trial()
    queue.submit([one, trial(1)])
    queue.claim("w")
    clock.seconds += 29
    assert status(store) == "running"
    queue.beat("w")
    clock.seconds += 29
    queue.report(one.key, Progress(1, 2))
    clock.seconds += 29
    assert status(store) == "running"
    assert queue.workers() == ["w"]
    clock.seconds += 2
    state = queue.states([one.key])[one.key]  # also before anybody writes it down, and for one who only reads
    assert (state.status, state.reason) == ("failed", DIED)
    assert queue.workers() == []
    queue.beat("another")
    assert store._connection.row("select status, reason from trial where worker = 'w'") == {
        "status": "failed",
        "reason": DIED,
    }
    assert queue.claim("another") == trial(1)
    queue.submit([one])
    assert queue.claim("another") == one


def test_what_a_dead_worker_was_told_to_stop_is_cancelled(store, clock):
    store.queue.submit([trial()])
    store.queue.claim("w")
    store.queue.cancel([trial().key])
    clock.seconds += 31
    assert status(store) == "cancelled"
    store.queue.beat("another")
    assert status(store) == "cancelled"


def test_a_worker_that_was_only_asleep_still_hands_in_its_result(store, clock):
    store.queue.submit([trial()])
    store.queue.claim("w")
    clock.seconds += 3600
    store.queue.beat("another")
    assert status(store) == "failed"
    store.queue.finish(trial().key, "done")
    assert status(store) == "done"


def test_a_worker_that_leaves_is_forgotten_at_once(store):
    store.queue.beat("w")
    store.queue.leave("w")
    assert store.queue.workers() == []


def test_the_queue_is_there_when_the_store_is_opened_again(store, place, clock):
    store.queue.submit([trial(0), trial(1)])
    store.queue.claim("w")
    with Store.open(place, now=clock) as again:
        assert (status(again, 0), status(again, 1)) == ("running", "queued")
        assert again.queue.claim("v") == trial(1)


def test_several_processes_never_get_the_same_trial(store, place):
    trials = [trial(n) for n in range(60)]
    store.queue.submit(trials)
    code = """
import sys
from storage.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while (trial := store.queue.claim(sys.argv[2])) is not None:
    print(trial.key, flush=True)
"""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(place), f"worker {n}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    keys = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        out, _ = child.communicate(timeout=200)
        keys += out.split()
    assert Counter(keys) == Counter(one.key for one in trials)


def test_what_a_person_wants_of_a_running_trial(store):
    queue, one, waits = store.queue, trial(0), trial(1)
    queue.submit([one, waits])
    queue.claim("w")
    queue.want([one.key, waits.key, "nope"], "pause")
    assert (queue.wish(one.key), queue.wish(waits.key), queue.wish("nope")) == ("pause", "", "")
    assert queue.states([one.key])[one.key].wish == "pause"
    assert not queue.cancelled(one.key)
    queue.submit([one])
    assert queue.wish(one.key) == "pause", "wanted by another session, too, it waits all the same"
    queue.want([one.key], "")
    assert queue.wish(one.key) == ""
    queue.want([one.key], "enough")
    queue.cancel([one.key])
    assert (queue.wish(one.key), queue.cancelled(one.key)) == ("cancel", True)
    queue.want([one.key], "pause")
    assert queue.cancelled(one.key), "what is being cancelled stays so"
    queue.finish(one.key, "cancelled")
    assert queue.states([one.key])[one.key].wish == ""


def test_a_paused_trial_whose_worker_died_has_failed(store, clock):
    queue, one = store.queue, trial()
    queue.submit([one])
    queue.claim("w")
    queue.want([one.key], "pause")
    clock.seconds += queue.silence + 1
    assert queue.states([one.key])[one.key].status == "failed"
    queue.beat("other")
    queue.submit([one])
    assert (status(store), queue.wish(one.key)) == ("queued", "")
