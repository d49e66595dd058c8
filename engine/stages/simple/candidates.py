"""Which simple models compete."""

from __future__ import annotations

from collections.abc import Mapping

from engine.effects import Ask
from engine.models.catalogue import model_spec
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.stages.columns import listed
from engine.stages.simple.climbing import allowed_to_read

# Those of the catalogue's 4.5.1 that take part so far, by what the rows are made of.  On pixels a forest stands for the
# trees: with ten classes boosting takes 14 s a fit where it takes one (digits, 1,077 rows), and scores no better.
COMPETE: Mapping[str, tuple[str, ...]] = {
    "table": ("logistic", "ridge", "tree", "boosting"),
    "text": ("logistic", "complement_bayes", "ridge", "boosting"),
    "image": ("logistic", "ridge", "knn", "forest"),
}

CANDIDATES = Question(
    "simple.candidates",
    "Which simple models compete?",
    Form.CHOICES,
    whys=(
        Why("Why a linear model first?", "It runs as SQL, explains itself, and needs no GPU.", "S004; S000"),
        Why("Why name them before scoring?", "A race whose runners are added after the finish has no loser."),
        Why("Why these?", "{reason}", "Decision catalogue 4.5.1"),
    ),
    source="S004; S000: regression, trees; Kapoor & Narayanan 2023",
)

QUESTIONS = (CANDIDATES,)


def _competing(s: Session) -> tuple[str, ...]:
    names = COMPETE.get(s.material, COMPETE["table"])
    dense = s.choice("data.text") == "strings" and not s.undone("data.text")
    return tuple(n for n in names if n != "complement_bayes" or not dense)  # it takes counts, never below 0


def ask_candidates(s: Session) -> Ask:
    fitting = [model_spec(name) for name in _competing(s) if s.task in model_spec(name).tasks]
    must_read = s.choice("problem.interpretability") == "readable"
    offered = [spec for spec in fitting if not must_read or allowed_to_read(spec)]
    left_out = [spec.title for spec in fitting if spec not in offered]

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
        if "T4" in tiers and "T2" not in tiers:
            message = "Boosted trees without a linear model: nobody would know what the trees are for."
            return Judgement((Objection(Level.BLOCK, message),))
        if "T4" not in tiers and any(spec.tier == "T4" for spec in offered):
            return Judgement((Objection(Level.NOTE, "Without trees a network cannot be justified later."),))
        return Judgement(check=Check("candidates", len(choice), protocol="named before any is scored"))

    why = "One of each kind, from the simplest up; each must beat the one before it."
    if left_out:
        why += f" {listed(left_out)} cannot be read whole, as you require."
    if too_tiny:
        why = "Fewer than 50 rows, or 10 of the rarest class: only the baseline and a rule can be examined."
    return Ask(
        CANDIDATES,
        options=tuple(Option(spec.name, spec.title, spec.why, {"tier": spec.tier}) for spec in offered),
        recommended=[] if too_tiny else [spec.name for spec in offered],
        reason=why,
        judge=judge,
    )
