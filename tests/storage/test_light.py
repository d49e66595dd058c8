"""Opening and reading a store costs no pandas, no numpy, and nothing heavier."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("pandas", "numpy", "pyarrow", "scipy", "sklearn", "torch", "keras")
ROOT = Path(__file__).resolve().parents[2]


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_process_that_opens_writes_and_reads_a_store_has_nothing_heavy(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    code = f"""
import sys
from storage.store import Store
from tests.storage.samples import decision, evidence, trial
with Store.open(sys.argv[1]) as store:
    name = store.sessions.create("churn", store.datasets.record(sys.argv[2])).name
    with store.hold(name):
        store.journal(name).append(decision(evidence=(evidence().key,)), [evidence()])
    store.queue.submit([trial()])
    assert store.queue.claim("w") and store.sessions.list() and store.journal(name).decisions()
    assert store.verify() == []
print([m for m in {HEAVY!r} if m in sys.modules])
"""
    assert run(code, str(tmp_path / "s.sqlite3"), str(tmp_path / "data.csv")) == "[]\n"


def test_what_was_hidden_can_be_imported_afterwards():
    code = "import storage.migrations, sys; assert 'numpy' not in sys.modules; import numpy; print(numpy.ones(1).sum())"
    assert run(code) == "1.0\n"


def test_what_was_imported_before_is_left_alone():
    code = "import numpy, sys, storage.migrations; assert sys.modules['numpy'] is numpy; print(numpy.ones(1).sum())"
    assert run(code) == "1.0\n"


def test_importing_the_package_alone_opens_no_database():
    assert run("import storage, sys; print('sqlite_utils' in sys.modules)") == "False\n"
