"""Without the extra `deep` everything else works, and the deep stage says how to add it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which torch and Keras cannot be imported."""
    missing = tmp_path / "missing"
    missing.mkdir()
    for name in ("torch", "keras"):
        (missing / f"{name}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n")
    paths = [str(missing), str(Path(__file__).resolve().parents[2])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "RUNGWISE_STORE": str(tmp_path / "store.sqlite3")}


def _rungwise(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


@pytest.mark.slow
def test_the_path_is_walked_to_its_end_and_says_what_to_install(environment: dict[str, str], tmp_path: Path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    y = np.where(x[:, 0] + rng.normal(size=600) > 0, "yes", "no")
    rows = [f"{a:.3f},{b:.3f},{label}" for (a, b), label in zip(x, y, strict=True)]
    data = tmp_path / "rows.csv"
    data.write_text("\n".join(["height,weight,left", *rows]) + "\n")

    ran = _rungwise(
        environment, "run", str(data), "--target", "left", "--accept-recommended", "--name", "rows", "--json", "-q",
        "--answer", 'simple.candidates=["logistic"]',
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["lockbox"]["value"] > 0.6
    assert [rung["model"] for rung in result["rungs"]] == ["prior", "one_column", "logistic"]

    log = json.loads(_rungwise(environment, "log", "rows", "--json").stdout)
    gate = next(d for d in log["decisions"] if d["question"] == "deep.gate")
    assert gate["choice"] == "not_yet"
    assert "pip install 'rungwise[deep]'" in gate["reason"]
