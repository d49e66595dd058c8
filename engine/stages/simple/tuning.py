"""Turning the knobs of a model: how many settings are worth their time, what they found, and whether that is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.effects import Ask, Conversation, Measure
from engine.metrics import figure
from engine.models.catalogue import spec_of
from engine.models.knobs import TRIALS, affordable, default_values, described, fits_needed, simplicity, tunable
from engine.questions import Form, Judgement, Level, Objection, Option, Question, Why
from engine.records import Check, Evidence, Json
from engine.session import Session
from engine.stages.columns import counted
from engine.stages.ladder import Candidate, about_model
from engine.stages.simple.rounds import Standing, ask_accept, challenge
from engine.views import Curves, Table, View

FOLDS = 3  # inner exams
INNER = (FOLDS - 1) / FOLDS  # of the rows that an inner fit learns from, and so about of its time
ONCE_FROM = 10_000  # rows from which a search on one training part stands for all (2.9)
SHARE = 0.2  # of the person's budget for training that a search may take
QUICK = 120.0  # seconds of computing that the quick pace spends on it without being asked for more

TUNE = Question(
    "improve.tune",
    "Which model's knobs are turned?",
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue, improve.tune"),
        Why(
            "Is that fair to the exams?",
            "The search sees training rows only: inside each exam's training part (from 10,000 rows on, once, inside "
            "the first one's).",
            "Cawley & Talbot 2010: choosing settings on the exams flatters as much as methods differ",
        ),
        Why("Why last of the cheap steps?", "Data beats model design, and model design beats tuning.", "S002"),
    ),
    source="S001 improve results; Cawley & Talbot 2010; Bergstra & Bengio 2012: random over grid",
)
TRIALS_ASKED = Question(
    "improve.trials",
    "How many settings of {model} may be tried?",
    Form.NUMBER,
    low=2,
    high=200,
    whys=(
        Why("Why so many?", "{reason}"),
        Why(
            "How is the time kept?",
            "Each setting takes one inner exam; the better half takes the next, and half of these the last.",
            "Jamieson & Talwalkar 2016",
        ),
        Why("Which is taken?", "Of those within one standard error of the best the simplest.", "Breiman et al. 1984"),
    ),
    source="Decision catalogue, improve.tune: budget",
)

QUESTIONS = (TUNE, TRIALS_ASKED)


def rows_of(s: Session) -> int:
    """Rows for practice."""
    drawn_ = s.decision("split.drawn")
    return int(drawn_.check.details.get("dev", 0)) if drawn_ and drawn_.check else 0


def candidates(stand: Standing, close: Mapping[str, Mapping[str, Json]]) -> list[Candidate]:
    """What can be tuned: the standing model, and those within max(δ, 1 SE) of it; not what was tuned before."""
    found = [stand.model]
    for c in stand.runners:
        row = close.get(c.name)
        near = row is not None and row["diff"] is not None and -row["diff"] <= max(stand.delta, row["se"] or 0.0)
        if c.ok and near and c.name != stand.model.name:
            found.append(c)
    return [c for c in found if tunable(c.model) and c.name not in stand.tuned and not c.spec.composed]


def predicted(stand: Standing, c: Candidate, trials: int) -> float:
    """Seconds of computing that a search takes at most, by what fits took in the exams."""
    each, exams = c.seconds(), c.exams.value["J"]
    searches = 1 if rows_of(stand.s) >= ONCE_FROM else exams
    return each * (INNER * fits_needed(c.model, trials, FOLDS) * searches + exams)


def advised(stand: Standing, c: Candidate) -> int:
    """How many settings fit the budget; 0 for none."""
    s = stand.s
    seconds = SHARE * 60 * float(s.choice("problem.training_cost", default=120))
    if s.choice("project.pace", default="quick") == "quick":
        seconds = min(seconds, QUICK)
    each, exams = max(c.seconds(), 1e-6), c.exams.value["J"]
    searches = 1 if rows_of(s) >= ONCE_FROM else exams
    return affordable(c.model, FOLDS, (seconds / each - exams) / (INNER * searches))


def tune(stand: Standing, round_: str, offered: Sequence[Candidate]) -> Conversation:
    """One round of tuning; what was accepted ("" for nothing), as `improve.why` is told it."""
    named = {c.name: c for c in offered}
    chosen = named[(yield _ask_which(stand, round_, offered)).choice]
    stand.tuned.add(chosen.name)
    trials = int((yield _ask_trials(stand, round_, chosen)).choice)
    s = stand.s
    settings: dict[str, Json] = {"of": [dict(chosen.model)], "trials": trials, "folds": FOLDS, "draw": 0, "found": None}
    search: Evidence | None = None
    if rows_of(s) >= ONCE_FROM:
        trial = about_model(s, "tune", chosen.model, "searching settings", trials=trials, folds=FOLDS)
        (once,) = yield Measure((trial,), "Searching settings on the first training part", optional=True)
        if not once.ok:
            return ""
        settings["found"], search = once.value["values"], once
    what = {"name": "tuned", "settings": settings}
    found = yield from challenge(stand, what, f"{spec_of(what).title}: searching, and practice exams", 0.0)
    if not found.ok:
        return ""
    told = search.value if search is not None else found.exams.value.get("search") or {}
    same = chosen.name == stand.model.name
    rule = (
        "The same model with other settings must be measurably better (R5); how much is up to you."
        if same
        else "It must be measurably better than what stands."
    )
    said = f"{counted(trials, 'setting')} tried{_where(told, stand)}."
    shows = tuple(search_views(stand, chosen, told))
    accepted = yield from ask_accept(
        stand, round_, found, rule=rule, shows=shows, said=said, evidence=() if search is None else (search,)
    )
    return _shape(chosen, told) if accepted else ""


def _ask_which(stand: Standing, round_: str, offered: Sequence[Candidate]) -> Ask:
    options = tuple(
        Option(c.name, c.title, "", {"settings": advised(stand, c) or TRIALS[c.name],
                                     "at most s": figure(predicted(stand, c, advised(stand, c) or TRIALS[c.name]))})
        for c in offered
    )  # fmt: skip
    first = offered[0]
    seconds = predicted(stand, first, advised(stand, first) or TRIALS[first.name])
    why = "It stands" if first.name == stand.model.name else "It is within noise of what stands"
    return Ask(
        TUNE,
        subject=round_,
        options=options,
        recommended=first.name,
        reason=f"{why}; the search takes {_seconds(seconds)}.",
        evidence=(first.exams,),
    )


def _ask_trials(stand: Standing, round_: str, c: Candidate) -> Ask:
    s = stand.s
    budget = 60 * float(s.choice("problem.training_cost", default=120))
    most = TRIALS[c.name]
    best = advised(stand, c) or min(3, most)

    def judge(choice: Json) -> Judgement:
        seconds = predicted(stand, c, int(choice))
        check = Check("predicted seconds", round(seconds, 1), reference=budget, protocol="fit time of the exams × fits")
        if seconds > budget:
            message = f"It would take {_seconds(seconds)}; all training may take {_seconds(budget)}."
            return Judgement((Objection(Level.BLOCK, message),), check)
        if seconds > SHARE * budget:
            message = f"It would take {_seconds(seconds)}, more than a fifth of all the time there is for training."
            return Judgement((Objection(Level.FLAG, message),), check)
        return Judgement(check=check)

    return Ask(
        TRIALS_ASKED,
        subject=round_,
        recommended=best,
        reason=f"{counted(best, 'setting')} of the {most} that {c.title} has a use for: "
        f"{_seconds(predicted(stand, c, best))} of computing.",
        facts={"model": c.title},
        evidence=(c.exams,),
        judge=judge,
    )


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    return f"about {figure(seconds)} s" if seconds < 120 else f"about {figure(seconds / 60)} minutes"


def _where(told: Mapping[str, Json], stand: Standing) -> str:
    if "searches" in told:
        searches = told["searches"]
        wider = f"; {told['widened']} of them looked past the end of a range" if told["widened"] else ""
        return f" inside each of {searches} training parts, where the exam's rows are not{wider}"
    rows = f"{told['rows']:,} rows of the first training part" if told.get("rows") else "the first training part"
    return f" once, on {rows}, and fixed"


def search_views(stand: Standing, c: Candidate, told: Mapping[str, Json]) -> list[View]:
    """What was tried with its hypothesis and what came of it, and the best so far after each."""
    if not told.get("trials"):
        return []
    rows = []
    best, line = None, []
    for n, trial in enumerate(told["trials"], start=1):
        gain = trial["gain"]
        best = gain if best is None else best if gain is None else max(best, gain)
        if best is not None:
            line.append((float(n), best))
        rows.append((
            n,
            described(c.model, trial["values"]),
            trial["hypothesis"],
            None if gain is None else f"{gain:+.4f}",
            _held(trial, told),
            _taken(trial, told, n),
        ))  # fmt: skip
    m = stand.metric
    names = ("", "setting", "hypothesis", f"gain in {m.title}", "held", "taken")
    return [
        Table("Settings tried, on inner exams", names, rows),
        Curves("Best so far", "settings tried", f"gain in {m.title} over the default", {"best": line}),
    ]


def _held(trial: Mapping[str, Json], told: Mapping[str, Json]) -> str:
    if "searches" in told:
        return f"in {trial['held']} of {trial['tried']}"
    return {True: "yes", False: "no", None: ""}[trial["held"]]


def _taken(trial: Mapping[str, Json], told: Mapping[str, Json], n: int) -> str:
    if "searches" in told:
        return f"in {trial['taken']} of {told['searches']}" if trial["taken"] else ""
    return "taken" if n - 1 == told["taken"] else ""


def _shape(c: Candidate, told: Mapping[str, Json]) -> str:
    """Whether mostly simpler or richer settings than the default were taken: "simpler", "richer"."""
    start = simplicity(c.model, default_values(c.model))
    lean = 0
    for i, trial in enumerate(told.get("trials") or ()):
        times = trial["taken"] if "searches" in told else int(i == told["taken"])
        place = simplicity(c.model, trial["values"])
        lean += times * ((place > start) - (place < start))
    return "richer" if lean > 0 else "simpler"
