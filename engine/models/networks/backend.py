"""The one door to torch and Keras: the backend is chosen here, before the first import, and nowhere else."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from types import ModuleType
from typing import Any

from engine.errors import RungwiseError


class NoNetworks(RungwiseError):
    """Networks cannot be built here; the message says how to change that."""


HOW_TO_ADD = "Networks need torch and Keras, which are not installed here; add them with: pip install 'rungwise[deep]'"


def installed() -> bool:
    """Whether torch and Keras are there, without importing them."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "keras"))


def load_torch() -> Any:
    """The torch module.  Raises NoNetworks when it is not installed."""
    # cuBLAS is deterministic only with a fixed workspace, and reads this when it starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        import torch
    except ImportError:
        raise NoNetworks(HOW_TO_ADD) from None
    return torch


def load_for_training() -> None:
    """Load what the first step of an optimiser would, seconds of it, so that processes forked from this one share it.

    Keras, which takes longer still, trains nothing here.  Raises NoNetworks.
    """
    load_torch()
    importlib.import_module("torch._dynamo")


def load_keras() -> Any:
    """The Keras module on its torch backend.  Raises NoNetworks when that cannot be had."""
    load_torch()
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "torch"
    try:
        import keras
    except ImportError:
        raise NoNetworks(HOW_TO_ADD) from None
    backend = keras.config.backend()
    if backend != "torch":
        raise NoNetworks(
            f"Keras was already loaded with its {backend} backend; networks here run on torch. "
            "Set KERAS_BACKEND=torch before Keras is first imported, and start again."
        )
    return keras


def needs_device(device: str) -> None:
    """Raises NoNetworks where this machine has no such device (cpu, cuda or mps)."""
    torch = load_torch()
    kind, _, place = device.partition(":")
    there = {"cpu": lambda: True, "cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    beyond = bool(place) and (kind != "cuda" or not place.isdigit() or int(place) >= torch.cuda.device_count())
    if kind not in there or not there[kind]() or beyond:
        raise NoNetworks(f"This network was to train on {device!r}, which is not here; measure the devices again.")


def on_device(device: str) -> tuple[Any, str]:
    """Torch, and the device as torch calls it: of several graphics cards the one with most free memory."""
    torch = load_torch()
    if device == "cuda" and torch.cuda.device_count() > 1:
        free = [torch.cuda.mem_get_info(i)[0] for i in range(torch.cuda.device_count())]
        return torch, f"cuda:{free.index(max(free))}"
    return torch, device


def out_of_memory(problem: BaseException) -> bool:
    """Whether it says that a device's memory is full; Apple's says so in words only."""
    torch = load_torch()
    return isinstance(problem, torch.OutOfMemoryError) or (
        isinstance(problem, RuntimeError) and "out of memory" in str(problem).casefold()
    )


def versions() -> dict[str, str]:
    """Versions: {"torch": …, "keras": …}; Keras, which takes seconds, is not loaded.  Raises NoNetworks."""
    if not installed():
        raise NoNetworks(HOW_TO_ADD)
    return {name: version(name) for name in ("torch", "keras")}


@contextmanager
def reproducible(seed: int, threads: int, device: str) -> Iterator[ModuleType]:
    """Torch, so set that what runs inside gives the same numbers again; everything is put back afterwards.

    To the bit on a CPU.  On a GPU deterministic algorithms are asked for where they exist.
    """
    torch = load_torch()
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    forked = []
    if device.startswith("cuda"):  # of several cards the one that draws
        place = torch.device(device).index
        forked = [torch.cuda.current_device() if place is None else place]
    with torch.random.fork_rng(devices=forked):
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
        torch.utils.deterministic.fill_uninitialized_memory = False  # nothing here reads what it did not write
        torch.manual_seed(seed)
        try:
            yield torch
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1], warn_only=warn_only)
            torch.utils.deterministic.fill_uninitialized_memory = filled
