"""kill -9 at any instant loses nothing that was said to be recorded."""

import random
import subprocess
import sys
import time

from storage.store import Store
from tests.storage.samples import decision, evidence
from tests.storage.test_light import ROOT

APPENDS = """
import sys
from storage.store import Store
from tests.storage.samples import decision, evidence
store = Store.open(sys.argv[1])
journal = store.journal("churn")
with store.hold("churn"):
    print("ready", flush=True)
    while True:
        number = len(journal.decisions()) + 1
        shown = evidence(number)
        journal.append(decision(f"q.{number}", why="x" * (number * 37 % 3000), evidence=(shown.key,)), [shown])
        print(number, flush=True)
"""


TAKES_IN = """
import sys
from pathlib import Path
from storage.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
store.bundles.read(Path(sys.argv[2]))
print("done", flush=True)
"""


def test_a_bundle_whose_import_was_killed_is_there_whole_or_not_at_all(place, data, tmp_path):
    bundle, instants, seen = tmp_path / "churn.rungwise", random.Random(3), set()
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(data))
        for number in range(400):
            store.journal("churn").append(decision(f"q.{number}", why="x" * 900))
        store.bundles.write("churn", bundle, ())
    for turn in range(8):
        elsewhere = tmp_path / f"{turn}.sqlite3"
        arguments = [sys.executable, "-c", TAKES_IN, str(elsewhere), str(bundle)]
        with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(instants.uniform(0.02, 0.4) if turn else 0.0)
            child.kill()
            done = child.stdout.read() == "done\n"
        with Store.open(elsewhere) as store:
            there = store.sessions.names()
            assert there in ([], ["churn"])
            assert there or not done
            assert not there or len(store.journal("churn").decisions()) == 400
            assert store.verify() == []
            store.bundles.read(bundle)  # asked for again, it is there
            assert len(store.journal("churn").decisions()) == 400
        seen.add(bool(there))
    assert False in seen  # one at least was killed before its end


def test_every_decision_that_was_acknowledged_survives_a_kill(place, data):
    with Store.open(place) as store:
        store.sessions.create("churn", store.datasets.record(data))
    instants = random.Random(7)
    last = 0
    for _ in range(8):
        arguments = [sys.executable, "-c", APPENDS, str(place)]
        with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(instants.uniform(0.0, 0.25))
            child.kill()
            said = [int(line) for line in child.stdout.read().split("\n") if line]
        with Store.open(place) as store:
            kept = store.journal("churn").decisions()
            assert [d.seq for d in kept] == list(range(1, len(kept) + 1))
            assert len(kept) >= max(said, default=last), "an acknowledged decision is gone"
            assert len(kept) <= max(said, default=last) + 1, (
                "at most the one that was not yet acknowledged is there too"
            )
            assert all(store.evidence.get(evidence(d.seq).key) for d in kept)
            assert store.verify() == []
            store.hold("churn").release()
        last = len(kept)
    assert last > 8
