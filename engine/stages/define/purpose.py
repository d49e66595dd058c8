"""What the prediction is for, and how it is decided without one."""

from __future__ import annotations

from engine.effects import Ask, Conversation
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Json, Option
from engine.session import Session
from engine.views import Words
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


STATEMENTS = (
    "“The service team calls the 200 customers most likely to leave each Monday.”",
    "“A clerk grants or refuses the loan while the applicant waits.”",
    "“The buyer orders tomorrow's stock tonight.”",
)
TODAYS = (
    "“Nobody decides: everybody gets the same letter.”",
    "“An experienced clerk decides; about 8 in 10 turn out right.”",
    "“A rule: contracts by the month are called. It finds half of those who leave.”",
    "“I do not know.”",
)

STATEMENT = Question(
    "problem.statement",
    "What will somebody do differently because of the prediction? Who, and when?",
    Form.TEXT,
    asks="person",
    default=NOT_STATED,
    whys=(
        Why("Why does it matter?", "A model without a decision has no cost, so no metric.", "S001; Rules of ML #1"),
        Why("What does a good answer look like?", "It names who acts, what they do, and when: " + STATEMENTS[0]),
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


KIND = Question(
    "project.kind",
    "Your own problem, or practice on a known data set?",
    options=(
        Option("own", "A problem of my own"),
        Option("practice", "Practice", "on a set whose published scores are known"),
    ),
    default="own",
    fact=True,
    whys=(
        Why("Why ask?", "A benchmark tells you how good a good result is.", "S001 “pick a problem”"),
        Why(
            "What to practise on?",
            "Tables first, then pictures, then simple series, then competitions, then data of your own.",
            "S001; S003",
        ),
        Why("Does it change the path?", "No: only that a published score is shown beside yours at the end."),
    ),
    source="S001; S003",
)
BENCHMARK = Question(
    "project.benchmark",
    "Which score has been published for this set?",
    Form.NUMBER,
    fact=True,
    whys=(
        Why("Why write it down?", "It is shown beside your final score; nothing is tuned to it.", "S001"),
        Why("When is it comparable?", "Only on the same split and the same metric; else it is a hint."),
        Why("What if there is none?", "Leave it empty: the floor and your success line are enough."),
    ),
    source="S001: practise on standard sets with a benchmark score",
)


def purpose(s: Session) -> Conversation:
    """What it is for, before anything is said about columns."""
    yield Ask(KIND, recommended="own", reason="You brought a file: most do so for a problem of their own.")
    if s.choice("project.kind") == "practice":
        yield Ask(BENCHMARK, judge=_judge_benchmark)
    yield Ask(STATEMENT, judge=_judge_statement, shows=(Words("For example", "\n".join(STATEMENTS)),))
    yield Ask(TODAY, judge=_judge_today, shows=(Words("For example", "\n".join(TODAYS)),))


def pace() -> Ask:
    return Ask(PACE, recommended="quick", reason="You can open any answer that was taken for you, and change it.")


def _judge_benchmark(score: Json) -> Judgement:
    if score is None:
        return Judgement((Objection(Level.NOTE, "Without a published score practice tells less."),))
    message = "Comparable only on the same split and metric; say in the why where it comes from."
    return Judgement((Objection(Level.NOTE, message),))


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


QUESTIONS = (PACE, KIND, BENCHMARK, STATEMENT, TODAY)
