"""A training in the middle, as bytes: plain arrays and JSON, so that it can be taken up again to the bit."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from engine.models.networks.backend import load_torch
from engine.records import Json


class Saved(Protocol):
    """Where checkpoints of one training are kept; `engine.evaluation.exams` gives one for each practice exam."""

    def load(self) -> bytes | None: ...
    def save(self, content: bytes) -> None: ...
    def drop(self) -> None: ...


@dataclass
class State:
    """All that the next epoch depends on.

    said: JSON (epoch, curve, best, steps, batch …).  net, best: state dicts.  moments: of the optimiser, by the place
    of the weight.  draws: states of the generators (shuffling, torch's own).
    """

    said: dict[str, Json] = field(default_factory=dict)
    net: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)
    moments: dict[str, Any] = field(default_factory=dict)
    draws: dict[str, Any] = field(default_factory=dict)


def state_bytes(state: State) -> bytes:
    """As npz, readable without pickle."""
    arrays = {
        f"{group}/{name}": tensor.detach().cpu().numpy()
        for group in ("net", "best", "moments", "draws")
        for name, tensor in getattr(state, group).items()
    }
    out = io.BytesIO()
    np.savez(out, said=np.frombuffer(json.dumps(state.said).encode(), dtype=np.uint8), **arrays)
    return out.getvalue()


def state_of(content: bytes) -> State | None:
    """The state back; None for bytes that are none, for then the training begins anew."""
    torch = load_torch()
    state = State()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            state.said = json.loads(stored["said"].tobytes())
            for name in stored.files:
                group, _, rest = name.partition("/")
                if group in ("net", "best", "moments", "draws"):
                    getattr(state, group)[rest] = torch.from_numpy(stored[name].copy())
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        return None
    return state


def moments_of(optimiser: Any) -> dict[str, Any]:
    """What the optimiser remembers of each weight: "3.exp_avg" and so on."""
    return {
        f"{place}.{name}": value
        for place, known in optimiser.state_dict()["state"].items()
        for name, value in known.items()
    }


def put_moments(optimiser: Any, moments: Mapping[str, Any]) -> None:
    """Have the optimiser remember that again."""
    found: dict[int, dict[str, Any]] = {}
    for name, value in moments.items():
        place, _, what = name.partition(".")
        found.setdefault(int(place), {})[what] = value
    kept = optimiser.state_dict()
    optimiser.load_state_dict({**kept, "state": found})
