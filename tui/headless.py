"""The whole path without a screen: a plan answers, trials run in this process, nobody is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from engine.conductor import Asking, Finished, Measuring
from engine.errors import Cancelled, Refused, RungwiseError, StoreProblem
from engine.records import Evidence, Progress, Trial
from engine.runners.context import Workplace
from engine.runners.inline import perform
from engine.trials import BY_NAME, TrialKind
from tui.opened import OpenSession


class Listener(Protocol):
    """Who is told how far the run is."""

    def stage(self, name: str) -> None: ...

    def began(self, trial: Trial) -> None: ...

    def progressed(self, trial: Trial, progress: Progress) -> None: ...

    def ended(self, trial: Trial, evidence: Evidence) -> None: ...


def run(
    opened: OpenSession,
    place: Workplace,
    listener: Listener,
    *,
    kinds: Mapping[str, TrialKind] = BY_NAME,
) -> list[Evidence]:
    """Take the session as far as it goes; returns the evidence that was computed, and what failed.

    A trial that fails is left out where the path can do without it.  Raises DataProblem where it cannot, Refused and
    InvalidAnswer when an answer of the plan cannot stand.
    """
    computed: list[Evidence] = []
    stage = ""
    while True:
        waiting = opened.advance()
        if waiting.stage != stage:
            stage = waiting.stage
            listener.stage(stage)
        match waiting:
            case Finished():
                return computed
            case Asking(ask):
                raise Refused(f"{ask.name}: {opened.read_only_reason or 'nobody is here to answer.'}")
            case Measuring(missing=missing):
                if place.hands is not None:
                    place.hands.start()
                for trial in missing:
                    listener.began(trial)
                    try:
                        evidence = perform(trial, place, told=_telling(listener.progressed, trial), kinds=kinds)
                    except (Cancelled, StoreProblem):
                        raise
                    except RungwiseError as problem:  # also what is not installed here, such as networks
                        evidence = Evidence(trial.key, trial.kind, {}, error=str(problem))
                    computed.append(evidence)
                    listener.ended(trial, evidence)
                    if evidence.ok:
                        place.evidence.put(evidence)
                    else:
                        opened.leave_out(trial.key, evidence.error)


def _telling(told: Callable[[Trial, Progress], None], trial: Trial) -> Callable[[Progress], None]:
    return lambda progress: told(trial, progress)
