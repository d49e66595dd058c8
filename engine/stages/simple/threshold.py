"""From which probability on somebody acts."""

from __future__ import annotations

from engine.effects import Ask
from engine.metrics import best_cut, figure
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json
from engine.session import Session
from engine.stages.columns import percent
from engine.stages.ladder import Candidate

THRESHOLD = Question(
    "improve.threshold",
    "From which probability on do you act?",
    Form.NUMBER,
    low=0,
    high=1,
    default=0.5,
    whys=(
        Why("Why not always 0.5?", "0.5 is right only when both mistakes cost the same.", "scikit-learn, threshold"),
        Why("Why this cut?", "{reason}"),
        Why(
            "Does it change the model?", "No: it moves the line between acting and not, after the probability is known."
        ),
    ),
    source="scikit-learn user guide, decision threshold; van den Goorbergh et al. 2022",
)

QUESTIONS = (THRESHOLD,)


def ask_threshold(s: Session, champion: Candidate) -> Ask:
    share = _positive_share(s, champion)
    rarest = min(share, 1 - share)
    cut = best_cut(s.costs) if s.costs else None
    if cut is not None:
        best_, why = round(cut, 4), f"The costs you gave make acting pay from a probability of {figure(cut)} on."
    elif rarest < 0.2:
        best_ = round(share, 4)
        why = f"No costs are known; act on whoever is likelier than the average row ({percent(share)})."
    else:
        best_, why = 0.5, "No costs are known and both classes are common: the likelier class is said."

    def judge(choice: Json) -> Judgement:
        check = Check("cut", choice, reference=cut, protocol="from the costs" if cut else "no costs known")
        if choice == 0.5 and rarest < 0.2 and cut != 0.5:
            rare = "positive" if share == rarest else "negative"
            message = f"With {percent(rarest)} of the rows {rare}, a cut at 0.5 finds few of them."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    return Ask(THRESHOLD, recommended=best_, reason=why, evidence=(champion.exams,), judge=judge)


def _positive_share(s: Session, champion: Candidate) -> float:
    rows = champion.exams.value.get("per_class") or []
    support = {str(row["label"]): row["support"] for row in rows}
    return support.get(str(s.choice("problem.positive")), 0) / (sum(support.values()) or 1) or 0.5
