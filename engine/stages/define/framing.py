"""How the answer is used, what mistakes cost, and the one number that decides."""

from __future__ import annotations

from engine.effects import Ask, Conversation
from engine.errors import InvalidAnswer
from engine.metrics import BY_NAME, best_cut, cost_matrix, figure, metrics_of, recommend_metric
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import Session
from engine.stages.columns import Profile, counted, listed, percent
from engine.views import Words
from engine.whys import tokens

USE = Question(
    "problem.use",
    "How will the answer be used?",
    asks="person",
    options=(
        Option("action", "A yes or no that somebody acts on"),
        Option("ranked", "A ranked list, of which the top is acted on"),
        Option("probability", "A probability that enters a price or a plan"),
        Option("all", "All cases, each counts"),
        Option("totals", "Totals, or large misses matter"),
        Option("relative", "Relative error matters"),
    ),
    whys=(
        Why("Why ask?", "This decides the metric: an action needs a cut, a price needs honest probabilities."),
        Why("What if both?", "Take the one that costs more when it is wrong; the other is shown beside it as a guard."),
        Why("Where does the cut come from?", "From the costs of the two mistakes, asked next."),
    ),
    fact=True,
    source="scikit-learn user guide, tuning the decision threshold",
)
CAPACITY = Question(
    "problem.capacity",
    "How many can be acted on: what share of the cases?",
    Form.NUMBER,
    asks="person",
    low=0,
    high=1e12,
    unit="share below 1, else rows of this file",
    whys=(
        Why("Why ask?", "Of a list only the top counts: how many of the cases that matter stand there."),
        Why("How do I say it?", "0.05 is one case in twenty; 200 is 200 of the {rows} here."),
        Why("What if it changes?", "Then another share is asked about: a decision of its own, on a branch."),
    ),
    fact=True,
    source="scikit-learn user guide, decision threshold; decision catalogue 3.1",
)
COSTS = Question(
    "problem.costs",
    "What does each kind of mistake cost?",
    Form.COSTS,
    asks="person",
    default="unknown",
    whys=(
        Why("Why costs?", "With costs, good has one meaning.", "S004 trade-offs"),
        Why("What if I only know roughly?", "Give the ratio: one missed case is as bad as how many false alarms?"),
        Why(
            "Why not “equal”?",
            "{equal}",
            "scikit-learn user guide, decision threshold",
        ),
    ),
    fact=True,
    source="scikit-learn user guide, decision threshold; S004",
)
METRIC = Question(
    "problem.metric",
    "Which one number decides between two models?",
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue 3.1"),
        Why(
            "Why not {simpler}?",
            "{trap}",
            "S004: 98 % accuracy on 2 % churn",
        ),
        Why("Why only one?", "Two numbers can each be chased in turn; one decides, the others guard: {guards}."),
    ),
    source="Decision catalogue 3.1; S002; S004; Hyndman & Koehler 2006",
)


def framing(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    """From the use to the costs to the metric."""
    use = (yield _ask_use(s.task, s.choice("problem.statement", default=""))).choice
    if use == "ranked":
        yield _ask_capacity(profile, s.target)
    yield _ask_costs(profile, s.target, s.task)
    yield _ask_metric(s, profile, seen)


def _ask_capacity(profile: Profile, target: str) -> Ask:
    rows = _labelled(profile, target)

    def read(choice: Json) -> Json:
        if choice is None:
            return None
        share = choice if choice < 1 else choice / max(rows, 1)
        if not 0 < share < 1:
            raise InvalidAnswer(
                f"problem.capacity: a share between 0 and 1 is needed, or fewer rows than the {rows:,} here."
            )
        return round(share, 6)

    def judge(choice: Json) -> Judgement:
        if choice is None:
            message = "A ranked list without a length: nobody can say how good its top is."
            return Judgement((Objection(Level.HOLD, message),))
        return Judgement(check=Check("cases acted on", round(choice * rows), reference=rows, protocol="of this file"))

    return Ask(CAPACITY, facts={"rows": counted(rows, "row")}, read=read, judge=judge)


def _ask_use(task: str, statement: str) -> Ask:
    said = tokens(statement or "")
    if task == "forecast":
        options = (Option("all", "Each step; a typical miss counts"), Option("totals", "Volumes over all series"))
        return Ask(USE, options=options, recommended="all", reason="Nothing said that volumes matter most.")
    if task == "regression":
        options = (Option("all", "Each case; a typical miss counts"), *USE.options[-2:])
        return Ask(USE, options=options, recommended="all", reason="Nothing said that totals or ratios matter most.")
    options = (*USE.options[:3], Option("all", "All cases, each class counts"))
    if task == "multiclass":
        options = tuple(o for o in options if o.key != "ranked")
        return Ask(
            USE, options=options, recommended="all", reason="With several classes each case is told one of them."
        )
    if said & {"list", "priori", "rank", "top", "first"}:
        return Ask(
            USE, options=options, recommended="ranked", reason="Your statement speaks of a list or of the first."
        )
    if said & {"price", "risk", "premiu", "pricin", "probab"}:
        return Ask(USE, options=options, recommended="probability", reason="Your statement speaks of prices or risks.")
    return Ask(
        USE, options=options, recommended="action", reason="A yes or no is what most two-class answers are used for."
    )


def _ask_costs(profile: Profile, target: str, task: str) -> Ask:
    shares = profile.shares(target) if task not in ("regression", "forecast") else {}
    rarest = min(shares.values(), default=0.5)

    if task in ("regression", "forecast"):
        equal = "Often too low and too high do cost the same; where they do not, the model should lean to one side."
    else:
        equal = f"The rarest class has {percent(rarest)} of the rows: if every mistake costs the same, "
        equal += (
            "ignoring it is nearly free." if rarest < 0.2 else "you say that missing it is as bad as a false alarm."
        )

    def read(choice: Json) -> Json:
        if isinstance(choice, dict):
            if task in ("regression", "forecast"):
                if set(choice) != {"under", "over"} or min(choice.values()) <= 0:
                    raise InvalidAnswer("problem.costs: a number takes {under = cost, over = cost}, both above 0.")
            else:
                cost_matrix(choice, list(shares))
                if task == "binary":
                    best_cut(choice)
        return choice

    def judge(choice: Json) -> Judgement:
        if choice == "equal" and task not in ("regression", "forecast") and rarest < 0.2:
            message = f"Then ignoring the rarest class ({percent(rarest)}) is nearly free. Is it?"
            return Judgement((Objection(Level.HOLD, message),))
        if task == "binary" and isinstance(choice, dict):
            cut = best_cut(choice)
            return Judgement(check=Check("cut", cut, protocol="t* = (FP − TN) / ((FP − TN) + (FN − TP))"))
        return Judgement()

    return Ask(
        COSTS,
        recommended="unknown",
        reason="Nobody said what a mistake costs; it can be said at any time.",
        facts={"equal": equal, **({"classes": list(shares)} if task == "multiclass" else {})},
        read=read,
        judge=judge,
    )


def _labelled(profile: Profile, target: str) -> int:
    return profile.rows - profile.columns[target]["missing"]


def _ask_metric(s: Session, profile: Profile, seen: Evidence) -> Ask:
    column = profile.columns[s.target]
    shares = profile.shares(s.target) if s.classifies else {"": 1.0}
    rarest_class, majority = min(shares, key=lambda c: shares[c]), max(shares, key=lambda c: shares[c])
    rarest, largest = shares[rarest_class], shares[majority]
    advice = recommend_metric(
        s.task,
        use={"ranked": "top_k"}.get(s.choice("problem.use"), s.choice("problem.use")),
        costs=s.choice("problem.costs"),
        capacity=s.capacity,
        rarest_share=rarest,
        largest_share=largest,
        n_classes=column["distinct"],
        positive_share=shares.get(s.choice("problem.positive", default="")),
        skew=column.get("skew") or 0.0,
        y_min=column.get("min") or 0.0,
    )
    costs = s.costs is not None
    offered = [m for m in metrics_of(s.task) if costs or m.needs != "costs"]
    offered = [m for m in offered if s.capacity or m.needs != "capacity"]
    offered = [m for m in offered if m.best != "zero"]

    classes = s.classifies
    positive = shares.get(s.choice("problem.positive", default=""), 0.5)
    always = {"accuracy": largest, "recall": 1.0, "f1": 2 * positive / (1 + positive), "average_precision": positive}

    least = column.get("min")

    def judge(choice: Json) -> Judgement:
        if choice == "rmsle" and least is not None and least <= -1:
            message = (
                f"“{s.target}” falls to {figure(least)}, and log(1 + y) needs values above -1: choose another metric."
            )
            return Judgement((Objection(Level.BLOCK, message),))
        found = []
        blind = always.get(choice) if classes else None
        if choice == "accuracy":
            message = f"Always saying “{majority}” already scores {percent(largest)} and finds no “{rarest_class}”."
            if rarest < min(0.2, 0.5 / column["distinct"]):
                found.append(Objection(Level.HOLD, message, "M27"))
            elif s.task == "binary" and rarest < 0.4:
                found.append(Objection(Level.FLAG, message))
        elif blind is not None and blind >= 0.9:
            words = f"Saying the same of every row already scores {figure(blind)} {BY_NAME[choice].title}."
            found.append(Objection(Level.HOLD, words))
        check = None if blind is None else Check(choice, blind, protocol="the same answer for every row")
        return Judgement(tuple(found), check)

    trap = (
        f"Always saying “{majority}” already scores {percent(largest)} accuracy and finds none of the "
        f"{counted(round(rarest * _labelled(profile, s.target)), 'row')} of “{rarest_class}”."
        if classes
        else "It is shown beside, never alone: it says how much of the spread is explained, not how large a miss is."
    )
    return Ask(
        METRIC,
        options=tuple(Option(m.name, m.title, f"guessing scores {m.chance}") for m in offered),
        recommended=advice.metric,
        reason=advice.reason,
        facts={
            "simpler": "accuracy" if classes else "R²",
            "trap": trap,
            "guards": listed([BY_NAME[g].title for g in advice.guards]),
        },
        evidence=(seen,),
        shows=(profile.distribution(s.target), *((Words("Accuracy here", trap),) if classes else ())),
        judge=judge,
    )


QUESTIONS = (USE, CAPACITY, COSTS, METRIC)
