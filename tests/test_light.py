"""What the terminal's process imports brings in nothing heavy: the app starts at once and stays small."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import engine
import engine.export
import engine.review
import engine.runners
import engine.stages
import storage
import tui

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    "pandas", "numpy", "scipy", "sklearn", "torch", "keras", "pyarrow", "skrub", "skops", "duckdb", "python_calamine",
    "distributed", "dask",
)  # fmt: skip
FIRST = ("engine.stages", "engine.conductor", "storage.store", "tui.cli", "tui.cli.commands", "tui.app", "tui.opened")
BROUGHT = """
import importlib, json, sys
brought = {}
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(name)
    brought[name] = sorted({module.partition(".")[0] for module in set(sys.modules) - before})
print(json.dumps(brought))
"""


def brought_by(*names: str) -> dict[str, list[str]]:
    """The top-level packages that each import adds, in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", BROUGHT, *names], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def modules_of(*packages) -> list[str]:
    found = []
    for package in packages:
        # of the engine itself, and of what leaves of a model, only the door: the rooms behind it are heavy
        walk = pkgutil.iter_modules if package in (engine, engine.export) else pkgutil.walk_packages
        found += [module.name for module in walk(package.__path__, f"{package.__name__}.")]
    return [name for name in found if not name.endswith("__main__")]


@pytest.mark.parametrize("name", FIRST)
def test_each_door_of_the_terminals_process_is_light_by_itself(name):
    (brought,) = brought_by(name).values()
    assert not set(brought) & set(HEAVY)


def test_no_module_of_the_terminal_the_store_or_the_conversations_is_heavy():
    names = modules_of(tui, storage, engine, engine.stages, engine.runners, engine.export, engine.review)
    assert {"tui.app", "storage.journal", "engine.records", "engine.stages.define"} <= set(names)
    heavy = {name: set(brought) & set(HEAVY) for name, brought in brought_by(*names).items()}
    assert {name: found for name, found in heavy.items() if found} == {}


def test_the_test_would_notice():
    assert "numpy" in brought_by("engine.evaluation.metrics")["engine.evaluation.metrics"]
