# ruff: noqa: E501 - the scripts read best as tables
"""A desk in memory over a scripted path: a real conductor, a real journal, work that ends when the test says so."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from engine.answerers import Answerer, carried_over, quick_pace
from engine.conductor import SETTLED, Conductor, Measuring, Stage, Waiting, needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.errors import DataProblem, InvalidAnswer, UsageProblem
from engine.ports import TrialState, Wish
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import GENESIS, Answer, Check, Decision, Evidence, Json, Option, Progress, Trial
from engine.session import Session
from engine.views import Bars, Curves, Intervals, Table, Words
from tui.app import RungwiseApp
from tui.desk import Moment, SessionLine

NOW = dt.datetime(2026, 1, 15, 12, 0, tzinfo=dt.UTC)

# -- the path ----------------------------------------------------------------------------------------------------------

TARGET = Question("problem.target", "Which column do you want to predict?", asks="person")
STATEMENT = Question("problem.statement", "What will somebody do differently? Who, and when?", Form.TEXT, asks="person")
LATENCY = Question("problem.latency", "How long may one prediction take?", Form.NUMBER, asks="person", unit="ms", low=0.001,
                   high=60_000)  # fmt: skip
COSTS = Question("problem.costs", "What does each kind of mistake cost?", Form.COSTS, asks="person", default="unknown")
TYPES = Question("data.types", "Is each column what I think it is?", Form.TABLE, asks="person",
                 options=(Option("number", "number"), Option("category", "category"), Option("drop", "drop")))  # fmt: skip
MARKS = Question("data.missing_marks", "These values of “{subject}” probably mean “missing”. Treat them so?", Form.CHOICES,
                 asks="person")  # fmt: skip
RULE = Question(
    "problem.rule", "Write the rule that an experienced person would use.", Form.RULES, asks="person", default=[]
)
SCALE = Question("data.scale", "How shall numbers be scaled?", options=(Option("standard"), Option("none")))
DEVICE = Question("deep.device", "Where will it be computed?", options=(Option("cpu", "CPU"),))
CHAMPION = Question(
    "simple.champion",
    "Which model should the session carry forward?",
    asks="person",
    why_required=True,
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue 2.5"),
        Why("Why not the highest score?", "{best} is higher by less than its own noise.", "2.11"),
        Why("What is noise here?", "The spread over 25 practice exams."),
    ),
)

EXAMS = tuple(Trial("cross_validate", {"model": m}, label=f"{title}") for m, title in
              (("logistic", "Logistic regression"), ("boosting", "Boosted trees"), ("net", "Network 64-32")))  # fmt: skip

MODELS = (
    Option("logistic", "logistic", "Reads like a table of weights.",
           {"ROC AUC": 0.846, "95 % interval": [0.838, 0.854], "vs rule": "+0.135 ±0.011", "params": 46, "p50 ms": 0.2}),
    Option("tree", "tree, depth 4", "Reads like a questionnaire.",
           {"ROC AUC": 0.818, "95 % interval": [0.808, 0.829], "vs rule": "+0.107 ±0.012", "params": 31, "p50 ms": 0.1}),
    Option("boosting", "boosted trees", "Many small trees, one after another.",
           {"ROC AUC": 0.848, "95 % interval": [0.84, 0.857], "vs rule": "+0.137 ±0.011", "params": 6200, "p50 ms": 1.1}),
)  # fmt: skip

COLUMNS = ("Churn", "tenure", "Contract", "MonthlyCharges", "TotalCharges", "gender", "Partner", "Dependents",
           "InternetService", "PaymentMethod", "SeniorCitizen", "zip", "[red]name[/]", "two\nlines", "esc\x1b[31mape")  # fmt: skip


def ask_target() -> Ask:
    return Ask(TARGET, options=tuple(Option(c, note=f"{i + 2} values") for i, c in enumerate(COLUMNS)), recommended="Churn",
               reason="“Churn” stands last and has two values.",
               judge=lambda c: Judgement((Objection(Level.NOTE, "11 rows have no label."),) if c == "TotalCharges" else (),
                                         Check("rows with a label", 7043.0)),
               shows=(Bars("Churn", "rows", (("No", 5174.0), ("Yes", 1869.0))),
                      Table("21 columns", ("column", "type", "distinct"), [[c, "number", n] for n, c in enumerate(COLUMNS)])))  # fmt: skip


def ask_statement() -> Ask:
    return Ask(STATEMENT, judge=lambda t: Judgement((Objection(Level.BLOCK, "Say in one sentence what it is for."),) if not t else ()))  # fmt: skip


def ask_rule(columns: Sequence[str] = ("tenure", "Contract")) -> Ask:
    def read(rules: list[dict[str, str]]) -> list[dict[str, str]]:
        for rule in rules:
            if "when" in rule and not any(c in rule["when"] for c in columns):
                raise InvalidAnswer(f"problem.rule: {rule['when']!r} names no column; there are {', '.join(columns)}.")
        return rules

    return Ask(RULE, read=read, shows=(Words("Columns", "tenure, Contract"),))


def judge_champion(choice: str) -> Judgement:
    figures = next(o.figures for o in MODELS if o.key == choice)
    low, high = figures["95 % interval"]
    check = Check("roc_auc", figures["ROC AUC"], low, high, 0.711, "25 practice exams", "better", {"rung": choice})
    if choice == "boosting":
        return Judgement((Objection(Level.HOLD, "Its gain of 0.002 ± 0.006 is within noise.", "M03"),), check)
    if choice == "tree":
        return Judgement((Objection(Level.FLAG, "It is worse than logistic by 0.028.", "M07"),), check)
    return Judgement(check=check)


def ask_champion(evidence: Sequence[Evidence] = ()) -> Ask:
    rows = [(o.text, o.figures["ROC AUC"], *o.figures["95 % interval"]) for o in MODELS]
    curve = {"train": [(n, 0.6 * 0.8**n + 0.3) for n in range(1, 13)], "validation": [(n, 0.6 * 0.85**n + 0.38) for n in range(1, 13)]}  # fmt: skip
    return Ask(CHAMPION, options=MODELS, recommended="logistic",
               reason="Boosted trees gain 0.002 ± 0.006, within noise; logistic is the simplest within one error.",
               facts={"best": "boosted trees"}, evidence=tuple(evidence), judge=judge_champion,
               shows=(Intervals("ladder", "ROC AUC", rows, 0.711), Curves("loss", "epoch", "log loss", curve),
                      Table("per class", ("class", "recall", "precision"), [["Yes", 0.8, 0.52], ["No", 0.74, 0.91]]),
                      Words("coefficients", "Two-year contracts leave a third as often.\nMonthly ones twice as often.")))  # fmt: skip


def define(s: Session) -> Conversation:
    yield Ask(SCALE, recommended="standard", reason="Linear models want one scale.")
    yield ask_target()
    yield ask_statement()


def simple(s: Session) -> Conversation:
    found = yield Measure(EXAMS, "Practice exams: 5 × 5 folds, the same for all")
    needed(found)
    yield Decide(DEVICE, "cpu", "No other device was found.", options=DEVICE.options)
    yield ask_champion([e for e in found if e.ok])


PATH = (
    Stage("define", "Define", define, (SCALE, TARGET, STATEMENT)),
    Stage("simple", "Simple", simple, (DEVICE, CHAMPION)),
)


def only(*asks: Ask) -> tuple[Stage, ...]:
    """A path that asks just these."""

    def conversation(s: Session) -> Conversation:
        for ask in asks:  # noqa: UP028 - a tuple takes no answers
            yield ask

    return (Stage("define", "Define", conversation, tuple({a.question.id: a.question for a in asks}.values())),)


# -- the store ---------------------------------------------------------------------------------------------------------


class MemoryJournal:
    def __init__(self, decisions: Sequence[Decision] = ()) -> None:
        self.kept = list(decisions)

    def decisions(self) -> list[Decision]:
        return list(self.kept)

    def append(self, decision: Decision, evidence: Sequence[Evidence] = ()) -> Decision:
        last = self.kept[-1].hash if self.kept else GENESIS
        self.kept.append(decision.sealed(len(self.kept) + 1, last))
        return self.kept[-1]


class MemoryEvidence(dict[str, Evidence]):
    def put(self, evidence: Evidence) -> None:
        self.setdefault(evidence.key, evidence)


class ScriptedSession:
    """An open session whose work is done by the test."""

    def __init__(self, desk: ScriptedDesk, branch: str, kept: Sequence[Decision] = (), read_only: bool = False,
                 answerers: Sequence[Answerer] = (quick_pace,)) -> None:  # fmt: skip
        self.desk, self.name, self.branch = desk, "churn", branch
        self.read_only, self.read_only_reason = read_only, "another window has it open." if read_only else ""
        self.asked_only_to_read = read_only and not desk.read_only
        self.problem, self.waiting, self.closed = "", None, False
        self.journal = MemoryJournal(kept)
        seconds = iter(range(10**6))
        self.conductor = Conductor(desk.stages, Session("churn", "f00d"), self.journal, desk.evidence, read_only=read_only,
                                   answerers=() if read_only else answerers, now=lambda: NOW,
                                   clock=lambda: float(next(seconds)))  # fmt: skip

    @property
    def session(self) -> Session:
        return self.conductor.session

    def advance(self) -> Waiting:
        self.waiting = self.conductor.advance()
        if isinstance(self.waiting, Measuring):
            for trial in self.waiting.missing:
                self.desk.states.setdefault(trial.key, TrialState(trial, "queued"))
        return self.waiting

    def answer(self, answer: Answer) -> Decision:
        return self.conductor.answer(answer)

    def trials(self) -> dict[str, TrialState]:
        missing = self.waiting.missing if isinstance(self.waiting, Measuring) else ()
        return {t.key: self.desk.states[t.key] for t in missing}

    def cancel(self, keys: Sequence[str] | None = None) -> None:
        for key in keys or self.trials():
            self.desk.states[key] = TrialState(self.desk.states[key].trial, "cancelled", reason="It was cancelled.")

    def want(self, keys: Sequence[str], wish: Wish) -> None:
        for key in keys:
            self.desk.states[key] = replace(self.desk.states[key], wish=wish)

    def retry(self, keys: Sequence[str] | None = None) -> None:
        for key in keys or ():
            self.desk.states[key] = TrialState(self.desk.states[key].trial, "queued")

    def leave_out(self, key: str) -> None:
        state = self.desk.states[key]
        self.desk.evidence.put(Evidence(key, state.trial.kind, {}, error=state.reason))

    def go_back(self, seq: int) -> ScriptedSession:
        kept = self.journal.kept
        if not 1 <= seq <= len(kept):
            raise UsageProblem(f"Branch {self.branch} has decisions 1 to {len(kept)}; there is no {seq}.")
        place = kept[seq - 1].place
        later = carried_over(d for d in kept[seq:] if d.question != SETTLED.id)

        def silent(answerer: Answerer) -> Answerer:
            return lambda ask, session: None if ask.place == place else answerer(ask, session)

        return ScriptedSession(self.desk, "branch-2", kept[: seq - 1], answerers=(silent(later), silent(quick_pace)))

    def moment(self, decision: Decision) -> Moment:
        return Moment(data="f00d")

    def decisions(self) -> Sequence[Decision]:
        return self.journal.decisions()

    def close(self) -> None:
        self.closed = True


class ScriptedDesk:
    """sessions: what home lists.  stages: the path of every session.  refuse: what `create` says."""

    def __init__(self, stages: Sequence[Stage] = PATH, sessions: Sequence[SessionLine] = (), refuse: str = "",
                 read_only: bool = False) -> None:  # fmt: skip
        self.stages, self.lines, self.refuse, self.read_only = stages, list(sessions), refuse, read_only
        self.evidence = MemoryEvidence()
        self.states: dict[str, TrialState] = {}
        self.opened: list[ScriptedSession] = []
        self.created: list[tuple[Path, str, str, str]] = []
        self.kept: list[Decision] = []
        self.drafts: dict[tuple[str, str, str], Json] = {}
        self.closed = False

    def sessions(self) -> list[SessionLine]:
        return self.lines

    def draft(self, name: str, place: tuple[str, str]) -> Json:
        return self.drafts.get((name, *place))

    def keep_draft(self, name: str, place: tuple[str, str], content: Json) -> None:
        self.drafts[(name, *place)] = content

    def data_of(self, name: str) -> str:
        return "telco.csv"

    def create(self, path: Path, target: str, name: str, pace: str) -> str:
        if self.refuse:
            raise DataProblem(self.refuse)
        self.created.append((path, target, name, pace))
        return "churn"

    def open(self, name: str, branch: str = "", read_only: bool = False) -> ScriptedSession:
        self.opened.append(ScriptedSession(self, "main", self.kept, read_only or self.read_only))
        return self.opened[-1]

    def sample(self) -> tuple[Path, str]:
        return Path("/tmp/sample.csv"), "churned"

    def machine(self) -> str:
        return "CPU ×2 · worker ready"

    def close(self) -> None:
        self.closed = True

    # -- the worker's part -----------------------------------------------------------------------------------------

    def run(self, n: int, step: int, points: int = 0) -> None:
        """The nth trial is at this step of 25."""
        trial = EXAMS[n]
        curve = tuple(
            Progress(i, 25, "epoch", point={"epoch": i, "train loss": 0.6 * 0.8**i + 0.3, "validation loss": 0.6 * 0.85**i + 0.38})
            for i in range(1, points + 1)
        )  # fmt: skip
        now = Progress(step, 25, "epoch" if points else "fold", point=curve[-1].point if curve else {"roc_auc": 0.8461})
        self.states[trial.key] = TrialState(trial, "running", now, curve, elapsed=2.0 * step)

    def finish(self, n: int) -> None:
        trial = EXAMS[n]
        self.evidence.put(Evidence(trial.key, trial.kind, {"value": 0.8}))
        self.states[trial.key] = TrialState(trial, "done", elapsed=4.2)

    def fail(
        self, n: int, reason: str = "The worker ran out of memory: 9.1 GiB were needed, 7.8 GiB were free."
    ) -> None:
        trial = EXAMS[n]
        self.states[trial.key] = TrialState(trial, "failed", reason=reason, elapsed=3.1)

    def finish_all(self) -> None:
        for n in range(len(EXAMS)):
            self.finish(n)


def home_lines() -> list[SessionLine]:
    return [
        SessionLine("churn", "telco.csv", "Churn", "simple", (("prior", 0.5), ("rule", 0.711), ("logistic", 0.846)), "roc_auc",
                    working=2, changed_at="2026-01-15T11:58:00+00:00"),
        SessionLine("[red]odd[/] name", "very-long-name-of-a-data-file-from-a-warehouse.csv", "[b]y[/b]\x1b[31m", "prepare", (),
                    changed_at="2026-01-15T09:00:00+00:00"),
        SessionLine("diamonds", "diamonds.csv", "price", "present", (("median", 2791.0), ("boosting", 541.3)), "rmse",
                    changed_at="2026-01-03T09:00:00+00:00"),
    ]  # fmt: skip


# -- the app -----------------------------------------------------------------------------------------------------------


def app_over(desk: ScriptedDesk, **options: object) -> RungwiseApp:
    app = RungwiseApp(lambda: desk, now=lambda: NOW, **options)  # type: ignore[arg-type]
    app.animation_level = "none"
    app.ascii_only = False
    return app


async def until(pilot: Pilot[None], true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for the screen to come to a state; fails when it does not."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        await pilot.pause()
        try:
            if true():
                break
        except Exception as problem:
            if asyncio.get_running_loop().time() > end:
                raise AssertionError("not reached") from problem
        if asyncio.get_running_loop().time() > end:
            raise AssertionError("not reached in time")
        await asyncio.sleep(0.01)
    await pilot.pause()


def text_of(pilot: Pilot[None]) -> str:
    """What is on the screen, as lines of text."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


async def see(pilot: Pilot[None], words: str) -> None:
    """Wait until these words are on the screen."""
    try:
        await until(pilot, lambda: words in text_of(pilot))
    except AssertionError:
        raise AssertionError(f"{words!r} is not on the screen:\n{text_of(pilot)}") from None
