"""May it go to work?"""

from __future__ import annotations

from engine.effects import Ask
from engine.metrics import Metric, figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.stages.ladder import Candidate, interval

SHIP = Question(
    "simple.ship_now",
    "It reaches {x}; your line is {line}. Ship now and learn?",
    asks="person",
    options=(
        Option("ship", "Put it to use"),
        Option("pilot", "Put it to use on trial"),
        Option("improve", "Improve first"),
    ),
    whys=(
        Why(
            "Why ship early?",
            "In use it earns, shows what breaks in deployment, and brings more training data.",
            "S004",
        ),
        Why("Why this advice?", "{reason}"),
        Why("May I go on after shipping?", "Yes: as the next cycle, with this model as today's level."),
    ),
    source="S004 “kom i produktion”; Zinkevich, Rules of machine learning",
)

QUESTIONS = (SHIP,)


def ask_ship(s: Session, m: Metric, champion: Candidate) -> Ask:
    line = s.choice("problem.success")
    v = champion.exams.value
    end = v["low"] if m.higher_is_better else v["high"]
    if line is None:
        best_, why = "improve", "No success line was set."
    elif end is not None and m.oriented(end) >= m.oriented(line):
        best_, why = (
            "ship",
            f"Its whole interval ({interval(v['low'], v['high'])}) reaches your line of {figure(line)}.",
        )
    elif m.oriented(champion.value) >= m.oriented(line):
        best_, why = "pilot", f"Its score reaches your line of {figure(line)}, its interval not yet: on trial."
    else:
        best_, why = "improve", f"{figure(champion.value)} {m.title} does not reach your line of {figure(line)}."

    def judge(choice: Json) -> Judgement:
        check = Check(m.name, champion.value, v["low"], v["high"], line, "practice exams against the success line")
        if choice != "improve" and best_ == "improve":
            return Judgement((Objection(Level.HOLD, why, "M30"),), check)
        if choice == "improve" and best_ == "ship":
            return Judgement((Objection(Level.NOTE, "It may go to work now; improving can go on beside it."),), check)
        return Judgement(check=check)

    return Ask(
        SHIP,
        recommended=best_,
        reason=why,
        facts={"x": f"{figure(champion.value)} {m.title}", "line": "not set" if line is None else figure(line)},
        evidence=(champion.exams,),
        judge=judge,
    )
