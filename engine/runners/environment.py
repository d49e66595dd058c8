"""What a figure was computed with, as a record: versions, machine, threads.  Nothing heavy is imported."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache
from pathlib import Path

from engine.records import Json, digest

PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "skrub", "skops", "torch", "keras")
COMPUTING = ("data", "models", "evaluation")  # our packages whose code makes figures
THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


@cache
def environment() -> dict[str, Json]:
    """The record that goes with every decision and every piece of evidence; the same value for the whole process."""
    return {
        "rungwise": _version("rungwise"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": cpus(),
        "threads": {name: os.environ[name] for name in THREAD_SETTINGS if name in os.environ},
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


@cache
def environment_key() -> str:
    """The hash of the record, under which a store keeps it."""
    return digest(environment())


@cache
def code_key() -> str:
    """The hash of all that figures are computed with: our code, the versions of what it calls, the kind of processor.

    A part of a trial that was kept, or that another machine sent, is one of ours only where this is the same.
    """
    known = environment()
    hashed = hashlib.sha256(repr([known[name] for name in ("python", "platform", "versions")]).encode())
    root = Path(__file__).resolve().parents[1]
    for file in sorted(path for part in COMPUTING for path in (root / part).rglob("*.py")):
        hashed.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return hashed.hexdigest()


def cpus() -> int:
    """The processors this process may use, which in a container can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # brings the whole of `email`: 15 ms

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
