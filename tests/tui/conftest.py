"""The pictures of this folder's snapshot tests lie in the top-level snapshots/."""

import os
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import textual._wait
from pytest_textual_snapshot import SVGImageExtension

from tui import workers

SNAPSHOTS = Path(__file__).resolve().parents[2] / "snapshots"


def _top_level(cls, *, test_location):
    return str(SNAPSHOTS / test_location.basename)


SVGImageExtension.dirname = classmethod(_top_level)  # the plugin has no setting for it

# Each key and each pause waits for the app to be idle, twice for a key, some thousand times in all.  Looked at twice as
# often as Textual does, and idle means the same: a twentieth of a core.
textual._wait.SLEEP_GRANULARITY = 0.01
textual._wait.SLEEP_IDLE = textual._wait.SLEEP_GRANULARITY / 20


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch):
    """What the developer's own terminal is must not show in the pictures."""
    for name in ("NO_COLOR", "COLORTERM", "SSH_CONNECTION", "TEXTUAL_THEME", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def workers_end(tmp_path):
    """What an opened session set to work ends with its test, and does not wait for further work."""
    yield
    for worker in psutil.process_iter():  # of an app that has ended it is nobody's child
        with suppress(psutil.Error):
            if worker.pid != os.getpid() and any(str(tmp_path) in word for word in worker.cmdline()):
                below = worker.children(recursive=True)
                for process in (worker, *below):
                    process.kill()
                psutil.wait_procs([worker, *below], timeout=10)


@pytest.fixture(scope="session", autouse=True)
def _no_worker_outlives_the_tests():
    yield
    for process in workers._started.values():
        process.kill()
        process.wait()
