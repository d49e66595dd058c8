"""What was typed and not recorded is there again: in the next window, and after a kill."""

import subprocess
import sys

from storage.drafts import LARGEST
from storage.store import Store
from tests.storage.test_light import ROOT

DRAFT = {"form": {"chosen": [1]}, "why": "two\nlines, and “quotes”", "own": True}


def begun(store, data, *names):
    for name in names:
        store.sessions.create(name, store.datasets.record(data))


def test_the_last_draft_of_each_question_stands(store, data):
    begun(store, data, "churn", "other")
    store.drafts.keep("churn", "problem.rule", "", {"form": None, "why": "a", "own": True})
    store.drafts.keep("churn", "problem.rule", "", DRAFT)
    store.drafts.keep("churn", "data.leaks", "alive", {"form": None, "why": "b", "own": True})
    assert store.drafts.get("churn", "problem.rule", "") == DRAFT
    assert store.drafts.get("churn", "data.leaks", "alive")["why"] == "b"
    assert store.drafts.get("churn", "data.leaks", "") is None
    assert store.drafts.get("other", "problem.rule", "") is None
    store.drafts.keep("churn", "problem.rule", "", None)
    assert store.drafts.get("churn", "problem.rule", "") is None


def test_what_nobody_types_is_not_kept(store, data):
    begun(store, data, "churn")
    store.drafts.keep("churn", "q", "", {"form": "x" * LARGEST, "why": "", "own": False})
    assert store.drafts.get("churn", "q", "") is None
    store.drafts.keep("nobody", "q", "", DRAFT)
    assert store.drafts.get("nobody", "q", "") is None


def test_a_draft_written_by_hand_is_no_draft(store, data):
    begun(store, data, "churn")
    store.drafts.keep("churn", "q", "", DRAFT)
    with store._connection.write() as db:
        db.execute("update draft set content = '{'")
    assert store.drafts.get("churn", "q", "") is None


def test_a_reader_keeps_none(place, store, data):
    begun(store, data, "churn")
    with Store.open(place, read_only=True) as reader:
        reader.drafts.keep("churn", "q", "", DRAFT)
    assert store.drafts.get("churn", "q", "") is None


KEEPS = """
import os, signal, sys
from storage.store import Store
store = Store.open(sys.argv[1])
store.drafts.keep("churn", "q", "", {"form": None, "why": "half a thought", "own": True})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_window_leaves_its_draft(place, store, data):
    begun(store, data, "churn")
    subprocess.run([sys.executable, "-c", KEEPS, str(place)], cwd=ROOT, check=False)
    assert store.drafts.get("churn", "q", "")["why"] == "half a thought"
    assert store.verify() == []
