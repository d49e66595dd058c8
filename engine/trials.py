"""The kinds of computing there are, and where each is done.  Light: the functions are imported only where they run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.records import Json, Progress


class Context(Protocol):
    """What a trial's function may use besides its parameters."""

    data: str  # fingerprint of the dataset
    seed: int
    uses: tuple[str, ...]  # keys of the evidence it reads, as the trial names them

    def source(self) -> Path:
        """The dataset's file."""
        ...

    def evidence(self, key: str) -> dict[str, Json]:
        """The value of evidence computed before.  Raises KeyError."""
        ...

    def report(self, progress: Progress) -> None:
        """Tell how far it is.  Raises Cancelled when somebody stopped the trial: call it at every fold and epoch."""
        ...

    def keep(self, content: bytes, media_type: str) -> str:
        """Store bytes beside the evidence; returns their digest."""
        ...

    def fetch(self, digest: str) -> bytes: ...


@dataclass(frozen=True)
class Division:
    """A trial's work as parts that know nothing of each other, such as practice exams: pure, and each on one core.

    function: "module:name", called as f(params, ctx) with each of `parts`; gives bytes.  prepare: called with the first
    of them by a process that others are made from, so that they share what it loads; gives the bytes of memory that
    this takes, and a name for it, the same for equal content.  here: in the trial's own process only.  learns: some
    train in epochs, and keep how far they have come.
    """

    function: str
    prepare: str
    parts: tuple[Mapping[str, Json], ...]
    here: bool = False
    learns: bool = False


def parts_of(ctx: Context, division: Division) -> Iterator[tuple[int, bytes]]:
    """(place, result) of every part, as each is done: side by side where the context can do that."""
    several = getattr(ctx, "parts", None)
    return several(division) if several is not None else one_by_one(ctx, division)


def one_by_one(ctx: Context, division: Division) -> Iterator[tuple[int, bytes]]:
    """The parts in this process and in their order, on one core like everywhere, so that the figures are the same."""
    for place in range(len(division.parts)):
        yield place, take_part(ctx, division, place)


def take_part(ctx: Context, division: Division, place: int) -> bytes:
    """One part, on one core of this process."""
    from threadpoolctl import threadpool_limits

    function = load_function(division.function)
    with threadpool_limits(1):
        return function(dict(division.parts[place]), ctx)


def load_function(path: str) -> Callable[..., Any]:
    """The function that a "module:name" names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


TrialFunction = Callable[[dict[str, Json], Context], dict[str, Json]]


@dataclass(frozen=True)
class TrialKind:
    name: str
    function: str  # "module:name"
    title: str

    def load(self) -> TrialFunction:
        return load_function(self.function)


KINDS = (
    TrialKind("profile", "engine.data.profile:profile", "reading the table"),
    TrialKind("split", "engine.data.splitting:split", "drawing the lockbox and the practice exams"),
    TrialKind("series", "engine.data.series.glance:series", "reading the series"),
    TrialKind("look", "engine.data.look:look", "looking at the rows"),
    TrialKind("leaks", "engine.data.leaks:leaks", "looking for leaks"),
    TrialKind("probe", "engine.evaluation.probe:probe", "trying changes of the preparation"),
    TrialKind("preview", "engine.models.preview:preview", "before and after, on a few rows"),
    TrialKind("rule", "engine.data.rules:check_rule", "checking the rule"),
    TrialKind("cross_validate", "engine.evaluation.crossval:cross_validate", "practice exams"),
    TrialKind("compare", "engine.evaluation.comparison:compare", "comparing on the same exams"),
    TrialKind("race", "engine.evaluation.race:race", "seeing who cannot win any more"),
    TrialKind("worth", "engine.evaluation.worth:worth", "what it brings over no model"),
    TrialKind("latency", "engine.evaluation.latency:latency", "timing single predictions"),
    TrialKind("learning_curve", "engine.evaluation.learning:learning_curve", "learning curve"),
    TrialKind("errors", "engine.evaluation.errors:errors", "looking at the errors"),
    TrialKind("doubts", "engine.evaluation.doubts:doubts", "looking for labels that no model believes"),
    TrialKind("reasons", "engine.evaluation.explained:explained", "finding reasons for the worst rows"),
    TrialKind("cuts", "engine.evaluation.cuts:cuts", "trying cuts"),
    TrialKind("linear", "engine.evaluation.linear:linear", "reading the straight line"),
    TrialKind("importance", "engine.evaluation.importance:importance", "shuffling columns to see what is leaned on"),
    TrialKind("calibration", "engine.evaluation.calibration:calibration", "holding probabilities to what happened"),
    TrialKind("tune", "engine.evaluation.tuning:tune", "searching settings on the first training part"),
    TrialKind("agreement", "engine.evaluation.agreement:agreement", "how far models say the same"),
    TrialKind("ideas", "engine.evaluation.ideas:ideas", "looking for columns worth computing"),
    TrialKind("where_better", "engine.evaluation.whether:where_better", "looking where it got better"),
    TrialKind("shuffled", "engine.evaluation.whether:shuffled", "shuffling a column"),
    TrialKind("inputs", "engine.evaluation.tensors:inputs", "looking at what would enter each network"),
    TrialKind("shape", "engine.evaluation.tensors:shape", "looking at what enters the first layer"),
    TrialKind("seeds", "engine.evaluation.seeds:seeds", "taking the mean over the seeds"),
    TrialKind("target", "engine.evaluation.target:target", "looking at the rows that the hypothesis names"),
    TrialKind("device", "engine.device:probe", "timing training steps on each device"),
    TrialKind("rate", "engine.models.networks.rates:rate", "looking for the learning rate"),
    TrialKind("sanity", "engine.models.networks.sanity:sanity", "checking that the machinery works"),
    TrialKind("lockbox", "engine.evaluation.lockbox:lockbox", "the one final exam"),
    TrialKind("guard", "engine.evaluation.guard:guard", "looking for the answers that are least sure"),
    TrialKind("final", "engine.models.final:final", "fitting the model that leaves"),
)
BY_NAME = {kind.name: kind for kind in KINDS}
