"""`rungwise replay`: the journal answers, step by step; with --rerun every figure is computed again and compared."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.conductor import Asking, Conductor, Exchange, Finished, Measuring, Waiting
from engine.effects import Measure
from engine.errors import DataProblem
from engine.records import Evidence, Json, Trial
from engine.runners.again import Comparison, FreshArtifacts, FreshEvidence, compare
from engine.runners.causes import likely_cause
from engine.runners.context import Workplace
from engine.runners.environment import environment
from engine.runners.inline import perform
from engine.runners.kept import KeptParts
from engine.session import Session
from engine.words import literal, short
from storage.store import Store
from tui.cli.looking import opened, print_json, told
from tui.cli.progress import kept_quiet
from tui.results import rung_result
from tui.workers import hands


def replay_session(path: Path, name: str, branch: str, *, rerun: bool, as_json: bool) -> int:
    """Print the replay; 1 when a figure drifted."""
    from engine.stages import STAGES

    comparisons: list[Comparison] = []
    with opened(path) as store:
        if rerun:
            conductor, comparisons, end = run_again(store, name, branch, quiet=as_json)
        else:
            info = store.sessions.get(name)
            journal = store.journal(info.name, branch or None)
            session = Session(info.name, info.dataset)
            conductor = Conductor(STAGES, session, journal, store.evidence_of(info.name), read_only=True)
            end = _through(conductor)
        chosen = store.journal(name, branch or None).branch
    drifted = sum(c.outcome == "drifted" for c in comparisons)
    if as_json:
        print_json(_result(conductor.session.name, chosen, conductor, comparisons, end, rerun=rerun))
    else:
        _print_steps(conductor, chosen)
        for difference in conductor.differences:
            print(f"! {literal(difference)}")
        print(end)
        if rerun:
            _print_comparisons(comparisons)
    return 1 if drifted else 0


def run_again(store: Store, name: str, branch: str, *, quiet: bool) -> tuple[Conductor, list[Comparison], str]:
    """Compute every figure of a branch afresh; how each trial compares, and how the path ended.  The store is only
    read."""
    from engine.stages import STAGES

    comparisons: list[Comparison] = []
    info = store.sessions.get(name)
    journal = store.journal(info.name, branch or None)
    with tempfile.TemporaryDirectory(prefix="rungwise-") as folder:
        again = _Again(STAGES, Session(info.name, info.dataset), journal, FreshEvidence(), read_only=True)
        with contextlib.closing(again.prepare(store, Path(folder), comparisons, quiet=quiet)):
            return again, comparisons, _through(again)


def _through(conductor: Conductor) -> str:
    """Go as far as journal and evidence reach; where that is, in a sentence."""
    try:
        return _end(conductor.advance())
    except DataProblem as problem:  # a session may have ended there; a file that is gone says so too
        return f"The path ends here: {problem}"


class _Again(Conductor):
    """A replay that computes each trial afresh, in memory, where the path comes to it; the store is left as it is."""

    def prepare(self, store: Store, folder: Path, comparisons: list[Comparison], *, quiet: bool) -> Workplace:
        """Returns where it computes, to be closed.  folder: for what this replay alone leaves, such as logs.
        comparisons: is given one for each trial computed."""
        self._store = store
        kept = KeptParts(folder / "exams")
        artifacts = FreshArtifacts(store.artifacts)
        self._place = Workplace(self.evidence, artifacts, store.datasets, folder, kept, hands(folder))
        self._comparisons = comparisons
        self._quiet = quiet
        return self._place

    def _evidence_of(self, trial: Trial, measure: Measure) -> Evidence | None:
        recorded = self._store.evidence_of(self.session.name).get(trial.key)
        ends_before = recorded is None and not measure.optional and len(self.transcript) >= len(self._recorded)
        if self.evidence.get(trial.key) is None and not ends_before and (recorded or not measure.optional):
            with kept_quiet(self._place.logs / "stray.log" if self._place.logs else Path(os.devnull)):
                evidence = perform(trial, self._place)
            self.evidence.put(evidence)
            self._comparisons.append(self._compared(trial, recorded, evidence))
            if not self._quiet:
                outcome = self._comparisons[-1].outcome
                print(f"  {short(trial.label or trial.kind, 60)}: {outcome}", file=sys.stderr, flush=True)
        return super()._evidence_of(trial, measure)

    def _compared(self, trial: Trial, recorded: Evidence | None, again: Evidence) -> Comparison:
        """How it came out, and for what came out otherwise the likely cause."""
        found = compare(trial, recorded, again)
        if recorded is None or not found.differences:
            return found
        then = self._store.environments.get(recorded.environment)
        drifted = {c.trial.key for c in self._comparisons if c.differences}
        return replace(found, cause=likely_cause(trial, recorded, again, then, environment(), drifted))


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
            print(f"\n{stage}")
        print(f"{decision.seq or '—':>4} {literal(decision.name)} = {told(decision.choice)}")
        check = decision.check
        if check is not None and check.details.get("rung") and check.value is not None:
            print(f"       ladder: {short(check.details['rung'], 40)} {check.value:.4g} {literal(check.metric)}")
    print()


def _print_comparisons(comparisons: Sequence[Comparison]) -> None:
    for comparison in comparisons:
        name = short(comparison.trial.label or comparison.trial.kind, 60)
        if comparison.outcome in ("drifted", "within tolerance", "new"):
            print(f"{comparison.outcome}: {name}" + (f": {short(comparison.failed, 200)}" if comparison.failed else ""))
        for difference in comparison.differences[:5]:
            print(f"    {literal(difference.where)}: {told(difference.recorded)} → {told(difference.again)}")
        if len(comparison.differences) > 5:
            print(f"    and {len(comparison.differences) - 5} more")
        if comparison.cause:
            print(f"    likely cause: {literal(comparison.cause)}")
    counts = {outcome: sum(c.outcome == outcome for c in comparisons) for outcome in _OUTCOMES}
    figures = sum(c.figures for c in comparisons)
    print(f"{len(comparisons)} trials, {figures:,} figures: " + ", ".join(f"{n} {k}" for k, n in counts.items() if n))


_OUTCOMES = ("reproduced", "within tolerance", "drifted", "timed again", "new")


def _result(
    name: str, branch: str, conductor: Conductor, comparisons: Sequence[Comparison], end: str, *, rerun: bool
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
        result["counts"] = {outcome: sum(c.outcome == outcome for c in comparisons) for outcome in _OUTCOMES}
        result["figures"] = sum(c.figures for c in comparisons)
        result["rerun"] = [
            {
                "key": c.trial.key,
                "kind": c.trial.kind,
                "label": c.trial.label,
                "outcome": c.outcome,
                "figures": c.figures,
                "error": c.failed,
                "cause": c.cause or None,
                "differences": [
                    {"where": d.where, "recorded": d.recorded, "again": d.again, "outcome": d.outcome}
                    for d in c.differences
                ],
            }
            for c in comparisons
        ]
    return result


def _step(exchange: Exchange) -> dict[str, Json]:
    decision = exchange.decision
    return {
        "seq": decision.seq,
        "stage": decision.stage,
        "question": decision.question,
        "subject": decision.subject,
        "choice": decision.choice,
    }
