"""What every test may ask for."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

for name, value in (("OMP_WAIT_POLICY", "PASSIVE"), ("OPENBLAS_NUM_THREADS", "1")):
    os.environ.setdefault(name, value)  # as the program itself does: tests share the cores

os.environ["RUNGWISE_CACHE"] = tempfile.mkdtemp(prefix="rungwise-cache-")  # no test writes to the user's own
atexit.register(shutil.rmtree, os.environ["RUNGWISE_CACHE"], ignore_errors=True)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """The folder of real tables beside the checkout; the test is skipped, saying so, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return SHARED
