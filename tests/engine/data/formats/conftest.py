"""What the tests of the forms may ask for."""

import contextlib
import os
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def ordinary_user() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Be a user who may not write everywhere, for a moment; root may."""

    @contextlib.contextmanager
    def as_nobody() -> Iterator[None]:
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return as_nobody
