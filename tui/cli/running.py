"""`rungwise run`: a plan answers, trials run in this process, nobody is asked."""

from __future__ import annotations

import contextlib
import difflib
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.answerers import accept_recommended, from_plan
from engine.conductor import Exchange, catalogue
from engine.data.address import split
from engine.errors import DataProblem, InvalidAnswer, RungwiseError, UsageProblem
from engine.records import Evidence, Progress, Trial
from engine.words import literal, short
from storage.store import Store
from tui import headless
from tui.cli.progress import Lines, kept_quiet
from tui.headless import Listener
from tui.opened import OpenSession, new_session
from tui.plan import LEFT_OUT, TARGET, Plan, from_command_line, read_plan
from tui.results import run_result
from tui.workers import logs_of, workplace


@dataclass(frozen=True)
class Wanted:
    """The command line of `run`."""

    source: Path
    target: str
    accept_recommended: bool
    answers: tuple[str, ...]
    whys: tuple[str, ...]
    name: str
    stop_after: str
    skip_deep: bool

    @property
    def is_plan(self) -> bool:
        return self.source.suffix.lower() == ".toml" and not split(self.source)[1]


def run_headless(store_path: Path, wanted: Wanted, *, quiet: bool, as_json: bool) -> int:
    """Check the plan, then take it up the ladder; prints the result on stdout and progress on stderr."""
    from engine.stages import STAGES

    began = time.monotonic()
    plan = _plan(wanted, tuple(stage.name for stage in STAGES))
    if plan.data is None:
        raise UsageProblem(f'The plan {short(wanted.source)} names no data; add: data = "file.csv".')
    if TARGET not in plan.answers:
        raise UsageProblem('Name the column to predict with --target COL (in a plan: target = "COL").')
    with Store.open(store_path) as store:
        name = _session(store, plan)
        opened = OpenSession.open(
            store, name, work="here", stages=STAGES, stop_after=plan.stop_after,
            answerers=(from_plan(plan.answers, plan.whys), accept_recommended),
        )  # fmt: skip
        try:
            if opened.read_only:
                raise DataProblem(opened.read_only_reason)
            progress = Lines(quiet)  # before stderr is turned to the log
            with (
                kept_quiet(logs_of(store_path) / "run.log"),
                contextlib.closing(workplace(store)) as place,
                interrupts() as pressed,
            ):
                computed = headless.run(opened, place, Heeding(progress, pressed))
        except KeyboardInterrupt:
            print(f"\n{_how_to_go_on(wanted, opened)}", file=sys.stderr)
            return 130
        except InvalidAnswer as problem:
            raise InvalidAnswer(_placed(str(problem), plan)) from problem
        finally:
            opened.close()
        warnings = _warnings(opened, plan, computed)
        result = run_result(
            opened.session,
            evidence=_all_evidence(store, opened),
            warnings=warnings,
            seconds=time.monotonic() - began,
            branch=opened.branch,
            stage=opened.conductor.stage,
        )
    if as_json:
        from tui.cli.looking import print_json

        print_json(result)
    else:
        _print_summary(result)
    return 0


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Whether ctrl+c was pressed.  It is raised at once; but Python forgets an exception that is raised in a callback
    of a compiled library or of the garbage collector, and a library that was being loaded makes an ImportError of it:
    so whoever works on asks again between two trials."""
    pressed: list[int] = []

    def note(number: int, frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


class Heeding:
    """A listener that ends the run before the next trial where ctrl+c was pressed."""

    def __init__(self, told: Listener, pressed: Callable[[], bool]) -> None:
        self._told, self._pressed = told, pressed

    def stage(self, name: str) -> None:
        self._told.stage(name)

    def began(self, trial: Trial) -> None:
        if self._pressed():
            raise KeyboardInterrupt
        self._told.began(trial)

    def progressed(self, trial: Trial, progress: Progress) -> None:
        self._told.progressed(trial, progress)

    def ended(self, trial: Trial, evidence: Evidence) -> None:
        if self._pressed():
            raise KeyboardInterrupt
        self._told.ended(trial, evidence)


def _plan(wanted: Wanted, stages: tuple[str, ...]) -> Plan:
    from engine.stages import STAGES

    questions = catalogue(STAGES)
    given = from_command_line(
        questions,
        data=None if wanted.is_plan else wanted.source,
        name=wanted.name,
        target=wanted.target,
        answers=wanted.answers,
        whys=wanted.whys,
        stop_after=wanted.stop_after,
        skip_deep=wanted.skip_deep,
    )
    if wanted.is_plan:
        given = read_plan(wanted.source, questions).joined(given)
    elif not wanted.accept_recommended:
        raise UsageProblem(
            "Nobody is asked in a run: say --accept-recommended to take the recommendation where --answer is silent, "
            f"or open it in the terminal with `rungwise new {shlex.quote(str(wanted.source))}`."
        )
    if given.stop_after and given.stop_after not in stages:
        near = difflib.get_close_matches(given.stop_after, stages, n=1)
        raise UsageProblem(
            f"{short(given.stop_after, 40)} is no stage. "
            + (f"Did you mean {near[0]}?" if near else f"There are {', '.join(stages)}.")
        )
    return given


def _session(store: Store, plan: Plan) -> str:
    """The session to run: a new one, or the one of that name on the same data, which is gone on with."""
    assert plan.data is not None
    if plan.name and plan.name.casefold() in (name.casefold() for name in store.sessions.names()):
        info, fingerprint = store.sessions.get(plan.name), store.datasets.record(plan.data)
        if info.dataset != fingerprint:
            raise UsageProblem(
                f"Session {info.name} is on other data ({info.path}); choose another --name, such as "
                f"{store.sessions.free_name(plan.name)}."
            )
        wanted = str(plan.answers[TARGET])
        recorded = [str(d.choice) for d in store.journal(info.name).decisions() if d.question == TARGET][-1:]
        if recorded and recorded[0].casefold() != wanted.strip().casefold():
            raise UsageProblem(
                f"Session {info.name} predicts {short(recorded[0], 60)}; to predict {short(wanted, 60)} choose another "
                f"--name, such as {store.sessions.free_name(plan.name)}."
            )
        return info.name
    return new_session(store, plan.data, plan.name)


def _placed(message: str, plan: Plan) -> str:
    """The message with the place of the answer it is about: a line of the plan, or the option."""
    for key in sorted(plan.answers, key=len, reverse=True):
        if message.startswith((f"{key}:", f"{key.partition(':')[0]}:")):
            return plan.where(key) + message
    return message


def _how_to_go_on(wanted: Wanted, opened: OpenSession) -> str:
    words = ["rungwise", "run", str(wanted.source)]
    if not wanted.is_plan:
        words += ["--target", wanted.target] if wanted.target else []
        words.append("--accept-recommended")
    words += ["--name", opened.name]
    return (
        f"Interrupted. Session {literal(opened.name)} keeps its {len(opened.decisions())} decisions and every finished "
        f"trial; go on with: {literal(shlex.join(words))}"
    )


def _warnings(opened: OpenSession, plan: Plan, computed: list[Evidence]) -> list[str]:
    """What a person should know of: failed trials, flags, what the journal said otherwise, unused answers."""
    warnings = [f"{evidence.error}" for evidence in computed if not evidence.ok]
    exchanges = opened.conductor.transcript
    for exchange in exchanges:
        decision = exchange.decision
        if decision.level in ("hold", "flag"):
            said = "; ".join(o.message for o in exchange.ask.judge(decision.choice).objections)
            warnings.append(f"{decision.name} = {short(decision.choice, 60)}: {said}")
    warnings += opened.conductor.differences
    asked = {exchange.decision.name for exchange in exchanges} | {exchange.decision.question for exchange in exchanges}
    for key in plan.answers:
        if key not in asked and plan.whys.get(key) != LEFT_OUT:  # whoever skips what was never reached has it skipped
            warnings.append(f"{plan.where(key)}{key} was never asked in this run; its answer was not used.")
    for key in plan.whys:
        if key not in asked and key not in plan.answers:
            warnings.append(f"{key} was never asked in this run; its why was not used.")
    return warnings + [w for exchange in exchanges if (w := _overtaken(exchange, plan))]


def _overtaken(exchange: Exchange, plan: Plan) -> str:
    """What to say where the journal answered before the plan could, and otherwise; "" where it did not."""
    recorded = exchange.decision.choice
    for key in (exchange.ask.name, exchange.ask.question.id):
        if key in plan.answers:
            with contextlib.suppress(RungwiseError):
                if exchange.ask.accept(plan.answers[key]) == recorded:
                    return ""
            return f"{key}: the journal says {short(recorded, 60)} already; the plan's answer was not used."
    return ""


def _all_evidence(store: Store, opened: OpenSession) -> list[Evidence]:
    keys = dict.fromkeys(key for decision in opened.decisions() for key in decision.evidence)
    return [found for key in keys if (found := store.evidence_of(opened.name).get(key)) is not None]


def _print_summary(result: dict) -> None:
    print(f"{literal(result['session'])}: {literal(result['target'])}, {result['task']}, {result['metric']}")
    for rung in result["rungs"]:
        between = "" if rung["low"] is None else f"  {rung['low']:.4g} … {rung['high']:.4g}"
        print(f"  {rung['stage']:9} {short(rung['model'], 24):24} {rung['value']:.4g}{between}")
    if box := result["lockbox"]:
        between = "" if box["low"] is None else f"  {box['low']:.4g} … {box['high']:.4g}"
        print(f"  {'lockbox':9} {box['metric']:24} {box['value']:.4g}{between}")
    for warning in result["warnings"]:
        print(f"  ! {short(warning, 300)}")
    name = literal(shlex.quote(result["session"]))
    print(f"{result['seconds']:.1f} s.  The decisions, with their whys: rungwise log {name}")
