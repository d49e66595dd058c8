"""The pictures of this folder's snapshot tests lie in the top-level snapshots/."""

from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension

SNAPSHOTS = Path(__file__).resolve().parents[2] / "snapshots"


def _top_level(cls, *, test_location):
    return str(SNAPSHOTS / test_location.basename)


SVGImageExtension.dirname = classmethod(_top_level)  # the plugin has no setting for it


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch):
    """What the developer's own terminal is must not show in the pictures."""
    for name in ("NO_COLOR", "COLORTERM", "SSH_CONNECTION", "TEXTUAL_THEME", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
