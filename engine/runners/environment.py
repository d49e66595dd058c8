"""What a figure was computed with, as a record: versions, machine, threads.  Nothing heavy is imported."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from engine.records import Json, digest

PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "skrub", "skops", "torch", "keras")
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


def cpus() -> int:
    """The processors this process may use, which in a container can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
