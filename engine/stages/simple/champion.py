"""Which model has earned its place."""

from __future__ import annotations

from collections.abc import Sequence

from engine.effects import Ask
from engine.metrics import BY_NAME, Metric, figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Json
from engine.session import Session
from engine.stages.ladder import Candidate, ladder_view, per_class_view
from engine.stages.simple.climbing import broken_limit
from engine.views import View

TOO_GOOD = 0.99  # AUC, accuracy or R² from which a score wants an explanation (LK13)

CHAMPION = Question(
    "simple.champion",
    "Which model should the session carry forward?",
    asks="person",
    why_required=True,
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue 2.5, R1"),
        Why(
            "Why not the highest score?", "Of two equally good models the higher mean is luck half of the time: {luck}"
        ),
        Why("Why is simple better?", "Complexity adds knobs that break, and readers who give up.", "S000; S002"),
    ),
    source="S002; S000 “the simplest model that works”; Godbole et al. 2023",
)

QUESTIONS = (CHAMPION,)


def ask_champion(s: Session, m: Metric, start: Candidate, runners: Sequence[Candidate], winner: Candidate) -> Ask:
    choices = [start, *(c for c in runners if c.ok)]
    failed = [c for c in runners if not c.ok]

    def judge(choice: Json) -> Judgement:
        c = next(c for c in choices if c.name == choice)
        check = c.check(m, start.value, rung=c is not start)  # the baseline stands on the ladder already
        limit = broken_limit(s, c)
        if limit:
            return Judgement((Objection(Level.BLOCK, limit),), check)
        if c.spec.tier > winner.spec.tier:
            message = f"{(c.verdict or {}).get('sentence', 'It has not earned its complexity.')}"
            return Judgement((Objection(Level.HOLD, message, "M03"),), check)
        found = [Objection(Level.FLAG, good, "M25")] if (good := too_good(s, c)) else []
        if c.name != winner.name:
            message = f"{winner.title} is measurably better: {(winner.verdict or {}).get('sentence', '')}"
            found.append(Objection(Level.FLAG, message))
        return Judgement(tuple(found), check)

    beaten = [c for c in runners if c.ok and c.name != winner.name and c.verdict and c.spec.tier > winner.spec.tier]
    barred = {c.name: limit for c in choices if (limit := broken_limit(s, c))}
    earned = [c for c in beaten if c.name in barred and c.verdict and c.verdict["accepted"]]
    if winner.verdict:
        why = [winner.verdict["sentence"]]
    else:
        why = [f"No model {'within your limits ' if earned else ''}beat {start.title}."]
    for c in beaten:
        if c in earned:
            why.append(f"{c.title} earns it on score, but breaks a limit.")
        elif c.verdict:
            why.append(c.verdict["sentence"])
    why += barred.values()
    why += [f"{c.title} could not be examined: {c.exams.error}" for c in failed]
    views: list[View | None] = [
        ladder_view(m, choices, s.choice("problem.success")),
        *(per_class_view(c.exams) for c in choices if c.name == winner.name),
    ]
    return Ask(
        CHAMPION,
        options=tuple(c.option(m) for c in choices),
        recommended=winner.name,
        reason=" ".join(why),
        facts={"luck": "the corrected test accepts one in about twenty, the plain one about one in four."},
        evidence=tuple(c.exams for c in choices),
        shows=tuple(v for v in views if v is not None),
        judge=judge,
    )


def too_good(s: Session, c: Candidate) -> str:
    """LK13: a score that is seldom honest, in a sentence; empty where there is none (4.2.1).

    The AUC speaks for two classes only: of each of ten against the other nine it is near 1 for any fair model.
    """
    intervals = c.exams.value.get("intervals") or {}
    for name in (*(("roc_auc",) if s.task == "binary" else ()), "accuracy", "r2"):
        mean = (intervals.get(name) or [None])[0]
        if mean is not None and mean >= TOO_GOOD:
            said = f"{BY_NAME[name].title} {figure(mean)} is rarely honest"
            return f"{said}: say in the why what makes the problem so easy, or look for a column that knows the answer."
    return ""
