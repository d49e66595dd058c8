"""Define the problem: what is predicted, for whom, what a mistake costs, and which limits hold."""

from __future__ import annotations

from engine.conductor import Stage, needed
from engine.data.conditions import read_rules
from engine.data.settings import in_words, overruled
from engine.effects import Ask, Conversation, Measure
from engine.errors import InvalidAnswer
from engine.metrics import BY_NAME, best_cut, cost_matrix, figure, metrics_of, recommend_metric
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.columns import Profile, counted, listed, percent, sentence
from engine.views import Table, Words
from engine.whys import tokens

NOT_STATED = "not stated"

PACE = Question(
    "project.pace",
    "How much shall I ask you?",
    options=(
        Option("quick", "Quick", "only what you alone can know or must own; the rest is listed at each stage's end"),
        Option("guided", "Guided", "every question, one at a time"),
    ),
    default="quick",
    fact=True,
    source="S001: results first, theory later.",
)
LOAD = Question(
    "data.load",
    "This is what I read: {size}. Right?",
    Form.TABLE,
    whys=(
        Why("Why look at this first?", "Every later figure stands on {rows}.", "S002: test everything"),
        Why("What if a line cannot be read?", "Here {bad}; more than 0.1 % of the lines unread would stop the path."),
        Why(
            "Why keep the settings?",
            "A replay reads the same bytes in the same way: {settings}.",
            "S003: the data's format matters most",
        ),
    ),
    source="S002; S003",
)
STATEMENT = Question(
    "problem.statement",
    "What will somebody do differently because of the prediction? Who, and when?",
    Form.TEXT,
    asks="person",
    default=NOT_STATED,
    whys=(
        Why("Why does it matter?", "A model without a decision has no cost, so no metric.", "S001; Rules of ML #1"),
        Why(
            "What does a good answer look like?",
            "“The service team calls the 200 customers most likely to leave each "
            "Monday.”  “A clerk grants or refuses the loan.”  “The buyer orders tomorrow's stock tonight.”",
        ),
        Why("Why who and when?", "Who acts decides whether reasons are owed; when decides what may be known by then."),
    ),
    fact=True,
    source="S001 “define problem”; S000; Zinkevich, Rules of machine learning",
)
TODAY = Question(
    "problem.today",
    "How is this decided today, and how good is that?",
    Form.TEXT,
    asks="person",
    default=NOT_STATED,
    whys=(
        Why(
            "Why ask?", "If you do not know today's level you cannot know whether a model is better than none.", "S004"
        ),
        Why("What if nobody decides today?", "Say so: then the floor is the best constant answer, measured later."),
        Why("What if it is a rule?", "Write it down in a moment: it will be examined on the same rows as the models."),
    ),
    fact=True,
    source="S004 baseline; Zinkevich #1",
)
TARGET = Question(
    "problem.target",
    "Which column do you want to predict?",
    asks="person",
    whys=(
        Why(
            "Why does the target come first?", "Everything learned after it is known is forbidden as an input.", "KN L2"
        ),
        Why("Why {subject}this one?", "{reason}"),
        Why("Can it be changed later?", "Yes: going back starts a branch, and nothing measured so far is lost."),
    ),
    fact=True,
    source="Kapoor & Narayanan 2023, L2",
)
MOMENT = Question(
    "problem.moment",
    "At what moment must the prediction be ready?",
    Form.TEXT,
    asks="person",
    default=NOT_STATED,
    whys=(
        Why("Why a moment?", "Columns filled in after it would not exist yet when the model is used.", "KN L3.1"),
        Why("How do I write it?", "A sentence (“before the contract ends”), or the name of a date column: {dates}."),
        Why("What happens without one?", "The checks for columns that are filled in too late have nothing to go by."),
    ),
    fact=True,
    source="Kapoor & Narayanan 2023, L2, L3.1",
)
TASK = Question(
    "problem.task",
    "What kind of answer is it?",
    options=(
        Option("binary", "One of two classes"),
        Option("multiclass", "One of several classes"),
        Option("regression", "A number"),
    ),
    whys=(
        Why("Why this kind?", "{reason}", "S000; S001"),
        Why(
            "Why not a number for number codes?", "A code's distance means nothing: class 3 is not three times class 1."
        ),
        Why("Why not many classes?", "Each needs rows of its own: fewer than 10 in a class cannot be examined."),
    ),
    source="S000; S001",
)
POSITIVE = Question(
    "problem.positive",
    "Which class is the one to find?",
    whys=(
        Why("Why does it matter?", "Recall, precision, costs and the rule are all said of this class."),
        Why("Why this one?", "{reason}"),
        Why("Does it change a model?", "No: the probabilities stay the same, only their names turn around."),
    ),
    fact=True,
    source="scikit-learn user guide, model evaluation",
)
UNIT = Question(
    "problem.unit",
    "Does the same customer, machine or document come back in several rows? Which column names it?",
    whys=(
        Why("Why ask?", "A random split would examine the model on entities it has already seen.", "KN L3.2"),
        Why("What was found?", "{reason}"),
        Why("What does naming it change?", "All rows of one entity stay on the same side of every split."),
    ),
    source="Kapoor & Narayanan 2023, L3.2",
)
USE = Question(
    "problem.use",
    "How will the answer be used?",
    asks="person",
    options=(
        Option("action", "A yes or no that somebody acts on"),
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
LATENCY = Question(
    "problem.latency",
    "How long may one prediction take, at most?",
    Form.NUMBER,
    asks="person",
    unit="ms",
    low=0.001,
    high=3_600_000,
    whys=(
        Why(
            "Why ask before any model?",
            "A model that takes seconds is no model for a decision in milliseconds.",
            "S000",
        ),
        Why(
            "What is usual?",
            "A person waiting in an app: 100 ms.  A check in the line of work: 10 ms.  A nightly "
            "batch: no limit, leave it empty.",
        ),
        Why(
            "How is it measured?",
            "One raw row in, one decision out, one thread, 1,000 calls; the 95th percentile counts.",
        ),
    ),
    fact=True,
    source="S000",
)
READABLE = Question(
    "problem.interpretability",
    "Must somebody be able to read the model?",
    asks="person",
    options=(
        Option("none", "No"),
        Option("reasons", "Reasons for each prediction"),
        Option("readable", "The whole model, by an inspector"),
    ),
    whys=(
        Why(
            "Why ask?",
            "In regulated decisions specific, accurate reasons are owed, whatever the technique.",
            "CFPB 2022-03",
        ),
        Why(
            "What does “readable” rule out?",
            "Forests, boosting and networks: linear models, small trees and rules stay.",
        ),
        Why("And “reasons”?", "Any model whose reasons are exact, or an approximation that was validated."),
    ),
    fact=True,
    source="S000 black box; CFPB Circular 2022-03",
)
TRAINING = Question(
    "problem.training_cost",
    "How many minutes of computing may all the training take?",
    Form.NUMBER,
    unit="minutes",
    low=0.1,
    high=100_000,
    default=120,
    whys=(
        Why("Why a budget?", "It is predicted before and measured after; what would break it is refused beforehand."),
        Why(
            "Why {recommended}?",
            "Linear models need seconds and trees minutes; networks are what fills the rest.",
            "S004",
        ),
        Why("No GPU?", "You need none: CPU and GPU are timed on the very network, and the faster one is taken."),
    ),
    fact=True,
    source="S000; S004",
)
ROWS_PER_PARAMETER = Question(
    "problem.rows_per_parameter",
    "Set a hard minimum of rows per trained parameter?",
    Form.NUMBER,
    low=0,
    high=1e9,
    whys=(
        Why(
            "Why would I?",
            "10 inputs → 20 → 10 → 4 classes is 474 parameters; a yes/no logistic regression has 11, a "
            "four-class one 44.",
            "S000",
        ),
        Why("Why not always?", "Penalties and early stopping make networks usable below one row per parameter."),
        Why(
            "What is known?",
            "Logistic regression needs 20 to 50 events per variable to be stable; forests and networks "
            "were still unstable above 200.",
            "van der Ploeg et al. 2014",
        ),
    ),
    source="S000; van der Ploeg, Austin & Steyerberg 2014",
)
DOMAIN = Question(
    "problem.domain",
    "Who knows this field, and what did they say drives “{target}”?",
    Form.TEXT,
    asks="person",
    default="nobody",
    whys=(
        Why("Why ask?", "An hour with an expert often beats a week of tuning.", "S002"),
        Why("What shall I ask them?", "What would you look at?  What would fool you?  Which mistake is unforgivable?"),
        Why(
            "What is it used for?",
            "Their drivers are held against the model's signs; a stable opposite sign is a leak, "
            "a confounder, or news.",
        ),
    ),
    fact=True,
    source="S002 domain experts",
)
RULE = Question(
    "problem.rule",
    "Write the rule that an experienced person would use.",
    Form.RULES,
    asks="person",
    default=[],
    whys=(
        Why(
            "Why a rule?",
            "A heuristic often gets half of the gain, and the model must beat it, not the coin.",
            "Zinkevich",
        ),
        Why(
            "How do I write it?",
            "As an SQL condition over the columns, e.g. Contract = 'Month-to-month' AND tenure < 12; {says}.",
        ),
        Why("May I look at the data for it?", "At the rows for practice, yes; the locked rows stay out of sight."),
    ),
    fact=True,
    source="S004 60/40 from business experience; Zinkevich #1, #6",
)

QUESTIONS = (
    PACE, LOAD, STATEMENT, TODAY, TARGET, MOMENT, TASK, POSITIVE, UNIT, USE, COSTS, METRIC, LATENCY, READABLE, TRAINING,
    ROWS_PER_PARAMETER, DOMAIN, RULE,
)  # fmt: skip


def define(s: Session) -> Conversation:
    yield Ask(PACE, recommended="quick", reason="You can open any answer that was taken for you, and change it.")
    profile, seen = yield from read_table(s)
    statement = (yield Ask(STATEMENT, judge=_judge_statement)).choice
    yield Ask(TODAY, judge=_judge_today)

    target = (yield _ask_target(profile, seen)).choice
    yield Ask(
        MOMENT,
        facts={"dates": ", ".join(profile.of_type("date")) or "there is none here"},
        judge=_judge_moment,
    )
    task = (yield _ask_task(profile, seen, target)).choice
    if task == "binary":
        yield _ask_positive(profile, seen, target)
    yield _ask_unit(profile, seen, target)

    yield _ask_use(task, statement)
    yield _ask_costs(profile, target, task)
    yield _ask_metric(s, profile, seen)

    yield Ask(LATENCY)
    yield _ask_readable(statement)
    yield Ask(
        TRAINING,
        recommended=120,
        reason="Two hours in all: enough for every simple model here; a network has to fit into what is left.",
        facts={"recommended": 120},
    )
    small = profile.rows < 1000 or s.choice("problem.interpretability") == "readable"
    yield Ask(
        ROWS_PER_PARAMETER,
        recommended=1 if small else None,
        reason="Few rows, or a model that must be read: at least one row per parameter." if small else "",
    )
    yield Ask(DOMAIN, facts={"target": target}, judge=_judge_domain)
    yield _ask_rule(s, profile, target)


def read_table(s: Session) -> Conversation:
    """Read and profile the table, as sniffed or as the person corrected it; returns (Profile, Evidence)."""
    trial = Trial("profile", {"read": None}, s.data, label="reading the table")
    (seen,) = yield Measure((trial,), "Reading the table")
    profile = Profile(needed([seen])[0])
    settings = profile.value["read"]
    load = yield Ask(
        LOAD,
        recommended=settings,
        reason=f"Read as {in_words(settings)}; {_bad_lines(profile)}.",
        facts={
            "size": f"{counted(profile.rows, 'row')} and {counted(len(profile.columns), 'column')}",
            "rows": counted(profile.rows, "row"),
            "bad": _bad_lines(profile),
            "settings": in_words(settings),
        },
        evidence=(seen,),
        shows=(profile.table(),),
        judge=lambda choice: _judge_load(profile, choice),
        read=lambda choice: overruled(settings, choice),
    )
    if load.choice != settings:
        trial = Trial("profile", {"read": load.choice}, s.data, label="reading the table again")
        (seen,) = yield Measure((trial,), "Reading the table as you said")
        profile = Profile(needed([seen])[0])
    return profile, seen


def _bad_lines(profile: Profile) -> str:
    return (
        f"{counted(profile.bad_lines, 'line')} could not be read" if profile.bad_lines else "every line could be read"
    )


def _judge_load(profile: Profile, choice: Json) -> Judgement:
    if profile.bad_lines > 0.001 * max(profile.rows, 1):
        return Judgement(
            (Objection(Level.HOLD, f"{_bad_lines(profile)}, more than 0.1 %."),),
            Check("rows", profile.rows, protocol="lines of the file"),
        )
    return Judgement(check=Check("rows", profile.rows, protocol="lines of the file, less header and rejected lines"))


def _judge_statement(text: Json) -> Judgement:
    if not text:
        return Judgement((Objection(Level.BLOCK, "Say in one sentence what the prediction is for."),))
    if text == NOT_STATED:
        return Judgement((Objection(Level.FLAG, "What the prediction is for was not stated.", "M16"),))
    if len(tokens(text)) < 8:
        return Judgement((Objection(Level.NOTE, "Short: who acts, on what, and when?"),))
    return Judgement()


def _judge_today(text: Json) -> Judgement:
    if not text or text == NOT_STATED or tokens(text) <= {"know", "don"}:
        return Judgement((Objection(Level.FLAG, "Without today's level a model cannot be called better.", "M16"),))
    return Judgement()


def _judge_moment(text: Json) -> Judgement:
    if not text or text == NOT_STATED:
        message = "Without a moment, columns that are filled in too late cannot be told apart."
        return Judgement((Objection(Level.HOLD, message, "M16"),))
    return Judgement()


def _judge_domain(text: Json) -> Judgement:
    if not text or text == "nobody":
        return Judgement((Objection(Level.FLAG, "Nobody who knows the field was asked.", "M16"),))
    return Judgement()


def _ask_target(profile: Profile, seen: Evidence) -> Ask:
    guess = profile.value.get("target_guess")
    options = tuple(Option(c["name"], note=profile.words(c["name"])) for c in profile.columns.values())

    def read(choice: Json) -> Json:
        column = profile.columns[choice]
        if column["distinct"] == 0:
            raise InvalidAnswer(f"problem.target: every cell of “{choice}” is empty; choose a column with values.")
        if column["distinct"] < 2:
            raise InvalidAnswer(
                f"problem.target: “{choice}” has one value only, {column['top'][0][0]!r}; it teaches nothing."
            )
        if column["type"] in ("text", "date") or (
            column["type"] == "category" and column["distinct"] > max(50, (profile.rows - column["missing"]) // 2)
        ):
            what = {"text": "texts", "date": "dates"}.get(column["type"], "values")
            raise InvalidAnswer(
                f"problem.target: “{choice}” holds {column['distinct']:,} different {what} in {profile.rows:,} rows, "
                "which are neither classes nor numbers; choose another column."
            )
        return choice

    def judge(choice: Json) -> Judgement:
        missing = profile.columns[choice]["missing"]
        check = Check("rows with a label", profile.rows - missing, reference=profile.rows, protocol="all rows")
        note = f"{missing:,} rows have no “{choice}” and are left out."
        return Judgement((Objection(Level.NOTE, note),) if missing else (), check)

    return Ask(
        TARGET,
        options=options,
        recommended=guess,
        reason=f"“{guess}” has the name or the place of a target: {profile.words(guess)}." if guess else "",
        evidence=(seen,),
        shows=(profile.table(),),
        read=read,
        judge=judge,
    )


def _ask_task(profile: Profile, seen: Evidence, target: str) -> Ask:
    task, reason = profile.task_of(target)
    column = profile.columns[target]

    def judge(choice: Json) -> Judgement:
        found = []
        if choice == "binary" and column["distinct"] != 2:
            found.append(Objection(Level.BLOCK, f"“{target}” has {column['distinct']:,} distinct values, not two."))
        if choice == "regression" and column["type"] not in ("number", "yes_no"):
            found.append(Objection(Level.BLOCK, f"“{target}” is not a number."))
        elif choice == "regression" and column["distinct"] <= 10:
            found.append(
                Objection(Level.NOTE, f"“{target}” has only {column['distinct']} levels: a code, or a number?")
            )
        if choice == "multiclass":
            if column["distinct"] > 50:
                found.append(Objection(Level.HOLD, f"{column['distinct']:,} classes; merge them to at most 50."))
            rare = [value for value, count in column["top"] if count < 10]
            if rare:
                few = counted(len(rare), "class has", "classes have")
                words = f"{few} fewer than 10 rows, e.g. “{rare[0]}”: too few to be examined."
                found.append(Objection(Level.HOLD if len(rare) > 1 else Level.FLAG, words))
        return Judgement(tuple(found), Check("distinct values", column["distinct"], protocol="all rows"))

    return Ask(
        TASK,
        recommended=task,
        reason=reason,
        evidence=(seen,),
        shows=(profile.distribution(target),),
        judge=judge,
    )


def _ask_positive(profile: Profile, seen: Evidence, target: str) -> Ask:
    classes = profile.classes(target)
    found = str(profile.columns[target].get("positive"))
    guess = found if found in classes else min(classes, key=lambda c: classes[c])
    total = sum(classes.values())
    return Ask(
        POSITIVE,
        options=tuple(Option(label, note=f"{n:,} rows, {percent(n / total)}") for label, n in classes.items()),
        recommended=guess,
        reason=f"“{guess}” ({percent(classes[guess] / total)} of the rows) is the case that somebody looks for.",
        evidence=(seen,),
        shows=(profile.distribution(target),),
    )


def _ask_unit(profile: Profile, seen: Evidence, target: str) -> Ask:
    found = [g for g in profile.value.get("group_guess", []) if g["column"] != target]
    best = found[0]["column"] if found else "none"
    why = (
        f"“{best}” repeats {found[0]['rows_per_value']:.1f} times on average; a random split would test on entities "
        "already seen."
        if found
        else "No column names an entity that comes back."
    )
    columns = [c for c in profile.columns if c != target and profile.columns[c]["type"] != "date"]

    def judge(choice: Json) -> Judgement:
        if found and choice == "none":
            return Judgement((Objection(Level.HOLD, f"{why} Are those rows really independent?", "M10"),))
        return Judgement()

    return Ask(
        UNIT,
        options=(Option("none", "No, each row stands alone"), *(Option(c) for c in columns)),
        recommended=best,
        reason=why,
        evidence=(seen,),
        judge=judge,
    )


def _ask_use(task: str, statement: str) -> Ask:
    said = tokens(statement or "")
    if task == "regression":
        options = (Option("all", "Each case; a typical miss counts"), *USE.options[-2:])
        return Ask(USE, options=options, recommended="all", reason="Nothing said that totals or ratios matter most.")
    options = (*USE.options[:2], Option("all", "All cases, each class counts"))
    if task == "multiclass":
        return Ask(
            USE, options=options, recommended="all", reason="With several classes each case is told one of them."
        )
    if said & {"price", "risk", "premiu", "pricin", "probab"}:
        return Ask(USE, options=options, recommended="probability", reason="Your statement speaks of prices or risks.")
    return Ask(
        USE, options=options, recommended="action", reason="A yes or no is what most two-class answers are used for."
    )


def _ask_costs(profile: Profile, target: str, task: str) -> Ask:
    shares = profile.shares(target) if task != "regression" else {}
    rarest = min(shares.values(), default=0.5)

    if task == "regression":
        equal = "Often too low and too high do cost the same; where they do not, the model should lean to one side."
    else:
        equal = f"The rarest class has {percent(rarest)} of the rows: if every mistake costs the same, "
        equal += (
            "ignoring it is nearly free." if rarest < 0.2 else "you say that missing it is as bad as a false alarm."
        )

    def read(choice: Json) -> Json:
        if isinstance(choice, dict):
            if task == "regression":
                if set(choice) != {"under", "over"} or min(choice.values()) <= 0:
                    raise InvalidAnswer("problem.costs: a number takes {under = cost, over = cost}, both above 0.")
            else:
                cost_matrix(choice, list(shares))
                if task == "binary":
                    best_cut(choice)
        return choice

    def judge(choice: Json) -> Judgement:
        if choice == "equal" and task != "regression" and rarest < 0.2:
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
        facts={"equal": equal},
        read=read,
        judge=judge,
    )


def _labelled(profile: Profile, target: str) -> int:
    return profile.rows - profile.columns[target]["missing"]


def _ask_metric(s: Session, profile: Profile, seen: Evidence) -> Ask:
    column = profile.columns[s.target]
    shares = profile.shares(s.target) if s.task != "regression" else {"": 1.0}
    rarest_class, majority = min(shares, key=lambda c: shares[c]), max(shares, key=lambda c: shares[c])
    rarest, largest = shares[rarest_class], shares[majority]
    advice = recommend_metric(
        s.task,
        use=s.choice("problem.use"),
        costs=s.choice("problem.costs"),
        rarest_share=rarest,
        largest_share=largest,
        n_classes=column["distinct"],
        positive_share=shares.get(s.choice("problem.positive", default="")),
        skew=column.get("skew") or 0.0,
        y_min=column.get("min") or 0.0,
    )
    costs = s.costs is not None
    offered = [m for m in metrics_of(s.task) if m.needs != "capacity" and (costs or m.needs != "costs")]
    offered = [m for m in offered if m.best != "zero"]

    classes = s.task != "regression"
    positive = shares.get(s.choice("problem.positive", default=""), 0.5)
    always = {"accuracy": largest, "recall": 1.0, "f1": 2 * positive / (1 + positive), "average_precision": positive}

    def judge(choice: Json) -> Judgement:
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


def _ask_readable(statement: str) -> Ask:
    said = tokens(statement or "")
    regulated = {"loan", "credit", "insura", "law", "legal", "hiring", "hire", "health", "patien", "food", "benefi"}
    people = {"person", "people", "custom", "client", "studen", "employ", "applic"}
    if said & regulated:
        return Ask(READABLE, recommended="readable", reason="Your statement names a field in which reasons are owed.")
    if said & people:
        return Ask(READABLE, recommended="reasons", reason="Somebody acts towards people: they may ask why.")
    return Ask(READABLE, recommended="none", reason="Nothing in your statement asks for a model that can be read.")


def _ask_rule(s: Session, profile: Profile, target: str) -> Ask:
    inputs = {name: c["type"] for name, c in profile.columns.items() if name != target}
    labels = list(profile.classes(target)) if s.task != "regression" else []

    def read(rules: Json) -> Json:
        if not rules:
            return []
        try:
            return read_rules(rules, inputs, task=s.task, labels=labels, positive=s.choice("problem.positive"))
        except InvalidAnswer as problem:
            raise InvalidAnswer(f"problem.rule: {problem}") from None

    def judge(rules: Json) -> Judgement:
        if not rules:
            return Judgement((Objection(Level.FLAG, "No rule was written down; the floor is a constant.", "M16"),))
        return Judgement()

    if s.task == "binary":
        says = f"where it holds, the answer is “{s.choice('problem.positive', default='')}”"
    else:
        meant = 12.5 if s.task == "regression" else f'"{next(iter(profile.classes(target)), "")}"'
        says = f'with what it predicts there: {{when = "…", then = {meant}}}, and {{otherwise = …}} last'
    rows = [(c, kind, sentence(profile.columns[c].get("examples", []))) for c, kind in list(inputs.items())[:60]]
    return Ask(
        RULE,
        facts={"says": says, "target": target},
        shows=(Table("Columns", ("column", "type", "examples"), rows),),
        read=read,
        judge=judge,
    )


DEFINE = Stage("define", "Define the problem", define, QUESTIONS)
