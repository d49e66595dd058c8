"""`rungwise replay`: the journal answers, step by step; with --rerun every figure is computed again and compared."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.conductor import Asking, Conductor, Exchange, Finished, Measuring, Waiting
from engine.effects import Measure
from engine.errors import DataProblem, UsageProblem
from engine.records import Evidence, Json, Trial
from engine.review.record import rung_title
from engine.runners.again import Comparison, FreshArtifacts, FreshEvidence, compare
from engine.runners.causes import likely_cause
from engine.runners.context import Workplace
from engine.runners.environment import environment
from engine.runners.inline import perform
from engine.runners.kept import KeptParts
from engine.session import Session
from engine.stages.columns import counted
from engine.words import literal, short
from storage.store import Store
from tui.cli.looking import opened, print_json, spelled, told
from tui.cli.progress import kept_quiet
from tui.figures import answered
from tui.results import rung_result
from tui.workers import hands

ENDS_HERE = "The path ends here: "


@dataclass(frozen=True)
class Part:
    """What of the path is computed again; the journal and the evidence of the store answer the rest.

    stage: only what this one measures, "" for all.  since: only what is measured from this decision on.
    """

    stage: str = ""
    since: int = 0

    def holds(self, stage: str, decided: int) -> bool:
        """decided: how many decisions stand on the path where something is measured."""
        return self.stage in ("", stage) and decided + 1 >= self.since


def replay_session(
    path: Path, name: str, branch: str, *, rerun: bool, as_json: bool, part: Part = Part(), each: bool = False
) -> int:
    """Print the replay; 1 when a figure drifted, or could not be computed again as the data are not what they were.

    each: one JSON object a line, as trials are computed.
    """
    from engine.stages import STAGES

    if part != Part() and not rerun:
        raise UsageProblem("--stage and --from say what is computed again; give them together with --rerun.")
    if part.stage and part.stage not in (stage.name for stage in STAGES):
        raise UsageProblem(f"There is no stage {part.stage}; there are {', '.join(stage.name for stage in STAGES)}.")
    comparisons: list[Comparison] = []
    unreached = 0
    with opened(path) as store:
        if rerun:
            told_of = _each if each else in_silence if as_json else in_words
            conductor, comparisons, end = run_again(store, name, branch, told_of, part)
            unreached = conductor.unreached
        else:
            info = store.sessions.get(name)
            journal = store.journal(info.name, branch or None)
            session = Session(info.name, info.dataset)
            conductor = Conductor(STAGES, session, journal, store.evidence_of(info.name), read_only=True)
            end = _through(conductor)
        chosen = store.journal(name, branch or None).branch
    drifted = sum(c.outcome == "drifted" for c in comparisons)
    if each:
        print(json.dumps({"end": end, "counts": _counts(comparisons)}), flush=True)
    elif as_json:
        print_json(
            _result(conductor.session.name, chosen, conductor, comparisons, end, rerun=rerun, unreached=unreached)
        )
    else:
        _print_steps(conductor, chosen)
        for difference in conductor.differences:
            print(f"! {literal(difference)}")
        print(end)
        if rerun:
            _print_comparisons(comparisons)
            if unreached:
                print(f"{counted(unreached, 'decision')} could not be reached, and what was measured for them not "
                      "computed again.")  # fmt: skip
    return 1 if drifted or unreached else 0


def run_again(
    store: Store, name: str, branch: str, told_of: Callable[[Comparison], None], part: Part = Part()
) -> tuple[_Again, list[Comparison], str]:
    """Compute the figures of a branch afresh; how each trial compares, and how the path ended.  The store is only
    read."""
    from engine.stages import STAGES

    comparisons: list[Comparison] = []
    info = store.sessions.get(name)
    journal = store.journal(info.name, branch or None)
    with tempfile.TemporaryDirectory(prefix="rungwise-") as folder:
        again = _Again(STAGES, Session(info.name, info.dataset), journal, FreshEvidence(), read_only=True)
        with contextlib.closing(again.prepare(store, Path(folder), comparisons, told_of, part)):
            end = _through(again)
            if end.startswith(ENDS_HERE):
                again.unreached = max(0, len(again._recorded) - len(again.transcript))
            return again, comparisons, end


def _through(conductor: Conductor) -> str:
    """Go as far as journal and evidence reach; where that is, in a sentence."""
    try:
        return _end(conductor.advance())
    except DataProblem as problem:  # a session may have ended there; a file that is gone says so too
        return f"{ENDS_HERE}{problem}"


class _Again(Conductor):
    """A replay that computes each trial afresh, in memory, where the path comes to it; the store is left as it is.

    unreached: decisions of the journal that it could not come to, as the path ended before them.
    """

    unreached = 0

    def prepare(
        self, store: Store, folder: Path, comparisons: list[Comparison], told_of: Callable[[Comparison], None],
        part: Part,
    ) -> Workplace:  # fmt: skip
        """Returns where it computes, to be closed.  folder: for what this replay alone leaves, such as logs.
        comparisons: is given one for each trial computed, and told_of is called with it."""
        self._store = store
        kept = KeptParts(folder / "exams")
        artifacts = FreshArtifacts(store.artifacts)
        self._place = Workplace(self.evidence, artifacts, store.datasets, folder, kept, hands(folder))
        self._comparisons = comparisons
        self._told_of = told_of
        self._part = part
        return self._place

    def _evidence_of(self, trial: Trial, measure: Measure) -> Evidence | None:
        recorded = self._store.evidence_of(self.session.name).get(trial.key)
        ends_before = recorded is None and not measure.optional and len(self.transcript) >= len(self._recorded)
        if recorded and not self._part.holds(self.stage, len(self.transcript)):
            self.evidence.put(recorded)
        if self.evidence.get(trial.key) is None and not ends_before and (recorded or not measure.optional):
            with kept_quiet(self._place.logs / "stray.log" if self._place.logs else Path(os.devnull)):
                evidence = perform(trial, self._place)
            self.evidence.put(evidence)
            self._comparisons.append(self._compared(trial, recorded, evidence))
            self._told_of(self._comparisons[-1])
        return super()._evidence_of(trial, measure)

    def _compared(self, trial: Trial, recorded: Evidence | None, again: Evidence) -> Comparison:
        """How it came out, and for what came out otherwise the likely cause."""
        found = compare(trial, recorded, again)
        if recorded is None or not found.differences:
            return found
        then = self._store.environments.get(recorded.environment)
        drifted = {c.trial.key for c in self._comparisons if c.differences}
        return replace(found, cause=likely_cause(trial, recorded, again, then, environment(), drifted))


def in_silence(comparison: Comparison) -> None:
    pass


def in_words(comparison: Comparison) -> None:
    name = short(comparison.trial.label or comparison.trial.kind, 60)
    print(f"  {name}: {comparison.outcome}", file=sys.stderr, flush=True)


def _each(comparison: Comparison) -> None:
    print(json.dumps(_compared(comparison)), flush=True)


def _end(waiting: Waiting) -> str:
    match waiting:
        case Finished():
            return "The path is through."
        case Asking(ask):
            return f"The journal ends here; next is asked: {literal(ask.name)}: {literal(ask.prompt)}"
        case Measuring(measure, missing):
            return f"The journal ends here; next is measured: {literal(measure.title)} ({len(missing)} trials)"


def _print_steps(conductor: Conductor, branch: str) -> None:
    print(
        f"{literal(conductor.session.name)} · branch {literal(branch)} · {len(conductor.transcript)} decisions replayed"
    )
    stage = ""
    for exchange in conductor.transcript:
        decision = exchange.decision
        if decision.stage != stage:
            stage = decision.stage
            print(f"\n{literal(stage)}")
        print(f"{decision.seq or '—':>4} {literal(decision.name)} = {told(answered(decision))}")
        check = decision.check
        if check is not None and check.details.get("rung") and check.value is not None:
            title = short(rung_title(str(check.details["rung"])), 40)
            print(f"       ladder: {title} {check.value:.4g} {literal(check.metric)}")
    print()


def _print_comparisons(comparisons: Sequence[Comparison]) -> None:
    for comparison in comparisons:
        name = short(comparison.trial.label or comparison.trial.kind, 60)
        if comparison.outcome in ("drifted", "within tolerance", "new"):
            print(f"{comparison.outcome}: {name}" + (f": {short(comparison.failed, 200)}" if comparison.failed else ""))
        for difference in comparison.differences[:5]:
            print(f"    {literal(difference.where)}: {spelled(difference.recorded)} → {spelled(difference.again)}")
        if len(comparison.differences) > 5:
            print(f"    and {len(comparison.differences) - 5} more")
        if comparison.cause:
            print(f"    likely cause: {literal(comparison.cause)}")
    counts = _counts(comparisons)
    figures = sum(c.figures for c in comparisons)
    print(f"{len(comparisons)} trials, {figures:,} figures: " + ", ".join(f"{n} {k}" for k, n in counts.items() if n))


def _counts(comparisons: Sequence[Comparison]) -> dict[str, int]:
    return {outcome: sum(c.outcome == outcome for c in comparisons) for outcome in _OUTCOMES}


_OUTCOMES = ("reproduced", "within tolerance", "drifted", "timed again", "new")


def _result(
    name: str,
    branch: str,
    conductor: Conductor,
    comparisons: Sequence[Comparison],
    end: str,
    *,
    rerun: bool,
    unreached: int,
) -> dict[str, Json]:
    result: dict[str, Json] = {
        "session": name,
        "branch": branch,
        "steps": [_step(exchange) for exchange in conductor.transcript],
        "state": conductor.session.snapshot(),
        "rungs": [rung_result(rung) for rung in conductor.session.rungs],
        "differences": list(conductor.differences),
        "end": end,
    }
    if rerun:
        result["counts"] = _counts(comparisons)
        result["figures"] = sum(c.figures for c in comparisons)
        result["unreached"] = unreached
        result["rerun"] = [_compared(c) for c in comparisons]
    return result


def _compared(c: Comparison) -> dict[str, Json]:
    differences = [
        {"where": d.where, "recorded": d.recorded, "again": d.again, "outcome": d.outcome} for d in c.differences
    ]
    return {
        "key": c.trial.key, "kind": c.trial.kind, "label": c.trial.label, "outcome": c.outcome, "figures": c.figures,
        "error": c.failed, "cause": c.cause or None, "differences": differences,
    }  # fmt: skip


def _step(exchange: Exchange) -> dict[str, Json]:
    decision = exchange.decision
    return {
        "seq": decision.seq,
        "stage": decision.stage,
        "question": decision.question,
        "subject": decision.subject,
        "choice": decision.choice,
    }
