"""The lock that a dying process cannot keep."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import StoreProblem
from engine.runners.lock import FileLock

HOLDER = """
import sys
from pathlib import Path
from engine.runners.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
sys.stdin.read()
"""


def test_one_process_holds_it_and_death_lets_go(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    assert not FileLock(file).held_by_somebody
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "True\n"
    assert FileLock(file).held_by_somebody
    assert not FileLock(file).take()
    other.kill()
    other.communicate()
    with FileLock(file) as lock:
        assert lock.take()
    assert FileLock(file).take()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreProblem, match="cannot be written"):
        FileLock(tmp_path / "no" / "lock").take()
