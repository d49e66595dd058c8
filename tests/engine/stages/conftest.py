"""Walks along the real path; what one test measured, the others find."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.engine.stages import problems
from tests.engine.walking import Walk


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("problems")


@pytest.fixture(scope="session")
def rare(here: Path) -> Walk:
    return Walk(problems.rare(here / "rare.csv"))


@pytest.fixture(scope="session")
def visits(here: Path) -> Walk:
    return Walk(problems.visits(here / "visits.csv"))


@pytest.fixture(scope="session")
def numbers(here: Path) -> Walk:
    return Walk(problems.numbers(here / "numbers.csv"))


@pytest.fixture(scope="session")
def pairs(here: Path) -> Walk:
    return Walk(problems.pairs(here / "pairs.csv"))


@pytest.fixture(scope="session")
def penguins() -> Walk:
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return Walk(SHARED / "penguins" / "train.csv")
