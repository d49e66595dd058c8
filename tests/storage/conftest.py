"""A store in a fresh folder, a clock that is set by hand, and a user who may not do everything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from storage.store import Store


class Clock:
    """Seconds since the epoch, as the test wants them."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
def store(place: Path, clock: Clock) -> Iterator[Store]:
    with Store.open(place, now=clock) as opened:
        yield opened


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("tenure,Churn\n1,Yes\n2,No\n")
    return path


@pytest.fixture
def churn(store: Store, data: Path) -> str:
    """The name of a session in the store."""
    return store.sessions.create("churn", store.datasets.record(data)).name


@pytest.fixture
def ordinary_user(tmp_path: Path) -> Callable[[], AbstractContextManager[None]]:
    """Within the block, permissions count: root, for whom they do not, becomes nobody."""
    if os.name != "posix":
        pytest.skip("permissions are set otherwise on this system")

    @contextmanager
    def block() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        nobody = 65534
        for path in [tmp_path, *tmp_path.rglob("*")]:
            os.chown(path, nobody, -1)
        modes = {parent: parent.stat().st_mode for parent in tmp_path.parents}
        for parent, mode in modes.items():
            if not mode & 0o001:
                parent.chmod(mode | 0o011)
        os.setegid(nobody)
        os.seteuid(nobody)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)
            for parent, mode in modes.items():
                if not mode & 0o001:
                    parent.chmod(mode)

    return block
