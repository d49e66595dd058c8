"""What the people who know the field say: drivers, and the rule they go by."""

from __future__ import annotations

from engine.data.conditions import read_rules
from engine.data.naming import closest
from engine.effects import Ask, Conversation
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json
from engine.session import Session
from engine.stages.columns import Profile, listed, sentence
from engine.views import Table, Words

DOMAIN_EXAMPLES = """“The head of the service team: short contracts, and a second call within a week.”
“A ward nurse: age and how the patient came in. The scale in room 3 is off by two kilograms.”
“I know it myself: size and place first; the year of building only where it is very old.”
“nobody”"""

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
DRIVERS = Question(
    "problem.drivers",
    "Which columns drive “{target}”, and in which direction?",
    Form.TABLE,
    asks="person",
    default={},
    whys=(
        Why("Why before any model?", "Afterwards everybody has known it all along.", "S002 domain experts"),
        Why(
            "How do I write it?",
            'column = "+" if more of it means more of “{target}”, "-" if less, "?" if it matters somehow.',
        ),
        Why(
            "What is it held against?",
            "The signs of the linear model: a stable opposite sign is a leak, a confounder, or news.",
        ),
    ),
    fact=True,
    source="S002 domain experts; decision catalogue, problem.domain",
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

GROWTH = Question(
    "problem.growth",
    "By how many percent would an experienced person raise the value of one season before?",
    Form.NUMBER,
    asks="person",
    low=-99,
    high=1_000,
    unit="%",
    fact=True,
    whys=(
        Why("Why ask?", "“As last year, and five percent more” is the rule most plans are made by.", "Zinkevich #1"),
        Why("How is it used?", "It is examined as it stands, on the same moments as the models; nothing is fitted."),
        Why("What if there is no season?", "Then it is the last value that is raised."),
    ),
    source="S004 60/40 from business experience; Hyndman & Athanasopoulos, simple forecasting methods",
)


def expert(s: Session, profile: Profile) -> Conversation:
    """What people know before anything is measured."""
    told = Words("For example", DOMAIN_EXAMPLES)
    known = (yield Ask(DOMAIN, facts={"target": s.target}, judge=_judge_domain, shows=(told,))).choice
    if known and known != "nobody":
        yield _ask_drivers(s, profile)
    if s.material != "series":  # a rule is a condition on one row, and a series has none of its own
        yield _ask_rule(s, profile, s.target)
    else:
        yield Ask(GROWTH, judge=_judge_growth)


def _ask_drivers(s: Session, profile: Profile) -> Ask:
    inputs = [name for name in profile.columns if name != s.target]

    def read(choice: Json) -> Json:
        for column, sign in choice.items():
            if column not in inputs:
                near = closest(column, inputs)
                hint = f"did you mean {near[0]}?" if near else f"there are {listed(inputs)}."
                raise InvalidAnswer(f"problem.drivers: there is no input {column!r}; {hint}")
            if sign not in ("+", "-", "?"):
                raise InvalidAnswer(f'problem.drivers: {column} takes "+", "-" or "?", not {sign!r}.')
        return dict(choice)

    def judge(choice: Json) -> Judgement:
        check = Check("drivers named", len(choice), reference=3, protocol="before any model")
        if len(choice) < 3:
            return Judgement((Objection(Level.FLAG, "Fewer than three drivers are named.", "M16"),), check)
        return Judgement(check=check)

    return Ask(
        DRIVERS,
        recommended={},
        facts={"target": s.target},
        shows=(Table("Columns", ("column", "type"), [(n, profile.kind_words(n)) for n in inputs[:60]]),),
        read=read,
        judge=judge,
    )


def _judge_growth(percent: Json) -> Judgement:
    if percent is None:
        return Judgement((Objection(Level.FLAG, "No rule was given; the floor needs no expert.", "M16"),))
    return Judgement(check=Check("percent", percent, protocol="on the value of one season before"))


def _judge_domain(text: Json) -> Judgement:
    if not text or text == "nobody":
        return Judgement((Objection(Level.FLAG, "Nobody who knows the field was asked.", "M16"),))
    return Judgement()


def _ask_rule(s: Session, profile: Profile, target: str) -> Ask:
    inputs = {name: c["type"] for name, c in profile.columns.items() if name != target}
    labels = list(profile.classes(target)) if s.classifies else []

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
        meant = 12.5 if not s.classifies else f'"{next(iter(profile.classes(target)), "")}"'
        says = f'with what it predicts there: {{when = "…", then = {meant}}}, and {{otherwise = …}} last'
    rows = [(c, profile.kind_words(c), sentence(profile.columns[c].get("examples", []))) for c in list(inputs)[:60]]
    return Ask(
        RULE,
        facts={"says": says, "target": target},
        shows=(Table("Columns", ("column", "type", "examples"), rows),),
        read=read,
        judge=judge,
    )


QUESTIONS = (DOMAIN, DRIVERS, RULE, GROWTH)
