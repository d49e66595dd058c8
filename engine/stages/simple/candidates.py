"""Which simple models compete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.effects import Ask
from engine.metrics import ABSOLUTE
from engine.models.catalogue import ModelSpec, model_spec
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.stages.columns import listed
from engine.stages.simple.climbing import AVERAGE, allowed_to_read

FEW = 1_000  # development rows below which boosting has too little to stop by, and a forest is cheap
MANY = 10_000  # development rows below which much of a score is luck, which averages even out
MANY_NEIGHBOURS = 50_000  # rows beyond which finding the nearest takes too long
MANY_VECTORS = 10_000  # rows beyond which comparing all with all takes longer than it brings
MANY_TREES = 50_000  # rows beyond which forests of full-grown trees take longer than anybody wants to wait


@dataclass(frozen=True)
class Entry:
    """A model that may take part.  preselected, offered: by the number of development rows; None rows are not known."""

    name: str
    preselected: Callable[[int | None], bool] = lambda rows: True
    offered: Callable[[int | None], bool] = lambda rows: True


def _never(rows: int | None) -> bool:
    return False


def _fewer_than(many: int) -> Callable[[int | None], bool]:
    return lambda rows: rows is not None and rows < many


def _up_to(most: int) -> Callable[[int | None], bool]:
    return lambda rows: rows is None or rows <= most


def _more(*names: str) -> tuple[Entry, ...]:
    """Offered, not preselected."""
    return tuple(Entry(name, _never) for name in names)


_NEIGHBOURS = Entry("knn", _never, _up_to(MANY_NEIGHBOURS))
_VECTORS = Entry("svm", _never, _up_to(MANY_VECTORS))
_FOREST = Entry("forest", _fewer_than(FEW), _up_to(MANY_TREES))
_EXTRA = Entry("extra_trees", _never, _up_to(MANY_TREES))
_AVERAGE = Entry(AVERAGE, _fewer_than(MANY))
_MEAN = Entry("boosting_mean", lambda rows: rows is None or rows >= FEW)
_BOOSTERS = _more("lightgbm", "catboost")

# By what the rows are made of: one of each kind stands preselected, the others are offered (4.5.1; tiers of 2.8).  With
# few rows a forest competes too, as boosting has too little to stop by, and so do averages of those that the race
# leaves: they cost few exams, as most of their parts have taken theirs.  On pixels a forest stands for the trees: with
# ten classes boosting takes 14 s a fit where it takes one (digits, 1,077 rows), and scores no better.  Where a miss
# counts by its size, boosting aims at the median by steps of one size: of bikes lent in 4,056 hours it missed by 23.9,
# larger trees that aim at the mean by 22.0.  Where the target is mostly noise the median wins: so both compete.
COMPETE: Mapping[str, tuple[Entry, ...]] = {
    "table": (
        Entry("logistic"),
        Entry("ridge"),
        *_more("sparse_logistic", "lasso", "elastic_net", "linear_svm", "naive_bayes"),
        Entry("tree"),
        _NEIGHBOURS,
        _VECTORS,
        _FOREST,
        _EXTRA,
        Entry("boosting"),
        _MEAN,
        *_BOOSTERS,
        _AVERAGE,
    ),
    "text": (
        Entry("logistic"),
        Entry("ridge"),
        Entry("complement_bayes"),
        *_more("sparse_logistic", "lasso", "elastic_net", "linear_svm"),
        Entry("boosting"),
        *_BOOSTERS,
    ),
    "image": (
        Entry("logistic"),
        Entry("ridge"),
        *_more("linear_svm"),
        Entry("knn", offered=_up_to(MANY_NEIGHBOURS)),
        Entry("svm", offered=_up_to(MANY_VECTORS)),
        Entry("forest"),
        *_more("extra_trees"),
    ),
    "series": (
        Entry("smoothing"),
        Entry("ridge"),
        Entry("tree"),
        _NEIGHBOURS,
        *_more("forest", "extra_trees"),
        Entry("boosting"),
        *_BOOSTERS,
    ),
}

CANDIDATES = Question(
    "simple.candidates",
    "Which simple models compete?",
    Form.CHOICES,
    whys=(
        Why("Why a linear model first?", "It runs as SQL, explains itself, and needs no GPU.", "S004; S000"),
        Why("Why name them before scoring?", "A race whose runners are added after the finish has no loser."),
        Why("Why these?", "{reason}", "Decision catalogue 4.5.1"),
        Why("And the others?", "They may compete, too: each one more makes luck likelier, and the proof stricter."),
        Why("Do all run to the end?", "No: one that its first exams leave behind is stopped, and the journal says so."),
        Why(
            "What is averaged?",
            "Of those that ran to the end and score within the interval of what stands: boosting over three draws of "
            "the rows that it stops by; and one of each kind (line, neighbours, forest, boosting …), but no small "
            "tree: a forest holds hundreds. Both are held to what stands, in a round of their own.",
            "Decision catalogue 2.8, T5; Breiman 1996",
        ),
    ),
    source="S004; S000: regression, trees; Kapoor & Narayanan 2023",
)

QUESTIONS = (CANDIDATES,)


def competing(s: Session) -> list[tuple[ModelSpec, bool]]:
    """The models that fit the task and the rows, simplest first, and whether each stands preselected."""
    drawn = s.decision("split.drawn")
    rows = drawn.check.details.get("dev") if drawn and drawn.check else None
    dense = s.choice("data.text") == "strings" and not s.undone("data.text")
    found = []
    for entry in COMPETE.get(s.material, COMPETE["table"]):
        spec = model_spec(entry.name)
        counts = entry.name != "complement_bayes" or not dense  # it takes counts, never below 0
        if spec.composed and s.choice("problem.interpretability") == "readable":
            continue
        aims = entry.name != "boosting_mean" or s.metric in ABSOLUTE  # by any other metric boosting itself aims at it
        if s.task in spec.tasks and spec.available and counts and aims and entry.offered(rows):
            found.append((spec, entry.preselected(rows)))
    return found


def ask_candidates(s: Session) -> Ask:
    fitting = competing(s)
    must_read = s.choice("problem.interpretability") == "readable"
    offered = [(spec, first) for spec, first in fitting if not must_read or allowed_to_read(spec)]
    left_out = [spec.title for spec, first in fitting if first and must_read and not allowed_to_read(spec)]

    drawn = s.decision("split.drawn")
    too_tiny = bool(drawn and drawn.check and drawn.check.details.get("too_tiny"))

    def judge(choice: Json) -> Judgement:
        tiers = {model_spec(name).tier for name in choice}
        if not choice and not too_tiny:
            return Judgement((Objection(Level.BLOCK, "At least one model must compete."),))
        if choice and too_tiny:
            message = (
                "With so few rows a model's score is mostly luck; the baseline and a rule are what can be examined."
            )
            return Judgement((Objection(Level.HOLD, message),))
        if AVERAGE in choice and len(choice) < 3:
            message = "An average needs at least two models that compete beside it."
            return Judgement((Objection(Level.BLOCK, message),))
        if "T4" in tiers and "T2" not in tiers:
            message = "Boosted trees without a linear model: nobody would know what the trees are for."
            return Judgement((Objection(Level.BLOCK, message),))
        if "T4" not in tiers and any(spec.tier == "T4" for spec, _ in offered):
            return Judgement((Objection(Level.NOTE, "Without trees a network cannot be justified later."),))
        return Judgement(check=Check("candidates", len(choice), protocol="named before any is scored"))

    why = "One of each kind, from the simplest up; each must beat the one before it."
    if any(spec.name == "forest" and first for spec, first in offered) and s.material == "table":
        why += f" With fewer than {FEW:,} rows a forest competes beside boosting, which has little to stop by."
    if any(spec.name == AVERAGE and first for spec, first in offered):
        why += f" Below {MANY:,} rows much of a score is luck, so averages of those that the race leaves compete."
    if left_out:
        why += f" {listed(left_out)} cannot be read whole, as you require."
    if too_tiny:
        why = "Fewer than 50 rows, or 10 of the rarest class: only the baseline and a rule can be examined."
    return Ask(
        CANDIDATES,
        options=tuple(Option(spec.name, spec.title, spec.why, {"tier": spec.tier}) for spec, _ in offered),
        recommended=[] if too_tiny else [spec.name for spec, first in offered if first],
        reason=why,
        judge=judge,
    )
